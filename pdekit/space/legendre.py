"""Legendre series u = sum_k a_k P_k(t) on an interval, t in [-1, 1]: orthogonal under plain dx, so sums of squares are norms.

    transform    a_k = (2k+1)/2 sum_j w_j P_k(t_j) u_j at n = N + 1 Gauss nodes (the default), or at the N + 1 Gauss-Lobatto
                 nodes, where the last factor is N/2: there the rule is one degree short of P_N^2. A matrix product: no fast
                 transform is needed below N ~ 128. Nodes DESCEND. There and back rounds like N^2 eps: 3e-12 at N = 128
    derivative   b_k = (2k+1) (a_{k+1} + a_{k+3} + ...), times 2/(high - low)

`derivative`, `evaluate`, and the two methods of `Transform` take NumPy arrays and torch tensors, keep dtype and device, and
act along one axis, the last by default.
Source: Canuto, Hussaini, Quarteroni & Zang, Spectral Methods: Fundamentals, Springer 2006, sec. 2.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device

from pdekit.errors import unknown_name
from pdekit.space.quadrature import gauss, gauss_lobatto, legendre_table
from pdekit.space.series import alternate_tails, check_degree, from_reference, half_length, to_reference


@dataclass(frozen=True)
class Transform:
    """Values at nodes <-> coefficients, for one degree; build it with `transform`. Arrays are shared: not written to.

    reference   (N+1,) nodes on [-1, 1], descending
    weights     (N+1,) of the quadrature, sum 2
    forward     (N+1, N+1) coefficients from values
    backward    (N+1, N+1) P_k at the nodes: values from coefficients
    """

    reference: np.ndarray
    weights: np.ndarray
    forward: np.ndarray
    backward: np.ndarray

    def nodes(self, low: float = -1.0, high: float = 1.0) -> np.ndarray:
        """The nodes in [low, high], descending."""
        return from_reference(self.reference, low, high)

    def coefficients(self, u: Any, axis: int = -1) -> Any:
        """a (..., N+1) of the polynomial through the values u (..., N+1) at `nodes`."""
        return _along(self.forward, u, axis)

    def values(self, a: Any, axis: int = -1) -> Any:
        """Values at `nodes` of the series a (..., N+1)."""
        return _along(self.backward, a, axis)


@lru_cache(maxsize=32)
def transform(degree: int, at: str = "gauss") -> Transform:
    """The transform of that degree; at "gauss" | "gauss-lobatto" nodes (degree >= 1). Raises BadInput."""
    check_degree(degree, least=0 if at == "gauss" else 1)
    rules = {"gauss": lambda: gauss(degree + 1), "gauss-lobatto": lambda: gauss_lobatto(degree)}
    if at not in rules:
        raise unknown_name("set of Legendre nodes", at, rules)
    t, w = rules[at]()
    backward = legendre_table(degree, t)
    scale = np.arange(degree + 1) + 0.5
    if at == "gauss-lobatto":
        scale[-1] = 0.5 * degree
    return Transform(t, w, scale[:, None] * backward.T * w, backward)


def polynomials(degree: int, x: np.ndarray, low: float = -1.0, high: float = 1.0) -> np.ndarray:
    """P_0 .. P_N at the points x (n,): (n, N+1), dimensionless."""
    check_degree(degree)
    return legendre_table(degree, to_reference(np.asarray(x, dtype=np.float64), low, high))


def derivative(a: Any, order: int = 1, low: float = -1.0, high: float = 1.0, axis: int = -1) -> Any:
    """Coefficients (..., N+1) of the derivative of that order, in [u]/length^order; the last `order` of them are 0. O(N)."""
    check_degree(order, what="order of a derivative.")
    xp, half = array_namespace(a), half_length(low, high)
    b = xp.moveaxis(a, axis, -1)
    k = xp.arange(b.shape[-1], dtype=b.dtype, device=device(b))
    for _ in range(order):
        b = (2.0 * k + 1.0) * alternate_tails(b) / half
    return xp.moveaxis(b, -1, axis)


def squares(degree: int, low: float = -1.0, high: float = 1.0) -> np.ndarray:
    """(N+1,) integrals of P_k^2 dx = (high - low)/(2k+1), in length: sum_k a_k^2 squares_k is the square of the L2 norm."""
    check_degree(degree)
    return half_length(low, high) / (np.arange(degree + 1) + 0.5)


def evaluate(a: Any, x: Any, low: float = -1.0, high: float = 1.0) -> Any:
    """u (..., *shape of x) of the series a (..., N+1) at any points x of [low, high], by Clenshaw's recurrence."""
    xp = array_namespace(a, x)
    t = to_reference(x, low, high)
    a = xp.reshape(a, (*a.shape, *(1,) * t.ndim))
    terms = xp.moveaxis(a, a.ndim - t.ndim - 1, 0)
    b1 = b2 = xp.zeros_like(terms[0] * t)
    for k in range(terms.shape[0] - 1, -1, -1):
        b1, b2 = terms[k] + ((2 * k + 1) / (k + 1)) * t * b1 - ((k + 1) / (k + 2)) * b2, b1
    return b1


def _along(matrix: np.ndarray, u: Any, axis: int) -> Any:
    xp = array_namespace(u)
    m = xp.asarray(matrix, dtype=u.dtype, device=device(u))
    return xp.moveaxis(xp.matmul(xp.moveaxis(u, axis, -1), xp.matrix_transpose(m)), -1, axis)
