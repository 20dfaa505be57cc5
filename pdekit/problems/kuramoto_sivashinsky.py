"""The equation of Kuramoto and Sivashinsky, for the height of a flame front or a film."""

from __future__ import annotations

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
class KuramotoSivashinsky(Semilinear):
    """h_t = -growth Laplace h - damping Laplace^2 h - steepening |grad h|^2/2, periodic, on 1 to 3 axes.

    What one sees: cells of length ~ 2 pi sqrt(2 damping/growth) that wander, merge and split without end, where the box holds
                   several; the mean sinks steadily. Two trajectories part like exp(t/20) on length 22, exp(t/11) on 60.
    Resolve it:    4 points per cell and more for the tail: N = 128 on length 32 pi.
    Units:         h in [h], growth in L^2/T, damping in L^4/T, steepening in L^2/T/[h].
    Boundary:      periodic.
    Exact:         none; waves grow by growth k^2 - damping k^4 while small, and grad h solves the forms for velocities.
    Source:        Kuramoto & Tsuzuki 1976, doi:10.1143/PTP.55.356; Sivashinsky 1977, doi:10.1016/0094-5765(77)90096-0
    """

    growth: int | float = 1.0
    damping: int | float = 1.0
    steepening: int | float = 1.0

    name: ClassVar[str] = "kuramoto-sivashinsky"
    equation: ClassVar[str] = "dh/dt = -growth Laplace h - damping Laplace^2 h - steepening |grad h|^2/2, from initial"
    traits: ClassVar[frozenset[str]] = frozenset({"evolution", "semilinear", "scalar", "chaotic"})
    inputs: ClassVar[tuple[FieldSpec, ...]] = (FieldSpec("initial", "input", "1", "height at the start"),)
    outputs: ClassVar[tuple[FieldSpec, ...]] = (FieldSpec("h", "output", "1", "height"),)

    def __post_init__(self) -> None:
        require_numbers(self, positive=("damping",))

    def linear(self, space: Dealiased) -> np.ndarray:
        """growth |k|^2 - damping |k|^4."""
        square = space.squared()
        return channels(space, self.growth * square - self.damping * square**2)

    def nonlinear(self, v: Any, t: float, space: Dealiased) -> Any:
        """-steepening |grad h|^2/2."""
        squares = sum(space.backward(space.derivative(axis, like=v) * v) ** 2 for axis in range(space.dim))
        return (-0.5 * self.steepening) * space.forward(squares)

    def quantities(self, v: Any, t: float, space: Dealiased) -> dict[str, Any]:
        """Mean of h, and h^2/2."""
        return {"mean h": space.mean(v[:, 0]), "energy": 0.5 * space.mean_square(v[:, 0])}

    def rates(self, v: Any, t: float, space: Dealiased) -> dict[str, Any]:
        """-steepening |grad h|^2/2; growth |grad h|^2 - damping (Laplace h)^2 - steepening h |grad h|^2/2."""
        v = v[:, 0]
        slope, curvature = roughness(v, space), space.mean_square(space.laplacian(like=v) * v)
        squares = sum(space.backward(space.derivative(axis, like=v) * v) ** 2 for axis in range(space.dim))
        lost = 0.5 * per_sample(self.steepening) * space.inner(v, space.forward(squares))
        return {
            "mean h": -0.5 * per_sample(self.steepening) * slope,
            "energy": per_sample(self.growth) * slope - per_sample(self.damping) * curvature - lost,
        }

    def reflections(self, grid: Grid) -> tuple[Symmetry, ...]:
        """x -> -x."""
        return mirrors(grid)


