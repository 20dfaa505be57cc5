"""Unit normals by mode of a periodic box, drawn so that a finer grid extends the draw, and the values they give.

One number per mode n, E|xi|^2 = 1, xi(-n) = conj xi(n); the mean is real with variance 1. They are drawn in shells of
max_i |n_i|/N_i: with twice the points the common modes stay as they were. The Nyquist modes are left empty (n = N/2 is
self-conjugate at N and not at 2N). An N^d array of white noise would be another field on every grid.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import scipy.fft

from pdekit.space.grid import Grid


def mode_normals(n: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """(n_0, ..., n_last // 2 + 1) complex: full axes in FFT order, n = 0..N/2 on the last one."""
    place, mirror, mirrored, zero = _places(n)
    pairs = rng.standard_normal((place.size, 2))
    xi = (pairs[:, 0] + 1j * pairs[:, 1]) / math.sqrt(2.0)
    xi[zero] = pairs[zero, 0]
    out = np.zeros((*n[:-1], n[-1] // 2 + 1), dtype=np.complex128)
    out.ravel()[place] = xi
    out.ravel()[mirror] = xi[mirrored].conj()
    return out


def wavenumbers(n: tuple[int, ...], length: Sequence[float]) -> list[np.ndarray]:
    """k = 2 pi n/L per axis, rad/length, in the layout of `mode_normals`, each broadcastable to it."""
    k = [2 * math.pi * scipy.fft.fftfreq(m, 1 / m) / ell for m, ell in zip(n[:-1], length[:-1], strict=True)]
    k.append(2 * math.pi * np.arange(n[-1] // 2 + 1) / length[-1])
    return list(np.meshgrid(*k, indexing="ij", sparse=True))


def periodic_values(coefficients: np.ndarray, grid: Grid) -> np.ndarray:
    """sum_n c_n exp(i k x) at the stored points of a grid, whose intervals are the numbers of modes: float64 (*points)."""
    n = grid.intervals
    if grid.location == "cell":
        for axis, m in enumerate(n):
            k = np.arange(coefficients.shape[axis]) if axis == grid.dim - 1 else scipy.fft.fftfreq(m, 1 / m)
            phase = np.exp(1j * math.pi * k / m)
            coefficients = coefficients * phase.reshape([-1 if i == axis else 1 for i in range(grid.dim)])
    values = np.asarray(scipy.fft.irfftn(coefficients, s=n)) * math.prod(n)
    wrap = [(0, stored - m) for stored, m in zip(grid.points, n, strict=True)]
    return np.pad(values, wrap, mode="wrap") if any(after for _, after in wrap) else values


def shells(k: Sequence[np.ndarray], n: tuple[int, ...]) -> np.ndarray:
    """Flat indices sorted by max_i |k_i|/N_i, then by the k_i themselves: an order that twice the points extend."""
    total = math.prod(n)
    shell = np.zeros((), dtype=np.int64)
    for kk, m in zip(k, n, strict=True):
        shell = np.maximum(shell, np.abs(kk).astype(np.int64) * (total // m))
    shape = np.broadcast_shapes(*(kk.shape for kk in k))
    keys = [np.broadcast_to(kk, shape).ravel() for kk in reversed(k)]
    return np.lexsort((*keys, np.broadcast_to(shell, shape).ravel()))


@lru_cache(maxsize=4)  # those of 256^3 modes hold 130 MB
def _places(n: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """The flat places of the drawn numbers in the order of the draw, which places of the half spectrum are conjugates of
    which draws, and which draw is the mean."""
    # all n of one half space, one of each pair +-n, the mean first: its numbers come in shells too
    axes = [np.arange(-((m - 1) // 2), (m - 1) // 2 + 1) for m in n]
    k = np.meshgrid(*axes, indexing="ij", sparse=True)
    flat = [np.broadcast_to(kk, tuple(len(a) for a in axes)).ravel() for kk in k]
    leading = np.zeros(flat[0].size, dtype=int)
    for kk in reversed(flat):
        leading = np.where(leading == 0, np.sign(kk), leading)
    order = shells(k, n)
    order = order[leading[order] >= 0]
    chosen = [kk[order] for kk in flat]
    half = (*n[:-1], n[-1] // 2 + 1)
    place = np.ravel_multi_index(tuple(c % m for c, m in zip(chosen, n, strict=True)), half)
    mirrored = np.flatnonzero((chosen[-1] == 0) & np.any([c != 0 for c in chosen], axis=0))
    opposite = [(-c[mirrored]) % m for c, m in zip(chosen, n, strict=True)]
    mirror = np.ravel_multi_index(tuple(opposite), half)
    zero = int(np.flatnonzero(np.all([c == 0 for c in chosen], axis=0))[0])
    return place, mirror, mirrored, zero
