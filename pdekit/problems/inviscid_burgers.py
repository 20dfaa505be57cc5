"""Burgers' equation as a conservation law: shocks, and no viscosity or so little that no mode could resolve it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from pdekit.problems.conservation_law import ConservationLaw
from pdekit.problems.parameters import require_numbers
from pdekit.problems.problem import FieldSpec
from pdekit.space.grid import Grid


@dataclass(frozen=True)
class InviscidBurgers(ConservationLaw):
    """u_t + (u^2/2)_x + (u^2/2)_y = nu Laplace u, nu >= 0, 1 or 2 axes; the solution of vanishing viscosity where nu = 0.

    What one sees: slopes steepen to shocks within t ~ 1/max|u_x|; a shock runs at the mean of the values beside it,
                   eats what it meets and decays; jumps upwards open to fans.
    Resolve it:    any grid gives the right shock speeds, a shock is 2 to 3 cells wide; nu counts where 3 cells and more fit
                   into nu/max|u|, else what one sees is the width of the grid.
    Units:         u in L/T, nu in L^2/T.
    Boundary:      periodic; "neumann": outflow, the last cell goes on; "dirichlet": the value is held outside and acts where
                   the flow enters, weakly (first order near the face where nu > 0).
    Exact:         jumps: `riemann_problem`; before shocks: `characteristics`; u_0 = odd saw: the N-wave, in the tests.
    Source:        Burgers 1948; Lax 1957, doi:10.1002/cpa.3160100406; fluxes by Godunov 1959 and Rusanov 1961.
    """

    nu: int | float = 0.0

    name: ClassVar[str] = "inviscid-burgers"
    equation: ClassVar[str] = "du/dt + div (u^2/2, u^2/2) = nu Laplace u, u from initial, means over cells"
    traits: ClassVar[frozenset[str]] = frozenset({"evolution", "conservation-law", "scalar"})
    inputs: ClassVar[tuple[FieldSpec, ...]] = (FieldSpec("initial", "input", "1", "velocity at the start"),)
    outputs: ClassVar[tuple[FieldSpec, ...]] = (FieldSpec("u", "output", "1", "velocity"),)
    fluxes: ClassVar[tuple[str, ...]] = ("godunov", "llf")
    compiled: ClassVar[str] = "burgers"

    def __post_init__(self) -> None:
        require_numbers(self, nonnegative=("nu",))

    @property
    def viscosity(self) -> float:
        """nu."""
        return float(self.nu)

    def flux(self, u: np.ndarray, axis: int) -> np.ndarray:
        """u^2/2 along every axis."""
        return 0.5 * u * u

    def speed(self, u: np.ndarray, axis: int) -> np.ndarray:
        """|u|."""
        return np.abs(u[0])

    def riemann(self, name: str, left: np.ndarray, right: np.ndarray, axis: int) -> np.ndarray:
        """ "godunov": the flux of the exact solution between two states, max(f(max(l, 0)), f(min(r, 0))); or "llf"."""
        if name != "godunov":
            return super().riemann(name, left, right, axis)
        return np.maximum(0.5 * np.maximum(left, 0.0) ** 2, 0.5 * np.minimum(right, 0.0) ** 2)

    def mirrors(self, grid: Grid) -> tuple[tuple[str, tuple[int, ...], Mapping[str, float]], ...]:
        """u(-x) -> -u, all axes at once."""
        return (("point mirror", tuple(range(grid.dim)), {"initial": -1.0, "u": -1.0}),)

    def riemann_problem(self, x: np.ndarray, t: float, left: float, right: float) -> np.ndarray:
        """u at distances x from a jump at t = 0 (nu = 0, one axis): a shock at (left + right)/2, or the fan x/t."""
        if left > right:
            return np.where(x < 0.5 * (left + right) * t, left, right)
        return np.clip(x / t, left, right) if t > 0 else np.where(x < 0, left, right)

    def characteristics(self, x: np.ndarray, t: float, steps: int = 60) -> np.ndarray:
        """u(x, t) from u(x, 0) = sin x before the first shock at t = 1 (nu = 0, one axis): u = sin(x - u t), by Newton."""
        u = np.sin(x)
        for _ in range(steps):
            u = u - (u - np.sin(x - u * t)) / (1.0 + t * np.cos(x - u * t))
        return u
