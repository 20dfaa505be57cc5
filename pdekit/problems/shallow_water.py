"""The shallow water equations on a rotating plane: waves and vortices under one roof."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from array_api_compat import array_namespace

from pdekit.problems.parameters import require_numbers
from pdekit.problems.problem import FieldSpec, Symmetry
from pdekit.problems.reflections import half_turn
from pdekit.problems.semilinear import Semilinear, per_sample
from pdekit.space.dealiased import Dealiased
from pdekit.space.grid import Grid


@dataclass(frozen=True)
class ShallowWater(Semilinear):
    """h_t + div(h u) = 0, u_t + (zeta + coriolis) z x u = -grad(gravity h + |u|^2/2), zeta = v_x - u_y, h = height > 0.

    All three fields are damped by -hyperviscosity Laplace^2: what steepens piles up at the last modes otherwise. Choose it so
    that hyperviscosity k_max^4 is about one over the time in which waves cross a few points.
    The flat bottom has no friction. Dams and bores, which need shocks, are no problem for Fourier series.

    What one sees: gravity waves run off at sqrt(gravity h), vortices in balance of pressure and rotation stay.
    Resolve it:    waves steepen where |u| is not small beside sqrt(gravity h); some 10 points per wave, and hyperviscosity.
    Units:         height in H (the unit of gravity times it is L^2/T^2), velocity in L/T, coriolis in 1/T, hyperviscosity L^4/T.
    Boundary:      periodic.
    Exact:         small waves on a depth H have omega^2 = coriolis^2 + gravity H |k|^2, slow ones omega = 0: `waves`.
    Source:        Vallis 2017, Atmospheric and Oceanic Fluid Dynamics, 2nd ed., section 3.1; energy in section 3.5
    """

    gravity: int | float = 1.0
    coriolis: int | float = 1.0
    hyperviscosity: int | float = 1e-6

    name: ClassVar[str] = "shallow-water"
    equation: ClassVar[str] = (
        "d(height, velocity_x, velocity_y)/dt = (-div(h u), -(zeta + f) z x u - grad(g h + |u|^2/2)) - nu4 Laplace^2, "
        "from initial_height, initial_velocity_x, initial_velocity_y"
    )
    traits: ClassVar[frozenset[str]] = frozenset({"evolution", "semilinear"})
    inputs: ClassVar[tuple[FieldSpec, ...]] = (
        FieldSpec("initial_height", "input", "1", "depth of the water at the start", positive=True),
        FieldSpec("initial_velocity_x", "input", "1", "velocity along x at the start"),
        FieldSpec("initial_velocity_y", "input", "1", "velocity along y at the start"),
    )
    outputs: ClassVar[tuple[FieldSpec, ...]] = (
        FieldSpec("height", "output", "1", "depth of the water"),
        FieldSpec("velocity_x", "output", "1", "velocity along x"),
        FieldSpec("velocity_y", "output", "1", "velocity along y"),
    )
    dims: ClassVar[tuple[int, ...]] = (2,)
    conserved: ClassVar[tuple[str, ...]] = ("height",)
    extras: ClassVar[tuple[FieldSpec, ...]] = (
        FieldSpec("vorticity", "output", "1", "relative vorticity"),
        FieldSpec("divergence", "output", "1", "divergence of the velocity"),
    )

    def __post_init__(self) -> None:
        require_numbers(self, positive=("gravity",), nonnegative=("hyperviscosity",))

    def linear(self, space: Dealiased) -> np.ndarray:
        """-hyperviscosity |k|^4; the waves, which couple the fields, are in N."""
        return -self.hyperviscosity * space.squared() ** 2

    def nonlinear(self, v: Any, t: float, space: Dealiased) -> Any:
        """Everything else: 4 backward and 5 forward transforms."""
        xp = array_namespace(v)
        dx, dy = space.derivative(0, like=v), space.derivative(1, like=v)
        points = space.backward(xp.concat([v, dx * v[:, 2:] - dy * v[:, 1:2]], axis=1))
        h, a, b, spin = (points[:, c] for c in range(4))
        spin = spin + _flat(self.coriolis)
        kinetic = 0.5 * (a * a + b * b)
        flux = space.forward(xp.stack([h * a, h * b, spin * b, spin * a, kinetic], axis=1))
        head = _flat(self.gravity) * v[:, 0] + flux[:, 4]
        parts = (-dx * flux[:, 0] - dy * flux[:, 1], flux[:, 2] - dx * head, -flux[:, 3] - dy * head)
        return xp.stack(parts, axis=1)

    def speed(self, v: Any, space: Dealiased) -> Any:
        """max of |u| + |v| + sqrt(2 gravity h), waves running along the diagonal of the box of modes."""
        xp = array_namespace(v)
        u = space.backward(v)
        wave = (2 * _flat(self.gravity) * xp.clip(u[:, 0], 0)) ** 0.5
        return xp.max(xp.reshape(wave + xp.abs(u[:, 1]) + xp.abs(u[:, 2]), (v.shape[0], -1)), axis=-1)

    def quantities(self, v: Any, t: float, space: Dealiased) -> dict[str, Any]:
        """Mean height; the energy h |u|^2/2 + gravity h^2/2 over the box."""
        _, flux = self._energy_terms(v, space)
        potential = 0.5 * space.mean_square(v[:, 0]) * per_sample(self.gravity)
        return {
            **super().quantities(v, t, space),
            "energy": potential + 0.5 * sum(space.inner(flux[:, c], v[:, c + 1]) for c in range(2)),
        }

    def rates(self, v: Any, t: float, space: Dealiased) -> dict[str, Any]:
        """0, and what hyperviscosity takes: <(gravity h + |u|^2/2) D h> + <h u . D u>, D = -hyperviscosity Laplace^2.

        Cut to the modes of the grid, the energy is kept to the size of its last modes, not to rounding.
        """
        xp = array_namespace(v)
        damped = -self.hyperviscosity * space.squared(like=v) ** 2 * v
        head, flux = self._energy_terms(v, space)
        lost = space.inner(head, damped[:, 0]) + sum(space.inner(flux[:, c], damped[:, c + 1]) for c in range(2))
        return {"mean height": xp.zeros_like(lost), "energy": lost}

    def extra(self, name: str, v: Any, t: float, space: Dealiased) -> Any:
        """Vorticity v_x - u_y, or divergence u_x + v_y."""
        dx, dy = space.derivative(0, like=v), space.derivative(1, like=v)
        if name == "vorticity":
            return dx * v[:, 2] - dy * v[:, 1]
        return dx * v[:, 1] + dy * v[:, 2] if name == "divergence" else super().extra(name, v, t, space)

    def reflections(self, grid: Grid) -> tuple[Symmetry, ...]:
        """The half turn, under which velocities change sign."""
        names = [spec.name for spec in (*self.inputs, *self.outputs)]
        return (half_turn(grid, [name for name in names if "velocity" in name]),)

    def waves(self, v: Any, t: float, space: Dealiased) -> Any:
        """The state a time t later by the equations linear about rest and the mean depth, without hyperviscosity: exact.

        exp(t M) = 1 + M sin(omega t)/omega + M^2 (1 - cos(omega t))/omega^2, as M^3 = -omega^2 M for each mode.
        """
        xp, depth = array_namespace(v), space.mean(v[:, 0])[:, None, None]
        omega = (self.coriolis**2 + self.gravity * space.squared(like=v) * depth[:, None]) ** 0.5
        safe = xp.where(omega > 0, omega, xp.ones_like(omega))
        once, twice = xp.sin(omega * t) / safe, (1 - xp.cos(omega * t)) / safe**2
        first = self._linear_waves(v, depth, space)
        return v + once * first + twice * self._linear_waves(first, depth, space)

    def _linear_waves(self, v: Any, depth: Any, space: Dealiased) -> Any:
        dx, dy = space.derivative(0, like=v), space.derivative(1, like=v)
        h, a, b = v[:, 0], v[:, 1], v[:, 2]
        f, g = _flat(self.coriolis), _flat(self.gravity)
        return array_namespace(v).stack([-depth * (dx * a + dy * b), f * b - g * dx * h, -f * a - g * dy * h], axis=1)

    def _energy_terms(self, v: Any, space: Dealiased) -> tuple[Any, Any]:
        """gravity h + |u|^2/2 (n, *shape), and h u (n, 2, *shape): the derivatives of the energy by h and by u."""
        xp, u = array_namespace(v), space.backward(v)
        kinetic = 0.5 * (u[:, 1] ** 2 + u[:, 2] ** 2)
        products = space.forward(xp.stack([u[:, 0] * u[:, 1], u[:, 0] * u[:, 2], kinetic], axis=1))
        return _flat(self.gravity) * v[:, 0] + products[:, 2], products[:, :2]


def _flat(p: Any) -> Any:
    """A parameter beside one field (n, *x)."""
    return p if isinstance(p, int | float) else p[:, 0]
