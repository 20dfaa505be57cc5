"""Coarse grids of a StencilOperator: which exist, how values move between them, and the operator on each.

Coarse operator, rediscretised from the fine edges (all per volume, like a/h^2): edges in series add their resistances,
edges side by side their conductances.

    vertex   coarse edge = two fine edges in series; across, 1/4, 1/2, 1/4 of the neighbouring lines
    cell     coarse edge = half the inner edge of the one cell, the edge on the face, half the inner edge of the other, in
             series; across, the mean of the two lines

Interpolation is linear; the outermost cells use the ghost -u at a Dirichlet wall and +u at all other walls. Restriction is
its transpose over 2^d. Source: Trottenberg, Oosterlee & Schueller, Multigrid, 2001, ch. 2 and 7; linear-flow upscaling of
edges: Moulton, Dendy & Hyman 1998, doi:10.1006/jcph.1998.5943, sec. 2.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
import scipy.sparse as sp

from pdekit.linear.hierarchy_kernels import coarse_edges
from pdekit.space import buffers
from pdekit.space.grid import Grid
from pdekit.space.stencils import StencilOperator

COARSEST = 64  # unknowns: below this a dense inverse costs less than another level


def coarse_operators(operator: StencilOperator, dtype: Any = None) -> list[StencilOperator]:
    """The operator and its coarser ones, as far as every axis can be halved; the coarser ones in `dtype`, if given."""
    levels, kind = [operator], np.dtype(operator.dtype if dtype is None else dtype)
    for _ in grids(operator.grid)[1:]:
        levels.append(_coarser(levels[-1], kind))
    return levels


def grids(grid: Grid) -> list[Grid]:
    """The grid and its coarser ones, as far as every axis can be halved and more than COARSEST unknowns are left."""
    levels = [grid]
    while all_unknowns(levels[-1]) > COARSEST and _halves(levels[-1]):
        levels.append(coarser_grid(levels[-1]))
    return levels


def all_unknowns(grid: Grid) -> int:
    """Number of unknowns."""
    return math.prod(unknowns(grid, axis) for axis in range(grid.dim))


def _halves(grid: Grid) -> bool:
    return all(n % 2 == 0 and n // 2 >= 2 for n in grid.intervals)


def _coarser(operator: StencilOperator, dtype: np.dtype) -> StencilOperator:
    fine, dim = operator.grid, operator.dim
    grid = coarser_grid(fine)
    shape = tuple(unknowns(grid, axis) for axis in range(dim))
    edges = tuple(buffers.empty(tuple(n + (k == axis) for k, n in enumerate(shape)), dtype) for axis in range(dim))
    series, across = _tables(fine, dtype)
    start = _first(fine, dim - 1)
    with np.errstate(divide="ignore"):
        coarse_edges(
            three_axes(operator.edges),
            three_axes(edges),
            series,
            across,
            fine.location == "cell",
            start,
            fine.periodic[-1],
            np.empty(operator.shape[-1] + 2, dtype),
            np.empty(operator.shape[-1], dtype),
        )
    shift = operator.shift
    if shift is not None:
        for axis in range(dim):
            matrix = restriction(fine, axis, walls=False)
            moved = np.moveaxis(shift, axis, 0)
            sums = (matrix @ moved.reshape(len(moved), -1)).reshape(-1, *moved.shape[1:])
            shift = np.moveaxis(sums, 0, axis)
        shift = np.ascontiguousarray(shift, dtype=dtype)
    return StencilOperator(edges, grid, shift)


def three_axes(edges: tuple[np.ndarray, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Edges as the kernels want them: those of 2D with an axis of length 1 in the middle and no edges along it."""
    if len(edges) == 3:
        return edges[0], edges[1], edges[2]
    return edges[0][:, None, :], np.empty((0, 0, edges[0].shape[1]), edges[0].dtype), edges[1][:, None, :]


@lru_cache(maxsize=64)
def _tables(grid: Grid, dtype: np.dtype) -> tuple[Any, Any]:
    """Tables of `hierarchy_kernels.coarse_edges`: edges in series on three axes, lines side by side on the first two."""
    series = [_series(grid, axis) for axis in range(grid.dim)]
    across = [_across(grid, axis) for axis in range(grid.dim - 1)]
    if grid.dim == 2:
        series.insert(1, (np.zeros((1, 1), np.int64), np.ones((1, 1))))
        across.append((np.zeros((1, 1), np.int64), np.ones((1, 1))))
    return (
        tuple((index, weight.astype(dtype)) for index, weight in series),
        tuple((index, weight.astype(dtype)) for index, weight in across),
    )


