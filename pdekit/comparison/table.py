"""The table that a terminal shows: one line a run, aligned, with units, intervals and failures; refusals in words."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from pdekit.comparison.bootstrap import Draws, interval
from pdekit.comparison.conduct import Comparison
from pdekit.comparison.refusal import usable
from pdekit.comparison.run import Outcome
from pdekit.comparison.verdict import SHARE, Verdict
from pdekit.metrics.cost import REPEATS, front
from pdekit.metrics.machine import machine

HEAD = ("solver", "error (mean, 95 %)", "time/sample", "set-up", "best batch", "failed", "at equal error")
NUMBERS = (2, 3, 4, 5)  # columns of HEAD that are set to the right
LEARNED = ("learned", "hybrid")  # kinds that were trained
MOST = 4  # runs shown of one classical solver
WORTH = 0.95  # a slower run is shown where its error is less than this part of the one before


def lines(comparison: Comparison, more: Sequence[str] = ()) -> list[str]:
    """The table as text, without the path of the report; `more` lines stand between it and the notes."""
    facts, host = comparison.cases.facts, machine(comparison.plan.timing.threads)
    points = " x ".join(map(str, facts["points"]))
    name = facts["file"].removesuffix(".h5")
    floor = "not known" if math.isnan(comparison.floor) else f"{comparison.floor:.1e}"
    head = [
        f"{name}  {facts['split']} {facts['samples']} samples, {points}, {comparison.metric}, truth's own error {floor}",
        f"machine: {host['cpu']}, {_threads(host['threads'])}, classical float64, networks float32",
    ]
    rows = [HEAD, *(row(comparison, o) for o in shown(comparison))]
    width = [max(len(r[k]) for r in rows) for k in range(len(HEAD))]
    right = set(NUMBERS)
    body = [
        "  ".join(c.rjust(width[k]) if k in right else c.ljust(width[k]) for k, c in enumerate(r)).rstrip()
        for r in rows
    ]
    return [*head, "", *body, "", *more, *notes(comparison)]


def shown(comparison: Comparison) -> list[Outcome]:
    """Of each classical solver the runs on its own front, at most four; every other solver's run."""
    out: list[Outcome] = []
    for name in dict.fromkeys(o.entrant.name for o in comparison.outcomes):
        mine = [o for o in comparison.outcomes if o.entrant.name == name and not o.refused]
        good = usable(mine)
        kept = on_front(good, comparison.metric, 1) if good else mine[:1]
        chosen = sorted({round(i) for i in np.linspace(0, len(kept) - 1, min(MOST, len(kept)))})
        out += [kept[i] for i in chosen]
    return out


def on_front(runs: list[Outcome], metric: str, batch: int | str) -> list[Outcome]:
    """Runs on their front, fastest first, without those whose error is hardly smaller than that of a faster one."""
    family = front([float(np.median(o.seconds(batch))) for o in runs], [o.mean(metric) for o in runs])
    kept: list[int] = []
    for run, error in zip(family.runs, family.errors, strict=True):
        if not kept or error < WORTH * runs[kept[-1]].mean(metric):
            kept.append(run)
    return [runs[k] for k in kept]


def row(comparison: Comparison, outcome: Outcome) -> tuple[str, ...]:
    """The cells of one run."""
    table = outcome.errors[comparison.metric]
    finite = table[np.isfinite(table)]
    error = "none" if finite.size == 0 else f"{finite.mean():.2e}"
    if finite.size and not np.isinf(table).any():
        draws = Draws.of(table.shape[1])
        low, high = interval(draws.errors(table, comparison.outcomes.index(outcome)))
        error += " (too few)" if math.isnan(low) else f" [{low:.2e}, {high:.2e}]"
    undefined = int(np.isnan(table).sum())
    members = len(table)
    seeds = f", {members} seeds" if members > 1 else ", single seed" if outcome.entrant.kind in LEARNED else ""
    batch, times = outcome.best
    best = f"{_ms(np.median(times))} at {batch}" if batch > 1 else "the same"
    return (
        outcome.name + seeds,
        error,
        _ms(np.median(outcome.latency)),
        _ms(outcome.setup) if outcome.entrant.kind == "classical" else "-",
        best,
        str(int(outcome.failed.sum())) + (f", {undefined} undefined" if undefined else ""),
        verdict_cell(comparison, outcome),
    )


