"""A symmetric 3/5/7-point operator on a box, held as one coefficient per edge; nothing is assembled to apply it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp
from array_api_compat import array_namespace
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import LinearOperator

from pdekit.errors import BadInput
from pdekit.space.grid import Grid

CLOSED = 1e-20  # share of the largest edge up to which an edge couples nothing: far below rounding


@dataclass(frozen=True, eq=False)
class StencilOperator:
    """(A u)_i = sum over axes of e_i (u_i - u_{i-1}) + e_{i+1} (u_i - u_{i+1}), plus shift_i u_i.

    edges  per axis an array (*batch, *unknowns) with one more entry along that axis, in units of A (coefficient /
           length^2), all >= 0 where A is positive semidefinite. Entry 0 and the last one couple the outermost unknowns to a
           value outside that is taken as zero: a known boundary value (its part stands in the right-hand side), or no
           coupling (0, Neumann). On a periodic axis entry 0 equals the last one and couples the two ends.
    grid   the grid whose `unknown` points these are
    shift  added to the diagonal, shape of the unknowns (or with the batch), or None

    A approximates -div(a grad u) per volume on every level: it scales like a / h^2 and is never multiplied by h^2.
    NumPy arrays without a batch go through compiled kernels in 2D and 3D; all else, torch tensors too, through slices.
    """

    edges: tuple[Any, ...]
    grid: Grid
    shift: Any = None

    @property
    def dim(self) -> int:
        """Number of axes."""
        return len(self.edges)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the unknowns of one system, without the batch."""
        shape = list(self.edges[0].shape[-self.dim :])
        shape[0] -= 1
        return tuple(shape)

    @property
    def dtype(self) -> Any:
        """Element type of the edges."""
        return self.edges[0].dtype

    @cached_property
    def compiled(self) -> bool:
        """True where the compiled kernels serve: NumPy, 2D or 3D, no batch, one floating type, C order."""
        arrays = (*self.edges, *(() if self.shift is None else (self.shift,)))
        return self.dim > 1 and all(
            isinstance(a, np.ndarray) and a.ndim == self.dim and a.dtype == self.dtype and a.flags.c_contiguous
            for a in arrays
        )

    @cached_property
    def singular(self) -> bool:
        """True where constants are in the null space: no edge to the outside and no shift."""
        if self.shift is not None and bool((self.shift != 0).any()):
            return False
        for axis, (e, p) in enumerate(zip(self.edges, self.grid.periodic, strict=True)):
            if not p and bool((e[self.at(axis, 0)] != 0).any() or (e[self.at(axis, -1)] != 0).any()):
                return False
        return True

    @cached_property
    def spd(self) -> bool:
        """True where no edge and no shift is negative: A is positive definite but for its `nullspace`. False says only
        that this is not known."""
        parts = (*self.edges, *(() if self.shift is None else (self.shift,)))
        return all(bool((part >= 0).all()) for part in parts)

    @cached_property
    def parted(self) -> bool:
        """True where an edge between two unknowns is closed, or none is open, and no shift holds all unknowns: A may fall
        apart. Two passes, no copies."""
        if self.shift is not None and bool((self.shift > 0).all()):
            return False
        inner = [e[self.at(axis, slice(1, -1))] for axis, e in enumerate(self.edges)]
        least = min((float(e.min()) for e in inner if 0 not in e.shape), default=math.inf)
        return not least > CLOSED * max(float(e.max()) for e in self.edges)

    @cached_property
    def nullspace(self) -> Any:
        """What A sends to zero: None; "constant"; or an orthonormal basis (N, k), one constant for each part of the
        unknowns that no edge joins to the rest or to the outside (fluid between obstacles, say).

        Found from the edges where A is `spd`; an indefinite operator that happens to be singular is not seen, and gets
        None. Raises BadInput for a batch whose edges are closed in places: each system has its own.
        """
        floating = self.floating
        if floating is None or isinstance(floating, str):
            return floating
        basis = (floating[:, None] == np.arange(floating.max() + 1)).astype(np.float64)
        return basis / np.sqrt(basis.sum(axis=0))

    @cached_property
    def floating(self) -> Any:
        """`nullspace` without N k numbers: None; "constant"; or the part that each unknown belongs to, int (N,), 0 to k - 1,
        and -1 where something holds it. Raises as `nullspace` does."""
        if not self.spd:
            return None
        largest = max(float(e.max()) for e in self.edges)
        inner = [e[self.at(axis, slice(1, -1))] for axis, e in enumerate(self.edges)]
        if all(bool((e > CLOSED * largest).all()) for e in inner):
            return "constant" if self.singular else None
        if self.edges[0].ndim > self.dim or not isinstance(self.edges[0], np.ndarray):
            raise BadInput.of(
                "the null space of a batch of operators with closed edges.",
                found=f"edges of {type(self.edges[0]).__name__}, shape {tuple(self.edges[0].shape)}",
                allowed="one NumPy system",
                hint="ask each system of the batch",
            )
        return self._parts(CLOSED * largest)

    def _parts(self, closed: float) -> np.ndarray | str | None:
        """Connected parts of the unknowns without a shift or an edge to the outside, as `floating` numbers them."""
        matrix = self.to_csr().tocoo()
        open_ = (matrix.row != matrix.col) & (np.abs(matrix.data) > closed)
        graph = sp.coo_array((matrix.data[open_], (matrix.row[open_], matrix.col[open_])), shape=matrix.shape)
        parts, label = connected_components(graph, directed=False)
        held = np.zeros(self.shape, dtype=bool) if self.shift is None else np.asarray(self.shift > closed)
        for axis, (e, p) in enumerate(zip(self.edges, self.grid.periodic, strict=True)):
            if not p:
                for end in (0, -1):
                    held[self.at(axis, end)] |= e[self.at(axis, end)] > closed
        free = np.setdiff1d(np.arange(parts), label[held.ravel()])
        if free.size == 0 or parts == 1:
            return None if free.size == 0 else "constant"
        number = np.full(parts, -1)
        number[free] = np.arange(free.size)
        return number[label]

    def diagonal(self) -> Any:
        """The diagonal of A, shape of the unknowns."""
        diag = 0 if self.shift is None else self.shift
        for axis, e in enumerate(self.edges):
            diag = diag + e[self.at(axis, slice(None, -1))] + e[self.at(axis, slice(1, None))]
        return diag

    @cached_property
    def least_diagonal(self) -> float:
        """The smallest diagonal entry; not positive where an unknown has no neighbours, or where A is not definite."""
        if not self.compiled:
            return float(self.diagonal().min())
        from pdekit.space import stencil_kernels

        kernel: Any = stencil_kernels.least_diagonal_2d if self.dim == 2 else stencil_kernels.least_diagonal_3d
        return float(kernel(*self.edges, self._shift_or_none()))

    def __matmul__(self, u: Any) -> Any:
        """A u, shape of u: (*batch, *unknowns)."""
        if self.compiled and isinstance(u, np.ndarray) and u.ndim == self.dim:
            out = np.empty(self.shape, np.result_type(self.dtype, u.dtype))
            self.product(u, out)
            return out
        return self.slices(u)

    def product(self, u: np.ndarray, out: np.ndarray) -> float:
        """Write A u to `out` and return u . A u in one compiled pass; without kernels, in two."""
        if not (self.compiled and u.flags.c_contiguous and out.flags.c_contiguous):
            out[...] = self.slices(u)
            return float((u * out).sum())
        from pdekit.space import stencil_kernels

        kernel: Any = stencil_kernels.apply_2d if self.dim == 2 else stencil_kernels.apply_3d
        return kernel(*self.edges, self._shift_or_none(), u, out, self.grid.periodic)

    def slices(self, u: Any) -> Any:
        """A u by array slices, for any array namespace; the kernels are tested against it."""
        out = self.diagonal() * u
        for axis, (e, p) in enumerate(zip(self.edges, self.grid.periodic, strict=True)):
            inner = e[self.at(axis, slice(1, -1))]
            out[self.at(axis, slice(None, -1))] -= inner * u[self.at(axis, slice(1, None))]
            out[self.at(axis, slice(1, None))] -= inner * u[self.at(axis, slice(None, -1))]
            if p:
                wrap = e[self.at(axis, 0)]
                out[self.at(axis, 0)] -= wrap * u[self.at(axis, -1)]
                out[self.at(axis, -1)] -= wrap * u[self.at(axis, 0)]
        return out

    def to_csr(self) -> sp.csr_array:
        """A as a sparse matrix over the unknowns in C order (NumPy, one system)."""
        size = int(np.prod(self.shape))
        index = np.arange(size).reshape(self.shape)
        rows, cols = [index.ravel()], [index.ravel()]
        data = [np.broadcast_to(np.asarray(self.diagonal()), self.shape).ravel()]
        for axis, (e, p) in enumerate(zip(self.edges, self.grid.periodic, strict=True)):
            inner = self.at(axis, slice(1, -1))
            pairs = [(index[self.at(axis, slice(None, -1))], index[self.at(axis, slice(1, None))], e[inner])]
            if p:
                pairs.append((index[self.at(axis, -1)], index[self.at(axis, 0)], e[self.at(axis, 0)]))
            for a, b, value in pairs:
                rows += [a.ravel(), b.ravel()]
                cols += [b.ravel(), a.ravel()]
                data += [-value.ravel()] * 2
        return sp.csr_array((np.concatenate(data), (np.concatenate(rows), np.concatenate(cols))), shape=(size, size))

    def as_linear_operator(self) -> LinearOperator:
        """A as scipy sees it: square over the flattened unknowns, its element type given."""
        size = int(np.prod(self.shape))

        def product(v: np.ndarray) -> np.ndarray:
            return (self @ np.ascontiguousarray(v.reshape(self.shape))).reshape(v.shape)

        build: Any = LinearOperator  # its stubs describe __new__, which takes the subclass' arguments
        return build((size, size), matvec=product, rmatvec=product, dtype=self.dtype)

    def astype(self, dtype: Any) -> StencilOperator:
        """The same operator in another floating type; NumPy or torch names."""
        xp = array_namespace(self.edges[0])
        shift = None if self.shift is None else xp.astype(self.shift, dtype)
        return replace(self, edges=tuple(xp.astype(e, dtype) for e in self.edges), shift=shift)

    def _shift_or_none(self) -> np.ndarray:
        """The shift as the kernels want it: of size 0 where there is none."""
        return np.empty((0,) * self.dim, self.dtype) if self.shift is None else self.shift

    def at(self, axis: int, index: int | slice) -> tuple[Any, ...]:
        """The index that picks `index` on one space axis; batch axes stand in front."""
        return (..., index, *(slice(None),) * (self.dim - 1 - axis))
