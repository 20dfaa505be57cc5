"""Errors of trajectories frame by frame: the curve with its spread over samples, its geometric mean, how many stay stable.

Frames that a solver was given (its history) are never scored: leave them out with `scored` before anything else.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from array_api_compat import array_namespace
from jaxtyping import Bool, Float

from pdekit.errors import BadInput
from pdekit.metrics.fields import Field, by_samples, mean
from pdekit.metrics.reduce import as_numpy
from pdekit.space.grid import Grid

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
BURST = 10.0  # times the reference's largest energy, beyond which a trajectory counts as lost
STEPS = 100  # of the geometric mean: APEBench's aggregate


@dataclass(frozen=True)
class Curve:
    """A metric per frame, over n samples.

    mean        (t,) over the samples that are finite at that frame; NaN where none is
    quantiles   (q, t) of all defined samples at QUANTILES: failures take part by rank, so +inf where too many failed
    n_failed, n_degenerate   (t,) samples that are infinite, or not defined, at that frame
    """

    mean: np.ndarray
    quantiles: np.ndarray
    n_failed: np.ndarray
    n_degenerate: np.ndarray

    @property
    def median(self) -> np.ndarray:
        """(t,)."""
        return self.quantiles[QUANTILES.index(0.5)]


def scored(u: Any, given: int) -> Any:
    """The frames after the first `given` ones: (n, t, ...) -> (n, t - given, ...). Raises BadInput where none is left."""
    if not 0 <= given < u.shape[1]:
        raise BadInput.of(
            "no frame is left to score.",
            found=f"{u.shape[1]} frames, of which {given} are given",
            allowed="more frames than are given",
        )
    return u[:, given:, ...]


def per_frame(table: Any) -> Float[np.ndarray, "n t"]:
    """(n, t, c) -> (n, t): mean over channels; NaN ones are left out, infinite ones count."""
    array = as_numpy(table)
    defined = ~np.isnan(array)
    count = defined.sum(axis=-1)
    total = np.where(defined, array, 0.0).sum(axis=-1)
    return np.where(count > 0, total / np.maximum(count, 1), math.nan)


def curve(errors: Float[np.ndarray, "n t"]) -> Curve:
    """The curve of per-sample errors, as `per_frame` gives them."""
    finite, nan = np.isfinite(errors), np.isnan(errors)
    count = finite.sum(axis=0)
    total = np.where(finite, errors, 0.0).sum(axis=0)
    quantiles = np.full((len(QUANTILES), errors.shape[1]), math.nan)
    for t, column in enumerate(errors.T):
        kept = column[~nan[:, t]]
        if kept.size:  # a rank where something is infinite: inf - inf is not a number
            method = "linear" if np.isfinite(kept).all() else "higher"
            quantiles[:, t] = np.quantile(kept, QUANTILES, method=method)
    return Curve(
        mean=np.where(count > 0, total / np.maximum(count, 1), math.nan),
        quantiles=quantiles,
        n_failed=np.isinf(errors).sum(axis=0),
        n_degenerate=nan.sum(axis=0),
    )


def geometric_mean(errors: Float[np.ndarray, "n t"], steps: int = STEPS) -> float:
    """exp( (1/T) sum_{t=1..T} log e_t ), e_t the mean over n first, T the first `steps` scored frames, or all if fewer.

    +inf where a sample failed within T: a mean over those that are left would flatter. 0 where some e_t is zero.
    """
    first = errors[:, :steps]
    if np.isinf(first).any():
        return math.inf
    e = curve(first).mean
    e = e[~np.isnan(e)]
    if not e.size:
        return math.nan
    return 0.0 if (e == 0).any() else float(np.exp(np.log(e).mean()))


def stable(pred: Field, ref: Field, grid: Grid, *, burst: float | int = BURST) -> Bool[np.ndarray, "n t"]:
    """Where a trajectory has been finite, its energy <u^2>/2 below `burst` times the reference's, in every frame so far.

    The reference's energy is its largest over all frames of the sample, channel by channel; a channel that is zero in all of
    them is asked to be finite only. Averaged over n it is the share of stable trajectories until each frame.
    """
    finite, p, r = by_samples(lambda xp, p, r: (mean(xp, p * p, grid), mean(xp, r * r, grid)), pred, ref, grid)
    xp = array_namespace(p)
    most = xp.max(r, axis=1, keepdims=True)
    good = xp.all(finite & ((p < burst * most) | (most == 0)) & xp.isfinite(p), axis=-1)
    return np.logical_and.accumulate(as_numpy(xp.astype(good, xp.float64)) > 0, axis=1)
