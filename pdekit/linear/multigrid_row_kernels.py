"""Row by row pieces of a multigrid cycle on arrays split by the parity of the last axis' index.

A row of p values lies as two blocks of half = (p + 1) // 2: even columns, odd columns, each from place `PAD` on and with a
ghost before and behind (zero, or wrapped where the last axis is periodic). In row (i, j) the red points, i + j + column
even, are one whole block and the black points the other: a sweep of one colour reads and writes contiguous memory only.

    neighbours along axes 0 and 1     the same block and place of the rows around it
    left and right of even k          odd k - 1 across edge 2 k, odd k across edge 2 k + 1
    left and right of odd k           even k across edge 2 k + 1, even k + 1 across edge 2 k + 2

Edges of the last axis are split likewise. Where p is odd the last odd place is no unknown: 1/diagonal and z are zero there.
Sums are split into short loops, since compilers turn loops into vectors only while few arrays may overlap. numba keeps
compiled callers by their own file, so `multigrid_kernels.py` and `multigrid_setup_kernels.py` name the hash of this one.
"""

from __future__ import annotations

import numba

FAST = {"reassoc", "contract", "nsz", "arcp"}
# Without numba's reference counts (_nrt) a view of a row costs nothing: the atomic counters took half of a cycle's time at
# 512 x 512, and 70 % on rows of 64. Arrays then cannot be made inside: callers pass all work space, and keep it alive.
OPTIONS = {"cache": True, "fastmath": FAST, "_nrt": False}
PAD = 4  # places before a block: its ghost, and the blocks begin at whole vectors


@numba.njit(**OPTIONS, forceinline=True)
def wrap_ghost(block, q, half):
    """Refresh the one ghost of a block of parity q that its periodic neighbours read."""
    if q == 0:
        block[PAD + half] = block[PAD]
    else:
        block[PAD - 1] = block[PAD + half - 1]


@numba.njit(**OPTIONS, forceinline=True)
def across_sum(z, edges, i, j, q, half, wrap, zero, base, t):
    """t = base + sum of edge times neighbour along axes 0 and 1, for block q of row (i, j)."""
    ex, ey, _ = edges
    n, m = z.shape[0], z.shape[1]
    a, b = ex[i, j, q], ex[i + 1, j, q]
    up = z[i - 1, j, q] if i > 0 else (z[n - 1, j, q] if wrap[0] else zero)
    down = z[i + 1, j, q] if i < n - 1 else (z[0, j, q] if wrap[0] else zero)
    for k in range(half):
        t[PAD + k] = base[PAD + k] + a[PAD + k] * up[PAD + k] + b[PAD + k] * down[PAD + k]
    if m > 1:
        f, g = ey[i, j, q], ey[i, j + 1, q]
        front = z[i, j - 1, q] if j > 0 else (z[i, m - 1, q] if wrap[1] else zero)
        back = z[i, j + 1, q] if j < m - 1 else (z[i, 0, q] if wrap[1] else zero)
        for k in range(half):
            t[PAD + k] += f[PAD + k] * front[PAD + k] + g[PAD + k] * back[PAD + k]


@numba.njit(**OPTIONS, forceinline=True)
def relax_row(z, r, dinv, edges, i, j, q, half, wrap, zero, t):
    """Gauss-Seidel on block q of row (i, j): z = (r + sum of edge times neighbour) / diagonal. t is work space."""
    c, d, right = z[i, j, q], dinv[i, j, q], r[i, j, q]
    other, even, odd = z[i, j, 1 - q], edges[2][i, j, 0], edges[2][i, j, 1]
    across_sum(z, edges, i, j, q, half, wrap, zero, right, t)
    if q == 0:
        for k in range(half):
            c[PAD + k] = (t[PAD + k] + even[PAD + k] * other[PAD - 1 + k] + odd[PAD + k] * other[PAD + k]) * d[PAD + k]
    else:
        for k in range(half):
            c[PAD + k] = (t[PAD + k] + odd[PAD + k] * other[PAD + k] + even[PAD + 1 + k] * other[PAD + 1 + k]) * d[
                PAD + k
            ]
    if wrap[2]:
        wrap_ghost(c, q, half)


