"""The Fourier layer of periodic boxes: transforms, derivatives, elliptic inverses, dealiased products, resampling.

Points x_j = j L/N, the right end left out. Coefficients v (..., *half) are complex and unnormalised, the backward transform
carries the 1/N^d; the real transform is on the last axis only (n = 0..N/2), the other axes are full, in FFT order.
Batch axes stand in front. NumPy arrays in, NumPy arrays out (by scipy.fft); torch tensors in, tensors out, on their device.

Multipliers and tables are asked for with `like`, an array whose namespace, precision (real or complex alike) and device
they take; without it they are NumPy, float64. They are made once and shared: do not write into them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from operator import mul
from typing import Any

import numpy as np
import scipy.fft
from array_api_compat import array_namespace, is_numpy_namespace

from pdekit.errors import BadInput
from pdekit.space import dealiasing, fourier_tables, resampling
from pdekit.space.grid import Grid
from pdekit.space.grid_checks import check_sizes, dimension, per_axis


@dataclass(frozen=True)
class Fourier:
    """Trigonometric polynomials on a periodic box of 1 to 3 axes.

    points   N per axis, odd or even, >= 2
    length   L per axis
    """

    points: tuple[int, ...]
    length: tuple[float, ...]

    def __post_init__(self) -> None:
        dimension(self.points, self.length)
        check_sizes(self.points, self.length)

    @classmethod
    def make(cls, points: int | Sequence[int], length: float | Sequence[float] = 2 * math.pi) -> Fourier:
        """One number for all axes, or one per axis. Raises BadInput on sizes that cannot be used."""
        dim = dimension(points, length)
        n, ell = per_axis(points, dim), per_axis(length, dim)
        check_sizes(n, ell)
        return cls(tuple(int(v) for v in n), tuple(float(v) for v in ell))

    @classmethod
    def of(cls, grid: Grid) -> Fourier:
        """The polynomials of a grid with periodic axes and points x_j = j L/N. Raises BadInput on any other."""
        for axis, pair, periodic in zip(grid.axes, grid.boundary, grid.periodic, strict=True):
            if not periodic:
                raise BadInput.of(
                    f"a Fourier series needs periodic axes, and {axis} is not.",
                    found=f"boundary {pair[0]!r}, {pair[1]!r}",
                    allowed="periodic",
                )
        if grid.location != "vertex":
            raise BadInput.of(
                "a Fourier series starts at x = 0, and the points of this grid are half a spacing off.",
                found=f"location = {grid.location!r}",
                allowed='"vertex": x_j = j L/N',
                hint='write location = "vertex"; on a periodic axis it leaves the right end out',
            )
        return cls(grid.points, grid.length)

    @property
    def dim(self) -> int:
        """Number of axes, 1 to 3."""
        return len(self.points)

    @property
    def half(self) -> tuple[int, ...]:
        """Shape of the coefficients: the last axis n = 0..N/2."""
        return (*self.points[:-1], self.points[-1] // 2 + 1)

    @property
    def axes(self) -> tuple[int, ...]:
        """The space axes of an array with batch axes in front: -dim..-1."""
        return tuple(range(-self.dim, 0))

    def at(self, points: int | Sequence[int]) -> Fourier:
        """The same box with other numbers of points."""
        return _at(points if isinstance(points, int) else tuple(points), self.length)

    def forward(self, u: Any) -> Any:
        """Coefficients (..., *half) of real values u (..., *points). Raises BadInput on other shapes and complex values."""
        self._check(u, self.points, "values")
        xp = array_namespace(u)
        if is_numpy_namespace(xp):
            return scipy.fft.rfft(u) if self.dim == 1 else scipy.fft.rfftn(u, axes=self.axes)
        return xp.fft.rfftn(u, axes=self.axes)

    def backward(self, v: Any) -> Any:
        """Real values (..., *points) of coefficients v (..., *half); see `real` for what v should satisfy."""
        self._check(v, self.half, "coefficients")
        xp = array_namespace(v)
        if is_numpy_namespace(xp):
            if self.dim == 1:
                return scipy.fft.irfft(v, self.points[-1])
            return scipy.fft.irfftn(v, s=self.points, axes=self.axes)
        return xp.fft.irfftn(v, s=self.points, axes=self.axes)

    def wavenumbers(self, axis: int, *, like: Any = None) -> Any:
        """k = 2 pi n/L of one axis in rad/length, broadcastable to `half`."""
        return self._table("wavenumbers", (self._axis(axis),), like)

    def squared(self, *, like: Any = None) -> Any:
        """|k|^2, shape `half`, in rad^2/length^2."""
        return self._table("squared", (), like)

    def laplacian(self, *, like: Any = None) -> Any:
        """-|k|^2; not the first derivative twice, which has no Nyquist mode."""
        return self._table("laplacian", (), like)

    def inverse(self, *, like: Any = None) -> Any:
        """-1/|k|^2, and 0 for the mean."""
        return self._table("inverse", (), like)

    def derivative(self, axis: int, order: int = 1, *, like: Any = None) -> Any:
        """(i k)^order of one axis, broadcastable to `half`; complex for odd orders, real for even ones.

        Odd orders have 0 at the Nyquist mode of an even axis: its derivative vanishes on all points. Multipliers of several
        axes may be multiplied with one another, those of one axis may not: ask for the whole order.
        """
        if isinstance(order, bool) or order < 0:
            raise BadInput.of("the order of a derivative cannot be used.", found=repr(order), allowed="an integer >= 0")
        return self._table("derivative", (self._axis(axis), order), like)

    def weights(self, *, like: Any = None) -> Any:
        """How many modes each coefficient of the last axis stands for: 1 at n = 0 and N/2 (N even), else 2."""
        return self._table("weights", (), like)

    def mask(self, degree: int = 2, kind: str = "box", *, like: Any = None) -> Any:
        """True at the modes that a product of `degree` fields leaves exact, shape `half`; |n| < N/(degree + 1), strictly.

        kind   "box": per axis, by its own N; "radial": |k| below the least of the axes' cuts
        """
        return self._table("mask", (degree, kind), like)

    def invert_laplacian(self, v: Any, *, mean: str = "refuse") -> Any:
        """Coefficients of the zero-mean solution of Laplace u = f, v those of f.

        mean   "refuse": BadInput where |mean f| > 1000 eps rms f: there is no solution; "remove": f less its mean
        """
        xp = array_namespace(v)
        if mean not in ("refuse", "remove"):
            raise BadInput.of("the mean of a right-hand side.", found=repr(mean), allowed='"refuse", "remove"')
        if mean == "refuse":
            size = xp.abs(v[(..., *(0,) * self.dim)]) / math.prod(self.points)
            limit = 1e3 * float(xp.finfo(v.dtype).eps) * self.mean_square(v) ** 0.5
            if bool(xp.any(size > limit)):
                raise BadInput.of(
                    "Laplace u = f has no periodic solution: f has a mean.",
                    found=f"|mean of f| up to {float(xp.max(size)):.3g}",
                    hint='subtract the mean, or say mean="remove"',
                )
        return v * self.inverse(like=v)

    def invert_shifted(self, v: Any, c: float) -> Any:
        """Coefficients of the solution of (c - Laplace) u = f; c in rad^2/length^2, negative for Helmholtz (c = -kappa^2).

        Raises BadInput where c + |k|^2 is zero to rounding for a mode of the grid; `resonance` gives the distance.
        """
        if c <= 0 and self.resonance(c) <= 1e-12 * max(-c, min((2 * math.pi / ell) ** 2 for ell in self.length)):
            raise BadInput.of(
                "(c - Laplace) u = f is singular: -c is |k|^2 of a mode of this grid.",
                found=f"c = {c:g}",
                hint="c = 0 is `invert_laplacian`; else move c",
            )
        return v / (c + self.squared(like=v))

    def resonance(self, c: float) -> float:
        """min over the modes of |c + |k|^2|, in rad^2/length^2: what the largest amplification is one over."""
        return float(np.min(np.abs(c + self.squared())))

    def product(self, *factors: Any, rule: str = "truncate") -> Any:
        """Coefficients of the product of fields, given by their coefficients, without aliases.

        rule   "truncate": of the factors cut to |n| < N/(p + 1), on the same modes ("2/3 rule" for p = 2 factors);
               "pad": of the whole factors, on |n| < N/2, by way of (p + 1) N/2 points ("3/2 rule")
        Modes that the rule does not leave exact are zero.
        """
        degree = len(factors)
        dealiasing.check_product(degree, rule)
        if rule == "truncate":
            mask = self.mask(degree, like=factors[0])
            return self.forward(reduce(mul, (self.backward(v * mask) for v in factors))) * mask
        fine = self.at(dealiasing.padded(self.points, degree))
        values = reduce(mul, (fine.backward(self.resample(v, fine.points)) for v in factors))
        return fine.resample(fine.forward(values), self.points) * self.mask(1, like=factors[0])

    def resample(self, v: Any, points: int | Sequence[int]) -> Any:
        """Coefficients of the same field on other numbers of points: padded, or truncated; see resampling.py."""
        self._check(v, self.half, "coefficients")
        return resampling.resample(v, self.points, self.at(points).points)

    def values(self, v: Any, points: int | Sequence[int]) -> Any:
        """Values (..., *points) of the field at other periodic points: spectral interpolation, or restriction."""
        return self.at(points).backward(self.resample(v, points))

    def mean_square(self, v: Any) -> Any:
        """mean of u^2 over the box (...), from coefficients (Parseval)."""
        return self.inner(v, v)

    def inner(self, v: Any, w: Any) -> Any:
        """mean of u_1 u_2 over the points (...), from the coefficients of both: N^-2 sum of weight Re(conj v w)."""
        self._check(v, self.half, "coefficients")
        xp = array_namespace(v, w)
        terms = (xp.real(v) * xp.real(w) + xp.imag(v) * xp.imag(w)) * self.weights(like=v)
        return xp.sum(terms, axis=self.axes) / math.prod(self.points) ** 2

    def real(self, v: Any) -> Any:
        """The nearest coefficients of a real field: v(-k) = conj v(k) on the planes n = 0 and Nyquist of the last axis.

        To be applied after any fill from outside: transforms differ in what they do with the part that it removes.
        """
        self._check(v, self.half, "coefficients")
        xp = array_namespace(v)
        n = self.points[-1]
        parts = [v[..., :1], v[..., 1 : (n + 1) // 2], v[..., (n + 1) // 2 :]]  # the last one is empty for odd N
        for end in (0, 2):
            parts[end] = 0.5 * (parts[end] + resampling.mirrored(parts[end], self.axes[:-1]))
        return xp.concat(parts, axis=-1)

    def _axis(self, axis: int) -> int:
        if not -self.dim <= axis < self.dim:
            raise BadInput.of("there is no such axis.", found=repr(axis), allowed=f"0 to {self.dim - 1}")
        return axis % self.dim

    def _check(self, u: Any, shape: tuple[int, ...], what: str) -> None:
        if tuple(u.shape[-self.dim :]) != shape or _is_complex(array_namespace(u), u.dtype) != (what == "coefficients"):
            raise BadInput.of(
                f"these are no {what} on {self.points} points.",
                found=f"shape {tuple(u.shape)}, {u.dtype}",
                allowed=f"(..., {', '.join(map(str, shape))}), {'complex' if what == 'coefficients' else 'real'}",
            )

    def _table(self, name: str, key: tuple[Any, ...], like: Any) -> Any:
        return fourier_tables.table(name, self.points, self.length, key, like)


@lru_cache(maxsize=64)
def _at(points: int | tuple[int, ...], length: tuple[float, ...]) -> Fourier:
    return Fourier.make(per_axis(points, len(length)), length)


@lru_cache(maxsize=64)
def _is_complex(xp: Any, dtype: Any) -> bool:
    return bool(xp.isdtype(dtype, "complex floating"))
