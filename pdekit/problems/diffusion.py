"""Diffusion with a constant tensor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from pdekit.errors import BadInput
from pdekit.problems.parameters import require_numbers
from pdekit.problems.problem import FieldSpec, Symmetry
from pdekit.problems.reflections import mirrors
from pdekit.problems.semilinear import Linear, channels
from pdekit.space.dealiased import Dealiased
from pdekit.space.grid import Grid


@dataclass(frozen=True)
class Diffusion(Linear):
    """u_t = div(D grad u), periodic, on 1 to 3 axes; D = (nu_x, nu_y, nu_z) on its diagonal, nu_xy, nu_xz, nu_yz beside it.

    What one sees: everything fades to its mean, short waves first: after t, waves below sqrt(nu t) are gone.
    Resolve it:    the points that the start needs; the solution is exact at any time step.
    Units:         u in [u], D in L^2/T; entries of axes that the grid does not have are not used.
    Boundary:      periodic.
    Exact:         cos(k.x) decays by exp(-k.D k t): `exact`.
    Source:        Fourier 1822, in one sentence; the forms are those of exponax, Koehler et al. 2024, arXiv:2411.00180
    """

    nu_x: int | float = 0.01
    nu_y: int | float = 0.01
    nu_z: int | float = 0.01
    nu_xy: int | float = 0.0
    nu_xz: int | float = 0.0
    nu_yz: int | float = 0.0

    name: ClassVar[str] = "diffusion"
    equation: ClassVar[str] = "du/dt = div(D grad u), from initial"
    traits: ClassVar[frozenset[str]] = frozenset({"evolution", "semilinear", "linear", "scalar", "diffusion"})
    inputs: ClassVar[tuple[FieldSpec, ...]] = (FieldSpec("initial", "input", "1", "field at the start"),)
    outputs: ClassVar[tuple[FieldSpec, ...]] = (FieldSpec("u", "output", "1", "field that spreads"),)
    conserved: ClassVar[tuple[str, ...]] = ("u",)

    def __post_init__(self) -> None:
        require_numbers(self, nonnegative=("nu_x", "nu_y", "nu_z"))
        self._require_no_growth(np.array(self.tensor, float))

    @property
    def tensor(self) -> tuple[tuple[Any, ...], ...]:
        """D, rows and columns in the order x, y, z."""
        xy, xz, yz = self.nu_xy, self.nu_xz, self.nu_yz
        return (self.nu_x, xy, xz), (xy, self.nu_y, yz), (xz, yz, self.nu_z)

    def linear(self, space: Dealiased) -> np.ndarray:
        """-k.D k."""
        D, dim = self.tensor, space.dim
        symbol = sum(D[i][i] * space.derivative(i, 2) for i in range(dim))
        for i in range(dim):
            for j in range(i):
                symbol = symbol + 2 * D[i][j] * (space.derivative(i) * space.derivative(j)).real
        return channels(space, symbol)

    def quantities(self, v: Any, t: float, space: Dealiased) -> dict[str, Any]:
        """Mean of u, and u^2/2."""
        return {**super().quantities(v, t, space), "energy": 0.5 * space.mean_square(v[:, 0])}

    def rates(self, v: Any, t: float, space: Dealiased) -> dict[str, Any]:
        """0, and -grad u . D grad u."""
        D, dim = self.tensor, space.dim
        slopes = [space.derivative(i, like=v) * v for i in range(dim)]
        flux = [sum(D[i][j] * slopes[j] for j in range(dim)) for i in range(dim)]
        loss: Any = sum(space.inner(s, q) for s, q in zip(slopes, flux, strict=True))
        return {**super().rates(v, t, space), "energy": -loss[:, 0]}

    def reflections(self, grid: Grid) -> tuple[Symmetry, ...]:
        """x -> -x of all axes together; not of one alone: a sample may bring its own nu_xy, which the problem does not know."""
        return mirrors(grid)[-1:]

    def exact(self, k: Sequence[float], x: Sequence[np.ndarray], t: float) -> np.ndarray:
        """u(x, t) from cos(k.x); k (rad/L) and x of as many axes as the grid has."""
        D = np.array(self.tensor)[: len(k), : len(k)]
        return np.exp(-(np.array(k) @ D @ np.array(k)) * t) * np.cos(sum(a * s for a, s in zip(k, x, strict=True)))

    def _require_no_growth(self, D: np.ndarray) -> None:
        least = float(np.linalg.eigvalsh(D).min())
        if least < -1e-12 * np.abs(D).max():
            raise BadInput.of(
                f"the tensor of problem {self.name!r} lets short waves grow without bound.",
                found=f"least eigenvalue {least:.3g} of {D.tolist()}",
                allowed="a tensor without negative eigenvalues",
            )
