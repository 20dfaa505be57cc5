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
from pdekit.linear.attainable import attainable
from pdekit.linear.definiteness import semidefinite
from pdekit.linear.magnitude import at_ordinary_size
from pdekit.linear.preconditioners import inverse_eigenvalues, local_coefficient
from pdekit.linear.system import System, as_csr, operator_size, rooms
from pdekit.linear.vector_kernels import norm
from pdekit.solution import Solution, Status
from pdekit.space import transforms
from pdekit.space.diffusion import control_volumes
from pdekit.space.stencils import StencilOperator

ROUNDED = 30.0  # times the attainable residual: what rounding explains; a direct solve that leaves more is a breakdown
# And none above this, however large x is: what the others are asked for by default; a float32 x of an ordinary grid leaves 1e-3.
ACCEPTED = {np.dtype("float64"): 1e-8, np.dtype("float32"): 1e-2}
VARIATION = 1e-12  # relative variation of the coefficient that counts as constant


class SparseLU:
    """SuperLU with a symmetric ordering (MMD on A^T + A): without pivoting where A is positive definite, else with rows
    exchanged where the diagonal is ten times smaller, which serves matrices of any kind.

    A null space is handled by bordering A with its basis Z, rows and columns; SuperLU may factor a singular matrix without
    complaint, so singularity is declared, never left to it. Where it does complain, `apply` answers NaN.
    """

    name = "direct"

    def setup(self, operator: Any, singular: bool, basis: Any = None, *, spd: bool | None = None) -> SparseLU:
        """Factorise; `apply` can then be used for many right-hand sides. basis (N, k); None: what a StencilOperator tells of
        itself, else constants. spd as declared; None: as seen from the entries."""
        matrix = as_csr(operator).astype(np.float64)
        self.border = 0
        self.pivoting = singular or not (semidefinite(operator) if spd is None else spd)
        options: dict[str, Any] = {"permc_spec": "COLAMD"} if singular else {"permc_spec": "MMD_AT_PLUS_A"}
        if self.pivoting:
            options["diag_pivot_thresh"] = 1.0 if singular else 0.1
        else:
            options = {"permc_spec": "MMD_AT_PLUS_A", "diag_pivot_thresh": 0.0, "options": {"SymmetricMode": True}}
        if singular:
            size = operator_size(operator)
            found = rooms(operator) if basis is None and isinstance(operator, StencilOperator) else None
            basis = basis if found is None or isinstance(found, str) else found
            basis = np.full((size, 1), size**-0.5) if basis is None else basis
            self.border = basis.shape[1]
            z = basis * float(matrix.diagonal().mean())
            matrix = sp.block_array([[matrix, z], [z.T, None]])
        try:
            self.factor = splu(sp.csc_matrix(matrix), **options)
        except RuntimeError:  # "Factor is exactly singular"
            self.factor = None
        return self

    def apply(self, b: np.ndarray) -> np.ndarray:
        """A^-1 b, float64; of least norm where A is singular; NaN where the factorisation broke down."""
        if self.factor is None:
            return np.full(b.shape, math.nan)
        x = self.factor.solve(np.append(b.ravel(), np.zeros(self.border)).astype(np.float64))
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
    low, high = float(a.min()), float(a.max())
    if not high - low <= VARIATION * high:
        raise BadInput.of(
            "fast-poisson alone solves for a constant coefficient.",
            found=f"coefficients from {low:.6g} to {high:.6g}",
            hint="use pcg-fast-poisson or pcg-multigrid",
        )
    return 0.5 * (low + high)


@at_ordinary_size
def once(system: System, method: Any, *, project_rhs: bool = False) -> Solution:
    """One application of a method that is set up: setup(operator, singular) done, apply(b) -> x."""
    started = perf_counter()
    b = system.b
    x, residual, steps, status = np.zeros_like(b), math.nan, 0, Status.CONVERGED
    size, incompatible = norm(b.ravel()), system.incompatible()
    if not math.isfinite(size) or not system.finite:
        x[...], status = math.nan, Status.NONFINITE_INPUT
    elif size == 0.0:
        status, residual = Status.CONVERGED_ZERO_RHS, 0.0
    elif not system.compatible() and not project_rhs:
        status, residual = Status.INCOMPATIBLE_RHS, 1.0
    else:
        if system.singular:
            system.project_rhs()
            size = norm(system.b.ravel())
        steps, exact = 1, method.apply(system.b)
        system.centre(exact)
        x = exact.astype(b.dtype, copy=False)
        residual, floor = system.true_residual(x), attainable(system, x)
        if not residual <= min(ACCEPTED[b.dtype], math.inf if floor is None else ROUNDED * floor):
            status = Status.BREAKDOWN
    return Solution(
        values=x,
        status=status,
        steps=steps,
        residuals=np.array([size, residual * size][: steps + 1]),
        true_residual=residual,
        seconds=perf_counter() - started,
        n_matvec=steps,
        n_precond=steps,
        info={"method": method.name, "preconditioner": "none", "incompatible": incompatible},
    )
