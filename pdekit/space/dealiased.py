"""The state of a pseudo-spectral solver: the modes that a product leaves exact and no others, products taken on N points.

Coefficients are those of the series, c_n = FFT(u)_n / N^d: they do not depend on N, so that refining is padding and
restricting is cutting, with no factor. Modes |n| <= K < N/(p + 1) per axis are kept (dealiasing.py: "2/3 rule" for p = 2): an
array (..., 2K + 1, K + 1), the last axis n = 0..K, the others 0..K, -K..-1. There is no Nyquist mode and no mask to forget;
the array has 4/9 of the entries of the masked one (2D, p = 2), and transforms skip the columns that would be zero.

NumPy arrays are transformed along their rows by numpy.fft, which pads by itself, and across them by scipy.fft, which takes
several columns at once: the faster of the two in each case (measured, one core).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import scipy.fft
from array_api_compat import array_namespace, device, is_numpy_namespace

from pdekit.errors import BadInput
from pdekit.space import half_length_kernels, resampling
from pdekit.space.fourier import Fourier
from pdekit.space.grid import Grid


@dataclass(frozen=True)
class Dealiased:
    """Real fields on a periodic box of 1 to 3 axes, by their modes |n| <= K.

    points   N per axis, on which products are taken
    length   L per axis
    degree   p: products of p fields are exact; 1 keeps everything below Nyquist
    """

    points: tuple[int, ...]
    length: tuple[float, ...]
    degree: int = 2

    def __post_init__(self) -> None:
        if min(self.kept) < 1:
            raise BadInput.of(
                "the grid is too coarse for these products.",
                found=f"points {self.points}, products of degree {self.degree}",
                allowed=f"at least {self.degree + 2} points per axis",
            )

    @classmethod
    def of(cls, grid: Grid, degree: int = 2) -> Dealiased:
        """The modes of a periodic grid with points x_j = j L/N. Raises BadInput on any other."""
        fourier = Fourier.of(grid)
        return _kept(fourier.points, fourier.length, degree)

    @property
    def dim(self) -> int:
        """Number of axes."""
        return len(self.points)

    @cached_property
    def axes(self) -> tuple[int, ...]:
        """The space axes of an array with batch axes in front."""
        return tuple(range(-self.dim, 0))

    @cached_property
    def kept(self) -> tuple[int, ...]:
        """K per axis: the largest n with n (p + 1) < N."""
        return tuple(-(-n // (self.degree + 1)) - 1 for n in self.points)

    @cached_property
    def modes(self) -> Fourier:
        """The same modes as a Fourier layer of 2K + 1 points, whose tables belong to coefficients of this shape."""
        return _modes(self.points, self.length, self.degree)

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """Shape of the coefficients: (2K + 1, ..., K + 1)."""
        return self.modes.half

    def derivative(self, axis: int, order: int = 1, *, like: Any = None) -> Any:
        """(i k)^order of one axis, broadcastable to `shape`, k in rad/length."""
        return self.modes.derivative(axis, order, like=like)

    def squared(self, *, like: Any = None) -> Any:
        """|k|^2, of `shape`."""
        return self.modes.squared(like=like)

    def laplacian(self, *, like: Any = None) -> Any:
        """-|k|^2, of `shape`."""
        return self.modes.laplacian(like=like)

    def inverse_laplacian(self, *, like: Any = None) -> Any:
        """-1/|k|^2, 0 for the mean."""
        return self.modes.inverse(like=like)

    def forward(self, u: Any) -> Any:
        """Coefficients (..., *shape) of real values u (..., *points): transformed and cut, axis by axis."""
        self._check(u)
        last, *others = reversed(self.kept)
        xp = array_namespace(u)
        if is_numpy_namespace(xp):
            v = np.fft.rfft(u, norm="forward")[..., : last + 1]
            for axis, k in enumerate(others, start=2):
                v = _cut(scipy.fft.fft(v, axis=-axis, norm="forward", overwrite_x=True), -axis, k)
            return v
        v = xp.fft.rfft(u, norm="forward")[..., : last + 1]
        for axis, k in enumerate(others, start=2):
            v = _cut(xp.fft.fft(v, dim=-axis, norm="forward"), -axis, k)
        return v

    def backward(self, v: Any) -> Any:
        """Real values (..., *points) of coefficients (..., *shape)."""
        return self.values(v, self.points)

    def values(self, v: Any, points: tuple[int, ...]) -> Any:
        """Real values on other points of the same box: modes beyond their Nyquist are cut, those at it dropped."""
        kept = self.kept
        if any(n <= 2 * k for n, k in zip(points, kept, strict=True)):
            v, kept = self._cut_for(v, points)
        xp = array_namespace(v)
        numpy = is_numpy_namespace(xp)
        for axis in range(self.dim - 1):
            wide = _spread(v, axis - self.dim, kept[axis], points[axis])
            if numpy:
                own = axis > 0 or wide is not v  # with as many points as modes, wide is the caller's array
                v = scipy.fft.ifft(wide, axis=axis - self.dim, norm="forward", overwrite_x=own)
            else:
                v = xp.fft.ifft(wide, dim=axis - self.dim, norm="forward")
        if numpy:
            return np.fft.irfft(v, points[-1], norm="forward")
        return xp.fft.irfft(v, points[-1], norm="forward")

    def square(self, v: Any, times: Any = 1.0) -> Any:
        """Coefficients of the square of a field, from its own, times a table that broadcasts against them.

        NumPy complex128 on one axis of up to 512 points, a power of two: by compiled kernels (half_length_kernels.py). Longer
        arrays leave the first cache, where a kernel loses to the library unless eight rows or more come at once; what one
        sample gives must not depend on how many come.
        """
        if self._halves is not None and type(v) is np.ndarray and v.dtype == np.complex128:
            rows = v.reshape(-1, v.shape[-1])
            table = times if np.shape(times) == v.shape[-1:] else np.broadcast_to(times, v.shape)
            table, out = table.reshape(-1, v.shape[-1]).astype(np.complex128, copy=False), np.empty_like(rows)
            half_length_kernels.square(rows, self._halves, table, out)
            return out.reshape(v.shape)
        u = self.backward(v)
        return times * self.forward(np.multiply(u, u, out=u) if type(u) is np.ndarray else u * u)

    def move(self, v: Any, other: Dealiased) -> Any:
        """The coefficients of the same field among the modes of `other`: padded with zeros, or cut."""
        scale = math.prod(self.modes.points) / math.prod(other.modes.points)
        return resampling.resample(v, self.modes.points, other.modes.points) * scale

    def mean(self, v: Any) -> Any:
        """Mean over the box (...), exact."""
        return array_namespace(v).real(v[(..., *(0,) * self.dim)])

    def inner(self, v: Any, w: Any) -> Any:
        """Mean of the product of two fields over the box (...): the sum of weight Re(conj v w) (Parseval)."""
        return self.modes.inner(v, w) * math.prod(self.modes.points) ** 2

    def mean_square(self, v: Any) -> Any:
        """Mean of u^2 over the box (...)."""
        return self.inner(v, v)

    @cached_property
    def _halves(self) -> np.ndarray | None:
        """exp(2 pi i k/N), k < N/2, where the kernels serve."""
        n = self.points[0]
        if self.dim > 1 or not 4 <= n <= 512 or n & (n - 1):
            return None
        return np.exp(2j * np.pi * np.arange(n // 2) / n)

    def _cut_for(self, v: Any, points: tuple[int, ...]) -> tuple[Any, tuple[int, ...]]:
        low = tuple(min(k, (n - 1) // 2) for n, k in zip(points, self.kept, strict=True))
        v = v[..., : low[-1] + 1]
        for axis in range(self.dim - 1):
            v = _cut(v, axis - self.dim, low[axis])
        return v, low

    def _check(self, u: Any) -> None:
        if tuple(u.shape[-self.dim :]) != self.points:
            raise BadInput.of(
                f"these are no values on {self.points} points.",
                found=f"shape {tuple(u.shape)}",
                allowed=f"(..., {', '.join(map(str, self.points))})",
            )


def _cut(v: Any, axis: int, k: int) -> Any:
    """The modes 0..k, -k..-1 of a full axis."""
    n = v.shape[axis]
    if n == 2 * k + 1:
        return v
    after = (slice(None),) * (-1 - axis)
    xp = array_namespace(v)
    return xp.concat([v[(..., slice(0, k + 1), *after)], v[(..., slice(n - k, n), *after)]], axis=axis)


def _spread(v: Any, axis: int, k: int, n: int) -> Any:
    """The same modes on a full axis of n entries, zeros between."""
    if n == 2 * k + 1:
        return v
    xp = array_namespace(v)
    shape = [*v.shape]
    shape[axis] = n
    after = (slice(None),) * (-1 - axis)
    out = xp.zeros(tuple(shape), dtype=v.dtype, device=device(v))
    out[(..., slice(0, k + 1), *after)] = v[(..., slice(0, k + 1), *after)]
    out[(..., slice(n - k, n), *after)] = v[(..., slice(k + 1, 2 * k + 1), *after)]
    return out


@lru_cache(maxsize=64)
def _kept(points: tuple[int, ...], length: tuple[float, ...], degree: int) -> Dealiased:
    return Dealiased(points, length, degree)


@lru_cache(maxsize=64)
def _modes(points: tuple[int, ...], length: tuple[float, ...], degree: int) -> Fourier:
    return Fourier(tuple(2 * k + 1 for k in _kept(points, length, degree).kept), length)
