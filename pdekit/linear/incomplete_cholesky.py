"""Incomplete Cholesky without fill, IC(0): L L^T is A on A's own pattern. Restarted with a larger diagonal where it breaks down.

Source: Meijerink & van der Vorst 1977, doi:10.1090/S0025-5718-1977-0438681-4; the shift: Manteuffel 1980,
doi:10.1090/S0025-5718-1980-0559197-0.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from pdekit.linear.system import as_csr
from pdekit.linear.triangular_kernels import cholesky_rows, solve_both
from pdekit.linear.vector_kernels import dot

FIRST = 1e-3  # first shift, relative to the diagonal, after a pivot that is not positive; doubled until all are
LAST = 10.0  # a matrix whose diagonal needs more than this is not positive definite


class IncompleteCholesky:
    """z = (L L^T)^-1 r. Linear, symmetric, positive definite; sequential, in the order of the unknowns.

    After `setup`: `shift`, the share of the diagonal that was added, 0 where none was needed (M-matrices); None where no
    shift up to 10 served: then M is the inverse diagonal, and the iteration's status tells that A is not definite.
    """

    name = "ic0"
    linear = symmetric = True

    def setup(self, operator: Any) -> IncompleteCholesky:
        """Factorise the lower triangle, float64."""
        lower: Any = sp.csr_matrix(sp.tril(as_csr(operator).astype(np.float64)))
        lower.sum_duplicates()
        lower.sort_indices()
        diagonal = lower.diagonal()
        self.shift, self._inverse = 0.0, None
        while self.shift <= LAST and (diagonal > 0.0).all():
            factor = lower.data.copy()
            if cholesky_rows(lower.indptr, lower.indices, factor, self.shift) < 0:
                self._factor = (lower.indptr, lower.indices, factor)
                return self
            self.shift = 2.0 * self.shift or FIRST
        self.shift, self._inverse = None, 1.0 / np.where(diagonal == 0.0, 1.0, diagonal)
        return self

    def apply(self, r: np.ndarray, out: np.ndarray, norm: float = 1.0) -> float:
        """out = M r, both in C order; returns r . out."""
        if self._inverse is None:
            return solve_both(*self._factor, r.ravel(), out.reshape(-1))
        np.multiply(r, self._inverse.reshape(r.shape), out=out)
        return dot(r.ravel(), out.ravel())