def _series(grid: Grid, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """(index, weight) per coarse edge of an axis: it is 0.5 / sum of weight / e[index]; index -1 counts for nothing."""
    n, size = unknowns(grid, axis), unknowns(coarser_grid(grid), axis)
    k = np.arange(size + 1)
    if grid.location == "cell":
        index, weight = np.stack([2 * k, 2 * k - 1, 2 * k + 1], axis=1), np.tile([1.0, 0.5, 0.5], (size + 1, 1))
        inner = index[:, 1:]
        inner[...] = inner % n if grid.periodic[axis] else np.where((inner < 0) | (inner > n), -1, inner)
        return index, weight
    index = np.stack([2 * k + _first(grid, axis) - 1, 2 * k + _first(grid, axis)], axis=1)
    if grid.periodic[axis]:
        index %= n
    index[(index < 0) | (index > n)] = -1
    return index, np.ones(index.shape)


def _across(grid: Grid, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """(index, weight) per coarse unknown of an axis: the lines that become one."""
    n, size = unknowns(grid, axis), unknowns(coarser_grid(grid), axis)
    k = np.arange(size)
    if grid.location == "cell":
        return np.stack([2 * k, 2 * k + 1], axis=1), np.full((size, 2), 0.5)
    centre = 2 * k + _first(grid, axis)
    index, weight = np.stack([centre - 1, centre, centre + 1], axis=1), np.tile([0.25, 0.5, 0.25], (size, 1))
    if grid.periodic[axis]:
        return index % n, weight
    outside = (index < 0) | (index >= n)
    weight[outside], index[outside] = 0.0, 0
    return index, weight


def coarser_grid(grid: Grid) -> Grid:
    """The same box with half the intervals."""
    return grid.with_intervals([n // 2 for n in grid.intervals])


def unknowns(grid: Grid, axis: int) -> int:
    """Unknowns along an axis."""
    return len(range(grid.points[axis])[grid.unknown[axis]])


def _first(grid: Grid, axis: int) -> int:
    """Fine unknown at the place of coarse unknown 0 (vertex); 0 for cells."""
    return 1 if grid.location == "vertex" and grid.boundary[axis][0] == "dirichlet" else 0


def interpolation(
    grid: Grid, axis: int, *, walls: bool = True
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(c1, c2, w1, w2) per fine unknown of an axis: its value is w1 coarse[c1] + w2 coarse[c2]. Transpose sums give 2.

    walls   False: constants are kept at every wall, as for averages of what is not zero there
    """
    n, coarse = unknowns(grid, axis), unknowns(coarser_grid(grid), axis)
    i = np.arange(n)
    if grid.location == "cell":
        c1, c2 = i // 2, i // 2 + np.where(i % 2 == 0, -1, 1)
        w1, w2 = np.full(n, 0.75), np.full(n, 0.25)
        if not grid.periodic[axis]:
            for end, kind in zip((0, -1), grid.boundary[axis], strict=True):
                ghost = -1.0 if kind == "dirichlet" and walls else 1.0
                w1[end], w2[end] = 0.75 + 0.25 * ghost, 0.0
    else:
        k = i - _first(grid, axis)
        c1, c2 = k // 2, k // 2 + k % 2
        w1, w2 = np.where(k % 2 == 0, 1.0, 0.5), np.where(k % 2 == 0, 0.0, 0.5)
    if grid.periodic[axis]:
        return c1 % coarse, c2 % coarse, w1, w2
    for c, w in ((c1, w1), (c2, w2)):
        outside = (c < 0) | (c >= coarse)
        w[outside], c[outside] = 0.0, 0
    return c1, c2, w1, w2


def restriction(grid: Grid, axis: int, *, walls: bool = True) -> sp.csr_array:
    """The transpose of `interpolation` over 2: (coarse, fine)."""
    c1, c2, w1, w2 = interpolation(grid, axis, walls=walls)
    i = np.arange(len(c1))
    data, rows, cols = np.concatenate([w1, w2]) / 2.0, np.concatenate([c1, c2]), np.concatenate([i, i])
    return sp.csr_array((data, (rows, cols)), shape=(unknowns(coarser_grid(grid), axis), len(c1)))
