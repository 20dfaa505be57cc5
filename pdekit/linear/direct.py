"""Solves without iteration: sparse factorisation, and fast Poisson by transforms. One application, no stopping test but
the residual, which is always recomputed."""

from __future__ import annotations

import math
from time import perf_counter
from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import splu

from pdekit.errors import BadInput
from pdekit.linear.preconditioners import inverse_eigenvalues, local_coefficient
from pdekit.linear.system import System, as_csr
from pdekit.solution import Solution, Status
from pdekit.space import transforms
from pdekit.space.diffusion import control_volumes
from pdekit.space.stencils import StencilOperator

ACCEPTED = 1e-6  # true relative residual above which a direct solve is called a breakdown
VARIATION = 1e-12  # relative variation of the coefficient that counts as constant


class SparseLU:
    """SuperLU with a symmetric ordering (MMD on A^T + A, no pivoting: A is symmetric positive definite).

    A null space of constants is handled by bordering A with a row and a column of ones; SuperLU may factor a singular
    matrix without complaint, so singularity is declared, never left to it.
    """

    name = "direct"

    def setup(self, operator: Any, singular: bool) -> SparseLU:
        """Factorise; `apply` can then be used for many right-hand sides."""
        matrix = as_csr(operator)
        self.singular = singular
        if singular:
            ones = np.ones((matrix.shape[0], 1)) * float(matrix.diagonal().mean())
            matrix = sp.csr_array(sp.block_array([[matrix, ones], [ones.T, None]]))
        options = {} if singular else {"diag_pivot_thresh": 0.0, "options": {"SymmetricMode": True}}
        self.factor = splu(sp.csc_matrix(matrix), permc_spec="COLAMD" if singular else "MMD_AT_PLUS_A", **options)
        return self

    def apply(self, b: np.ndarray) -> np.ndarray:
        """A^-1 b; of least norm where A is singular."""
        right = np.append(b.ravel(), 0.0) if self.singular else b.ravel()
        x = self.factor.solve(right.astype(np.float64))
        return x[: b.size].reshape(b.shape)


class FastPoisson:
    """(c L)^-1 by FFT, DCT or DST, exact to rounding for a constant coefficient c. O(N^d log N), no iteration."""

    name = "fast-poisson"

    def setup(self, operator: Any, singular: bool) -> FastPoisson:
        """Raises BadInput where the coefficient varies, a shift is there, or a face is robin."""
        if not isinstance(operator, StencilOperator):
            raise BadInput.of("fast-poisson needs a grid.", found=type(operator).__name__, allowed="a StencilOperator")
        a = _constant(operator)
        self.grid = operator.grid
        self.inverse = inverse_eigenvalues(self.grid) / a
        self.cover = control_volumes(self.grid) if self.grid.location == "vertex" else None
        return self

    def apply(self, b: np.ndarray) -> np.ndarray:
        """(c L)^-1 b; mean zero in the transform's sense where A is singular."""
        right = b if self.cover is None else b / self.cover
        return transforms.backward(transforms.forward(right, self.grid) * self.inverse, self.grid)


def _constant(operator: StencilOperator) -> float:
    if operator.shift is not None and np.any(operator.shift != 0):
        raise BadInput.of("fast-poisson serves -Laplace only.", found="a shift on the diagonal", allowed="no shift")
    a = local_coefficient(operator)
    # walls weigh 2a (cells): local means differ there although a is constant, so compare with -Laplace's own
    from pdekit.space.diffusion import diffusion

    reference = local_coefficient(diffusion(operator.grid, 1.0)[0])
    ratio = a / reference
    low, high = float(ratio.min()), float(ratio.max())
    if not high - low <= VARIATION * high:
        raise BadInput.of(
            "fast-poisson alone solves for a constant coefficient.",
            found=f"coefficients from {low:.6g} to {high:.6g}",
            hint="use pcg-fast-poisson or pcg-multigrid",
        )
    return 0.5 * (low + high)


def once(system: System, method: Any, *, project_rhs: bool = False) -> Solution:
    """One application of a method that is set up: setup(operator, singular) done, apply(b) -> x."""
    started = perf_counter()
    b = system.b
    status: Status = Status.CONVERGED
    x = np.full(b.shape, math.nan)
    norm = float(np.linalg.norm(b.ravel()))
    residual = math.nan
    if not math.isfinite(norm) or not system.finite():
        status = Status.NONFINITE_INPUT
    elif norm == 0.0:
        x, status, residual = np.zeros_like(b), Status.CONVERGED_ZERO_RHS, 0.0
    elif not system.compatible() and not project_rhs:
        x, status, residual = np.zeros_like(b), Status.INCOMPATIBLE_RHS, 1.0
    else:
        if system.singular:
            system.b = b.copy()
            system.project(system.b)
        x = method.apply(system.b)
        if system.singular:
            system.centre(x)
        residual = system.true_residual(x)
        if not math.isfinite(residual):
            status = Status.NONFINITE
        elif residual > ACCEPTED:
            status = Status.BREAKDOWN
    return Solution(
        values=x,
        status=status,
        steps=1 if math.isfinite(norm) and norm > 0 else 0,
        residuals=np.array([norm, residual * norm]) if norm > 0 and math.isfinite(norm) else np.array([norm]),
        true_residual=residual,
        seconds=perf_counter() - started,
        n_matvec=1,
        n_precond=1,
        info={"method": method.name, "preconditioner": "none", "incompatible": system.incompatible()},
    )
