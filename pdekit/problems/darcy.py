"""Steady flow through a porous medium."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from pdekit.errors import BadInput
from pdekit.problems.flux_form import FluxForm
from pdekit.problems.manufactured import manufactured
from pdekit.problems.problem import FieldSpec
from pdekit.solver import Instances
from pdekit.space.grid import Grid


@dataclass(frozen=True)
class Darcy(FluxForm):
    """-div(a grad u) = f on a box: a the permeability (over viscosity), u the pressure, f the source of fluid.

    What one sees: pressure is smooth where a is large and steep where it is small; a grad u, the flux, is continuous
                   across jumps of a, grad u is not: u has kinks along the interfaces.
    Resolve it:    error of order 2 for smooth a; with jumps that do not follow the cells the observed order is near 1
                   (12/3: 1.01 harmonic, 1.03 arithmetic), so a reference on a finer grid keeps each cell's coefficient on
                   its parts.
    Face mean:     "harmonic" (cells: exact for layers along the grid) or "arithmetic" (the published vertex data sets).
                   a is evaluated on the grid that is solved on and never resampled: splines through a jump of 12/3 go
                   below zero, and the operator is no longer positive definite.
    Units:         a in [a], u in [u], length in L; f in [a][u]/L^2, flux a du/dn in [a][u]/L.
    Boundary:      dirichlet, neumann, robin or periodic per face. Where no face is dirichlet or robin, u has mean zero
                   and the sources must sum to what flows out.
    Exact:         `layered` (piecewise linear, the scheme is exact) and `manufactured` (smooth a).
    Source:        finite volumes: Eymard, Gallouet & Herbin 2000, ch. 3; the 12/3 medium: Li et al. 2021, arXiv 2010.08895.
    """

    face_mean: str = "harmonic"

    name: ClassVar[str] = "darcy"
    equation: ClassVar[str] = "-div(permeability grad pressure) = source"
    traits: ClassVar[frozenset[str]] = frozenset({"elliptic", "linear", "symmetric", "spd", "scalar", "diffusion"})
    inputs: ClassVar[tuple[FieldSpec, ...]] = (
        FieldSpec("permeability", "input", "1", "permeability over viscosity", positive=True),
        FieldSpec("source", "input", "1", "volume of fluid fed in, per volume and time"),
    )
    outputs: ClassVar[tuple[FieldSpec, ...]] = (FieldSpec("pressure", "output", "1", "pressure"),)

    def __post_init__(self) -> None:
        if self.face_mean not in ("arithmetic", "harmonic"):
            raise BadInput.of("face_mean of Darcy.", found=repr(self.face_mean), allowed='"arithmetic", "harmonic"')

    def check_grid(self, grid: Grid) -> None:
        """Darcy is built for 2 and 3 axes, whatever the boundary. Raises BadInput."""
        if grid.dim not in (2, 3):
            raise BadInput.of("problem 'darcy' needs a grid with 2 or 3 axes.", found=f"{grid.dim} axis")

    @property
    def mean(self) -> str:
        """The face mean."""
        return self.face_mean

    def coefficient(self, case: Instances) -> np.ndarray:
        """The permeability of a batch of one."""
        return np.asarray(case.fields["permeability"][0], dtype=np.float64)

    def manufactured(self, grid: Grid) -> tuple[Instances, np.ndarray]:
        """A smooth case with its exact pressure, for any boundary types."""
        return manufactured(grid, "permeability")

    def layered(self, grid: Grid, low: float = 3.0, high: float = 12.0) -> tuple[Instances, np.ndarray]:
        """Two layers across x that meet in the middle, u = 0 and 1 at the x faces: piecewise linear, without source.

        Exact for cells and harmonic faces where the number of cells along x is even. The other faces must be neumann or
        periodic, without flux. Returns (Instances of n = 1, u (1, *points)). Raises BadInput on other boundaries.
        """
        others = zip(grid.boundary[1:], grid.boundary_value[1:], strict=True)
        still = all(k in ("neumann", "periodic") and v == 0 for pair in others for k, v in zip(*pair, strict=True))
        if grid.boundary[0] != ("dirichlet", "dirichlet") or not still:
            raise BadInput.of(
                "`layered` is the exact solution between two walls across x.",
                found=f"boundary {grid.boundary}, values {grid.boundary_value}",
                allowed='"dirichlet" on both x faces, "neumann" with value 0 or "periodic" on the others',
            )
        x, middle = grid.mesh[0], grid.length[0] / 2
        a = np.broadcast_to(np.where(x < middle, low, high), grid.points)
        flux = 1.0 / (middle / low + middle / high)
        u = np.where(x < middle, flux * x / low, flux * middle / low + flux * (x - middle) / high)
        faces = {
            f"boundary_x_{side}": np.full((1, *grid.face_shape(f"x_{side}")), value)
            for side, value in (("low", 0.0), ("high", 1.0))
        }
        fields = {"permeability": a[None].copy(), "source": np.zeros((1, *grid.points)), **faces}
        return Instances(grid, fields), np.broadcast_to(u, grid.points)[None].copy()
