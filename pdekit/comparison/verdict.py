"""The verdict on each learned solver: speed-up at equal error, or the reason why none is stated (metrics.md, section 8)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pdekit.comparison.bootstrap import Draws, interval
from pdekit.comparison.refusal import around, beyond, classical_front, unfit, usable, weakened
from pdekit.comparison.run import Outcome
from pdekit.metrics.cost import Front, break_even, error_at_time, front, hull, time_at_error

SAME = 1e-3  # an error less than this part below the most exact classical run's is the same: both are that of the grid
SHARE = 0.05  # of the replicates may lie outside the front before the interval is withheld


@dataclass(frozen=True)
class Costs:
    """Core seconds spent before the first answer: making train and valid data, one training, all other runs tried."""

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


def judge(
    outcome: Outcome,
    outcomes: list[Outcome],
    metric: str,
    batch: int | str,
    *,
    floor: float,
    weak: Callable[[float], str],
    costs: Costs,
    draws: Draws,
) -> Verdict:
    """The verdict on one learned outcome, read off the hull of the classical front.

    floor   the truth's own error in this metric; NaN where it is not known
    weak    says of an error why the classical side, or the split, cannot support a verdict there; "" where it can
    """
    table, times = outcome.errors[metric], outcome.seconds(batch)
    finite = table[np.isfinite(table)]
    error = float(finite.mean()) if finite.size else math.nan
    family = classical_front(outcomes, metric, batch)
    if family.errors and (1 - SAME) * family.errors[-1] < error < family.errors[-1]:
        error = family.errors[-1]
    seconds, key = float(np.median(times)), outcomes.index(outcome)
    many = draws.times(times, key)
    again = np.full(len(many), math.nan) if outcome.failed.any() else draws.errors(table, key)
    line = hull(family)
    facts: dict[str, Any] = {
        "entrant": outcome.entrant.name,
        "batch": batch,
        "error": error,
        "error_interval": interval(again),
        "seconds": seconds,
        "seconds_interval": interval(many),
        "costs": costs,
    }
    reason = unfit(outcome, error, floor, weak) or weakened(outcomes, metric, batch, family, error)
    if reason is not None:  # nothing is told about the ratio, in any form
        return Verdict(**facts, in_short=reason[0], refused=reason[1])
    facts["equal_time"] = error_at_time(line, seconds) / error
    reason = beyond(error, seconds, family, usable(outcomes))
    if reason is not None:
        return Verdict(**facts, in_short=reason[0], refused=reason[1])
    classical_seconds = time_at_error(line, error)
    drawn = _drawn_hulls(outcomes, metric, batch, draws)
    ratios = np.array([time_at_error(f, e) / t for f, e, t in zip(drawn, again, many, strict=True)])
    known = all(math.isfinite(c) for c in vars(costs).values())
    outside = float(np.mean(~np.isfinite(ratios)))
    return Verdict(
        **facts,
        classical_seconds=classical_seconds,
        speed_up=classical_seconds / seconds,
        speed_up_interval=interval(ratios) if outside <= SHARE else (math.nan, math.nan),
        outside=outside,
        break_even=break_even(classical_seconds, seconds, **vars(costs)) if known else math.nan,
        neighbours=_neighbours(family, usable(outcomes), error),
    )


def _neighbours(family: Front, runs: list[Outcome], error: float) -> tuple[str, ...]:
    return tuple(dict.fromkeys(runs[family.runs[i]].name for i in around(family, error)))


def _drawn_hulls(outcomes: list[Outcome], metric: str, batch: int | str, draws: Draws) -> list[Front]:
    """The hull of the classical front in every bootstrap replicate."""
    runs = usable(outcomes)
    keys = [outcomes.index(o) for o in runs]
    errors = np.stack([draws.errors(o.errors[metric], k) for o, k in zip(runs, keys, strict=True)], axis=1)
    times = np.stack([draws.times(o.seconds(batch), k) for o, k in zip(runs, keys, strict=True)], axis=1)
    return [hull(front(t.tolist(), e.tolist())) for t, e in zip(times, errors, strict=True)]
