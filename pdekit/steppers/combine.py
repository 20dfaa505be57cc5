"""The sums that steppers are made of: array code for any namespace, and one pass of a kernel where the state is NumPy complex128.

Tables are those of `Stepper.at`, all of one step of one size: real where L is. Both ways agree to rounding.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pdekit.steppers import combine_kernels as kernels


def two(A: Any, x: Any, B: Any, y: Any) -> Any:
    """A x + B y."""
    if (flat := _flat((A, B), (x, y))) is None:
        return A * x + B * y
    ((a, b), (u, v)), out = flat, np.empty_like(x)
    kernels.two(a, u, b, v, out.reshape(u.shape))
    return out


def pair(A: Any, x: Any, B: Any, y: Any, z: Any, p: float = 1.0, q: float = 1.0) -> Any:
    """A x + B (p y + q z)."""
    if (flat := _flat((A, B), (x, y, z))) is None:
        return A * x + B * (p * y + q * z)
    ((a, b), (u, v, w)), out = flat, np.empty_like(x)
    kernels.pair(a, u, b, v, w, p, q, out.reshape(u.shape))
    return out


def shifted(x: Any, B: Any, y: Any, z: Any) -> Any:
    """x + B (y - z)."""
    if (flat := _flat((B,), (x, y, z))) is None:
        return x + B * (y - z)
    ((b,), (u, v, w)), out = flat, np.empty_like(x)
    kernels.shifted(u, b, v, w, out.reshape(u.shape))
    return out


def quadrature(A: Any, x: Any, B: Any, y: Any, C: Any, z: Any, w: Any, D: Any, s: Any) -> Any:  # noqa: PLR0913 - one formula
    """A x + B y + 2 C (z + w) + D s."""
    if (flat := _flat((A, B, C, D), (x, y, z, w, s))) is None:
        return A * x + B * y + 2 * C * (z + w) + D * s
    ((a, b, c, d), (u, v, m, o, f)), out = flat, np.empty_like(x)
    kernels.quadrature(a, u, b, v, c, m, o, d, f, out.reshape(u.shape))
    return out


def history(A: Any, x: Any, B: Any, y: Any, C: Any, z: Any, D: Any, w: Any, F: Any, s: Any) -> Any:  # noqa: PLR0913 - one formula
    """A x + B y + C z + D w + F s."""
    if (flat := _flat((A, B, C, D, F), (x, y, z, w, s))) is None:
        return A * x + B * y + C * z + D * w + F * s
    ((a, b, c, d, f), (u, v, m, o, r)), out = flat, np.empty_like(x)
    kernels.history(a, u, b, v, c, m, d, o, f, r, out.reshape(u.shape))
    return out


def _flat(tables: tuple[Any, ...], states: tuple[Any, ...]) -> tuple[list[np.ndarray], list[np.ndarray]] | None:
    """Tables (1 or n, m) and states (n, m) as the kernels take them, views; None where they cannot be."""
    first = states[0]
    if type(first) is not np.ndarray or first.dtype != np.complex128 or first.ndim == 0 or first.size == 0:
        return None
    shape = first.shape
    for state in states:
        if type(state) is not np.ndarray or state.dtype != np.complex128:
            return None
        if state.shape != shape or not state.flags.c_contiguous:
            return None
    table, m = tables[0], first.size // shape[0]
    rows = 1 if table.size == m and table.shape == shape[-table.ndim :] else shape[0]
    rows = 1 if table.size == m and table.shape == (1, *shape[1:]) else rows
    if table.dtype != np.float64 or table.size != rows * m or (rows > 1 and table.shape != shape):
        return None
    return [t.reshape(rows, m) for t in tables], [s.reshape(shape[0], m) for s in states]
