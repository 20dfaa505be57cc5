"""Pseudo-spectral solver of semilinear equations on periodic boxes: one batch of samples advanced together."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from array_api_compat import array_namespace, is_numpy_namespace

from pdekit.errors import BadInput, SolveError, unknown_name
from pdekit.problems.semilinear import Semilinear
from pdekit.solution import Solution
from pdekit.solver import Instances
from pdekit.steppers import STEPPERS
from pdekit.steppers.device import check_device
from pdekit.steppers.march import step_counts
from pdekit.steppers.memory import keep_freed_memory
from pdekit.steppers.spectral_run import Run

CACHE = 2**18  # bytes of values of the fields of a batch: transforms and stages, ten times that, then stay in 2 or 3 MB


class PseudoSpectral:
    """Solver of problems that are `Semilinear`; trajectories at the times of the instances, the first of which is the start.

    scheme       a name in `pdekit.steppers.STEPPERS`
    dt           largest time step, in T: the steps are equal and the largest up to dt that meet every stored time; the
                 scheme "exact" goes from one stored time to the next and has none
    cfl          choose the step anew from the flow: at most cfl * spacing / largest speed, and at most dt
    rtol         choose it by the error of an embedded pair instead (rk32, rk54); with either, samples advance one by one, so
                 that the steps of one do not depend on the others
    grid_factor  at most 1: solve on that many times the points, a whole number of them per axis, answer by spectral interpolation
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
        if not _positive(grid_factor) or grid_factor > 1:
            raise BadInput.of("grid_factor of a solver.", found=repr(grid_factor), allowed="0 < grid_factor <= 1")
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
        if any(not (self.grid_factor * n).is_integer() for n in instances.grid.points):
            raise BadInput.of(
                f"grid_factor of solver {self.name!r} leaves no whole number of points.",
                found=f"{self.grid_factor:g} of {' x '.join(map(str, instances.grid.points))}",
                hint="0.5 and 0.75 suit multiples of 4",
            )
        if dtype not in ("float64", "float32"):
            raise unknown_name("precision of an answer", dtype, ("float64", "float32"))
        keep_freed_memory()
        points, batch = points or instances.grid.points, self._batch(instances)
        parts = [
            Run(self, instances[i : i + batch], points, extras, dtype).solution()
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


def _positive(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value > 0


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
