"""Sobolev norms H^s and relative errors in them.

    ||u||_s^2 = V sum_m (1 + (L0 |k|)^2)^s |a_m|^2        k = 2 pi m / L, all modes, |k| kept at the Nyquist mode

s = 0 is L2; s = 1 is ||u||^2 + L0^2 ||grad u||^2; s = -1 weighs large scales. L0 makes the sum one of like units: state it
beside the number. The weight (alpha + |k|^2)^s is alpha^s times L0 = alpha^(-1/2). The homogeneous norm has (L0 |k|)^(2s)
and leaves the mean out. On grids that are not fully periodic only s = 0 and s = 1 exist here, by quadrature, with second-
order differences: central inside, one-sided at the faces.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device

from pdekit.errors import BadInput
from pdekit.metrics.fields import DEGENERATE, Field, Table, by_samples, mean, ratio, space_axes, spread
from pdekit.metrics.spectral import coefficients, growth, modes
from pdekit.space.grid import Grid


def sobolev_norm(u: Field, grid: Grid, s: float | int, *, scale: float | int = 1.0, homogeneous: bool = False) -> Table:
    """||u||_s, in units of u times length^(dim/2).

    s       order, any real number on fully periodic grids, else 0 or 1
    scale   L0, in units of the grid's length
    Homogeneous with s < 0: NaN where the mean of u is not zero, for which that norm does not exist.
    """
    _check(grid, s, scale)

    def compute(xp: Any, p: Any, r: Any) -> tuple[Any, ...]:
        return _square(xp, r, grid, s, scale, homogeneous), xp.abs(mean(xp, r, grid)), mean(xp, r * r, grid)

    _, square, centre, power = by_samples(compute, u, u, grid, growth=growth(grid))
    if homogeneous and s < 0:
        xp = array_namespace(square)
        square = xp.where(centre > DEGENERATE * power**0.5, square * math.nan, square)
    return square**0.5


def relative_sobolev(
    pred: Field, ref: Field, grid: Grid, s: float | int, *, scale: float | int = 1.0, homogeneous: bool = False
) -> Table:
    """||pred - ref||_s / ||ref||_s; dimensionless. Arguments as `sobolev_norm`.

    NaN where the norm of ref is zero to rounding. With `homogeneous` the error of the mean is not seen: report it apart.
    """
    _check(grid, s, scale)

    def compute(xp: Any, p: Any, r: Any) -> tuple[Any, ...]:
        return tuple(_square(xp, u, grid, s, scale, homogeneous) for u in (p - r, r))

    finite, error, reference = by_samples(compute, pred, ref, grid, growth=growth(grid))
    return ratio(error**0.5, reference**0.5, finite)


def relative_h1(pred: Field, ref: Field, grid: Grid) -> Table:
    """||pred - ref|| / ||ref|| with ||u||^2 the integral of u^2 + |grad u|^2 (L0 = 1); the measure of the `h1` loss."""
    return relative_sobolev(pred, ref, grid, 1)


def difference(xp: Any, u: Any, axis: int, h: float, periodic: bool) -> Any:
    """du/dx along one axis to second order: central; one-sided over three points at ends that are not periodic."""
    if periodic:
        return (xp.roll(u, -1, axis=axis) - xp.roll(u, 1, axis=axis)) / (2 * h)

    def part(start: int, stop: int | None) -> Any:
        return u[(slice(None),) * axis + (slice(start, stop),)]

    n = u.shape[axis]
    if n == 2:
        slope = (part(1, None) - part(0, 1)) / h
        return xp.concat((slope, slope), axis=axis)
    inner = (part(2, None) - part(0, n - 2)) / (2 * h)
    low = (4 * part(1, 2) - 3 * part(0, 1) - part(2, 3)) / (2 * h)
    high = (3 * part(n - 1, None) - 4 * part(n - 2, n - 1) + part(n - 3, n - 2)) / (2 * h)
    return xp.concat((low, inner, high), axis=axis)


def _square(xp: Any, u: Any, grid: Grid, s: float | int, scale: float | int, homogeneous: bool) -> Any:
    if all(grid.periodic):
        table = modes(grid)
        k2 = (scale * table.k) ** 2
        if homogeneous:
            factor = np.zeros_like(k2)
            np.power(k2, s, out=factor, where=k2 > 0)
        else:
            factor = (1.0 + k2) ** s
        weight = xp.asarray((grid.volume * table.weight * factor)[:, None], device=device(u))
        return xp.sum(xp.abs(coefficients(xp, u, grid)) ** 2 * weight, axis=2)
    total = mean(xp, (u - spread(xp, mean(xp, u, grid), grid)) ** 2 if homogeneous else u * u, grid)
    if s == 1:
        slopes = [
            (scale * difference(xp, u, axis, h, p)) ** 2
            for axis, h, p in zip(space_axes(grid), grid.spacing, grid.periodic, strict=True)
        ]
        gradient = mean(xp, sum(slopes[1:], slopes[0]), grid)
        total = gradient if homogeneous else total + gradient
    return grid.volume * total


def _check(grid: Grid, s: float | int, scale: float | int) -> None:
    if not math.isfinite(s) or not (math.isfinite(scale) and scale > 0):
        raise BadInput.of("this Sobolev norm is not defined.", found=f"s = {s}, scale = {scale}", allowed="scale > 0")
    if not all(grid.periodic) and s not in (0, 1):
        raise BadInput.of(
            f"H^{s:g} is not defined on a grid that is not fully periodic.",
            found=f"boundary {grid.boundary}",
            allowed="s = 0 or s = 1 (by quadrature); any s where every axis is periodic",
        )
