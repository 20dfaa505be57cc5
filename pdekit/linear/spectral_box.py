"""-a Laplace u + c u = f on a box with dirichlet and neumann faces, by Legendre polynomials: spectrally accurate where f is.

It wants the source as a function, or its values at the box's own nodes. What a file of pdekit holds, samples on a uniform
grid, does not determine a polynomial of high degree stably (Runge); they are refused here. The card `legendre-galerkin`
(`spectral_solvers`) interpolates them first, and pays for it.

Each solve is a few products with (N x N) matrices per axis: values -> Legendre coefficients -> modes, a division, and back.
Face values are lifted axis by axis; where two faces disagree at their common corner, the later axis wins and `info` says by
how much ("corner_defect").
Source: Shen 1994, doi:10.1137/0915089; Canuto et al., Spectral Methods: Fundamentals, Springer 2006, sec. 4.1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Any

import numpy as np

from pdekit.errors import BadInput
from pdekit.linear.spectral_basis import basis
from pdekit.linear.spectral_data import Data, at_nodes, faces_at_nodes, outer
from pdekit.linear.spectral_galerkin import Galerkin
from pdekit.problems.compact_poisson import CompactPoisson
from pdekit.problems.helmholtz import Helmholtz
from pdekit.problems.poisson import Poisson
from pdekit.problems.screened_poisson import ScreenedPoisson
from pdekit.solution import Solution, Status
from pdekit.solver import Instances
from pdekit.space import legendre
from pdekit.space.grid import Grid
from pdekit.space.grid_checks import AXES
from pdekit.space.quadrature import gauss
from pdekit.space.series import along_axes

SERVED = (Poisson, Helmholtz, ScreenedPoisson, CompactPoisson)
COMPATIBLE = 1e-10  # of |f|: the share of a source with mean that rounding explains where nothing holds the level
RESONANT = 1e-12  # |a lambda + c| / |c| below which the division by it has no digit left


class SpectralBox:
    """The equation on [0, L]^d for many sources; building it costs O(N^3) per axis, a solve O(N^(d+1)).

    degree          N >= 2 per axis; N + 1 nodes
    length          L per axis, in the unit of the Grid
    boundary        (low, high) per axis: "dirichlet" (u given) | "neumann" (outward flux a du/dn given)
    boundary_value  (low, high) per axis: that u or flux where `solve` is not given another; none: 0
    diffusivity     a > 0
    reaction        c; -wavenumber^2 for Helmholtz
    """

    name = "legendre-galerkin"

    def __init__(
        self,
        degree: Sequence[int],
        length: Sequence[float],
        boundary: Sequence[tuple[str, str]],
        boundary_value: Sequence[tuple[float, float]] = (),
        *,
        diffusivity: float = 1.0,
        reaction: float = 0.0,
    ) -> None:
        started = perf_counter()
        if not 1 <= len(degree) == len(length) == len(boundary) <= 3:
            raise BadInput.of(
                "a box has one degree, length and pair of faces per axis.",
                found=f"{len(degree)} degrees, {len(length)} lengths, {len(boundary)} pairs",
                allowed="1 to 3 of each",
            )
        if not (math.isfinite(diffusivity) and diffusivity > 0 and math.isfinite(reaction)):
            raise BadInput.of(
                "coefficients of a spectral box.",
                found=f"diffusivity {diffusivity!r}, reaction {reaction!r}",
                allowed="diffusivity > 0, both finite",
            )
        self.bases = tuple(basis(*axis) for axis in zip(degree, length, boundary, strict=True))
        self.equations = Galerkin(self.bases)
        self.boundary, self.a, self.c = tuple(boundary), float(diffusivity), float(reaction)
        pairs = boundary_value or [(0.0, 0.0)] * len(degree)
        self.constants = {
            f"{axis}_{side}": float(value)
            for axis, pair in zip(AXES, pairs, strict=False)
            for side, value in zip(("low", "high"), pair, strict=True)
        }
        self.transforms = [legendre.transform(n) for n in degree]
        self.singular = self.c == 0 and self.equations.floats
        self.nearest = self.a * self.equations.nearest(self.c / self.a)
        self.resonant = self.c != 0 and self.nearest < RESONANT * abs(self.c)
        self.setup_seconds = perf_counter() - started

    @classmethod
    def of(cls, problem: Any, grid: Grid, degree: int) -> SpectralBox:
        """Coefficients of a problem of `SERVED`, on the box and with the faces of a Grid, whose points are not used. Raises
        BadInput on other problems, and on periodic or robin faces."""
        if not isinstance(problem, SERVED):
            raise BadInput.of(
                f"a spectral box cannot serve problem {getattr(problem, 'name', problem)!r}.",
                allowed=", ".join(kind.name for kind in SERVED),
            )
        case = Instances(grid)
        a, c = float(problem.coefficient(case)), float(problem.reaction(case) or 0.0)
        return cls((degree,) * grid.dim, grid.length, grid.boundary, grid.boundary_value, diffusivity=a, reaction=c)

    @property
    def nodes(self) -> tuple[np.ndarray, ...]:
        """Gauss nodes per axis, DESCENDING, (N+1,)."""
        return tuple(t.nodes(0.0, b.length) for t, b in zip(self.transforms, self.bases, strict=True))

    def solve(self, source: Data, faces: Mapping[str, Data] | None = None, *, project_rhs: bool = False) -> Solution:
        """values = u at the `nodes`, *(N+1); `at` takes them to any points.

        source, faces   numbers, functions of the coordinates (ij order, broadcastable; of the other axes for faces), or
                        values at the nodes. faces: "x_low", ...; those not named are `boundary_value`
        project_rhs     where nothing holds the level and c = 0: solve for the part of f that can be balanced. u has mean 0

        Status EVALUATED; INCOMPATIBLE_RHS; BREAKDOWN at a resonance; NONFINITE_INPUT. true_residual is the residual of the
        differential equation over its lifted right-hand side, at 2 N + 1 nodes per axis where the source is a function; two
        derivatives round like N^4 eps. info: nearest = min |a lambda + c|, amplification = 1/nearest (the L2 norm of the
        inverse), incompatible, corner_defect. Raises BadInput on values that are not at the nodes.
        """
        started = perf_counter()
        values = at_nodes(source, self.nodes, "source")
        given = faces_at_nodes(faces or {}, self.constants, self.nodes)
        info = {"method": self.name, "nearest": self.nearest}
        info["amplification"] = 1.0 / self.nearest if self.nearest > 0 else math.inf
        if not all(np.isfinite(v).all() for v in (values, *given.values())):
            return self._failed(Status.NONFINITE_INPUT, started, info)
        lifted, defect = self.equations.lift(self._known(given))
        info["corner_defect"] = float(defect)
        right = self._coefficients(values) - self._operator(lifted)
        info["incompatible"] = self._incompatible(right)
        if self.resonant:
            return self._failed(Status.BREAKDOWN, started, info)
        if info["incompatible"] > COMPATIBLE and not project_rhs:
            return self._failed(Status.INCOMPATIBLE_RHS, started, info)
        b = self.equations.tested(right / self.a)
        u = self.equations.series(self.equations.solve(b, self.c / self.a)) + lifted
        values = along_axes([t.backward for t in self.transforms], u)
        seconds = perf_counter() - started
        return Solution(
            values,
            Status.EVALUATED,
            true_residual=self._residual(source, u, lifted, removed=float(right.flat[0]) if self.singular else 0.0),
            seconds=seconds,
            setup_seconds=self.setup_seconds,
            info=info,
        )

    def _failed(self, status: Status, started: float, info: dict[str, Any]) -> Solution:
        values = np.full([b.degree + 1 for b in self.bases], math.nan)
        seconds = perf_counter() - started
        return Solution(values, status, seconds=seconds, setup_seconds=self.setup_seconds, info=info)

    def at(self, values: np.ndarray, *points: np.ndarray) -> np.ndarray:
        """u on the tensor grid of the given points per axis, from its values at the `nodes`: exact, u is a polynomial."""
        tables = [legendre.polynomials(b.degree, x, 0.0, b.length) for b, x in zip(self.bases, points, strict=True)]
        return along_axes(tables, self._coefficients(values))

    def _coefficients(self, values: np.ndarray) -> np.ndarray:
        return along_axes([t.forward for t in self.transforms], values)

    def _operator(self, u: np.ndarray) -> np.ndarray:
        return self.a * self.equations.operator(u, self.c / self.a)

    def _incompatible(self, right: np.ndarray) -> float:
        """Mean of the lifted right-hand side over its root mean square: 0 where the equation balances without a level."""
        size = math.sqrt(float(np.sum(right**2 * outer([b.squares / b.length for b in self.bases]))))
        return abs(float(right.flat[0])) / size if size > 0 and self.singular else 0.0

    def _known(self, given: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """Per axis (2, *others) Legendre coefficients of u or du/dn on the low and the high face."""
        out = []
        for axis, pair in enumerate(self.boundary):
            others = [t.forward for k, t in enumerate(self.transforms) if k != axis]
            both = [along_axes(others, given[f"{AXES[axis]}_{side}"]) for side in ("low", "high")]
            scale = [1.0 if kind == "dirichlet" else 1.0 / self.a for kind in pair]
            out.append(np.stack([c * g for c, g in zip(scale, both, strict=True)]))
        return out

    def _residual(self, source: Data, u: np.ndarray, lifted: np.ndarray, removed: float) -> float:
        """|f - removed + a Laplace u - c u| over |f + a Laplace lifted - c lifted|, L2 by Gauss nodes."""
        finer = [2 * b.degree if callable(source) else b.degree for b in self.bases]
        rules = [gauss(n + 1, 0.0, b.length) for n, b in zip(finer, self.bases, strict=True)]
        nodes, weights = [x for x, _ in rules], outer([w for _, w in rules])
        tables = [legendre.polynomials(b.degree, x, 0.0, b.length) for b, x in zip(self.bases, nodes, strict=True)]
        f = at_nodes(source, nodes, "source")
        r = f - removed - along_axes(tables, self._operator(u))
        b = f - along_axes(tables, self._operator(lifted))
        size = float(np.sum(weights * b**2))
        return math.sqrt(float(np.sum(weights * r**2)) / size) if size > 0 else 0.0
