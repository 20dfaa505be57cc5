"""Runs over one interval between stored frames, in modes: ETDRK4 with a given number of steps, a linear problem exactly.

Samples are advanced in batches that stay in the cache of a core. Along the way the rates of the watched quantities are
integrated by Simpson's rule, so that no path need be kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from pdekit.problems.semilinear import Linear, Semilinear
from pdekit.solver import Instances
from pdekit.space.dealiased import Dealiased
from pdekit.space.grid import Grid
from pdekit.steppers.etdrk import ETDRK4
from pdekit.steppers.march import march
from pdekit.steppers.real_modes import grows
from pdekit.steppers.spectral import CACHE

PATH = 16  # at most so many parts of an interval, for the integrals
LINEAR = 8  # parts of it where steps have no error
MANY = 12  # step sizes whose coefficients are kept


@dataclass(frozen=True)
class Run:
    """ends (n, c, *modes), NaN where a sample was lost; integrals {quantity: (n, 2)} of the rates, by Simpson's rule on all
    parts of the interval and on every other point of them; none where none were asked for."""

    ends: np.ndarray
    integrals: dict[str, np.ndarray]


class Reruns:
    """Runs of samples that have `parameters` {name: (n,)}, from states in `space` on a grid."""

    def __init__(self, problem: Semilinear, space: Dealiased, grid: Grid, parameters: Mapping[str, np.ndarray]) -> None:
        self.problem, self.space, self.grid, self.parameters = problem, space, grid, parameters
        self.linear = isinstance(problem, Linear)
        self.stepper = None if self.linear else _Remembering(self.bound(slice(None)).linear(space), space)
        self.batch = max(CACHE // (8 * prod(grid.points) * len(problem.outputs)), 1)

    def bound(self, rows: Any) -> Any:
        """The problem with the parameters of some samples."""
        return self.problem.bind(Instances(self.grid, {}, {name: p[rows] for name, p in self.parameters.items()}))

    def run(
        self, states: np.ndarray, rows: np.ndarray, ends: tuple[float, float], count: int, watch: bool = False
    ) -> Run:
        """Advance the states (n, c, *modes) of samples `rows` from one time to the other by `count` steps; `watch` asks for
        the integrals."""
        out, integrals = np.empty_like(states), []
        for i in range(0, len(rows), self.batch):
            some = slice(i, i + self.batch)
            with np.errstate(over="ignore", invalid="ignore"):
                out[some], found = self._batch(states[some], rows[some], ends, count, watch)
            integrals.append(found)
        names = integrals[0] if integrals else {}
        return Run(out, {name: np.concatenate([found[name] for found in integrals]) for name in names})

    def _batch(
        self, v: np.ndarray, rows: np.ndarray, ends: tuple[float, float], count: int, watch: bool
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        own, rates = self.bound(rows), []
        times = np.linspace(*ends, (parts_of(LINEAR if self.linear else count) if watch else 1) + 1)

        def look(i: int, t: float, state: np.ndarray) -> None:
            if watch:
                found = own.rates(state, t, self.space)
                rates.append({name: np.broadcast_to(np.asarray(r, float), len(v)) for name, r in found.items()})

        if self.stepper is None:
            last = v
            for i, t in enumerate(times):
                last = own.propagate(v, float(t - times[0]), self.space) if i else v
                look(i, float(t), last)
        else:
            step, h = self.stepper.of(rows), (ends[1] - ends[0]) / count

            def N(v: Any, t: float) -> Any:
                return own.nonlinear(v, t, self.space)

            last = march(step, step.symbols, N, v, list(times), h, fit=True, output=look).values
        values = {name: np.stack([rate[name] for rate in rates]) for name in (rates[0] if rates else {})}
        return last, {name: np.stack([simpson(r, ends), simpson(r[::2], ends)], axis=1) for name, r in values.items()}


def parts_of(count: int) -> int:
    """Of how many equal parts of an interval the integrals are made: the largest even divisor of the steps up to PATH.

    Even, so that every second value reaches the end too. An odd number of steps has none: ValueError.
    """
    return max(parts for parts in range(2, PATH + 1, 2) if count % parts == 0)


def simpson(values: np.ndarray, ends: tuple[float, float]) -> np.ndarray:
    """Integral over an interval of values (parts + 1, n) at equal distances; of one part by the trapezoid, and where the
    number of parts is odd the last three by the 3/8 rule."""
    parts = len(values) - 1
    weights, h = np.zeros(parts + 1), (ends[1] - ends[0]) / parts
    even = parts - 3 * (parts % 2)
    if parts == 1:
        weights[:] = 1 / 2
    elif parts % 2:
        weights[even:] += np.array([3, 9, 9, 3]) / 8
    for i in range(0, even if parts > 1 else 0, 2):
        weights[i : i + 3] += np.array([1, 4, 1]) / 3
    return h * weights @ values


class _Remembering(ETDRK4):
    """ETDRK4 whose coefficients are made once for each sample and step size: they cost as much as some 20 steps of it.

    Step sizes that differ by the rounding of the times are one. Where L grows, every step ends on coefficients of a real
    field (steppers/real_modes.py).
    """

    def __init__(self, L: np.ndarray, space: Dealiased) -> None:
        self.space, self.all = space, L
        self.own = L.ndim > space.dim + 1 and len(L) > 1  # an L for each sample
        self.grows = grows(L, space)
        self.made: dict[str, tuple[float, np.ndarray, dict[str, np.ndarray]]] = {}
        self.rows: np.ndarray = np.zeros(1, dtype=int)

    def of(self, rows: np.ndarray) -> _Remembering:
        """This one, for a batch of those samples."""
        self.rows = rows if self.own else np.zeros(1, dtype=int)
        return self

    @property
    def symbols(self) -> np.ndarray:
        """L of the batch."""
        return self.all[self.rows] if self.own else self.all

    def prepare(self, L: Any, dt: float) -> _Remembering:
        """Take the coefficients of the batch, made now where they were not yet."""
        key = f"{dt:.12g}"
        if key not in self.made and len(self.made) == MANY:
            del self.made[next(iter(self.made))]
        first, ready, tables = self.made.setdefault(key, (dt, np.zeros(len(self.all) if self.own else 1, bool), {}))
        self.L, self.dt = L, first
        missing = self.rows[~ready[self.rows]]
        if missing.size:
            new = self.coefficients(first * (self.all[missing] if self.own else self.all))
            for name, array in new.items():
                if self.own:
                    tables.setdefault(name, np.empty((len(self.all), *array.shape[1:]), array.dtype))[missing] = array
                else:
                    tables[name] = array
            ready[missing] = True
        self._tables = {first: {name: array[self.rows] if self.own else array for name, array in tables.items()}}
        self._cast = {}
        return self

    def step(self, v: Any, t: float, N: Any) -> Any:
        """One step of size dt."""
        new = super().step(v, t, N)
        return self.space.modes.real(new) if self.grows else new
