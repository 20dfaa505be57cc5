"""What series of Chebyshev and of Legendre polynomials share: the interval [low, high] seen as t in [-1, 1], the number of
terms, and the sums over every other term of which derivatives are made. NumPy arrays and torch tensors alike."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from array_api_compat import array_namespace, device

from pdekit.errors import BadInput


def half_length(low: float, high: float) -> float:
    """(high - low)/2: what an integral over t gains, and a derivative by t loses. Raises BadInput unless low < high."""
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise BadInput.of(
            "an interval needs two ends in order.", found=f"[{low!r}, {high!r}]", allowed="low < high, both finite"
        )
    return 0.5 * (high - low)


def from_reference(t: Any, low: float, high: float) -> Any:
    """x in [low, high] of t in [-1, 1]; both ends are met exactly."""
    xp, half = array_namespace(t), half_length(low, high)
    x = 0.5 * (low + high) + half * t
    return xp.where(t == 1, high + 0 * x, xp.where(t == -1, low + 0 * x, x))


def to_reference(x: Any, low: float, high: float) -> Any:
    """t in [-1, 1] of x in [low, high], to rounding."""
    return (x - 0.5 * (low + high)) / half_length(low, high)


def check_degree(degree: int, least: int = 0, what: str = "degree of a polynomial.") -> None:
    """Raise BadInput where a degree is not a whole number, or below `least`."""
    if not isinstance(degree, int) or isinstance(degree, bool) or degree < least:
        raise BadInput.of(what, found=repr(degree), allowed=f"a whole number >= {least}")


def with_degree(a: Any, degree: int, axis: int = -1) -> Any:
    """The series a (..., N+1) with degree + 1 terms along `axis`: cut off, or filled with zeros."""
    check_degree(degree)
    xp = array_namespace(a)
    a = xp.moveaxis(a, axis, -1)[..., : degree + 1]
    missing = degree + 1 - a.shape[-1]
    if missing > 0:
        a = xp.concat([a, xp.zeros((*a.shape[:-1], missing), dtype=a.dtype, device=device(a))], axis=-1)
    return xp.moveaxis(a, -1, axis)


def alternate_tails(s: Any) -> Any:
    """s_{k+1} + s_{k+3} + s_{k+5} + ... for each k of the last axis; the shape of s. Summed from the far end, O(N)."""
    xp = array_namespace(s)
    n = s.shape[-1]
    zero = xp.zeros_like(s[..., :1])
    back = xp.flip(s, axis=-1)
    pairs = xp.concat([back, zero], axis=-1) if n % 2 else back
    sums = xp.cumulative_sum(xp.reshape(pairs, (*s.shape[:-1], -1, 2)), axis=-2)
    tails = xp.flip(xp.reshape(sums, pairs.shape)[..., :n], axis=-1)
    return xp.concat([tails[..., 1:], zero], axis=-1)


def along_axes(matrices: Sequence[Any], u: Any) -> Any:
    """One matrix (m_k, n_k) applied along each of the last axes of u (*batch, n_0, n_1, ..): (*batch, m_0, m_1, ..).

    Each is one product of matrices for the whole batch. NumPy arrays or torch tensors; the matrices take type and device of u.
    """
    xp, dim = array_namespace(u), len(matrices)
    for (
        matrix
    ) in matrices:  # contracts the first of the axes and appends it at the end: after all of them the order is back
        m = xp.asarray(matrix, dtype=u.dtype, device=device(u))
        u = xp.tensordot(u, m, axes=((u.ndim - dim,), (1,)))
    return u
