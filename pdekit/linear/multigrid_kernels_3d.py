"""One V(1,1) cycle on a 3D hierarchy, compiled: red-black Gauss-Seidel row by row, restriction fused with the residual.

Layout and tables as in `multigrid_kernels_2d.py`; `levels` holds per level (n, m, p, first point, first ex, first ey,
first ez, first entry of the tables of the three axes, of the column stencils).
"""

from __future__ import annotations

import numba
import numpy as np

FAST = {"reassoc", "contract", "nsz", "arcp"}


@numba.njit(cache=True, fastmath=FAST)
def near_row(z, edges, i, j, wrap, buf, zero):
    """buf[2 : p + 2] = sum of edge times neighbour along row (i, j), in short loops that compilers turn into vectors."""
    ex, ey, ez = edges
    n, m, p = z.shape
    c, e, a, b, f, g = z[i, j], ez[i, j], ex[i, j], ex[i + 1, j], ey[i, j], ey[i, j + 1]
    up = z[i - 1, j] if i > 0 else (z[n - 1, j] if wrap[0] else zero)
    down = z[i + 1, j] if i < n - 1 else (z[0, j] if wrap[0] else zero)
    front = z[i, j - 1] if j > 0 else (z[i, m - 1] if wrap[1] else zero)
    back = z[i, j + 1] if j < m - 1 else (z[i, 0] if wrap[1] else zero)
    body = buf[2:]
    for k in range(p):
        body[k] = a[k] * up[k] + b[k] * down[k]
    for k in range(p):
        body[k] += f[k] * front[k] + g[k] * back[k]
    for k in range(1, p - 1):
        body[k] += e[k] * c[k - 1] + e[k + 1] * c[k + 1]
    for k in (0, p - 1):
        before = c[k - 1] if k > 0 else (c[p - 1] if wrap[2] else zero[0])
        after = c[k + 1] if k < p - 1 else (c[0] if wrap[2] else zero[0])
        body[k] += e[k] * before + e[k + 1] * after


@numba.njit(cache=True, fastmath=FAST)
def relax_row(z, r, dinv, edges, i, j, colour, wrap, buf, zero):
    """Gauss-Seidel on the points of one colour in row (i, j)."""
    near_row(z, edges, i, j, wrap, buf, zero)
    c, q, d, body = z[i, j], r[i, j], dinv[i, j], buf[2:]
    for k in range(c.size):
        body[k] = (q[k] + body[k]) * d[k]
    for k in range((i + j + colour) & 1, c.size, 2):
        c[k] = body[k]


@numba.njit(cache=True, fastmath=FAST)
def residual_row(z, edges, i, j, wrap, buf, zero):
    """buf[2 : p + 2] = r - A z of row (i, j) after `down_pass`'s sweeps, two columns to either side zero or wrapped.

    Black points have just been solved: residual 0. Red points hold z = r / d of a zero start: what is left of r - A z are
    the terms of their neighbours.
    """
    near_row(z, edges, i, j, wrap, buf, zero)
    p = z.shape[2]
    for k in range((i + j + 1) & 1, p, 2):
        buf[k + 2] = 0.0
    for k in range(2):
        buf[k] = buf[p + k] if wrap[2] else zero[0]
        buf[p + 2 + k] = buf[2 + k] if wrap[2] else zero[0]


@numba.njit(cache=True, fastmath=FAST)
def down_pass(z, r, dinv, edges, coarse, planes, rows, stencil, start, wrap):
    """Smooth from zero (red, black) and restrict the residual."""
    n, m, p = z.shape
    c1, c2, w1, w2 = planes
    k1, k2, v1, v2 = rows
    zero, buf, half = np.zeros(p, z.dtype), np.empty(p + 4, z.dtype), np.empty(coarse.shape[2], z.dtype)
    coarse[:] = 0.0
    for i in range(n):
        for j in range(m):
            c, q, d = z[i, j], r[i, j], dinv[i, j]
            for k in range(p):
                c[k] = q[k] * d[k]
            for k in range((i + j + 1) & 1, p, 2):
                c[k] = 0.0
    for i in range(n):
        for j in range(m):
            relax_row(z, r, dinv, edges, i, j, 1, wrap, buf, zero)
    for i in range(n):
        for j in range(m):
            residual_row(z, edges, i, j, wrap, buf, zero)
            for k in range(half.size):
                f = 2 * k + start + 1
                half[k] = (
                    stencil[0, k] * buf[f]
                    + stencil[1, k] * buf[f + 1]
                    + stencil[2, k] * buf[f + 2]
                    + stencil[3, k] * buf[f + 3]
                )
            for plane, weight in ((c1[i], w1[i]), (c2[i], w2[i])):
                for row, other in ((k1[j], v1[j]), (k2[j], v2[j])):
                    w = weight * other
                    if w != 0.0:
                        target = coarse[plane, row]
                        for k in range(half.size):
                            target[k] += w * half[k]


