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
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pdekit.data.answers import cut
from pdekit.problems.semilinear import Linear, Semilinear
from pdekit.solver import Instances
from pdekit.space.dealiased import Dealiased
from pdekit.space.fourier import Fourier
from pdekit.space.grid import Grid
from pdekit.steppers.spectral import PseudoSpectral

NOISE = 4.0  # units of rounding in U'
SHARP = 1e-5  # of the change between frames: steps need not be finer
MOST = 2**14  # steps of an interval
PATH = 16  # at most so many parts of it, for the integrals of the rates
FLOOR = 1e-12  # of the field: what float64 loses on the way


@dataclass(frozen=True)
class Arrival:
    """What one interval gave, per sample (n,); `allowed` holds steps, rounding and cut modes.

    gap, allowed     |U - stored| and its bound, of the worst output
    change           |stored - stored before|, of that output
    budgets          {quantity: (2, n) what is missing from its budget, and the bound of that}; "divergence", where the problem
                     watches one, is the divergence itself
    """

    gap: np.ndarray
    allowed: np.ndarray
    change: np.ndarray
    budgets: dict[str, np.ndarray]


class Advance:
    """Advances frames of one split.

    stored    grid of the file
    solved    points of the grid that the data were computed on; those of `stored` where nobody says
    own       the solver that made the data, prepared; None where nobody says
    rounding  unit round-off of what is stored
    extras    names as in `storage.extras`
    """

    def __init__(
        self,
        problem: Semilinear,
        stored: Grid,
        solved: tuple[int, ...],
        own: PseudoSpectral | None,
        rounding: float,
        extras: Sequence[str] = (),
    ) -> None:
        self.problem, self.stored, self.eps = problem, stored, rounding
        factor = own.grid_factor if own is not None else 1.0
        self.own = copy.copy(own)
        if self.own is not None:
            self.own.grid_factor = 1.0  # `grid` is coarser by it already
        self.solved = tuple(int(n * factor) for n in solved)
        self.was_cut = any(n > m for n, m in zip(self.solved, stored.points, strict=True))
        points = self._points()
        self.grid = stored if points == stored.points else _with(stored, points)
        self.space = problem.space(self.grid)
        self.inputs = [spec.name for spec in problem.inputs]
        self.outputs = [spec.name for spec in problem.outputs]
        self.extras = tuple(extras)
        self.count = 2

    def _points(self) -> tuple[int, ...]:
        """As many as were solved on, but no more than keep every stored mode."""
        need = [(self.problem.degree + 1) * ((m - 1) // 2) + 1 for m in self.stored.points]
        sizes = zip(self.stored.points, self.solved, need, strict=True)
        return tuple(n if n <= m else max(m, min(n, k + k % 2)) for m, n, k in sizes)

    def lifted(self, u: np.ndarray) -> np.ndarray:
        """A stored field (n, *x) in float64 on the grid of the computation."""
        wide = np.asarray(u, dtype=np.float64)
        if self.grid is self.stored:
            return wide
        fourier = Fourier.of(self.stored)
        return fourier.values(fourier.forward(wide), self.grid.points)

    def state(self, cases: Instances) -> Any:
        """The modes of the start fields."""
        return self.problem.start(cases, self.space)

    def cases(
        self, fields: Mapping[str, np.ndarray], parameters: Mapping[str, np.ndarray], t: np.ndarray | None
    ) -> Instances:
        """Frames {output: (n, *x)}, and inputs that are no start, as cases on the grid of the computation."""
        starts = dict(zip(self.outputs, self.inputs, strict=False))
        return Instances(self.grid, {starts.get(k, k): self.lifted(u) for k, u in fields.items()}, parameters, t)

    def between(
        self,
        before: Mapping[str, np.ndarray],
        after: Mapping[str, np.ndarray],
        parameters: Mapping[str, np.ndarray],
        ends: tuple[float, float],
    ) -> Arrival:
        """Advance `before` {output or further input: (n, *x)} to `after`."""
        cases, last = self.cases(before, parameters, np.array(ends)), self.cases(after, parameters, None)
        path, steps = self._converged(cases, after)
        arrival = self._arrival(before, after, path, path, steps, self._budgets(cases, last, path, path, ends))
        if all((found <= bound).all() for found, bound in ((arrival.gap, arrival.allowed), *arrival.budgets.values())):
            return arrival
        near = self._solve(self._disturbed(cases), self.count)
        return self._arrival(before, after, path, near, steps, self._budgets(cases, last, path, near, ends))

    def _arrival(
        self,
        before: Mapping[str, np.ndarray],
        after: Mapping[str, np.ndarray],
        path: Mapping[str, np.ndarray],
        near: Mapping[str, np.ndarray],
        steps: Mapping[str, np.ndarray],
        budgets: dict[str, np.ndarray],
    ) -> Arrival:
        gaps, bounds, changes = [], [], []
        for name in self.outputs:
            end, other = self._stored(path[name][:, -1]), self._stored(near[name][:, -1])
            there = np.asarray(after[name], dtype=np.float64)
            gaps.append(_norm(end - there))
            bounds.append(steps[name] + _norm(end - other) + (2 * self.eps + FLOOR) * _norm(there))
            changes.append(_norm(there - before[name]))
        gap, allowed, change = np.stack(gaps), np.stack(bounds), np.stack(changes)
        worst = np.argmax(ratio(gap, allowed), axis=0), np.arange(gap.shape[1])
        return Arrival(gap[worst], allowed[worst], change[worst], budgets)

    def own_error(
        self, before: Mapping[str, np.ndarray], parameters: Any, ends: tuple[float, float]
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """What the recipe's own steps add: (n,) 2 |V - U| of the worst output, and the like of each quantity.

        Infinite where the solver is not known, or does not arrive.
        """
        n = len(next(iter(before.values())))
        if self.own is None:
            return np.full(n, np.inf), {}
        cases = self.cases(before, parameters, np.array(ends))
        mine, theirs = self._solve(cases, self.count), self.own.solve(cases).values
        gap = [_norm(self._stored(mine[k][:, -1]) - self._stored(theirs[k][:, -1])) for k in self.outputs]
        own = self.problem.bind(cases)
        q, r = (own.quantities(self._at(cases, path, -1), ends[1], self.space) for path in (mine, theirs))
        slack = {name: 2 * np.abs(np.asarray(q[name]) - np.asarray(r[name])) for name in q}
        return 2 * np.max(np.where(np.isfinite(gap), gap, np.inf), axis=0), slack

    def _converged(
        self, cases: Instances, after: Mapping[str, np.ndarray]
    ) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """The path {output: (n, parts + 1, *points)} by enough steps, and the error of its steps {output: (n,)}."""
        if isinstance(self.problem, Linear):
            self.count = PATH // 2
            path = self._solve(cases, self.count)
            return path, {name: np.zeros(len(cases)) for name in self.outputs}
        count = max(1, self.count // 2)
        coarse = self._solve(cases, count)
        while True:
            count *= 2
            path = self._solve(cases, count)
            error, enough = {}, True
            for into, name in zip(self.inputs, self.outputs, strict=False):
                with np.errstate(invalid="ignore"):
                    error[name] = 2 / 15 * _norm(path[name][:, -1] - coarse[name][:, -1])
                error[name] *= (_norm_of_points(self.stored) / _norm_of_points(self.grid)) ** 0.5
                there = np.asarray(after[name], dtype=np.float64)
                change = _norm(there - self._stored(cases.fields[into]))
                enough &= bool((error[name] <= np.maximum(self.eps * _norm(there), SHARP * change)).all())
            if enough or count >= MOST:
                self.count = count
                return path, error
            coarse = path

    def _solve(self, cases: Instances, count: int) -> dict[str, np.ndarray]:
        assert cases.times is not None
        begin, end = cases.times
        scheme = "exact" if isinstance(self.problem, Linear) else "etdrk4"
        solver = PseudoSpectral(scheme=scheme, dt=float(end - begin) / count).prepare(self.problem)
        asked = Instances(cases.grid, cases.fields, cases.parameters, np.linspace(begin, end, min(count, PATH) + 1))
        return solver.solve(asked, points=self.grid.points).values

    def _disturbed(self, cases: Instances) -> Instances:
        """U' at its start; where modes were cut, on the stored grid, whose own cut leaves the last modes out."""
        rng = np.random.default_rng(0)
        fields = {}
        for name, u in cases.fields.items():
            v = self._stored(u) if self.was_cut else u
            fields[name] = v + v * rng.choice([-1.0, 1.0], size=v.shape) * NOISE * self.eps
        grid = self.stored if self.was_cut else self.grid
        return Instances(grid, fields, cases.parameters, cases.times)

    def _stored(self, u: np.ndarray) -> np.ndarray:
        return cut(u, self.grid, self.stored.points)

    def diagnostics(
        self, frame: Mapping[str, np.ndarray], stored: Mapping[str, np.ndarray], parameters: Any, t: float
    ) -> dict[str, np.ndarray]:
        """{diagnostic: (n,) distance of `stored` to that of the frame, over its bound}."""
        cases = self.cases(frame, parameters, None)
        mine = self._extras(self.state(cases), cases, self.space, t)
        near = self._disturbed(cases)
        low = self.problem.space(near.grid)
        other = self._extras(self.problem.start(near, low), near, low, t)
        out = {}
        for name in mine:
            if name in stored:
                bound = _norm(mine[name] - other[name]) + (2 * self.eps + FLOOR) * _norm(mine[name])
                out[name] = ratio(_norm(mine[name] - stored[name]), bound)
        return out

    def _extras(self, v: Any, cases: Instances, space: Dealiased, t: float) -> dict[str, np.ndarray]:
        own, points = self.problem.bind(cases), self.stored.points
        out = {}
        for extra in self.extras:
            if extra == "tendency":
                rate = space.values(own.tendency(v, t, space), points)
                out |= {f"{name}_tendency": rate[:, c] for c, name in enumerate(self.outputs)}
            else:
                out[extra] = space.values(own.extra(extra, v, t, space), points)
        return out

    def _budgets(
        self, first: Instances, last: Instances, path: Any, near: Any, ends: tuple[float, float]
    ) -> dict[str, np.ndarray]:
        """Change of each quantity between the stored frames against the integral of its rate along the path (Simpson)."""
        own, space = self.problem.bind(first), self.space
        count = path[self.outputs[0]].shape[1] - 1
        times = np.linspace(*ends, count + 1)
        rates = [own.rates(self._at(first, path, k), t, space) for k, t in enumerate(times)]

        def watched(cases: Instances, t: float) -> dict[str, np.ndarray]:
            return own.quantities(self.state(cases), t, space)

        q0, q1 = watched(first, ends[0]), watched(last, ends[1])
        end = own.quantities(self._at(first, path, -1), ends[1], space)
        near0 = own.quantities(self._at(first, near, 0), ends[0], space)
        near1 = own.quantities(self._at(first, near, -1), ends[1], space)
        size = np.max([_norm(u) / u[0].size ** 0.5 for u in first.fields.values()], axis=0)
        out = {}
        for name in rates[0]:
            values = np.stack([np.broadcast_to(np.asarray(r[name], dtype=float), size.shape) for r in rates])
            fine, coarse = _simpson(values, ends), _simpson(values[::2], ends)
            scale = size if name.startswith("mean ") else np.maximum(np.abs(q0[name]), np.abs(q1[name]))
            bound = 2 * np.abs(fine - coarse) + (8 * self.eps + FLOOR) * scale
            bound += 4 * (np.abs(near0[name] - q0[name]) + np.abs(near1[name] - end[name]))
            out[name] = np.stack([np.abs(q1[name] - q0[name] - fine), bound])
        if "divergence" in q1:
            raw = Semilinear.start(own, last, space)  # the problem's own start would take it off
            fastest = sum((np.pi * n / ell) ** 2 for n, ell in zip(self.stored.points, self.stored.length, strict=True))
            found = own.quantities(raw, ends[1], space)["divergence"]
            out["divergence"] = np.stack([found, 2 * (self.eps + FLOOR) * size * fastest**0.5])
        return out

    def _at(self, cases: Instances, path: Any, k: int) -> Any:
        fields = {into: path[name][:, k] for into, name in zip(self.inputs, self.outputs, strict=False)}
        return self.state(Instances(cases.grid, {**cases.fields, **fields}, cases.parameters))


def _with(grid: Grid, points: tuple[int, ...]) -> Grid:
    return Grid.make(points, grid.length, location=grid.location, boundary="periodic", unit=grid.unit)


def _norm(u: np.ndarray) -> np.ndarray:
    """(n,) 2-norm of each sample."""
    return np.linalg.norm(np.asarray(u, dtype=np.float64).reshape(len(u), -1), axis=1)


def _norm_of_points(grid: Grid) -> int:
    return int(np.prod(grid.points))


def ratio(found: np.ndarray, bound: np.ndarray) -> np.ndarray:
    """found / bound; NaN counts as a violation, nothing over nothing does not."""
    tiny = np.finfo(np.float64).tiny
    with np.errstate(over="ignore", invalid="ignore"):
        out = found / (bound + tiny)
    return np.where(np.isfinite(out), out, np.inf)


def _simpson(values: np.ndarray, ends: tuple[float, float]) -> np.ndarray:
    """Integral over an interval of values (parts + 1, n) at equal distances, parts even; of one part by the trapezoid."""
    h = (ends[1] - ends[0]) / (len(values) - 1)
    if len(values) == 2:
        return h / 2 * (values[0] + values[1])
    return h / 3 * (values[0] + values[-1] + 4 * values[1:-1:2].sum(axis=0) + 2 * values[2:-1:2].sum(axis=0))
