"""Block Jacobi: the inverse of the diagonal blocks of A, dense Cholesky factors of blocks of consecutive unknowns.

Source: Saad, Iterative Methods, 2nd ed. 2003, sec. 4.1.1 and 12.2.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pdekit.errors import BadInput
from pdekit.linear.block_jacobi_kernels import factor_blocks, solve_blocks
from pdekit.linear.system import as_csr


class BlockJacobi:
    """z = blockdiag(A)^-1 r. Linear, symmetric, positive definite where A is; blocks are independent of each other.

    size   unknowns of a block, >= 1, in C order: a piece of a line along the last axis; 1 is Jacobi. The last block may be
           short. Memory is size numbers per unknown
    After `setup`: `failed`, the number of blocks that are not positive definite; they are replaced by their diagonal, with
    NaN where that is not positive either, which the iteration reports.
    """

    name = "block-jacobi"
    linear = symmetric = True

    def __init__(self, size: int = 32) -> None:
        if isinstance(size, bool) or not isinstance(size, int) or size < 1:
            raise BadInput.of("size of the blocks of block-jacobi.", found=repr(size), allowed="an integer >= 1")
        self.size = size

    def setup(self, operator: Any) -> BlockJacobi:
        """Factorise the blocks, float64. Raises BadInput for a LinearOperator."""
        matrix: Any = as_csr(operator)
        n = matrix.shape[0]
        size = min(self.size, n)
        self._blocks = np.empty((-(-n // size), size, size))
        self.failed = int(factor_blocks(matrix.indptr, matrix.indices, matrix.data, self._blocks))
        return self

    def apply(self, r: np.ndarray, out: np.ndarray, norm: float = 1.0) -> float:
        """out = M r, both in C order; returns r . out."""
        return solve_blocks(self._blocks, r.ravel(), out.reshape(-1))
