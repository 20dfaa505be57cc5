"""What can be said of A before any step: is it symmetric, is it positive semidefinite? For the choice of a method."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from pdekit.space.stencils import StencilOperator

ROUNDED = 1e-12  # share of the diagonal by which rounding may leave a row short of dominance
PROBED = 1e-6  # |u.Av - v.Au| over |u||Av| that a LinearOperator may show and be called symmetric


def asymmetry(matrix: Any) -> tuple[float, float]:
    """Largest |a_ij - a_ji|, and largest |a_ij|, of a sparse matrix."""
    matrix = sp.csr_array(matrix)
    return float(abs(matrix - matrix.T).max()), float(abs(matrix).max())


def symmetric(operator: Any, tolerance: float = 1e-10) -> bool:
    """Stencils are symmetric; matrices where mirrored entries differ by `tolerance` times the largest at most.

    A LinearOperator has no entries: it is asked for two products with random vectors, which overlooks nothing but bad luck.
    """
    if isinstance(operator, StencilOperator):
        return True
    if sp.issparse(operator):
        if operator.shape[0] == 0:
            return True
        gap, size = asymmetry(operator)
        return not gap > tolerance * size
    u, v = np.random.default_rng(0).normal(size=(2, operator.shape[0]))
    au, av = operator @ u, operator @ v
    return not abs(u @ av - v @ au) > PROBED * np.linalg.norm(u) * np.linalg.norm(av)


def semidefinite(operator: Any) -> bool | None:
    """True where A is declared (`operator.spd`) or seen to be symmetric positive semidefinite; None where nobody knows.

    Seen: no negative edge or shift of a StencilOperator; a symmetric matrix with a positive diagonal that dominates its rows.
    """
    if isinstance(operator, StencilOperator):
        return True if operator.spd else None
    if getattr(operator, "spd", None) is True:
        return True
    if not sp.issparse(operator) or operator.shape[0] == 0:
        return None
    diagonal = np.asarray(operator.diagonal(), dtype=np.float64)
    if not (diagonal > 0.0).all() or not symmetric(operator):
        return None
    rows = np.asarray(abs(sp.csr_array(operator)).sum(axis=1), dtype=np.float64).ravel()
    return True if (2.0 * diagonal - rows >= -ROUNDED * diagonal).all() else None
