"""One batch of samples from its start fields to its frames, by a pseudo-spectral solver."""

from __future__ import annotations

import math
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from array_api_compat import array_namespace, is_numpy_namespace, to_device

from pdekit.solution import Solution, Status
from pdekit.solver import Instances
from pdekit.space.dealiased import Dealiased
from pdekit.steppers import STEPPERS
from pdekit.steppers.device import placed
from pdekit.steppers.march import March, march, march_adaptively
from pdekit.steppers.real_modes import RealModes, grows


@dataclass
class Run:
    """One batch on its way through `how`, a prepared `PseudoSpectral`, whose other arguments are those of its `solve`."""

    how: Any
    cases: Instances
    points: tuple[int, ...]
    extras: tuple[str, ...]
    dtype: str

    def solution(self) -> Solution:
        """March, and the frames on the host."""
        begin = perf_counter()
        how, problem = self.how, self.how.problem
        if how.device != "cpu":
            self.cases = placed(self.cases, how.device, how.precision)
        cases = self.cases
        given = self.how.problem.space(cases.grid) if how.dealias else Dealiased.of(cases.grid, 1)
        self.space = space = _coarser(given, how.grid_factor)
        self.fields: dict[str, Any] = {}
        self.calls = 0  # of the right-hand side, of all samples at once
        v = problem.start(cases, given, how.precision)
        v = v if space is given else given.move(v, space)
        self.own = problem.bind(cases, like=v)
        self.L = problem.bind(cases).linear(space)
        ready = perf_counter()
        came = self._exact(v) if how.scheme == "exact" else self._march(v)
        values = {name: _host(array) for name, array in self.fields.items()}
        values = {name: np.asarray(u) for name, u in values.items()} if how.device != "cpu" else values
        seconds, n = perf_counter() - ready, len(cases)
        return Solution(
            values=values,
            status=came.status,
            steps=np.full(n, came.steps),
            residuals=[np.zeros(0)] * n,
            true_residual=np.full(n, math.nan),
            seconds=np.full(n, seconds / n),
            setup_seconds=np.full(n, (ready - begin) / n),
            n_matvec=np.full(n, self.calls),
            n_precond=np.zeros(n, dtype=int),
            info={"method": how.scheme, "lost_at": came.lost_at},
        )

    def _march(self, v: Any) -> March:
        how, times = self.how, list(self.cases.times)  # pyright: ignore[reportArgumentType]
        stepper: Any = STEPPERS[how.scheme]()
        own, space = self.own, self.space
        if grows(self.L, space):
            stepper = RealModes(stepper, space)

        def N(v: Any, t: float, h: float = 0.0) -> Any:
            self.calls += 1
            return own.flow(v, t, h, space) if stepper.flow else own.nonlinear(v, t, space)

        if how.cfl is None and how.rtol is None:
            return march(stepper, self.L, N, v, times, how.dt, fit=True, output=self._keep)
        spacing = min(ell / n for ell, n in zip(space.length, space.points, strict=True))
        cfl = how.cfl
        limit = None if cfl is None else lambda v, t: cfl * spacing / max(float(own.speed(v, space).max()), 1e-300)
        return march_adaptively(stepper, self.L, N, v, times, how.dt, rtol=how.rtol, limit=limit, output=self._keep)

    def _exact(self, v: Any) -> March:
        own = self.how.problem.bind(self.cases)  # on the host, where its tables are made
        times = self.cases.times
        assert times is not None
        last = v
        for i, t in enumerate(times):
            last = own.propagate(v, float(t - times[0]), self.space) if i else v
            self._keep(i, float(t), last)
        xp = array_namespace(v)
        finite = np.asarray(to_device(xp.all(xp.reshape(xp.isfinite(v), (v.shape[0], -1)), axis=1), "cpu"))
        status = [Status.EVALUATED if ok else Status.NONFINITE_INPUT for ok in finite]
        return March(v, status, np.where(finite, math.nan, times[0]), len(times) - 1)

    def _keep(self, i: int, t: float, v: Any) -> None:
        names = [spec.name for spec in self.how.problem.outputs]
        self._store(i, names, v)
        for extra in self.extras:
            if extra == "tendency":
                self._store(i, [f"{name}_tendency" for name in names], self.own.tendency(v, t, self.space, self._L(v)))
            else:
                self._store(i, [extra], self.own.extra(extra, v, t, self.space)[:, None])

    def _L(self, v: Any) -> Any:
        xp = array_namespace(v)
        return xp.asarray(self.L, device=v.device) if not is_numpy_namespace(xp) else self.L

    def _store(self, i: int, names: list[str], v: Any) -> None:
        u = self.space.values(v, self.points)
        xp, times = array_namespace(u), self.cases.times
        assert times is not None
        for c, name in enumerate(names):
            if name not in self.fields:
                self.fields[name] = xp.full(
                    (u.shape[0], len(times), *self.points), math.nan, dtype=getattr(xp, self.dtype), device=u.device
                )
            self.fields[name][:, i] = u[:, c]


def _coarser(space: Dealiased, factor: float) -> Dealiased:
    if factor == 1.0:
        return space
    points = tuple(int(n * factor) for n in space.points)
    return Dealiased(points, space.length, space.degree)


def _host(u: Any) -> Any:
    return u if is_numpy_namespace(array_namespace(u)) else to_device(u, "cpu")
