"""Burgers' equation of a velocity in the plane."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from array_api_compat import array_namespace

from pdekit.problems.parameters import require_numbers
from pdekit.problems.problem import FieldSpec, Symmetry
from pdekit.problems.reflections import mirrors
from pdekit.problems.semilinear import Semilinear, channels, per_sample, roughness
from pdekit.space.dealiased import Dealiased
from pdekit.space.grid import Grid


@dataclass(frozen=True)
class BurgersVector(Semilinear):
    """u_t + u u_x + v u_y = nu Laplace u, v_t + u v_x + v v_y = nu Laplace v, periodic, on two axes.

    What one sees: fronts of width ~ nu/max|u| that meet in a network; vorticity, where there is some, is squeezed into them.
    Resolve it:    at least 3 points per front width, else the spectrum piles up at its end.
    Units:         u and v in L/T, nu in L^2/T.
    Boundary:      periodic.
    Exact:         (u, v) = -2 nu grad log phi, phi any positive solution of the heat equation: `exact`.
    Source:        Burgers 1948; Cole 1951, doi:10.1090/qam/42889, for more axes. Not a conservation law: without a potential
                   the means drift.
    """

    nu: int | float = 0.1

    name: ClassVar[str] = "burgers-vector"
    equation: ClassVar[str] = "d(u, v)/dt = nu Laplace (u, v) - (u d/dx + v d/dy)(u, v), from initial_u, initial_v"
    traits: ClassVar[frozenset[str]] = frozenset({"evolution", "semilinear"})
    inputs: ClassVar[tuple[FieldSpec, ...]] = (
        FieldSpec("initial_u", "input", "1", "velocity along x at the start"),
        FieldSpec("initial_v", "input", "1", "velocity along y at the start"),
    )
    outputs: ClassVar[tuple[FieldSpec, ...]] = (
        FieldSpec("u", "output", "1", "velocity along x"),
        FieldSpec("v", "output", "1", "velocity along y"),
    )
    dims: ClassVar[tuple[int, ...]] = (2,)

    def __post_init__(self) -> None:
        require_numbers(self, positive=("nu",))

    def linear(self, space: Dealiased) -> np.ndarray:
        """-nu |k|^2 of both."""
        decay = self.nu * space.laplacian()
        return channels(space, decay, decay)

    def nonlinear(self, v: Any, t: float, space: Dealiased) -> Any:
        """-(u . grad) u."""
        u = space.backward(v)
        slopes = [space.backward(space.derivative(axis, like=v) * v) for axis in (0, 1)]
        return -space.forward(u[:, :1] * slopes[0] + u[:, 1:] * slopes[1])

    def speed(self, v: Any, space: Dealiased) -> Any:
        """max |u|."""
        xp, u = array_namespace(v), space.backward(v)
        return xp.max(xp.reshape(xp.sum(u * u, axis=1), (u.shape[0], -1)), axis=1) ** 0.5

    def quantities(self, v: Any, t: float, space: Dealiased) -> dict[str, Any]:
        """The energy (u^2 + v^2)/2."""
        return {"energy": 0.5 * array_namespace(v).sum(space.mean_square(v), axis=1)}

    def rates(self, v: Any, t: float, space: Dealiased) -> dict[str, Any]:
        """Half of (u^2 + v^2) div u, what compression takes and expansion gives, and -nu |grad u|^2."""
        xp, u = array_namespace(v), space.backward(v)
        divergence = space.backward(space.derivative(0, like=v) * v[:, 0] + space.derivative(1, like=v) * v[:, 1])
        work = 0.5 * xp.mean(xp.reshape(xp.sum(u * u, axis=1) * divergence, (u.shape[0], -1)), axis=1)
        return {"energy": work - per_sample(self.nu) * xp.sum(roughness(v, space), axis=1)}

    def reflections(self, grid: Grid) -> tuple[Symmetry, ...]:
        """(u, v)(x, y) -> (-u, v)(-x, y), and so of y."""
        return mirrors(grid, {"x": ("initial_u", "u"), "y": ("initial_v", "v")})

    def exact(self, x: Sequence[np.ndarray], t: float, height: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
        """(u, v) on sides 2 pi, of phi = height + cos(x) cos(y) exp(-2 nu t); height > 1, the nearer to 1 the steeper."""
        decay = np.exp(-2 * self.nu * t)
        phi = height + decay * np.cos(x[0]) * np.cos(x[1])
        scale = 2 * self.nu * decay / phi
        return scale * np.sin(x[0]) * np.cos(x[1]), scale * np.cos(x[0]) * np.sin(x[1])
