"""Cell means on cells half as wide, and back: the total over every cell stays what it is."""

from __future__ import annotations

import numpy as np

from pdekit.errors import BadInput
from pdekit.space.grid import Grid
from pdekit.space.transfer import coarsen


def split(means: np.ndarray, grid: Grid) -> np.ndarray:
    """(..., *points) means of the cells of `grid` as means of their halves along every axis, (..., *2 points).

    Along each axis a cell is taken as linear, its slope the smaller one of its two neighbours' where their signs agree and 0
    else (and in the outermost cells where the axis is not periodic): second order where smooth, no new extrema, and the
    two halves have the mean of the whole exactly, up to rounding.
    """
    for axis, periodic in enumerate(grid.periodic):
        place = axis - grid.dim
        u = np.moveaxis(means, place, -1)
        ends = (u[..., -1:], u[..., :1]) if periodic else (u[..., :1], u[..., -1:])
        step = np.diff(np.concatenate([ends[0], u, ends[1]], axis=-1), axis=-1)
        before, after = step[..., :-1], step[..., 1:]
        slope = np.where(before * after > 0, np.where(np.abs(before) < np.abs(after), before, after), 0.0)
        halves = np.stack([u - 0.25 * slope, u + 0.25 * slope], axis=-1).reshape(*u.shape[:-1], -1)
        means = np.moveaxis(halves, -1, place)
    return means


def rescale(means: np.ndarray, grid: Grid, factor: int | float) -> np.ndarray:
    """(..., *points) on `factor` times the cells, a power of two: `split` as often, or means of whole cells.

    Raises BadInput where the factor is no power of two, or leaves no whole number of cells."""
    if factor < 1:
        grid.scaled(factor)
        return coarsen(means, grid, round(1 / factor))
    if not float(np.log2(factor)).is_integer():
        raise BadInput.of(
            "cells are halved, never cut in other parts.", found=factor, allowed="1, 2, 4, ... , 1/2, 1/4"
        )
    while factor > 1:
        means, grid, factor = split(means, grid), grid.scaled(2), factor / 2
    return means
