"""One V(1,1) cycle on a 2D or 3D hierarchy, compiled; every level is one pass down and one pass up over its arrays.

Rows are split by parity (`multigrid_row_kernels.py`). A level's arrays have axes (plane, row, parity, place); in 2D there is
one row in each plane. All levels lie behind each other in flat arrays; `levels` holds per level (n, m, p, width of a block,
first point, first edge of axes 0 and 1, first entry of the tables of axes 0 and 1, of the columns' restriction and
interpolation). Tables of axes 0 and 1: unknown i is w1[i] * coarse[c1[i]] + w2[i] * coarse[c2[i]]; restriction is the
transpose over 2^d.

Down, plane by plane: red points from zero, black points of the plane before, residual (zero at black points) of the plane
before that, restricted. Up: interpolated correction at the points that are not swept first, then colour `first`, then the
other: black, red is the mirrored order. Along a periodic axis 0 the lagging sweeps start as many planes later, and end
with the planes they left out.
"""

from __future__ import annotations

import numba

from pdekit.linear.multigrid_row_kernels import (
    OPTIONS,
    PAD,
    gather_row,
    joined_row,
    relax_row,
    residual_row,
    split_row,
    spread_row,
    wrap_ghost,
)

ROWS = "1a67d63417a9a23f"  # hash of multigrid_row_kernels.py, inlined here: numba's cache is renewed with this line


@numba.njit(**OPTIONS, forceinline=True)
def clear(work):
    """Set all work space to zero; what an earlier pass left there might be NaN."""
    for array in work:
        for k in range(array.size):
            array[k] = 0


@numba.njit(**OPTIONS)
def down_pass(z, r, dinv, edges, coarse, tables, columns, shape, wrap, outer, scale, source, work):
    """Smooth from zero (red, black) and restrict the residual. On the first level `outer`: r = scale * source."""
    n, m = z.shape[0], z.shape[1]
    half, size, wide = (shape[2] + 1) // 2, shape[3], coarse.shape[2] // 2
    c1, c2, w1, w2, k1, k2, v1, v2 = tables
    zero, t, line, split = work
    clear(work)
    late = 1 if wrap[0] else 0
    for plane in range(coarse.shape[0]):
        for row in range(coarse.shape[1]):
            target = coarse[plane, row]
            for k in range(2 * wide):
                target[k] = 0
    for step in range(n + 2 + 2 * late):
        if step < n:
            for j in range(m):
                q = (step + j) & 1
                if outer:
                    split_row(source[step, j], scale, r[step, j])
                c, right, d = z[step, j, q], r[step, j, q], dinv[step, j, q]
                for k in range(half):
                    c[PAD + k] = right[PAD + k] * d[PAD + k]
                if wrap[2]:
                    wrap_ghost(c, q, half)
        if late <= step - 1 < n + late:
            i = (step - 1) % n
            for j in range(m):
                relax_row(z, r, dinv, edges, i, j, (i + j + 1) & 1, half, wrap, zero, t)
        if 2 * late <= step - 2 < n + 2 * late:
            i = (step - 2) % n
            for j in range(m):
                q = (i + j) & 1
                residual_row(z, edges, i, j, q, half, wrap, zero, t)
                gather_row(t, q, columns[0, q], columns[1, q], line, size, split, wide)
                for plane, weight in ((c1[i], w1[i]), (c2[i], w2[i])):
                    for row, other in ((k1[j], v1[j]), (k2[j], v2[j])):
                        w = weight * other
                        if w != 0.0:
                            target = coarse[plane, row]
                            for k in range(2 * wide):
                                target[k] += w * split[k]


