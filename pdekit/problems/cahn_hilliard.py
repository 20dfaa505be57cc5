"""The equation of Cahn and Hilliard: a mixture that parts, and keeps its mass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from array_api_compat import array_namespace

from pdekit.problems.parameters import require_numbers
from pdekit.problems.problem import FieldSpec, Symmetry
from pdekit.problems.reflections import mirrors, negation
from pdekit.problems.semilinear import Semilinear, channels, per_sample, roughness
from pdekit.space.dealiased import Dealiased
from pdekit.space.grid import Grid


@dataclass(frozen=True)
class CahnHilliard(Semilinear):
    """u_t = mobility Laplace(u^3 - u - gamma Laplace u), periodic, on 1 to 3 axes.

    What one sees: waves of length ~ 2 pi sqrt(2 gamma) grow within t ~ 4 gamma/mobility times a few, then stripes or drops of
                   -1 and +1 coarsen, their size like t^(1/3); walls are ~ 3 sqrt(gamma) wide.
    Resolve it:    spacing <= sqrt(gamma).
    Units:         u is a number, mobility in L^2/T, gamma in L^2.
    Boundary:      periodic.
    Exact:         a flat wall tanh(x/sqrt(2 gamma)) stands still; waves grow by mobility (k^2 - gamma k^4) while small.
    Source:        Cahn & Hilliard 1958, doi:10.1063/1.1744102; Cahn 1961, doi:10.1016/0001-6160(61)90182-1

    -2 mobility |k|^2 of the well at u = +-1 stands in the linear part (after Eyre 1998): schemes that treat it exactly or
    implicitly take larger steps while phases coarsen; the equation is the same.
    """

    mobility: int | float = 1.0
    gamma: int | float = 1e-3

    name: ClassVar[str] = "cahn-hilliard"
    equation: ClassVar[str] = "du/dt = mobility Laplace(u^3 - u - gamma Laplace u), from initial"
    traits: ClassVar[frozenset[str]] = frozenset({"evolution", "semilinear", "scalar", "gradient-flow"})
    inputs: ClassVar[tuple[FieldSpec, ...]] = (FieldSpec("initial", "input", "1", "composition at the start"),)
    outputs: ClassVar[tuple[FieldSpec, ...]] = (FieldSpec("u", "output", "1", "composition"),)
    degree: ClassVar[int] = 3
    conserved: ClassVar[tuple[str, ...]] = ("u",)

    def __post_init__(self) -> None:
        require_numbers(self, positive=("mobility", "gamma"))

    def linear(self, space: Dealiased) -> np.ndarray:
        """-mobility |k|^2 (2 + gamma |k|^2)."""
        square = space.squared()
        return channels(space, -self.mobility * square * (2 + self.gamma * square))

    def nonlinear(self, v: Any, t: float, space: Dealiased) -> Any:
        """mobility Laplace(u^3 - 3u)."""
        u = space.backward(v)
        return self.mobility * space.laplacian(like=v) * space.forward(u**3 - 3 * u)

    def quantities(self, v: Any, t: float, space: Dealiased) -> dict[str, Any]:
        """Mean of u, the free energy gamma |grad u|^2/2 + (1 - u^2)^2/4."""
        xp, u = array_namespace(v), space.backward(v[:, 0])
        bulk = xp.mean(xp.reshape((1 - u**2) ** 2, (u.shape[0], -1)), axis=1) / 4
        walls = 0.5 * per_sample(self.gamma) * roughness(v[:, 0], space)
        return {**super().quantities(v, t, space), "free energy": walls + bulk}

    def rates(self, v: Any, t: float, space: Dealiased) -> dict[str, Any]:
        """0, and -mobility |grad mu|^2, mu = u^3 - u - gamma Laplace u."""
        potential = space.forward(space.backward(v) ** 3) - v + self.gamma * space.squared(like=v) * v
        loss = per_sample(self.mobility) * roughness(potential[:, 0], space)
        return {**super().rates(v, t, space), "free energy": -loss}

    def reflections(self, grid: Grid) -> tuple[Symmetry, ...]:
        """x -> -x, and u -> -u."""
        return (*mirrors(grid), negation())

    def exact(self, x: np.ndarray) -> np.ndarray:
        """The wall between -1 and +1 at x = 0 on the line, at any time."""
        return np.tanh(x / np.sqrt(2 * self.gamma))
