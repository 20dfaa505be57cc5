"""Fields carried along and spread out, both at constant rates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from pdekit.problems.parameters import require_numbers
from pdekit.problems.problem import FieldSpec
from pdekit.problems.semilinear import Linear, channels, per_sample, roughness
from pdekit.space.dealiased import Dealiased


@dataclass(frozen=True)
class AdvectionDiffusion(Linear):
    """u_t + velocity . grad u = nu Laplace u, periodic, on 1 to 3 axes; velocity = (velocity_x, velocity_y, velocity_z).

    What one sees: the start moves and fades; the Peclet number |velocity| L/nu says which is the faster.
    Resolve it:    the points that the start needs; the solution is exact at any time step.
    Units:         u in [u], velocities in L/T, nu in L^2/T; velocities of axes that the grid does not have are not used.
    Boundary:      periodic.
    Exact:         cos(k.x) becomes exp(-nu |k|^2 t) cos(k.(x - velocity t)): `exact`.
    Source:        elementary; the form is that of exponax, Koehler et al. 2024, arXiv:2411.00180
    """

    velocity_x: int | float = 1.0
    velocity_y: int | float = 0.0
    velocity_z: int | float = 0.0
    nu: int | float = 0.01

    name: ClassVar[str] = "advection-diffusion"
    equation: ClassVar[str] = "du/dt = nu Laplace u - velocity . grad u, from initial"
    traits: ClassVar[frozenset[str]] = frozenset({"evolution", "semilinear", "linear", "scalar", "diffusion"})
    inputs: ClassVar[tuple[FieldSpec, ...]] = (FieldSpec("initial", "input", "1", "field at the start"),)
    outputs: ClassVar[tuple[FieldSpec, ...]] = (FieldSpec("u", "output", "1", "field that is carried and spreads"),)
    conserved: ClassVar[tuple[str, ...]] = ("u",)

    def __post_init__(self) -> None:
        require_numbers(self, nonnegative=("nu",))

    @property
    def velocity(self) -> tuple[Any, ...]:
        """Along x, y, z."""
        return self.velocity_x, self.velocity_y, self.velocity_z

    def linear(self, space: Dealiased) -> np.ndarray:
        """-i velocity . k - nu |k|^2."""
        carried = sum(c * space.derivative(i) for i, c in zip(range(space.dim), self.velocity, strict=False))
        return channels(space, self.nu * space.laplacian() - carried)

    def speed(self, v: Any, space: Dealiased) -> Any:
        """|velocity|."""
        squares = [per_sample(c) ** 2 for c in self.velocity[: space.dim]]
        return 0.0 * space.mean_square(v[:, 0]) + sum(squares) ** 0.5

    def quantities(self, v: Any, t: float, space: Dealiased) -> dict[str, Any]:
        """Mean of u, and u^2/2."""
        return {**super().quantities(v, t, space), "energy": 0.5 * space.mean_square(v[:, 0])}

    def rates(self, v: Any, t: float, space: Dealiased) -> dict[str, Any]:
        """0, and -nu |grad u|^2."""
        return {**super().rates(v, t, space), "energy": -per_sample(self.nu) * roughness(v[:, 0], space)}

    def exact(self, k: Sequence[float], x: Sequence[np.ndarray], t: float) -> np.ndarray:
        """u(x, t) from cos(k.x); k (rad/L) and x of as many axes as the grid has."""
        phase = sum(a * (s - c * t) for a, s, c in zip(k, x, self.velocity, strict=False))
        return np.exp(-self.nu * sum(a * a for a in k) * t) * np.cos(phase)
