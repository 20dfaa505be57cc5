"""From a table (n, t, c) to numbers: reductions with names, and a summary that never drops a failure quietly.

The order matters: the mean of ratios is not the ratio of means. The name of the reduction belongs into every result.
Degenerate entries (NaN) are left out and counted; failures (+inf, or -inf where larger is better) are kept: they make a
mean infinite, so that whoever shows a mean over the finite samples must show the count beside it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from array_api_compat import array_namespace, to_device

from pdekit.errors import BadInput, unknown_name

FLOOR_FACTOR = 3.0


def as_numpy(table: Any) -> np.ndarray:
    """A table on the host, float64 NumPy."""
    if isinstance(table, np.ndarray):
        return np.asarray(table, dtype=np.float64)
    xp = array_namespace(table)
    host = to_device(xp.astype(table, xp.float64), "cpu")
    return np.asarray(host.detach() if hasattr(host, "detach") else host)


def per_sample(table: Any, *, over_time: str = "mean") -> np.ndarray:
    """(n, t, c) -> (n,): mean over channels of the mean (or "max") over times; NaN where nothing is defined."""
    if over_time not in ("mean", "max"):
        raise unknown_name("reduction over time", over_time, ("mean", "max"))
    t = _mean(as_numpy(table), 1) if over_time == "mean" else _largest(as_numpy(table), 1)
    return _mean(t, -1)


def reduce(table: Any, how: str = "mean") -> np.ndarray:
    """Reduce a table (n, t, c) to (c,) by a name of REDUCTIONS; channels stay apart.

    mean         mean over t, then over n (the default of every ratio)
    median, p95, worst   mean over t, then that of the samples
    rms          root mean square over n of the mean over t (conserved quantities)
    max_mean     max over t, then mean over n (largest errors)
    max          max over t and n
    """
    if how not in REDUCTIONS:
        raise unknown_name("reduction", how, REDUCTIONS)
    array = as_numpy(table)
    if array.ndim != 3:
        raise BadInput.of("a reduction needs a table.", found=f"shape {array.shape}", allowed="(n, t, c)")
    return REDUCTIONS[how](array)


@dataclass(frozen=True)
class Summary:
    """What n per-sample values amount to.

    mean, median, p95, worst   over the finite samples; NaN where there is none; `mean` by the metric's own reduction
    worst_sample               index of the worst finite sample, -1 where there is none
    n, n_degenerate, n_failed  samples in all; undefined (NaN); failed (infinite). Show n_failed beside every mean.
    """

    mean: float
    median: float
    p95: float
    worst: float
    worst_sample: int
    n: int
    n_degenerate: int
    n_failed: int

    @property
    def failure_rate(self) -> float:
        """Share of samples that failed."""
        return self.n_failed / self.n


def summarise(values: Any, *, lower_is_better: bool = True, reduction: str = "mean") -> Summary:
    """Summary of per-sample values (n,), as `score` gives them; its `mean` is a root mean square for reduction "rms"."""
    v = as_numpy(values)
    if v.ndim != 1 or v.size == 0:
        raise BadInput.of("a summary needs one value per sample.", found=f"shape {v.shape}", allowed="(n,), n > 0")
    finite = np.isfinite(v)
    counts = {"n": v.size, "n_degenerate": int(np.isnan(v).sum()), "n_failed": int(np.isinf(v).sum())}
    if not finite.any():
        return Summary(math.nan, math.nan, math.nan, math.nan, -1, **counts)
    kept = v[finite]
    sign = 1.0 if lower_is_better else -1.0
    worst = int(np.flatnonzero(finite)[np.argmax(sign * kept)])
    return Summary(
        mean=float(np.sqrt(np.mean(kept**2)) if reduction == "rms" else kept.mean()),
        median=float(np.median(kept)),
        p95=sign * float(np.quantile(sign * kept, 0.95)),
        worst=float(v[worst]),
        worst_sample=worst,
        **counts,
    )


def at_reference_floor(values: Any, reference_error: Any) -> np.ndarray:
    """Where a value lies below three times the reference's own error estimate (same metric): it supports no ranking."""
    return as_numpy(values) < FLOOR_FACTOR * np.asarray(reference_error, dtype=np.float64)


def _mean(a: np.ndarray, axis: int) -> np.ndarray:
    """Mean over the entries that are not NaN; NaN where all are."""
    defined = ~np.isnan(a)
    count = defined.sum(axis=axis)
    total = np.where(defined, a, 0.0).sum(axis=axis)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _largest(a: np.ndarray, axis: int) -> np.ndarray:
    return np.fmax.reduce(a, axis=axis)


def _quantile(table: np.ndarray, q: float) -> np.ndarray:
    out = np.full(table.shape[-1], np.nan)
    for c, column in enumerate(_mean(table, 1).T):
        kept = column[~np.isnan(column)]
        if kept.size:  # a rank, not an interpolation, at infinities: inf - inf is not a number
            out[c] = np.quantile(kept, q, method="linear" if np.isfinite(kept).all() else "higher")
    return out


REDUCTIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "mean": lambda m: _mean(_mean(m, 1), 0),
    "median": lambda m: _quantile(m, 0.5),
    "p95": lambda m: _quantile(m, 0.95),
    "worst": lambda m: _largest(_mean(m, 1), 0),
    "rms": lambda m: np.sqrt(_mean(_mean(m, 1) ** 2, 0)),
    "max_mean": lambda m: _mean(_largest(m, 1), 0),
    "max": lambda m: _largest(_largest(m, 1), 0),
}