@numba.njit(**OPTIONS, forceinline=True)
def residual_row(z, edges, i, j, q, half, wrap, zero, t):
    """t = r - A z of block q of row (i, j), where z = r / diagonal there: what is left are the neighbours' terms."""
    other, even, odd = z[i, j, 1 - q], edges[2][i, j, 0], edges[2][i, j, 1]
    across_sum(z, edges, i, j, q, half, wrap, zero, zero, t)
    if q == 0:
        for k in range(half):
            t[PAD + k] += even[PAD + k] * other[PAD - 1 + k] + odd[PAD + k] * other[PAD + k]
    else:
        for k in range(half):
            t[PAD + k] += odd[PAD + k] * other[PAD + k] + even[PAD + 1 + k] * other[PAD + 1 + k]
    t[PAD - 1] = t[PAD + half - 1] if wrap[2] else zero[0]
    t[PAD + half] = t[PAD] if wrap[2] else zero[0]


@numba.njit(**OPTIONS, forceinline=True)
def gather_row(t, q, own, next_, line, size, split, width):
    """split = restriction of t along the last axis: block q of a row to both blocks of a coarse row of `size` values.

    Coarse column J takes own[J] t[J] + next_[J] t[J + 1] of even columns, t[J - 1] of odd ones. `line` is work space.
    """
    if q == 0:
        for k in range(size):
            line[k] = own[k] * t[PAD + k] + next_[k] * t[PAD + k + 1]
    else:
        for k in range(size):
            line[k] = own[k] * t[PAD + k] + next_[k] * t[PAD + k - 1]
    even, odd = split[PAD:], split[width + PAD :]
    for k in range(size // 2):
        even[k] = line[2 * k]
        odd[k] = line[2 * k + 1]
    if size % 2 == 1:
        even[size // 2] = line[size - 1]


@numba.njit(**OPTIONS, forceinline=True)
def spread_row(c, q, half, own, next_, split, width, line, size, wrap, zero):
    """Add to block q what interpolation along the last axis makes of a coarse row, given as both its blocks in `split`.

    Even column k takes own[k] v[k] + next_[k] v[k - 1], odd ones v[k + 1]. `line` is work space.
    """
    even, odd = split[PAD:], split[width + PAD :]
    v = line[PAD:]
    for k in range((size + 1) // 2):
        v[2 * k] = even[k]
        v[2 * k + 1] = odd[k]
    line[PAD - 1] = line[PAD + size - 1] if wrap[2] else zero[0]
    line[PAD + size] = line[PAD] if wrap[2] else zero[0]
    if q == 0:
        for k in range(half):
            c[PAD + k] += own[k] * line[PAD + k] + next_[k] * line[PAD + k - 1]
    else:
        for k in range(half):
            c[PAD + k] += own[k] * line[PAD + k] + next_[k] * line[PAD + k + 1]
    if wrap[2]:
        wrap_ghost(c, q, half)


@numba.njit(**OPTIONS, forceinline=True)
def split_row(source, factor, row):
    """row[0], row[1] = factor times the even and odd places of `source`."""
    even, odd, n = row[0, PAD:], row[1, PAD:], source.size
    for k in range(n // 2):
        even[k] = factor * source[2 * k]
        odd[k] = factor * source[2 * k + 1]
    if n % 2 == 1:
        even[n // 2] = factor * source[n - 1]


@numba.njit(**OPTIONS, forceinline=True)
def joined_row(row, factor, right, out):
    """out = factor times both blocks of `row` in their natural order; returns right . out."""
    even, odd, n = row[0, PAD:], row[1, PAD:], out.size
    for k in range(n // 2):
        out[2 * k] = factor * even[k]
        out[2 * k + 1] = factor * odd[k]
    if n % 2 == 1:
        out[n - 1] = factor * even[n // 2]
    total = 0.0
    for k in range(n):
        total += float(right[k]) * float(out[k])
    return total
