"""Approximations of the inverse for CG: objects with setup(operator) and apply(r, out, norm) -> r . out, all symmetric.

The diagonal, the fast Poisson solve and pyamg's cycles; all others have a file of their own. To add one, write such a class
and name it in `PRECONDITIONERS` of `choice.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyamg
import scipy.sparse as sp

from pdekit.errors import BadInput
from pdekit.linear.system import as_csr
from pdekit.linear.vector_kernels import dot
from pdekit.space import transforms
from pdekit.space.diffusion import control_volumes, diffusion
from pdekit.space.stencils import StencilOperator

JUMP = 10.0  # contrast up to which the plain fast-Poisson preconditioner is taken
NULL = 1e-11  # eigenvalues of amg's coarsest level below this share of the largest are zero; at pinv's own 1e-14 they are noise
SMOOTH = 5.0  # ratio of neighbouring coefficients up to which they are called smooth: sqrt(a) is then a good scale


class Jacobi:
    """M = 1 / diagonal, 1 where an entry is zero. A negative entry shows as a status of the iteration, not as an exception.

    absolute   M = 1 / |diagonal|: positive definite for any A, as MINRES needs it
    """

    name = "jacobi"
    linear = symmetric = True

    def __init__(self, *, absolute: bool = False) -> None:
        self.absolute = absolute

    def setup(self, operator: Any) -> Jacobi:
        """Take the diagonal."""
        diagonal: Any = operator.diagonal() if isinstance(operator, StencilOperator) else as_csr(operator).diagonal()
        diagonal = abs(diagonal) if self.absolute else diagonal
        with np.errstate(over="ignore"):
            self.inverse = np.ascontiguousarray(1.0 / np.where(diagonal == 0, 1, diagonal))
        return self

    def apply(self, r: np.ndarray, out: np.ndarray, norm: float = 1.0) -> float:
        """out = r / diagonal; returns r . out."""
        np.multiply(r, self.inverse.reshape(r.shape), out=out)
        return dot(r.ravel(), out.ravel())


class FastPoissonInverse:
    """M = s^-1 (L + c)^-1 s^-1 with L = -Laplace of the same grid, by FFT, DCT or DST: Concus & Golub 1973.

    c is the mean of the operator's shift / s^2; 0 without one.

    s = 1 ("plain", for coefficients that jump) or s = sqrt(a) ("scaled", for smooth ones), a the mean of the edges around
    each unknown. "auto": scaled where the contrast is above 10 and neighbours differ by a factor of at most 5, else plain.
    kappa(M A) <= max a / min a for plain; jumps of more than 10 are better left to multigrid.
    """

    name = "fast-poisson"
    linear = symmetric = True

    def __init__(self, scaling: str = "auto") -> None:
        if scaling not in ("auto", "plain", "scaled"):
            raise BadInput.of("scaling of fast-poisson.", found=repr(scaling), allowed='"auto", "plain", "scaled"')
        self.scaling = scaling

    def setup(self, operator: Any) -> FastPoissonInverse:
        """Eigenvalues and scale. Raises BadInput on a matrix without a grid, or on robin faces."""
        if not isinstance(operator, StencilOperator):
            raise BadInput.of("fast-poisson needs a grid.", found=type(operator).__name__, allowed="a StencilOperator")
        self.grid = operator.grid
        a = local_coefficient(operator)
        if not float(a.min()) > 0.0:
            raise BadInput.of("fast-poisson needs positive coefficients.", found=f"smallest {float(a.min()):.3g}")
        self.scaled = self.scaling == "scaled" or (
            self.scaling == "auto" and float(a.max() / a.min()) > JUMP and _roughest(a) <= SMOOTH
        )
        scale = np.sqrt(a) if self.scaled else np.full(a.shape, np.sqrt(float(a.mean())))
        cover = control_volumes(self.grid) if self.grid.location == "vertex" else np.ones(a.shape)
        self.before, self.after = 1.0 / (scale * cover), 1.0 / scale
        added = (
            0.0
            if operator.shift is None
            else float((np.asarray(operator.shift, np.float64) / (scale**2 * cover)).mean())
        )
        self.inverse = inverse_eigenvalues(self.grid, max(added, 0.0))
        return self

    def apply(self, r: np.ndarray, out: np.ndarray, norm: float = 1.0) -> float:
        """out = M r; returns r . out."""
        coefficients = transforms.forward(r * self.before, self.grid)
        np.multiply(transforms.backward(coefficients * self.inverse, self.grid), self.after, out=out)
        return dot(r.ravel(), out.ravel())


def inverse_eigenvalues(grid: Any, shift: float = 0.0) -> np.ndarray:
    """1 / eigenvalues of the finite-difference -Laplace plus a number >= 0; 0 where the sum is 0 (constants)."""
    values = transforms.eigenvalues(grid) + shift
    return np.divide(1.0, values, out=np.zeros_like(values), where=values > 1e-12 * values.max())


def local_coefficient(operator: StencilOperator) -> np.ndarray:
    """Mean of the coefficient around each unknown: the sum of its edges over that of -Laplace on the same grid."""
    edges = tuple(np.asarray(e, np.float64) for e in operator.edges)
    return StencilOperator(edges, operator.grid).diagonal() / diffusion(operator.grid, 1.0)[0].diagonal()


def _roughest(a: np.ndarray) -> float:
    """Largest ratio of two neighbouring values, all > 0."""
    log = np.log(a)
    return float(np.exp(max(np.abs(np.diff(log, axis=axis)).max(initial=0.0) for axis in range(a.ndim))))


class AMG:
    """One pyamg V-cycle with symmetric Gauss-Seidel: "ruge-stuben" (scalar diffusion) or "smoothed-aggregation"."""

    name = "amg"
    linear = symmetric = True

    def __init__(self, method: str = "ruge-stuben") -> None:
        if method not in ("ruge-stuben", "smoothed-aggregation"):
            raise BadInput.of("method of amg.", found=repr(method), allowed='"ruge-stuben", "smoothed-aggregation"')
        self.method = method
        self.name = "amg" if method == "ruge-stuben" else method

    def setup(self, operator: Any) -> AMG:
        """Assemble the matrix, float64 and of ordinary size, and build pyamg's hierarchy.

        Where pyamg cannot (it divides by zero on some matrices that are not positive definite), M is NaN, which the
        iteration reports.
        """
        matrix = as_csr(operator).astype(np.float64)
        self._power = -int(np.frexp(abs(matrix).max())[1])
        matrix.data = np.ldexp(matrix.data, self._power)
        try:
            with np.errstate(all="ignore"):
                self.hierarchy = hierarchy(matrix, self.method)
                self.cycle: Any = self.hierarchy.aspreconditioner(cycle="V")
        except (ValueError, ArithmeticError, IndexError, np.linalg.LinAlgError):
            self.hierarchy = self.cycle = None
        return self

    def apply(self, r: np.ndarray, out: np.ndarray, norm: float = 1.0) -> float:
        """out = M r; returns r . out."""
        try:
            with np.errstate(all="ignore"):
                z = self.cycle @ r.ravel().astype(np.float64, copy=False)
                out[...] = np.ldexp(z, self._power).reshape(r.shape)
        except (TypeError, ValueError, np.linalg.LinAlgError):  # no hierarchy, or an infinity in its coarsest matrix
            out.fill(np.nan)
        return dot(r.ravel(), out.ravel())


def hierarchy(matrix: Any, method: str) -> Any:
    """pyamg's multilevel solver of a matrix, pseudo-inverse on the coarsest level."""
    matrix = sp.csr_matrix(matrix)
    matrix.indices, matrix.indptr = matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32)
    build = pyamg.ruge_stuben_solver if method == "ruge-stuben" else pyamg.smoothed_aggregation_solver
    return build(matrix, coarse_solver=("pinv", {"rtol": NULL}))
