"""The Well's metrics (Ohana et al. 2024, arXiv:2412.00568; the_well/benchmark/metrics). Tables (n, t, c).

Different from ours:
- 1e-7 is added to every denominator, for the root metrics *inside* the root: fields whose standard deviation is below
  3e-4 are scored by that number.
- The variance has N - 1 below the line; `pearson` divides a mean over N by deviations over N - 1: pearson(y, y) is
  (P - 1)/P.
- Means over space are plain, whatever the grid.
- Spectral bands: three, edges equal in the logarithm of |2 pi m / X| per point from 2 pi / max X to pi sqrt(d), a plain
  FFT whatever the boundary.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from array_api_compat import device

from pdekit.metrics.fields import Field, Table, namespace, space_axes, spread
from pdekit.space.grid import Grid

EPS = 1e-7


def mse(pred: Field, ref: Field, grid: Grid) -> Table:
    """Plain mean of e^2 over the points."""
    xp, p, r, axes = _prepare(pred, ref, grid)
    return xp.mean((p - r) ** 2, axis=axes)


def mae(pred: Field, ref: Field, grid: Grid) -> Table:
    """Plain mean of |e| over the points."""
    xp, p, r, axes = _prepare(pred, ref, grid)
    return xp.mean(xp.abs(p - r), axis=axes)


def nmae(pred: Field, ref: Field, grid: Grid) -> Table:
    """mae / ( mean |ref| + 1e-7 )."""
    xp, _, r, axes = _prepare(pred, ref, grid)
    return mae(pred, ref, grid) / (xp.mean(xp.abs(r), axis=axes) + EPS)


def nmse(pred: Field, ref: Field, grid: Grid) -> Table:
    """mse / ( mean ref^2 + 1e-7 )."""
    xp, _, r, axes = _prepare(pred, ref, grid)
    return mse(pred, ref, grid) / (xp.mean(r**2, axis=axes) + EPS)


def nrmse(pred: Field, ref: Field, grid: Grid) -> Table:
    """Root of `nmse`."""
    return nmse(pred, ref, grid) ** 0.5


def vmse(pred: Field, ref: Field, grid: Grid) -> Table:
    """mse / ( sample variance of ref + 1e-7 )."""
    xp, _, r, axes = _prepare(pred, ref, grid)
    return mse(pred, ref, grid) / (xp.std(r, axis=axes, correction=1) ** 2 + EPS)


def vrmse(pred: Field, ref: Field, grid: Grid) -> Table:
    """Root of `vmse`: the number of The Well's tables."""
    return vmse(pred, ref, grid) ** 0.5


def linf(pred: Field, ref: Field, grid: Grid) -> Table:
    """Largest |e|."""
    xp, p, r, axes = _prepare(pred, ref, grid)
    return xp.max(xp.abs(p - r), axis=axes)


def pearson(pred: Field, ref: Field, grid: Grid) -> Table:
    """Covariance over N / ( product of deviations over N - 1, + 1e-7 )."""
    xp, p, r, axes = _prepare(pred, ref, grid)
    a, b = (u - spread(xp, xp.mean(u, axis=axes), grid) for u in (p, r))
    deviations = xp.std(p, axis=axes, correction=1) * xp.std(r, axis=axes, correction=1)
    return xp.mean(a * b, axis=axes) / (deviations + EPS)


def binned_spectral_mse(pred: Field, ref: Field, grid: Grid) -> tuple[tuple[Table, ...], tuple[Table, ...]]:
    """(mse per bin, nmse per bin), three tables each; the former add up to `mse`, the latter are over energy + 1e-7."""
    xp, p, r, axes = _prepare(pred, ref, grid)
    k = np.zeros(())
    for n in grid.points:
        k = np.add.outer(k, (2 * np.pi * np.fft.fftfreq(n)) ** 2)
    edges = np.geomspace(2 * np.pi / max(grid.points), np.pi * math.sqrt(grid.dim) + 1e-6, 4)
    label = np.searchsorted(edges[1:-1], np.sqrt(k).ravel(), side="right")
    count = math.prod(grid.points)

    def sums(u: Any) -> list[Any]:
        power = (xp.abs(xp.fft.fftn(u, axes=axes)) / count) ** 2
        flat = xp.reshape(power, (power.shape[0], power.shape[1], count, power.shape[-1]))
        chosen = (xp.asarray(np.flatnonzero(label == b), device=device(flat)) for b in range(3))
        return [xp.sum(xp.take(flat, index, axis=2), axis=2) for index in chosen]

    errors, energies = sums(p - r), sums(r)
    return tuple(errors), tuple(e / (energy + EPS) for e, energy in zip(errors, energies, strict=True))


def _prepare(pred: Any, ref: Any, grid: Grid) -> tuple[Any, Any, Any, tuple[int, ...]]:
    xp = namespace(pred, ref, grid)
    return xp, xp.astype(pred, xp.float64), xp.astype(ref, xp.float64), space_axes(grid)
