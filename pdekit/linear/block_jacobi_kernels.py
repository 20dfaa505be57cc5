"""Dense Cholesky factors of the diagonal blocks of a CSR matrix, and the solves with them, compiled."""

from __future__ import annotations

import math

import numba

FAST = {"reassoc", "contract", "nsz", "arcp"}
PIVOT = 1e-10  # times the diagonal: the square of a pivot below this is rounding


@numba.njit(cache=True)
def factor_blocks(indptr, indices, data, blocks):
    """Fill blocks (n_blocks, size, size) with L of each block; returns how many have only their diagonal's root instead.

    The last block may be short: its empty rows are those of the identity.
    """
    count, size, _ = blocks.shape
    n, failed = indptr.size - 1, 0
    for c in range(count):
        a, first = blocks[c], c * size
        a[:] = 0.0
        for i in range(size):
            if first + i >= n:
                a[i, i] = 1.0
                continue
            for e in range(indptr[first + i], indptr[first + i + 1]):
                j = indices[e] - first
                if 0 <= j <= i:
                    a[i, j] += data[e]
        if not _cholesky(a):
            failed += 1
            a[:] = 0.0
            for i in range(size):
                a[i, i] = 1.0
                if first + i < n:
                    a[i, i] = 0.0
                    for e in range(indptr[first + i], indptr[first + i + 1]):
                        if indices[e] == first + i:
                            a[i, i] += data[e]
                    a[i, i] = math.sqrt(a[i, i]) if a[i, i] > 0.0 else math.nan
    return failed


@numba.njit(cache=True)
def _cholesky(a):
    """a = L in place; False where a pivot is not positive."""
    for i in range(a.shape[0]):
        whole = a[i, i]
        for j in range(i + 1):
            s = a[i, j]
            for k in range(j):
                s -= a[i, k] * a[j, k]
            if j < i:
                a[i, j] = s / a[j, j]
            elif s > PIVOT * whole:
                a[i, i] = math.sqrt(s)
            else:
                return False
    return True


@numba.njit(cache=True, fastmath=FAST)
def solve_blocks(blocks, r, z):
    """z = (L L^T)^-1 r block by block, flat vectors; returns r . z, summed in float64."""
    count, size, _ = blocks.shape
    n, total = r.size, 0.0
    for c in range(count):
        first = c * size
        m = min(size, n - first)
        for i in range(m):
            row, s = blocks[c, i], r[first + i]
            for j in range(i):
                s -= row[j] * z[first + j]
            z[first + i] = s / row[i]
        for i in range(m - 1, -1, -1):
            row = blocks[c, i]
            value = z[first + i] / row[i]
            z[first + i] = value
            for j in range(i):
                z[first + j] -= row[j] * value
            total += float(r[first + i]) * float(value)
    return total
