"""Compiled red-black sweeps of 3-, 5- and 7-point operators, each with the squared norm of the residual that it leaves.

Red are the points whose indices sum to an even number. A row of p values lies as two blocks, even places and odd places, of
half = (p + 1) // 2 values each: in row (i, j) one whole block is red, the other black, so that a colour is worked off in
contiguous memory. Where p is odd the last odd place is no unknown; all that belongs to it is 0.

    x, b                   (n, m, 2, half + 2): before and behind each block lies a ghost, 0 or the other end of the axis
    diagonal, inverse      (n, m, 2, half);  ex (n + 1, m, 2, half), ey (n, m + 1, 2, half), of size 0 without the axis
    ez                     (n, m, 2, half + 1): edges 0, 2, 4, ... and 1, 3, 5, ...
    left, right of even k  odd k - 1 across edge 2 k, odd k across edge 2 k + 1
    left, right of odd k   even k across edge 2 k + 1, even k + 1 across edge 2 k + 2

After a sweep the residual is (1/omega - 1) D delta at the colour swept last. At the other the rest of it, -L^T delta, is as
long a sum as b - A x itself, which is taken. Both follow the first colour planes behind, so that all is still in the cache.
"""

from __future__ import annotations

import math

import numba

OPTIONS = {"cache": True, "fastmath": {"reassoc", "contract", "nsz", "arcp"}, "_nrt": False}


@numba.njit(**OPTIONS, forceinline=True)
def block_defect(x, b, diagonal, edges, i, j, q, wrap, zero, t):
    """t = b - A x on block q of row j of plane i."""
    ex, ey, ez = edges
    n, m, half = x.shape[0], x.shape[1], x.shape[3] - 2
    c, right, d = x[i, j, q], b[i, j, q], diagonal[i, j, q]
    if ex.shape[0] > 0:
        low, high = ex[i, j, q], ex[i + 1, j, q]
        up = x[i - 1, j, q] if i > 0 else (x[n - 1, j, q] if wrap[0] else zero)
        down = x[i + 1, j, q] if i < n - 1 else (x[0, j, q] if wrap[0] else zero)
        for h in range(half):
            t[h] = right[1 + h] - d[h] * c[1 + h] + low[h] * up[1 + h] + high[h] * down[1 + h]
    else:
        for h in range(half):
            t[h] = right[1 + h] - d[h] * c[1 + h]
    if ey.shape[0] > 0:
        low, high = ey[i, j, q], ey[i, j + 1, q]
        front = x[i, j - 1, q] if j > 0 else (x[i, m - 1, q] if wrap[1] else zero)
        back = x[i, j + 1, q] if j < m - 1 else (x[i, 0, q] if wrap[1] else zero)
        for h in range(half):
            t[h] += low[h] * front[1 + h] + high[h] * back[1 + h]
    other, even, odd = x[i, j, 1 - q], ez[i, j, 0], ez[i, j, 1]
    if q == 0:
        for h in range(half):
            t[h] += even[h] * other[h] + odd[h] * other[1 + h]
    else:
        for h in range(half):
            t[h] += odd[h] * other[1 + h] + even[1 + h] * other[2 + h]


@numba.njit(**OPTIONS, forceinline=True)
def relax_plane(x, b, diagonal, inverse, edges, i, colour, wrap, omega, decay, wanted, zero, t):
    """Update the points of one colour (0 red) in plane i. Returns |decay D delta|^2, 0 where it is not wanted."""
    half = x.shape[3] - 2
    total = 0.0
    for j in range(x.shape[1]):
        q = (i + j + colour) & 1
        block_defect(x, b, diagonal, edges, i, j, q, wrap, zero, t)
        c, weight, d = x[i, j, q], inverse[i, j, q], diagonal[i, j, q]
        for h in range(half):
            t[h] *= omega * weight[h]
        for h in range(half):
            c[1 + h] += t[h]
        if wrap[2]:
            c[0], c[1 + half] = c[half], c[1]
        if wanted:
            part = 0.0
            for h in range(half):
                r = decay * d[h] * t[h]
                part += float(r) * float(r)
            total += part
    return total


@numba.njit(**OPTIONS, forceinline=True)
def plane_residual(x, b, diagonal, edges, i, colour, wrap, zero, t):
    """|b - A x|^2 over the points of one colour in plane i."""
    half = x.shape[3] - 2
    total = 0.0
    for j in range(x.shape[1]):
        block_defect(x, b, diagonal, edges, i, j, (i + j + colour) & 1, wrap, zero, t)
        part = 0.0
        for h in range(half):
            part += float(t[h]) * float(t[h])
        total += part
    return total


@numba.njit(**OPTIONS)
def coloured_sweep(x, b, matrix, omega, decay, colour, wanted, work):
    """Visit all points of `colour`, then all others. Returns |b - A x|^2 of the new x, 0 where it is not wanted.

    The second colour follows one plane behind the first, the residual of the first two planes behind. Along a periodic axis
    0 they start as many planes later and end with the planes that they left out.
    """
    diagonal, inverse, edges, wrap = matrix
    zero, t = work
    n = x.shape[0]
    late = 1 if wrap[0] else 0
    total = 0.0
    for step in range(n + 2 + 2 * late):
        if step < n:
            relax_plane(x, b, diagonal, inverse, edges, step, colour, wrap, omega, decay, False, zero, t)
        if late <= step - 1 < n + late:
            i, rest = (step - 1) % n, 1 - colour
            total += relax_plane(x, b, diagonal, inverse, edges, i, rest, wrap, omega, decay, wanted, zero, t)
        if wanted and 2 * late <= step - 2 < n + 2 * late:
            total += plane_residual(x, b, diagonal, edges, (step - 2) % n, colour, wrap, zero, t)
    return total


@numba.njit(**OPTIONS)
def relax_coloured(x, b, matrix, omega, decay, order, symmetric, step, last, target, ceiling, every, norms, work):
    """As `relax_stencil`, red before black; in the second half of a symmetric sweep black before red. `order` is not used."""
    wrap, half = matrix[3], x.shape[3] - 2
    if wrap[2]:
        for i in range(x.shape[0]):
            for j in range(x.shape[1]):
                for q in range(2):
                    c = x[i, j, q]
                    c[0], c[1 + half] = c[half], c[1]
    while step < last:
        step += 1
        wanted = step % every == 0 or step == last
        total = coloured_sweep(x, b, matrix, omega, decay, 0, wanted and not symmetric, work)
        if symmetric:
            total = coloured_sweep(x, b, matrix, omega, decay, 1, wanted, work)
        norms[step] = math.sqrt(total) if wanted else math.nan
        if wanted and (norms[step] <= target or not norms[step] <= ceiling):
            break
    return step
