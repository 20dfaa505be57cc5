"""Splitting: the linear part exactly, the reaction by its own flow; the only error is that of taking turns."""

from __future__ import annotations

from typing import Any

import numpy as np

from pdekit.steppers.stepper import Stepper


class Lie(Stepper):
    """v+ = flow(exp(h L) v): first order only (the reference data of Neural Spectral Methods were made so).

    In place of N stands the flow map (v, t, h) -> v: the state h later of v_t = N(v, t) alone, in closed form.
    Source: Trotter 1959, doi:10.1090/S0002-9939-1959-0108732-6
    """

    name = "lie"
    order = 1
    stages = 1
    flow = True

    def coefficients(self, z: np.ndarray) -> dict[str, Any]:
        """E = exp(z)."""
        return {"E": np.exp(z)}

    def step(self, v: Any, t: float, N: Any) -> Any:
        """One step of size dt."""
        return N(self.at(v)["E"] * v, t, self.dt)


class Strang(Stepper):
    """v+ = exp(h L/2) flow(exp(h L/2) v, h): second order, while the solution resolves what L damps.

    In place of N stands the flow map (v, t, h) -> v, as for Lie. Source: Strang 1968, doi:10.1137/0705041
    """

    name = "strang"
    order = 2
    stages = 1
    flow = True

    def coefficients(self, z: np.ndarray) -> dict[str, Any]:
        """E2 = exp(z/2)."""
        return {"E2": np.exp(z / 2)}

    def step(self, v: Any, t: float, N: Any) -> Any:
        """One step of size dt."""
        E2 = self.at(v)["E2"]
        return E2 * N(E2 * v, t, self.dt)
