"""Geometric multigrid: one V(1,1) cycle as a preconditioner, and cycles repeated as a method of its own.

Smoother: red-black Gauss-Seidel. As a preconditioner red, black before and black, red after (symmetric); stand-alone the
same order before and after, which converges faster. The cycle runs in one compiled call; a preconditioner in float32 halves
its traffic and leaves the iteration count of a float64 CG as it is (r is scaled to norm 1 before the cast).
Source: Trottenberg, Oosterlee & Schueller, Multigrid, 2001, sec. 2.4 and 2.5; Tatebe 1993 for the symmetric order.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from pdekit.errors import BadInput
from pdekit.linear.hierarchy import coarse_operators, interpolation
from pdekit.linear.vector_kernels import scaled_back, scaled_into
from pdekit.space.stencils import StencilOperator

LARGEST_COARSEST = 1024  # unknowns of a dense coarsest level


class MultigridCycle:
    """z = M r by one V(1,1) cycle from zero, in 2D and 3D. Linear; symmetric positive definite where `symmetric`.

    dtype       of the cycle: float64, or float32 inside a float64 iteration
    symmetric   mirrored order of the colours after the coarse correction
    """

    name = "multigrid"
    linear = True

    def __init__(self, dtype: Any = "float32", *, symmetric: bool = True) -> None:
        self.dtype = np.dtype(dtype)
        if self.dtype not in (np.dtype("float32"), np.dtype("float64")):
            raise BadInput.of("precond_dtype of multigrid.", found=str(dtype), allowed="float32, float64")
        self.symmetric = symmetric

    @staticmethod
    def reason_against(operator: Any) -> str | None:
        """Why geometric multigrid cannot serve this operator, in words; None where it can."""
        if not isinstance(operator, StencilOperator):
            return "it is a matrix without a grid"
        if operator.dim == 1:
            return "the grid has one axis, where a direct solve costs as little"
        if not operator.compiled:
            return "it is not one NumPy system of a single floating type"
        grid, size = operator.grid, math.prod(operator.shape)
        while size > LARGEST_COARSEST:
            if any(n % 2 for n in grid.intervals):
                return (
                    f"{operator.grid.intervals} intervals leave {size} unknowns on the coarsest grid "
                    f"(at most {LARGEST_COARSEST}); intervals of 2^k m with m <= 15 serve"
                )
            grid = grid.with_intervals([n // 2 for n in grid.intervals])
            size = math.prod(len(range(n)[s]) for n, s in zip(grid.points, grid.unknown, strict=True))
        return None

    def setup(self, operator: StencilOperator) -> MultigridCycle:
        """Build the hierarchy. Raises BadInput where the grid cannot be halved far enough."""
        reason = self.reason_against(operator)
        if reason is not None:
            raise BadInput.of(
                "geometric multigrid cannot serve this operator.", found=reason, hint="use pcg-amg or direct"
            )
        self._levels = _Levels.of(operator.astype(self.dtype) if operator.dtype != self.dtype else operator, operator)
        self.depth = len(self._levels.table)
        return self

    def apply(self, r: np.ndarray, out: np.ndarray, norm: float = 1.0) -> float:
        """out = M r; returns r . out. `norm` is |r|, by which r is scaled for the cast."""
        levels, size = self._levels, r.size
        scale = norm if norm > 0.0 and math.isfinite(norm) else 1.0
        scaled_into(r.ravel(), 1.0 / scale, levels.r[:size])
        levels.cycle(1 if self.symmetric else 0)
        return scaled_back(levels.z[:size], scale, r.ravel(), out.ravel())


@dataclass
class _Levels:
    """All levels behind each other, as the kernels want them."""

    table: np.ndarray
    edges: tuple[np.ndarray, ...]
    dinv: np.ndarray
    z: np.ndarray
    r: np.ndarray
    tables: tuple[np.ndarray, ...]
    stencils: np.ndarray
    line: tuple[Any, ...]
    inverse: np.ndarray
    wrap: tuple[bool, ...]

    @classmethod
    def of(cls, operator: StencilOperator, original: StencilOperator) -> _Levels:
        operators = coarse_operators(operator)
        dim, dtype = operator.dim, operator.dtype
        rows, at = [], np.zeros(dim + 1, dtype=np.int64)
        tables: list[list[np.ndarray]] = [[], [], [], []]
        stencils: list[np.ndarray] = []
        entries = columns = 0
        for level, op in enumerate(operators):
            row = [*op.shape, *at]
            at = at + np.array([math.prod(op.shape), *(e.size for e in op.edges)])
            if level == len(operators) - 1:
                rows.append(row + [0] * (dim + 1))
                break
            for axis, n in enumerate(op.shape):
                row.append(entries)
                for store, part in zip(tables, interpolation(op.grid, axis), strict=True):
                    store.append(part)
                entries += n
            row.append(columns)
            stencils.append(_column_stencil(op, operators[level + 1].shape[-1]).ravel())
            columns += stencils[-1].size
            rows.append(row)
        with np.errstate(divide="ignore"):
            dinv = np.concatenate([(1.0 / op.diagonal()).ravel() for op in operators])
        empty = [np.zeros(0)]
        c1, c2, w1, w2 = (np.concatenate(part or empty) for part in tables)
        return cls(
            table=np.array(rows, dtype=np.int64),
            edges=tuple(np.concatenate([op.edges[axis].ravel() for op in operators]) for axis in range(dim)),
            dinv=dinv,
            z=np.zeros(int(at[0]), dtype),
            r=np.zeros(int(at[0]), dtype),
            tables=(c1.astype(np.int32), c2.astype(np.int32), w1.astype(dtype), w2.astype(dtype)),
            stencils=np.concatenate(stencils or empty).astype(dtype),
            line=tuple(dtype.type(v) for v in _line(operator)),
            inverse=_dense_inverse(operators[-1], original.singular).astype(dtype),
            wrap=operator.grid.periodic,
        )

    def cycle(self, first: int) -> None:
        from pdekit.linear.multigrid_kernels_2d import cycle_2d
        from pdekit.linear.multigrid_kernels_3d import cycle_3d

        kernel = cycle_2d if len(self.edges) == 2 else cycle_3d
        kernel(
            self.table,
            self.edges,
            self.dinv,
            self.z,
            self.r,
            self.tables,
            self.stencils,
            self.line,
            self.inverse,
            first,
            self.wrap,
        )


def _start(operator: StencilOperator, axis: int) -> int:
    """Fine unknown under coarse unknown 0, less the 0 of cells."""
    grid = operator.grid
    return 1 if grid.location == "vertex" and grid.boundary[axis][0] == "dirichlet" else 0


def _line(operator: StencilOperator) -> tuple[float, ...]:
    """Interpolation along the last axis as the kernels want it: (start, even, beyond, odd, ahead, low, high)."""
    grid, axis = operator.grid, operator.dim - 1
    if grid.location == "vertex":
        return (_start(operator, axis), 1.0, 0.0, 0.5, 0.5, 0.0, 0.0)
    low, high = (-1.0 if kind == "dirichlet" else 1.0 for kind in grid.boundary[axis])
    return (0.0, 0.75, 0.25, 0.75, 0.25, low, high)


def _column_stencil(operator: StencilOperator, coarse: int) -> np.ndarray:
    """(4, coarse): what coarse column j takes of fine columns 2 j + start - 1 + (0..3): the transpose of interpolation,
    over 2 for each axis of the grid."""
    axis = operator.dim - 1
    c1, c2, w1, w2 = interpolation(operator.grid, axis)
    n, start = len(c1), _start(operator, axis)
    out = np.zeros((4, coarse))
    for fine in range(n):
        for c, w in ((c1[fine], w1[fine]), (c2[fine], w2[fine])):
            if w != 0.0:
                offsets = [fine + turn * n - (2 * c + start - 1) for turn in (-1, 0, 1)]
                out[next(k for k in offsets if 0 <= k < 4), c] += w
    return out / 2.0**operator.dim


def _dense_inverse(operator: StencilOperator, singular: bool) -> np.ndarray:
    """Inverse on the coarsest level; the pseudo-inverse where constants are in the null space."""
    dense = operator.to_csr().toarray().astype(np.float64)
    return np.linalg.pinv(dense, hermitian=True) if singular else np.linalg.inv(dense)
