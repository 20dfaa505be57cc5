"""The Navier-Stokes equations in two dimensions, for the vorticity: decaying, or forced in one of two published ways."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from array_api_compat import array_namespace

from pdekit.errors import BadInput, unknown_name
from pdekit.problems import navier_stokes_kernels as kernels
from pdekit.problems.parameters import require_numbers
from pdekit.problems.problem import FieldSpec, Symmetry
from pdekit.problems.reflections import half_turn, mirrors
from pdekit.problems.semilinear import Semilinear, per_sample
from pdekit.problems.symmetry import Family, shifts
from pdekit.space import complex_planes
from pdekit.space.dealiased import Dealiased
from pdekit.space.grid import Grid

FORCINGS = {"none": (0.0, 0), "fno": (0.1, 1), "kolmogorov": (1.0, 4)}  # published amplitude and mode


@dataclass(frozen=True)
class NavierStokes(Semilinear):
    """w_t + u . grad w = nu Laplace w - drag w + g, -Laplace psi = w, velocity (u, v) = (psi_y, -psi_x), w = v_x - u_y.

    forcing    "none"; "fno": g = amplitude (sin + cos)(2 pi mode (x/Lx + y/Ly)), a source of vorticity, 0.1 and 1;
               "kolmogorov": the force amplitude (sin(k y), 0), so g = -amplitude k cos(k y), k = 2 pi mode/Ly, 1 and 4
    amplitude  in 1/T^2 (fno) or L/T^2 (kolmogorov); None is the published one, as for the mode
    drag       in 1/T; 0.1 belongs to the published Kolmogorov data, else energy piles up at the size of the box
    The mean velocity is 0 (vorticity does not show it); a mean of w is carried along and moves nothing.

    What one sees: vortices merge, their filaments are torn to the size sqrt(nu/|w|) and vanish: energy stays, enstrophy decays.
    Resolve it:    some points per sqrt(nu/max|w|); decaying turbulence from max|w| ~ 9 at nu = 1e-3, L = 2 pi asks for 128^2.
    Units:         w in 1/T, nu in L^2/T.
    Boundary:      periodic.
    Exact:         sums of modes of one |k| decay as exp(-(nu |k|^2 + drag) t): `taylor_green`; under "kolmogorov" the laminar
                   flow w = -amplitude k cos(k y)/(nu k^2 + drag) is steady: `laminar`.
    Source:        McWilliams 1984, doi:10.1017/S0022112084001750; forcings of Li et al. 2021, arXiv:2010.08895, and
                   Kochkov et al. 2021, doi:10.1073/pnas.2101784118
    """

    nu: int | float = 1e-3
    drag: int | float = 0.0
    forcing: str = "none"
    amplitude: int | float | None = None
    mode: int | None = None

    name: ClassVar[str] = "navier-stokes"
    equation: ClassVar[str] = (
        "d vorticity/dt = nu Laplace vorticity - drag vorticity - u . grad vorticity + g, from initial"
    )
    traits: ClassVar[frozenset[str]] = frozenset({"evolution", "semilinear", "scalar"})
    inputs: ClassVar[tuple[FieldSpec, ...]] = (FieldSpec("initial", "input", "1", "vorticity at the start"),)
    outputs: ClassVar[tuple[FieldSpec, ...]] = (FieldSpec("vorticity", "output", "1", "vorticity"),)
    dims: ClassVar[tuple[int, ...]] = (2,)
    conserved: ClassVar[tuple[str, ...]] = ("vorticity",)
    extras: ClassVar[tuple[FieldSpec, ...]] = (
        FieldSpec("streamfunction", "output", "1", "streamfunction, of mean 0"),
        FieldSpec("velocity_x", "output", "1", "velocity along x"),
        FieldSpec("velocity_y", "output", "1", "velocity along y"),
    )

    def __post_init__(self) -> None:
        if self.forcing not in FORCINGS:
            raise unknown_name(f"forcing of problem {self.name!r}", str(self.forcing), FORCINGS)
        require_numbers(self, nonnegative=("nu", "drag"), skip=("forcing", *self._published()))
        if self.forcing == "none" and (self.amplitude, self.mode) != (None, None):
            raise BadInput.of(
                f"amplitude and mode of problem {self.name!r} have no effect without a forcing.",
                found=f"amplitude = {self.amplitude}, mode = {self.mode}",
                hint='write forcing = "fno" or "kolmogorov", or leave them out',
            )
        if self.mode is not None and (isinstance(self.mode, bool) or not isinstance(self.mode, int) or self.mode < 1):
            raise BadInput.of(f"mode of problem {self.name!r}.", found=repr(self.mode), allowed="an integer >= 1")

    def _published(self) -> list[str]:
        return [name for name in ("amplitude", "mode") if getattr(self, name) is None]

    def check_grid(self, grid: Grid) -> None:
        """As every semilinear problem, and the forcing must be among the modes that the grid keeps."""
        super().check_grid(grid)
        self._place(self.space(grid))

    def linear(self, space: Dealiased) -> np.ndarray:
        """-nu |k|^2 - drag."""
        return self.nu * space.laplacian() - self.drag

    def nonlinear(self, v: Any, t: float, space: Dealiased) -> Any:
        """-u . grad w + g by (d_xx - d_yy)(u v) + d_xy(v^2 - u^2), which is the same: four transforms, not five."""
        if type(v) is np.ndarray and v.dtype == np.complex128:
            return self._forced(_advection(v, space), space)
        xp = array_namespace(v)
        psi = -space.inverse_laplacian(like=v) * v
        dx, dy = space.derivative(0, like=v), space.derivative(1, like=v)
        velocity = space.backward(xp.concat([dy * psi, -dx * psi], axis=1))
        a, b = velocity[:, :1], velocity[:, 1:]
        products = space.forward(xp.concat([a * b, b * b - a * a], axis=1))
        across = space.derivative(1, 2, like=v) - space.derivative(0, 2, like=v)
        return self._forced(across * products[:, :1] - dx * dy * products[:, 1:], space)

    def speed(self, v: Any, space: Dealiased) -> Any:
        """max of |u| + |v|: what a box of modes is carried by."""
        xp = array_namespace(v)
        parts = xp.abs(space.backward(xp.stack([self.extra(f"velocity_{a}", v, 0.0, space) for a in "xy"], axis=1)))
        return xp.max(xp.reshape(xp.sum(parts, axis=1), (v.shape[0], -1)), axis=-1)

    def quantities(self, v: Any, t: float, space: Dealiased) -> dict[str, Any]:
        """Mean of w, the kinetic energy |u|^2/2 and the enstrophy w^2/2, means over the box."""
        w = v[:, 0]
        psi = -space.inverse_laplacian(like=v) * w
        return {
            "mean vorticity": space.mean(w),
            "energy": 0.5 * space.inner(psi, w),
            "enstrophy": 0.5 * space.mean_square(w),
        }

    def rates(self, v: Any, t: float, space: Dealiased) -> dict[str, Any]:
        """dE/dt = -2 nu Z - 2 drag E + <psi g>, a mean of w left out of Z; dZ/dt = -nu |grad w|^2 - 2 drag Z + <w g>."""
        xp, w = array_namespace(v), v[:, 0]
        nu, drag = per_sample(self.nu), per_sample(self.drag)
        psi, g = -space.inverse_laplacian(like=v) * w, self._forced(xp.zeros_like(v), space)[:, 0]
        mean, squares = space.mean(w), space.mean_square(w)
        gradient = space.inner(-space.laplacian(like=v) * w, w)
        return {
            "mean vorticity": -drag * mean,
            "energy": -nu * (squares - mean**2) - drag * space.inner(psi, w) + space.inner(psi, g),
            "enstrophy": -nu * gradient - drag * squares + space.inner(w, g),
        }

    def extra(self, name: str, v: Any, t: float, space: Dealiased) -> Any:
        """Streamfunction, or a component of the velocity."""
        psi = -space.inverse_laplacian(like=v) * v[:, 0]
        if name == "streamfunction":
            return psi
        if name == "velocity_x":
            return space.derivative(1, like=v) * psi
        if name == "velocity_y":
            return -space.derivative(0, like=v) * psi
        return super().extra(name, v, t, space)

    def symmetries(self, grid: Grid) -> tuple[Symmetry, ...]:
        """Shifts that keep the forcing; without one the mirrors, where it is Kolmogorov's the half turn."""
        identity, spin = super().symmetries(grid)[0], ("initial", "vorticity", "streamfunction")
        if self.forcing == "none":
            odd = {axis: (*spin, f"velocity_{axis}") for axis in grid.axes}
            return identity, shifts(grid), *mirrors(grid, odd)
        if self.forcing == "kolmogorov":
            return identity, shifts(grid, ("x",)), half_turn(grid, ("velocity_x", "velocity_y"))
        return (identity, _diagonal(grid)) if grid.points[0] == grid.points[1] else (identity,)

    def taylor_green(self, grid: Grid, t: float, m: int = 1) -> np.ndarray:
        """w (*points) = 2 k cos(k x) cos(k y) exp(-(2 nu k^2 + drag) t), k = 2 pi m/L on a square: solves without forcing."""
        k, (x, y) = 2 * math.pi * m / grid.length[0], grid.mesh
        return 2 * k * np.cos(k * x) * np.cos(k * y) * math.exp(-(2 * self.nu * k**2 + self.drag) * t)

    def laminar(self, grid: Grid) -> np.ndarray:
        """The steady w (*points) of the "kolmogorov" forcing."""
        amplitude, mode = self._strength()
        k = 2 * math.pi * mode / grid.length[1]
        return np.broadcast_to(-amplitude * k * np.cos(k * grid.mesh[1]) / (self.nu * k**2 + self.drag), grid.points)

    def _strength(self) -> tuple[Any, int]:
        amplitude, mode = FORCINGS[self.forcing]
        return amplitude if self.amplitude is None else self.amplitude, mode if self.mode is None else self.mode

    def _place(self, space: Dealiased) -> tuple[int, int]:
        """Where the coefficient of g stands; modes n_y > 0 stand for their conjugates too."""
        mode = self._strength()[1]
        if self.forcing != "none" and mode > (space.kept[1] if self.forcing == "kolmogorov" else min(space.kept)):
            raise BadInput.of(
                f"the forcing of problem {self.name!r} is finer than the grid resolves.",
                found=f"mode {mode}, modes kept per axis {space.kept}",
                hint=f"more points per axis: at least {3 * mode + 1}",
            )
        return (0, mode) if self.forcing == "kolmogorov" else (mode, mode)

    def _forced(self, out: Any, space: Dealiased) -> Any:
        """out + g, in place."""
        if self.forcing == "none":
            return out
        amplitude, mode = self._strength()
        amplitude = amplitude if isinstance(amplitude, int | float) else amplitude[:, 0, 0, :1]
        kolmogorov = self.forcing == "kolmogorov"
        factor = -math.pi * mode / space.length[1] if kolmogorov else 0.5 - 0.5j  # cos = (e + e*)/2, sin = (e - e*)/2i
        i, j = self._place(space)
        out[:, :, i, j] += amplitude * factor
        return out


def _advection(v: np.ndarray, space: Dealiased) -> np.ndarray:
    """-u . grad w by compiled kernels, which agrees with `nonlinear` to rounding: passes over memory are what a step costs."""
    kx, ky = (space.modes.wavenumbers(a).ravel() for a in (0, 1))
    z = complex_planes.room(space, len(v))
    kernels.velocity(v[:, 0], kx, ky, z)
    complex_planes.backward(z, space)
    kernels.square(z.reshape(-1))
    complex_planes.forward(z, space)
    out = np.empty_like(v)
    kernels.advection(z, kx, ky, out[:, 0])
    return out


def _diagonal(grid: Grid) -> Family:
    """Shifts by (a, -a) points on a square number of points, which leave x/Lx + y/Ly as it is."""
    both = shifts(grid)

    def move(name: str, array: Any, amount: Any) -> Any:
        return both.move(name, array, array_namespace(amount).concat([amount, -amount], axis=-1))

    def draw(rng: np.random.Generator, count: int) -> np.ndarray:
        return rng.integers(grid.points[0], size=(count, 1))

    one = np.array([(grid.points[0] + 2) // 3])
    return Family("shift along the diagonal", lambda name, array: move(name, array, one), 1, draw, move)
