"""Incomplete factors of sparse matrices and what is solved with them, compiled. Rows of CSR matrices, sorted columns."""

from __future__ import annotations

import math

import numba

FAST = {"reassoc", "contract", "nsz", "arcp"}
PIVOT = 1e-10  # times the diagonal: a square of a pivot below this is rounding, and would blow up the solves


@numba.njit(cache=True)
def cholesky_rows(indptr, indices, lower, shift):
    """Overwrite the lower triangle of A + shift diag(A) with its incomplete Cholesky factor of the same pattern.

    The diagonal is the last entry of each row. Returns -1, or the row whose pivot is not positive.
    """
    n = indptr.size - 1
    for i in range(n):
        start, end = indptr[i], indptr[i + 1] - 1
        whole = lower[end] * (1.0 + shift)
        pivot = whole
        for e in range(start, end):
            k = indices[e]
            s, f, g, last = lower[e], start, indptr[k], indptr[k + 1] - 1
            while f < e and g < last:
                if indices[f] == indices[g]:
                    s -= lower[f] * lower[g]
                    f += 1
                    g += 1
                elif indices[f] < indices[g]:
                    f += 1
                else:
                    g += 1
            lower[e] = s / lower[last]
            pivot -= lower[e] * lower[e]
        if not pivot > PIVOT * abs(whole):
            return i
        lower[end] = math.sqrt(pivot)
    return -1


@numba.njit(cache=True, fastmath=FAST)
def solve_both(indptr, indices, lower, r, z):
    """z = (L L^T)^-1 r, the diagonal last in each row of L; returns r . z, summed in float64."""
    n = r.size
    for i in range(n):
        s, end = r[i], indptr[i + 1] - 1
        for e in range(indptr[i], end):
            s -= lower[e] * z[indices[e]]
        z[i] = s / lower[end]
    total = 0.0
    for i in range(n - 1, -1, -1):
        end = indptr[i + 1] - 1
        value = z[i] / lower[end]
        z[i] = value
        for e in range(indptr[i], end):
            z[indices[e]] -= lower[e] * value
        total += float(r[i]) * float(value)
    return total
