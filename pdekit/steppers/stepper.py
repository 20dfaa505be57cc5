"""What every time integrator of u_t = L u + N(u, t) has: L diagonal, coefficients made once, one step at a time.

L broadcasts against the state v (n, c, *modes), in 1/T; N is a callable (v, t) -> array like v, already dealiased by its
owner. Written once for NumPy and torch: the state decides type and device, the coefficients are always made in
float64 or complex128 on the host and cast afterwards.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, TypeVar

import numpy as np
from array_api_compat import array_namespace, device, to_device

from pdekit.errors import BadInput

S = TypeVar("S", bound="Stepper")


class Stepper(ABC):
    """The protocol: `prepare(L, dt)` once, then `step(v, t, N)` from t to t + dt as often as one likes.

    order    of the global error in dt, for smooth solutions that resolve every stiff mode
    stages   evaluations of N in one step (once a multistep scheme has started)
    flow     True where `step` takes, in place of N, the flow map (v, t, h) -> v of v_t = N alone
    """

    name = ""
    order = 0
    stages = 0
    flow = False

    def prepare(self: S, L: Any, dt: float) -> S:
        """Make the coefficients of L (in 1/T) and the step dt (in T). BadInput where either cannot be used."""
        self.L = _on_host(L)
        self._tables: dict[float, dict[str, Any]] = {}
        self._cast: dict[Any, dict[str, Any]] = {}
        self._use(dt)
        return self

    def change(self, dt: float) -> None:
        """Go on with another dt; coefficients of a dt already met are kept."""
        self._use(dt)

    @abstractmethod
    def step(self, v: Any, t: float, N: Any) -> Any:
        """The state one dt after v; v itself is left as it is."""

    def replaced(self, v: Any) -> None:  # noqa: B027 - most schemes have no memory
        """Whoever marches goes on from v, next to what `step` returned, and not from that: a scheme with memory must know."""

    @abstractmethod
    def coefficients(self, z: np.ndarray) -> dict[str, Any]:
        """The arrays of the scheme in float64 or complex128, from z = dt L (`self.dt` holds dt)."""

    def at(self, v: Any) -> dict[str, Any]:
        """The coefficients in the type and on the device of v: real ones stay real."""
        key = (self.dt, v.dtype) if isinstance(v, np.ndarray) else (self.dt, v.dtype, str(device(v)))
        if key not in self._cast:
            self._cast[key] = {name: _like(array, v) for name, array in self._tables[self.dt].items()}
        return self._cast[key]

    def _use(self, dt: float) -> None:
        if not (np.isfinite(dt) and dt > 0):
            raise BadInput.of(
                "the time step cannot be used.", where=f"stepper {self.name}", found=dt, allowed="a finite dt > 0"
            )
        self.dt = float(dt)
        if self.dt not in self._tables:
            self._tables[self.dt] = self.coefficients(self.dt * self.L)


def _on_host(L: Any) -> np.ndarray:
    host = np.asarray(L if isinstance(L, (int, float, complex, np.ndarray)) else to_device(L, "cpu"))
    host = host.astype(np.complex128 if np.iscomplexobj(host) else np.float64)
    if not np.isfinite(host).all():
        raise BadInput.of(
            "the linear symbol holds NaN or infinity.", where="prepare(L, dt)", allowed="finite numbers, in 1/T"
        )
    return host


def _like(array: Any, v: Any) -> Any:
    """`array` in the precision and on the device of v."""
    xp = array_namespace(v)
    narrow = v.dtype in (xp.float32, xp.complex64)
    if np.iscomplexobj(array):
        if v.dtype in (xp.float32, xp.float64):
            raise BadInput.of(
                "the linear symbol is complex and the state is real.",
                where="step(v, t, N)",
                found=v.dtype,
                allowed="a complex state",
            )
        return xp.asarray(array, dtype=xp.complex64 if narrow else xp.complex128, device=device(v))
    return xp.asarray(array, dtype=xp.float32 if narrow else xp.float64, device=device(v))
