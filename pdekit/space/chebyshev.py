"""Chebyshev series u = sum_k a_k T_k(t) on an interval, t in [-1, 1]; values at the Gauss-Lobatto nodes, which DESCEND.

    nodes        t_j = cos(pi j/N), j = 0..N: the first is the high end
    transform    DCT-I, O(N log N): a_k = (2/N) sum'' u_j cos(pi j k/N), first and last term halved, a_0 and a_N halved once
                 more; N = 0 has one node, t = 1
    derivative   c_{k-1} b_{k-1} = b_{k+1} + 2 k a_k, c_0 = 2, else 1, times 2/(high - low)

`coefficients`, `values`, `derivative`, `evaluate` and `interpolate` take NumPy arrays and torch tensors, keep dtype and
device, and act along one axis, the last by default. `nodes`, `differentiation_matrix` and `gram` make float64 arrays.
Source: Trefethen, Spectral Methods in MATLAB, SIAM 2000, ch. 6-8; Berrut & Trefethen 2004, doi:10.1137/S0036144502417715.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from array_api_compat import array_namespace, device

from pdekit.space.series import alternate_tails, check_degree, from_reference, half_length, to_reference


def nodes(degree: int, low: float = -1.0, high: float = 1.0) -> np.ndarray:
    """The degree + 1 Gauss-Lobatto nodes, from `high` down to `low`, in the unit of both; degree 0: `high` alone."""
    check_degree(degree)
    return from_reference(_reference(degree), low, high)


def coefficients(u: Any, axis: int = -1) -> Any:
    """a_k (..., N+1) of the polynomial through the values u (..., N+1) at `nodes(N)`."""
    xp = array_namespace(u)
    u = xp.moveaxis(u, axis, -1)
    degree = u.shape[-1] - 1
    a = u if degree == 0 else _dct1(u) * _ends(u, 0.5, 1.0) / degree
    return xp.moveaxis(a, -1, axis)


def values(a: Any, axis: int = -1) -> Any:
    """Values at `nodes(N)` of the series a (..., N+1): the inverse of `coefficients`."""
    xp = array_namespace(a)
    a = xp.moveaxis(a, axis, -1)
    u = a if a.shape[-1] == 1 else _dct1(a * _ends(a, 1.0, 0.5))
    return xp.moveaxis(u, -1, axis)


def derivative(a: Any, order: int = 1, low: float = -1.0, high: float = 1.0, axis: int = -1) -> Any:
    """Coefficients (..., N+1) of the derivative of that order, in [u]/length^order; the last `order` of them are 0. O(N)."""
    check_degree(order, what="order of a derivative.")
    xp, half = array_namespace(a), half_length(low, high)
    b = xp.moveaxis(a, axis, -1)
    k = xp.arange(b.shape[-1], dtype=b.dtype, device=device(b))
    c = xp.where(k == 0, 2.0 * xp.ones_like(k), xp.ones_like(k))
    for _ in range(order):
        b = alternate_tails(2.0 * k * b) / (c * half)
    return xp.moveaxis(b, -1, axis)


def differentiation_matrix(degree: int, low: float = -1.0, high: float = 1.0) -> np.ndarray:
    """D (N+1, N+1), in 1/length: D u are the values at `nodes(N)` of the derivative of the polynomial through u.

    D_ij = (c_i/c_j) (-1)^(i+j)/(t_i - t_j), c_0 = c_N = 2, else 1; the differences by products of sines, which keep their
    digits at the ends; the diagonal makes each row sum to zero. Rounding grows like N^2 eps, that of D @ D like N^4 eps.
    """
    check_degree(degree, least=1)
    j = np.arange(degree + 1)
    half = 0.5 * np.pi / degree
    gap = 2.0 * np.sin(half * np.add.outer(j, j)) * np.sin(half * np.subtract.outer(j, j).T)  # t_i - t_j
    c = (-1.0) ** j * np.where((j == 0) | (j == degree), 2.0, 1.0)
    np.fill_diagonal(gap, 1.0)
    d = np.outer(c, 1.0 / c) / gap
    np.fill_diagonal(d, 0.0)
    np.fill_diagonal(d, -d.sum(axis=1))
    return d / half_length(low, high)


def gram(degree: int, low: float = -1.0, high: float = 1.0) -> np.ndarray:
    """G (N+1, N+1) = integrals of T_m T_n dx, in length: a^T G a is the square of the plain L2 norm.

    1/(1 - (m+n)^2) + 1/(1 - (m-n)^2) where m + n is even, else 0. T_k are orthogonal under dx/sqrt(1 - t^2), not dx.
    """
    check_degree(degree)
    k = np.arange(degree + 1)
    total, apart = np.add.outer(k, k), np.subtract.outer(k, k)
    even = total % 2 == 0
    g = np.zeros(total.shape)
    g[even] = 1.0 / (1.0 - total[even] ** 2) + 1.0 / (1.0 - apart[even] ** 2)
    return g * half_length(low, high)


def evaluate(a: Any, x: Any, low: float = -1.0, high: float = 1.0) -> Any:
    """u (..., *shape of x) of the series a (..., N+1) at any points x of [low, high], by Clenshaw's recurrence."""
    xp = array_namespace(a, x)
    t = to_reference(x, low, high)
    a = xp.reshape(a, (*a.shape, *(1,) * t.ndim))
    terms = xp.moveaxis(a, a.ndim - t.ndim - 1, 0)
    b1 = b2 = xp.zeros_like(terms[0] * t)
    for k in range(terms.shape[0] - 1, 0, -1):
        b1, b2 = terms[k] + 2.0 * t * b1 - b2, b1
    return terms[0] + t * b1 - b2


