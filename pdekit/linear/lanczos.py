"""What the scalars of CG say about the spectrum of M A: Ritz values of the tridiagonal matrix that CG builds.

Source: Saad, Iterative Methods for Sparse Linear Systems, 2nd ed. 2003, eq. 6.82.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import eigvalsh_tridiagonal

WINDOW = 200  # newest steps that are looked at


def spectrum(alphas: list[float], betas: list[float]) -> tuple[float, float] | None:
    """Smallest and largest Ritz value from the newest steps; None before two steps, or where a scalar is not finite."""
    alpha, beta = np.array(alphas[-WINDOW:]), np.array(betas[-WINDOW:])
    if len(alpha) < 2 or not (np.isfinite(alpha).all() and np.isfinite(beta[:-1]).all()):
        return None
    diagonal = 1.0 / alpha
    diagonal[1:] += beta[:-1] / alpha[:-1]
    values = eigvalsh_tridiagonal(diagonal, np.sqrt(np.abs(beta[:-1])) / alpha[:-1])
    return float(values[0]), float(values[-1])


def condition(alphas: list[float], betas: list[float]) -> float:
    """Estimated condition number of M A, from below; 1 where nothing is known."""
    ends = spectrum(alphas, betas)
    return 1.0 if ends is None or ends[0] <= 0 else ends[1] / ends[0]
