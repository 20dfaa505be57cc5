"""Edges of the next coarser grid, compiled; the rules stand in `hierarchy.py`, the tables say them for each axis.

2D arrays come with an axis of length 1 in the middle and without edges along it. Tables: coarse edge I of an axis is 0.5 /
sum over b of weight[I, b] / e[index[I, b]], where index >= 0; coarse line J is the sum over b of weight[J, b] times line
index[J, b].
"""

from __future__ import annotations

import numba

OPTIONS = {
    "cache": True,
    "fastmath": {"reassoc", "contract", "nsz", "arcp"},
    "_nrt": False,
}  # `multigrid_row_kernels.py`


@numba.njit(**OPTIONS, error_model="numpy", forceinline=True)
def add_series(lines, index, weight, offset, stride, factor, ohm, out):
    """out += factor * 0.5 / (sum of weight / e) over the rows index * stride + offset of `lines`."""
    for k in range(ohm.size):
        ohm[k] = 0
    for b in range(index.size):
        if index[b] >= 0:
            e, w = lines[index[b] * stride + offset], weight[b]
            for k in range(ohm.size):
                ohm[k] += w / e[k]
    half = factor * weight[0] / 2
    for k in range(ohm.size):
        out[k] += half / ohm[k]


@numba.njit(**OPTIONS, error_model="numpy", forceinline=True)
def add_series_in_row(e, cell, start, index, weight, factor, out):
    """out += factor * 0.5 / (sum of weight / e) along one row, ends by the tables."""
    size, one = out.size - 1, weight[0, 0]
    half = factor / 2
    if cell:
        inner, faces = e[1:], e[2:]
        for k in range(size - 1):
            out[k + 1] += half / (one / faces[2 * k] + (one / 2) / inner[2 * k] + (one / 2) / inner[2 * k + 2])
    else:
        pairs = e[1 + start :]
        for k in range(size - 1):
            out[k + 1] += half / (one / pairs[2 * k] + one / pairs[2 * k + 1])
    for k in (0, size):
        ohm = one * 0
        for b in range(index.shape[1]):
            if index[k, b] >= 0:
                ohm += weight[k, b] / e[index[k, b]]
        out[k] += half / ohm


@numba.njit(**OPTIONS, forceinline=True)
def mean_in_row(line, p, cell, start, wrap, one, out):
    """out = means of the columns that become one; line[1 : p + 1] holds the fine ones, a place before and behind."""
    if cell:
        pairs = line[1:]
        for k in range(out.size):
            out[k] = (one / 2) * (pairs[2 * k] + pairs[2 * k + 1])
    else:
        line[0] = line[p] if wrap else 0
        line[p + 1] = line[1] if wrap else 0
        near = line[start:]
        for k in range(out.size):
            out[k] = (one / 4) * (near[2 * k] + near[2 * k + 2]) + (one / 2) * near[2 * k + 1]


@numba.njit(**OPTIONS, error_model="numpy")
def coarse_edges(edges, coarse, series, across, cell, start, wrap, line, ohm):
    """Write the coarse edges. `start` and `wrap` speak of the last axis, where columns are combined in place;
    `line` (p + 2,) and `ohm` (p,) are work space."""
    ex, ey, ez = edges
    cx, cy, cz = coarse
    n, m, p = ez.shape[0], ez.shape[1], ez.shape[2] - 1
    (s0, v0), (s1, v1), (s2, v2) = series
    (a0, w0), (a1, w1) = across
    lines_x, lines_y = ex.reshape((n + 1) * m, p), ey.reshape(ey.shape[0] * ey.shape[1], ey.shape[2])
    one = v2[0, 0]
    for i in range(cx.shape[0]):
        for j in range(cx.shape[1]):
            for k in range(p + 2):
                line[k] = 0
            for b in range(a1.shape[1]):
                if w1[j, b] != 0:
                    add_series(lines_x, s0[i], v0[i], a1[j, b], m, w1[j, b], ohm, line[1 : p + 1])
            mean_in_row(line, p, cell, start, wrap, one, cx[i, j])
    for i in range(cy.shape[0]):
        for j in range(cy.shape[1]):
            for k in range(p + 2):
                line[k] = 0
            for b in range(a0.shape[1]):
                if w0[i, b] != 0:
                    add_series(lines_y, s1[j], v1[j], a0[i, b] * (m + 1), 1, w0[i, b], ohm, line[1 : p + 1])
            mean_in_row(line, p, cell, start, wrap, one, cy[i, j])
    for i in range(cz.shape[0]):
        for j in range(cz.shape[1]):
            row = cz[i, j]
            for k in range(row.size):
                row[k] = 0
            for b in range(a0.shape[1]):
                for c in range(a1.shape[1]):
                    w = w0[i, b] * w1[j, c]
                    if w != 0:
                        add_series_in_row(ez[a0[i, b], a1[j, c]], cell, start, s2, v2, w, cz[i, j])