def interpolate(u: Any, x: Any, low: float = -1.0, high: float = 1.0) -> Any:
    """u (..., n) at the points x (n,) of the polynomial through u (..., N+1) at `nodes(N, low, high)`: barycentric formula.

    Weights (-1)^j, halved at both ends; at a node its own value.
    """
    xp = array_namespace(u, x)
    degree = u.shape[-1] - 1
    t = to_reference(x, low, high)
    at = xp.asarray(_reference(degree), dtype=t.dtype, device=device(t))
    gap = t[:, None] - at[None, :]
    hit = gap == 0
    j = xp.arange(degree + 1, dtype=t.dtype, device=device(t))
    w = xp.cos(np.pi * j) * _ends(at, 0.5, 1.0)
    ratio = w / xp.where(hit, xp.ones_like(gap), gap)
    met = xp.any(hit, axis=1, keepdims=True)
    ratio = xp.where(met, xp.astype(hit, t.dtype), ratio)
    return (u @ xp.matrix_transpose(ratio)) / xp.sum(ratio, axis=1)


def _reference(degree: int) -> np.ndarray:
    """cos(pi j/N) as a sine: odd about the middle to the last bit."""
    if degree == 0:
        return np.ones(1)
    return np.sin(0.5 * np.pi * np.arange(degree, -degree - 1, -2) / degree)


def _dct1(v: Any) -> Any:
    """v_0 + (-1)^k v_N + 2 sum_{0<j<N} v_j cos(pi j k/N), k = 0..N, by an FFT of the even extension."""
    xp = array_namespace(v)
    even = xp.concat([v, xp.flip(v[..., 1:-1], axis=-1)], axis=-1)
    return xp.real(xp.fft.rfft(even, axis=-1))


def _ends(like: Any, ends: float, inside: float) -> Any:
    """(N+1,): `ends` at both ends of the last axis, `inside` between."""
    xp = array_namespace(like)
    j = xp.arange(like.shape[-1], dtype=like.dtype, device=device(like))
    return xp.where((j == 0) | (j == like.shape[-1] - 1), ends * xp.ones_like(j), inside * xp.ones_like(j))
