"""An operator made ready for compiled relaxation sweeps in one order, and the sweeps themselves: many in one call."""

from __future__ import annotations

from typing import Any

import numpy as np

from pdekit.errors import BadInput, unknown_name
from pdekit.linear.colouring import by_colour
from pdekit.linear.relaxation_coloured_kernels import relax_coloured
from pdekit.linear.relaxation_matrix_kernels import relax_matrix
from pdekit.linear.relaxation_stencil_kernels import JACOBI, LEXICOGRAPHIC, relax_stencil
from pdekit.linear.system import as_csr
from pdekit.space.stencils import StencilOperator

ORDERINGS = ("lexicographic", "red-black", "multicolour")
ORDERS = {"jacobi": JACOBI, "lexicographic": LEXICOGRAPHIC, "multicolour": LEXICOGRAPHIC, "red-black": LEXICOGRAPHIC}
SHORTEST = 3  # unknowns of a periodic axis: on a shorter one a pair is coupled twice


class Sweeper:
    """Sweeps over one operator. `inward` gives vectors the layout of the sweeps, `outward` takes it off again. The work space
    is kept from call to call: one thread at a time.

    operator    what it was made from
    matrix      what the compiled call wants of A
    diagonal    of A, in the layout of the sweeps
    definite    False where a diagonal entry is not positive: A is not positive definite, and sweeps are not defined
    """

    kernel: Any
    operator: Any
    matrix: tuple[Any, ...]
    diagonal: np.ndarray
    definite: bool
    work: Any
    order: int

    def inward(self, v: np.ndarray) -> np.ndarray:
        """v as the sweeps see it; a view where that can be."""
        return v.reshape(self.diagonal.shape)

    def outward(self, v: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """A vector of the sweeps in the shape of b."""
        return v.reshape(shape)

    def residual_kept(self) -> np.ndarray | None:
        """Where Jacobi sweeps keep b - A x, which must stand there at the start; None for the others."""
        return None

    def advance(  # noqa: PLR0913
        self,
        x: np.ndarray,
        b: np.ndarray,
        omega: float,
        step: int,
        last: int,
        norms: np.ndarray,
        *,
        target: float,
        ceiling: float = np.inf,
        symmetric: bool = False,
        every: int = 1,
    ) -> int:
        """Sweeps step + 1 to last: x changes in place, norms[k] is |b - A x| after sweep k (NaN where k is no multiple of
        `every`). Returns the number of the last one done: the first with norm <= target, or with norm > ceiling or NaN."""
        kind = x.dtype.type
        return self.kernel(
            *(x, b, self.matrix, kind(omega), kind(1.0 / omega - 1.0), self.order, symmetric),
            *(step, last, target, ceiling, every, norms, self.work),
        )


class StencilSweeper(Sweeper):
    """On the edges of a StencilOperator without a batch. ordering: "jacobi" or "lexicographic" (C order)."""

    kernel = staticmethod(relax_stencil)

    def __init__(self, operator: StencilOperator, dtype: Any, ordering: str) -> None:
        self.order = ORDERS[ordering]
        self.diagonal, inverse, edges, wrap = _parts(operator, dtype)
        self.operator, self.definite = operator, bool(self.diagonal.min() > 0)
        self.matrix = (self.diagonal, inverse, edges, wrap)
        shape = self.diagonal.shape
        kept = np.empty(shape if self.order == JACOBI else (0, 0, 0), dtype)
        (rho, first), (row, other, zero) = np.empty((2, *shape[1:]), dtype), np.zeros((3, shape[2]), dtype)
        self.work = (kept, rho, first, row, other, zero)

    def residual_kept(self) -> np.ndarray | None:
        """See `Sweeper`."""
        return self.work[0] if self.order == JACOBI else None


class ColouredSweeper(Sweeper):
    """Red-black on the edges of a StencilOperator: first the points whose indices sum to an even number."""

    kernel = staticmethod(relax_coloured)
    order = LEXICOGRAPHIC

    def __init__(self, operator: StencilOperator, dtype: Any) -> None:
        diagonal, inverse, (ex, ey, ez), wrap = _parts(operator, dtype)
        self.operator, self.definite = operator, bool(diagonal.min() > 0)
        self.points = diagonal.shape
        self.half = (self.points[2] + 1) // 2
        inner = self.points[2]
        if not wrap[2]:
            ez = ez.copy()
            ez[..., inner] = 0  # nothing lies there; where inner is odd, its block has a place for it
        across = tuple(self._split(e, 0) if e.size else np.empty((0, 0, 0, 0), dtype) for e in (ex, ey))
        edges = np.zeros((*self.points[:2], 2, self.half + 1), dtype)
        edges[..., 0, : inner // 2 + 1], edges[..., 1, : (inner + 1) // 2] = ez[..., ::2], ez[..., 1::2]
        self.diagonal = self._split(diagonal, 0)
        self.matrix = (self.diagonal, self._split(inverse, 0), (*across, edges), wrap)
        self.work = (np.zeros(self.half + 2, dtype), np.empty(self.half, dtype))

    def inward(self, v: np.ndarray) -> np.ndarray:
        """v in two blocks a row, even and odd places, with ghosts."""
        return self._split(v.reshape(self.points), 1)

    def outward(self, v: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """A vector of the sweeps in the shape of b."""
        out = np.empty(self.points, v.dtype)
        even, odd = out[..., ::2], out[..., 1::2]
        even[...], odd[...] = (v[..., q, 1 : 1 + part.shape[-1]] for q, part in enumerate((even, odd)))
        return out.reshape(shape)

    def _split(self, v: np.ndarray, ghosts: int) -> np.ndarray:
        out = np.zeros((*v.shape[:2], 2, self.half + 2 * ghosts), v.dtype)
        for q, part in enumerate((v[..., ::2], v[..., 1::2])):
            out[..., q, ghosts : ghosts + part.shape[-1]] = part
        return out


def _parts(operator: StencilOperator, dtype: Any) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, ...], tuple]:
    """Diagonal and its inverse (n, m, p); edges; which axes are periodic: all as of three axes, the first ones of length 1."""
    dim, shape, periodic = operator.dim, operator.shape, operator.grid.periodic
    n, m, p = shape if dim == 3 else (shape[0] if dim == 2 else 1, 1, shape[-1])
    edges = [np.ascontiguousarray(e, dtype) for e in operator.edges]
    nothing = np.empty((0, 0, 0), dtype)
    planes = edges[0].reshape(n + 1, m, p) if dim > 1 else nothing
    rows = edges[1] if dim == 3 else nothing
    wrap = (dim > 1 and periodic[0], dim == 3 and periodic[1], periodic[-1])
    diagonal = np.ascontiguousarray(operator.diagonal(), dtype).reshape(n, m, p)
    with np.errstate(divide="ignore"):
        inverse = 1.0 / diagonal
    return diagonal, inverse, (planes, rows, edges[-1].reshape(n, m, p + 1)), wrap


class MatrixSweeper(Sweeper):
    """On the entries of a matrix. ordering: "jacobi", "lexicographic" (by number) or "multicolour" (colour by colour)."""

    kernel = staticmethod(relax_matrix)

    def __init__(self, operator: Any, dtype: Any, ordering: str) -> None:
        self.order = ORDERS[ordering]
        self.operator = operator
        matrix: Any = as_csr(operator).astype(dtype)
        matrix.sum_duplicates()
        self.places = by_colour(matrix) if ordering == "multicolour" else None
        if self.places is not None:
            matrix = matrix[self.places][:, self.places].tocsr()
        self.diagonal = matrix.diagonal()
        self.definite = bool(self.diagonal.min() > 0)
        with np.errstate(divide="ignore"):
            inverse = 1.0 / self.diagonal
        self.matrix = (self.diagonal, inverse, matrix.indptr, matrix.indices, matrix.data)
        self.work = np.empty_like(self.diagonal)

    def inward(self, v: np.ndarray) -> np.ndarray:
        """v as the sweeps see it: in their order."""
        return v.ravel() if self.places is None else v.ravel()[self.places]

    def outward(self, v: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """A vector of the sweeps in the order and shape of b."""
        if self.places is None:
            return v.reshape(shape)
        out = np.empty_like(v)
        out[self.places] = v
        return out.reshape(shape)

    def residual_kept(self) -> np.ndarray | None:
        """See `Sweeper`."""
        return self.work if self.order == JACOBI else None


def sweeper(operator: Any, dtype: Any, ordering: str) -> Sweeper:
    """Make an operator ready. dtype: of the iteration. Raises BadInput where the ordering cannot serve the operator."""
    if ordering not in ORDERS:
        raise unknown_name("ordering of relaxation", str(ordering), ORDERINGS)
    reason = reason_against(operator) if ordering == "red-black" else None
    if reason is not None:
        raise BadInput.of("red-black sweeps cannot serve this operator.", found=reason, allowed='"multicolour"')
    if ordering == "multicolour" or not _on_edges(operator):
        return MatrixSweeper(operator, dtype, ordering)
    return ColouredSweeper(operator, dtype) if ordering == "red-black" else StencilSweeper(operator, dtype, ordering)


def reason_against(operator: Any) -> str | None:
    """Why its points cannot be coloured red and black by their indices, in words; None where they can."""
    if not isinstance(operator, StencilOperator):
        return "a matrix without a grid"
    for n, periodic in zip(operator.shape, operator.grid.periodic, strict=True):
        if periodic and (n % 2 or n < SHORTEST):
            return f"a periodic axis of {n} points, where both ends have one colour or are coupled twice"
    return None


def _on_edges(operator: Any) -> bool:
    """True where the stencil kernels serve: NumPy, one system, no periodic axis of one or two points."""
    return (
        isinstance(operator, StencilOperator)
        and all(isinstance(e, np.ndarray) and e.ndim == operator.dim for e in operator.edges)
        and all(n >= SHORTEST or not p for n, p in zip(operator.shape, operator.grid.periodic, strict=True))
    )
