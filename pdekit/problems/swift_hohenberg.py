"""The equation of Swift and Hohenberg: patterns of one wavelength."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from array_api_compat import array_namespace

from pdekit.problems.parameters import require_numbers
from pdekit.problems.problem import FieldSpec, Symmetry
from pdekit.problems.reflections import mirrors
from pdekit.problems.semilinear import Semilinear, channels, per_sample
from pdekit.space.dealiased import Dealiased
from pdekit.space.grid import Grid


@dataclass(frozen=True)
class SwiftHohenberg(Semilinear):
    """u_t = r u - (Laplace + critical^2)^2 u + quadratic u^2 - u^3, periodic, on 1 to 3 axes.

    What one sees: waves of wavenumber `critical` grow by r and settle into stripes (quadratic = 0) or dots, whose flaws heal
                   slowly.
    Resolve it:    8 points per wavelength 2 pi/critical; boxes of whole wavelengths, 10 and more.
    Units:         u is a number, critical in rad/L; the unit of time is that in which a wave 0 decays by critical^4 - r.
    Boundary:      periodic.
    Exact:         none; small waves grow by r - (critical^2 - k^2)^2, stripes of small r > 0 have height 2 sqrt(r/3).
    Source:        Swift & Hohenberg 1977, doi:10.1103/PhysRevA.15.319; the defaults are those of exponax, arXiv:2411.00180
    """

    r: int | float = 0.7
    critical: int | float = 1.0
    quadratic: int | float = 1.0

    name: ClassVar[str] = "swift-hohenberg"
    equation: ClassVar[str] = "du/dt = r u - (Laplace + critical^2)^2 u + quadratic u^2 - u^3, from initial"
    traits: ClassVar[frozenset[str]] = frozenset({"evolution", "semilinear", "scalar", "gradient-flow"})
    inputs: ClassVar[tuple[FieldSpec, ...]] = (FieldSpec("initial", "input", "1", "pattern at the start"),)
    outputs: ClassVar[tuple[FieldSpec, ...]] = (FieldSpec("u", "output", "1", "pattern"),)
    degree: ClassVar[int] = 3

    def __post_init__(self) -> None:
        require_numbers(self, positive=("critical",))

    def linear(self, space: Dealiased) -> np.ndarray:
        """r - (critical^2 - |k|^2)^2."""
        return channels(space, self.r - (self.critical**2 + space.laplacian()) ** 2)

    def nonlinear(self, v: Any, t: float, space: Dealiased) -> Any:
        """quadratic u^2 - u^3."""
        u = space.backward(v)
        return space.forward(self.quadratic * u * u - u**3)

    def quantities(self, v: Any, t: float, space: Dealiased) -> dict[str, Any]:
        """Mean of u, and ((Laplace + critical^2) u)^2/2 - r u^2/2 - quadratic u^3/3 + u^4/4, which can only fall."""
        xp, u = array_namespace(v), space.backward(v[:, 0])
        flat = xp.reshape(u, (u.shape[0], -1))
        bent = space.mean_square((self.critical**2 + space.laplacian(like=v)) * v)[:, 0]
        r, g = per_sample(self.r), per_sample(self.quadratic)
        free = 0.5 * bent - 0.5 * r * space.mean_square(v[:, 0])
        free = free - g * xp.mean(flat**3, axis=1) / 3 + xp.mean(flat**4, axis=1) / 4
        return {"mean u": space.mean(v[:, 0]), "free energy": free}

    def rates(self, v: Any, t: float, space: Dealiased) -> dict[str, Any]:
        """Of the free energy: -mu^2, mu its derivative by u."""
        u = space.backward(v)
        bent = (self.critical**2 + space.laplacian(like=v)) ** 2 * v
        potential = bent - self.r * v - space.forward(self.quadratic * u * u - u**3)
        return {"free energy": -space.mean_square(potential)[:, 0]}

    def reflections(self, grid: Grid) -> tuple[Symmetry, ...]:
        """x -> -x."""
        return mirrors(grid)
