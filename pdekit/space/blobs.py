"""Smooth patches scattered over a box, and the flow that balances a height: starts of reactions, waves, fires and shallow water.

Fields of one sample whose laws name the same `stream` share their random numbers: u and v of a reaction get the same patches.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import scipy.fft

from pdekit.errors import BadInput
from pdekit.space.grid import Grid
from pdekit.space.law import POSITIVE, REQUIRED, Law, field_grid, whole


def blobs(grid: Grid, count: int, low: float, high: float, rng: np.random.Generator, sign: bool = False) -> np.ndarray:
    """`count` smooth humps of height 1 at uniform places, radii uniform between `low` and `high` shortest sides.

    Along a periodic axis a hump is exp(-(1 - cos(2 pi d/L)) (L/(2 pi r))^2), which is exp(-d^2/(2 r^2)) near its centre and
    periodic exactly. Overlapping humps join to 1 - prod(1 - hump): nowhere above 1. With `sign` each is + or - and they add.
    """
    joined, total = np.ones(grid.points), np.zeros(grid.points)
    for _ in range(count):
        centre = [length * rng.random() for length in grid.length]
        radius = rng.uniform(low, high) * min(grid.length)
        turn = 1.0 if not sign or rng.random() < 0.5 else -1.0
        exponent: Any = 0.0
        for x, c, length, periodic in zip(grid.mesh, centre, grid.length, grid.periodic, strict=True):
            if periodic:
                exponent = exponent + 2.0 * (length / (2 * math.pi) * np.sin(math.pi * (x - c) / length) / radius) ** 2
            else:
                exponent = exponent + 0.5 * ((x - c) / radius) ** 2
        hump = np.broadcast_to(np.exp(-exponent), grid.points)
        joined, total = joined * (1.0 - hump), total + turn * hump
    return total if sign else 1.0 - joined


def _blobs(law: Mapping[str, Any], grid: Grid | None, rng: np.random.Generator) -> np.ndarray:
    grid = field_grid(grid, "blobs")
    return law["background"] + law["height"] * blobs(
        grid, law["count"], law["low"], law["high"], rng, law["sign"] == "either"
    )


def balanced(height: np.ndarray, grid: Grid, component: str, ratio: float) -> np.ndarray:
    """One component of the geostrophic flow u = -ratio h_y, v = ratio h_x of a height on a periodic box, ratio = g/f.

    Spectral derivatives; that of the Nyquist mode is imaginary, and irfft drops it.
    Raises BadInput where an axis is not periodic or there are not two.
    """
    if grid.dim != 2 or not all(grid.periodic):
        raise BadInput.of(
            "a balanced flow is defined on a periodic box of two axes.", found=f"boundary {grid.boundary}"
        )
    axis, sign = (1, -1.0) if component == "x" else (0, 1.0)
    n, length = grid.points[axis], grid.length[axis]
    k = 2 * math.pi * scipy.fft.rfftfreq(n, 1 / n) / length
    shape = [-1 if i == axis else 1 for i in range(2)]
    slope = scipy.fft.irfft(1j * k.reshape(shape) * np.asarray(scipy.fft.rfft(height, axis=axis)), n, axis=axis)
    return sign * ratio * np.asarray(slope)


LAWS = {
    "blobs": Law(
        "`count` smooth patches of `height` on a background, radii from `low` to `high` shortest sides",
        _blobs,
        {"count": REQUIRED, "low": REQUIRED, "high": REQUIRED, "height": 1.0, "background": 0.0, "sign": "one"},
        {"count": whole(0), "low": POSITIVE, "high": POSITIVE},
        words={"sign": ("one", "either")},
    ),
}
