"""One linear system A x = b as the methods see it: a product that also gives p . A p, the null space, the true residual."""

from __future__ import annotations

import math
from copy import copy
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import LinearOperator

from pdekit.errors import BadInput
from pdekit.linear.definiteness import asymmetry, semidefinite
from pdekit.linear.vector_kernels import dot, norm
from pdekit.space.diffusion import control_volumes
from pdekit.space.stencils import StencilOperator

NULL = {np.dtype("float64"): 1e-8, np.dtype("float32"): 1e-4}  # |A z| / |A| that is rounding
SYMMETRIC = {np.dtype("float64"): 1e-10, np.dtype("float32"): 1e-5}  # difference of mirrored entries that is rounding
DOUBTFUL = 1e-10  # of |b|: a residual that small may owe its size to the rounding of b - A x in float64
COMPATIBLE = {np.dtype("float64"): 1e-10, np.dtype("float32"): 1e-5}


class System:
    """A x = b with b in float32 or float64 (the type of the iteration), x and b of one shape.

    operator    StencilOperator, scipy sparse array or LinearOperator; symmetric is taken for granted
    nullspace   None: what a StencilOperator tells of itself, one constant for each part of its unknowns that nothing holds,
                else nothing; "constant"; or an orthonormal basis (n, k), dense or sparse; what is declared is checked:
                BadInput unless A Z, and A^T Z of a matrix, is rounding
    spd         True where the caller declares A symmetric positive (semi)definite; else see `positive`
    """

    def __init__(self, operator: Any, b: np.ndarray, nullspace: Any = None, *, spd: bool | None = None) -> None:
        self.operator, self.spd = operator, spd
        self.b = np.ascontiguousarray(b)
        size = operator_size(operator)
        if self.b.size != size:
            raise BadInput.of(
                "the right-hand side does not fit the operator.",
                found=f"{self.b.size} entries",
                allowed=f"{size} entries",
            )
        found = self._found() if nullspace is None and isinstance(operator, StencilOperator) else None
        nullspace = found if nullspace is None else nullspace
        self.constant = isinstance(nullspace, str)
        if self.constant and nullspace != "constant":
            raise BadInput.of(
                "nullspace of a linear system.", found=repr(nullspace), allowed='"constant", a basis, none'
            )
        self.found = found is not None
        self.basis: Any = None
        if nullspace is not None and not self.constant:
            self.basis = found if self.found else _orthonormal(nullspace, size)
        self.proven = (
            not self.singular
            or self.found
            or (self.constant and isinstance(operator, StencilOperator) and operator.singular)
        )
        if not self.proven and self.finite:
            self._check_nullspace()
        self._weights: np.ndarray | None = None

    def _found(self) -> Any:
        """The null space that a StencilOperator tells of itself: None, "constant" or a sparse basis. Only that of constants
        where an edge or shift is negative, or an unknown has no edge at all (which `definite` refuses)."""
        op: StencilOperator = self.operator
        if not op.singular and not op.parted:
            return None
        if self.finite and op.spd and self.definite:
            return rooms(op)
        return "constant" if op.singular else None

    def check_symmetric(self) -> None:
        """Raise BadInput where the entries of A say that it is not symmetric, beyond rounding. CG does not see it."""
        if not sp.issparse(self.operator) or not self.finite:
            return
        gap, size = asymmetry(self.operator)
        if gap > SYMMETRIC[self.b.dtype] * size:
            raise BadInput.of(
                "A of a linear system is not symmetric.",
                found=f"entries that differ by {gap:.3g}, the largest is {size:.3g}",
                hint='use method "gmres", "bicgstab" or "direct"',
            )

    def _check_nullspace(self) -> None:
        """Raise BadInput where A Z is more than rounding; |A| is taken from a random vector, to a factor of some ten."""
        size, kind = self.b.size, self.b.dtype
        probe = np.random.default_rng(0).normal(size=size).astype(kind).reshape(self.b.shape)
        out = np.empty_like(self.b)
        self.product(probe, out)
        scale = norm(out.ravel()) / norm(probe.ravel())
        for k in range(1 if self.basis is None else self.basis.shape[1]):
            z = np.full(size, size**-0.5) if self.basis is None else self.basis @ np.eye(self.basis.shape[1])[k]
            self.product(np.ascontiguousarray(z.astype(kind)).reshape(self.b.shape), out)
            if not norm(out.ravel()) <= NULL[kind] * scale:
                raise BadInput.of(
                    "nullspace of a linear system: A does not send it to zero.",
                    found=f"|A z| = {norm(out.ravel()):.3g}, where |A| is about {scale:.3g}",
                    hint="leave nullspace out, unless A is singular",
                )
            left = norm(self.operator.T @ z) if sp.issparse(self.operator) else 0.0
            if not left <= NULL[kind] * scale:
                raise BadInput.of(
                    "nullspace of a linear system: A^T does not send it to zero, so b is not what it tests.",
                    found=f"|A^T z| = {left:.3g}, where |A| is about {scale:.3g}",
                    hint="a matrix that is not symmetric is served where both have one null space",
                )

    @property
    def singular(self) -> bool:
        """True where a null space was declared or found."""
        return self.constant or self.basis is not None

    @cached_property
    def finite(self) -> bool:
        """True where operator and right-hand side hold no NaN or infinity; looked at once."""
        parts: list[Any] = [self.b]
        if isinstance(self.operator, StencilOperator):
            parts += [*self.operator.edges, *([] if self.operator.shift is None else [self.operator.shift])]
        elif sp.issparse(self.operator):
            parts.append(self.operator.data)
        return all(np.isfinite(part.sum(dtype=np.float64)) or bool(np.isfinite(part).all()) for part in parts)

    @cached_property
    def positive(self) -> bool | None:
        """True where A is declared or seen to be symmetric positive (semi)definite, None where nobody knows."""
        return self.spd if self.spd else semidefinite(self.operator)

    @property
    def definite(self) -> bool:
        """False where a diagonal entry known at no cost says that A is not positive definite."""
        return not isinstance(self.operator, StencilOperator) or self.operator.least_diagonal > 0.0

    def product(self, p: np.ndarray, out: np.ndarray) -> float:
        """out = A p; returns p . A p."""
        if isinstance(self.operator, StencilOperator):
            return self.operator.product(p, out)
        out[...] = (self.operator @ p.ravel()).reshape(p.shape)
        return dot(p.ravel(), out.ravel())

    def residual(self, x: np.ndarray, out: np.ndarray) -> float:
        """out = b - A x in the type of the iteration; returns its norm."""
        self.product(x, out)
        np.subtract(self.b, out, out=out)
        return math.sqrt(dot(out.ravel(), out.ravel()))

    def true_residual(self, x: np.ndarray) -> float:
        """|b - A x| / |b| in float64 whatever the iteration's type; |A x| where b = 0."""
        return norm(self._wide_residual(x, np.float64).ravel()) / (norm(self.b.ravel()) or 1.0)

    def _wide_residual(self, x: np.ndarray, kind: Any) -> np.ndarray:
        """b - A x, evaluated in another type than that of the iteration."""
        wide, kind = self.operator, np.dtype(kind)
        if (isinstance(wide, StencilOperator) and wide.dtype != kind) or (sp.issparse(wide) and kind == np.longdouble):
            wide = wide.astype(kind)
        right, v = self.b.astype(kind, copy=False), x.astype(kind, copy=False)
        with np.errstate(invalid="ignore", over="ignore"):
            if not isinstance(wide, StencilOperator):
                return right - (wide @ v.ravel()).reshape(x.shape)
            return right - (wide.slices(v) if kind == np.longdouble else wide @ v)

    def confirm(self, x: np.ndarray, r: np.ndarray, target: float, known: float | None = None) -> float:
        """|b - A x| of the x that would be handed back, which is centred in place; r = b - A x, rounded. To be asked before
        a solve says CONVERGED.

        Evaluated in float64 where x is float32, and in extended precision where `target` is so small that rounding in
        b - A x itself might decide (`DOUBTFUL`). known: |b - A x| as evaluated in the type of the iteration, returned where
        it needs no second look.
        """
        self.centre(x)
        kind: Any = np.float64
        if 0.0 < target < DOUBTFUL * norm(self.b.ravel()) and not isinstance(self.operator, LinearOperator):
            kind = np.longdouble
        if kind == self.b.dtype:
            return known if known is not None and not self.singular else self.residual(x, r)
        wide = self._wide_residual(x, kind)
        np.copyto(r, wide, casting="same_kind")
        return float(np.sqrt((wide * wide).sum()))

    def scaled(self, k: int) -> System:
        """The same system with 2^k b."""
        other = copy(self)
        other.b = np.ldexp(self.b, k)
        return other

    def of(self, b: np.ndarray) -> System:
        """The same operator and null space with another right-hand side, of the same shape and type."""
        other = copy(self)
        other.b = np.ascontiguousarray(b)
        if self.finite:  # the operator is
            vars(other).pop("finite")
        return other

    def project(self, v: np.ndarray) -> None:
        """Take the null space out of v, in place."""
        if self.constant:
            v -= v.mean()
        elif self.basis is not None:
            flat = v.ravel()
            flat -= self.basis @ (self.basis.T @ flat)

    def project_rhs(self) -> None:
        """Take from b, in a copy, what a singular A cannot produce."""
        self.b = self.b.copy()
        self.project(self.b)

    def incompatible(self) -> float:
        """|Z^T b| / |b|: the part of b that a singular A cannot produce."""
        size = norm(self.b.ravel())
        if not self.singular or size == 0:
            return 0.0
        if self.basis is None:
            return abs(float(self.b.sum(dtype=np.float64))) / math.sqrt(self.b.size) / size
        return norm(self.basis.T @ self.b.ravel()) / size

    def compatible(self) -> bool:
        """True where `incompatible()` is rounding."""
        return self.incompatible() <= COMPATIBLE[self.b.dtype]

    def centre(self, x: np.ndarray) -> None:
        """Take from a solution, in place, what A does not see: its mean in the grid's quadrature, that of each part of the
        unknowns that nothing holds (or the basis that was declared)."""
        if not self.singular or not math.isfinite(norm(x.ravel())):
            return
        vertices = isinstance(self.operator, StencilOperator) and self.operator.grid.location == "vertex"
        if not vertices or not (self.constant or self.found):
            self.project(x)
            return
        if self._weights is None:
            w = control_volumes(self.operator.grid)
            self._weights = w / w.sum()
        weights: Any = self._weights
        if self.basis is None:
            x -= (weights * x).sum()
        else:
            share = weights.ravel()
            means = (self.basis.T @ (share * x.ravel())) / ((self.basis * self.basis).T @ share)
            x -= (self.basis @ means).reshape(x.shape)


