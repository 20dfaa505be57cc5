"""The vector work of CG in as few passes as possible, compiled; all arguments are flat arrays in C order.

NaN and infinity go through: callers look at the returned sums.
"""

from __future__ import annotations

import math

import numba

FAST = {"reassoc", "contract", "nsz", "arcp"}


@numba.njit(cache=True, fastmath=FAST)
def dot(a, b):
    """a . b, products and sum in float64."""
    total = 0.0
    for i in range(a.size):
        total += float(a[i]) * float(b[i])
    return total


@numba.njit(cache=True, fastmath=FAST)
def advance(x, r, p, q, alpha):
    """x += alpha p, r -= alpha q; returns r . r, products and sum in float64."""
    total = 0.0
    for i in range(x.size):
        x[i] += alpha * p[i]
        r[i] -= alpha * q[i]
        total += float(r[i]) * float(r[i])
    return total


@numba.njit(cache=True, fastmath=FAST)
def turn(p, z, beta):
    """p = z + beta p"""
    for i in range(p.size):
        p[i] = z[i] + beta * p[i]


@numba.njit(cache=True, fastmath=FAST)
def norm(a):
    """|a| in the 2-norm, squares and sum in float64."""
    total = 0.0
    for i in range(a.size):
        total += float(a[i]) * float(a[i])
    return math.sqrt(total)
