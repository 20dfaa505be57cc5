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

from dataclasses import replace

import numpy as np
import scipy.sparse as sp

from pdekit.space.grid import Grid
from pdekit.space.stencils import StencilOperator

COARSEST = 64  # unknowns: below this a dense inverse costs less than another level


def coarse_operators(operator: StencilOperator) -> list[StencilOperator]:
    """The operator and its coarser ones, as far as every axis can be halved."""
    levels = [operator]
    while int(np.prod(levels[-1].shape)) > COARSEST and _halves(levels[-1].grid):
        levels.append(_coarser(levels[-1]))
    return levels


def _halves(grid: Grid) -> bool:
    smallest = {"cell": 2, "vertex": 2}[grid.location]
    return all(n % 2 == 0 and n // 2 >= smallest for n in grid.intervals)


def _coarser(operator: StencilOperator) -> StencilOperator:
    fine = operator.grid
    grid = fine.with_intervals([n // 2 for n in fine.intervals])
    edges = []
    with np.errstate(divide="ignore"):
        for axis, e in enumerate(operator.edges):
            along = _cells_in_series if fine.location == "cell" else _vertices_in_series
            new = np.moveaxis(along(np.moveaxis(e, axis, 0), fine, axis), 0, axis)
            for other in range(fine.dim):
                if other != axis:
                    new = np.moveaxis(_abreast(np.moveaxis(new, other, 0), fine, other), 0, other)
            edges.append(np.ascontiguousarray(new))
    shift = operator.shift
    if shift is not None:
        for axis in range(fine.dim):
            matrix = restriction(fine, axis, walls=False).astype(shift.dtype)
            shift = np.moveaxis(np.tensordot(matrix.toarray(), shift, axes=(1, axis)), 0, axis)
        shift = np.ascontiguousarray(shift)
    return replace(operator, edges=tuple(edges), grid=grid, shift=shift)


def _cells_in_series(e: np.ndarray, grid: Grid, axis: int) -> np.ndarray:
    """Coarse edges along axis 0 of `e`, each 1/2 of the series of half an inner edge, a face edge, half an inner edge."""
    faces, inner = 1.0 / e[0::2], 0.5 / e[1::2]
    if grid.periodic[axis]:
        faces += np.concatenate([inner[-1:], inner]) + np.concatenate([inner, inner[:1]])
    else:
        faces[:-1] += inner
        faces[1:] += inner
    return 0.5 / faces


def _vertices_in_series(e: np.ndarray, grid: Grid, axis: int) -> np.ndarray:
    """Coarse edges along axis 0 of `e`, each 1/2 of two fine ones in series; entries to the outside of free ends halve."""
    if grid.periodic[axis]:
        new = 0.5 / (1.0 / e[1::2] + 1.0 / e[2::2])
        return np.concatenate([new[-1:], new])
    low, high = (kind != "dirichlet" for kind in grid.boundary[axis])
    body = e[1 if low else 0 : -1 if high else None]
    new = 0.5 / (1.0 / body[0::2] + 1.0 / body[1::2])
    return np.concatenate([*([0.5 * e[:1]] if low else []), new, *([0.5 * e[-1:]] if high else [])])


def _abreast(e: np.ndarray, grid: Grid, axis: int) -> np.ndarray:
    """Means of the lines that become one, along axis 0 of `e`, which is another axis than the edges'."""
    if grid.location == "cell":
        return 0.5 * (e[0::2] + e[1::2])
    first = 1 if grid.boundary[axis][0] == "dirichlet" else 0
    centre = e[first::2][: _size(grid, axis)]
    out = 0.5 * centre
    n, last = len(e), first + 2 * (len(centre) - 1)
    below, above = np.arange(first - 1, last, 2), np.arange(first + 1, last + 2, 2)
    if grid.periodic[axis]:
        return out + 0.25 * (e[below % n] + e[above % n])
    out[below >= 0] += 0.25 * e[below[below >= 0]]
    out[above < n] += 0.25 * e[above[above < n]]
    return out


def _size(grid: Grid, axis: int) -> int:
    """Coarse unknowns along an axis."""
    coarse = grid.with_intervals([n // 2 for n in grid.intervals])
    return len(range(coarse.points[axis])[coarse.unknown[axis]])


def interpolation(
    grid: Grid, axis: int, *, walls: bool = True
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(c1, c2, w1, w2) per fine unknown of an axis: its value is w1 coarse[c1] + w2 coarse[c2]. Transpose sums give 2.

    walls   False: constants are kept at every wall, as for averages of what is not zero there
    """
    n, coarse = len(range(grid.points[axis])[grid.unknown[axis]]), _size(grid, axis)
    i = np.arange(n)
    if grid.location == "cell":
        c1, c2 = i // 2, i // 2 + np.where(i % 2 == 0, -1, 1)
        w1, w2 = np.full(n, 0.75), np.full(n, 0.25)
        if not grid.periodic[axis]:
            for end, kind in zip((0, -1), grid.boundary[axis], strict=True):
                ghost = -1.0 if kind == "dirichlet" and walls else 1.0
                w1[end], w2[end] = 0.75 + 0.25 * ghost, 0.0
    else:
        first = 1 if grid.boundary[axis][0] == "dirichlet" else 0
        k = i - first
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
    return sp.csr_array((data, (rows, cols)), shape=(_size(grid, axis), len(c1)))