@dataclass(frozen=True)
class KuramotoSivashinskyConservative(Semilinear):
    """u_t + steepening (u^2/2)_x = -growth u_xx - damping u_xxxx, periodic; u = h_x of the height.

    What one sees: cells of length ~ 2 pi sqrt(2 damping/growth) that wander, merge and split without end, where the box holds
                   several: u of rms 1.3 and up to 3 in size. On length 22 trajectories part like exp(t/20), on 60 exp(t/11).
    Resolve it:    4 points per cell and more for the tail: N = 128 on length 32 pi.
    Units:         u in [u], growth in L^2/T, damping in L^4/T, steepening in L/T/[u].
    Boundary:      periodic.
    Exact:         none; waves grow by growth k^2 - damping k^4 while small.
    Source:        Kuramoto & Tsuzuki 1976, doi:10.1143/PTP.55.356; on length 32 pi, Kassam & Trefethen 2005,
                   doi:10.1137/S1064827502410633
    """

    growth: int | float = 1.0
    damping: int | float = 1.0
    steepening: int | float = 1.0

    name: ClassVar[str] = "kuramoto-sivashinsky-conservative"
    equation: ClassVar[str] = "du/dt = -growth d2u/dx2 - damping d4u/dx4 - steepening d(u^2/2)/dx, from initial"
    traits: ClassVar[frozenset[str]] = frozenset({"evolution", "semilinear", "scalar", "chaotic"})
    inputs: ClassVar[tuple[FieldSpec, ...]] = (FieldSpec("initial", "input", "1", "slope at the start"),)
    outputs: ClassVar[tuple[FieldSpec, ...]] = (FieldSpec("u", "output", "1", "slope"),)
    dims: ClassVar[tuple[int, ...]] = (1,)
    conserved: ClassVar[tuple[str, ...]] = ("u",)

    def __post_init__(self) -> None:
        require_numbers(self, positive=("damping",))

    def linear(self, space: Dealiased) -> np.ndarray:
        """growth k^2 - damping k^4."""
        square = space.squared()
        return channels(space, self.growth * square - self.damping * square**2)

    def nonlinear(self, v: Any, t: float, space: Dealiased) -> Any:
        """-steepening (u^2/2)_x."""
        return space.square(v, (-0.5 * self.steepening) * space.derivative(0, like=v))

    def quantities(self, v: Any, t: float, space: Dealiased) -> dict[str, Any]:
        """Mean of u, and u^2/2."""
        return {**super().quantities(v, t, space), "energy": 0.5 * space.mean_square(v[:, 0])}

    def rates(self, v: Any, t: float, space: Dealiased) -> dict[str, Any]:
        """0; growth u_x^2 - damping u_xx^2: what long waves gain and short ones lose."""
        curvature = space.mean_square(space.laplacian(like=v) * v)[:, 0]
        gain = per_sample(self.growth) * roughness(v[:, 0], space)
        return {**super().rates(v, t, space), "energy": gain - per_sample(self.damping) * curvature}

    def reflections(self, grid: Grid) -> tuple[Symmetry, ...]:
        """u(x) -> -u(-x)."""
        return mirrors(grid, {"x": ("initial", "u")})


@dataclass(frozen=True)
class KuramotoSivashinskyVelocity(Semilinear):
    """(u, v)_t + steepening grad (u^2 + v^2)/2 = -growth Laplace (u, v) - damping Laplace^2 (u, v), on two axes.

    What one sees: cells that wander, merge and split without end, divided by sharp valleys.
    Resolve it:    4 points per cell and more for the tail: N = 128 on sides 32 pi.
    Units:         u, v in [u], growth in L^2/T, damping in L^4/T, steepening in L/T/[u].
    Boundary:      periodic.
    Exact:         none; (u, v) = grad h of the form for the height, and a start without curl keeps none.
    Source:        the gradient of Kuramoto & Tsuzuki 1976, doi:10.1143/PTP.55.356; the conservative form in the plane
    """

    growth: int | float = 1.0
    damping: int | float = 1.0
    steepening: int | float = 1.0

    name: ClassVar[str] = "kuramoto-sivashinsky-velocity"
    equation: ClassVar[str] = (
        "d(u, v)/dt = -(growth Laplace + damping Laplace^2)(u, v) - steepening grad (u^2 + v^2)/2, from initial_u, initial_v"
    )
    traits: ClassVar[frozenset[str]] = frozenset({"evolution", "semilinear", "chaotic"})
    inputs: ClassVar[tuple[FieldSpec, ...]] = (
        FieldSpec("initial_u", "input", "1", "slope along x at the start"),
        FieldSpec("initial_v", "input", "1", "slope along y at the start"),
    )
    outputs: ClassVar[tuple[FieldSpec, ...]] = (
        FieldSpec("u", "output", "1", "slope along x"),
        FieldSpec("v", "output", "1", "slope along y"),
    )
    dims: ClassVar[tuple[int, ...]] = (2,)
    conserved: ClassVar[tuple[str, ...]] = ("u", "v")

    def __post_init__(self) -> None:
        require_numbers(self, positive=("damping",))

    def linear(self, space: Dealiased) -> np.ndarray:
        """growth |k|^2 - damping |k|^4, of both."""
        square = space.squared()
        one = self.growth * square - self.damping * square**2
        return channels(space, one, one)

    def nonlinear(self, v: Any, t: float, space: Dealiased) -> Any:
        """-steepening grad (u^2 + v^2)/2."""
        xp, u = array_namespace(v), space.backward(v)
        half = (-0.5 * self.steepening) * space.forward(xp.sum(u * u, axis=1, keepdims=True))
        return xp.concat([space.derivative(axis, like=v) * half for axis in (0, 1)], axis=1)

    def reflections(self, grid: Grid) -> tuple[Symmetry, ...]:
        """(u, v)(x, y) -> (-u, v)(-x, y), and so of y."""
        return mirrors(grid, {"x": ("initial_u", "u"), "y": ("initial_v", "v")})
