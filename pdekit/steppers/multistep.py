"""Linear multistep schemes, L implicit and N extrapolated: one evaluation of N a step.

The memory belongs to one run: a state that is not the one returned last starts afresh, with a one-step scheme of
order >= p - 1 (a lower one drops the order of the whole run). Source: Ascher, Ruuth & Wetton 1995, doi:10.1137/0732037
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pdekit.steppers.etdrk import ETDRK2, ETDRK4
from pdekit.steppers.stepper import Stepper


class Multistep(Stepper):
    """(a_0 v+ + a_1 v + a_2 v_prev ..)/h = L (theta v+ + (1 - theta) v) + b_1 N + b_2 N_prev .., here with a fixed step."""

    stages = 1
    start: type[Stepper] = ETDRK2
    a: tuple[float, ...] = ()
    b: tuple[float, ...] = ()
    theta = 1.0

    def prepare(self, L: Any, dt: float) -> Any:
        """As every stepper; forgets the past."""
        self._first = self.start().prepare(L, dt)
        self._forget()
        return super().prepare(L, dt)

    def change(self, dt: float) -> None:
        """Another dt: the past does not fit it, the scheme starts afresh."""
        if dt != self.dt:
            self._first.change(dt)
            self._forget()
            super().change(dt)

    def coefficients(self, z: np.ndarray) -> dict[str, Any]:
        """1/(a_0 - theta z), and (1 - theta) z."""
        return {"solve": 1 / (self.a[0] - self.theta * z), "z": (1 - self.theta) * z}

    def step(self, v: Any, t: float, N: Any) -> Any:
        """One step of size dt."""
        if v is not self._last:
            self._forget()
        self._past = [(v, N(v, t)), *self._past][: len(self.b)]
        self._last = self._advance(v) if len(self._past) == len(self.b) else self._first.step(v, t, N)
        return self._last

    def replaced(self, v: Any) -> None:
        """The past leads to v."""
        self._last = v

    def _advance(self, v: Any) -> Any:
        c = self.at(v)
        known = c["z"] * v if self.theta != 1 else 0.0
        for a, b, (u, Nu) in zip(self.a[1:], self.b, self._past, strict=True):
            known = known - a * u + (self.dt * b) * Nu
        return c["solve"] * known

    def _forget(self) -> None:
        self._past: list[tuple[Any, Any]] = []
        self._last: Any = None


class CNAB2(Multistep):
    """(v+ - v)/h = L (v+ + v)/2 + 3/2 N - 1/2 N_prev. Second order; damps the stiffest modes hardly at all.

    Source: Ascher, Ruuth & Wetton 1995.
    """

    name = "cnab2"
    order = 2
    a = (1.0, -1.0, 0.0)
    b = (3 / 2, -1 / 2)
    theta = 0.5


class SBDF2(Multistep):
    """(3 v+ - 4 v + v_prev)/(2h) = L v+ + 2 N - N_prev. Damps high modes: a safer default than CNAB2.

    Source: Ascher, Ruuth & Wetton 1995.
    """

    name = "sbdf2"
    order = 2
    a = (3 / 2, -2.0, 1 / 2)
    b = (2.0, -1.0)


class SBDF3(Multistep):
    """11/6, -3, 3/2, -1/3 | 3, -3, 1.

    Source: Ascher, Ruuth & Wetton 1995.
    """

    name = "sbdf3"
    order = 3
    start = ETDRK4
    a = (11 / 6, -3.0, 3 / 2, -1 / 3)
    b = (3.0, -3.0, 1.0)


class SBDF4(Multistep):
    """25/12, -4, 3, -4/3, 1/4 | 4, -6, 4, -1.

    Source: Ascher, Ruuth & Wetton 1995.
    """

    name = "sbdf4"
    order = 4
    start = ETDRK4
    a = (25 / 12, -4.0, 3.0, -4 / 3, 1 / 4)
    b = (4.0, -6.0, 4.0, -1.0)


class VariableCNAB2(CNAB2):
    """CNAB2 whose dt may change at every step, w = h/h_prev: 1 + w/2, -w/2 for N."""

    name = "cnab2-variable"

    def prepare(self, L: Any, dt: float) -> Any:
        """As every stepper; forgets the past."""
        self._w, self._taken = 1.0, dt
        return super().prepare(L, dt)

    def change(self, dt: float) -> None:
        """Another dt for the steps to come; the past is kept."""
        self._first.change(dt)
        self._use(dt)

    def step(self, v: Any, t: float, N: Any) -> Any:
        """One step of size dt."""
        self._w = self.dt / self._taken
        self._set_weights(self._w)
        self._taken = self.dt
        return super().step(v, t, N)

    def _set_weights(self, w: float) -> None:
        self.b = (1 + w / 2, -w / 2)


class VariableSBDF2(VariableCNAB2):
    """SBDF2 whose dt may change: (1+2w)/(1+w), -(1+w), w^2/(1+w) | 1 + w, -w. Zero-stable for w < 1 + sqrt 2."""

    name = "sbdf2-variable"
    theta = 1.0

    def coefficients(self, z: np.ndarray) -> dict[str, Any]:
        """z alone: a_0 depends on the step before."""
        return {"z": z}

    def _set_weights(self, w: float) -> None:
        self.a = ((1 + 2 * w) / (1 + w), -(1 + w), w * w / (1 + w))
        self.b = (1 + w, -w)

    def _advance(self, v: Any) -> Any:
        known = 0.0
        for a, b, (u, Nu) in zip(self.a[1:], self.b, self._past, strict=True):
            known = known - a * u + (self.dt * b) * Nu
        return known / (self.a[0] - self.at(v)["z"])
