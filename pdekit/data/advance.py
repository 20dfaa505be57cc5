"""One interval between stored frames, computed again: where the earlier frame leads to, and how well that can be known.

The earlier frame is advanced by ETDRK4 (a linear problem by its exact propagator) on the stored grid, refined where less was
stored than solved, so that every stored mode is kept. What true data may differ by is measured, not assumed:

    steps      |U_c - U_c/2| (2/15), U_c the end after c steps; c is doubled until this is below rounding or 1e-5 of the change
    rounding   2 units of it at the end, and where that does not suffice |U - U'|, U' from the same frame with 4 units of
               rounding added at random: it grows as the flow makes it grow
    cut modes  where less was stored than solved, U' keeps two thirds of the stored modes (degree 2) from start to end. That
               is a bound as long as the spectrum falls: what lies beyond the stored modes then does less than the last third.
               To leave the third out of the start alone is none: a steepening front makes it anew at once
    own steps  only where the rest does not suffice: 2 |V - U|, V the end by the recipe's own scheme and step

Each sample is given the steps that it needs and the looks that it needs: U' is made for those that are over a bound without
it; of those still over, and of those whose integrals are too coarse to say, some are looked at once more with twice the steps.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from pdekit.data.answers import cut
from pdekit.data.budgets import Budget, budgets
from pdekit.data.disturbance import FLOOR, norm, ratio
from pdekit.data.frames import Frame, FrameGrid
from pdekit.data.reruns import PATH, Reruns
from pdekit.data.steps_needed import Path, converged, finer
from pdekit.steppers.spectral import PseudoSpectral

LOWER_ORDER = (
    6.5  # times the error that is believed: it is 15/2 times that, at most, where errors fall as 1/c, not 1/c^4
)


@dataclass(frozen=True)
class Arrival:
    """What one interval gave, per sample (n,); `allowed` holds steps, rounding and cut modes.

    gap, allowed     |U - stored| and its bound, of the worst output
    change           |stored - stored before|, of that output
    budgets          {quantity: Budget}; "divergence", where the problem watches one, is the divergence itself
    path             how U was reached
    """

    gap: np.ndarray
    allowed: np.ndarray
    change: np.ndarray
    budgets: dict[str, Budget]
    path: Path

    @property
    def over(self) -> np.ndarray:
        """(n,) whether a bound is exceeded."""
        return np.any([~(self.gap <= self.allowed), *(~(b.missing <= b.bound) for b in self.budgets.values())], axis=0)

    @property
    def open(self) -> np.ndarray:
        """(n,) whether more steps could change what is said: a gap that errors of a lower order would explain, a budget that is
        not kept though the frame is, or an integral that makes up most of the bound of a budget."""
        here, none = self.gap <= self.allowed, np.zeros(len(self.gap), dtype=bool)
        broken = np.any([none, *(~(b.missing <= b.bound) for b in self.budgets.values())], axis=0)
        mostly = np.any([none, *(b.quadrature > b.known for b in self.budgets.values())], axis=0)
        nearly = ~here & (self.gap <= self.allowed + LOWER_ORDER * self.path.steps.max(axis=1))
        return nearly | here & (broken | mostly & (self.path.counts < PATH))

    def put(self, index: np.ndarray, other: Arrival) -> None:
        """Replace what is known of some samples."""
        for mine, its in ((self.gap, other.gap), (self.allowed, other.allowed), (self.change, other.change)):
            mine[index] = its
        for name, budget in self.budgets.items():
            budget.put(index, other.budgets[name])
        self.path.put(index, other.path)


class Advance:
    """Advances frames of a batch of samples.

    where       the grid of the computation
    parameters  {name: (n,)} of the batch
    own         the solver that made the data, prepared; None where nobody says
    eps         unit round-off of what is stored
    """

    def __init__(
        self, where: FrameGrid, parameters: Mapping[str, np.ndarray], own: PseudoSpectral | None, eps: float
    ) -> None:
        self.where, self.problem, self.parameters, self.eps = where, where.problem, parameters, eps
        self.own = copy.copy(own)
        if self.own is not None:
            self.own.grid_factor = 1.0  # the grid of the computation is coarser by it already
        self.runs = Reruns(self.problem, where.space, where.grid, parameters)
        low = self.problem.space(where.near_grid)
        self.low = self.runs if low == where.space else Reruns(self.problem, low, where.near_grid, parameters)

    def between(self, a: Frame, b: Frame, counts: np.ndarray) -> Arrival:
        """Advance frame a to frame b; `counts` (n,) are steps to begin with, as `Path.next` of the interval before has them."""
        path = converged(self.runs, self.where.stored, (a, b), self.eps, counts)
        arrival = self._arrival(a, b, path, None)
        late = np.flatnonzero(arrival.over)
        if late.size:
            near = self._near(a[late], b.t, path.counts[late])
            arrival.put(late, self._arrival(a[late], b[late], path[late], near))
        again = late[arrival.open[late]]
        if again.size and not self.runs.linear:
            path = finer(self.runs, self.where.stored, (a[again], b[again]), self.eps, arrival.path[again])
            near = self._near(a[again], b.t, path.counts)
            path = replace(path, next=arrival.path.next[again])
            arrival.put(again, self._arrival(a[again], b[again], path, near))
        return arrival

    def _arrival(self, a: Frame, b: Frame, path: Path, near: tuple[np.ndarray, np.ndarray] | None) -> Arrival:
        where, own = self.where, self.runs.bound(a.rows)
        end = where.at_stored(path.ends)
        other = end if near is None else where.at_stored(near[1])
        gaps, bounds, changes = [], [], []
        for c, name in enumerate(where.outputs):
            there = b.stored[name]
            gaps.append(norm(end[name] - there))
            bounds.append(path.steps[:, c] + norm(end[name] - other[name]) + (2 * self.eps + FLOOR) * norm(there))
            changes.append(norm(there - a.stored[name]))
        gap, allowed, change = np.stack(gaps), np.stack(bounds), np.stack(changes)
        worst = np.argmax(ratio(gap, allowed), axis=0), np.arange(gap.shape[1])
        apart = {}
        if near is not None:
            first, last = where.quantities(own, near[0], a.t), where.quantities(own, near[1], b.t)
            mine = where.quantities(own, path.ends, b.t)
            apart = {k: np.abs(first[k] - a.quantities[k]) + np.abs(last[k] - mine[k]) for k in mine}
        kept = budgets(where, own, (a, b), path.integrals, apart, self.eps)
        return Arrival(gap[worst], allowed[worst], change[worst], kept, path)

    def _near(self, a: Frame, t: float, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The start of U' and its end, by the same steps as U."""
        low, space = self.low, self.where.space
        start = self.problem.start(self.where.near(a, self.eps), low.space)
        end = np.empty_like(start)
        for count in np.unique(counts):
            rows = np.flatnonzero(counts == count)
            end[rows] = low.run(start[rows], a.rows[rows], (a.t, t), int(count)).ends
        return (start, end) if low is self.runs else (low.space.move(start, space), low.space.move(end, space))

    def own_error(self, a: Frame, t: float, ends: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """What the recipe's own steps add up to time t: (n,) 2 |V - U| of the worst output, and the like of each quantity.

        ends (n, c, *modes) of U. Infinite where the solver is not known, or does not arrive.
        """
        if self.own is None:
            return np.full(len(ends), np.inf), {}
        where, own = self.where, self.runs.bound(a.rows)
        given = replace(a.cases, times=np.array([a.t, t]))
        last = {name: u[:, -1] for name, u in self.own.solve(given).values.items()}
        mine = where.at_stored(ends)
        gap = [norm(mine[name] - cut(last[name], where.grid, where.stored.points)) for name in where.outputs]
        pairs = zip(where.inputs, where.outputs, strict=False)
        theirs = replace(a.cases, fields={**a.cases.fields, **{into: last[name] for into, name in pairs}})
        q, r = (where.quantities(own, v, t) for v in (ends, self.problem.start(theirs, where.space)))
        slack = {name: 2 * np.abs(q[name] - r[name]) for name in q}
        return 2 * np.max(np.where(np.isfinite(gap), gap, np.inf), axis=0), slack
