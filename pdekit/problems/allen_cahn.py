"""The equation of Allen and Cahn: two phases, and walls that shorten."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from array_api_compat import array_namespace

from pdekit.problems.parameters import require_numbers
from pdekit.problems.problem import FieldSpec, Symmetry
from pdekit.problems.reflections import mirrors, negation
from pdekit.problems.semilinear import Semilinear, channels, per_sample, roughness
from pdekit.space.dealiased import Dealiased
from pdekit.space.grid import Grid


@dataclass(frozen=True)
class AllenCahn(Semilinear):
    """u_t = epsilon^2 Laplace u + u - u^3, periodic, on 1 to 3 axes.

    What one sees: within t ~ 5 regions of -1 and +1, with walls of width ~ 3 epsilon between them that move by their curvature
                   (in 2D a disc of radius r is gone after r^2/(2 epsilon^2)); in 1D walls stand almost for ever.
    Resolve it:    spacing <= epsilon. |u| <= 1 is kept by the equation, and by the series up to its error.
    Units:         u is a number, the unit of time is that of the reaction, epsilon in L.
    Boundary:      periodic.
    Exact:         a front from 1 into 0 of speed 3 epsilon/sqrt(2): `exact`.
    Source:        Allen & Cahn 1979, doi:10.1016/0001-6160(79)90196-2
    """

    epsilon: int | float = 0.05

    name: ClassVar[str] = "allen-cahn"
    equation: ClassVar[str] = "du/dt = epsilon^2 Laplace u + u - u^3, from initial"
    traits: ClassVar[frozenset[str]] = frozenset({"evolution", "semilinear", "scalar", "gradient-flow"})
    inputs: ClassVar[tuple[FieldSpec, ...]] = (FieldSpec("initial", "input", "1", "phase at the start"),)
    outputs: ClassVar[tuple[FieldSpec, ...]] = (FieldSpec("u", "output", "1", "phase"),)
    degree: ClassVar[int] = 3

    def __post_init__(self) -> None:
        require_numbers(self, positive=("epsilon",))

    def linear(self, space: Dealiased) -> np.ndarray:
        """1 - epsilon^2 |k|^2."""
        return channels(space, 1 + self.epsilon**2 * space.laplacian())

    def nonlinear(self, v: Any, t: float, space: Dealiased) -> Any:
        """-u^3."""
        return -space.forward(space.backward(v) ** 3)

    def quantities(self, v: Any, t: float, space: Dealiased) -> dict[str, Any]:
        """The free energy epsilon^2 |grad u|^2/2 + (1 - u^2)^2/4, and the largest |u|."""
        xp, u = array_namespace(v), space.backward(v[:, 0])
        flat = xp.reshape(u, (u.shape[0], -1))
        bulk = xp.mean((1 - flat**2) ** 2, axis=1) / 4
        walls = 0.5 * per_sample(self.epsilon) ** 2 * roughness(v[:, 0], space)
        return {"free energy": walls + bulk, "largest |u|": xp.max(xp.abs(flat), axis=1)}

    def rates(self, v: Any, t: float, space: Dealiased) -> dict[str, Any]:
        """-mu^2, mu = u^3 - u - epsilon^2 Laplace u the chemical potential."""
        potential = space.forward(space.backward(v) ** 3) - v + self.epsilon**2 * space.squared(like=v) * v
        return {"free energy": -space.mean_square(potential)[:, 0]}

    def reflections(self, grid: Grid) -> tuple[Symmetry, ...]:
        """x -> -x, and u -> -u."""
        return (*mirrors(grid), negation())

    def exact(self, x: np.ndarray, t: float, start: float = 0.0) -> np.ndarray:
        """u(x, t) on the line of the front that is at `start` at t = 0, 1 behind it."""
        s = x - start - 3 * self.epsilon / np.sqrt(2) * t
        return (1 - np.tanh(s / (2 * np.sqrt(2) * self.epsilon))) / 2
