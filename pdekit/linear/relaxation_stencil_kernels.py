"""Compiled sweeps of 3-, 5- and 7-point operators, in C order or at all points at once, each with the squared norm of the
residual that it leaves.

With A = D + L + L^T, L what a sweep visits before a point, and delta = x_new - x, the residual after the sweep is

    r_new = (1/omega - 1) D delta - L^T delta                                                          (1)

exactly, so that no product is spent on it: what a row still owes to later rows is added when those are swept.

Arrays have axes (plane, row, place): (n, m, p), m = 1 in 2D, n = m = 1 in 1D. `edges` as in `StencilOperator`, of size 0
for axes that a grid has not; a periodic axis has at least 3 unknowns. Rows are worked off in short loops over contiguous
memory; along a row the order is a recurrence of one multiplication and one addition. Work space comes from the caller, in
a tuple: see `relaxation_sweeper.py`. Without numba's reference counts (_nrt) a view costs nothing.
NaN and infinity go through: callers look at the norms.
"""

from __future__ import annotations

import math

import numba

OPTIONS = {"cache": True, "fastmath": {"reassoc", "contract", "nsz", "arcp"}, "_nrt": False}
JACOBI, LEXICOGRAPHIC = 0, 1


@numba.njit(**OPTIONS, forceinline=True)
def defect_row(x, b, diagonal, edges, i, j, wrap, zero, t):
    """t = b - A x in row j of plane i."""
    ex, ey, ez = edges
    n, m, p = x.shape
    c, right, d, e = x[i, j], b[i, j], diagonal[i, j], ez[i, j]
    if ex.shape[0] > 0:
        low, high = ex[i, j], ex[i + 1, j]
        up = x[i - 1, j] if i > 0 else (x[n - 1, j] if wrap[0] else zero)
        down = x[i + 1, j] if i < n - 1 else (x[0, j] if wrap[0] else zero)
        for k in range(p):
            t[k] = right[k] - d[k] * c[k] + low[k] * up[k] + high[k] * down[k]
    else:
        for k in range(p):
            t[k] = right[k] - d[k] * c[k]
    if ey.shape[0] > 0:
        low, high = ey[i, j], ey[i, j + 1]
        front = x[i, j - 1] if j > 0 else (x[i, m - 1] if wrap[1] else zero)
        back = x[i, j + 1] if j < m - 1 else (x[i, 0] if wrap[1] else zero)
        for k in range(p):
            t[k] += low[k] * front[k] + high[k] * back[k]
    for k in range(1, p - 1):
        t[k] += e[k] * c[k - 1] + e[k + 1] * c[k + 1]
    if p > 1:
        t[0] += e[1] * c[1]
        t[p - 1] += e[p - 1] * c[p - 2]
    if wrap[2]:
        t[0] += e[0] * c[p - 1]
        t[p - 1] += e[p] * c[0]


@numba.njit(**OPTIONS, forceinline=True)
def sum_of_squares(v):
    """v . v in float64."""
    total = 0.0
    for k in range(v.size):
        total += float(v[k]) * float(v[k])
    return total


@numba.njit(**OPTIONS, forceinline=True)
def recur(t, s, weight, e, omega, forward, wrap):
    """From t = the defect of a row before the sweep to t = delta, its unknowns visited one after the other. s: work."""
    p = t.size
    for k in range(p):
        t[k] *= omega * weight[k]
    if forward:
        for k in range(p):
            s[k] = omega * weight[k] * e[k]
        last = t[0]
        for k in range(1, p):
            last = t[k] + s[k] * last
            t[k] = last
        if wrap:
            t[p - 1] += omega * weight[p - 1] * e[p] * t[0]
    else:
        for k in range(p):
            s[k] = omega * weight[k] * e[k + 1]
        last = t[p - 1]
        for k in range(p - 2, -1, -1):
            last = t[k] + s[k] * last
            t[k] = last
        if wrap:
            t[0] += omega * weight[0] * e[0] * t[p - 1]


