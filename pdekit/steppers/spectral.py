"""Pseudo-spectral solver of semilinear equations on periodic boxes: one batch of samples advanced together."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from time import perf_counter
from typing import Any

import numpy as np
from array_api_compat import array_namespace, is_numpy_namespace, to_device

from pdekit.errors import BadInput, SolveError, unknown_name
from pdekit.problems.semilinear import Semilinear
from pdekit.solution import Solution, Status
from pdekit.solver import Instances
from pdekit.space.dealiased import Dealiased
from pdekit.steppers import STEPPERS
from pdekit.steppers.device import check_device, placed
from pdekit.steppers.march import March, march, march_adaptively, step_counts

CACHE = 2**18  # bytes of values of the fields of a batch: transforms and stages, ten times that, then stay in 2 or 3 MB


class PseudoSpectral:
    """Solver of problems that are `Semilinear`; trajectories at the times of the instances, the first of which is the start.

    scheme       a name in `pdekit.steppers.STEPPERS`
    dt           largest time step, in T: the steps are equal and the largest up to dt that meet every stored time; the
                 scheme "exact" goes from one stored time to the next and has none
    cfl          choose the step anew from the flow: at most cfl * spacing / largest speed, and at most dt
    rtol         choose it by the error of an embedded pair instead (rk32, rk54); with either, samples advance one by one, so
                 that the steps of one do not depend on the others
    grid_factor  1, 1/2, ...: solve on that many times the points, answer by spectral interpolation
    dealias      False keeps every mode below Nyquist, aliases and all: for comparison only
    batch        samples advanced together; None, of NumPy arrays, is as many as stay in the cache of a core (`CACHE`), of
                 tensors all
    device       "cpu", or "cuda": by torch, the same code; the answer comes back as NumPy arrays
    precision    "float64", or "float32" for fast looks: chaos makes another trajectory of its rounding
    """

    traits: frozenset[str] = frozenset({"evolution", "semilinear"})
    keeps_points = True  # `solve` can answer on other points

    def __init__(  # noqa: PLR0913  (the settings of a card, all but one with defaults)
        self,
        *,
        scheme: str = "etdrk4",
        dt: float | None = None,
        cfl: float | None = None,
        rtol: float | None = None,
        grid_factor: float = 1.0,
        dealias: bool = True,
        batch: int | None = None,
        device: str = "cpu",
        precision: str = "float64",
        name: str = "",
    ) -> None:
        if scheme not in STEPPERS:
            raise unknown_name("scheme of time steps", scheme, STEPPERS)
        if dt is None and scheme != "exact":
            raise BadInput.of(
                f"scheme {scheme!r} needs a time step.", found="no dt", allowed="dt > 0, in units of time"
            )
        for key, value in (("dt", dt), ("cfl", cfl), ("rtol", rtol)):
            if value is not None and not _positive(value):
                raise BadInput.of(f"{key} of a time step.", found=repr(value), allowed="a number > 0")
        if not (isinstance(grid_factor, int | float) and 0 < grid_factor <= 1 and math.log2(grid_factor).is_integer()):
            raise BadInput.of("grid_factor of a solver.", found=repr(grid_factor), allowed="1, 0.5, 0.25, ...")
        if batch is not None and (isinstance(batch, bool) or not isinstance(batch, int) or batch < 1):
            raise BadInput.of("batch of a solver.", found=repr(batch), allowed="an integer >= 1")
        if not isinstance(dealias, bool):
            raise BadInput.of("dealias of a solver.", found=repr(dealias), allowed="true, false")
        if cfl is not None and rtol is not None:
            raise BadInput.of(
                "two rules for one time step.", found=f"cfl = {cfl}, rtol = {rtol}", allowed="one of them"
            )
        rule = "cfl" if cfl is not None else "rtol" if rtol is not None else ""
        if rule and scheme == "exact":
            raise BadInput.of(f"scheme 'exact' takes no steps that {rule} could choose.", hint=f"leave {rule} out")
        if rtol is not None and not getattr(STEPPERS[scheme], "embedded", ()):
            raise BadInput.of(
                f"scheme {scheme!r} has no embedded pair that rtol could steer by.",
                allowed=", ".join(name for name, one in STEPPERS.items() if getattr(one, "embedded", ())),
                hint="give cfl, or dt alone",
            )
        if rule and batch not in (None, 1):
            raise BadInput.of(
                f"samples whose steps {rule} chooses advance one by one.",
                found=f"batch = {batch}",
                hint="leave batch out",
            )
        check_device(device, precision)
        self.device, self.precision = device, precision
        self.scheme, self.dt, self.cfl, self.rtol = scheme, math.inf if dt is None else float(dt), cfl, rtol
        self.grid_factor, self.dealias, self.batch = float(grid_factor), dealias, batch
        self.name = name or type(self).__name__
        self.problem: Any = None

    def prepare(self, problem: Any) -> PseudoSpectral:
        """Return self, ready for a problem. Raises BadInput where the problem or its form does not suit the scheme."""
        if not isinstance(problem, Semilinear):
            raise BadInput.of(
                f"solver {self.name!r} cannot serve problem {getattr(problem, 'name', problem)!r}.",
                found="the problem is not semilinear",
                hint="`pdekit list solvers` shows what each solver asks of a problem",
            )
        asked = "linear" if self.scheme == "exact" else "splitting" if STEPPERS[self.scheme].flow else ""
        if asked and asked not in problem.traits:
            raise BadInput.of(
                f"solver {self.name!r} cannot serve problem {problem.name!r}.",
                found=f"the problem is not {asked}, as scheme {self.scheme!r} asks",
                hint='scheme = "etdrk4" takes the linear part exactly and serves every semilinear problem',
            )
        if self.cfl is not None and type(problem).speed is Semilinear.speed:
            raise BadInput.of(
                f"problem {problem.name!r} names no speed, so a CFL number means nothing.", hint="give dt, or rtol"
            )
        self.problem = problem
        return self

    def check_times(self, times: np.ndarray) -> np.ndarray:
        """(t - 1,) steps between stored times. Raises BadInput where no step up to dt meets them all."""
        if self.scheme == "exact":
            return np.ones(len(times) - 1, dtype=int)
        return np.array(step_counts(list(times), self.dt, fit=True)[0])

    def telemetry(self, times: np.ndarray) -> tuple[tuple[Any, ...], ...]:
        """Nothing is noted step by step."""
        return ()

    def solve(
        self,
        instances: Instances,
        points: tuple[int, ...] | None = None,
        extras: tuple[str, ...] = (),
        dtype: str = "float64",
    ) -> Solution:
        """Trajectories {output: (n, t, *points)} at `instances.times`, NaN from where a sample is lost.

        points   of the answer, those of the grid by default: other points by spectral interpolation or truncation
        extras   further fields, "tendency" (one for each output) or of the problem's `extras`
        dtype    of the answer, "float32" or "float64"; each frame is cast as it comes, the run itself is in `precision`
        Status EVALUATED: no test was asked; NONFINITE, DIVERGED, BREAKDOWN where a sample was lost, `info["lost_at"]` says
        when. Raises SolveError before `prepare`, BadInput on times that cannot be reached.
        """
        if self.problem is None:
            raise SolveError(f"solver {self.name!r} was asked to solve before `prepare(problem)`")
        if instances.times is None or len(instances.times) < 2:
            raise BadInput.of(f"solver {self.name!r} needs two times or more.", found=str(instances.times))
        self.problem.check_grid(instances.grid)
        if dtype not in ("float64", "float32"):
            raise unknown_name("precision of an answer", dtype, ("float64", "float32"))
        _keep_freed_memory()
        points, batch = points or instances.grid.points, self._batch(instances)
        parts = [
            _Run(self, instances[i : i + batch], points, extras, dtype).solution()
            for i in range(0, len(instances), batch)
        ]
        return _joined(parts)

    def _batch(self, instances: Instances) -> int:
        if self.batch is not None or self.cfl is not None or self.rtol is not None:
            return self.batch or 1
        fields = [instances.fields[spec.name] for spec in self.problem.inputs]
        if self.device != "cpu" or not is_numpy_namespace(array_namespace(*fields)):
            return max(len(instances), 1)
        each = 8 * math.prod(instances.grid.points) * self.grid_factor**instances.grid.dim * len(self.problem.outputs)
        return max(int(CACHE / each), 1)


@dataclass
class _Run:
    """One batch on its way."""

    how: PseudoSpectral
    cases: Instances
    points: tuple[int, ...]
    extras: tuple[str, ...]
    dtype: str

    def solution(self) -> Solution:
        begin = perf_counter()
        how, problem = self.how, self.how.problem
        if how.device != "cpu":
            self.cases = placed(self.cases, how.device, how.precision)
        cases = self.cases
        given = self.how.problem.space(cases.grid) if how.dealias else Dealiased.of(cases.grid, 1)
        self.space = space = _coarser(given, how.grid_factor)
        self.fields: dict[str, Any] = {}
        v = problem.start(cases, given, how.precision)
        v = v if space is given else given.move(v, space)
        self.own = problem.bind(cases, like=v)
        self.L = problem.bind(cases).linear(space)
        ready = perf_counter()
        came = self._exact(v) if how.scheme == "exact" else self._march(v)
        values = {name: _host(array) for name, array in self.fields.items()}
        values = {name: np.asarray(u) for name, u in values.items()} if how.device != "cpu" else values
        seconds, n = perf_counter() - ready, len(cases)
        stages = 0 if how.scheme == "exact" else STEPPERS[how.scheme].stages
        return Solution(
            values=values,
            status=came.status,
            steps=np.full(n, came.steps),
            residuals=[np.zeros(0)] * n,
            true_residual=np.full(n, math.nan),
            seconds=np.full(n, seconds / n),
            setup_seconds=np.full(n, (ready - begin) / n),
            n_matvec=np.full(n, (came.steps + came.rejected) * stages),
            n_precond=np.zeros(n, dtype=int),
            info={"method": how.scheme, "lost_at": came.lost_at},
        )

    def _march(self, v: Any) -> March:
        how, times = self.how, list(self.cases.times)  # pyright: ignore[reportArgumentType]
        stepper, own, space = STEPPERS[how.scheme](), self.own, self.space
        if space.dim > 1 and np.real(self.L).max() > 0:
            _keep_real(stepper, space)

        def N(v: Any, t: float, h: float = 0.0) -> Any:
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


@cache
def _keep_freed_memory() -> None:
    """Let arrays of a step be made of memory that was used before, once in a process.

    glibc gives blocks above a threshold back to the system when they are freed, and every page of the next one costs a fault:
    a third of a right-hand side at 256^2. Freeing one block of nearly 32 MiB, never touched, raises that threshold to its size.
    """
    np.empty(31 * 2**20, np.uint8)


def _positive(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value > 0


def _coarser(space: Dealiased, factor: float) -> Dealiased:
    if factor == 1.0:
        return space
    points = tuple(int(n * factor) for n in space.points)
    return Dealiased(points, space.length, space.degree)


def _keep_real(stepper: Any, space: Dealiased) -> None:
    """Let every step end on coefficients of a real field, to the last bit.

    Rounding leaves v(-k) a little off conj v(k). N is made of real values and does not see that part: where L has growth it
    grows as exp(t L) for ever, and in the end it is all there is (Allen-Cahn at t ~ 40, Cahn-Hilliard at 0.2, measured).
    """
    step, with_error = stepper.step, getattr(stepper, "step_with_error", None)
    stepper.step = lambda v, t, N: space.modes.real(step(v, t, N))
    if with_error is not None:

        def both(v: Any, t: float, N: Any) -> Any:
            new, gap = with_error(v, t, N)
            return space.modes.real(new), gap

        stepper.step_with_error = both


def _host(u: Any) -> Any:
    return u if is_numpy_namespace(array_namespace(u)) else to_device(u, "cpu")


def _stacked(arrays: list[Any]) -> Any:
    return array_namespace(arrays[0]).concat(arrays)


def _joined(parts: list[Solution]) -> Solution:
    if len(parts) == 1:
        return parts[0]
    per_sample = ("steps", "true_residual", "seconds", "setup_seconds", "n_matvec", "n_precond")
    return Solution(
        values={name: _stacked([p.values[name] for p in parts]) for name in parts[0].values},
        status=[s for p in parts for s in p.statuses],
        residuals=[r for p in parts for r in p.residuals],
        info={"method": parts[0].info["method"], "lost_at": np.concatenate([p.info["lost_at"] for p in parts])},
        **{name: np.concatenate([getattr(p, name) for p in parts]) for name in per_sample},  # pyright: ignore
    )
