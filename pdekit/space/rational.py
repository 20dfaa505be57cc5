"""What equispaced samples say between and just beyond themselves: Floater and Hormann's rational interpolant.

    r(x) = sum_j w_j u_j/(x - x_j) / sum_j w_j/(x - x_j)
    w_j  = (-1)^j sum_i C(d, j - i),    i = max(j - d, 0) .. min(j, n - 1 - d)

It blends the polynomials through d + 1 neighbours, has no poles on the line and error O(h^(d+1)) for smooth u; between the
samples it enlarges what is wrong with them by at most 2^(d-1) (2 + log n), where the polynomial through all of them would by
2^n (Runge). Half a cell beyond the last of them, where cells meet a wall, it is worse: by 40 (d = 3), 150 (d = 5), 620 (d = 7)
at n = 64 (measured).
Source: Floater & Hormann 2007, doi:10.1007/s00211-007-0093-y, eq. 18; Bos, De Marchi, Hormann & Klein 2012,
doi:10.1007/s00211-011-0442-8 (the bound).
"""

from __future__ import annotations

import numpy as np
from scipy.special import comb

from pdekit.errors import BadInput
from pdekit.space.series import check_degree


def weights(points: int, degree: int) -> np.ndarray:
    """(n,) barycentric weights w_j of `points` equispaced samples, dimensionless; degree d < n. Raises BadInput."""
    check_degree(degree, what="blending degree of equispaced samples.")
    if degree >= points:
        raise BadInput.of(
            "blending degree of equispaced samples.",
            found=f"{degree} for {points} points",
            allowed="fewer than the points",
        )
    whole = np.convolve(np.asarray(comb(degree, np.arange(degree + 1))), np.ones(points - degree))
    return (-1.0) ** np.arange(points) * whole


def interpolation_matrix(x: np.ndarray, new: np.ndarray, degree: int) -> np.ndarray:
    """M (m, n): M u are the values of r at the points new (m,), from samples u at the equispaced x (n,). Rows sum to 1."""
    w = weights(x.size, degree)
    gap = np.subtract.outer(new, x)
    hit = np.abs(gap) <= 4.0 * np.finfo(np.float64).eps * max(float(np.abs(x).max()), float(np.abs(new).max()))
    met = hit.any(axis=1)
    ratio = w / np.where(hit, 1.0, gap)
    ratio[met] = hit[met]
    return ratio / ratio.sum(axis=1, keepdims=True)
