"""`reconstruction.py` along one line of cells, compiled: both faces of each cell at once, which share their weights.

NaN and infinity go through: callers look at the state.
"""

from __future__ import annotations

import numba

OPTIONS = {"cache": True, "fastmath": {"contract", "nsz"}, "error_model": "numpy"}
CONSTANT, MINMOD, VAN_LEER, WENO5, WENO_Z = range(5)


@numba.njit(**OPTIONS)
def reconstruct(code, line, eps, low, high):
    """line (m + 6) means with three ghosts at either end; low, high (m + 2) values at the faces of cells -1 .. m."""
    if code == CONSTANT:
        for i in range(low.size):
            low[i] = line[i + 2]
            high[i] = line[i + 2]
    elif code == MINMOD:
        minmod(line, low, high)
    elif code == VAN_LEER:
        van_leer(line, low, high)
    elif code == WENO5:
        weno5(line, eps, low, high)
    else:
        weno_z(line, eps, low, high)


@numba.njit(**OPTIONS)
def minmod(line, low, high):
    """c -+ half the smaller slope."""
    for i in range(low.size):
        before, after = line[i + 2] - line[i + 1], line[i + 3] - line[i + 2]
        smaller = before if abs(before) < abs(after) else after
        half = 0.5 * smaller if before * after > 0 else 0.0
        low[i], high[i] = line[i + 2] - half, line[i + 2] + half


@numba.njit(**OPTIONS)
def van_leer(line, low, high):
    """c -+ half the harmonic mean of the slopes."""
    for i in range(low.size):
        before, after = line[i + 2] - line[i + 1], line[i + 3] - line[i + 2]
        half = before * after / (before + after) if before * after > 0 else 0.0
        low[i], high[i] = line[i + 2] - half, line[i + 2] + half


@numba.njit(**OPTIONS, inline="always")
def swings(d1, d2, d3, d4):
    """beta_0, beta_1, beta_2 of Jiang & Shu."""
    return (
        13.0 / 12.0 * (d2 - d1) ** 2 + 0.25 * (3.0 * d2 - d1) ** 2,
        13.0 / 12.0 * (d3 - d2) ** 2 + 0.25 * (d2 + d3) ** 2,
        13.0 / 12.0 * (d4 - d3) ** 2 + 0.25 * (3.0 * d3 - d4) ** 2,
    )


@numba.njit(**OPTIONS, inline="always")
def weighed(d1, d2, d3, d4, a0, a1, a2):
    """What is added to the mean at the high face, parabolas in the order abc, bcd, cde, weights 0.1 a0, 0.6 a1, 0.3 a2."""
    w0, w1, w2 = 0.1 * a0, 0.6 * a1, 0.3 * a2
    total = w0 * (5.0 * d2 - 2.0 * d1) + w1 * (d2 + 2.0 * d3) + w2 * (4.0 * d3 - d4)
    return total / (6.0 * (w0 + w1 + w2))


@numba.njit(**OPTIONS)
def weno5(line, eps, low, high):
    """Weights gamma/(eps + beta)^2."""
    for i in range(low.size):
        d1, d2 = line[i + 1] - line[i], line[i + 2] - line[i + 1]
        d3, d4 = line[i + 3] - line[i + 2], line[i + 4] - line[i + 3]
        b0, b1, b2 = swings(d1, d2, d3, d4)
        a0, a1, a2 = 1.0 / (eps + b0) ** 2, 1.0 / (eps + b1) ** 2, 1.0 / (eps + b2) ** 2
        high[i] = line[i + 2] + weighed(d1, d2, d3, d4, a0, a1, a2)
        low[i] = line[i + 2] + weighed(-d4, -d3, -d2, -d1, a2, a1, a0)


@numba.njit(**OPTIONS)
def weno_z(line, eps, low, high):
    """Weights gamma (1 + (tau/(eps + beta))^2)."""
    for i in range(low.size):
        d1, d2 = line[i + 1] - line[i], line[i + 2] - line[i + 1]
        d3, d4 = line[i + 3] - line[i + 2], line[i + 4] - line[i + 3]
        b0, b1, b2 = swings(d1, d2, d3, d4)
        tau = abs(b0 - b2)
        a0 = 1.0 + (tau / (eps + b0)) ** 2
        a1 = 1.0 + (tau / (eps + b1)) ** 2
        a2 = 1.0 + (tau / (eps + b2)) ** 2
        high[i] = line[i + 2] + weighed(d1, d2, d3, d4, a0, a1, a2)
        low[i] = line[i + 2] + weighed(-d4, -d3, -d2, -d1, a2, a1, a0)
