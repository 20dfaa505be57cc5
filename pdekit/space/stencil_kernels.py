"""Compiled products of 5- and 7-point operators with their dot product, and their smallest diagonal entry: one pass over
memory, NumPy arrays in C order.

Layout as in `StencilOperator`: ex has one more entry than u along axis 0, ey along axis 1, ez along axis 2; `wrap` says
per axis whether the first and last unknowns are neighbours. Values outside are zero. `shift` has u's shape, or size 0.
NaN and infinity go through (no `nnan`, `ninf`): callers look at the returned dot product.
"""

from __future__ import annotations

import numba
import numpy as np

FAST = {"reassoc", "contract", "nsz", "arcp"}


@numba.njit(cache=True, fastmath=FAST)
def apply_2d(ex, ey, shift, u, out, wrap):
    """out = A u; returns u . A u, summed in float64."""
    n, m = u.shape
    zero = np.zeros(m, u.dtype)
    total = 0.0
    for i in range(n):
        c, o, e, a, b = u[i], out[i], ey[i], ex[i], ex[i + 1]
        up = u[i - 1] if i > 0 else (u[n - 1] if wrap[0] else zero)
        down = u[i + 1] if i < n - 1 else (u[0] if wrap[0] else zero)
        left = c[m - 1] if wrap[1] else zero[0]
        right = c[0] if wrap[1] else zero[0]
        for j in range(1, m - 1):
            o[j] = (
                a[j] * (c[j] - up[j])
                + b[j] * (c[j] - down[j])
                + e[j] * (c[j] - c[j - 1])
                + e[j + 1] * (c[j] - c[j + 1])
            )
        for j in (0, m - 1):
            before = c[j - 1] if j > 0 else left
            after = c[j + 1] if j < m - 1 else right
            o[j] = a[j] * (c[j] - up[j]) + b[j] * (c[j] - down[j]) + e[j] * (c[j] - before) + e[j + 1] * (c[j] - after)
        if shift.size > 0:
            s = shift[i]
            for j in range(m):
                o[j] += s[j] * c[j]
        part = 0.0
        for j in range(m):
            part += float(c[j]) * float(o[j])
        total += part
    return total


@numba.njit(cache=True, fastmath=FAST)
def apply_3d(ex, ey, ez, shift, u, out, wrap):
    """out = A u; returns u . A u, summed in float64."""
    n, m, p = u.shape
    zero = np.zeros(p, u.dtype)
    total = 0.0
    for i in range(n):
        for j in range(m):
            c, o, e = u[i, j], out[i, j], ez[i, j]
            a, b, f, g = ex[i, j], ex[i + 1, j], ey[i, j], ey[i, j + 1]
            up = u[i - 1, j] if i > 0 else (u[n - 1, j] if wrap[0] else zero)
            down = u[i + 1, j] if i < n - 1 else (u[0, j] if wrap[0] else zero)
            front = u[i, j - 1] if j > 0 else (u[i, m - 1] if wrap[1] else zero)
            back = u[i, j + 1] if j < m - 1 else (u[i, 0] if wrap[1] else zero)
            left = c[p - 1] if wrap[2] else zero[0]
            right = c[0] if wrap[2] else zero[0]
            for k in range(p):
                o[k] = a[k] * (c[k] - up[k]) + b[k] * (c[k] - down[k])
            for k in range(p):
                o[k] += f[k] * (c[k] - front[k]) + g[k] * (c[k] - back[k])
            for k in range(1, p - 1):
                o[k] += e[k] * (c[k] - c[k - 1]) + e[k + 1] * (c[k] - c[k + 1])
            for k in range(0, p, max(p - 1, 1)):  # both ends; one unknown is both
                before = c[k - 1] if k > 0 else left
                after = c[k + 1] if k < p - 1 else right
                o[k] += e[k] * (c[k] - before) + e[k + 1] * (c[k] - after)
            if shift.size > 0:
                s = shift[i, j]
                for k in range(p):
                    o[k] += s[k] * c[k]
            part = 0.0
            for k in range(p):
                part += float(c[k]) * float(o[k])
            total += part
    return total


@numba.njit(cache=True, fastmath=FAST)
def least_diagonal_2d(ex, ey, shift):
    """Smallest diagonal entry."""
    n, m = ex.shape[0] - 1, ex.shape[1]
    least = np.inf
    for i in range(n):
        a, b, e = ex[i], ex[i + 1], ey[i]
        for j in range(m):
            d = a[j] + b[j] + e[j] + e[j + 1]
            if shift.size > 0:
                d += shift[i, j]
            least = min(least, d)
    return least


@numba.njit(cache=True, fastmath=FAST)
def least_diagonal_3d(ex, ey, ez, shift):
    """Smallest diagonal entry."""
    n, m, p = ex.shape[0] - 1, ex.shape[1], ex.shape[2]
    least = np.inf
    for i in range(n):
        for j in range(m):
            a, b, f, g, e = ex[i, j], ex[i + 1, j], ey[i, j], ey[i, j + 1], ez[i, j]
            for k in range(p):
                d = a[k] + b[k] + f[k] + g[k] + e[k] + e[k + 1]
                if shift.size > 0:
                    d += shift[i, j, k]
                least = min(least, d)
    return least
