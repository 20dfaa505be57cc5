"""Discrete cosine and sine transforms of types I to IV along one axis, in scipy's "backward" normalisation.

    DCT-I    y_k = u_0 + (-1)^k u_{n-1} + 2 sum_j u_j cos(pi j k/(n-1))        DST-I    2 sum_j u_j sin(pi (j+1) (k+1)/(n+1))
    DCT-II   y_k = 2 sum_j u_j cos(pi (2j+1) k/2n)                             DST-II   2 sum_j u_j sin(pi (2j+1) (k+1)/2n)
    DCT-III  y_k = u_0 + 2 sum_{j>0} u_j cos(pi j (2k+1)/2n)                   DST-III  the last term (-1)^k u_{n-1}, likewise
    DCT-IV   y_k = 2 sum_j u_j cos(pi (2j+1) (2k+1)/4n)                        DST-IV   the same with sin

NumPy arrays go through scipy.fft. All else, torch tensors with their gradients, goes through an FFT of twice the length, on
their device and in their precision; the two are tested against each other.
Source: Martucci 1994, doi:10.1109/78.295213.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.fft
from array_api_compat import array_namespace, device, is_numpy_namespace

INVERSE = {1: 1, 2: 3, 3: 2, 4: 4}


def transformed(u: Any, name: str, kind: int, axis: int = -1) -> Any:
    """The "dct" or "dst" of type 1 to 4 along an axis; real, the shape of u."""
    xp = array_namespace(u)
    if is_numpy_namespace(xp):
        return np.asarray((scipy.fft.dct if name == "dct" else scipy.fft.dst)(u, kind, axis=axis))
    return xp.moveaxis(_by_fft(xp.moveaxis(u, axis, -1), name == "dst", kind), -1, axis)


def inverse(y: Any, name: str, kind: int, axis: int = -1) -> Any:
    """What `transformed` of that name and type takes to y."""
    n = y.shape[axis]
    length = {("dct", 1): 2 * (n - 1), ("dst", 1): 2 * (n + 1)}.get((name, kind), 2 * n)
    return transformed(y, name, INVERSE[kind], axis) / length


def _by_fft(u: Any, sine: bool, kind: int) -> Any:
    """Each sum as the real or the negative imaginary part of sum_j u_j exp(-i angle), an FFT between two phases."""
    xp, n = array_namespace(u), u.shape[-1]
    if kind == 1:
        zero = xp.zeros_like(u[..., :1])
        odd = [zero, u, zero, -xp.flip(u, axis=-1)]
        whole = xp.concat(odd if sine else [u, xp.flip(u[..., 1:-1], axis=-1)], axis=-1)
        y = xp.fft.rfft(whole, axis=-1)
        return -xp.imag(y)[..., 1 : n + 1] if sine else xp.real(y)
    if kind == 2:
        y = 2.0 * xp.fft.rfft(u, n=2 * n, axis=-1) * _phase(u, np.arange(n + 1) / (2 * n))
        return -xp.imag(y)[..., 1:] if sine else xp.real(y)[..., :n]
    j = np.arange(n)
    if kind == 3:
        halved = np.where(j == (n - 1 if sine else 0), 1.0, 2.0)
        v = u * _phase(u, (j + sine) / (2 * n), halved)
        if sine:
            v = xp.concat([xp.zeros_like(v[..., :1]), v], axis=-1)
        y = xp.fft.fft(v, n=2 * n, axis=-1)[..., :n]
    else:
        v = xp.fft.fft(u * _phase(u, j / (2 * n)), n=2 * n, axis=-1)[..., :n]
        y = v * _phase(u, (2 * j + 1) / (4 * n), 2.0)
    return -xp.imag(y) if sine else xp.real(y)


def _phase(like: Any, turns: np.ndarray, size: Any = 1.0) -> Any:
    """size exp(-i pi turns), complex of the precision of `like`."""
    xp = array_namespace(like)
    kind = xp.complex64 if like.dtype == xp.float32 else xp.complex128
    return xp.asarray(size * np.exp(-1j * np.pi * turns), dtype=kind, device=device(like))
