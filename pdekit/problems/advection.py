"""Fields carried along at a constant velocity."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from pdekit.problems.parameters import require_numbers
from pdekit.problems.problem import FieldSpec
from pdekit.problems.semilinear import Linear, channels, per_sample
from pdekit.space.dealiased import Dealiased


@dataclass(frozen=True)
class Advection(Linear):
    """u_t + velocity_x u_x + velocity_y u_y + velocity_z u_z = 0, periodic, on 1 to 3 axes.

    What one sees: the start, moved; nothing grows or fades. A learned solver that smears is seen at once.
    Resolve it:    the points that the start needs; the solution is exact at any time step.
    Units:         u in [u], velocities in L/T; those of axes that the grid does not have are not used.
    Boundary:      periodic.
    Exact:         u(x - velocity t, 0): `exact`.
    Source:        elementary; a standard case of PDEBench, Takamoto et al. 2022, arXiv:2210.07182
    """

    velocity_x: int | float = 1.0
    velocity_y: int | float = 0.0
    velocity_z: int | float = 0.0

    name: ClassVar[str] = "advection"
    equation: ClassVar[str] = "du/dt = -velocity . grad u, from initial"
    traits: ClassVar[frozenset[str]] = frozenset({"evolution", "semilinear", "linear", "scalar"})
    inputs: ClassVar[tuple[FieldSpec, ...]] = (FieldSpec("initial", "input", "1", "field at the start"),)
    outputs: ClassVar[tuple[FieldSpec, ...]] = (FieldSpec("u", "output", "1", "field that is carried"),)
    conserved: ClassVar[tuple[str, ...]] = ("u",)

    def __post_init__(self) -> None:
        require_numbers(self)

    @property
    def velocity(self) -> tuple[Any, ...]:
        """Along x, y, z."""
        return self.velocity_x, self.velocity_y, self.velocity_z

    def linear(self, space: Dealiased) -> np.ndarray:
        """-i velocity . k."""
        parts = [-c * space.derivative(axis) for axis, c in zip(range(space.dim), self.velocity, strict=False)]
        return channels(space, sum(parts))

    def speed(self, v: Any, space: Dealiased) -> Any:
        """|velocity|."""
        squares = [per_sample(c) ** 2 for c in self.velocity[: space.dim]]
        return 0.0 * space.mean_square(v[:, 0]) + sum(squares) ** 0.5

    def quantities(self, v: Any, t: float, space: Dealiased) -> dict[str, Any]:
        """Mean of u, and u^2/2."""
        return {**super().quantities(v, t, space), "energy": 0.5 * space.mean_square(v[:, 0])}

    def rates(self, v: Any, t: float, space: Dealiased) -> dict[str, Any]:
        """0 and 0."""
        rates = super().rates(v, t, space)
        return {**rates, "energy": rates["mean u"]}

    def exact(self, start: Callable[..., np.ndarray], x: Sequence[np.ndarray], t: float) -> np.ndarray:
        """u(x, t) of a periodic function start(x, y, z) of as many coordinates as x holds."""
        return start(*(s - c * t for s, c in zip(x, self.velocity, strict=False)))
