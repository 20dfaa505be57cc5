"""The integrating factor: w = exp(-L t) u takes L out of the equation, and the classical Runge-Kutta scheme does the rest."""

from __future__ import annotations

from typing import Any

import numpy as np

from pdekit.steppers.stepper import Stepper


class IFRK4(Stepper):
    """RK4 in w = exp(-L t) u, multiplied back at each stage so that only decaying exponentials occur.

    For comparison only: the error constant grows with |h L|, and steady states are not kept.
    Source: Trefethen, Spectral Methods in Matlab, 2000, program 27
    """

    name = "if-rk4"
    order = 4
    stages = 4

    def coefficients(self, z: np.ndarray) -> dict[str, Any]:
        """E = exp(z) and E2 = exp(z/2)."""
        return {"E": np.exp(z), "E2": np.exp(z / 2)}

    def step(self, v: Any, t: float, N: Any) -> Any:
        """One step of size dt."""
        c, h = self.at(v), self.dt
        E, E2 = c["E"], c["E2"]
        a = N(v, t)
        b = N(E2 * (v + h / 2 * a), t + h / 2)
        d = N(E2 * v + h / 2 * b, t + h / 2)
        e = N(E * v + h * E2 * d, t + h)
        return E * v + h / 6 * (E * a + 2 * E2 * (b + d) + e)
