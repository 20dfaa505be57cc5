"""Errors at points: absolute, relative, scaled by the variance, largest. Tables (n, t, c); e = pred - ref.

<f> is the mean over space with the quadrature weights of the grid. Conventions of failures: `fields`.
"""

from __future__ import annotations

import math
from typing import Any

from array_api_compat import array_namespace, device
from jaxtyping import Float

from pdekit.errors import BadInput, unknown_name
from pdekit.metrics.fields import (
    Field,
    Table,
    by_samples,
    is_degenerate,
    mark_failures,
    mean,
    ratio,
    space_axes,
    spread,
)
from pdekit.space.grid import Grid


def mse(pred: Field, ref: Field, grid: Grid) -> Table:
    """Mean squared error <e^2>, in units of the field squared."""
    finite, square = by_samples(lambda xp, p, r: (mean(xp, (p - r) ** 2, grid),), pred, ref, grid)
    return mark_failures(square, finite)


def rmse(pred: Field, ref: Field, grid: Grid) -> Table:
    """Root mean squared error sqrt<e^2>, in units of the field."""
    return mse(pred, ref, grid) ** 0.5


def mae(pred: Field, ref: Field, grid: Grid) -> Table:
    """Mean absolute error <|e|>, in units of the field."""
    finite, size = by_samples(lambda xp, p, r: (mean(xp, xp.abs(p - r), grid),), pred, ref, grid)
    return mark_failures(size, finite)


def relative_l2(pred: Field, ref: Field, grid: Grid, *, channels: str = "apart") -> Float[Any, "n t _"]:
    """Root of the mean squared error over the root mean square of ref, sqrt<e^2> / sqrt<ref^2>; dimensionless.

    channels   "apart", or "joint": summed over c inside both roots (components of one vector), table (n, t, 1)
    NaN where ref is zero to within 1e-12 of its largest value in the batch: counted later, never smoothed by an epsilon.
    """
    finite, square, reference = _squares(pred, ref, grid)
    if channels == "joint":
        xp = array_namespace(square)
        square, reference = (xp.sum(a, axis=-1, keepdims=True) for a in (square, reference))
        finite = xp.all(finite, axis=-1, keepdims=True)
    elif channels != "apart":
        raise unknown_name("treatment of channels", channels, ("apart", "joint"))
    return ratio(square**0.5, reference**0.5, finite)


def relative_l2_trajectory(pred: Field, ref: Field, grid: Grid) -> Float[Any, "n 1 c"]:
    """sqrt(sum_t <e^2>) / sqrt(sum_t <ref^2>), one number per trajectory, (n, 1, c); dimensionless.

    For trajectories that decay, where a ratio per frame divides by nearly nothing in the end.
    """
    finite, square, reference = _squares(pred, ref, grid)
    xp = array_namespace(square)
    square, reference = (xp.sum(a, axis=1, keepdims=True) for a in (square, reference))
    return ratio(square**0.5, reference**0.5, xp.all(finite, axis=1, keepdims=True))


def normalised_rmse(pred: Field, ref: Field, grid: Grid, *, scale: Any) -> Table:
    """sqrt<e^2> / s_c with s_c (c,) the root mean square of each channel over the *training* set; dimensionless.

    Comparable across times, and bounded where ref tends to zero. Not in METRICS, whose metrics know pred, ref and grid
    only: call it as `normalised_rmse(pred, ref, grid, scale=s)` and give the table to `reduce` or `per_sample`.
    Raises BadInput unless every s_c > 0.
    """
    error = rmse(pred, ref, grid)
    xp = array_namespace(error)
    s = xp.asarray(scale, dtype=xp.float64, device=device(error))
    if tuple(s.shape) != (ref.shape[-1],) or not bool(xp.all(xp.isfinite(s) & (s > 0))):
        raise BadInput.of(
            "the scale of a normalised error cannot be used.",
            found=str(scale),
            allowed=f"{ref.shape[-1]} finite numbers > 0, one per channel",
        )
    return error / s


def vrmse(pred: Field, ref: Field, grid: Grid) -> Table:
    """sqrt( <e^2> / <(ref - <ref>)^2> ), population variance over space; dimensionless.

    1 is what predicting the spatial mean gives. NaN where ref is constant in space.
    """

    def compute(xp: Any, p: Any, r: Any) -> tuple[Any, ...]:
        centred = r - spread(xp, mean(xp, r, grid), grid)
        return mean(xp, (p - r) ** 2, grid), mean(xp, centred**2, grid), mean(xp, r**2, grid)

    finite, square, variance, size = by_samples(compute, pred, ref, grid)
    return ratio(square**0.5, variance**0.5, finite, size=size**0.5)


def max_error(pred: Field, ref: Field, grid: Grid) -> Table:
    """Largest |e| over space, in units of the field. Over t it is reduced by its maximum, over n by its mean."""
    finite, largest = by_samples(lambda xp, p, r: (xp.max(xp.abs(p - r), axis=space_axes(grid)),), pred, ref, grid)
    return mark_failures(largest, finite)


def relative_max(pred: Field, ref: Field, grid: Grid) -> Table:
    """Largest |e| over largest |ref|, over space; dimensionless."""

    def compute(xp: Any, p: Any, r: Any) -> tuple[Any, ...]:
        axes = space_axes(grid)
        return xp.max(xp.abs(p - r), axis=axes), xp.max(xp.abs(r), axis=axes)

    finite, largest, reference = by_samples(compute, pred, ref, grid)
    return ratio(largest, reference, finite)


def correlation(pred: Field, ref: Field, grid: Grid) -> Table:
    """Centred correlation over space, in [-1, 1]: the same weights in the covariance and in both variances.

    Here larger is better: -inf where the prediction is not finite. NaN where pred or ref is constant in space.
    """

    def compute(xp: Any, p: Any, r: Any) -> tuple[Any, ...]:
        a = p - spread(xp, mean(xp, p, grid), grid)
        b = r - spread(xp, mean(xp, r, grid), grid)
        moments = (a * b, a * a, b * b, p * p, r * r)
        return tuple(mean(xp, m, grid) for m in moments)

    finite, covariance, variance_p, variance_r, square_p, square_r = by_samples(compute, pred, ref, grid)
    xp = array_namespace(covariance)
    constant = is_degenerate(variance_p**0.5, square_p**0.5) | is_degenerate(variance_r**0.5, square_r**0.5)
    one = xp.ones_like(covariance)
    # Two roots, not the root of a product: that one under- or overflows first.
    spreads = xp.where(constant, one, variance_p) ** 0.5 * xp.where(constant, one, variance_r) ** 0.5
    out = xp.where(constant, one * math.nan, covariance / spreads)
    return xp.where(finite & xp.isfinite(variance_p), out, one * -math.inf)


def _squares(pred: Any, ref: Any, grid: Grid) -> tuple[Any, ...]:
    return by_samples(lambda xp, p, r: (mean(xp, (p - r) ** 2, grid), mean(xp, r * r, grid)), pred, ref, grid)
