"""The potential of a distribution of sources."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from pdekit.errors import BadInput
from pdekit.problems.flux_form import FluxForm
from pdekit.problems.manufactured import manufactured, sine_mode
from pdekit.problems.problem import FieldSpec
from pdekit.solver import Instances
from pdekit.space.grid import Grid


@dataclass(frozen=True)
class Poisson(FluxForm):
    """-diffusivity * Laplace u = f on a box, 1 to 3 axes: u a potential (heat, charge, membrane), f its source.

    What one sees: u is smoother than f by two derivatives; far from the walls it falls like the source's lowest modes.
    Resolve it:    second order for smooth f; the error of mode k is (k h)^2/12 of it.
    Units:         diffusivity in [d], u in [u], length in L; f in [d][u]/L^2.
    Boundary:      dirichlet, neumann, robin or periodic per face. Where no face is dirichlet or robin, u has mean zero
                   and the sources must sum to what flows out.
    Exact:         `mode` (an eigenfunction of box and scheme), `square` (f = 1, double sine series) and `manufactured`.
    Source:        LeVeque, Finite Difference Methods, SIAM 2007, ch. 2 and 3.
    """

    diffusivity: int | float = 1.0

    name: ClassVar[str] = "poisson"
    equation: ClassVar[str] = "-diffusivity Laplace potential = source"
    traits: ClassVar[frozenset[str]] = frozenset(
        {"elliptic", "linear", "symmetric", "spd", "scalar", "diffusion", "constant-coefficient", "homogeneous"}
    )
    inputs: ClassVar[tuple[FieldSpec, ...]] = (FieldSpec("source", "input", "1", "source density"),)
    outputs: ClassVar[tuple[FieldSpec, ...]] = (FieldSpec("potential", "output", "1", "potential"),)

    def __post_init__(self) -> None:
        d = self.diffusivity
        if not isinstance(d, int | float) or isinstance(d, bool) or not math.isfinite(d) or d <= 0:
            raise BadInput.of("diffusivity of Poisson.", found=repr(d), allowed="a number > 0")

    def check_grid(self, grid: Grid) -> None:
        """Poisson is defined on every Grid."""

    @property
    def mean(self) -> str:
        """Of equal values: any mean is the same."""
        return "arithmetic"

    def coefficient(self, case: Instances) -> int | float:
        """The diffusivity: per sample where a recipe draws it, else the problem's own."""
        own = case.parameters.get("diffusivity")
        return self.diffusivity if own is None else float(own[0])

    def manufactured(self, grid: Grid) -> tuple[Instances, np.ndarray]:
        """A smooth case with its exact potential, for any boundary types and this diffusivity."""
        return manufactured(grid, constant=self.diffusivity)

    def mode(self, grid: Grid, k: tuple[int, ...]) -> tuple[Instances, np.ndarray]:
        """prod sin(pi k_i x_i / L_i) on a Dirichlet box: f = sum (pi k_i/L_i)^2 u. Returns (Instances, u (1, *points)).
        Raises BadInput on other boundaries and on values that are not 0."""
        u, square = sine_mode(grid, k)
        return Instances(grid, {"source": self.diffusivity * square * u}), u

    def square(self, grid: Grid, terms: int = 400) -> np.ndarray:
        """u (*points) for f = diffusivity, zero Dirichlet values on a 2D box: 16/pi^4 sum over odd p, q of
        sin sin / (p q (p^2/L_x^2 + q^2/L_y^2)). At the centre of the unit square 0.0736713533..."""
        odd = np.arange(1, 2 * terms, 2)
        sx, sy = (
            np.sin(math.pi * np.outer(x, odd) / length) for x, length in zip(grid.coordinates, grid.length, strict=True)
        )
        p, q = odd[:, None], odd[None, :]
        c = 16.0 / math.pi**4 / (p * q * (p**2 / grid.length[0] ** 2 + q**2 / grid.length[1] ** 2))
        return sx @ c @ sy.T
