"""Tests of trajectories whose equation has no spectral form: each frame is advanced to the next by the recipe's own solver.

That the steps themselves are fine enough is not tested by it (`reference_error` says that); that the frames are those of the
equation, its operator and its solver, in their order, is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pdekit.data.disturbance import FLOOR, disturbed, norm, rounding_of
from pdekit.data.recipe import Recipe
from pdekit.data.report import Notes, note_frames
from pdekit.problems.evolution import Evolution
from pdekit.registry import build_solver, read_card
from pdekit.solver import Instances
from pdekit.space.grid import Grid

PER_STEP = 10.0  # rtol that the linear systems of one step may add


class StepCheck:
    """The tests of the trajectories of one split."""

    def __init__(
        self, problem: Evolution, grid: Grid, times: np.ndarray, recipe: Recipe, split: str, notes: Notes
    ) -> None:
        self.problem, self.grid, self.times, self.recipe, self.split, self.notes = (
            problem,
            grid,
            times,
            recipe,
            split,
            notes,
        )
        self.pairs = {o.name: i.name for i, o in zip(problem.inputs, problem.outputs, strict=False)}
        card = read_card(recipe.solver)
        solver: Any = build_solver(card.model_copy(update={"settings": recipe.settings()}), recipe.solver)
        self.solver = solver.prepare(problem)
        self.looked_at, self.worst = 0, 0.0

    def look(self, values: Mapping[str, np.ndarray], parameters: list[str], numbers: np.ndarray) -> None:
        """Test samples {name: (n, ...)} whose numbers in the split are given."""
        place = f"/{self.split}/{next(iter(self.pairs))}"
        drawn = {name: np.asarray(values[name], dtype=np.float64) for name in parameters}
        further = {s.name: values[s.name] for s in self.problem.inputs if s.name not in self.pairs.values()}
        eps = rounding_of(values[next(iter(self.pairs))])
        for name, into in self.pairs.items():
            gap = np.abs(np.asarray(values[into], dtype=np.float64) - values[name][:, 0])
            size = np.abs(values[name][:, 0]).reshape(len(numbers), -1).max(axis=1)
            for i in np.flatnonzero(~(gap.reshape(len(numbers), -1).max(axis=1) <= 2 * eps * size)):
                text = "the first frame is not the start that solvers are given"
                self.notes.sample("equation", place, text, int(numbers[i]))
        bad = np.zeros((len(numbers), len(self.times)), dtype=bool)
        for k in range(len(self.times) - 1):
            before = {into: np.asarray(values[name][:, k], np.float64) for name, into in self.pairs.items()}
            times = self.times[k : k + 2]
            runs = [
                self.solver.solve(Instances(self.grid, {**start, **further}, drawn, times))
                for start in (before, disturbed(before, eps))
            ]
            steps = np.broadcast_to(np.asarray(self.solver.check_times(times), dtype=float).sum(), len(numbers))
            for name, into in self.pairs.items():
                there = np.asarray(values[name][:, k + 1], dtype=np.float64)
                end = norm(runs[0].values[name][:, -1] - there)
                spread = norm(runs[0].values[name][:, -1] - runs[1].values[name][:, -1])
                solved = PER_STEP * self.recipe.settings().get("rtol", 0.0) * steps
                allowed = spread + (2 * eps + FLOOR + solved) * norm(there)
                bad[:, k + 1] |= ~(end <= allowed)
                self._count(allowed, norm(there - before[into]), bad[:, k + 1])
        note_frames(self.notes, bad, numbers, place, "{} not follow from the one before")

    def sentence(self) -> str:
        """What was verified."""
        return (
            f"equation: {self.problem.equation}: {self.looked_at} steps from frame to frame of {self.split} computed again "
            f"by {self.recipe.solver!r}, errors up to {self.worst:.1e} of the change between frames would not be seen"
        )

    def unverified(self) -> list[str]:
        """What could not be verified, in words."""
        return [f"{self.split}: whether the time steps of {self.recipe.solver!r} are fine enough; see reference_error"]

    def _count(self, allowed: np.ndarray, change: np.ndarray, bad: np.ndarray) -> None:
        self.looked_at += int((~bad).sum())
        share = (allowed / np.maximum(change, 1e-300))[~bad]
        self.worst = max(self.worst, float(share.max(initial=0.0)))
