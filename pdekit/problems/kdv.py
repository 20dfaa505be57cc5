"""The equation of Korteweg and de Vries: long waves on shallow water, and solitons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from array_api_compat import array_namespace

from pdekit.problems.parameters import require_numbers
from pdekit.problems.problem import FieldSpec
from pdekit.problems.semilinear import Semilinear, channels, largest, per_sample
from pdekit.space.dealiased import Dealiased


@dataclass(frozen=True)
class KdV(Semilinear):
    """u_t + convection u u_x + dispersion u_xxx + hyper_diffusion u_xxxx = 0, periodic.

    What one sees: a hump falls apart into solitons, the tallest in front, that pass through one another unharmed.
    Resolve it:    4 points per width 2 sqrt(dispersion 12/(convection height)) of the tallest soliton.
    Units:         u in [u], convection in L/T/[u], dispersion in L^3/T, hyper_diffusion in L^4/T (0 keeps all invariants).
    Boundary:      periodic.
    Exact:         a soliton: `exact`.
    Source:        Korteweg & de Vries 1895; Zabusky & Kruskal 1965, doi:10.1103/PhysRevLett.15.240
    """

    convection: int | float = 6.0
    dispersion: int | float = 1.0
    hyper_diffusion: int | float = 0.0

    name: ClassVar[str] = "kdv"
    equation: ClassVar[str] = "du/dt = -convection u du/dx - dispersion d3u/dx3 - hyper_diffusion d4u/dx4, from initial"
    traits: ClassVar[frozenset[str]] = frozenset({"evolution", "semilinear", "scalar"})
    inputs: ClassVar[tuple[FieldSpec, ...]] = (FieldSpec("initial", "input", "1", "elevation at the start"),)
    outputs: ClassVar[tuple[FieldSpec, ...]] = (FieldSpec("u", "output", "1", "elevation"),)
    dims: ClassVar[tuple[int, ...]] = (1,)
    conserved: ClassVar[tuple[str, ...]] = ("u",)

    def __post_init__(self) -> None:
        require_numbers(self, nonnegative=("hyper_diffusion",))

    def linear(self, space: Dealiased) -> np.ndarray:
        """i dispersion k^3 - hyper_diffusion k^4."""
        decay = self.hyper_diffusion * space.derivative(0, 4)
        return channels(space, -self.dispersion * space.derivative(0, 3) - decay)

    def nonlinear(self, v: Any, t: float, space: Dealiased) -> Any:
        """-convection (u^2/2)_x."""
        return space.square(v, (-0.5 * self.convection) * space.derivative(0, like=v))

    def speed(self, v: Any, space: Dealiased) -> Any:
        """max |convection u|, of the largest convection in the batch."""
        xp = array_namespace(v)
        return largest(self.convection) * xp.max(xp.abs(space.backward(v[:, 0])), axis=-1)

    def quantities(self, v: Any, t: float, space: Dealiased) -> dict[str, Any]:
        """Mean of u, the energy u^2/2, and the Hamiltonian convection u^3/6 - dispersion u_x^2/2."""
        xp, u = array_namespace(v), space.backward(v[:, 0])
        slope = space.mean_square(space.derivative(0, like=v) * v[:, 0])
        cubic = xp.mean(u**3, axis=-1)
        return {
            **super().quantities(v, t, space),
            "energy": 0.5 * space.mean_square(v[:, 0]),
            "hamiltonian": per_sample(self.convection) * cubic / 6 - per_sample(self.dispersion) * slope / 2,
        }

    def rates(self, v: Any, t: float, space: Dealiased) -> dict[str, Any]:
        """0; and what hyper-diffusion takes: u_xx^2 of the energy, (convection u^2/2 + dispersion u_xx) u_xxxx of the other."""
        u = space.backward(v[:, 0])
        second, fourth = (space.derivative(0, order, like=v) * v[:, 0] for order in (2, 4))
        half_square = 0.5 * space.forward(u * u)
        hyper = per_sample(self.hyper_diffusion)
        work = per_sample(self.convection) * space.inner(half_square, fourth)
        work = work + per_sample(self.dispersion) * space.inner(second, fourth)
        return {
            **super().rates(v, t, space),
            "energy": -hyper * space.mean_square(second),
            "hamiltonian": -hyper * work,
        }

    def exact(self, x: np.ndarray, t: float, c: float = 4.0, start: float = 10.0, length: float = 40.0) -> np.ndarray:
        """u(x, t) of a soliton of speed c > 0 that is at `start` at t = 0, without hyper-diffusion, for positive parameters.

        Its periodic images are left out: exp(-sqrt(c/dispersion) length/2) of its height.
        """
        s = (x - start - c * t + length / 2) % length - length / 2
        return 3 * c / self.convection / np.cosh(np.sqrt(c / self.dispersion) / 2 * s) ** 2
