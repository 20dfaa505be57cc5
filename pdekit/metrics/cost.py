"""What a solve costs, and when it pays: timing, the error-time front, time at equal error, break-even.

Times are seconds per case on one named machine, at a stated number of threads, precision and batch size; they include
set-up that depends on the case and exclude compilation and file reading, which are reported apart.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from pdekit.errors import BadInput

WARM_UPS = 3
REPEATS = 10


@dataclass(frozen=True)
class Timing:
    """Wall times of repeated calls, in seconds: median, quartiles, and how many there were after how many warm-ups."""

    median: float
    low: float
    high: float
    repeats: int
    warm_ups: int
    first: float

    @property
    def spread(self) -> float:
        """Interquartile range."""
        return self.high - self.low


def measure(
    call: Callable[[], Any],
    *,
    warm_ups: int = WARM_UPS,
    repeats: int = REPEATS,
    synchronise: Callable[[], None] | None = None,
) -> Timing:
    """Time a call: `warm_ups` calls that do not count (`first` is the time of the first, with compilation), then `repeats`.

    synchronise   waits for the device; called before the clock is read, so that queued work is counted
    """
    if repeats < 1 or warm_ups < 0:
        raise BadInput.of(
            "a timing needs calls.", found=f"{warm_ups} warm-ups, {repeats} repeats", allowed=">= 0, >= 1"
        )

    def once() -> float:
        if synchronise is not None:
            synchronise()
        start = time.perf_counter()
        call()
        if synchronise is not None:
            synchronise()
        return time.perf_counter() - start

    seconds = [once() for _ in range(warm_ups + repeats)]
    low, median, high = np.quantile(seconds[warm_ups:], [0.25, 0.5, 0.75])
    return Timing(float(median), float(low), float(high), repeats, warm_ups, seconds[0])


@dataclass(frozen=True)
class Front:
    """The runs of one family of solvers that no other run of it beats in both time and error, fastest first.

    seconds, errors   (k,): time rises, error falls
    runs              (k,): position of each in the lists that were given
    """

    seconds: tuple[float, ...]
    errors: tuple[float, ...]
    runs: tuple[int, ...]


def front(seconds: Sequence[float | int], errors: Sequence[float | int]) -> Front:
    """The Pareto front of runs: median time per case against mean error. Runs with a time or error not finite fall out.

    An error of exactly zero (a solver that made the reference) is kept; logarithms are taken only between positive ones.
    """
    if len(seconds) != len(errors):
        raise BadInput.of("times and errors differ in number.", found=f"{len(seconds)} and {len(errors)}")
    kept: list[int] = []
    for i in sorted(range(len(seconds)), key=lambda i: (seconds[i], errors[i])):
        usable = math.isfinite(seconds[i]) and math.isfinite(errors[i]) and seconds[i] > 0
        if usable and (not kept or errors[i] < errors[kept[-1]]):
            kept.append(i)
    return Front(tuple(float(seconds[i]) for i in kept), tuple(float(errors[i]) for i in kept), tuple(kept))


def hull(family: Front) -> Front:
    """The lower-left convex hull of a front, in logarithms: what its runs reach when cases are shared out between them.

    It is never slower than the front. Runs of zero error have no logarithm and are left out.
    """
    kept: list[int] = []
    points = [(math.log(t), math.log(e)) if e > 0 else None for t, e in zip(family.seconds, family.errors, strict=True)]
    for i, point in enumerate(points):
        if point is None:
            continue
        while len(kept) > 1 and _turns_up(points[kept[-2]], points[kept[-1]], point):
            kept.pop()
        kept.append(i)
    seconds, errors, runs = family.seconds, family.errors, family.runs
    return Front(tuple(seconds[i] for i in kept), tuple(errors[i] for i in kept), tuple(runs[i] for i in kept))


def _turns_up(a: tuple[float, float] | None, b: tuple[float, float] | None, c: tuple[float, float]) -> bool:
    """True where b lies on or above the line from a to c."""
    assert a is not None
    assert b is not None
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]) <= 0.0


def time_at_error(family: Front, error: float | int) -> float:
    """Seconds in which the family reaches `error`: log-log between neighbours on its front, never beyond its ends.

    +inf where no run is so exact; NaN where every run is more exact than `error` (the front does not reach there: a run
    that solves too well must not stand for the family) or where there is no run at all.
    """
    if not family.errors or error > family.errors[0]:
        return math.nan
    if error < family.errors[-1]:
        return math.inf
    for (t0, e0), (t1, e1) in pairwise(zip(family.seconds, family.errors, strict=True)):
        if e1 <= error <= e0:
            if error == e0:
                return t0
            if e1 == 0.0 or error == e1:
                return t1
            share = math.log(e0 / error) / math.log(e0 / e1)
            return math.exp(math.log(t0) + share * math.log(t1 / t0))
    return family.seconds[0]


def error_at_time(family: Front, seconds: float | int) -> float:
    """Error that the family reaches in `seconds`: log-log between neighbours on its front.

    NaN where no run is so fast. With more time than its slowest run takes, the family has that run's error: it waits.
    """
    if not family.seconds or seconds < family.seconds[0]:
        return math.nan
    for (t0, e0), (t1, e1) in pairwise(zip(family.seconds, family.errors, strict=True)):
        if t0 <= seconds < t1:
            if e1 == 0.0 or seconds == t0:
                return e0
            share = math.log(seconds / t0) / math.log(t1 / t0)
            return math.exp(math.log(e0) + share * math.log(e1 / e0))
    return family.errors[-1]


def break_even(
    classical_seconds: float | int,
    learned_seconds: float | int,
    *,
    data: float | int,
    training: float | int,
    tuning: float | int,
) -> float:
    """Cases after which learning has paid: ceil( (C_data + C_train + C_tune) / (t_classical - t_learned) ); inf if never.

    NaN where the classical front does not hold the error (its time is NaN or infinite): there is nothing to pay back against.

    classical_seconds   at the learned solver's own error
    data                generating training and validation cases with the classical solver
    tuning              all runs tried, not only the best
    All in seconds on the named machine.
    """
    costs = {"data": data, "training": training, "tuning": tuning}
    if not all(math.isfinite(c) and c >= 0 for c in costs.values()):
        raise BadInput.of("costs must be finite and not negative.", found=str(costs))
    gain = classical_seconds - learned_seconds
    if not math.isfinite(classical_seconds) or math.isnan(gain):
        return math.nan
    return math.inf if gain <= 0 else float(math.ceil(sum(costs.values()) / gain))