def verdict_cell(comparison: Comparison, outcome: Outcome) -> str:
    """What stands under "at equal error"."""
    if outcome.entrant.kind == "classical":
        return "baseline"
    verdict = next(v for v in comparison.verdicts if v.entrant == outcome.entrant.name and v.batch == 1)
    return f"refused: {verdict.in_short}" if verdict.refused else ratio(verdict)


def ratio(verdict: Verdict) -> str:
    """A speed-up in words with its interval, or why that is withheld."""
    low, high = verdict.speed_up_interval
    faster = verdict.speed_up >= 1
    factor = verdict.speed_up if faster else 1 / verdict.speed_up
    word = f"{factor:.2g} times {'faster' if faster else 'slower'}"
    if verdict.outside > SHARE:
        return f"{word} [no interval: {verdict.outside:.0%} of the replicates lie outside the front]"
    if math.isnan(low):
        return f"{word} [no interval: too few samples]"
    return f"{word} [{low:.2g}, {high:.2g}]" if faster else f"{word} [{1 / high:.2g}, {1 / low:.2g}]"


def notes(comparison: Comparison, *, everything: bool = False) -> list[str]:
    """What must be said under the table: refusals (of trivial baselines where `everything`), the weak side, break-even."""
    out: list[str] = []
    weak = comparison.baselines.sentence()
    if weak and comparison.cases.problem is not None:
        out.append(weak)
    if comparison.no_persistence:
        out.append(comparison.no_persistence)
    for v in comparison.verdicts:
        if _kind(comparison, v.entrant) == "trivial" and not everything:
            continue
        how = "" if v.batch == 1 else " at its best batch"
        if v.refused and v.refused != weak:
            out.append(f"{v.entrant}{how}: no speed-up at equal error: {v.refused}")
        elif not v.refused:
            out.append(f"{v.entrant}{how}: {ratio(v)} than {' and '.join(v.neighbours)}; {paid_back(v)}")
    out += [saving.sentence for saving in comparison.savings]
    out += [
        f"{name}: {len(runs)} of its runs left samples unsolved and stand for nothing"
        for name, runs in _broken(comparison)
    ]
    if comparison.plan.timing.repeats < REPEATS:
        out.append(f"times are medians of {comparison.plan.timing.repeats} repeats: fewer than {REPEATS}")
    return out


def _broken(comparison: Comparison) -> list[tuple[str, list[Outcome]]]:
    """Classical solvers with runs that failed on some sample."""
    broken: dict[str, list[Outcome]] = {}
    for o in comparison.runs("classical"):
        if o.failed.any():
            broken.setdefault(o.entrant.name, []).append(o)
    return list(broken.items())


def _kind(comparison: Comparison, name: str) -> str:
    return next(o.entrant.kind for o in comparison.outcomes if o.entrant.name == name)


def paid_back(verdict: Verdict) -> str:
    """The break-even in words."""
    costs = verdict.costs
    spent = costs.data + costs.training + costs.tuning
    if math.isnan(verdict.break_even):
        return "break-even not stated: the cost of data or training is not known"
    if math.isinf(verdict.break_even):
        return f"the {spent:.3g} core seconds spent on data and training are never paid back: it is not faster"
    return (
        f"the {spent:.3g} core seconds spent on data and training are paid back after {verdict.break_even:,.0f} samples"
    )


def _ms(seconds: float | np.floating) -> str:
    return f"{1e3 * float(seconds):.3g} ms"


def _threads(n: int) -> str:
    return "1 thread" if n == 1 else f"{n} threads"
