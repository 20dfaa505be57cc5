"""A start from coarser grids: what a network's guess has to beat.

Solve on 1/4 and 1/2 of the intervals with the same iteration, loosely, each from the one before; with errors of second order,
u_h = u + C h^2, two grids say what the third will answer:

    u_h = u_2h + (u_2h - u_4h) / 4

Where the coefficients jump the order is nearer 1 and this is no more than a fair guess; it is a start, never the answer.
Measured: of 1e-2, 1e-3, 1e-4 as the tolerance of the coarse solves none is best everywhere, and cubic instead of linear
interpolation gains iterations on smooth vertex data and nowhere else.
Source: nested iteration: Hackbusch, Multi-Grid Methods and Applications, 1985, ch. 5; extrapolation: Richardson 1911,
doi:10.1098/rsta.1911.0009.
"""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from time import perf_counter
from typing import Any

import numpy as np

from pdekit.errors import BadInput
from pdekit.solution import Solution, Status
from pdekit.solver import Instances
from pdekit.space.transfer import interpolate

LOOSE = 1e-3
ORDER = 2
GRIDS = (1, 2)  # how many coarser grids can serve


class CoarseStart:
    """A Solver whose answers are starts for `solver`, an EllipticSolver that is prepared: see `Hybrid.of`.

    grids   1: the answer on half the intervals, interpolated; 2: on a fourth and a half, extrapolated
    rtol    of the coarse solves; never below that of `solver`
    """

    def __init__(self, solver: Any, *, grids: int = 2, rtol: float = LOOSE) -> None:
        if grids not in GRIDS:
            raise BadInput.of("grids of a coarse start.", found=repr(grids), allowed="1, 2")
        self.name = f"coarse start of {solver.name}"
        self.coarsest_first = tuple(0.5**k for k in range(grids, 0, -1))
        self.solvers = [twin(solver, max(rtol, solver.stop.rtol)) for _ in self.coarsest_first]
        for coarse in self.solvers:
            coarse.project_rhs = (
                True  # averaging a source that the fine grid can balance need not balance it on a coarse one
            )
        self.problem = solver.problem

    def prepare(self, problem: Any) -> CoarseStart:
        """Return self, ready for a problem. Raises BadInput where the iteration cannot serve it."""
        for solver in self.solvers:
            solver.prepare(problem)
        self.problem = problem
        return self

    def solve(self, instances: Instances) -> Solution:
        """Starts on all points, EVALUATED, NaN where a coarse solve failed; steps are those on the coarse grids together,
        seconds hold regridding, solves and interpolation. Raises BadInput where the grid cannot be halved so often."""
        begin = perf_counter()
        name, n = self.problem.outputs[0].name, len(instances)
        varying = [key.removeprefix("boundary_") for key in instances.fields if key.startswith("boundary_")]
        coarsest, *finer = [self._regrid(instances, factor) for factor in self.coarsest_first]
        solution, grid = self.solvers[0].solve(coarsest), coarsest.grid
        answer, steps, failed = solution.values[name], np.array(solution.steps), solution.failed
        for solver, cases in zip(self.solvers[1:], finer, strict=True):
            start = interpolate(answer, grid, cases.grid, varying)
            solution, grid = solver.solve(cases, x0=start), cases.grid
            answer, steps, failed = solution.values[name], steps + solution.steps, failed | solution.failed
            answer = answer + (answer - start) / 2**ORDER
        values = interpolate(answer, grid, instances.grid, varying)
        values[failed] = np.nan  # `Hybrid` leaves such a start out and counts it
        return Solution(
            {name: values},
            [Status.EVALUATED] * n,
            steps=steps,
            residuals=[np.zeros(0)] * n,
            true_residual=np.full(n, np.nan),
            seconds=np.full(n, (perf_counter() - begin) / n),
            setup_seconds=np.zeros(n),
            info={"method": self.name, "grid_factors": self.coarsest_first},
        )

    def _regrid(self, instances: Instances, factor: float) -> Instances:
        try:
            return self.problem.regrid(instances, factor)
        except BadInput as error:
            times = "cannot be halved" if factor == 0.5 else f"cannot be coarsened {round(1 / factor)} times"
            intervals = " x ".join(map(str, instances.grid.intervals))
            raise BadInput.of(
                f"the grid {times}: there is no coarse start.",
                found=f"{intervals} intervals",
                allowed=f"multiples of {round(1 / factor)} on every axis, and 2 points left",
            ) from error


def twin(solver: Any, rtol: float | None = None) -> Any:
    """The same solver anew, prepared for the same problem, with nothing kept from earlier solves; at another rtol if given."""
    new = copy(solver)
    if rtol is not None:
        new.stop = replace(solver.stop, rtol=rtol)
    return new.prepare(solver.problem)
