"""Fourier coefficients of one trigonometric polynomial on other numbers of points: pad to refine, truncate to restrict.

Coefficients are unnormalised, v (..., *half): full axes in FFT order, the last axis n = 0..N/2. With N even the Nyquist
coefficient stands for both signs, so that real data have the interpolant a cos(N x/2): padding gives one half of it to
+N/2 and one half to -N/2, truncating adds the two up again. The factor (M/N)^d follows from the missing 1/N.
"""

from __future__ import annotations

import math
from typing import Any

from array_api_compat import array_namespace, device


def resample(v: Any, old: tuple[int, ...], new: tuple[int, ...]) -> Any:
    """Coefficients (..., *half of old) -> (..., *half of new), the same field; exact where no mode is cut off.

    old, new   points per axis; any axis may grow or shrink, odd or even
    A mode that is cut off is dropped, not folded: a restriction, not a sampling.
    """
    dim = len(old)
    if new == old:
        return v
    scale = math.prod(new) / math.prod(old)
    v = v * scale if scale > 1 else v  # on the smaller of the two arrays
    v = _resize_half(v, dim, old[-1], new[-1])
    for axis in range(dim - 1):
        v = _resize_full(v, axis - dim, old[axis], new[axis])
    return v if scale > 1 else v * scale


def mirrored(plane: Any, axes: tuple[int, ...]) -> Any:
    """conj v(-k) of coefficients on full axes: what a real field has in place of v(k)."""
    xp = array_namespace(plane)
    if axes:
        plane = xp.roll(xp.flip(plane, axis=axes), (1,) * len(axes), axis=axes)
    return xp.conj(plane)


def _resize_full(v: Any, axis: int, old: int, new: int) -> Any:
    n = min(old, new)
    positive, negative = (n + 1) // 2, (n - 1) // 2
    low = _part(v, axis, 0, positive)
    high = _part(v, axis, old - negative, old)
    if n % 2 == 1:
        return _joined((low, _zeros(v, axis, new - n), high), axis)
    at, opposite = _part(v, axis, n // 2, n // 2 + 1), old - n // 2
    if new > old:
        return _joined((low, at * 0.5, _zeros(v, axis, new - n - 1), at * 0.5, high), axis)
    if new < old:
        at = at + _part(v, axis, opposite, opposite + 1)
    return _joined((low, at, high), axis)


def _resize_half(v: Any, dim: int, old: int, new: int) -> Any:
    if new == old:
        return v
    n = min(old, new)
    low = _part(v, -1, 0, (n + 1) // 2)
    if n % 2 == 1:
        return _joined((low, _zeros(v, -1, new // 2 - n // 2)), -1)
    at = _part(v, -1, n // 2, n // 2 + 1)
    if new > old:
        return _joined((low, at * 0.5, _zeros(v, -1, new // 2 - n // 2)), -1)
    return _joined((low, at + mirrored(at, tuple(range(-dim, -1)))), -1)


def _part(v: Any, axis: int, start: int, stop: int) -> Any:
    return v[(..., slice(start, stop)) + (slice(None),) * (-1 - axis)]


def _zeros(v: Any, axis: int, count: int) -> Any:
    shape = list(v.shape)
    shape[axis] = count
    xp = array_namespace(v)
    return xp.zeros(tuple(shape), dtype=v.dtype, device=device(v))


def _joined(parts: tuple[Any, ...], axis: int) -> Any:
    return array_namespace(parts[0]).concat(parts, axis=axis)
