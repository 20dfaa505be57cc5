"""Waves that travel each at its own speed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from pdekit.problems.parameters import require_numbers
from pdekit.problems.problem import FieldSpec
from pdekit.problems.semilinear import Linear, channels
from pdekit.space.dealiased import Dealiased


@dataclass(frozen=True)
class Dispersion(Linear):
    """u_t = xi_x u_xxx + xi_y u_yyy + xi_z u_zzz, periodic, on 1 to 3 axes.

    What one sees: any shape falls apart into ripples; cos(kx) travels at xi_x k^2 to the right, short waves fastest; after
                   multiples of L^3/(4 pi^2 xi) along one axis the start comes back as it was.
    Resolve it:    the points that the start needs; the solution is exact at any time step.
    Units:         u in [u], xi in L^3/T; those of axes that the grid does not have are not used.
    Boundary:      periodic.
    Exact:         cos(k.x) becomes cos(k.x - (xi_x k_x^3 + ..) t): `exact`.
    Source:        Whitham 1974, Linear and Nonlinear Waves, ch. 11; the form is that of exponax, arXiv:2411.00180
    """

    xi_x: int | float = 1e-3
    xi_y: int | float = 1e-3
    xi_z: int | float = 1e-3

    name: ClassVar[str] = "dispersion"
    equation: ClassVar[str] = "du/dt = xi_x d3u/dx3 + xi_y d3u/dy3 + xi_z d3u/dz3, from initial"
    traits: ClassVar[frozenset[str]] = frozenset({"evolution", "semilinear", "linear", "scalar"})
    inputs: ClassVar[tuple[FieldSpec, ...]] = (FieldSpec("initial", "input", "1", "field at the start"),)
    outputs: ClassVar[tuple[FieldSpec, ...]] = (FieldSpec("u", "output", "1", "field of waves"),)
    conserved: ClassVar[tuple[str, ...]] = ("u",)

    def __post_init__(self) -> None:
        require_numbers(self)

    def linear(self, space: Dealiased) -> np.ndarray:
        """-i (xi_x k_x^3 + ..)."""
        coefficients = (self.xi_x, self.xi_y, self.xi_z)
        parts = [xi * space.derivative(i, 3) for i, xi in zip(range(space.dim), coefficients, strict=False)]
        return channels(space, sum(parts))

    def quantities(self, v: Any, t: float, space: Dealiased) -> dict[str, Any]:
        """Mean of u, and u^2/2."""
        return {**super().quantities(v, t, space), "energy": 0.5 * space.mean_square(v[:, 0])}

    def rates(self, v: Any, t: float, space: Dealiased) -> dict[str, Any]:
        """0 and 0."""
        rates = super().rates(v, t, space)
        return {**rates, "energy": rates["mean u"]}

    def exact(self, k: Sequence[float], x: Sequence[np.ndarray], t: float) -> np.ndarray:
        """u(x, t) from cos(k.x); k (rad/L) and x of as many axes as the grid has."""
        coefficients = (self.xi_x, self.xi_y, self.xi_z)
        return np.cos(sum(a * s - xi * a**3 * t for a, s, xi in zip(k, x, coefficients, strict=False)))