@numba.njit(**OPTIONS)
def lexicographic_sweep(x, b, diagonal, inverse, edges, wrap, omega, decay, forward, wanted, work):
    """Visit all unknowns in C order, or against it. Returns |b - A x|^2 of the new x by (1), 0 where it is not wanted.

    decay = 1/omega - 1. rho holds what (1) has gathered so far of the rows of one plane; `first` that of the plane swept
    first, which a periodic axis couples to the last.
    """
    _, rho, first, t, s, zero = work
    ex, ey, ez = edges
    n, m, p = x.shape
    total = 0.0
    for plane in range(n):
        i = plane if forward else n - 1 - plane
        for row in range(m):
            j = row if forward else m - 1 - row
            defect_row(x, b, diagonal, edges, i, j, wrap, zero, t)
            c, e, d, r, f = x[i, j], ez[i, j], diagonal[i, j], rho[j], first[j]
            recur(t, s, inverse[i, j], e, omega, forward, wrap[2])
            for k in range(p):
                c[k] += t[k]
            if not wanted:
                continue
            if plane > 0:
                edge = ex[i if forward else i + 1, j]
                for k in range(p):
                    r[k] += edge[k] * t[k]
                if plane == 1 and wrap[0]:
                    for k in range(p):
                        f[k] = r[k]
                else:
                    total += sum_of_squares(r)
                if plane == n - 1 and wrap[0]:
                    edge = ex[0, j]
                    for k in range(p):
                        f[k] += edge[k] * t[k]
                    total += sum_of_squares(f)
            for k in range(p):
                r[k] = decay * d[k] * t[k]
            if forward:
                for k in range(p - 1):
                    r[k] += e[k + 1] * t[k + 1]
            else:
                for k in range(1, p):
                    r[k] += e[k] * t[k - 1]
            if wrap[2]:
                r[0 if forward else p - 1] += e[0] * t[p - 1 if forward else 0]
            if row > 0:
                edge, r = ey[i, j if forward else j + 1], rho[j - 1 if forward else j + 1]
                for k in range(p):
                    r[k] += edge[k] * t[k]
            if row == m - 1 and wrap[1]:
                edge, r = ey[i, 0], rho[0 if forward else m - 1]
                for k in range(p):
                    r[k] += edge[k] * t[k]
    if wanted:
        for row in range(m):
            total += sum_of_squares(rho[row])
    return total


@numba.njit(**OPTIONS)
def jacobi_sweep(x, b, diagonal, inverse, edges, wrap, omega, r, zero):
    """x += omega r / diagonal at all points at once, then r = b - A x. Returns |r|^2."""
    n, m, p = x.shape
    for i in range(n):
        for j in range(m):
            c, weight, row = x[i, j], inverse[i, j], r[i, j]
            for k in range(p):
                c[k] += omega * weight[k] * row[k]
    total = 0.0
    for i in range(n):
        for j in range(m):
            row = r[i, j]
            defect_row(x, b, diagonal, edges, i, j, wrap, zero, row)
            total += sum_of_squares(row)
    return total


@numba.njit(**OPTIONS)
def relax_stencil(x, b, matrix, omega, decay, order, symmetric, step, last, target, ceiling, every, norms, work):
    """Sweeps `step + 1`, ..., `last`: x in place, norms[k] = |b - A x| after sweep k. Returns the last sweep done.

    matrix       (diagonal, inverse, edges, wrap)
    symmetric    each sweep is followed by one in reverse order; the two count as one
    every        the norm is taken, and looked at, where k is a multiple of this and at the end; NaN in between
    Stops after the first norm <= target, and after the first that is not <= ceiling (NaN is not). Jacobi keeps the residual
    in the first of `work`, where it must be at the start.
    """
    diagonal, inverse, edges, wrap = matrix
    while step < last:
        step += 1
        wanted = step % every == 0 or step == last
        if order == JACOBI:
            total = jacobi_sweep(x, b, diagonal, inverse, edges, wrap, omega, work[0], work[5])
        else:
            ready = wanted and not symmetric
            total = lexicographic_sweep(x, b, diagonal, inverse, edges, wrap, omega, decay, True, ready, work)
            if symmetric:
                total = lexicographic_sweep(x, b, diagonal, inverse, edges, wrap, omega, decay, False, wanted, work)
        norms[step] = math.sqrt(total) if wanted else math.nan
        if wanted and (norms[step] <= target or not norms[step] <= ceiling):
            break
    return step
