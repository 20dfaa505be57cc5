"""Poisson's equation by compact differences of order 2 or 4: the finite-difference opponents of spectral solvers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache, reduce
from itertools import combinations
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from scipy.interpolate import make_interp_spline

from pdekit.errors import BadInput
from pdekit.problems.flux_form import FluxForm
from pdekit.problems.manufactured import manufactured
from pdekit.problems.problem import FieldSpec
from pdekit.solver import Instances
from pdekit.space import transforms
from pdekit.space.grid import Grid
from pdekit.space.waves import wave_product

ORDERS = (2, 4)
DEGREE = 5  # of the splines that bring a source to a finer grid: two orders above the scheme's


@dataclass(frozen=True)
class CompactPoisson(FluxForm):
    """-Laplace u = f on a box whose walls hold known values, on vertices, 1 to 3 axes, by differences of the given order.

    With D_i the second difference (u_{i-1} - 2 u_i + u_{i+1})/h_i^2:

        order 2   -sum D_i u = f                                                             3, 5 or 7 points
        order 4   -(sum D_i + sum_{i<j} (h_i^2 + h_j^2)/12 D_i D_j) u = (1 + sum h_i^2/12 D_i) f     3, 9 or 19 points

    What one sees: with sources of law "multi-frequency", fast waves in slow packets. f weighs each wave by the square of its
                   number, so the fast ones rule f, and u is a sum of all: a scheme that misses the fast ones misses u.
    Resolve it:    the error of a wave of number k is (k h)^2/12 of it (order 2) and (k h)^4/240 (order 4): at 12 points per
                   wavelength 2 % and 3e-4. Order 4 needs f on the walls, and f with four derivatives.
    Not possible:  cells, and neumann, robin or periodic faces: use `poisson`.
    Units:         u in [u], f in [u]/L^2, with the L of the Grid.
    Boundary:      dirichlet on every face, values constant or fields.
    Exact:         `band_limited` (every source that is a sine series of the grid), `waves` (sin 6x cos 100x and its kin) and
                   `manufactured`.
    Source:        Collatz 1960, The Numerical Treatment of Differential Equations, ch. V, table VI (Mehrstellen); 19 points:
                   Spotz & Carey 1996, doi:10.1002/(SICI)1098-2426(199603)12:2<235::AID-NUM6>3.0.CO;2-R.
    """

    order: int = 4

    name: ClassVar[str] = "compact-poisson"
    equation: ClassVar[str] = "-Laplace potential = source"
    traits: ClassVar[frozenset[str]] = frozenset(
        {"elliptic", "linear", "symmetric", "scalar", "constant-coefficient", "homogeneous"}
    )
    inputs: ClassVar[tuple[FieldSpec, ...]] = (FieldSpec("source", "input", "1", "source density"),)
    outputs: ClassVar[tuple[FieldSpec, ...]] = (FieldSpec("potential", "output", "1", "potential"),)
    # It is positive definite as well; cards that ask for "spd" may also ask for the edges of a grid, which 9 points are not.

    def __post_init__(self) -> None:
        if self.order not in ORDERS or isinstance(self.order, bool):
            raise BadInput.of("order of CompactPoisson.", found=repr(self.order), allowed="2, 4")

    def check_grid(self, grid: Grid) -> None:
        """Vertices between walls that hold known values. Raises BadInput."""
        held = all(kind == "dirichlet" for pair in grid.boundary for kind in pair)
        if grid.location != "vertex" or not held:
            raise BadInput.of(
                "problem 'compact-poisson' needs vertices between walls that hold known values.",
                found=f'location "{grid.location}", boundary {grid.boundary}',
                allowed='location = "vertex", boundary = "dirichlet"',
                hint="problem 'poisson' has cells and all boundary types, at order 2",
            )

    @property
    def mean(self) -> str:
        """Of equal values: any mean is the same."""
        return "arithmetic"

    def coefficient(self, case: Instances) -> float:
        """1: the medium is homogeneous."""
        return 1.0

    def assemble(self, case: Instances) -> tuple[sp.csr_array, np.ndarray]:
        """Matrix over the unknowns in C order, right-hand side in their shape, of a batch of one. Raises BadInput on cells."""
        grid = case.grid
        self.check_grid(grid)
        left, right = _mehrstellen(grid, self.order)
        shape = tuple(n - 2 for n in grid.points)
        known = self.embed(case, np.zeros(shape))
        b = right @ np.asarray(case.fields["source"][0], np.float64).ravel() - left @ known.ravel()
        inside = np.arange(known.size).reshape(grid.points)[grid.unknown].ravel()
        return sp.csr_array(left[:, inside]), b.reshape(shape)

    def regrid(self, instances: Instances, factor: int | float) -> Instances:
        """The same cases on `factor` times the intervals: finer by splines of degree 5, so that order 4 shows; coarser by
        values."""
        if factor <= 1 or min(instances.grid.points) <= DEGREE:
            return super().regrid(instances, factor)
        grid, fine = instances.grid, instances.grid.scaled(factor)
        fields = {}
        for name, array in instances.fields.items():
            skip = grid.axes.index(name[9]) if name.startswith("boundary_") else None
            axes = [axis for axis in range(grid.dim) if axis != skip]
            for k, axis in enumerate(axes):
                spline = make_interp_spline(grid.coordinates[axis], array, k=DEGREE, axis=1 + k)
                array = spline(fine.coordinates[axis])
            fields[name] = array
        return replace(instances, grid=fine, fields=fields)

    def manufactured(self, grid: Grid) -> tuple[Instances, np.ndarray]:
        """A smooth case with its exact potential."""
        return manufactured(grid)

    def waves(self, grid: Grid, slow: int = 6, fast: int = 100) -> tuple[Instances, np.ndarray]:
        """u = prod sin(slow X_i) cos(fast X_i), X_i = pi x_i/L_i, between walls held at 0: (Instances, u (1, *points))."""
        u, f = wave_product(grid, (slow,) * grid.dim, (fast,) * grid.dim)
        return Instances(grid, {"source": f[None]}), u[None]

    def band_limited(self, instances: Instances) -> np.ndarray:
        """u (n, *points), exact to rounding, for sources that are sine series of the grid between walls held at 0: each
        coefficient over (pi m/L)^2. Sources of law "multi-frequency" are, where slow + fast < intervals. Raises BadInput
        where a wall holds another value."""
        grid = instances.grid
        self.check_grid(grid)
        if any(v != 0 for pair in grid.boundary_value for v in pair) or len(instances.fields) > 1:
            raise BadInput.of(
                "`band_limited` is the exact solution between walls held at 0.",
                found=f"values {grid.boundary_value}, fields {', '.join(instances.fields)}",
                allowed="boundary_value = 0.0 and no field but the source",
            )
        u = np.zeros(instances.fields["source"].shape)
        inside = (slice(None), *grid.unknown)
        spectrum = transforms.forward(np.asarray(instances.fields["source"], np.float64)[inside], grid)
        u[inside] = transforms.backward(spectrum / transforms.eigenvalues(grid, scheme="continuous"), grid)
        return u


@lru_cache(maxsize=4)
def _mehrstellen(grid: Grid, order: int) -> tuple[sp.csr_array, sp.csr_array]:
    """(L, R) from all stored vertices to the inner ones with L u = R f; the table in the class' head. Shared: not written to."""
    inner = [sp.eye_array(n - 2, n, k=1) for n in grid.points]
    second = [
        sp.diags_array([1.0, -2.0, 1.0], offsets=[0, 1, 2], shape=(n - 2, n)) / h**2  # pyright: ignore[reportArgumentType]
        for n, h in zip(grid.points, grid.spacing, strict=True)
    ]

    def along(*axes: int) -> Any:
        parts = [second[k] if k in axes else inner[k] for k in range(grid.dim)]
        return reduce(sp.kron, parts)

    left, right = sum(-along(k) for k in range(grid.dim)), along()
    if order == 4:
        h = grid.spacing
        left = left - sum((h[i] ** 2 + h[j] ** 2) / 12 * along(i, j) for i, j in combinations(range(grid.dim), 2))
        right = right + sum(h[k] ** 2 / 12 * along(k) for k in range(grid.dim))
    return sp.csr_array(left), sp.csr_array(right)
