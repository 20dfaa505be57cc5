"""Reaction and diffusion on the unit interval, as learned operators are tried on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from pdekit.problems.fisher_kpp import logistic
from pdekit.problems.parameters import require_numbers
from pdekit.problems.problem import FieldSpec, Symmetry
from pdekit.problems.reflections import mirrors
from pdekit.problems.semilinear import Semilinear, channels, per_sample
from pdekit.space.dealiased import Dealiased
from pdekit.space.grid import Grid


@dataclass(frozen=True)
class ReactionDiffusion(Semilinear):
    """u_t = nu u_xx + rho u (1 - u), periodic, one axis: the equation of `fisher-kpp` with the letters of its benchmark.

    What one sees: by t = 1 a start between 0 and 1 has grown to nearly 1; the larger nu, the sooner its details are gone.
    Resolve it:    spacing <= sqrt(nu/rho); the rough start makes the first moments the hard ones, at large nu.
    Units:         u is a number, nu in L^2/T, rho in 1/T; the benchmark has L = T = 1, nu of 0.005 to 0.1, rho = 5.
    Boundary:      periodic.
    Exact:         none; diffusion and reaction by themselves are in closed form, which is how the benchmark's reference was made
                   (scheme "lie", dt 1/4096, 4096 points: first order in dt). "strang" is of second order.
    Source:        Krishnapriyan et al. 2021, arXiv:2109.01050; Du, Chalapathi & Krishnapriyan 2024, arXiv:2312.05225
    """

    nu: int | float = 0.01
    rho: int | float = 5.0

    name: ClassVar[str] = "reaction-diffusion"
    equation: ClassVar[str] = "du/dt = nu d2u/dx2 + rho u (1 - u), from initial"
    traits: ClassVar[frozenset[str]] = frozenset({"evolution", "semilinear", "scalar", "splitting"})
    inputs: ClassVar[tuple[FieldSpec, ...]] = (FieldSpec("initial", "input", "1", "concentration at the start"),)
    outputs: ClassVar[tuple[FieldSpec, ...]] = (FieldSpec("u", "output", "1", "concentration"),)
    dims: ClassVar[tuple[int, ...]] = (1,)

    def __post_init__(self) -> None:
        require_numbers(self, nonnegative=("nu", "rho"))

    def linear(self, space: Dealiased) -> np.ndarray:
        """-nu k^2."""
        return channels(space, self.nu * space.laplacian())

    def nonlinear(self, v: Any, t: float, space: Dealiased) -> Any:
        """rho (u - u^2)."""
        u = space.backward(v)
        return self.rho * space.forward(u - u * u)

    def flow(self, v: Any, t: float, h: float, space: Dealiased) -> Any:
        """The logistic solution at every point; no polynomial, so that its last modes hold aliases."""
        return space.forward(logistic(space.backward(v), self.rho, h))

    def quantities(self, v: Any, t: float, space: Dealiased) -> dict[str, Any]:
        """Mean of u."""
        return {"mean u": space.mean(v[:, 0])}

    def rates(self, v: Any, t: float, space: Dealiased) -> dict[str, Any]:
        """rho u (1 - u)."""
        return {"mean u": per_sample(self.rho) * (space.mean(v[:, 0]) - space.mean_square(v[:, 0]))}

    def reflections(self, grid: Grid) -> tuple[Symmetry, ...]:
        """x -> -x."""
        return mirrors(grid)
