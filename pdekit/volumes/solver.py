"""Finite-volume solver of conservation laws: trajectories with shocks, one sample after the other."""

from __future__ import annotations

import math
from time import perf_counter
from typing import Any

import numpy as np

from pdekit.errors import BadInput, SolveError, unknown_name
from pdekit.problems.conservation_law import ConservationLaw
from pdekit.solution import Solution, Status
from pdekit.solver import Instances
from pdekit.space.cell_means import rescale
from pdekit.volumes.compiled import Compiled, has_kernels
from pdekit.volumes.literal import GONE, NEAR, Method
from pdekit.volumes.reconstruction import RECONSTRUCTIONS, epsilons


class FiniteVolume:
    """Solver of problems that are a `ConservationLaw`; cell means at the times of the instances, the first is the start.

    reconstruction   a name in `pdekit.volumes.reconstruction.RECONSTRUCTIONS`
    flux             a name that the law's `riemann` knows; "" takes the first of its `fluxes`
    cfl              step from the flow: dt times the largest cell's sum over axes of speed/h + 8/3 nu/h^2, at most 1. Each
                     sample has its own steps; below 0.5 limiters bring no new extrema
    dt               no step is longer, to 1e-5 of it, in T; left out: cfl alone decides
    grid_factor      1/2, 1/4, ..., 2, ...: solve on that many times the cells along each axis, answer in means on the grid
    compiled         False takes the literal NumPy form, which laws without kernels take anyway

    A step that would leave what is admissible (a height below 0) is taken again at half its length; where that never helps
    the sample is lost, a status.
    """

    traits: frozenset[str] = frozenset({"evolution", "conservation-law"})

    def __init__(
        self,
        *,
        reconstruction: str = "weno5",
        flux: str = "",
        cfl: int | float = 0.4,
        dt: int | float | None = None,
        grid_factor: int | float = 1.0,
        compiled: bool = True,
        name: str = "",
    ) -> None:
        if reconstruction not in RECONSTRUCTIONS:
            raise unknown_name("reconstruction of values at faces", str(reconstruction), RECONSTRUCTIONS)
        if not (_number(cfl) and 0 < cfl <= 1):
            raise BadInput.of("cfl of a finite-volume step.", found=repr(cfl), allowed="a number above 0, at most 1")
        if dt is not None and not (_number(dt) and dt > 0):
            raise BadInput.of("dt of a time step.", found=repr(dt), allowed="a number > 0")
        if not (_number(grid_factor) and grid_factor > 0 and math.log2(grid_factor).is_integer()):
            raise BadInput.of(
                "grid_factor of a solver.", found=repr(grid_factor), allowed="..., 0.25, 0.5, 1, 2, 4, ..."
            )
        if not isinstance(compiled, bool):
            raise BadInput.of("compiled of a solver.", found=repr(compiled), allowed="true, false")
        self.reconstruction, self.flux, self.cfl = reconstruction, flux, float(cfl)
        self.dt = math.inf if dt is None else float(dt)
        self.grid_factor, self.compiled = float(grid_factor), compiled
        self.name = name or type(self).__name__
        self.problem: Any = None

    def prepare(self, problem: Any) -> FiniteVolume:
        """Return self, ready for a problem. Raises BadInput where it is no conservation law, or does not know the flux."""
        if not isinstance(problem, ConservationLaw):
            raise BadInput.of(
                f"solver {self.name!r} cannot serve problem {getattr(problem, 'name', problem)!r}.",
                found="the problem is not a conservation law",
                hint="`pdekit list solvers` shows what each solver asks of a problem",
            )
        if self.flux and self.flux not in problem.fluxes:
            raise unknown_name(f"flux of problem {problem.name!r}", self.flux, problem.fluxes)
        self.problem = problem
        return self

    def check_times(self, times: np.ndarray) -> np.ndarray:
        """(t - 1,) the fewest steps between stored times; how many they are is up to the flow. Every time is met."""
        return np.maximum(np.ceil(np.diff(times) / self.dt * (1.0 - NEAR)), 1.0).astype(int)

    def telemetry(self, times: np.ndarray) -> tuple[tuple[Any, ...], ...]:
        """Nothing is noted step by step."""
        return ()

    def solve(self, instances: Instances) -> Solution:
        """Trajectories {output: (n, t, *x)} at `instances.times`, float64, NaN from where a sample is lost.

        Status EVALUATED: no test was asked; NONFINITE_INPUT, NONFINITE, or BREAKDOWN where no step however short stayed
        admissible. `info["lost_at"]` (n,) is the time of the last good step of what was lost, NaN of what was not;
        `info["again"]` (n,) steps that were taken again. Raises SolveError before `prepare`, BadInput on grids the law does
        not know, and without times.
        """
        if self.problem is None:
            raise SolveError(f"solver {self.name!r} was asked to solve before `prepare(problem)`")
        if instances.times is None or len(instances.times) < 2:
            raise BadInput.of(f"solver {self.name!r} needs two times or more.", found=str(instances.times))
        self.problem.check_grid(instances.grid)
        if self.grid_factor != 1.0:
            self.problem.check_grid(instances.grid.scaled(self.grid_factor))
        runs = [self._run(case) for case in instances.cases()]
        names, n = [spec.name for spec in self.problem.outputs], len(runs)
        steps = np.array([run.steps for run in runs])
        return Solution(
            values={name: np.stack([run.values[:, c] for run in runs]) for c, name in enumerate(names)},
            status=[run.status for run in runs],
            steps=steps,
            residuals=[np.zeros(0)] * n,
            true_residual=np.full(n, math.nan),
            seconds=np.array([run.seconds for run in runs]),
            setup_seconds=np.array([run.setup_seconds for run in runs]),
            n_matvec=3 * (steps + np.array([run.info["again"] for run in runs])),
            n_precond=np.zeros(n, dtype=int),
            info={
                "method": f"{self.reconstruction}, {self.flux or self.problem.fluxes[0]}, SSP-RK3",
                "lost_at": np.array([run.info["lost_at"] for run in runs]),
                "again": np.array([run.info["again"] for run in runs]),
            },
        )

    def _run(self, case: Instances) -> Solution:
        """One sample: values (t, c, *x)."""
        begin = perf_counter()
        times: Any = case.times
        given = self.problem.start(case)
        values = np.full((len(times), *given.shape), math.nan)
        status, lost_at, steps, again = Status.EVALUATED, math.nan, 0, 0
        with np.errstate(over="ignore", invalid="ignore"):
            method = self._method(case, given)
        u = given if self.grid_factor == 1.0 else rescale(given, case.grid, self.grid_factor)
        ready = perf_counter()
        if np.isfinite(given).all() and method.law.admissible(given):
            values[0] = given
        else:
            status, lost_at = Status.NONFINITE_INPUT if not np.isfinite(given).all() else Status.BREAKDOWN, times[0]
        for i in range(1, len(times)):
            if status.failed:
                break
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                u, why, taken, tried, got = method.advance(u, float(times[i] - times[i - 1]))
            steps, again = steps + taken, again + tried
            if why:
                status, lost_at = Status.NONFINITE if why == GONE else Status.BREAKDOWN, times[i - 1] + got
                break
            values[i] = u if self.grid_factor == 1.0 else rescale(u, method.grid, 1.0 / self.grid_factor)
        return Solution(
            values=values,
            status=status,
            steps=steps,
            seconds=perf_counter() - ready,
            setup_seconds=ready - begin,
            info={"lost_at": float(lost_at), "again": again},
        )

    def _method(self, case: Instances, u: np.ndarray) -> Method:
        law = self.problem.of(case)
        kind = Compiled if self.compiled and has_kernels(law) else Method
        return kind(
            law=law,
            grid=case.grid if self.grid_factor == 1.0 else case.grid.scaled(self.grid_factor),
            reconstruction=self.reconstruction,
            flux=self.flux or law.fluxes[0],
            eps=epsilons(self.reconstruction, law.scale(np.nan_to_num(u))),
            cfl=self.cfl,
            dt=self.dt,
        )


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
