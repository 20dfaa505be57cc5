"""How well an answer satisfies its equation, and keeps what the equation keeps.

A residual is not an error: it says nothing about |u - u_exact| by itself. Report each figure for the reference too: that is
its floor.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device
from jaxtyping import Float

from pdekit.metrics.fields import Field, Table, by_samples, is_degenerate, mark_failures, mean, ratio
from pdekit.space.grid import Grid


def residual(problem: Any, instances: Any, values: Mapping[str, Any]) -> Float[np.ndarray, " n"]:
    """|b - A u| / |b| of given outputs by the problem's own operator on the grid of `instances`, whoever solved it.

    problem     a Problem; values {output name: (n, *x)}
    +inf where the outputs are not finite.
    """
    out = np.asarray(problem.residual(instances, values), dtype=np.float64)
    finite = np.ones(len(out), dtype=bool)
    for array in values.values():
        finite &= np.isfinite(np.asarray(array)).reshape(len(out), -1).all(axis=1)
    return np.where(finite, out, np.inf)


def energy(u: Field, grid: Grid) -> Table:
    """<u^2>/2 of each channel, in units of u squared; that of a vector field is the sum over c. +inf where u is not finite."""
    finite, square = by_samples(lambda xp, p, r: (mean(xp, p * p, grid),), u, _zeros(u), grid)
    return mark_failures(0.5 * square, finite)


def energy_error(pred: Field, ref: Field, grid: Grid) -> Table:
    """|E_pred - E_ref| / E_ref with E = <u^2>/2, per frame; dimensionless. NaN where E_ref is zero to rounding."""
    finite, p, r = by_samples(lambda xp, p, r: (mean(xp, p * p, grid), mean(xp, r * r, grid)), pred, ref, grid)
    return ratio(array_namespace(p).abs(p - r), r, finite)


def mean_drift(u: Field, grid: Grid) -> Table:
    """|<u>(t) - <u>(0)| over the root mean square of u in the first frame; dimensionless, no reference needed.

    Says something only about channels whose mean the equation keeps: round-off then, for a solver that is conservative.
    """
    finite, middle, square = by_samples(lambda xp, p, r: (mean(xp, p, grid), mean(xp, p * p, grid)), u, _zeros(u), grid)
    xp = array_namespace(middle)
    size = square[:, :1, :] ** 0.5
    return ratio(xp.abs(middle - middle[:, :1, :]), xp.broadcast_to(size, middle.shape), finite)


def budget_defect(
    quantity: Float[np.ndarray, "n t"],
    rate: Float[np.ndarray, "n t"],
    times: Float[np.ndarray, " t"],
    size: Float[np.ndarray, " n"],
) -> Float[np.ndarray, "n t"]:
    """|Q(t) - Q(0) - integral of dQ/dt| / size, by the trapezium rule over the stored frames; dimensionless.

    rate   dQ/dt by the physics: 0 of what is conserved, -2 nu Z of the energy of a flow without forcing
    size   of Q in each sample: its largest value, or of a mean that may be zero the root mean square of the field
    The rule has an error of its own, of second order in the spacing of the frames: what the reference has is the floor. +inf
    where Q is not finite; where the size is zero, unless the defect is zero too.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        steps = 0.5 * (rate[:, 1:] + rate[:, :-1]) * np.diff(times)
        defect = np.abs(quantity - quantity[:, :1] - np.pad(np.cumsum(steps, axis=1), ((0, 0), (1, 0))))
    return relative_to_size(defect, size)


def relative_to_size(difference: Float[np.ndarray, "n t"], size: Float[np.ndarray, " n"]) -> Float[np.ndarray, "n t"]:
    """difference / size of each sample; +inf where it is not finite, and where the size is zero and the difference is not."""
    whole = np.broadcast_to(size[:, None], difference.shape)
    out = np.divide(difference, whole, out=np.where(difference > 0, np.inf, 0.0), where=whole > 0)
    return np.where(np.isfinite(difference), out, np.inf)


def _zeros(u: Any) -> Any:
    """A finite stand-in where a metric has no reference, as large as u to the eye and one number in memory."""
    xp = array_namespace(u)
    return xp.broadcast_to(xp.zeros((1,) * len(u.shape), dtype=u.dtype, device=device(u)), tuple(u.shape))


def relative_residual(image: Field, source: Field, grid: Grid, *, scale: Any = None) -> Table:
    """||L u - f|| / ||f|| in L2 from two arrays: image = L u by one fixed operator, source = f; dimensionless.

    Not in METRICS: it needs L u, where `residual`, which is, needs the problem. Called by hand, its table is for `reduce`.

    scale   (n, t, c), a bound of ||L|| ||u||: what divides where f is zero; without it such entries are NaN
    """
    finite, square, reference = by_samples(
        lambda xp, p, r: (mean(xp, (p - r) ** 2, grid), mean(xp, r * r, grid)), image, source, grid
    )
    size = reference**0.5
    if scale is not None:
        xp = array_namespace(size)
        size = xp.where(is_degenerate(size), xp.astype(scale, xp.float64), size)
    return ratio(square**0.5, size, finite)
