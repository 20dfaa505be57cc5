"""The spectral solvers that cards name: samples of a grid -> polynomials -> the differential equation -> the grid's points.

The answer satisfies the differential equation, not the difference equations of the grid: class fact `discretisation` =
"spectral". Its `true_residual` is that of the spectral system, and it is CONVERGED where that is as small as a direct solve's.
How well the polynomials resolve the problem is another figure: `info["tail"]`, the share of the answer in the highest quarter
of the degrees.

A file holds a source at equispaced points, and a polynomial through those does not exist in practice (Runge). They are
interpolated by Floater and Hormann's rational functions, error O(h^(blending + 1)): that, not the solver, bounds what comes
out of samples. Where the source is known as a function, `SpectralBox` and `SpectralLine` take it at their own nodes.

Three habits of grids do not fit (measured). Refining a case by constant parts (`FluxForm.regrid`) makes stairs of its source,
another problem: 5 to 10 % away on 33 vertices. A truth on cells that is restricted by cell means lies h^2/24 Laplace u from the
values at the centres, which are what is given here. And on cells at dirichlet walls the difference equations are left with a
relative residual of several percent by the exact solution itself, for random sources.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import numpy as np

from pdekit.errors import BadInput, SolveError
from pdekit.linear.spectral_basis import KINDS
from pdekit.linear.spectral_cases import Cases, cases_of, check_faces
from pdekit.problems.flux_form import FluxForm
from pdekit.solution import Solution, Status
from pdekit.solver import Instances
from pdekit.space.grid import Grid

LEAST = 4  # degree per axis
FINER, SPARE = (
    1.6,
    16,
)  # nodes of the interpolant per sample, and besides: it bends as fast as the grid, pi/2 nodes a point
ACCEPTED = 1e-8  # residual of the spectral system that a solve may leave, as of a direct one


@dataclass(frozen=True)
class Answers:
    """n answers of one method.

    values      (n, *points)
    residual    (n,) of the spectral system, over its right-hand side
    size        (n,) norm of that right-hand side
    status      (n,) objects: a Status where the method failed or knew the answer, else None
    info        {name: (n,)}
    """

    values: np.ndarray
    residual: np.ndarray
    size: np.ndarray
    status: list[Status | None]
    info: dict[str, np.ndarray] = field(default_factory=dict)


class SpectralSolver(ABC):
    """A Solver of -a Laplace u + c u = f on a box; all samples of a batch go through each product of matrices together.

    degree_factor   degree of the polynomials per interval of the grid and axis; the degree is held between 4 and `most`
    blending        of the interpolation of samples, 0 to 9; at most the points less one. Higher is more exact for smooth
                    sources, and enlarges their noise more
    project_rhs     pure neumann problems: solve for the part of the source that the equation can balance
    """

    traits: frozenset[str] = frozenset({"elliptic", "linear", "homogeneous"})
    discretisation = "spectral"
    dimensions: tuple[int, ...] = (1, 2, 3)
    kinds: tuple[str, ...] = KINDS
    most = 512  # degree per axis above which a set-up of O(N^3) takes too long
    takes_start = False

    def __init__(
        self, *, degree_factor: int | float = 1.0, blending: int = 5, project_rhs: bool = False, name: str = ""
    ) -> None:
        number = isinstance(degree_factor, int | float) and not isinstance(degree_factor, bool)
        if not (number and math.isfinite(degree_factor) and degree_factor > 0):
            raise BadInput.of("degree_factor of a solver.", found=repr(degree_factor), allowed="a number > 0")
        if not isinstance(blending, int) or isinstance(blending, bool) or not 0 <= blending <= 9:
            raise BadInput.of("blending of a solver.", found=repr(blending), allowed="a whole number, 0 to 9")
        if not isinstance(project_rhs, bool):
            raise BadInput.of("project_rhs of a solver.", found=repr(project_rhs), allowed="true, false")
        self.degree_factor, self.blending, self.project_rhs = float(degree_factor), blending, project_rhs
        self.name = name or type(self).__name__
        self.problem: FluxForm | None = None
        self._kept: tuple[Grid, Any] | None = None

    @abstractmethod
    def set_up(self, grid: Grid, degree: tuple[int, ...]) -> Any:
        """What depends on the grid alone: matrices, eigenvectors."""

    @abstractmethod
    def answer(self, cases: Cases, ready: Any) -> Answers:
        """Solve finite cases with what `set_up` returned."""

    def prepare(self, problem: Any) -> SpectralSolver:
        """Return self, ready for a problem. Raises BadInput where the problem lacks what the method needs."""
        missing = sorted(self.traits - getattr(problem, "traits", frozenset()))
        if not isinstance(problem, FluxForm) or missing:
            raise BadInput.of(
                f"solver {self.name!r} cannot serve problem {getattr(problem, 'name', problem)!r}.",
                found=f"the problem is not {', '.join(missing)}" if missing else "it has no flux",
                hint="`pdekit list solvers` shows what each solver asks of a problem",
            )
        self.problem, self._kept = problem, None
        return self

    def solve(self, instances: Instances) -> Solution:
        """Answer all cases at once. Failures are statuses. Raises SolveError before `prepare`, BadInput on a grid of another
        dimension or with faces that the method does not know."""
        if self.problem is None:
            raise SolveError(f"solver {self.name!r} was asked to solve before `prepare(problem)`")
        n, grid = len(instances), instances.grid
        if n == 0:
            raise BadInput.of(f"solver {self.name!r} was given no samples.", found="0", allowed="at least one")
        self._check(grid)
        started = perf_counter()
        if self._kept is None or self._kept[0] != grid:
            self._kept = (grid, self.set_up(grid, self.degree(grid)))
        set_up_at = perf_counter()
        cases = cases_of(self.problem, instances)
        good = np.flatnonzero(cases.finite)
        statuses = [Status.NONFINITE_INPUT] * n
        values = np.full((n, *grid.points), math.nan)
        residual, size = np.full(n, math.nan), np.full(n, math.nan)
        info: dict[str, Any] = {"method": self.name, "degree": self.degree(grid)}
        if good.size:
            found = self.answer(cases[good], self._kept[1])
            residual[good], size[good] = found.residual, found.size
            for i, values_i, r, status in zip(good, found.values, found.residual, found.status, strict=True):
                fine = np.isfinite(values_i).all() and r <= ACCEPTED
                statuses[i] = status or (Status.CONVERGED if fine else Status.BREAKDOWN)
                if not statuses[i].failed:
                    values[i] = self.problem.embed(instances.case(int(i)), values_i[grid.unknown])
            for name, array in found.info.items():
                info[name] = np.full(n, math.nan)
                info[name][good] = array
        each = (perf_counter() - set_up_at) / n
        steps = np.array([int(s is Status.CONVERGED) for s in statuses])
        return Solution(
            values={self.problem.outputs[0].name: values},
            status=statuses,
            steps=steps,
            residuals=[np.array([s, r * s][: k + 1]) for s, r, k in zip(size, residual, steps, strict=True)],
            true_residual=residual,
            seconds=np.full(n, each),
            setup_seconds=np.full(n, (set_up_at - started) / n),
            n_matvec=np.ones(n, dtype=int),
            n_precond=np.zeros(n, dtype=int),
            info=info,
        )

    def degree(self, grid: Grid) -> tuple[int, ...]:
        """Degree of the polynomials per axis."""
        return tuple(int(min(max(round(self.degree_factor * n), LEAST), self.most)) for n in grid.intervals)

    def blend(self, points: int) -> int:
        """Blending degree on an axis, or on a face, of so many points."""
        return min(self.blending, points - 1)

    def _check(self, grid: Grid) -> None:
        if grid.dim not in self.dimensions:
            raise BadInput.of(
                f"solver {self.name!r} does not serve this grid.",
                found=f"{grid.dim} axes",
                allowed=" or ".join(map(str, self.dimensions)),
                hint="legendre-galerkin serves 1 to 3 axes",
            )
        check_faces(grid, self.name, self.kinds)
