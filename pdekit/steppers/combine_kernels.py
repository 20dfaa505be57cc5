"""Sums of states times real tables, in one pass: tables (1 or n, m) float64, states (n, m) complex128."""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True)
def two(A: np.ndarray, x: np.ndarray, B: np.ndarray, y: np.ndarray, out: np.ndarray) -> None:
    """A x + B y."""
    for i in range(x.shape[0]):
        k = i if A.shape[0] > 1 else 0
        for j in range(x.shape[1]):
            a, b, u, v = A[k, j], B[k, j], x[i, j], y[i, j]
            out[i, j] = complex(a * u.real + b * v.real, a * u.imag + b * v.imag)


@numba.njit(cache=True)
def pair(
    A: np.ndarray, x: np.ndarray, B: np.ndarray, y: np.ndarray, z: np.ndarray, p: float, q: float, out: np.ndarray
) -> None:
    """A x + B (p y + q z)."""
    for i in range(x.shape[0]):
        k = i if A.shape[0] > 1 else 0
        for j in range(x.shape[1]):
            a, b, u, v, w = A[k, j], B[k, j], x[i, j], y[i, j], z[i, j]
            out[i, j] = complex(a * u.real + b * (p * v.real + q * w.real), a * u.imag + b * (p * v.imag + q * w.imag))


@numba.njit(cache=True)
def shifted(x: np.ndarray, B: np.ndarray, y: np.ndarray, z: np.ndarray, out: np.ndarray) -> None:
    """x + B (y - z)."""
    for i in range(x.shape[0]):
        k = i if B.shape[0] > 1 else 0
        for j in range(x.shape[1]):
            b, u, v, w = B[k, j], x[i, j], y[i, j], z[i, j]
            out[i, j] = complex(u.real + b * (v.real - w.real), u.imag + b * (v.imag - w.imag))


@numba.njit(cache=True)
def quadrature(
    A: np.ndarray, x: np.ndarray, B: np.ndarray, y: np.ndarray, C: np.ndarray, z: np.ndarray, w: np.ndarray,
    D: np.ndarray, s: np.ndarray, out: np.ndarray,
) -> None:  # fmt: skip
    """A x + B y + 2 C (z + w) + D s."""
    for i in range(x.shape[0]):
        k = i if A.shape[0] > 1 else 0
        for j in range(x.shape[1]):
            a, b, c, d = A[k, j], B[k, j], 2 * C[k, j], D[k, j]
            u, v, m, f = x[i, j], y[i, j], z[i, j] + w[i, j], s[i, j]
            out[i, j] = complex(
                a * u.real + b * v.real + c * m.real + d * f.real, a * u.imag + b * v.imag + c * m.imag + d * f.imag
            )


@numba.njit(cache=True)
def history(
    A: np.ndarray, x: np.ndarray, B: np.ndarray, y: np.ndarray, C: np.ndarray, z: np.ndarray, D: np.ndarray, w: np.ndarray,
    F: np.ndarray, s: np.ndarray, out: np.ndarray,
) -> None:  # fmt: skip
    """A x + B y + C z + D w + F s."""
    for i in range(x.shape[0]):
        k = i if A.shape[0] > 1 else 0
        for j in range(x.shape[1]):
            a, b, c, d, f = A[k, j], B[k, j], C[k, j], D[k, j], F[k, j]
            u, v, m, o, r = x[i, j], y[i, j], z[i, j], w[i, j], s[i, j]
            out[i, j] = complex(
                a * u.real + b * v.real + c * m.real + d * o.real + f * r.real,
                a * u.imag + b * v.imag + c * m.imag + d * o.imag + f * r.imag,
            )
