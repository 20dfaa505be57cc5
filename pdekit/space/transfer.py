"""Moves arrays between grids of one box: refine and coarsen by whole factors, interpolate to any number of points."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from typing import Literal

import numpy as np
import scipy.sparse as sp

from pdekit.errors import BadInput
from pdekit.space.grid import Grid


def refine(array: np.ndarray, grid: Grid, factor: int, kind: Literal["constant", "linear"] = "constant") -> np.ndarray:
    """(..., *points) on `factor` times the intervals.

    "constant" keeps each cell's value on its parts (vertex grids: each vertex' value on the half intervals around it,
    the left one where two are equally near); "linear" interpolates.
    """
    fine = grid.scaled(factor)
    if kind == "linear":
        return interpolate(array, grid, fine)
    for axis, n in enumerate(fine.points):
        j = np.arange(n)
        nearest = j // factor if grid.location == "cell" else np.minimum((2 * j + factor - 1) // (2 * factor), n)
        if grid.location == "vertex":
            nearest = nearest % grid.points[axis] if grid.periodic[axis] else np.minimum(nearest, grid.points[axis] - 1)
        array = np.take(array, nearest, axis=axis - grid.dim)
    return array


def coarsen(
    array: np.ndarray, grid: Grid, factor: int, mean: Literal["arithmetic", "harmonic"] = "arithmetic"
) -> np.ndarray:
    """(..., *points) on 1/`factor` of the intervals: means over whole cells; vertex grids keep every factor-th value."""
    coarse = grid.scaled(1 / factor)
    if grid.location == "vertex":
        return array[(..., *(slice(None, None, factor),) * grid.dim)]
    shape = [part for n in coarse.points for part in (n, factor)]
    blocks = array.reshape(*array.shape[: array.ndim - grid.dim], *shape)
    axes = tuple(-1 - 2 * k for k in range(grid.dim))
    return blocks.mean(axis=axes) if mean == "arithmetic" else 1.0 / (1.0 / blocks).mean(axis=axes)


def interpolate(array: np.ndarray, grid: Grid, target: Grid, varying: Collection[str] = ()) -> np.ndarray:
    """(..., *points) on the points of another grid of the same box, (multi)linear.

    Between the outermost cell centre and a face with a constant Dirichlet value the line goes to that value; at other
    faces, and at those named in `varying` (whose value is a field), it goes on with the slope of the last two centres;
    periodic axes wrap. Raises BadInput where the boxes differ.
    """
    if grid.length != target.length:
        raise BadInput.of("arrays can be moved only between grids of one box.", found=f"{grid.length}, {target.length}")
    for axis in range(grid.dim):
        if grid.points[axis] == target.points[axis] and grid.location == target.location:
            continue
        matrix, constant = _line(grid, target, axis, frozenset(varying))
        moved = np.moveaxis(array, axis - grid.dim, -1)
        shape = moved.shape
        new = (matrix @ moved.reshape(-1, shape[-1]).T).T + constant
        array = np.moveaxis(new.reshape(*shape[:-1], -1), -1, axis - grid.dim)
    return array


@lru_cache(maxsize=32)  # the same two grids come again with every case of a batch
def _line(grid: Grid, target: Grid, axis: int, varying: frozenset[str]) -> tuple[sp.csr_array, np.ndarray]:
    """Linear interpolation along one axis as x_new = M x + c; shared by all calls, never written to."""
    x, new, n = grid.coordinates[axis], target.coordinates[axis], grid.points[axis]
    length, weights, constant = grid.length[axis], np.zeros((len(new), n)), np.zeros(len(new))
    for row, at in enumerate(new):
        if grid.periodic[axis]:
            left = int(np.searchsorted(x, at, side="right")) - 1
            start = x[left] if left >= 0 else x[-1] - length
            t = (at - start) / grid.spacing[axis]
            weights[row, left] += 1 - t
            weights[row, (left + 1) % n] += t
            continue
        if x[0] <= at <= x[-1]:
            left = min(int(np.searchsorted(x, at, side="right")) - 1, n - 2)
            t = (at - x[left]) / (x[left + 1] - x[left])
            weights[row, left], weights[row, left + 1] = 1 - t, t
            continue
        side, end = (0, 0) if at < x[0] else (-1, n - 1)
        face = f"{grid.axes[axis]}_{'low' if side == 0 else 'high'}"
        if grid.kind(face) == "dirichlet" and face not in varying:
            wall = 0.0 if side == 0 else length
            t = (at - wall) / (x[end] - wall)
            weights[row, end] = t
            constant[row] = (1 - t) * grid.value(face)
        else:
            inner = 1 if side == 0 else n - 2
            t = (at - x[end]) / (x[inner] - x[end])
            weights[row, end], weights[row, inner] = 1 - t, t
    return sp.csr_array(weights), constant
