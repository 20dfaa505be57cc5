"""u_t = L u, without any error of the step: the exact propagator."""

from __future__ import annotations

from typing import Any

import numpy as np

from pdekit.steppers.stepper import Stepper


class Exact(Stepper):
    """v+ = exp(h L) v, for purely linear problems; N is ignored and may be None.

    Any dt: one step of T and a thousand of T/1000 agree to rounding.
    """

    name = "exact"
    order = 0  # no error in dt, so no order
    stages = 0

    def coefficients(self, z: np.ndarray) -> dict[str, Any]:
        """E = exp(z)."""
        return {"E": np.exp(z)}

    def step(self, v: Any, t: float, N: Any = None) -> Any:
        """exp(h L) v."""
        return self.at(v)["E"] * v
