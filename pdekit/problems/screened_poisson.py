"""A potential that decays: diffusion with absorption, or one implicit step of the heat equation."""

from __future__ import annotations

import math
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
class ScreenedPoisson(FluxForm):
    """-Laplace u + screening * u = f on a box, 1 to 3 axes: u a screened potential, f its source.

    What one sees: sources are felt up to the distance 1/sqrt(screening); beyond it u = f/screening, point by point. Where
                   a wall holds another value, u bends to it in a layer of that width.
    Resolve it:    second order; at least 3 points in the screening length 1/sqrt(screening). The system is better
                   conditioned than Poisson's: kappa <= 1 + 4 d / (h^2 screening).
    Units:         screening in 1/L^2, u in [u], f in [u]/L^2, with the L of the Grid.
    Boundary:      dirichlet, neumann, robin or periodic per face. No face has to hold the level where screening > 0;
                   screening = 0 is Poisson's equation.
    Exact:         `layer` (a wall in a half space of no source: cosh) and `manufactured`.
    Source:        Debye & Hueckel 1923; LeVeque, Finite Difference Methods, SIAM 2007, sec. 2.16 (layers).
    """

    screening: int | float = 100.0

    name: ClassVar[str] = "screened-poisson"
    equation: ClassVar[str] = "-Laplace potential + screening potential = source"
    traits: ClassVar[frozenset[str]] = frozenset(
        {"elliptic", "linear", "symmetric", "spd", "scalar", "diffusion", "homogeneous"}
    )
    inputs: ClassVar[tuple[FieldSpec, ...]] = (FieldSpec("source", "input", "1", "source density"),)
    outputs: ClassVar[tuple[FieldSpec, ...]] = (FieldSpec("potential", "output", "1", "screened potential"),)

    def __post_init__(self) -> None:
        c = self.screening
        if not isinstance(c, int | float) or isinstance(c, bool) or not math.isfinite(c) or c < 0:
            raise BadInput.of("screening of ScreenedPoisson.", found=repr(c), allowed="a number >= 0")

    def check_grid(self, grid: Grid) -> None:
        """The screened equation is defined on every Grid."""

    @property
    def mean(self) -> str:
        """Of equal values: any mean is the same."""
        return "arithmetic"

    def coefficient(self, case: Instances) -> float:
        """1: the equation is divided by the diffusivity."""
        return 1.0

    def reaction(self, case: Instances) -> float:
        """The screening: per sample where a recipe draws it, else the problem's own."""
        own = case.parameters.get("screening")
        return float(self.screening if own is None else own[0])

    def manufactured(self, grid: Grid) -> tuple[Instances, np.ndarray]:
        """A smooth case with its exact potential, for any boundary types and this screening."""
        return manufactured(grid, reaction=self.screening)

    def layer(self, grid: Grid) -> tuple[Instances, np.ndarray]:
        """u = cosh(s (L - x)) / cosh(s L), s = sqrt(screening): held at 1 where x = 0, no flux at x = L, no source.

        The other faces must be neumann or periodic, with value 0. Returns (Instances of n = 1, u (1, *points)). Raises
        BadInput on other boundaries.
        """
        wanted = (
            ("dirichlet", "neumann"),
            *((pair if pair[0] == "periodic" else ("neumann",) * 2) for pair in grid.boundary[1:]),
        )
        if grid.boundary != wanted or any(v != 0 for pair in grid.boundary_value[1:] for v in pair):
            raise BadInput.of(
                "`layer` is the exact solution beside one wall across x.",
                found=f"boundary {grid.boundary}, values {grid.boundary_value}",
                allowed='x_low "dirichlet", x_high "neumann", the others "neumann" with value 0 or "periodic"',
            )
        s, length = math.sqrt(self.screening), grid.length[0]
        with np.errstate(over="ignore"):
            x = grid.mesh[0]
            u = (np.exp(-s * x) + np.exp(-s * (2 * length - x))) / (1 + math.exp(-2 * s * length))
        faces = {
            f"boundary_x_{side}": np.full((1, *grid.face_shape(f"x_{side}")), v)
            for side, v in (("low", 1.0), ("high", 0.0))
        }
        fields = {"source": np.zeros((1, *grid.points)), **faces}
        return Instances(grid, fields), np.broadcast_to(u, grid.points)[None].copy()
