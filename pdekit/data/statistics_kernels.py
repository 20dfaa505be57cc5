"""Sums over the values of each sample, compiled: float64 accumulation of what is stored, without a float64 copy of it.

NaN and infinity go through: callers look at the sums.
"""

from __future__ import annotations

import numba

FAST = {"reassoc", "contract", "nsz"}


@numba.njit(cache=True, fastmath=FAST)
def mean_and_squares(values, mean, squares):
    """mean[i] of row i and squares[i] = sum (values[i, j] - mean[i])^2; values (n, m), m >= 1."""
    n, m = values.shape
    for i in range(n):
        total = 0.0
        for j in range(m):
            total += values[i, j]
        average = total / m
        square = 0.0
        for j in range(m):
            square += (values[i, j] - average) ** 2
        mean[i], squares[i] = average, square