def rooms(operator: StencilOperator) -> Any:
    """`operator.nullspace`, the basis (N, k) as a sparse array: an unknown belongs to one part at most."""
    floating = operator.floating
    if floating is None or isinstance(floating, str):
        return floating
    rows = np.flatnonzero(floating >= 0)
    parts = floating[rows]
    return sp.csr_array((np.bincount(parts)[parts] ** -0.5, (rows, parts)), shape=(floating.size, floating.max() + 1))


def _orthonormal(nullspace: Any, size: int) -> Any:
    """The basis, float64, sparse where it was. Raises BadInput where it is none of this system."""
    sparse = sp.issparse(nullspace)
    basis: Any = sp.csr_array(nullspace, dtype=np.float64) if sparse else np.asarray(nullspace, np.float64)
    if basis.ndim != 2 or basis.shape[0] != size or basis.shape[1] == 0:
        raise BadInput.of(
            "nullspace of a linear system has the wrong shape.", found=str(basis.shape), allowed=f"({size}, k)"
        )
    gram = basis.T @ basis
    if not np.allclose(gram.toarray() if sparse else gram, np.eye(basis.shape[1]), atol=1e-10):
        raise BadInput.of(
            "nullspace of a linear system is not orthonormal.", hint="take the Q of numpy.linalg.qr(basis)"
        )
    return basis


def operator_size(operator: Any) -> int:
    """Number of unknowns. Raises BadInput on what is no operator, or not square."""
    if isinstance(operator, StencilOperator):
        return int(np.prod(operator.shape))
    if not (sp.issparse(operator) or isinstance(operator, LinearOperator)):
        raise BadInput.of(
            "A of a linear system cannot be used.",
            found=type(operator).__name__,
            allowed="a StencilOperator, a scipy sparse array or a scipy LinearOperator",
        )
    if operator.shape[0] != operator.shape[1]:
        raise BadInput.of("A of a linear system is not square.", found=str(operator.shape))
    if np.issubdtype(operator.dtype, np.complexfloating):
        raise BadInput.of("A of a linear system is complex.", found=str(operator.dtype), allowed="real entries")
    return operator.shape[0]


def as_csr(operator: Any) -> sp.csr_array:
    """A as a sparse matrix. Raises BadInput for a LinearOperator, which has none."""
    if isinstance(operator, StencilOperator):
        return operator.to_csr()
    if sp.issparse(operator):
        return sp.csr_array(operator)
    raise BadInput.of("this method needs the entries of A.", found="a LinearOperator", allowed="a sparse array, or cg")
