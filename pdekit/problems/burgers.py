"""Burgers' equation in one dimension, with viscosity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from array_api_compat import array_namespace

from pdekit.problems.parameters import require_numbers
from pdekit.problems.problem import FieldSpec, Symmetry
from pdekit.problems.reflections import mirrors
from pdekit.problems.semilinear import Semilinear, per_sample
from pdekit.space.dealiased import Dealiased
from pdekit.space.grid import Grid


@dataclass(frozen=True)
class Burgers(Semilinear):
    """u_t + (u^2/2)_x = nu u_xx, periodic.

    What one sees: fronts steepen within t ~ L/max|u|, then decay; the width of a front is ~ nu/max|u|.
    Resolve it:    at least 3 points per front width, else the spectrum piles up at its end.
    Units:         u in L/T, nu in L^2/T.
    Boundary:      periodic.
    Exact:         Cole-Hopf from sin x: `exact`.
    Source:        Burgers 1948; Cole 1951, doi:10.1090/qam/42889
    """

    nu: int | float = 0.1

    name: ClassVar[str] = "burgers"
    equation: ClassVar[str] = "du/dt = nu d2u/dx2 - d(u^2/2)/dx, from initial"
    traits: ClassVar[frozenset[str]] = frozenset({"evolution", "semilinear", "scalar"})
    inputs: ClassVar[tuple[FieldSpec, ...]] = (FieldSpec("initial", "input", "1", "velocity at the start"),)
    outputs: ClassVar[tuple[FieldSpec, ...]] = (FieldSpec("u", "output", "1", "velocity"),)
    dims: ClassVar[tuple[int, ...]] = (1,)
    conserved: ClassVar[tuple[str, ...]] = ("u",)

    def __post_init__(self) -> None:
        require_numbers(self, positive=("nu",))

    def linear(self, space: Dealiased) -> np.ndarray:
        """-nu k^2."""
        return self.nu * space.laplacian()

    def nonlinear(self, v: Any, t: float, space: Dealiased) -> Any:
        """-(u^2/2)_x."""
        return space.square(v, -0.5 * space.derivative(0, like=v))

    def speed(self, v: Any, space: Dealiased) -> Any:
        """max |u|."""
        xp = array_namespace(v)
        return xp.max(xp.abs(space.backward(v[:, 0])), axis=-1)

    def quantities(self, v: Any, t: float, space: Dealiased) -> dict[str, Any]:
        """Mean of u, and the energy u^2/2."""
        return {**super().quantities(v, t, space), "energy": 0.5 * space.mean_square(v[:, 0])}

    def rates(self, v: Any, t: float, space: Dealiased) -> dict[str, Any]:
        """0, and the dissipation -nu u_x^2."""
        slope = space.derivative(0, like=v) * v[:, 0]
        return {**super().rates(v, t, space), "energy": -per_sample(self.nu) * space.mean_square(slope)}

    def reflections(self, grid: Grid) -> tuple[Symmetry, ...]:
        """u(x) -> -u(-x)."""
        return mirrors(grid, {"x": ("initial", "u")})

    def exact(self, x: np.ndarray, t: float, nodes: int = 200) -> np.ndarray:
        """u(x, t) from u(x, 0) = sin x on length 2 pi, by Gauss-Hermite quadrature of Cole 1951, eq. 9."""
        q, w = np.polynomial.hermite.hermgauss(nodes)
        y = np.asarray(x)[..., None] - np.sqrt(4 * self.nu * t) * q
        weight = w * np.exp(-(1 - np.cos(y)) / (2 * self.nu))
        return (weight * np.sin(y)).sum(-1) / weight.sum(-1)
