"""Colours the graph of a sparse matrix, so that no two unknowns of one colour are coupled: the order of multicolour sweeps."""

from __future__ import annotations

from typing import Any

import numpy as np

from pdekit.linear.relaxation_matrix_kernels import greedy


def greedy_colours(matrix: Any) -> np.ndarray:
    """(n,) colours 0, 1, ... of the unknowns of a symmetric csr_array: 2 on 5-point, 4 on 9-point grids in C order.

    Each unknown takes the smallest colour that its neighbours leave: at most the largest degree + 1 colours. Stored zeros
    count as couplings. Source: Saad, Iterative Methods for Sparse Linear Systems, 2nd ed. 2003, alg. 3.6.
    """
    colours = np.full(matrix.shape[0], -1, dtype=np.int64)
    degree = int(np.diff(matrix.indptr).max(initial=0))
    greedy(matrix.indptr, matrix.indices, colours, np.full(degree + 2, -1, dtype=np.int64))
    return colours


def by_colour(matrix: Any) -> np.ndarray:
    """(n,) numbers of the unknowns, colour after colour, in each colour as they were."""
    return np.argsort(greedy_colours(matrix), kind="stable")
