"""Fields of a few Fourier modes, the same at any number of points: random series scaled to a peak,
noise scaled to a variance, processes stretched to a range.

    u(x) = sum over |n_i| <= modes of c_n exp(2 pi i n x/L)

A mode that a grid cannot hold (2 |n_i| >= N_i) is left out there; the numbers that scale the others do not change.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import scipy.fft
from scipy.special import ive

from pdekit.space.grid import Grid
from pdekit.space.law import POSITIVE, REQUIRED, Law, field_grid, whole
from pdekit.space.noise import mode_normals
from pdekit.space.resampling import resample

KERNEL_MODES = 257  # enough for scale 0.05: the variances fall like exp(-2 n^2 scale^2)
FINER = 16  # points per wave of the highest mode where the peak is looked for: that mode is missed by 2 % at most


def series_values(c: np.ndarray, places: list[np.ndarray], most: list[int] | None = None) -> np.ndarray:
    """Values of a real series at a tensor grid of points x/L.

    c        (2K + 1, ..., K + 1) coefficients, conjugate to each other: full axes in FFT order, n = 0..K on the last one
    places   x/L per axis
    most     largest |n| taken per axis, all of them by default
    """
    top = c.shape[-1] - 1
    for axis, t in enumerate(places):
        last = axis == len(places) - 1
        n = np.arange(top + 1) if last else np.fft.fftfreq(2 * top + 1, 1 / (2 * top + 1))
        keep = np.abs(n) <= (top if most is None else most[axis])
        phi = np.exp(2j * math.pi * np.outer(t, n)) * np.where(keep & last & (n > 0), 2.0, 1.0) * keep
        c = np.moveaxis(np.tensordot(phi, c, (1, axis)), 0, axis)
    return np.ascontiguousarray(np.real(c))


def on_grid(c: np.ndarray, grid: Grid) -> np.ndarray:
    """Values of a series at the stored points of a grid, float64 (*points)."""
    places = [x / ell for x, ell in zip(grid.coordinates, grid.length, strict=True)]
    return series_values(c, places, [(n - 1) // 2 for n in grid.intervals])


def finely(c: np.ndarray) -> np.ndarray:
    """Values of a series on FINER points per wave of its highest mode, which depend on the series alone."""
    top = c.shape[-1] - 1
    many, few = (FINER * top,) * c.ndim, (2 * top + 1,) * c.ndim
    return np.asarray(scipy.fft.irfftn(resample(c, few, many), s=many)) * math.prod(few)


def kernel_variances(scale: float) -> np.ndarray:
    """Variances of the modes n = 0, 1, .. of a process on [0, 1) with the kernel exp(-sin^2(pi d)/(2 scale^2)): exp(-z) I_n(z),
    z = 1/(4 scale^2) (DLMF 10.35.2), those above 1e-17 of the first."""
    variances = ive(np.arange(KERNEL_MODES), 0.25 * scale**-2.0)
    return variances[variances > 1e-17 * variances[0]]


def _cube(law: Mapping[str, Any], grid: Grid) -> tuple[int, ...]:
    return (2 * law["modes"] + 1,) * grid.dim


def _fourier_series(law: Mapping[str, Any], grid: Grid | None, rng: np.random.Generator) -> np.ndarray:
    """mean + peak u/max |u|, u of modes 0 < |n| with amplitudes uniform in (0, 1) and phases uniform: scaled sample by sample,
    by the peak on a grid that depends on `modes` only."""
    grid = field_grid(grid, "fourier-series")
    n = _cube(law, grid)
    xi = mode_normals(n, rng)  # a normal of the plane has a uniform phase, and exp(-|xi|^2) is uniform in (0, 1)
    c = xi / np.maximum(np.abs(xi), 1e-300) * np.exp(-(np.abs(xi) ** 2))
    c.ravel()[0] = 0.0
    return law["mean"] + law["peak"] / np.abs(finely(c)).max() * on_grid(c, grid)


def _noise(law: Mapping[str, Any], grid: Grid | None, rng: np.random.Generator) -> np.ndarray:
    """mean + std times white noise among the modes |n_i| <= modes: std is that of the law, its mean over the box exactly 0."""
    grid = field_grid(grid, "noise")
    n = _cube(law, grid)
    c = mode_normals(n, rng)
    c.ravel()[0] = 0.0
    return law["mean"] + law["std"] / math.sqrt(math.prod(n) - 1) * on_grid(c, grid)


def _periodic_kernel(law: Mapping[str, Any], grid: Grid | None, rng: np.random.Generator) -> np.ndarray:
    """A Gaussian process of covariance prod_i exp(-sin^2(pi d_i/L_i)/(2 scale^2)), moved and stretched, each sample, so that its
    least and largest value are `low` and `high`."""
    grid = field_grid(grid, "periodic-kernel", (1, 2))
    variances = kernel_variances(law["scale"])
    top = len(variances) - 1
    n = (2 * top + 1,) * grid.dim
    amplitude: Any = 1.0
    for axis in range(grid.dim):
        k = np.arange(top + 1) if axis == grid.dim - 1 else np.abs(np.fft.fftfreq(n[0], 1 / n[0])).astype(int)
        amplitude = np.multiply.outer(amplitude, np.sqrt(variances[k]))
    c = amplitude * mode_normals(n, rng)
    values = finely(c)
    low, high = values.min(), values.max()
    return law["low"] + (law["high"] - law["low"]) * (on_grid(c, grid) - low) / (high - low)


LAWS = {
    "periodic-kernel": Law(
        "Gaussian process with the kernel exp(-sin^2(pi d/L)/(2 scale^2)), stretched to run from `low` to `high`",
        _periodic_kernel,
        {"scale": REQUIRED, "low": 0.0, "high": 1.0},
        {"scale": (lambda v: 0.05 <= v <= 10, "a number from 0.05 to 10")},
    ),
    "fourier-series": Law(
        "a few Fourier modes without mean, scaled to a peak",
        _fourier_series,
        {"modes": REQUIRED, "peak": 1.0, "mean": 0.0},
        {"modes": whole(1, 32), "peak": POSITIVE},
    ),
    "noise": Law(
        "white noise about a mean, among the modes up to `modes` per axis",
        _noise,
        {"modes": REQUIRED, "std": REQUIRED, "mean": 0.0},
        {"modes": whole(1, 32), "std": POSITIVE},
    ),
}
