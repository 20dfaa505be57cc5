"""Bootstrap: what the figures would have been with other samples, other seeds, other moments of the machine.

Two levels: samples are drawn again within, training seeds between; the same drawn samples serve all solvers (paired). Times
are drawn again from the repeats. Intervals are percentiles of 95 %. The generator's seed is fixed: the same outcomes give
the same intervals.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import wilcoxon

REPLICATES = 2000
LEVEL = 0.95
SEED = 20240917
FEW = 6  # samples below which nothing is said about other samples


@dataclass(frozen=True)
class Draws:
    """weights (replicates, n): how often each sample was drawn, over n; and the generator for seeds and times."""

    weights: np.ndarray

    @classmethod
    def of(cls, n: int, replicates: int = REPLICATES) -> Draws:
        """Draws of n samples."""
        rng = np.random.default_rng([SEED, 0])
        counts = rng.multinomial(n, np.full(n, 1.0 / n), size=replicates)
        return cls(counts / n)

    def errors(self, table: np.ndarray, key: int) -> np.ndarray:
        """(replicates,) mean errors of a table (members, n): members drawn again where there are several.

        Undefined entries (NaN) are left out of each mean. NaN with fewer than 6 samples: too few to say anything.
        """
        members, n = table.shape
        if n < FEW:
            return np.full(len(self.weights), np.nan)
        chosen = np.ones((len(self.weights), 1))
        if members > 1:
            rng = np.random.default_rng([SEED, 1, key])
            chosen = rng.multinomial(members, np.full(members, 1.0 / members), size=len(self.weights)) / members
        defined = ~np.isnan(table)
        total = np.einsum("bm,bn,mn->b", chosen, self.weights, np.where(defined, table, 0.0), optimize=True)
        share = np.einsum("bm,bn,mn->b", chosen, self.weights, defined.astype(np.float64), optimize=True)
        return np.divide(total, share, out=np.full_like(total, np.nan), where=share > 0)

    def reduced(self, table: np.ndarray, reduction: str, key: int = 0) -> np.ndarray:
        """(replicates,) of a metric by its own reduction: means, or root mean squares for "rms"."""
        return np.sqrt(self.errors(table**2, key)) if reduction == "rms" else self.errors(table, key)

    def times(self, repeats: np.ndarray, key: int) -> np.ndarray:
        """(replicates,) medians of repeats drawn again."""
        rng = np.random.default_rng([SEED, 2, key])
        chosen = rng.integers(len(repeats), size=(len(self.weights), len(repeats)))
        return np.median(repeats[chosen], axis=1)


def interval(values: np.ndarray) -> tuple[float, float]:
    """The middle 95 % of what is finite; (NaN, NaN) where nothing is."""
    kept = values[np.isfinite(values)]
    if kept.size == 0:
        return float("nan"), float("nan")
    low, high = np.quantile(kept, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


@dataclass(frozen=True)
class Pair:
    """Two solvers on the same samples: median ratio of their errors, and Wilcoxon's p after Holm's correction."""

    first: str
    second: str
    ratio: float
    p: float


def paired(errors: dict[str, np.ndarray]) -> list[Pair]:
    """All pairs of per-sample errors {name: (n,)}; samples that failed in either are left out of that pair.

    Wilcoxon's signed-rank test of log errors, two-sided; p corrected for the number of pairs (Holm 1979). NaN with fewer
    than 6 common samples.
    """
    names = list(errors)
    pairs, raw = [], []
    for i, first in enumerate(names):
        for second in names[i + 1 :]:
            a, b = errors[first], errors[second]
            both = np.isfinite(a) & np.isfinite(b) & (a > 0) & (b > 0)
            if both.sum() < FEW:
                pairs.append((first, second, float("nan")))
                raw.append(float("nan"))
                continue
            logs = np.log(a[both] / b[both])
            pairs.append((first, second, float(np.exp(np.median(logs)))))
            raw.append(float(np.asarray(wilcoxon(logs))[1]) if np.any(logs != 0) else 1.0)
    return [Pair(*pair, p=p) for pair, p in zip(pairs, holm(raw), strict=True)]


def holm(p: list[float]) -> list[float]:
    """Holm's step-down correction; NaN stays and does not count."""
    order = [int(i) for i in np.argsort(p) if np.isfinite(p[i])]
    out, largest = list(p), 0.0
    for rank, i in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - rank) * p[i]))
        out[i] = largest
    return out
