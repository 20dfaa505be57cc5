"""Explicit Runge-Kutta schemes: L is folded into the right-hand side, so max |L| dt must stay within the stability region."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pdekit.steppers.stepper import Stepper


class Explicit(Stepper):
    """u_i = v + h sum_j rows_ij f(u_j), v+ = v + h sum_i weights_i f(u_i), f = L v + N(v, t).

    embedded   weights of a second answer of one order less: the difference is the error that `march` steers by
    """

    rows: tuple[tuple[float, ...], ...] = ()
    weights: tuple[float, ...] = ()
    embedded: tuple[float, ...] = ()

    def coefficients(self, z: np.ndarray) -> dict[str, Any]:
        """L itself."""
        return {"L": z / self.dt}

    def step(self, v: Any, t: float, N: Any) -> Any:
        """One step of size dt."""
        return _sum(v, self.dt, self.weights, self._slopes(v, t, N))

    def step_with_error(self, v: Any, t: float, N: Any) -> tuple[Any, Any]:
        """One step of size dt, and its difference from the embedded answer, of the shape of v."""
        slopes = self._slopes(v, t, N)
        gaps = tuple(b - e for b, e in zip(self.weights, self.embedded, strict=True))
        return _sum(v, self.dt, self.weights, slopes), _sum(0 * v, self.dt, gaps, slopes)

    def _slopes(self, v: Any, t: float, N: Any) -> list[Any]:
        L, slopes = self.at(v)["L"], []
        for row in self.rows:
            u = _sum(v, self.dt, row, slopes)
            slopes.append(L * u + N(u, t + sum(row) * self.dt))
        return slopes


def _sum(v: Any, h: float, weights: Sequence[float], slopes: list[Any]) -> Any:
    for weight, slope in zip(weights, slopes, strict=True):
        if weight:
            v = v + (h * weight) * slope
    return v


class RK4(Explicit):
    """The classical scheme, fourth order: max |L| dt <= 2.78 on the real axis, 2.83 on the imaginary. Source: Kutta 1901."""

    name = "rk4"
    order = 4
    stages = 4
    rows = ((), (1 / 2,), (0.0, 1 / 2), (0.0, 0.0, 1.0))
    weights = (1 / 6, 1 / 3, 1 / 3, 1 / 6)


class BS32(Explicit):
    """Third order with an embedded second. Source: Bogacki & Shampine 1989, doi:10.1016/0893-9659(89)90079-7."""

    name = "rk32"
    order = 3
    stages = 4
    rows = ((), (1 / 2,), (0.0, 3 / 4), (2 / 9, 1 / 3, 4 / 9))
    weights = (2 / 9, 1 / 3, 4 / 9, 0.0)
    embedded = (7 / 24, 1 / 4, 1 / 3, 1 / 8)


class DP54(Explicit):
    """Fifth order with an embedded fourth. Source: Dormand & Prince 1980, doi:10.1016/0771-050X(80)90013-3, table 2."""

    name = "rk54"
    order = 5
    stages = 7
    rows = (
        (),
        (1 / 5,),
        (3 / 40, 9 / 40),
        (44 / 45, -56 / 15, 32 / 9),
        (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
        (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
        (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
    )
    weights = (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84, 0.0)
    embedded = (5179 / 57600, 0.0, 7571 / 16695, 393 / 640, -92097 / 339200, 187 / 2100, 1 / 40)
