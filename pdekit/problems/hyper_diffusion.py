"""Diffusion of fourth order: short waves fade, long ones hardly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from pdekit.problems.parameters import require_numbers
from pdekit.problems.problem import FieldSpec, Symmetry
from pdekit.problems.reflections import mirrors
from pdekit.problems.semilinear import Linear, channels, per_sample
from pdekit.space.dealiased import Dealiased
from pdekit.space.grid import Grid


@dataclass(frozen=True)
class HyperDiffusion(Linear):
    """u_t = -mu Laplace^2 u, periodic, on 1 to 3 axes.

    What one sees: everything fades to its mean, short waves much before long ones; unlike by diffusion, new maxima can come up.
    Resolve it:    the points that the start needs; the solution is exact at any time step.
    Units:         u in [u], mu in L^4/T.
    Boundary:      periodic.
    Exact:         cos(k.x) decays by exp(-mu |k|^4 t): `exact`.
    Source:        elementary; isotropic, where exponax (arXiv:2411.00180) has the sum of fourth derivatives by default
    """

    mu: int | float = 1e-4

    name: ClassVar[str] = "hyper-diffusion"
    equation: ClassVar[str] = "du/dt = -mu Laplace^2 u, from initial"
    traits: ClassVar[frozenset[str]] = frozenset({"evolution", "semilinear", "linear", "scalar"})
    inputs: ClassVar[tuple[FieldSpec, ...]] = (FieldSpec("initial", "input", "1", "field at the start"),)
    outputs: ClassVar[tuple[FieldSpec, ...]] = (FieldSpec("u", "output", "1", "field that is smoothed"),)
    conserved: ClassVar[tuple[str, ...]] = ("u",)

    def __post_init__(self) -> None:
        require_numbers(self, nonnegative=("mu",))

    def linear(self, space: Dealiased) -> np.ndarray:
        """-mu |k|^4."""
        return channels(space, -self.mu * space.squared() ** 2)

    def quantities(self, v: Any, t: float, space: Dealiased) -> dict[str, Any]:
        """Mean of u, and u^2/2."""
        return {**super().quantities(v, t, space), "energy": 0.5 * space.mean_square(v[:, 0])}

    def rates(self, v: Any, t: float, space: Dealiased) -> dict[str, Any]:
        """0, and -mu (Laplace u)^2."""
        curvature = space.laplacian(like=v) * v[:, 0]
        return {**super().rates(v, t, space), "energy": -per_sample(self.mu) * space.mean_square(curvature)}

    def reflections(self, grid: Grid) -> tuple[Symmetry, ...]:
        """x -> -x."""
        return mirrors(grid)

    def exact(self, k: Sequence[float], x: Sequence[np.ndarray], t: float) -> np.ndarray:
        """u(x, t) from cos(k.x); k (rad/L) and x of as many axes as the grid has."""
        return np.exp(-self.mu * sum(a * a for a in k) ** 2 * t) * np.cos(sum(a * s for a, s in zip(k, x, strict=True)))
