"""Bayesian linear regression over arms x Chebyshev terms, compiled: one mean vector, one covariance, rank-one updates.

Coefficient (i, j), of arm i and term T_j, stands at i m + j. Loops are plain: equal states give equal bits.
"""

from __future__ import annotations

import math

import numba
import numpy as np


@numba.njit(cache=True)
def posterior(mean, covariance, f, arms):
    """(d,) expected values and (d,) standard deviations, over the arms, at features f."""
    m = f.size
    mu, sd = np.zeros(arms), np.zeros(arms)
    for i in range(arms):
        variance = 0.0
        for j in range(m):
            mu[i] += mean[i * m + j] * f[j]
            for k in range(m):
                variance += f[j] * f[k] * covariance[i * m + j, i * m + k]
        sd[i] = math.sqrt(max(variance, 0.0))
    return mu, sd


@numba.njit(cache=True)
def observe(mean, covariance, f, arm, y, noise):
    """Condition on y = w . f + noise at one arm: P -= g g^T with g = P h / sqrt(h.P h + noise^2), symmetric to the bit."""
    m, n = f.size, mean.size
    g = np.zeros(n)
    expected, variance = 0.0, 0.0
    for j in range(m):
        expected += mean[arm * m + j] * f[j]
    for r in range(n):
        for j in range(m):
            g[r] += covariance[r, arm * m + j] * f[j]
    for j in range(m):
        variance += g[arm * m + j] * f[j]
    scale = 1.0 / math.sqrt(max(variance, 0.0) + noise * noise)
    error = (y - expected) * scale
    for r in range(n):
        g[r] *= scale
        mean[r] += g[r] * error
    for r in range(n):
        for k in range(n):
            covariance[r, k] -= g[r] * g[k]
