"""Mean, standard deviation, minimum and maximum of fields, streamed and accumulated in float64."""

from __future__ import annotations

import math

import numpy as np

COLUMNS = ("mean", "m2", "min", "max")


def moments(values: np.ndarray) -> np.ndarray:
    """(n, 4) float64: mean, sum of squared deviations from it, min and max of each sample of `values` (n, ...)."""
    flat = np.asarray(values, dtype=np.float64).reshape(len(values), -1)
    mean = flat.mean(axis=1)
    deviation = flat - mean[:, None]
    m2 = np.einsum("ij,ij->i", deviation, deviation)
    return np.stack([mean, m2, flat.min(axis=1), flat.max(axis=1)], axis=1)


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
