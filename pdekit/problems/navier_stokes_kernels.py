"""What stands between the transforms of two-dimensional Navier-Stokes, each in one pass over complex128 arrays.

The velocity is one complex field z = u + i v, whose square z^2 = u^2 - v^2 + 2i uv holds both products: two complex transforms
do the work of four real ones, on arrays that need no cutting. They do what `NavierStokes.nonlinear` writes in arrays, and agree
with it to rounding.
"""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True)
def velocity(w: np.ndarray, kx: np.ndarray, ky: np.ndarray, out: np.ndarray) -> None:
    """Coefficients (kx + i ky) psi of u + i v, psi = w/|k|^2, of w (n, 2K + 1, C), on whole axes (n, N, M + 1), zeros between."""
    n, rows, columns = w.shape
    half, gap, width = rows // 2, out.shape[1] - rows, out.shape[2] - 1
    for i in range(n):
        out[i, half + 1 : half + 1 + gap] = 0.0
        for r in range(rows):
            R, mirror = r if r <= half else r + gap, rows - r if r > 0 else 0
            for c in range(columns):
                square = kx[r] * kx[r] + ky[c] * ky[c]
                over = 1.0 / square if square > 0.0 else 0.0
                x, y = kx[r] * over, ky[c] * over
                a, b = w[i, r, c].real, w[i, r, c].imag
                out[i, R, c] = complex(x * a - y * b, x * b + y * a)
            for c in range(columns, width - columns + 1):
                out[i, R, c] = 0.0
            out[i, R, width] = 0.0
            for c in range(1, columns):  # at -ky stands the conjugate of psi at (-kx, ky)
                over = 1.0 / (kx[r] * kx[r] + ky[c] * ky[c])
                x, y = kx[r] * over, -ky[c] * over
                a, b = w[i, mirror, c].real, -w[i, mirror, c].imag
                out[i, R, width - c] = complex(x * a - y * b, x * b + y * a)


@numba.njit(cache=True)
def square(z: np.ndarray) -> None:
    """z (m,) -> z^2, in place."""
    for j in range(z.size):
        u, v = z[j].real, z[j].imag
        z[j] = complex(u * u - v * v, 2.0 * u * v)


@numba.njit(cache=True)
def advection(q: np.ndarray, kx: np.ndarray, ky: np.ndarray, out: np.ndarray) -> None:
    """(kx^2 - ky^2) B - kx ky A to out (n, 2K + 1, C): A of u^2 - v^2 and B of uv, from q (n, N, M + 1) of A + 2i B."""
    n, rows, columns = out.shape
    half, gap, width = rows // 2, q.shape[1] - rows, q.shape[2] - 1
    for i in range(n):
        for r in range(rows):
            R = r if r <= half else r + gap
            mirror = q.shape[1] - R if r > 0 else 0
            for c in range(columns):
                there = q[i, mirror, width - c if c > 0 else 0]
                p, m = q[i, R, c], complex(there.real, -there.imag)
                a = -0.5 * kx[r] * ky[c]
                b = 0.25 * (kx[r] * kx[r] - ky[c] * ky[c])
                # A = (p + m)/2, B = (p - m)/(4i)
                out[i, r, c] = complex(
                    a * (p.real + m.real) + b * (p.imag - m.imag), a * (p.imag + m.imag) - b * (p.real - m.real)
                )
