"""One forward and one backward sweep from zero, compiled: z = omega (2 - omega) (D + omega L^T)^-1 D (D + omega L)^-1 r.

Unknowns in C order; `inverse` is 1 / D, flat or in the shape of the unknowns. Returns r . z, summed in float64. The backward
sweep works on y = (D + omega L)^-1 r in place: (D + omega L^T) z = D y is z_i = y_i - omega / d_i sum_{j > i} a_ij z_j.
"""

from __future__ import annotations

import numba

FAST = {"reassoc", "contract", "nsz", "arcp"}


@numba.njit(cache=True, fastmath=FAST)
def sweep_box(ex, ey, ez, inverse, omega, r, z):
    """On a box without periodic axes; arrays have three axes, the edges of an axis of one unknown are not read."""
    n, m, p = r.shape
    for i in range(n):
        for j in range(m):
            before = 0.0
            for k in range(p):
                s = r[i, j, k]
                if i > 0:
                    s += omega * ex[i, j, k] * z[i - 1, j, k]
                if j > 0:
                    s += omega * ey[i, j, k] * z[i, j - 1, k]
                if k > 0:
                    s += omega * ez[i, j, k] * before
                before = s * inverse[i, j, k]
                z[i, j, k] = before
    scale, total = omega * (2.0 - omega), 0.0
    for i in range(n - 1, -1, -1):
        for j in range(m - 1, -1, -1):
            after = 0.0
            for k in range(p - 1, -1, -1):
                s = 0.0
                if i < n - 1:
                    s += ex[i + 1, j, k] * z[i + 1, j, k]
                if j < m - 1:
                    s += ey[i, j + 1, k] * z[i, j + 1, k]
                if k < p - 1:
                    s += ez[i, j, k + 1] * after
                after = z[i, j, k] + omega * s * inverse[i, j, k]
                z[i, j, k] = after
    for i in range(n):
        for j in range(m):
            for k in range(p):
                z[i, j, k] *= scale
                total += float(r[i, j, k]) * float(z[i, j, k])
    return total


@numba.njit(cache=True, fastmath=FAST)
def sweep_rows(indptr, indices, data, inverse, omega, r, z):
    """On the rows of a CSR matrix, flat vectors; entries of one place may stand apart, in any order."""
    n = r.size
    for i in range(n):
        s = r[i]
        for e in range(indptr[i], indptr[i + 1]):
            if indices[e] < i:
                s -= omega * data[e] * z[indices[e]]
        z[i] = s * inverse[i]
    scale, total = omega * (2.0 - omega), 0.0
    for i in range(n - 1, -1, -1):
        s = 0.0
        for e in range(indptr[i], indptr[i + 1]):
            if indices[e] > i:
                s += data[e] * z[indices[e]]
        z[i] -= omega * s * inverse[i]
    for i in range(n):
        z[i] *= scale
        total += float(r[i]) * float(z[i])
    return total
