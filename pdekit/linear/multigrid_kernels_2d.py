"""One V(1,1) cycle on a 2D hierarchy, compiled; every level is one pass down and one pass up over its arrays.

All levels lie behind each other in flat arrays; `levels` holds per level (n, m, first point, first ex, first ey, first entry
of the row table, of the column table, of the column stencils). Tables (see `multigrid.py`): unknown i of a level is
w1[i] * coarse[c1[i]] + w2[i] * coarse[c2[i]]; restriction is the transpose over 4. Column stencils hold that transpose
along the rows: coarse j takes `stencil[4 j + k]` of the fine columns 2 j + start - 1 + k, k = 0..3.

Down, row by row: red points from zero, black points of the row before, residual of the row before that, restricted.
Up: interpolated correction, then black and red (mirrored, symmetric) or red and black (same order).
"""

from __future__ import annotations

import numba
import numpy as np

FAST = {"reassoc", "contract", "nsz", "arcp"}


@numba.njit(cache=True, fastmath=FAST)
def relax_row(z, r, dinv, ex, ey, i, colour, wrap, buf, zero):
    """Gauss-Seidel on the points of one colour in row i; all points are computed, half of them stored."""
    n, m = z.shape
    c, q, d, e, a, b = z[i], r[i], dinv[i], ey[i], ex[i], ex[i + 1]
    up = z[i - 1] if i > 0 else (z[n - 1] if wrap[0] else zero)
    down = z[i + 1] if i < n - 1 else (z[0] if wrap[0] else zero)
    for j in range(1, m - 1):
        buf[j] = (q[j] + a[j] * up[j] + b[j] * down[j] + e[j] * c[j - 1] + e[j + 1] * c[j + 1]) * d[j]
    for j in (0, m - 1):
        before = c[j - 1] if j > 0 else (c[m - 1] if wrap[1] else zero[0])
        after = c[j + 1] if j < m - 1 else (c[0] if wrap[1] else zero[0])
        buf[j] = (q[j] + a[j] * up[j] + b[j] * down[j] + e[j] * before + e[j + 1] * after) * d[j]
    for j in range((i + colour) & 1, m, 2):
        c[j] = buf[j]


@numba.njit(cache=True, fastmath=FAST)
def residual_row(z, ex, ey, i, wrap, buf, zero):
    """buf[2 : m + 2] = r - A z of row i after `down_pass`'s sweeps, with two columns to either side: zero, or wrapped.

    Black points have just been solved: residual 0. Red points hold z = r / d of a zero start: what is left of r - A z are
    the terms of their neighbours.
    """
    n, m = z.shape
    c, e, a, b = z[i], ey[i], ex[i], ex[i + 1]
    up = z[i - 1] if i > 0 else (z[n - 1] if wrap[0] else zero)
    down = z[i + 1] if i < n - 1 else (z[0] if wrap[0] else zero)
    for j in range(1, m - 1):
        buf[j + 2] = a[j] * up[j] + b[j] * down[j] + e[j] * c[j - 1] + e[j + 1] * c[j + 1]
    for j in (0, m - 1):
        before = c[j - 1] if j > 0 else (c[m - 1] if wrap[1] else zero[0])
        after = c[j + 1] if j < m - 1 else (c[0] if wrap[1] else zero[0])
        buf[j + 2] = a[j] * up[j] + b[j] * down[j] + e[j] * before + e[j + 1] * after
    for j in range((i + 1) & 1, m, 2):
        buf[j + 2] = 0.0
    for k in range(2):
        buf[k] = buf[m + k] if wrap[1] else zero[0]
        buf[m + 2 + k] = buf[2 + k] if wrap[1] else zero[0]


@numba.njit(cache=True, fastmath=FAST)
def restrict_row(buf, coarse, i, c1, c2, w1, w2, stencil, start, half):
    """Add row i's part to the coarse right-hand side; `half` is a work row of the coarse length."""
    m = coarse.shape[1]
    for j in range(m):
        f = 2 * j + start + 1
        half[j] = (
            stencil[0, j] * buf[f]
            + stencil[1, j] * buf[f + 1]
            + stencil[2, j] * buf[f + 2]
            + stencil[3, j] * buf[f + 3]
        )
    a, b = w1[i], w2[i]
    if a != 0.0:
        row = coarse[c1[i]]
        for j in range(m):
            row[j] += a * half[j]
    if b != 0.0:
        row = coarse[c2[i]]
        for j in range(m):
            row[j] += b * half[j]


