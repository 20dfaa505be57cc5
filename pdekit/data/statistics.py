"""Mean, standard deviation, minimum and maximum of fields, streamed and accumulated in float64."""

from __future__ import annotations

import math

import numpy as np

from pdekit.data.statistics_kernels import mean_and_squares


def moments(values: np.ndarray) -> np.ndarray:
    """(n, 4) float64: mean, sum of squared deviations from it, min and max of each sample of `values` (n, ...)."""
    stored = np.ascontiguousarray(values).reshape(len(values), -1)
    if stored.dtype not in (np.float32, np.float64):
        stored = stored.astype(np.float64)
    out = np.empty((len(stored), 4))
    mean_and_squares(stored, out[:, 0], out[:, 1])
    out[:, 2], out[:, 3] = stored.min(axis=1), stored.max(axis=1)
    return out


def combine(parts: np.ndarray, count: int) -> dict[str, float]:
    """Statistics of all samples from `moments` (n, 4) of samples of `count` values each.

    The sums are exactly rounded (math.fsum), so the result does not depend on the order of the samples. The standard
    deviation is that of the whole population; all are NaN where a value is not finite. Pairwise formula: Chan, Golub &
    LeVeque 1983, doi:10.1080/00031305.1983.10483115.
    """
    if not np.isfinite(parts).all():
        return dict.fromkeys(("mean", "std", "min", "max"), math.nan)
    mean = math.fsum(parts[:, 0]) / len(parts)
    m2 = math.fsum(parts[:, 1]) + count * math.fsum((parts[:, 0] - mean) ** 2)
    return {
        "mean": mean,
        "std": math.sqrt(m2 / (count * len(parts))),
        "min": float(parts[:, 2].min()),
        "max": float(parts[:, 3].max()),
    }
