"""The wave equation, as displacement and velocity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from array_api_compat import array_namespace

from pdekit.problems.parameters import require_numbers
from pdekit.problems.problem import FieldSpec, Symmetry
from pdekit.problems.reflections import mirrors
from pdekit.problems.semilinear import Linear, channels, on_device, per_sample, roughness
from pdekit.space.dealiased import Dealiased
from pdekit.space.grid import Grid


@dataclass(frozen=True)
class Wave(Linear):
    """displacement_t = velocity, velocity_t = c^2 Laplace displacement, periodic, on 1 to 3 axes.

    What one sees: pulses part and run around the box; nothing fades. A mean velocity lifts the whole field for ever.
    Resolve it:    the points that the start needs; scheme "exact" has no error of time steps. The other schemes see the
                   equation as a coupling without linear part: c k_max dt <= 2.8 for those of fourth order.
    Units:         displacement in [u], velocity in [u]/T, c in L/T.
    Boundary:      periodic.
    Exact:         cos(c|k|t) and sin(c|k|t)/(c|k|) per mode: `propagate`; standing waves: `exact`.
    Source:        d'Alembert 1747; the two-channel form is that of exponax, Koehler et al. 2024, arXiv:2411.00180
    """

    c: int | float = 1.0

    name: ClassVar[str] = "wave"
    equation: ClassVar[str] = (
        "d2 displacement/dt2 = c^2 Laplace displacement, velocity its d/dt, from initial_displacement, initial_velocity"
    )
    traits: ClassVar[frozenset[str]] = frozenset({"evolution", "semilinear", "linear"})
    inputs: ClassVar[tuple[FieldSpec, ...]] = (
        FieldSpec("initial_displacement", "input", "1", "displacement at the start"),
        FieldSpec("initial_velocity", "input", "1", "velocity at the start"),
    )
    outputs: ClassVar[tuple[FieldSpec, ...]] = (
        FieldSpec("displacement", "output", "1", "displacement"),
        FieldSpec("velocity", "output", "1", "its rate of change"),
    )
    conserved: ClassVar[tuple[str, ...]] = ("velocity",)

    def __post_init__(self) -> None:
        require_numbers(self, nonnegative=("c",))

    def linear(self, space: Dealiased) -> np.ndarray:
        """0: the two fields drive each other, and each alone stays."""
        zero = np.zeros(space.shape)
        return channels(space, zero, zero)

    def nonlinear(self, v: Any, t: float, space: Dealiased) -> Any:
        """(velocity, c^2 Laplace displacement): the coupling, linear as it is."""
        return array_namespace(v).concat([v[:, 1:], self.c**2 * space.laplacian(like=v) * v[:, :1]], axis=1)

    def propagate(self, v: Any, h: float, space: Dealiased) -> Any:
        """u cos(c|k|h) + w sin(c|k|h)/(c|k|), and its derivative; u + h w where c|k| = 0."""
        omega = self.c * np.sqrt(space.squared())
        cosine, over = on_device(np.cos(omega * h), v), on_device(h * np.sinc(omega * h / np.pi), v)
        minus = on_device(-omega * np.sin(omega * h), v)
        u, w = v[:, :1], v[:, 1:]
        return array_namespace(v).concat([cosine * u + over * w, minus * u + cosine * w], axis=1)

    def speed(self, v: Any, space: Dealiased) -> Any:
        """c."""
        return 0.0 * space.mean_square(v[:, 0]) + per_sample(self.c)

    def quantities(self, v: Any, t: float, space: Dealiased) -> dict[str, Any]:
        """Means of both, and the energy (velocity^2 + c^2 |grad displacement|^2)/2."""
        bent = per_sample(self.c) ** 2 * roughness(v[:, 0], space)
        energy = 0.5 * (space.mean_square(v[:, 1]) + bent)
        return {**super().quantities(v, t, space), "mean displacement": space.mean(v[:, 0]), "energy": energy}

    def rates(self, v: Any, t: float, space: Dealiased) -> dict[str, Any]:
        """0, the mean velocity, and 0."""
        rates = super().rates(v, t, space)
        return {**rates, "mean displacement": space.mean(v[:, 1]), "energy": rates["mean velocity"]}

    def reflections(self, grid: Grid) -> tuple[Symmetry, ...]:
        """x -> -x."""
        return mirrors(grid)

    def exact(self, k: Sequence[float], x: Sequence[np.ndarray], t: float) -> tuple[np.ndarray, np.ndarray]:
        """(displacement, velocity) of the standing wave that starts as cos(k.x) at rest; k (rad/L) and x per axis."""
        omega = self.c * float(np.linalg.norm(k))
        shape = np.cos(sum(a * s for a, s in zip(k, x, strict=True)))
        return np.cos(omega * t) * shape, -omega * np.sin(omega * t) * shape