@numba.njit(cache=True, fastmath=FAST)
def up_pass(z, r, dinv, edges, coarse, planes, rows, line, first, wrap):
    """Add the coarse correction and smooth: colour `first`, then the other. `line` as in the 2D kernels, for axis 2."""
    n, m, p = z.shape
    c1, c2, w1, w2 = planes
    k1, k2, v1, v2 = rows
    start, even, beyond, odd, ahead, low, high = line
    size, at = coarse.shape[2], int(start)
    pairs = (p - at) // 2
    zero, buf, half = np.zeros(p, z.dtype), np.empty(p + 4, z.dtype), np.empty(coarse.shape[2] + 2, z.dtype)
    for i in range(n):
        for j in range(m):
            a, b, c, d = coarse[c1[i], k1[j]], coarse[c1[i], k2[j]], coarse[c2[i], k1[j]], coarse[c2[i], k2[j]]
            wa, wb, wc, wd = w1[i] * v1[j], w1[i] * v2[j], w2[i] * v1[j], w2[i] * v2[j]
            for k in range(size):
                half[k + 1] = wa * a[k] + wb * b[k] + wc * c[k] + wd * d[k]
            half[0] = half[size] if wrap[2] else low * half[1]
            half[size + 1] = half[1] if wrap[2] else high * half[size]
            row = z[i, j]
            if at == 1:
                row[0] += odd * half[0] + ahead * half[1]
            body = row[at:]
            for k in range(pairs):
                body[2 * k] += even * half[k + 1] + beyond * half[k]
                body[2 * k + 1] += odd * half[k + 1] + ahead * half[k + 2]
            if 2 * pairs < p - at:
                body[2 * pairs] += even * half[pairs + 1] + beyond * half[pairs]
    for colour in (first, 1 - first):
        for i in range(n):
            for j in range(m):
                relax_row(z, r, dinv, edges, i, j, colour, wrap, buf, zero)


@numba.njit(cache=True, fastmath=FAST)
def cycle_3d(levels, edges, dinv, z, r, tables, stencils, line, inverse, first, wrap):
    """z = M r on the first level, r being given there; all other places of z and r are work space."""
    ex, ey, ez = edges
    c1, c2, w1, w2 = tables
    top = levels.shape[0] - 1
    for step in range(2 * top + 1):
        k = step if step <= top else 2 * top - step
        n, m, p, at, ax, ay, az, ti, tj, _, ts = levels[k]
        if k == top:
            for i in range(n * m * p):
                total = r[at] * 0.0
                for j in range(n * m * p):
                    total += inverse[i, j] * r[at + j]
                z[at + i] = total
            continue
        cn, cm, cp, cat = levels[k + 1, 0], levels[k + 1, 1], levels[k + 1, 2], levels[k + 1, 3]
        size, coarse = n * m * p, cn * cm * cp
        here = (
            ex[ax : ax + (n + 1) * m * p].reshape(n + 1, m, p),
            ey[ay : ay + n * (m + 1) * p].reshape(n, m + 1, p),
            ez[az : az + n * m * (p + 1)].reshape(n, m, p + 1),
        )
        planes = (c1[ti : ti + n], c2[ti : ti + n], w1[ti : ti + n], w2[ti : ti + n])
        rows = (c1[tj : tj + m], c2[tj : tj + m], w1[tj : tj + m], w2[tj : tj + m])
        fine, right, d = z[at : at + size], r[at : at + size], dinv[at : at + size]
        fine3, right3, d3 = fine.reshape(n, m, p), right.reshape(n, m, p), d.reshape(n, m, p)
        if step < top:
            below = r[cat : cat + coarse].reshape(cn, cm, cp)
            stencil = stencils[ts : ts + 4 * cp].reshape(4, cp)
            down_pass(fine3, right3, d3, here, below, planes, rows, stencil, int(line[0]), wrap)
        else:
            below = z[cat : cat + coarse].reshape(cn, cm, cp)
            up_pass(fine3, right3, d3, here, below, planes, rows, line, first, wrap)
