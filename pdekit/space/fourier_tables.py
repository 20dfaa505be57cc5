"""The tables of a Fourier layer: made once in float64, then kept by sizes, namespace, precision and device.

`points` and `length` are those of a `Fourier`; shapes are broadcastable to its half spectrum.
"""

from __future__ import annotations

from contextlib import nullcontext
from functools import lru_cache
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device, is_numpy_namespace

from pdekit.space import dealiasing, transforms
from pdekit.space.grid import Grid

Sizes = tuple[int, ...]
Lengths = tuple[float, ...]


def table(name: str, points: Sizes, length: Lengths, key: tuple[Any, ...], like: Any) -> Any:
    """The table `name` with the namespace, precision and device of `like`; NumPy, float64 where like is None."""
    if like is None:
        like = _PLAIN
    return _made(name, points, length, key, array_namespace(like), like.dtype, device(like))


@lru_cache(maxsize=64)  # 64 full tables of 256^3 points would be 4 GB; a run uses less than ten
def _made(name: str, points: Sizes, length: Lengths, key: tuple[Any, ...], xp: Any, dtype: Any, where: Any) -> Any:
    values = np.array(_TABLES[name](points, length, *key))
    if xp.finfo(dtype).bits < 64 and values.dtype.kind != "b":
        values = values.astype(np.complex64 if values.dtype.kind == "c" else np.float32)
    if is_numpy_namespace(xp):
        values.flags.writeable = False
        return values
    # a tensor born in torch's inference mode could not be used in training afterwards
    with xp.inference_mode(False) if hasattr(xp, "inference_mode") else nullcontext():
        return xp.asarray(values, device=where)


def _grid(points: Sizes, length: Lengths) -> Grid:
    return Grid.make(points, length, location="vertex")


def wavenumbers(points: Sizes, length: Lengths, axis: int) -> np.ndarray:
    """k of one axis, with as many axes as the box."""
    k = transforms.wavenumbers(_grid(points, length), axis)
    return k.reshape([-1 if a == axis else 1 for a in range(len(points))])


def squared(points: Sizes, length: Lengths) -> np.ndarray:
    """|k|^2."""
    return transforms.eigenvalues(_grid(points, length), scheme="continuous")


def laplacian(points: Sizes, length: Lengths) -> np.ndarray:
    """-|k|^2."""
    return -squared(points, length)


def inverse(points: Sizes, length: Lengths) -> np.ndarray:
    """-1/|k|^2, and 0 for the mean."""
    square = squared(points, length)
    square.flat[0] = np.inf
    return -1.0 / square


def derivative(points: Sizes, length: Lengths, axis: int, order: int) -> np.ndarray:
    """(i k)^order; 0 at the Nyquist mode of an odd order."""
    k = wavenumbers(points, length, axis)
    sign = (-1.0) ** (order // 2)
    if order % 2 == 0:
        return sign * k**order
    if points[axis] % 2 == 0:
        k.flat[points[axis] // 2] = 0.0
    return 1j * sign * k**order


def weights(points: Sizes, length: Lengths) -> np.ndarray:
    """1 at n = 0 and N/2 of the last axis, else 2."""
    return transforms.parseval_weights(_grid(points, length))


def mask(points: Sizes, length: Lengths, degree: int, kind: str) -> np.ndarray:
    """The modes that a cut keeps."""
    modes = [
        np.rint(wavenumbers(points, length, a) * ell / (2 * np.pi)).astype(np.int64) for a, ell in enumerate(length)
    ]
    return dealiasing.kept(modes, points, length, degree, kind)


_PLAIN = np.empty(0)
_TABLES = {t.__name__: t for t in (wavenumbers, squared, laplacian, inverse, derivative, weights, mask)}
