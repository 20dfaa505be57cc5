"""The answer to a batch of cases as it is stored: a steady solve; or the warm-up, then the stored times, on the stored points."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pdekit.solution import Solution, Status
from pdekit.solver import Instances
from pdekit.space.dealiased import Dealiased
from pdekit.space.grid import Grid


@dataclass(frozen=True)
class Answer:
    """What came of a batch.

    solution   on the stored points; `info["lost_at"]` (n,) where the solver says it
    asked      the cases as they were solved, on the solver's grid; after a warm-up its end is their start
    stored     the inputs {name: (n, *x)} on the stored points
    """

    solution: Solution
    asked: Instances
    stored: dict[str, np.ndarray]


class Answerer:
    """Asks a prepared solver for what a split of a recipe stores.

    start    end of the warm-up in T, which begins at 0; None for steady problems
    grid     the stored one
    extras   names of diagnostics
    """

    def __init__(self, problem: Any, solver: Any, *, start: float | None, grid: Grid, extras: tuple[str, ...]) -> None:
        self.problem, self.solver, self.start, self.grid, self.extras = problem, solver, start, grid, extras

    def answer(self, cases: Instances) -> Answer:
        """The answer to drawn cases. A failed solve is a status in it."""
        if self.start is None:
            return Answer(self.solver.solve(cases), cases, dict(cases.fields))
        first = self._warmed_up(cases) if self.start > 0 else None
        asked = cases if first is None else self._from_the_end_of(first, cases)
        if getattr(self.solver, "keeps_points", False):
            solution = self.solver.solve(asked, points=self.grid.points, extras=self.extras)
        else:
            solution = self.solver.solve(asked)
        stored = {name: cut(u, cases.grid, self.grid.points) for name, u in asked.fields.items()}
        return Answer(solution if first is None else _both(first, solution), asked, stored)

    def _warmed_up(self, cases: Instances) -> Solution:
        assert self.start is not None
        return self.solver.solve(replace(cases, times=np.array([0.0, self.start])))

    def _from_the_end_of(self, first: Solution, cases: Instances) -> Instances:
        """Input i is the start of output i (`Semilinear`); what is no start stays as it was drawn."""
        pairs = zip(self.problem.inputs, self.problem.outputs, strict=False)
        starts = {into.name: np.ascontiguousarray(first.values[out.name][:, -1]) for into, out in pairs}
        return replace(cases, fields={**cases.fields, **starts})


def cut(u: np.ndarray, grid: Grid, points: tuple[int, ...]) -> np.ndarray:
    """A field (n, *x) on fewer points of its periodic box: the modes below their Nyquist, the others dropped, not folded."""
    if points == grid.points:
        return u
    space = Dealiased.of(grid, 1)
    return space.values(space.forward(np.asarray(u, dtype=np.float64)), points)


def _both(first: Solution, then: Solution) -> Solution:
    """One solution of two in a row: what the warm-up lost keeps its status and time; steps and seconds add up."""
    n = len(first.statuses)
    failed = [a.failed for a in first.statuses]
    status: list[Status] = [a if bad else b for a, b, bad in zip(first.statuses, then.statuses, failed, strict=True)]
    info = dict(then.info)
    if "lost_at" in info:
        info["lost_at"] = np.where(failed, first.info["lost_at"], info["lost_at"])

    def total(name: str) -> np.ndarray:
        return np.broadcast_to(getattr(first, name), (n,)) + np.broadcast_to(getattr(then, name), (n,))

    sums = ("steps", "seconds", "setup_seconds", "n_matvec", "n_precond")
    return replace(then, status=status, info=info, **{name: total(name) for name in sums})
