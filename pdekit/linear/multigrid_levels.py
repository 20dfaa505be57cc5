"""The arrays of a multigrid cycle: all levels behind each other, rows split by parity, tables of the transfers.

What depends on the grid alone is computed once per grid and kept; what depends on the operator is written in one compiled
pass per level.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from pdekit.linear.hierarchy import coarse_operators, interpolation, three_axes, unknowns
from pdekit.linear.multigrid_kernels import cycle
from pdekit.linear.multigrid_row_kernels import PAD
from pdekit.linear.multigrid_setup_kernels import split_level
from pdekit.space import buffers
from pdekit.space.grid import Grid
from pdekit.space.stencils import StencilOperator


@dataclass(frozen=True, eq=False)
class Layout:
    """Places and tables of all levels of a grid, as `multigrid_kernels.cycle` wants them.

    table     (levels, 11): planes, rows, columns, width of a block, first point, first edge of axes 0 and 1, first entry
              of the tables of axes 0 and 1, of the restriction and of the interpolation along the last axis
    sizes     values to store for points, for edges along axes 0 and 1
    lines     (c1, c2, w1, w2) of axes 0 and 1, level by level
    columns   restriction and interpolation along the last axis, by parity
    places    of the coarsest unknowns
    """

    table: np.ndarray
    sizes: tuple[int, int, int]
    lines: tuple[np.ndarray, ...]
    columns: tuple[np.ndarray, np.ndarray]
    places: np.ndarray
    wrap: tuple[bool, bool, bool]


@dataclass(eq=False)
class Levels:
    """A hierarchy that is ready to cycle."""

    layout: Layout
    edges: tuple[np.ndarray, np.ndarray, np.ndarray]
    dinv: np.ndarray
    z: np.ndarray
    r: np.ndarray
    inverse: np.ndarray
    work: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]

    @classmethod
    def of(cls, operator: StencilOperator, dtype: np.dtype) -> Levels:
        """Coarsen, split, invert the diagonals and the coarsest operator."""
        operators = coarse_operators(operator, dtype)
        layout = _layout(tuple(op.grid for op in operators), dtype)
        points, along_x, along_y = layout.sizes
        x, y, along_z, dinv = (buffers.empty((size,), dtype) for size in (along_x, along_y, points, points))
        edges = x, y, along_z
        for row, op in zip(layout.table, operators, strict=True):
            n, m, p, width, at, ax, ay = (int(v) for v in row[:7])
            rows, block = m + 1 if m > 1 else 0, 2 * width
            shift = np.empty((0, m, p), op.dtype) if op.shift is None else op.shift.reshape(n, m, p)
            split_level(
                *three_axes(op.edges),
                shift,
                edges[0][ax : ax + (n + 1) * m * block].reshape(n + 1, m, 2, width),
                edges[1][ay : ay + n * rows * block].reshape(n, rows, 2, width),
                edges[2][at : at + n * m * block].reshape(n, m, 2, width),
                dinv[at : at + n * m * block].reshape(n, m, 2, width),
                np.empty(p, op.dtype),
            )
        inverse = _dense_inverse(operators[-1], operator.singular or operator.parted).astype(dtype)
        length = max(2 * int(layout.table[:, 3].max()) + 2 * PAD, len(inverse))
        work = np.zeros((4, length), dtype)
        z, r = buffers.zeros((points,), dtype), buffers.zeros((points,), dtype)
        return cls(layout, edges, dinv, z, r, inverse, (work[0], work[1], work[2], work[3]))

    @property
    def depth(self) -> int:
        """Number of levels."""
        return len(self.layout.table)

    def cycle(self, source: np.ndarray, out: np.ndarray, scale: float, first: int) -> float:
        """out = M source by one cycle on source / scale; returns source . out. Arrays of shape (planes, rows, columns)."""
        at = self.layout
        return cycle(
            at.table,
            self.edges,
            self.dinv,
            self.z,
            self.r,
            at.lines,
            at.columns,
            self.inverse,
            at.places,
            first,
            at.wrap,
            scale,
            source,
            out,
            self.work,
        )


@lru_cache(maxsize=16)
def _layout(grids: tuple[Grid, ...], dtype: np.dtype) -> Layout:
    rows, lines, columns = [], [[], [], [], []], ([], [])
    at = ax = ay = entries = restricted = interpolated = 0
    places = np.zeros(0, np.int64)
    for level, grid in enumerate(grids):
        n, m, p = _shape(grid)
        half = (p + 1) // 2
        width = PAD * math.ceil((PAD + half + 1) / PAD)
        rows.append([n, m, p, width, at, ax, ay, entries, entries + n, restricted, interpolated])
        column = np.arange(p)
        block = (column % 2) * width + PAD + column // 2
        places = at + (np.arange(n * m)[:, None] * 2 * width + block).ravel()
        at, ax = at + n * m * 2 * width, ax + (n + 1) * m * 2 * width
        ay += n * (m + 1) * 2 * width if m > 1 else 0
        if level == len(grids) - 1:
            break
        along = [interpolation(grid, axis) for axis in range(grid.dim)]
        if grid.dim == 2:
            along.insert(1, (np.zeros(1, int), np.zeros(1, int), np.ones(1), np.zeros(1)))
        for axis in (0, 1):
            for store, part in zip(lines, along[axis], strict=True):
                store.append(part)
        entries += n + m
        gather, spread = _column_weights(along[2], half, _shape(grids[level + 1])[2])
        columns[0].append(gather.ravel() / 2.0**grid.dim)
        columns[1].append(spread.ravel())
        restricted, interpolated = restricted + gather.size, interpolated + spread.size
    empty = [np.zeros(0)]
    c1, c2, w1, w2 = (np.concatenate(part or empty) for part in lines)
    periodic = grids[0].periodic
    return Layout(
        table=np.array(rows, dtype=np.int64),
        sizes=(at, ax, ay),
        lines=(c1.astype(np.int64), c2.astype(np.int64), w1.astype(dtype), w2.astype(dtype)),
        columns=(np.concatenate(columns[0] or empty).astype(dtype), np.concatenate(columns[1] or empty).astype(dtype)),
        places=places,
        wrap=(periodic[0], periodic[1] if len(periodic) == 3 else False, periodic[-1]),
    )


def _shape(grid: Grid) -> tuple[int, ...]:
    return shape3(tuple(unknowns(grid, axis) for axis in range(grid.dim)))


def shape3(shape: tuple[int, ...]) -> tuple[int, ...]:
    """(planes, rows, columns); one row per plane in 2D."""
    return shape if len(shape) == 3 else (shape[0], 1, shape[1])


def _column_weights(along: tuple[np.ndarray, ...], half: int, coarse: int) -> tuple[np.ndarray, np.ndarray]:
    """What `gather_row` and `spread_row` multiply with: (own or next, parity, column), restriction times 2^d.

    Even fine column 2 k takes its value of coarse k and k - 1, odd 2 k + 1 of k and k + 1.
    """
    gather, spread = np.zeros((2, 2, coarse)), np.zeros((2, 2, half))
    c1, c2, w1, w2 = along
    for fine in range(len(c1)):
        k, q = divmod(fine, 2)
        for c, w in ((c1[fine], w1[fine]), (c2[fine], w2[fine])):
            if w != 0.0:
                which = 0 if c == k else 1
                spread[which, q, k] += w
                gather[which, q, c] += w
    return gather, spread


def _dense_inverse(operator: StencilOperator, singular: bool) -> np.ndarray:
    """Inverse on the coarsest level; the pseudo-inverse where A has, or may have, a null space."""
    operator = operator.astype(np.float64)  # float32 row sums are not zero: the null space would look like 1e-7
    size = math.prod(operator.shape)
    index = np.arange(size).reshape(operator.shape)
    dense = np.zeros((size, size))
    dense[index.ravel(), index.ravel()] = operator.diagonal().ravel()
    for axis, e in enumerate(operator.edges):
        before, after = np.moveaxis(index, axis, 0), np.roll(np.moveaxis(index, axis, 0), -1, axis=0)
        value = np.moveaxis(e, axis, 0)[1:]
        if not operator.grid.periodic[axis]:
            before, after, value = before[:-1], after[:-1], value[:-1]
        for a, b in ((before, after), (after, before)):
            np.subtract.at(dense, (a.ravel(), b.ravel()), value.ravel())
    try:
        return np.linalg.pinv(dense, hermitian=True) if singular else np.linalg.inv(dense)
    except np.linalg.LinAlgError:  # not definite, or not finite: NaN shows as a status of the iteration
        return np.full(dense.shape, math.nan)
