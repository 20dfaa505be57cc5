"""How long a predicted trajectory stays correlated with its reference, and what may be said where it outlasts the data.

tau(th) is the first time at which the centred correlation over space falls below th, counted from the last given frame (where
it is 1), linear between frames. A trajectory that never falls below is censored: all that is known is tau > T_end. Means of
capped values say nothing, so that medians are stated, and the share that is censored.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from pdekit.errors import BadInput
from pdekit.metrics.fields import Field
from pdekit.metrics.pointwise import correlation
from pdekit.metrics.reduce import as_numpy
from pdekit.space.grid import Grid

THRESHOLDS = (0.8, 0.9, 0.95)


def correlation_curve(pred: Field, ref: Field, grid: Grid) -> Float[np.ndarray, "n t c"]:
    """`correlation` with 0 where only the prediction is constant in space; NaN is left where the reference is.

    -inf where the prediction is not finite.
    """
    own, of_ref = as_numpy(correlation(pred, ref, grid)), as_numpy(correlation(ref, ref, grid))
    return np.where(np.isnan(own) & ~np.isnan(of_ref), 0.0, own)


def correlation_time(
    corr: Float[np.ndarray, "n t c"], lead: Float[np.ndarray, " frames"], threshold: float | int
) -> Float[np.ndarray, "n c"]:
    """tau of each sample and channel, in units of `lead`; +inf where it is censored, NaN where it is not defined.

    corr   of the scored frames, as `correlation_curve` gives it
    lead   (t,) time of each scored frame since the last given one, > 0, increasing
    Not defined: the reference is constant in space in some frame before the crossing. A frame that is not finite loses the
    correlation at the frame before it.
    """
    lead = np.asarray(lead, dtype=np.float64)
    if lead.shape != (corr.shape[1],) or not (np.diff(lead, prepend=0.0) > 0).all():
        raise BadInput.of(
            "the times of a correlation curve cannot be used.",
            found=str(lead),
            allowed=f"{corr.shape[1]} increasing numbers > 0, counted from the last given frame",
        )
    if not -1 < threshold < 1:
        raise BadInput.of("threshold of a correlation time.", found=repr(threshold), allowed="a number in (-1, 1)")
    n, _, c = corr.shape
    values = np.concatenate([np.ones((n, 1, c)), corr], axis=1)
    times = np.concatenate([[0.0], lead])
    low = values < threshold  # False for NaN
    first = low.argmax(axis=1)  # 0 where there is none: the given frame is never low
    after = np.take_along_axis(values, first[:, None], axis=1)[:, 0]
    before = np.take_along_axis(values, np.maximum(first - 1, 0)[:, None], axis=1)[:, 0]
    start = times[np.maximum(first - 1, 0)]
    crosses = low.any(axis=1) & ~np.isneginf(after)
    share = np.divide(before - threshold, before - after, out=np.zeros_like(after), where=crosses)
    tau = start + share * (times[first] - start)
    undefined = np.isnan(values).cumsum(axis=1) > 0
    tau = np.where(np.take_along_axis(undefined, first[:, None], axis=1)[:, 0], math.nan, tau)
    return np.where(low.any(axis=1), tau, np.where(undefined[:, -1], math.nan, math.inf))


@dataclass(frozen=True)
class Lasting:
    """Correlation times of n samples: what may be said of them.

    threshold   th
    end         T_end: time of the last frame since the last given one, in units of time
    median      +inf reads "> T_end": more than half are censored
    low, high   95 % bootstrap over samples of the median; NaN with fewer than 6 samples
    censored    share of the defined samples that outlast the data
    n, n_degenerate   samples in all, and those without a definition
    """

    threshold: float | int
    end: float
    median: float
    low: float
    high: float
    censored: float
    n: int
    n_degenerate: int

    def middle(self, scale: float = 1.0) -> str:
        """The median alone: "12.3" or "> 50", in units of `scale` times."""
        return f"> {self.end / scale:.3g}" if math.isinf(self.median) else f"{self.median / scale:.3g}"

    def text(self, unit: str = "", scale: float = 1.0) -> str:
        """ "12.3 [11, 14], 20 % > 50", in units of `scale` times."""
        if math.isnan(self.median):
            return "not defined"
        end = f"> {self.end / scale:.3g}"
        middle = self.middle(scale)
        low, high = (end if math.isinf(v) else f"{v / scale:.3g}" for v in (self.low, self.high))
        span = "" if math.isnan(self.low) else f" [{low}, {high}]"
        some = f", {self.censored:.0%} {end}" if self.censored and math.isfinite(self.median) else ""
        return f"{middle}{f' {unit}' if unit else ''}{span}{some}"


def lasting(tau: Float[np.ndarray, " n"], threshold: float, end: float, weights: np.ndarray | None = None) -> Lasting:
    """What the times of n samples amount to.

    weights   (replicates, n) how often a bootstrap draws each sample, over n; no interval without it
    Medians of samples drawn again are by rank: censored ones are the largest.
    """
    kept = tau[~np.isnan(tau)]
    if not kept.size:
        return Lasting(threshold, end, math.nan, math.nan, math.nan, math.nan, tau.size, tau.size)
    low = high = math.nan
    if weights is not None and kept.size >= 6:
        low, high = _interval(tau, weights)
    return Lasting(
        threshold=threshold,
        end=end,
        median=median(kept),
        low=low,
        high=high,
        censored=float(np.isinf(kept).mean()),
        n=tau.size,
        n_degenerate=int(np.isnan(tau).sum()),
    )


def in_frames(one: Lasting, lead: Float[np.ndarray, " frames"]) -> Lasting:
    """The same told in frames since the last given one, which are `lead` times away; linear between frames."""
    times = np.concatenate([[0.0], np.asarray(lead, dtype=np.float64)])

    def count(tau: float) -> float:
        return tau if not math.isfinite(tau) else float(np.interp(tau, times, np.arange(len(times))))

    return replace(one, end=count(one.end), median=count(one.median), low=count(one.low), high=count(one.high))


def median(values: Float[np.ndarray, " n"] | Sequence[float]) -> float:
    """The middle one, or the mean of the middle two; +inf where one of these is."""
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    low, high = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    return float(0.5 * (low + high))


def _interval(tau: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    defined = np.flatnonzero(~np.isnan(tau))
    order = defined[np.argsort(tau[defined])]
    share = weights[:, order].cumsum(axis=1)
    total = share[:, -1:]
    drawn = total[:, 0] > 0
    middle = (share[drawn] >= 0.5 * total[drawn] - 1e-12).argmax(axis=1)
    medians = np.sort(tau[order][middle])
    low, high = np.quantile(np.arange(len(medians)), (0.025, 0.975), method="nearest").astype(int)
    return float(medians[low]), float(medians[high])
