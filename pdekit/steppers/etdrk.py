"""Exponential time differencing, Runge-Kutta form: the linear part exactly, the nonlinear one by a polynomial in time.

The coefficients cancel catastrophically near z = h L = 0, so they are means over a unit circle about each z
(Kassam & Trefethen 2005, doi:10.1137/S1064827502410633, section 2.3).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pdekit.steppers.combine import pair, quadrature, shifted, two
from pdekit.steppers.stepper import Stepper

POINTS = 32


def contour_mean(f: Callable[[np.ndarray], np.ndarray], z: np.ndarray, points: int = POINTS) -> np.ndarray:
    """f(z) of an entire f, as its mean over a unit circle about z: half the circle for real z, the whole for complex z."""
    real = not np.iscomplexobj(z)
    angles = (np.pi if real else 2 * np.pi) * (np.arange(points) + 0.5) / points
    total = np.zeros(z.shape, dtype=np.complex128)
    for r in np.exp(1j * angles):  # summed point by point: an array (*modes, points) would not fit for 3D states
        total += f(z + r)
    return (total.real if real else total) / points


def phi1(z: np.ndarray) -> np.ndarray:
    """(e^z - 1)/z by the direct formula; cancels for small z."""
    return (np.exp(z) - 1) / z


def phi2(z: np.ndarray) -> np.ndarray:
    """(e^z - 1 - z)/z^2 by the direct formula."""
    return (np.exp(z) - 1 - z) / z**2


def f1(z: np.ndarray) -> np.ndarray:
    """Weight of N(v) over h, Cox & Matthews 2002, eq. 29: 1/6 at z = 0."""
    return (-4 - z + np.exp(z) * (4 - 3 * z + z**2)) / z**3


def f2(z: np.ndarray) -> np.ndarray:
    """Half the weight of N(a) + N(b) over h, eq. 29: 1/6 at z = 0."""
    return (2 + z + np.exp(z) * (z - 2)) / z**3


def f3(z: np.ndarray) -> np.ndarray:
    """Weight of N(c) over h, eq. 29: 1/6 at z = 0."""
    return (-4 - 3 * z - z**2 + np.exp(z) * (4 - z)) / z**3


class ETDRK2(Stepper):
    """a = E v + h phi1 N(v); v+ = a + h phi2 (N(a) - N(v)).

    No margin on the imaginary axis: keep |u| k_max h <= 0.5 and rely on the diffusion.
    Source: Cox & Matthews 2002, doi:10.1006/jcph.2002.6995, eqs. 20 to 22
    """

    name = "etdrk2"
    order = 2
    stages = 2

    def coefficients(self, z: np.ndarray) -> dict[str, Any]:
        """E, and h phi1, h phi2."""
        return {"E": np.exp(z), "p1": self.dt * contour_mean(phi1, z), "p2": self.dt * contour_mean(phi2, z)}

    def step(self, v: Any, t: float, N: Any) -> Any:
        """One step of size dt."""
        c = self.at(v)
        Nv = N(v, t)
        a = two(c["E"], v, c["p1"], Nv)
        return shifted(a, c["p2"], N(a, t + self.dt), Nv)


class ETDRK4(Stepper):
    """a = E2 v + Q N(v); b = E2 v + Q N(a); c = E2 a + Q (2 N(b) - N(v)); v+ = E v + f1 N(v) + 2 f2 (N(a) + N(b)) + f3 N(c).

    With weak diffusion its stability is that of RK4: |u| k_max h <= about 2.8.
    Source: Cox & Matthews 2002, eqs. 26 to 29; coefficients of Kassam & Trefethen 2005
    """

    name = "etdrk4"
    order = 4
    stages = 4

    def coefficients(self, z: np.ndarray) -> dict[str, Any]:
        """E, E2 = exp(z/2), Q, and h times f1, f2, f3."""
        h = self.dt
        return {
            "E": np.exp(z),
            "E2": np.exp(z / 2),
            "Q": h / 2 * contour_mean(phi1, z / 2),
            "f1": h * contour_mean(f1, z),
            "f2": h * contour_mean(f2, z),
            "f3": h * contour_mean(f3, z),
        }

    def step(self, v: Any, t: float, N: Any) -> Any:
        """One step of size dt."""
        c, half = self.at(v), t + self.dt / 2
        Nv = N(v, t)
        a = two(c["E2"], v, c["Q"], Nv)
        Na = N(a, half)
        Nb = N(two(c["E2"], v, c["Q"], Na), half)
        Nc = N(pair(c["E2"], a, c["Q"], Nb, Nv, 2.0, -1.0), t + self.dt)
        return quadrature(c["E"], v, c["f1"], Nv, c["f2"], Na, Nb, c["f3"], Nc)
