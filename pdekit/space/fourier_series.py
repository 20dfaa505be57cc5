"""Fields of a few Fourier modes, the same at any number of points: random series scaled to a peak, noise scaled to a variance.

    u(x) = sum over |n_i| <= modes of c_n exp(2 pi i n x/L)

A mode that a grid cannot hold (2 |n_i| >= N_i) is left out there; the numbers that scale the others do not change.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from pdekit.space.grid import Grid
from pdekit.space.law import POSITIVE, REQUIRED, Law, field_grid, whole
from pdekit.space.noise import mode_normals

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
    fine = [np.arange(FINER * law["modes"]) / (FINER * law["modes"])] * grid.dim
    return law["mean"] + law["peak"] / np.abs(series_values(c, fine)).max() * on_grid(c, grid)


def _noise(law: Mapping[str, Any], grid: Grid | None, rng: np.random.Generator) -> np.ndarray:
    """mean + std times white noise among the modes |n_i| <= modes: std is that of the law, its mean over the box exactly 0."""
    grid = field_grid(grid, "noise")
    n = _cube(law, grid)
    c = mode_normals(n, rng)
    c.ravel()[0] = 0.0
    return law["mean"] + law["std"] / math.sqrt(math.prod(n) - 1) * on_grid(c, grid)


LAWS = {
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
