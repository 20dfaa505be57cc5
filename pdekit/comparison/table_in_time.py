"""The table of trajectories: errors of one step, of the last frame and of the whole, how long they last, how many stay."""

from __future__ import annotations

import numpy as np

from pdekit.comparison.bootstrap import Draws
from pdekit.comparison.conduct import Comparison
from pdekit.comparison.entrants import Point
from pdekit.comparison.plots_in_time import runs_in_time
from pdekit.comparison.rollouts import Rollout, geometric, lastings
from pdekit.comparison.run import Outcome
from pdekit.metrics.correlation_time import THRESHOLDS, Lasting, in_frames
from pdekit.metrics.reduce import summarise
from pdekit.metrics.rollout import curve

NUMBERS = (1, 2, 3, 7, 8, 9)  # columns that are set to the right


def head(comparison: Comparison) -> tuple[str, ...]:
    """Titles of the columns."""
    frames = comparison.frames
    assert frames is not None
    times = [f"corr > {th:g} [{frames.unit}] ({_counted_in(comparison)})" for th in THRESHOLDS]
    return ("solver", "one frame", "last frame", "geometric mean", *times, "spectrum, last", "values apart", "stable")


def rows(comparison: Comparison) -> list[tuple[str, ...]]:
    """One line a run."""
    return [_row(comparison, outcome) for outcome in runs_in_time(comparison)]


def _counted_in(comparison: Comparison) -> str:
    """What correlation times are told in besides the data's unit: the plan's time scale, else frames."""
    scale = comparison.plan.time_scale
    return "frames" if scale is None else scale.name


def _lasting(comparison: Comparison, one: Lasting) -> str:
    """ "12.3 [11, 14], 20 % > 50 (24.6)": in the data's unit, the median in the other one."""
    scale, frames = comparison.plan.time_scale, comparison.frames
    assert frames is not None
    if np.isnan(one.median):
        return one.text()
    other = in_frames(one, frames.lead) if scale is None else one
    return f"{one.text()} ({other.middle(1.0 if scale is None else scale.value)})"


def _row(comparison: Comparison, outcome: Outcome) -> tuple[str, ...]:
    assert comparison.frames is not None
    errors = np.concatenate([r.error for r in outcome.rollouts])
    found = curve(errors)
    draws = Draws.of(len(comparison.cases.instances))
    lasting = lastings(outcome.rollouts, comparison.frames.lead, draws.weights)
    together = outcome.together
    distance = together.spectrum_error(comparison.cases.instances.grid)[-1]
    stable = float(np.mean([r.share[-1] for r in outcome.rollouts]))
    return (
        outcome.name,
        _error(found.mean[0], int(found.n_failed[0])),
        _error(found.mean[-1], int(found.n_failed[-1])),
        _plain(geometric(outcome.rollouts)),
        *(_lasting(comparison, one) for one in lasting),
        _distance(distance, outcome),
        _apart(together),
        f"{stable:.0%}",
    )


def _distance(decades: float, outcome: Outcome) -> str:
    if np.isinf(decades):
        return "empty shells" if all(r.finite[-1] == len(r.error) for r in outcome.rollouts) else "failed"
    return "none" if np.isnan(decades) else f"{decades:.2g} decades"


def _apart(rollout: Rollout) -> str:
    found = summarise(rollout.distance_in_spreads.mean(axis=1))
    return "none" if found.n == found.n_degenerate else "failed" if found.n_failed else f"{found.mean:.1e}"


def _error(mean: float, failed: int) -> str:
    return _plain(mean) + (f" ({failed} failed)" if failed else "")


def _plain(value: float) -> str:
    return "none" if np.isnan(value) else "failed" if np.isinf(value) else f"{value:.2e}"


def lines(comparison: Comparison) -> list[str]:
    """The table for a terminal; nothing of steady problems."""
    if comparison.frames is None:
        return []
    table = [head(comparison), *rows(comparison)]
    width = [max(len(row[k]) for row in table) for k in range(len(table[0]))]
    body = [
        "  ".join(c.rjust(width[k]) if k in NUMBERS else c.ljust(width[k]) for k, c in enumerate(row)).rstrip()
        for row in table
    ]
    return [*body, "", caption(comparison), *largest_steps(comparison), ""]


def caption(comparison: Comparison) -> str:
    """What the columns mean, in a sentence."""
    frames = comparison.frames
    assert frames is not None
    scale, unit = comparison.plan.time_scale, "" if frames.unit == "1" else f" {frames.unit}"
    told = "frames" if scale is None else f"{scale.name} ({scale.value:g}{unit})"
    late = frames.times[frames.given :][frames.late][0]
    given = "the first frame is given" if frames.given == 1 else f"the first {frames.given} frames are given"
    return (
        f"{len(frames.times)} frames, of which {given} and never scored; errors are relative L2, mean over samples; correlation "
        f"times are medians with 95 % intervals, from the last given frame on, in round brackets in {told}; what outlasts the "
        f"data is '> {frames.lead[-1]:.3g}{unit}'; values apart: Wasserstein-1 distance of the values taken from t = {late:.4g} "
        "on, in standard deviations of the truth's"
        f"{_over_seeds(comparison)}"
    )


def _over_seeds(comparison: Comparison) -> str:
    """What stands for a solver of several seeds."""
    if all(len(o.rollouts) < 2 for o in comparison.outcomes):
        return ""
    return "; of several seeds: means over them, each sample's median time, the spectrum's mean over seeds before its logarithm"


def largest_steps(comparison: Comparison) -> list[str]:
    """Of each classical solver that lost samples: the largest step at which it lost none, for each setting of its other knobs."""
    families: dict[tuple[str, str], list[Outcome]] = {}
    for o in comparison.runs("classical"):
        if "dt" in o.point.knobs:
            others = Point({k: v for k, v in o.point.knobs.items() if k != "dt"}, ())
            families.setdefault((o.entrant.name, others.text), []).append(o)
    out = []
    for (name, others), mine in families.items():
        lost, kept = [o for o in mine if o.failed.any()], [o for o in mine if not o.failed.any()]
        if not lost:
            continue
        worst = min(lost, key=lambda o: o.point.knobs["dt"])
        when = "" if np.isnan(worst.lost_at) else f", the first by t = {worst.lost_at:.3g}"
        what = f"dt = {worst.point.knobs['dt']:g} lost {int(worst.failed.sum())} of {worst.failed.size} samples{when}"
        best = max((o.point.knobs["dt"] for o in kept), default=None)
        step = "no step of its ladder is stable" if best is None else f"the largest stable step is dt = {best:g}"
        out.append(f"{name}{f' ({others})' if others else ''}: {step}; {what}")
    return out
