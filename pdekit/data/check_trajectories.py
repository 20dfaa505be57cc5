"""Tests of trajectories: each stored frame is advanced to the next one by the equation, and its budgets are drawn up."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from pdekit.data.advance import Advance, Arrival
from pdekit.data.check_steps import StepCheck
from pdekit.data.diagnostics import Diagnostics
from pdekit.data.disturbance import norm, rounding_of
from pdekit.data.disturbance import ratio as ratio_of
from pdekit.data.frames import Frame, FrameGrid
from pdekit.data.recipe import Recipe
from pdekit.data.report import Notes, note_frames
from pdekit.data.steps_needed import FIRST
from pdekit.errors import BadInput
from pdekit.problems.semilinear import Semilinear
from pdekit.registry import build_solver, read_card
from pdekit.space.dealiased import Dealiased
from pdekit.space.grid import Grid
from pdekit.steppers.spectral import PseudoSpectral

BLIND = 0.1  # of the change between frames: a bound above this excuses too much to say that anything was verified
ASSUMED = 1e-3  # error of the steps of one interval, of the change, in data that do not say what solver made them
OWN_STEPS = 0.05  # of the change: a solver whose steps err more over one interval verifies nothing
VALUES = 2**20  # of the fields of the samples that are advanced together
SAID = {"divergence": "the velocity has a divergence"}  # of a budget that is none


class TrajectoryCheck:
    """The tests of the trajectories of one split; what they say of the whole split is in `sentence` and `unverified`."""

    def __init__(
        self, problem: Semilinear, grid: Grid, times: np.ndarray, recipe: Recipe | None, split: str, notes: Notes
    ) -> None:
        self.problem, self.times, self.recipe, self.split, self.notes = problem, times, recipe, split, notes
        self.outputs = [spec.name for spec in problem.outputs]
        self.inputs = [spec.name for spec in problem.inputs]
        self.own = None if recipe is None else _solver_of(recipe, problem)
        solved = grid.points if recipe is None else recipe.grid_for(split).points
        factor = 1.0 if self.own is None else self.own.grid_factor
        self.where = FrameGrid(problem, grid, tuple(int(n * factor) for n in solved))
        self.count = FIRST
        self.worst, self.looked_at, self.blind = 0.0, 0, 0
        self.watched: set[str] = set()

    def look(self, values: Mapping[str, np.ndarray], parameters: list[str], numbers: np.ndarray) -> None:
        """Test samples {name: (n, ...)} whose numbers in the split are given, a bounded piece of them at a time."""
        size = max(VALUES // (len(self.outputs) * math.prod(self.where.grid.points)), 1)
        for i in range(0, len(numbers), size):
            some = slice(i, i + size)
            self._piece({name: u[some] for name, u in values.items()}, parameters, numbers[some])

    def _piece(self, values: Mapping[str, np.ndarray], parameters: list[str], numbers: np.ndarray) -> None:
        place = f"/{self.split}/{self.outputs[0]}"
        eps = rounding_of(values[self.outputs[0]])
        drawn = {name: np.asarray(values[name], dtype=np.float64) for name in parameters}
        further = {name: values[name] for name in self.inputs[len(self.outputs) :]}
        advance = Advance(self.where, drawn, self.own, eps)
        diagnostics = Diagnostics(self.where, list(values), eps)
        n, frames = len(numbers), len(self.times)
        bad = np.zeros((n, frames), dtype=bool)
        wrong: dict[str, np.ndarray] = {}

        def mark(text: str, k: int, which: np.ndarray) -> None:
            wrong.setdefault(text, np.zeros((n, frames), dtype=bool))[:, k] |= which

        def frame(k: int) -> Frame:
            fields = {name: values[name][:, k] for name in self.outputs}
            return self.where.frame({**fields, **further}, drawn, float(self.times[k]))

        before, counts = frame(0), np.full(n, self.count)
        for i in np.flatnonzero(self._start_differs(before, values, further, drawn, eps)):
            text = "the first frame is not the start that solvers are given"
            self.notes.sample("equation", place, text, int(numbers[i]))
        for k in range(frames):
            found = {name: values[name][:, k] for name in diagnostics.names}
            for name, ratio in diagnostics.ratios(before, found).items():
                mark(f"{name!r} is not that of the stored fields", k, ratio > 1)
            if k == frames - 1:
                break
            after = frame(k + 1)
            arrival = advance.between(before, after, counts)
            allowed, slack = self._allowed(advance, arrival, before, after.t)
            bad[:, k + 1] = ~(arrival.gap <= allowed)
            self._count(arrival, allowed, bad[:, k + 1])
            for name, budget in arrival.budgets.items():
                self.watched.add(name)
                over = ratio_of(budget.missing, budget.bound + slack.get(name, 0.0)) > 1
                mark(SAID.get(name, f"the budget of {name!r} is not kept"), k + 1, ~bad[:, k + 1] & over)
            before, counts = after, arrival.path.next
            if k == 0:
                self.count = int(np.sort(counts)[(len(counts) - 1) // 2])  # one of them: their mean may be odd
        note_frames(self.notes, bad, numbers, place, "{} not follow from the one before")
        for text, marks in wrong.items():
            note_frames(self.notes, marks, numbers, place, text + " in {}")

    def sentence(self) -> str:
        """What was verified; empty where nothing was."""
        if not self.looked_at:
            return ""
        kept = f"; budgets of {', '.join(sorted(self.watched))} along the way" if self.watched else ""
        return (
            f"equation: {self.problem.equation}: {self.looked_at} steps from frame to frame of {self.split} computed again, "
            f"errors up to {self.worst:.1e} of the change between frames would not be seen{kept}"
        )

    def unverified(self) -> list[str]:
        """What could not be verified, in words."""
        out = []
        if self.blind:
            out.append(
                f"{self.split}: {self.blind} steps between frames, over which rounding, left-out modes or steps may grow to "
                f"more than {BLIND:.0%} of the change"
            )
        return out

    def _start_differs(
        self,
        first: Frame,
        values: Mapping[str, np.ndarray],
        further: Mapping[str, np.ndarray],
        drawn: Mapping[str, np.ndarray],
        eps: float,
    ) -> np.ndarray:
        """(n,) where the stored inputs and the first frame are not one state, in the modes that every solver keeps."""
        where = self.where
        given = {name: values[into] for into, name in zip(self.inputs, self.outputs, strict=False)}
        start = self.problem.start(where.cases({**given, **further}, drawn), where.space)
        points = tuple(min(m, n) for m, n in zip(where.stored.points, where.solved, strict=True))
        low = Dealiased(points, where.stored.length, self.problem.degree)
        a, b = (low.backward(where.space.move(v, low)) for v in (start, first.state))
        return ~(norm(a - b) <= (4 * eps + 1e-13) * norm(b))

    def _allowed(
        self, advance: Advance, arrival: Arrival, before: Frame, t: float
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """The bound of each sample, and what the budgets are forgiven besides: where the rest does not suffice, the error of
        the solver's own steps up to time t."""
        allowed = arrival.allowed.copy()
        late = np.flatnonzero(~(arrival.gap <= allowed))
        if late.size == 0:
            return allowed, {}
        if self.recipe is None:
            allowed[late] += ASSUMED * arrival.change[late]
            forgiven = np.zeros(len(allowed))
            forgiven[late] = np.inf
            return allowed, dict.fromkeys(arrival.budgets, forgiven)
        own, quantities = advance.own_error(before[late], t, arrival.path.ends[late])
        believed = own <= OWN_STEPS * arrival.change[late]
        allowed[late] += np.where(believed, own, 0.0)
        slack = {name: np.zeros(len(allowed)) for name in quantities}
        for name, values in quantities.items():
            slack[name][late] = values
        return allowed, slack

    def _count(self, arrival: Arrival, allowed: np.ndarray, bad: np.ndarray) -> None:
        share = np.where(arrival.change > 0, allowed / np.maximum(arrival.change, 1e-300), 0.0)
        seen = ~bad & (share <= BLIND)
        self.looked_at += int(seen.sum())
        self.blind += int((~bad & ~seen).sum())
        self.worst = max(self.worst, float(share[seen].max(initial=0.0)))


def _solver_of(recipe: Recipe, problem: Semilinear) -> PseudoSpectral | None:
    card = read_card(recipe.solver)
    solver: Any = build_solver(card.model_copy(update={"settings": recipe.settings()}), recipe.solver)
    return solver.prepare(problem) if isinstance(solver, PseudoSpectral) else None


def check_of(
    problem: Any, grid: Grid | None, times: np.ndarray | None, recipe: Recipe | None, split: str, notes: Notes
) -> TrajectoryCheck | StepCheck | None:
    """The check of a split whose problem evolves, on a grid and at times that can be used; None where there is none."""
    if grid is None or times is None or len(times) < 2:
        return None
    if not isinstance(problem, Semilinear):
        return None if recipe is None else StepCheck(problem, grid, times, recipe, split, notes)
    try:
        problem.check_grid(grid)
    except BadInput as error:
        notes.file("form", f"/{split}", str(error).replace("\n", ";"))
        return None
    return TrajectoryCheck(problem, grid, times, recipe, split, notes)
