"""What stands between the transforms of two-dimensional Navier-Stokes, each in one pass over complex128 or float64 arrays.

They do what `NavierStokes.nonlinear` writes in arrays, and agree with it to rounding.
"""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True)
def velocity_columns(w: np.ndarray, kx: np.ndarray, ky: np.ndarray, out: np.ndarray) -> None:
    """Velocity (psi_y, -psi_x) of w (n, 2K + 1, C), psi = w/|k|^2, on the N rows of out (n, 2, N, C), zeros between."""
    n, rows, columns = w.shape
    half, gap = rows // 2, out.shape[2] - rows
    for i in range(n):
        for r in range(rows):
            R = r if r <= half else r + gap
            for c in range(columns):
                square = kx[r] * kx[r] + ky[c] * ky[c]
                over = 1.0 / square if square > 0.0 else 0.0
                a, b = w[i, r, c].real * over, w[i, r, c].imag * over
                out[i, 0, R, c] = complex(-ky[c] * b, ky[c] * a)
                out[i, 1, R, c] = complex(kx[r] * b, -kx[r] * a)
        out[i, :, half + 1 : half + 1 + gap] = 0.0


@numba.njit(cache=True)
def stresses(velocity: np.ndarray) -> None:
    """(u, v) (n, 2, M) -> (u v, v^2 - u^2), in place."""
    for i in range(velocity.shape[0]):
        for j in range(velocity.shape[2]):
            u, v = velocity[i, 0, j], velocity[i, 1, j]
            velocity[i, 0, j] = u * v
            velocity[i, 1, j] = v * v - u * u


@numba.njit(cache=True)
def advection(q: np.ndarray, kx: np.ndarray, ky: np.ndarray, out: np.ndarray) -> None:
    """(kx^2 - ky^2) q_0 + kx ky q_1 of q (n, 2, N, >= C) to out (n, 2K + 1, C)."""
    n, rows, columns = out.shape
    half, gap = rows // 2, q.shape[2] - rows
    for i in range(n):
        for r in range(rows):
            R = r if r <= half else r + gap
            for c in range(columns):
                a, b = kx[r] * kx[r] - ky[c] * ky[c], kx[r] * ky[c]
                first, second = q[i, 0, R, c], q[i, 1, R, c]
                out[i, r, c] = complex(a * first.real + b * second.real, a * first.imag + b * second.imag)
