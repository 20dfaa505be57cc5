"""Tests of trajectories: each stored frame is advanced to the next one by the equation, and its budgets are drawn up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pdekit.data.advance import Advance, Arrival
from pdekit.data.advance import ratio as ratio_of
from pdekit.data.check_steps import StepCheck
from pdekit.data.recipe import Recipe
from pdekit.data.report import Notes, note_frames
from pdekit.errors import BadInput
from pdekit.problems.semilinear import Semilinear
from pdekit.registry import build_solver, read_card
from pdekit.space.dealiased import Dealiased
from pdekit.space.grid import Grid
from pdekit.steppers.spectral import PseudoSpectral

BLIND = 0.1  # of the change between frames: a bound above this excuses too much to say that anything was verified
ASSUMED = 1e-3  # error of the steps of one interval, of the change, in data that do not say what solver made them
OWN_STEPS = 0.05  # of the change: a solver whose steps err more over one interval verifies nothing


class TrajectoryCheck:
    """The tests of the trajectories of one split; what they say of the whole split is in `sentences` and `unverified`."""

    def __init__(
        self, problem: Semilinear, grid: Grid, times: np.ndarray, recipe: Recipe | None, split: str, notes: Notes
    ) -> None:
        self.problem, self.grid, self.times, self.recipe = problem, grid, times, recipe
        self.split, self.notes = split, notes
        self.outputs = [spec.name for spec in problem.outputs]
        self.inputs = [spec.name for spec in problem.inputs]
        self._advance: Advance | None = None
        self.worst, self.looked_at, self.blind = 0.0, 0, 0
        self.watched: set[str] = set()

    def look(self, values: Mapping[str, np.ndarray], parameters: list[str], numbers: np.ndarray) -> None:
        """Test samples {name: (n, ...)} whose numbers in the split are given."""
        place = f"/{self.split}/{self.outputs[0]}"
        advance = self._prepared(values)
        drawn = {name: np.asarray(values[name], dtype=np.float64) for name in parameters}
        further = {name: values[name] for name in self.inputs[len(self.outputs) :]}
        diagnostics = [name for extra in advance.extras for name in self._named(extra) if name in values]
        n, frames = len(numbers), len(self.times)
        bad = np.zeros((n, frames), dtype=bool)
        wrong: dict[str, np.ndarray] = {}

        def mark(text: str, k: int, which: np.ndarray) -> None:
            wrong.setdefault(text, np.zeros((n, frames), dtype=bool))[:, k] |= which

        def at(k: int, names: list[str]) -> dict[str, np.ndarray]:
            return {**{name: values[name][:, k] for name in names}, **further}

        for i in np.flatnonzero(self._start_differs(advance, values, further, drawn)):
            self.notes.sample(
                "equation", place, "the first frame is not the start that solvers are given", int(numbers[i])
            )
        for k in range(frames):
            frame, t = at(k, self.outputs), float(self.times[k])
            for name, ratio in advance.diagnostics(frame, at(k, diagnostics), drawn, t).items():
                mark(f"{name!r} is not that of the stored fields", k, ratio > 1)
            if k == frames - 1:
                break
            ends = (t, float(self.times[k + 1]))
            arrival = advance.between(frame, at(k + 1, self.outputs), drawn, ends)
            allowed, slack = self._allowed(advance, arrival, frame, drawn, ends)
            bad[:, k + 1] = ~(arrival.gap <= allowed)
            self._count(arrival, allowed, bad[:, k + 1])
            for name, (missing, bound) in arrival.budgets.items():
                self.watched.add(name)
                text = (
                    "the velocity has a divergence" if name == "divergence" else f"the budget of {name!r} is not kept"
                )
                mark(text, k + 1, ~bad[:, k + 1] & (ratio_of(missing, bound + slack.get(name, 0.0)) > 1))
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

    def _named(self, extra: str) -> list[str]:
        return [f"{name}_tendency" for name in self.outputs] if extra == "tendency" else [extra]

    def _prepared(self, values: Mapping[str, np.ndarray]) -> Advance:
        if self._advance is None:
            kind = values[self.outputs[0]].dtype
            rounding = float(np.finfo(kind).eps) / 2 if kind.kind == "f" else 0.0
            known = ["tendency", *(spec.name for spec in self.problem.extras)]
            extras = [e for e in known if any(name in values for name in self._named(e))]
            solved = self.grid.points if self.recipe is None else self.recipe.grid_for(self.split).points
            self._advance = Advance(self.problem, self.grid, solved, self._own(), rounding, extras)
        return self._advance

    def _own(self) -> PseudoSpectral | None:
        if self.recipe is None:
            return None
        card = read_card(self.recipe.solver)
        solver: Any = build_solver(card.model_copy(update={"settings": self.recipe.settings()}), self.recipe.solver)
        return solver.prepare(self.problem) if isinstance(solver, PseudoSpectral) else None

    def _start_differs(
        self, advance: Advance, values: Mapping[str, np.ndarray], further: Mapping[str, np.ndarray], drawn: Any
    ) -> np.ndarray:
        """(n,) where the stored inputs and the first frame are not one state, in the modes that every solver keeps."""
        given = {name: values[into] for into, name in zip(self.inputs, self.outputs, strict=False)}
        first = {name: values[name][:, 0] for name in self.outputs}
        states = [
            self.problem.start(advance.cases({**frame, **further}, drawn, None), advance.space)
            for frame in (given, first)
        ]
        points = tuple(min(m, n) for m, n in zip(self.grid.points, advance.solved, strict=True))
        low = Dealiased(points, self.grid.length, self.problem.degree)
        a, b = (low.backward(advance.space.move(v, low)) for v in states)
        gap = np.linalg.norm((a - b).reshape(len(a), -1), axis=1)
        scale = np.linalg.norm(b.reshape(len(b), -1), axis=1)
        return ~(gap <= (4 * advance.eps + 1e-13) * scale)

    def _allowed(
        self,
        advance: Advance,
        arrival: Arrival,
        before: Mapping[str, np.ndarray],
        drawn: Any,
        ends: tuple[float, float],
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """The bound of each sample, and what the budgets are forgiven besides: where the rest does not suffice, the error of
        the solver's own steps."""
        allowed = arrival.allowed.copy()
        late = np.flatnonzero(~(arrival.gap <= allowed))
        if late.size == 0:
            return allowed, {}
        if self.recipe is None:
            allowed[late] += ASSUMED * arrival.change[late]
            return allowed, {
                name: np.where(np.isin(np.arange(len(allowed)), late), np.inf, 0.0) for name in arrival.budgets
            }
        some = {name: u[late] for name, u in before.items()}
        own, quantities = advance.own_error(some, {name: p[late] for name, p in drawn.items()}, ends)
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
