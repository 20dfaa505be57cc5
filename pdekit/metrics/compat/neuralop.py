"""neuraloperator 2.0's LpLoss and H1Loss (neuralop/losses/data_losses.py), as numbers.

Different from ours: one ratio per sample and channel with 1e-8 added to the root of the denominator, **summed** over batch
and channels unless reduction = "mean"; equal weights at all points; H1 by second-order central differences, periodic
unless told otherwise, with four-point third-order differences at the faces, spacing measure / X whatever the location of
the points.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pdekit.errors import BadInput, unknown_name
from pdekit.metrics.fields import Field, namespace, space_axes
from pdekit.space.grid import Grid

EPS = 1e-8


def lp_loss(pred: Field, ref: Field, grid: Grid, *, p: int = 2, reduction: str = "sum") -> float:
    """LpLoss(d, p).rel: sum (or mean) over n, t, c of ||e||_p / ( ||ref||_p + 1e-8 )."""
    xp = namespace(pred, ref, grid)
    axes = space_axes(grid)
    a, b = xp.astype(pred, xp.float64), xp.astype(ref, xp.float64)
    error, size = (xp.sum(xp.abs(u) ** p, axis=axes) ** (1 / p) for u in (a - b, b))
    return _total(xp, error / (size + EPS), reduction)


def h1_loss(
    pred: Field,
    ref: Field,
    grid: Grid,
    *,
    measure: float | Sequence[float] = 1.0,
    periodic: Sequence[bool] | None = None,
    reduction: str = "sum",
) -> float:
    """H1Loss(d, measure, periodic_in_...).rel: relative root of the sums of u^2 and of the squared differences.

    measure    length per axis (one number for all): theirs is 1 whatever the box, so it is not taken from the grid
    periodic   per axis; None: all, as there
    """
    xp = namespace(pred, ref, grid)
    lengths = [float(measure)] * grid.dim if isinstance(measure, int | float) else list(measure)
    closed = [True] * grid.dim if periodic is None else list(periodic)
    if len(lengths) != grid.dim or len(closed) != grid.dim:
        raise BadInput.of("measure and periodic need one entry per axis.", found=f"{lengths}, {closed}")
    a, b = xp.astype(pred, xp.float64), xp.astype(ref, xp.float64)
    steps = [ell / n for ell, n in zip(lengths, grid.points, strict=True)]
    error, size = (_square(xp, u, steps, closed, space_axes(grid)) ** 0.5 for u in (a - b, b))
    return _total(xp, error / (size + EPS), reduction)


def _square(xp: Any, u: Any, steps: Sequence[float], closed: Sequence[bool], axes: tuple[int, ...]) -> Any:
    total = xp.sum(u * u, axis=axes)
    for axis, h, periodic in zip(axes, steps, closed, strict=True):
        total = total + xp.sum(_slope(xp, u, axis, h, periodic) ** 2, axis=axes)
    return total


def _slope(xp: Any, u: Any, axis: int, h: float, periodic: bool) -> Any:
    if periodic:
        return (xp.roll(u, -1, axis=axis) - xp.roll(u, 1, axis=axis)) / (2 * h)
    n = u.shape[axis]
    if n < 4:
        raise BadInput.of("these differences need 4 points along every axis.", found=str(n))

    def at(start: int, stop: int) -> Any:
        return u[(slice(None),) * axis + (slice(start, stop),)]

    low = (-11 * at(0, 1) + 18 * at(1, 2) - 9 * at(2, 3) + 2 * at(3, 4)) / (6 * h)
    high = (11 * at(n - 1, n) - 18 * at(n - 2, n - 1) + 9 * at(n - 3, n - 2) - 2 * at(n - 4, n - 3)) / (6 * h)
    return xp.concat((low, (at(2, n) - at(0, n - 2)) / (2 * h), high), axis=axis)


def _total(xp: Any, table: Any, reduction: str) -> float:
    if reduction not in ("sum", "mean"):
        raise unknown_name("reduction", reduction, ("sum", "mean"))
    return float(xp.sum(table) if reduction == "sum" else xp.mean(table))
