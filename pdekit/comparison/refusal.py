"""Why no speed-up is stated: each reason in a few words and as a sentence, with the figures behind it."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from pdekit.comparison.run import Outcome
from pdekit.metrics.cost import Front, front, time_at_error
from pdekit.metrics.reduce import FLOOR_FACTOR

NEARBY = 0.5  # a time step that loses samples is made good by a stable one not smaller than this part of it
GAP = 10.0  # neighbouring classical runs must not differ by more than this factor in error
Reason = tuple[str, str]


def usable(outcomes: list[Outcome]) -> list[Outcome]:
    """Classical runs that may stand for the classical side: not refused, no sample failed."""
    return [o for o in outcomes if o.entrant.kind == "classical" and not o.refused and not o.failed.any()]


def classical_front(outcomes: list[Outcome], metric: str, batch: int | str) -> Front:
    """The front of all usable classical runs together, whatever solver they belong to."""
    runs = usable(outcomes)
    return front([float(np.median(o.seconds(batch))) for o in runs], [o.mean(metric) for o in runs])


def unfit(outcome: Outcome, error: float, floor: float, weak: Callable[[float], str]) -> Reason | None:
    """Reasons that void any comparison: (in a few words, as a sentence)."""
    if outcome.failed.any():
        return "answers failed", f"{int(outcome.failed.sum())} of {outcome.failed.size} answers failed"
    if math.isnan(error):
        return "no error defined", "its error is not defined on any sample"
    if weak(error):
        return "no fair baseline", weak(error)
    if math.isfinite(floor) and error < FLOOR_FACTOR * floor:
        return (
            "at the truth's floor",
            f"its error lies below 3 times the truth's own ({floor:.1e}): it supports no ranking",
        )
    return None


def weakened(outcomes: list[Outcome], metric: str, batch: int | str, family: Front, error: float) -> Reason | None:
    """A classical run that failed somewhere cannot stand for its side, and its absence must not flatter the network."""
    mine = time_at_error(family, error)
    for o in outcomes:
        if o.entrant.kind != "classical" or o.refused or not o.failed.any() or o.failed.all():
            continue
        if _stable_nearby(o, outcomes):
            continue
        table, seconds = o.errors[metric], float(np.median(o.seconds(batch)))
        answered = float(np.nanmean(np.where(np.isfinite(table), table, np.nan)))
        if answered <= error and not seconds >= mine:
            lost, n = int(o.failed.sum()), o.failed.size
            return "a baseline failed", (
                f"the fastest run at this error, {o.name}, failed on {lost} of {n} samples, and without it the classical "
                "side is weaker than it need be"
                + ("; a stable step at most twice as small on its ladder would serve" if "dt" in o.point.knobs else "")
            )
    return None


def _stable_nearby(lost: Outcome, outcomes: list[Outcome]) -> bool:
    """The same solver took a step not less than half as large and lost no sample: its limit is known, nobody could use more."""
    if "dt" not in lost.point.knobs:
        return False
    step, others = lost.point.knobs["dt"], {k: v for k, v in lost.point.knobs.items() if k != "dt"}
    return any(
        {k: v for k, v in o.point.knobs.items() if k != "dt"} == others
        and step > o.point.knobs["dt"] >= (1 - 1e-9) * NEARBY * step
        for o in usable(outcomes)
        if o.entrant.name == lost.entrant.name
    )


def beyond(error: float, seconds: float, family: Front, runs: list[Outcome]) -> Reason | None:
    """Nothing is extrapolated beyond the front, nor across a gap in it."""
    if not family.errors:
        return "no baseline", "no classical run answered every sample: there is nothing to compare with"
    if error > family.errors[0]:
        fastest = runs[family.runs[0]].name
        beaten = family.seconds[0] <= seconds
        worse = ", and is faster too" if beaten else ""
        return "a classical run is faster and more exact" if beaten else "no classical run is so inexact", (
            f"every classical run on the front is more exact than {error:.2g}: the fastest, {fastest}, reaches "
            f"{family.errors[0]:.2g} in {1e3 * family.seconds[0]:.3g} ms{worse}"
        )
    if error < family.errors[-1]:
        return "no classical run is so exact", (
            f"no classical run is as exact as {error:.2g}: the best, {runs[family.runs[-1]].name}, reaches "
            f"{family.errors[-1]:.2g}"
        )
    above, below = around(family, error)
    if family.errors[above] > GAP * family.errors[below]:
        rival = runs[family.runs[below]].name
        beaten = family.seconds[below] <= seconds
        faster = f", {rival} in {1e3 * family.seconds[below]:.3g} ms, and is faster too" if beaten else ""
        return "a classical run is faster and more exact" if beaten else "no classical run near its error", (
            f"no classical run is near {error:.2g}: the neighbours on the front reach {family.errors[above]:.2g} and "
            f"{family.errors[below]:.2g}{faster}; put more knobs between them on a ladder"
        )
    return None


def around(family: Front, error: float) -> tuple[int, int]:
    """Positions on the front of the runs between which the error lies."""
    below = next(i for i, e in enumerate(family.errors) if e <= error)
    return max(below - 1, 0), below