@numba.njit(**OPTIONS)
def up_pass(z, r, dinv, edges, coarse, tables, columns, shape, wrap, first, outer, scale, source, out, work):
    """Add the coarse correction and smooth: colour `first`, then the other.

    On the first level `outer`: out = scale * z. Returns source . out.
    """
    n, m = z.shape[0], z.shape[1]
    half, size, wide = (shape[2] + 1) // 2, shape[3], coarse.shape[2] // 2
    c1, c2, w1, w2, k1, k2, v1, v2 = tables
    zero, t, line, split = work
    clear(work)
    late = 1 if wrap[0] else 0
    total = 0.0
    for step in range(n + 2 + 2 * late):
        if step < n:
            i = step
            for j in range(m):
                a, b, w, v = coarse[c1[i], k1[j]], coarse[c2[i], k1[j]], w1[i] * v1[j], w2[i] * v1[j]
                for k in range(2 * wide):
                    split[k] = w * a[k] + v * b[k]
                if m > 1:
                    a, b, w, v = coarse[c1[i], k2[j]], coarse[c2[i], k2[j]], w1[i] * v2[j], w2[i] * v2[j]
                    for k in range(2 * wide):
                        split[k] += w * a[k] + v * b[k]
                q = (i + j + 1 - first) & 1
                spread_row(z[i, j, q], q, half, columns[0, q], columns[1, q], split, wide, line, size, wrap, zero)
        if late <= step - 1 < n + late:
            i = (step - 1) % n
            for j in range(m):
                relax_row(z, r, dinv, edges, i, j, (i + j + first) & 1, half, wrap, zero, t)
        if 2 * late <= step - 2 < n + 2 * late:
            i = (step - 2) % n
            for j in range(m):
                relax_row(z, r, dinv, edges, i, j, (i + j + 1 - first) & 1, half, wrap, zero, t)
                if outer:
                    total += joined_row(z[i, j], scale, source[i, j], out[i, j])
    return total


@numba.njit(**OPTIONS)
def solve_coarsest(z, r, inverse, places, work):
    """z = inverse r; unknown k lies at `places[k]`."""
    right = work[1]
    for i in range(places.size):
        right[i] = r[places[i]]
    for i in range(places.size):
        row, total = inverse[i], right[0] * 0
        for j in range(places.size):
            total += row[j] * right[j]
        z[places[i]] = total


@numba.njit(**OPTIONS)
def cycle(levels, edges, dinv, z, r, tables, columns, inverse, places, first, wrap, scale, source, out, work):
    """out = M source, computed as scale * cycle(source / scale); returns source . out. z and r are work space.

    work   (zeros, t, line, split): rows as long as the longest of all levels and as the coarsest unknowns
    """
    ex, ey, ez = edges
    c1, c2, w1, w2 = tables
    restricted, interpolated = columns
    top = levels.shape[0] - 1
    total = 0.0
    n, m, p, width, at = levels[0, 0], levels[0, 1], levels[0, 2], levels[0, 3], levels[0, 4]
    if top == 0:
        first_z, first_r = (
            z[: n * m * 2 * width].reshape(n, m, 2, width),
            r[: n * m * 2 * width].reshape(n, m, 2, width),
        )
        for i in range(n):
            for j in range(m):
                split_row(source[i, j], 1.0 / scale, first_r[i, j])
        solve_coarsest(z, r, inverse, places, work)
        for i in range(n):
            for j in range(m):
                total += joined_row(first_z[i, j], scale, source[i, j], out[i, j])
        return total
    for step in range(2 * top + 1):
        level = step if step <= top else 2 * top - step
        if level == top:
            solve_coarsest(z, r, inverse, places, work)
            continue
        n, m, p, width, at, ax, ay, ti, tj, tr, tp = levels[level]
        cn, cm, cp, wide, cat = levels[level + 1, :5]
        half, size, coarse_size = (p + 1) // 2, n * m * 2 * width, cn * cm * 2 * wide
        rows = m + 1 if m > 1 else 0
        here = (
            ex[ax : ax + (n + 1) * m * 2 * width].reshape(n + 1, m, 2, width),
            ey[ay : ay + n * rows * 2 * width].reshape(n, rows, 2, width),
            ez[at : at + size].reshape(n, m, 2, width),
        )
        both = (
            c1[ti : ti + n],
            c2[ti : ti + n],
            w1[ti : ti + n],
            w2[ti : ti + n],
            c1[tj : tj + m],
            c2[tj : tj + m],
            w1[tj : tj + m],
            w2[tj : tj + m],
        )
        zz, rr, dd = z[at : at + size], r[at : at + size], dinv[at : at + size]
        z4, r4, d4 = zz.reshape(n, m, 2, width), rr.reshape(n, m, 2, width), dd.reshape(n, m, 2, width)
        shape, outer = (n, m, p, cp), level == 0
        if step < top:
            below = r[cat : cat + coarse_size].reshape(cn, cm, 2 * wide)
            weights = restricted[tr : tr + 4 * cp].reshape(2, 2, cp)
            down_pass(z4, r4, d4, here, below, both, weights, shape, wrap, outer, 1.0 / scale, source, work)
        else:
            below = z[cat : cat + coarse_size].reshape(cn, cm, 2 * wide)
            weights = interpolated[tp : tp + 4 * half].reshape(2, 2, half)
            total += up_pass(
                z4, r4, d4, here, below, both, weights, shape, wrap, first, outer, scale, source, out, work
            )
    return total
