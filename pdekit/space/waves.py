"""Waves with a slow and a fast factor, and what drives them: sin(6x) cos(100x) and its kin, in closed form."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from pdekit.space.grid import Grid


def wave_product(grid: Grid, slow: Sequence[int], fast: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """(u, -Laplace u) at the stored points, u = prod_i sin(p_i X_i) cos(q_i X_i), X_i = pi x_i/L_i.

    slow, fast   p and q per axis, whole numbers: u is zero on all faces of the box

    Each factor is the mean of two sines of wavenumbers pi (q + p)/L and -pi (q - p)/L: g'' = -(pi/L)^2 ((p^2 + q^2) g +
    2 p q cos(p X) sin(q X)).
    """
    factors, bends = [], []
    for x, length, p, q in zip(grid.mesh, grid.length, slow, fast, strict=True):
        k = math.pi / length
        g = np.sin(p * k * x) * np.cos(q * k * x)
        factors.append(g)
        bends.append(k**2 * ((p**2 + q**2) * g + 2 * p * q * np.cos(p * k * x) * np.sin(q * k * x)))
    u, f = np.ones((1,) * grid.dim), np.zeros(grid.points)
    for g in factors:
        u = u * g
    for axis, bend in enumerate(bends):
        term = bend
        for other, g in enumerate(factors):
            term = term if other == axis else term * g
        f = f + term
    return np.broadcast_to(u, grid.points).copy(), f
