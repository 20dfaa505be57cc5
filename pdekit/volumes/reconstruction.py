"""From cell means to values at faces, without new oscillations beside jumps.

Each function takes the means of five cells in a row, a b c d e, and gives the value at the face between c and d, as seen
from c; the other face of c is the same function of e d c b a. All are written in differences: constants come out exactly.

    constant   c                                                       first order
    minmod     c + the smaller of both slopes / 2                      second order, no new extrema
    van-leer   c + the harmonic mean of both slopes / 2                second order, no new extrema, sharper
    weno5      three parabolas, weighed by how smooth they are         fifth order
    weno-z     the same with weights nearer to the ideal ones          fifth order at extrema too, sharper
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Face = Callable[..., np.ndarray]
SMOOTH = {"weno5": 1e-6, "weno-z": 1e-40}  # epsilon of the weights, in units of the field's scale squared
LEAST = 1e-100  # epsilon of a field that is 0


def constant(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray, e: np.ndarray, eps: np.ndarray) -> np.ndarray:
    """The mean itself: Godunov 1959."""
    return c


def minmod(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray, e: np.ndarray, eps: np.ndarray) -> np.ndarray:
    """Half the smaller slope where both have one sign: van Leer 1979, doi:10.1016/0021-9991(79)90145-1; Roe 1986."""
    before, after = c - b, d - c
    smaller = np.where(np.abs(before) < np.abs(after), before, after)
    return c + np.where(before * after > 0, 0.5 * smaller, 0.0)


def van_leer(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray, e: np.ndarray, eps: np.ndarray) -> np.ndarray:
    """Half the harmonic mean of the slopes where both have one sign: van Leer 1974, doi:10.1016/0021-9991(74)90019-9."""
    before, after = c - b, d - c
    alike = before * after > 0
    return c + np.where(alike, before * after / np.where(alike, before + after, 1.0), 0.0)


def weno5(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray, e: np.ndarray, eps: np.ndarray) -> np.ndarray:
    """Weights gamma/(eps + beta)^2: Jiang & Shu 1996, doi:10.1006/jcph.1996.0130, eqs. 2.10, 2.16, 3.1 to 3.3."""
    (q0, q1, q2), (b0, b1, b2) = _parabolas(a, b, c, d, e)
    w0, w1, w2 = 0.1 / (eps + b0) ** 2, 0.6 / (eps + b1) ** 2, 0.3 / (eps + b2) ** 2
    return c + (w0 * q0 + w1 * q1 + w2 * q2) / (w0 + w1 + w2)


def weno_z(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray, e: np.ndarray, eps: np.ndarray) -> np.ndarray:
    """Weights gamma (1 + (tau/(eps + beta))^2), tau = |beta_0 - beta_2|: Borges, Carmona, Costa & Don 2008,
    doi:10.1016/j.jcp.2007.11.038."""
    (q0, q1, q2), (b0, b1, b2) = _parabolas(a, b, c, d, e)
    tau = np.abs(b0 - b2)
    w0, w1, w2 = (g * (1.0 + (tau / (eps + s)) ** 2) for g, s in ((0.1, b0), (0.6, b1), (0.3, b2)))
    return c + (w0 * q0 + w1 * q1 + w2 * q2) / (w0 + w1 + w2)


def _parabolas(
    a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray, e: np.ndarray
) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
    """What the parabolas through abc, bcd, cde add to c at the face, and how much each one swings."""
    d1, d2, d3, d4 = b - a, c - b, d - c, e - d
    added = ((5 * d2 - 2 * d1) / 6, (d2 + 2 * d3) / 6, (4 * d3 - d4) / 6)
    b0 = 13 / 12 * (d2 - d1) ** 2 + 0.25 * (3 * d2 - d1) ** 2
    b1 = 13 / 12 * (d3 - d2) ** 2 + 0.25 * (d2 + d3) ** 2
    b2 = 13 / 12 * (d4 - d3) ** 2 + 0.25 * (3 * d3 - d4) ** 2
    return added, (b0, b1, b2)


RECONSTRUCTIONS: dict[str, Face] = {
    "constant": constant,
    "minmod": minmod,
    "van-leer": van_leer,
    "weno5": weno5,
    "weno-z": weno_z,
}


def epsilons(name: str, scale: np.ndarray) -> np.ndarray:
    """(c,) epsilon of each field: fixed from the start of a run, so that u and 1000 u are weighed alike."""
    return np.maximum(SMOOTH.get(name, 0.0) * scale**2, LEAST)
