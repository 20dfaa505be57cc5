"""A symmetric 3/5/7-point operator on a box, held as one coefficient per edge; nothing is assembled to apply it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from array_api_compat import array_namespace

from pdekit.space.grid import Grid


@dataclass(frozen=True)
class StencilOperator:
    """(A u)_i = sum over axes of e_i (u_i - u_{i-1}) + e_{i+1} (u_i - u_{i+1}), plus shift_i u_i.

    edges        per axis an array of the unknowns' shape with one more entry along that axis, all >= 0, in units of A
                 (coefficient / length^2). Entry 0 and the last one couple the outermost unknowns to a value outside that
                 is taken as zero: a known boundary value (its part stands in the right-hand side), or no coupling (0, Neumann).
                 On a periodic axis entry 0 equals the last one and couples the two ends.
    shift        added to the diagonal, unknowns' shape, or None
    grid         the grid whose `unknown` points these are
    coefficient  the coefficient on the stored points from which the edges were made, or None; multigrid coarsens it
    face_mean    "arithmetic" | "harmonic": how the edges were made from it

    A approximates -div(a grad u) per volume on every level: it scales like a / h^2 and is never multiplied by h^2.
    """

    edges: tuple[Any, ...]
    grid: Grid
    shift: Any = None
    coefficient: Any = None
    face_mean: str = "harmonic"

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the unknowns."""
        shape = list(self.edges[0].shape)
        shape[0] -= 1
        return tuple(shape)

    @property
    def dtype(self) -> Any:
        """Element type of the edges."""
        return self.edges[0].dtype

    def diagonal(self) -> Any:
        """The diagonal of A, unknowns' shape."""
        diag = 0 if self.shift is None else self.shift
        for axis, e in enumerate(self.edges):
            diag = diag + e[_along(axis, slice(None, -1))] + e[_along(axis, slice(1, None))]
        return diag

    @property
    def singular(self) -> bool:
        """True where constants are in the null space: no edge to the outside and no shift."""
        if self.shift is not None and bool((self.shift != 0).any()):
            return False
        for axis, (e, p) in enumerate(zip(self.edges, self.grid.periodic, strict=True)):
            if not p and bool((e[_along(axis, 0)] != 0).any() or (e[_along(axis, -1)] != 0).any()):
                return False
        return True

    def __matmul__(self, u: Any) -> Any:
        """A u by array slices, for NumPy and torch alike; u has the unknowns' shape."""
        out = self.diagonal() * u
        for axis, (e, p) in enumerate(zip(self.edges, self.grid.periodic, strict=True)):
            inner = e[_along(axis, slice(1, -1))]
            out[_along(axis, slice(None, -1))] -= inner * u[_along(axis, slice(1, None))]
            out[_along(axis, slice(1, None))] -= inner * u[_along(axis, slice(None, -1))]
            if p:
                wrap = e[_along(axis, 0)]
                out[_along(axis, 0)] -= wrap * u[_along(axis, -1)]
                out[_along(axis, -1)] -= wrap * u[_along(axis, 0)]
        return out

    def to_csr(self) -> sp.csr_array:
        """A as a sparse matrix over the unknowns in C order (NumPy only)."""
        size = int(np.prod(self.shape))
        index = np.arange(size).reshape(self.shape)
        rows, cols, data = [index.ravel()], [index.ravel()], [np.asarray(self.diagonal()).ravel()]
        for axis, (e, p) in enumerate(zip(self.edges, self.grid.periodic, strict=True)):
            pairs = [
                (
                    index[_along(axis, slice(None, -1))],
                    index[_along(axis, slice(1, None))],
                    e[_along(axis, slice(1, -1))],
                )
            ]
            if p:
                pairs.append((index[_along(axis, -1)], index[_along(axis, 0)], e[_along(axis, 0)]))
            for a, b, value in pairs:
                rows += [a.ravel(), b.ravel()]
                cols += [b.ravel(), a.ravel()]
                data += [-value.ravel()] * 2
        return sp.csr_array((np.concatenate(data), (np.concatenate(rows), np.concatenate(cols))), shape=(size, size))


def _along(axis: int, index: int | slice) -> tuple[Any, ...]:
    """The index that picks `index` on one axis and all of the axes before it."""
    return (slice(None),) * axis + (index,)