@numba.njit(cache=True, fastmath=FAST)
def prolong_row(z, coarse, i, rows, line, wrap, half):
    """Add the interpolated coarse correction to row i.

    `line` is (start, even, beyond, odd, ahead, low, high): fine column 2 j + start takes even * coarse[j] + beyond *
    coarse[j - 1], the one after it odd * coarse[j] + ahead * coarse[j + 1]; outside, coarse is low or high times its end.
    """
    c1, c2, w1, w2 = rows
    start, even, beyond, odd, ahead, low, high = line
    m, size = z.shape[1], coarse.shape[1]
    top, bottom, a, b = coarse[c1[i]], coarse[c2[i]], w1[i], w2[i]
    for j in range(size):
        half[j + 1] = a * top[j] + b * bottom[j]
    half[0] = half[size] if wrap[1] else low * half[1]
    half[size + 1] = half[1] if wrap[1] else high * half[size]
    c = z[i]
    first = int(start)
    if first == 1:
        c[0] += odd * half[0] + ahead * half[1]
    pairs = (m - first) // 2
    body = c[first:]
    for j in range(pairs):
        body[2 * j] += even * half[j + 1] + beyond * half[j]
        body[2 * j + 1] += odd * half[j + 1] + ahead * half[j + 2]
    if 2 * pairs < m - first:
        body[2 * pairs] += even * half[pairs + 1] + beyond * half[pairs]


@numba.njit(cache=True, fastmath=FAST)
def down_pass(z, r, dinv, ex, ey, coarse, rows, stencil, start, wrap):
    """Smooth from zero (red, black) and restrict the residual."""
    n, m = z.shape
    zero, buf = np.zeros(m, z.dtype), np.empty(m + 4, z.dtype)
    half = np.empty(coarse.shape[1], z.dtype)
    c1, c2, w1, w2 = rows
    coarse[:] = 0.0
    lag = n if wrap[0] else 1
    for step in range(n + 2 * lag):
        if step < n:
            c, q, d = z[step], r[step], dinv[step]
            for j in range(m):
                c[j] = q[j] * d[j]
            for j in range((step + 1) & 1, m, 2):
                c[j] = 0.0
        if lag <= step < n + lag:
            relax_row(z, r, dinv, ex, ey, step - lag, 1, wrap, buf, zero)
        if step >= 2 * lag:
            i = step - 2 * lag
            residual_row(z, ex, ey, i, wrap, buf, zero)
            restrict_row(buf, coarse, i, c1, c2, w1, w2, stencil, start, half)


@numba.njit(cache=True, fastmath=FAST)
def up_pass(z, r, dinv, ex, ey, coarse, rows, line, first, wrap):
    """Add the coarse correction and smooth: colour `first`, then the other."""
    n, m = z.shape
    zero, buf, half = np.zeros(m, z.dtype), np.empty(m + 4, z.dtype), np.empty(coarse.shape[1] + 2, z.dtype)
    lag = n if wrap[0] else 1
    for step in range(n + 2 * lag):
        if step < n:
            prolong_row(z, coarse, step, rows, line, wrap, half)
        if lag <= step < n + lag:
            relax_row(z, r, dinv, ex, ey, step - lag, first, wrap, buf, zero)
        if step >= 2 * lag:
            relax_row(z, r, dinv, ex, ey, step - 2 * lag, 1 - first, wrap, buf, zero)


@numba.njit(cache=True, fastmath=FAST)
def cycle_2d(levels, edges, dinv, z, r, tables, stencils, line, inverse, first, wrap):
    """z = M r on the first level, r being given there; all other places of z and r are work space."""
    ex, ey = edges
    c1, c2, w1, w2 = tables
    top = levels.shape[0] - 1
    for k in range(top):
        n, m, at, ax, ay, ti, _, ts = levels[k]
        cn, cm, cat = levels[k + 1, 0], levels[k + 1, 1], levels[k + 1, 2]
        rows = (c1[ti : ti + n], c2[ti : ti + n], w1[ti : ti + n], w2[ti : ti + n])
        down_pass(
            z[at : at + n * m].reshape(n, m),
            r[at : at + n * m].reshape(n, m),
            dinv[at : at + n * m].reshape(n, m),
            ex[ax : ax + (n + 1) * m].reshape(n + 1, m),
            ey[ay : ay + n * (m + 1)].reshape(n, m + 1),
            r[cat : cat + cn * cm].reshape(cn, cm),
            rows,
            stencils[ts : ts + 4 * cm].reshape(4, cm),
            int(line[0]),
            wrap,
        )
    n, m, at = levels[top, 0], levels[top, 1], levels[top, 2]
    for i in range(n * m):
        total = r[at] * 0.0
        for j in range(n * m):
            total += inverse[i, j] * r[at + j]
        z[at + i] = total
    for k in range(top - 1, -1, -1):
        n, m, at, ax, ay, ti, _, ts = levels[k]
        cn, cm, cat = levels[k + 1, 0], levels[k + 1, 1], levels[k + 1, 2]
        rows = (c1[ti : ti + n], c2[ti : ti + n], w1[ti : ti + n], w2[ti : ti + n])
        up_pass(
            z[at : at + n * m].reshape(n, m),
            r[at : at + n * m].reshape(n, m),
            dinv[at : at + n * m].reshape(n, m),
            ex[ax : ax + (n + 1) * m].reshape(n + 1, m),
            ey[ay : ay + n * (m + 1)].reshape(n, m + 1),
            z[cat : cat + cn * cm].reshape(cn, cm),
            rows,
            line,
            first,
            wrap,
        )
