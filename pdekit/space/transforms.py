"""Fourier, sine and cosine transforms that diagonalise -Laplace on a Grid; scipy's "backward" normalisation throughout.

    boundary            unknowns                  transform   index          sin^2 argument pi k / 2N
    dirichlet           interior vertices         DST-I       k = 1..N-1     k
    dirichlet           cell centres              DST-II      k = 1..N       k
    neumann             all vertices              DCT-I       k = 0..N       k
    neumann             cell centres              DCT-II      k = 0..N-1     k
    dirichlet, neumann  vertices, centres         DST-III, IV k = 0..N-1     k + 1/2
    neumann, dirichlet  vertices, centres         DCT-III, IV k = 0..N-1     k + 1/2
    periodic            all                       FFT         k = 0..N-1     k   (argument pi k / N)

N counts intervals. The forward transform is unnormalised, the backward one carries the 1/N. NumPy arrays in, NumPy arrays out
(by scipy.fft); torch tensors in, tensors out, on their device. `eigenvalues`, `wavenumbers` and `parseval_weights` are NumPy.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.fft
from array_api_compat import array_namespace, is_numpy_namespace

from pdekit.errors import BadInput
from pdekit.space import cosines
from pdekit.space.grid import Grid

_TYPES = {
    ("dirichlet", "dirichlet"): {"vertex": ("dst", 1), "cell": ("dst", 2)},
    ("neumann", "neumann"): {"vertex": ("dct", 1), "cell": ("dct", 2)},
    ("dirichlet", "neumann"): {"vertex": ("dst", 3), "cell": ("dst", 4)},
    ("neumann", "dirichlet"): {"vertex": ("dct", 3), "cell": ("dct", 4)},
}


def transform_of(grid: Grid, axis: int) -> tuple[str, int]:
    """("fft", 0), ("dst", type) or ("dct", type) of one axis. Raises BadInput on robin faces: no fast transform."""
    pair = grid.boundary[axis]
    if pair[0] == "periodic":
        return "fft", 0
    if pair not in _TYPES:
        raise BadInput.of(
            f"axis {grid.axes[axis]} has no sine or cosine transform.",
            found=f"boundary {pair[0]!r}, {pair[1]!r}",
            allowed="periodic, dirichlet or neumann faces; robin faces need an iterative or direct solver",
        )
    return _TYPES[pair][grid.location]


def forward(u: Any, grid: Grid) -> Any:
    """Coefficients of real unknowns (..., *unknowns); half of the last periodic axis, complex, where one is periodic."""
    for axis in range(grid.dim):
        name, kind = transform_of(grid, axis)
        if name != "fft":
            u = cosines.transformed(u, name, kind, axis - grid.dim)
    axes = _periodic(grid)
    return _fft(u).rfftn(u, axes=axes) if axes else u


def backward(coefficients: Any, grid: Grid) -> Any:
    """The inverse of `forward`: real values at the unknowns."""
    u = coefficients
    axes = _periodic(grid)
    if axes:
        u = _fft(u).irfftn(u, s=[grid.points[a] for a in axes], axes=axes)
    for axis in range(grid.dim):
        name, kind = transform_of(grid, axis)
        if name != "fft":
            u = cosines.inverse(u, name, kind, axis - grid.dim)
    return u


def eigenvalues(grid: Grid, *, scheme: str = "finite-difference") -> np.ndarray:
    """Eigenvalues of -Laplace in the order of `forward`'s coefficients, >= 0, in 1/length^2.

    scheme   "finite-difference": of the 3/5/7-point operator, which `forward` and `backward` then invert to rounding;
             "continuous": (pi k / L)^2, spectral only where the data continue smoothly under the reflection
    """
    total = np.zeros(())
    for axis in range(grid.dim):
        k = wavenumbers(grid, axis)
        h = grid.spacing[axis]
        part = (2.0 / h * np.sin(k * h / 2.0)) ** 2 if scheme == "finite-difference" else k**2
        total = np.add.outer(total, part)
    return total


def wavenumbers(grid: Grid, axis: int) -> np.ndarray:
    """Wavenumbers of one axis in rad/length, >= 0 except on full periodic axes, in the order of `forward`."""
    n, length = grid.intervals[axis], grid.length[axis]
    name, kind = transform_of(grid, axis)
    if name == "fft":
        half = axis == max(i for i, p in enumerate(grid.periodic) if p)
        return 2 * np.pi * (scipy.fft.rfftfreq(n, 1 / n) if half else scipy.fft.fftfreq(n, 1 / n)) / length
    if kind in (3, 4):
        k = np.arange(n) + 0.5
    elif name == "dst":
        k = np.arange(1, n + (grid.location == "cell"))
    else:
        k = np.arange(n + (grid.location == "vertex"))
    return np.pi * k / length


def parseval_weights(grid: Grid) -> np.ndarray:
    """w such that mean(u^2) = N^-2 sum w |rfft(u)|^2 on the half axis of `forward`: 1 at 0 and at N/2 (N even), else 2."""
    axis = max((i for i, p in enumerate(grid.periodic) if p), default=None)
    if axis is None:
        raise BadInput.of("Parseval weights belong to a periodic axis.", found=str(grid.boundary))
    n = grid.points[axis]
    w = np.full(n // 2 + 1, 2.0)
    w[0] = 1.0
    if n % 2 == 0:
        w[-1] = 1.0
    return w


def series(values: Any, kind: tuple[str, int], axis: int = -1) -> Any:
    """Coefficients a_k of u_j = sum_k a_k phi_k(x_j), phi = exp(2 pi i k x/L), sin or cos, from values along one axis.

    This divides out what the unnormalised pairs leave in: 1/N for FFT, the factor 2 and the halved ends of DCT and DST.
    """
    name, number = kind
    xp, n = array_namespace(values), values.shape[axis]
    if name == "fft":
        return _fft(values).fft(values, axis=axis) / n
    a = xp.moveaxis(cosines.transformed(values, name, number, axis), axis, -1) / _logical_half(name, number, n)
    ends = {("dct", 1): (0, -1), ("dct", 2): (0,), ("dst", 2): (-1,)}.get((name, number), ())
    for end in ends:
        a[..., end] *= 0.5
    return xp.moveaxis(a, -1, axis)


def _logical_half(name: str, number: int, n: int) -> int:
    """N of the transform's 2N-periodic extension: intervals of the axis."""
    return {("dct", 1): n - 1, ("dst", 1): n + 1}.get((name, number), n)


def _periodic(grid: Grid) -> list[int]:
    return [axis - grid.dim for axis, p in enumerate(grid.periodic) if p]


def _fft(u: Any) -> Any:
    """scipy.fft for NumPy arrays, which is faster and keeps float32; else the FFT of the array's own namespace."""
    xp = array_namespace(u)
    return scipy.fft if is_numpy_namespace(xp) else xp.fft
