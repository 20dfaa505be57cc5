"""Nodes and weights on an interval. Every rule here gives its nodes DESCENDING, as `chebyshev.nodes` does; all weights are
positive and sum to high - low.

    clenshaw_curtis(N)     N + 1 nodes cos(pi j/N)                exact to degree N
    gauss(n)               n zeros of P_n                         exact to degree 2 n - 1
    gauss_lobatto(N)       both ends and the N - 1 zeros of P_N'  exact to degree 2 N - 1

Integrals are in [u] times the unit of low and high. float64.
Source: Trefethen, Spectral Methods in MATLAB, SIAM 2000, ch. 12; Abramowitz & Stegun 1964, 25.4.29 and 25.4.32.
"""

from __future__ import annotations

import numpy as np
from scipy.special import roots_jacobi, roots_legendre

from pdekit.space import chebyshev
from pdekit.space.series import check_degree, from_reference, half_length

Rule = tuple[np.ndarray, np.ndarray]


def clenshaw_curtis(degree: int, low: float = -1.0, high: float = 1.0) -> Rule:
    """(nodes, weights), both (N+1,): the integral of the Chebyshev interpolant, integral of T_k dt = 2/(1 - k^2) for even k,
    0 for odd. Degree 0: one node, the high end, with the whole weight."""
    x = chebyshev.nodes(degree, low, high)
    moments = np.zeros(degree + 1)
    even = np.arange(0, degree + 1, 2)
    moments[::2] = 2.0 / (1.0 - even**2)
    if degree == 0:
        return x, moments * half_length(low, high)
    # w_j = sum_k (moment k) (coefficient k of the node's cardinal function): the transform's transpose, its own up to the ends
    ends = np.full(degree + 1, 1.0)
    ends[[0, -1]] = 0.5
    weights = chebyshev.values(moments * ends) * ends * (2.0 / degree)
    return x, weights * half_length(low, high)


def gauss(points: int, low: float = -1.0, high: float = 1.0) -> Rule:
    """(nodes, weights), both (n,), of Gauss and Legendre; the ends are not among the nodes."""
    check_degree(points, least=1, what="number of points of a quadrature.")
    t = roots_legendre(points)[0][::-1]
    k = np.arange(points)
    w = 1.0 / ((k + 0.5) * legendre_table(points - 1, t) ** 2).sum(
        axis=1
    )  # Christoffel's; scipy's lose a digit at n = 33
    return from_reference(t, low, high), w * half_length(low, high)


def gauss_lobatto(degree: int, low: float = -1.0, high: float = 1.0) -> Rule:
    """(nodes, weights), both (N+1,), N >= 1: weights 2/(N (N+1) P_N(t)^2) on [-1, 1]."""
    check_degree(degree, least=1)
    inside = roots_jacobi(degree - 1, 1, 1)[0][::-1] if degree > 1 else np.zeros(0)
    t = np.concatenate([[1.0], 0.5 * (inside - inside[::-1]), [-1.0]])  # odd about the middle, as the zeros are
    w = 2.0 / (degree * (degree + 1) * legendre_table(degree, t)[:, -1] ** 2)
    return from_reference(t, low, high), w * half_length(low, high)


def legendre_table(degree: int, t: np.ndarray) -> np.ndarray:
    """P_0 .. P_N at t (n,) in [-1, 1]: (n, N+1). (k+1) P_{k+1} = (2k+1) t P_k - k P_{k-1}."""
    p = np.ones((t.size, degree + 1))
    if degree > 0:
        p[:, 1] = t
    for k in range(1, degree):
        p[:, k + 1] = ((2 * k + 1) * t * p[:, k] - k * p[:, k - 1]) / (k + 1)
    return p
