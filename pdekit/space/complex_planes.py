"""Two real fields of a plane as one complex field, transformed in place on whole axes; columns that are zero are left out.

The modes are those of a `Dealiased` space of two axes: |n| <= K per axis, coefficients of the series.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.fft

from pdekit.space.dealiased import Dealiased


def room(space: Dealiased, count: int) -> np.ndarray:
    """Unset complex128 (count, N_x, N_y + 1), for values and for coefficients.

    One entry a row belongs to no point: rows of a power of two would fall on the same lines of the cache.
    """
    return np.empty((count, space.points[0], space.points[1] + 1), np.complex128)


def backward(v: np.ndarray, space: Dealiased) -> None:
    """Coefficients to values, in place; coefficients must be 0 where they are not kept."""
    for columns in _kept(v, space):
        _overwrite(scipy.fft.ifft, columns, -2)
    _overwrite(scipy.fft.ifft, v[..., :-1], -1)


def forward(v: np.ndarray, space: Dealiased) -> None:
    """Values to coefficients, in place; what is left in columns that are not kept means nothing."""
    _overwrite(scipy.fft.fft, v[..., :-1], -1)
    for columns in _kept(v, space):
        _overwrite(scipy.fft.fft, columns, -2)


def _kept(v: np.ndarray, space: Dealiased) -> tuple[np.ndarray, np.ndarray]:
    """Columns 0..K and -K..-1."""
    k, n = space.kept[1], space.points[1]
    return v[..., : k + 1], v[..., n - k : n]


def _overwrite(transform: Any, v: np.ndarray, axis: int) -> None:
    out = transform(v, axis=axis, norm="forward", overwrite_x=True)
    if not np.may_share_memory(out, v):
        v[...] = out
