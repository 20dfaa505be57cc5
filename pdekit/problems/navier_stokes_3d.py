"""The Navier-Stokes equations in three dimensions, for the velocity."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from array_api_compat import array_namespace

from pdekit.problems.parameters import require_numbers
from pdekit.problems.problem import FieldSpec, Symmetry
from pdekit.problems.semilinear import Semilinear, per_sample
from pdekit.solver import Instances
from pdekit.space.dealiased import Dealiased
from pdekit.space.grid import Grid

PAIRS = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2))  # (2, 2) is taken off the diagonal: pressure makes up for it


@dataclass(frozen=True)
class NavierStokes3D(Semilinear):
    """u_t + (u . grad) u = -grad p + nu Laplace u, div u = 0, u = (velocity_x, velocity_y, velocity_z).

    Pressure is eliminated: P, the Leray projection, takes from a field its gradient part, u_t = nu Laplace u - P div(u u).
    A start with a divergence is projected; drawn starts are, so that what a file holds has none.

    What one sees: vortices stretch to tubes and sheets; energy goes to ever smaller scales and is lost there.
    Resolve it:    k_max (nu^3/dissipation)^(1/4) >= 1, dissipation = nu |curl u|^2; Taylor-Green at nu = 1/1600 asks for 256^3.
    Units:         velocity in L/T, nu in L^2/T; pressure over density.
    Boundary:      periodic.
    Exact:         Arnold-Beltrami-Childress flows, whose vorticity is k times the velocity, decay as exp(-nu k^2 t): `abc`.
    Source:        Orszag & Patterson 1972, doi:10.1103/PhysRevLett.28.76
    """

    nu: int | float = 1e-2

    name: ClassVar[str] = "navier-stokes-3d"
    equation: ClassVar[str] = (
        "d(velocity_x, velocity_y, velocity_z)/dt = nu Laplace u - P div(u u), from initial_velocity_x, "
        "initial_velocity_y, initial_velocity_z"
    )
    traits: ClassVar[frozenset[str]] = frozenset({"evolution", "semilinear"})
    inputs: ClassVar[tuple[FieldSpec, ...]] = tuple(
        FieldSpec(f"initial_velocity_{a}", "input", "1", f"velocity along {a} at the start") for a in "xyz"
    )
    outputs: ClassVar[tuple[FieldSpec, ...]] = tuple(
        FieldSpec(f"velocity_{a}", "output", "1", f"velocity along {a}") for a in "xyz"
    )
    dims: ClassVar[tuple[int, ...]] = (3,)
    conserved: ClassVar[tuple[str, ...]] = ("velocity_x", "velocity_y", "velocity_z")
    extras: ClassVar[tuple[FieldSpec, ...]] = tuple(
        FieldSpec(f"vorticity_{a}", "output", "1", f"vorticity along {a}") for a in "xyz"
    )

    def __post_init__(self) -> None:
        require_numbers(self, nonnegative=("nu",))

    def linear(self, space: Dealiased) -> np.ndarray:
        """-nu |k|^2."""
        return self.nu * space.laplacian()

    def nonlinear(self, v: Any, t: float, space: Dealiased) -> Any:
        """-P div(u u): 3 backward and 5 forward transforms."""
        xp = array_namespace(v)
        u = space.backward(v)
        last = u[:, 2] * u[:, 2]
        products = [u[:, i] * u[:, j] - last if i == j else u[:, i] * u[:, j] for i, j in PAIRS]
        tensor = space.forward(xp.stack(products, axis=1))
        found = {pair: tensor[:, c] for c, pair in enumerate(PAIRS)}
        d = [space.derivative(a, like=v) for a in range(3)]
        flux = [
            sum(d[j] * found[min(i, j), max(i, j)] for j in range(3) if (min(i, j), max(i, j)) in found)
            for i in range(3)
        ]
        return -project(xp.stack(flux, axis=1), space)

    def speed(self, v: Any, space: Dealiased) -> Any:
        """max of |u_x| + |u_y| + |u_z|."""
        xp = array_namespace(v)
        return xp.max(xp.reshape(xp.sum(xp.abs(space.backward(v)), axis=1), (v.shape[0], -1)), axis=-1)

    def quantities(self, v: Any, t: float, space: Dealiased) -> dict[str, Any]:
        """Mean velocities, the energy |u|^2/2, the helicity u . curl u, and the root mean square of div u."""
        divergence = sum(space.derivative(a, like=v) * v[:, a] for a in range(3))
        return {
            **super().quantities(v, t, space),
            "energy": 0.5 * _dot(v, v, space),
            "helicity": _dot(v, curl(v, space), space),
            "divergence": space.mean_square(divergence) ** 0.5,
        }

    def rates(self, v: Any, t: float, space: Dealiased) -> dict[str, Any]:
        """dE/dt = -nu |curl u|^2, dH/dt = -2 nu curl u . curl curl u; none is asked of the divergence."""
        nu, w = per_sample(self.nu), curl(v, space)
        return {
            **super().rates(v, t, space),
            "energy": -nu * _dot(w, w, space),
            "helicity": -2 * nu * _dot(w, curl(w, space), space),
        }

    def extra(self, name: str, v: Any, t: float, space: Dealiased) -> Any:
        """A component of the vorticity."""
        names = [spec.name for spec in self.extras]
        return curl(v, space)[:, names.index(name)] if name in names else super().extra(name, v, t, space)

    def sample(
        self, grid: Grid, rng: np.random.Generator, laws: Mapping[str, Mapping[str, Any]]
    ) -> dict[str, np.ndarray]:
        """Draw the three components, take off their divergence; modes beyond the cut are left out."""
        drawn = super().sample(grid, rng, laws)
        cases = Instances(grid, {name: u[None] for name, u in drawn.items()})
        space = self.space(grid)
        u = space.backward(self.start(cases, space))[0]
        return {spec.name: u[c] for c, spec in enumerate(self.inputs)}

    def start(self, instances: Instances, space: Dealiased, precision: str = "float64") -> Any:
        """The state of the inputs, free of divergence."""
        return project(super().start(instances, space, precision), space)

    def reflections(self, grid: Grid) -> tuple[Symmetry, ...]:
        """The point reflection u(x) -> -u(-x)."""
        return (Symmetry("point reflection", _reflected),)

    def abc(self, grid: Grid, t: float, amplitudes: tuple[float, float, float] = (1.0, 0.7, 0.4)) -> np.ndarray:
        """u (3, *points) = (A sin kz + C cos ky, B sin kx + A cos kz, C sin ky + B cos kx) exp(-nu k^2 t), k = 2 pi/L."""
        (a, b, c), k = amplitudes, 2 * math.pi / grid.length[0]
        x, y, z = (k * axis for axis in grid.mesh)
        flow = (
            a * np.sin(z) + c * np.cos(y) + 0 * x,
            b * np.sin(x) + a * np.cos(z) + 0 * y,
            c * np.sin(y) + b * np.cos(x) + 0 * z,
        )
        return np.stack(flow) * math.exp(-self.nu * k**2 * t)


def project(v: Any, space: Dealiased) -> Any:
    """Coefficients (n, 3, *shape) less their gradient part: v - k (k . v)/|k|^2; the mean stays."""
    xp = array_namespace(v)
    d = [space.derivative(a, like=v) for a in range(3)]
    potential = space.inverse_laplacian(like=v) * sum(d[a] * v[:, a] for a in range(3))
    return v - xp.stack([d[a] * potential for a in range(3)], axis=1)


def curl(v: Any, space: Dealiased) -> Any:
    """i k x v, of coefficients (n, 3, *shape)."""
    dx, dy, dz = (space.derivative(a, like=v) for a in range(3))
    a, b, c = v[:, 0], v[:, 1], v[:, 2]
    return array_namespace(v).stack([dy * c - dz * b, dz * a - dx * c, dx * b - dy * a], axis=1)


def _dot(v: Any, w: Any, space: Dealiased) -> Any:
    return array_namespace(v).sum(space.inner(v, w), axis=1)


def _reflected(name: str, array: Any) -> Any:
    xp = array_namespace(array)
    return -xp.roll(xp.flip(array, axis=(-3, -2, -1)), (1, 1, 1), axis=(-3, -2, -1))
