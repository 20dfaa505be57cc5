"""The equation of Fisher, Kolmogorov, Petrovskii and Piskunov: what spreads and grows."""

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
class FisherKPP(Semilinear):
    """u_t = nu Laplace u + r u (1 - u), periodic, on 1 to 3 axes.

    What one sees: what is not 0 grows to 1 within t ~ 10/r, fronts of width ~ 5 sqrt(nu/r) run into the empty at 2 sqrt(r nu).
    Resolve it:    spacing <= sqrt(nu/r). u < 0 runs away from 0 as exp(r t), to minus infinity in the end:
                   take laws without it. `check` lets it pass, as a start >= 0 cut to the modes of a grid dips a little below 0.
    Units:         u is a share of what the medium carries, nu in L^2/T, r in 1/T.
    Boundary:      periodic.
    Exact:         a front of speed 5 sqrt(r nu/6): `exact`; flat starts are logistic: `logistic`.
    Source:        Fisher 1937, doi:10.1111/j.1469-1809.1937.tb02153.x; Ablowitz & Zeppetella 1979, doi:10.1007/BF02462380
    """

    nu: int | float = 0.01
    r: int | float = 1.0

    name: ClassVar[str] = "fisher-kpp"
    equation: ClassVar[str] = "du/dt = nu Laplace u + r u (1 - u), from initial"
    traits: ClassVar[frozenset[str]] = frozenset({"evolution", "semilinear", "scalar", "splitting"})
    inputs: ClassVar[tuple[FieldSpec, ...]] = (FieldSpec("initial", "input", "1", "density at the start"),)
    outputs: ClassVar[tuple[FieldSpec, ...]] = (FieldSpec("u", "output", "1", "density"),)

    def __post_init__(self) -> None:
        require_numbers(self, nonnegative=("nu", "r"))

    def linear(self, space: Dealiased) -> np.ndarray:
        """-nu |k|^2: the growth is left to N, so that splitting takes the whole reaction at once."""
        return channels(space, self.nu * space.laplacian())

    def nonlinear(self, v: Any, t: float, space: Dealiased) -> Any:
        """r (u - u^2)."""
        u = space.backward(v)
        return self.r * space.forward(u - u * u)

    def flow(self, v: Any, t: float, h: float, space: Dealiased) -> Any:
        """The logistic solution at every point; no polynomial, so that its last modes hold aliases."""
        return space.forward(logistic(space.backward(v), self.r, h))

    def quantities(self, v: Any, t: float, space: Dealiased) -> dict[str, Any]:
        """Mean of u."""
        return {"mean u": space.mean(v[:, 0])}

    def rates(self, v: Any, t: float, space: Dealiased) -> dict[str, Any]:
        """r u (1 - u)."""
        return {"mean u": per_sample(self.r) * (space.mean(v[:, 0]) - space.mean_square(v[:, 0]))}

    def reflections(self, grid: Grid) -> tuple[Symmetry, ...]:
        """x -> -x."""
        return mirrors(grid)

    def exact(self, x: np.ndarray, t: float, start: float = 0.0) -> np.ndarray:
        """u(x, t) on the line of the front that is at `start` at t = 0, 1 behind it (Ablowitz & Zeppetella 1979)."""
        s = x - start - 5 * np.sqrt(self.r * self.nu / 6) * t
        return (1 + np.exp(s * np.sqrt(self.r / (6 * self.nu)))) ** -2


def logistic(u: Any, r: Any, h: float) -> Any:
    """The solution a time h later of u' = r u (1 - u), at every point."""
    grown = array_namespace(u).exp(-r * h) if not isinstance(r, int | float) else float(np.exp(-r * h))
    return u / (u + (1 - u) * grown)
