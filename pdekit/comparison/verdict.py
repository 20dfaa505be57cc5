"""The verdict on each learned solver: speed-up at equal error, or the reason why none is stated (metrics.md, section 8)."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pdekit.comparison.bootstrap import Draws, interval
from pdekit.comparison.run import Outcome
from pdekit.metrics.cost import Front, break_even, error_at_time, front, time_at_error
from pdekit.metrics.reduce import FLOOR_FACTOR


@dataclass(frozen=True)
class Costs:
    """Seconds spent before the first answer: making train and valid data, one training, all other runs tried."""

    data: float
    training: float
    tuning: float


@dataclass(frozen=True)
class Verdict:
    """One learned solver at one batch size, against the front of all classical runs together.

    error, seconds          mean error over samples and seeds; median seconds per case; intervals are 95 % bootstrap
    classical_seconds       time at which the classical front reaches the same error; NaN outside it
    speed_up                classical_seconds / seconds; NaN where refused
    outside                 share of the bootstrap replicates in which the error lies outside the classical front
    equal_time              error of the classical front in the same time, over the learned error; NaN outside
    break_even              cases after which data, training and tuning are paid back; inf = never, NaN = not stated
    refused, in_short       why no speed-up is stated, as a sentence and in a few words; "" where one is
    """

    entrant: str
    batch: int | str
    error: float
    error_interval: tuple[float, float]
    seconds: float
    seconds_interval: tuple[float, float]
    classical_seconds: float = math.nan
    speed_up: float = math.nan
    speed_up_interval: tuple[float, float] = (math.nan, math.nan)
    outside: float = math.nan
    equal_time: float = math.nan
    break_even: float = math.nan
    costs: Costs = field(default_factory=lambda: Costs(math.nan, math.nan, math.nan))
    neighbours: tuple[str, ...] = ()
    refused: str = ""
    in_short: str = ""


def usable(outcomes: list[Outcome]) -> list[Outcome]:
    """Classical runs that may stand for the classical side: not refused, no sample failed."""
    return [o for o in outcomes if o.entrant.kind == "classical" and not o.refused and not o.failed.any()]


def classical_front(outcomes: list[Outcome], metric: str, batch: int | str) -> Front:
    """The front of all usable classical runs together, whatever solver they belong to."""
    runs = usable(outcomes)
    return front([float(np.median(o.seconds(batch))) for o in runs], [float(o.errors[metric][0].mean()) for o in runs])


def judge(
    outcome: Outcome,
    outcomes: list[Outcome],
    metric: str,
    batch: int | str,
    *,
    floor: float,
    weak: str,
    costs: Costs,
    draws: Draws,
) -> Verdict:
    """The verdict on one learned outcome.

    floor   the truth's own error in this metric; NaN where it is not known
    weak    why the classical side is not represented by its strongest member; "" where it is
    """
    table, times = outcome.errors[metric], outcome.seconds(batch)
    kept = np.where(np.isfinite(table), table, np.nan)
    error = float(np.nanmean(kept)) if np.isfinite(kept).any() else math.nan
    seconds = float(np.median(times))
    runs = usable(outcomes)
    family = classical_front(outcomes, metric, batch)
    key = outcomes.index(outcome)
    many = draws.times(times, key)
    facts: dict[str, Any] = {
        "entrant": outcome.entrant.name,
        "batch": batch,
        "error": error,
        "seconds": seconds,
        "seconds_interval": interval(many),
        "equal_time": error_at_time(family, seconds) / error,
        "costs": costs,
    }
    if outcome.failed.any():
        lost, n = int(outcome.failed.sum()), outcome.failed.size
        return Verdict(
            **facts,
            error_interval=(math.nan, math.nan),
            refused=f"{lost} of {n} answers failed",
            in_short="answers failed",
        )
    again = draws.errors(table, key)
    facts["error_interval"] = interval(again)
    classical_seconds = time_at_error(family, error)
    facts["classical_seconds"] = classical_seconds if math.isfinite(classical_seconds) else math.nan
    reason = _refusal(error, seconds, family, runs, classical_seconds, floor, weak)
    if reason is not None:
        return Verdict(**facts, in_short=reason[0], refused=reason[1])
    drawn = _drawn_fronts(runs, outcomes, metric, batch, draws)
    ratios = np.array([time_at_error(f, e) / t for f, e, t in zip(drawn, again, many, strict=True)])
    known = all(math.isfinite(c) for c in vars(costs).values())
    paid = break_even(classical_seconds, seconds, **vars(costs)) if known else math.nan
    return Verdict(
        **facts,
        speed_up=classical_seconds / seconds,
        speed_up_interval=interval(ratios),
        outside=float(np.mean(~np.isfinite(ratios))),
        break_even=paid,
        neighbours=_neighbours(family, runs, error),
    )


def _refusal(
    error: float, seconds: float, family: Front, runs: list[Outcome], at_error: float, floor: float, weak: str
) -> tuple[str, str] | None:
    """Why no speed-up is stated: (in a few words, as a sentence); None where one is."""
    if weak:
        return "weak baseline", weak
    if not family.errors:
        return "no baseline", "no classical run in the plan answered every sample: there is nothing to compare with"
    if math.isfinite(floor) and error < FLOOR_FACTOR * floor:
        return (
            "at the truth's floor",
            f"its error lies below 3 times the truth's own ({floor:.1e}): it supports no ranking",
        )
    if math.isnan(at_error):
        fastest = runs[family.runs[0]].name
        worse = ", and is faster too" if family.seconds[0] <= seconds else ""
        return "no classical run is so inexact", (
            f"every classical run on the front is more exact than {error:.2g}: the fastest, {fastest}, reaches "
            f"{family.errors[0]:.2g} in {1e3 * family.seconds[0]:.3g} ms{worse}"
        )
    if math.isinf(at_error):
        exact = runs[family.runs[-1]].name
        return "no classical run is so exact", (
            f"no classical run is as exact as {error:.2g}: the best, {exact}, reaches {family.errors[-1]:.2g}"
        )
    return None


def _neighbours(family: Front, runs: list[Outcome], error: float) -> tuple[str, ...]:
    """Names of the runs on the front between which the error lies."""
    after = next(i for i, e in enumerate(family.errors) if e <= error)
    return tuple(dict.fromkeys(runs[family.runs[i]].name for i in (max(after - 1, 0), after)))


def _drawn_fronts(
    runs: list[Outcome], outcomes: list[Outcome], metric: str, batch: int | str, draws: Draws
) -> list[Front]:
    """The classical front of every bootstrap replicate."""
    keys = [outcomes.index(o) for o in runs]
    errors = np.stack([draws.errors(o.errors[metric], k) for o, k in zip(runs, keys, strict=True)], axis=1)
    times = np.stack([draws.times(o.seconds(batch), k) for o, k in zip(runs, keys, strict=True)], axis=1)
    return [front(t.tolist(), e.tolist()) for t, e in zip(times, errors, strict=True)]
