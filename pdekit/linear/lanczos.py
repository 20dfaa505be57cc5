"""What the scalars of CG say about the spectrum of M A, and so how long CG may go without a new least residual.

The scalars are those of a tridiagonal matrix whose eigenvalues, the Ritz values, lie in the spectrum and find its ends first:
Saad, Iterative Methods for Sparse Linear Systems, 2nd ed. 2003, eq. 6.82. All steps count: the smallest eigenvalues are found
late, and the newest few hundred steps alone do not see them.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.linalg import eigvalsh_tridiagonal

PATIENCE = 50  # steps without a new least residual, at least, before STAGNATED
GROWTH = 1.25  # a wait that proved too short grows by this at least: few estimates, however long the run
SHORT = 64  # steps up to which all Ritz values together cost less than the two at the ends
EPS = float(np.finfo(np.float64).eps)


def spectrum(alphas: list[float], betas: list[float]) -> tuple[float, float] | None:
    """Smallest and largest Ritz value; None before two steps, or where a scalar is not finite. O(steps)."""
    alpha, beta = np.array(alphas), np.array(betas)
    if len(alpha) < 2 or not (np.isfinite(alpha).all() and np.isfinite(beta[:-1]).all()):
        return None
    diagonal = 1.0 / alpha
    diagonal[1:] += beta[:-1] / alpha[:-1]
    beside = np.sqrt(np.abs(beta[:-1])) / alpha[:-1]
    if len(diagonal) <= SHORT:
        values = eigvalsh_tridiagonal(diagonal, beside)
        return float(values[0]), float(values[-1])
    last = len(diagonal) - 1
    low, high = (eigvalsh_tridiagonal(diagonal, beside, select="i", select_range=(k, k)) for k in (0, last))
    return float(low[0]), float(high[0])


def condition(alphas: list[float], betas: list[float]) -> float:
    """Estimated condition number of M A, from below; 1 where nothing is known, at most 1 / eps."""
    ends = spectrum(alphas, betas)
    return 1.0 if ends is None or ends[1] <= 0 else ends[1] / max(ends[0], EPS * ends[1])


class Patience:
    """How many steps may pass without a new least residual before a run is called stagnated.

    |r| falls within m steps by 2 sqrt(kappa) q^m at least, q = (sqrt(kappa) - 1) / (sqrt(kappa) + 1), from wherever CG
    stands: sqrt(kappa) / 2 ln(2 sqrt(kappa)) steps bring a new least one, though |r| may grow for hundreds before.
    """

    def __init__(self) -> None:
        self.steps = float(PATIENCE)

    def ends(self, waited: int, alphas: list[float], betas: list[float]) -> bool:
        """True where `waited` steps are more than the scalars so far excuse. They are looked at only when the wait is over."""
        if waited < self.steps:
            return False
        root = math.sqrt(condition(alphas, betas))
        if waited >= 0.5 * root * math.log(2.0 * root):
            return True
        self.steps = max(0.5 * root * math.log(2.0 * root), GROWTH * waited)
        return False
