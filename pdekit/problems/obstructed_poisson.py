"""A potential around obstacles: L-shaped rooms, pressure between solid bodies."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from pdekit.errors import BadInput, unknown_name
from pdekit.problems.flux_form import FluxForm
from pdekit.problems.problem import FieldSpec
from pdekit.solver import Instances
from pdekit.space.grid import Grid
from pdekit.space.obstacles import WALLS, l_shape, obstruct
from pdekit.space.stencils import StencilOperator


@dataclass(frozen=True)
class ObstructedPoisson(FluxForm):
    """-Laplace u = f in the cells of a box where solid = 0, u = 0 stored where solid = 1: a potential around obstacles.

    What one sees: like Poisson's, but at a corner that points into the fluid u goes like r^(pi/w), w the angle on the fluid's
                   side (3 pi/2: r^(2/3)), and its gradient is infinite there.
    Resolve it:    second order where u is smooth up to the walls, which follow the cells. With an edge of 3 pi/2 the order is
                   4/3 in the mean and 2/3 near the corner (measured on `corner`: 1.33 in L2, 0.67 in the largest error).
                   Round bodies become stairs: first order at best.
    Wall:          "dirichlet", u = 0 on the obstacles, or "neumann", no flux through them (the pressure of a flow). Faces
                   of the box keep their own boundary.
    Units:         u in [u], f in [u]/L^2, with the L of the Grid; solid is 0 or 1.
    Boundary:      dirichlet, neumann, robin or periodic per face; cells only. A part of the fluid that no wall and no face
                   holds has mean zero, and the sources in it must sum to what flows out.
    Exact:         `corner` (the singular function of an L) and `smooth`.
    Source:        Strang & Fix, An Analysis of the Finite Element Method, 1973, sec. 8.1; the L: Moler, numgrid, 1971.
    """

    wall: str = "dirichlet"

    name: ClassVar[str] = "obstructed-poisson"
    equation: ClassVar[str] = "-Laplace potential = source outside solid"
    traits: ClassVar[frozenset[str]] = frozenset({"elliptic", "linear", "symmetric", "spd", "scalar"})
    inputs: ClassVar[tuple[FieldSpec, ...]] = (
        FieldSpec("source", "input", "1", "source density; what stands inside obstacles is not used"),
        FieldSpec("solid", "input", "1", "1 inside obstacles, 0 outside", mask=True),
    )
    outputs: ClassVar[tuple[FieldSpec, ...]] = (FieldSpec("potential", "output", "1", "potential, 0 inside obstacles"),)

    def __post_init__(self) -> None:
        if self.wall not in WALLS:
            raise unknown_name("wall of ObstructedPoisson", str(self.wall), WALLS)

    def check_grid(self, grid: Grid) -> None:
        """Obstacles are whole cells. Raises BadInput on vertices."""
        if grid.location != "cell":
            raise BadInput.of("obstacles are made of cells.", found=f'location "{grid.location}"', allowed='"cell"')

    @property
    def mean(self) -> str:
        """Of equal values: any mean is the same."""
        return "arithmetic"

    def coefficient(self, case: Instances) -> float:
        """1: the medium is homogeneous."""
        return 1.0

    def assemble(self, case: Instances) -> tuple[StencilOperator, np.ndarray]:
        """Operator and right-hand side of a batch of one; rows of solid cells stand apart, with 0 on the right."""
        operator, b = super().assemble(case)
        solid = self.solid(case)
        return obstruct(operator, solid, self.wall), np.where(solid, 0.0, b)

    def solid(self, case: Instances) -> np.ndarray:
        """The obstacles of a batch of one: bool (*points)."""
        return np.asarray(case.fields["solid"][0]) > 0.5

    def embed(self, case: Instances, x: np.ndarray) -> np.ndarray:
        """u on all cells: 0 inside obstacles; each part of the fluid that nothing holds with mean zero."""
        solid = self.solid(case)
        u = np.where(solid, 0.0, x)
        if self._may_float(case.grid):
            basis = self.assemble(case)[0].nullspace
            if isinstance(basis, str):
                u = u - u.mean()
            elif basis is not None:
                u = u - (basis @ (basis.T @ u.ravel())).reshape(u.shape)
        return u

    def _may_float(self, grid: Grid) -> bool:
        return self.wall == "neumann" or not any(k in ("dirichlet", "robin") for pair in grid.boundary for k in pair)

    def regrid(self, instances: Instances, factor: int | float) -> Instances:
        """As every problem in flux form; a coarse cell is solid where half of it is."""
        out = super().regrid(instances, factor)
        solid = (out.fields["solid"] >= 0.5).astype(instances.fields["solid"].dtype)
        return replace(out, fields={**out.fields, "solid": solid})

    def smooth(self, grid: Grid) -> tuple[Instances, np.ndarray]:
        """u = prod sin(2 pi x_i/L_i) around `l_shape`, cosines where the wall is "neumann": both suit its walls.

        Faces dirichlet or neumann, even numbers of cells. Returns (Instances of n = 1, u (1, *points)). Raises BadInput.
        """
        self._check_l(grid)
        at = list(grid.mesh)
        solid, square = l_shape(grid), sum((2 * math.pi / length) ** 2 for length in grid.length)
        u = np.where(solid, 0.0, self._waves(grid, at))
        faces = {}
        for face in grid.faces:
            axis, high = grid.axes.index(face[0]), face.endswith("high")
            wall = [*at[:axis], np.full((1,) * grid.dim, grid.length[axis] if high else 0.0), *at[axis + 1 :]]
            slope = self._waves(grid, wall, axis) * (1 if high else -1)
            value = self._waves(grid, wall) if grid.kind(face) == "dirichlet" else slope
            shape = tuple(1 if k == axis else n for k, n in enumerate(grid.points))
            faces[f"boundary_{face}"] = np.broadcast_to(value, shape).squeeze(axis)[None].copy()
        return Instances(grid, {"source": square * u[None], "solid": solid[None].astype(np.float64), **faces}), u[None]

    def _waves(self, grid: Grid, at: list[np.ndarray], d: int | None = None) -> np.ndarray:
        """The product of `smooth`, or its derivative along axis d."""
        wave, slope, sign = (np.sin, np.cos, 1) if self.wall == "dirichlet" else (np.cos, np.sin, -1)
        out = np.ones((1,) * grid.dim)
        for axis, (x, length) in enumerate(zip(at, grid.length, strict=True)):
            k = 2 * math.pi / length
            out = out * (sign * k * slope(k * x) if axis == d else wave(k * x))
        return out

    def corner(self, grid: Grid) -> tuple[Instances, np.ndarray]:
        """u = r^(2/3) sin(2 theta/3) around the corner of `l_shape`, cos where the wall is "neumann"; no source.

        theta counts from the wall along x. Two axes, every face dirichlet, even numbers of cells. Returns (Instances of
        n = 1, u (1, *points)). Raises BadInput.
        """
        self._check_l(grid)
        if grid.dim != 2 or any(kind != "dirichlet" for pair in grid.boundary for kind in pair):
            raise BadInput.of(
                "`corner` is the exact solution of a flat L with known values.",
                found=f"{grid.dim} axes, boundary {grid.boundary}",
                allowed='two axes, "dirichlet" on every face',
            )

        def exact(x: np.ndarray, y: np.ndarray) -> np.ndarray:
            x, y = x - grid.length[0] / 2, y - grid.length[1] / 2
            theta = np.mod(np.arctan2(y, x), 2 * math.pi) * 2 / 3
            return np.hypot(x, y) ** (2 / 3) * (np.sin(theta) if self.wall == "dirichlet" else np.cos(theta))

        (x, y), solid = grid.coordinates, l_shape(grid)
        walls = {
            "x_low": (0 * y, y),
            "x_high": (0 * y + grid.length[0], y),
            "y_low": (x, 0 * x),
            "y_high": (x, 0 * x + grid.length[1]),
        }
        fields = {f"boundary_{face}": exact(*at)[None] for face, at in walls.items()}
        fields |= {"source": np.zeros((1, *grid.points)), "solid": solid[None].astype(np.float64)}
        return Instances(grid, fields), np.where(solid, 0.0, exact(*grid.mesh))[None]

    def _check_l(self, grid: Grid) -> None:
        self.check_grid(grid)
        kinds = {kind for pair in grid.boundary for kind in pair}
        if grid.dim < 2 or any(n % 2 for n in grid.points[:2]) or not kinds <= {"dirichlet", "neumann"}:
            raise BadInput.of(
                "the exact solutions of an L need its walls on faces of cells.",
                found=f"{grid.points} cells, boundary {grid.boundary}",
                allowed='two or three axes, even numbers of cells along x and y, "dirichlet" or "neumann" faces',
            )
