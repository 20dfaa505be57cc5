"""The second half of the page: what it cost, every metric, and how it was measured."""

from __future__ import annotations

import math

import numpy as np

from pdekit.comparison import page
from pdekit.comparison.conduct import Comparison
from pdekit.comparison.table import shown
from pdekit.comparison.verdict import Verdict
from pdekit.linear.coarse_start import LOOSE
from pdekit.metrics import METRICS, summarise
from pdekit.metrics.machine import machine
from pdekit.settings import to_toml

STARTS = (
    "the same iteration to the same tolerance from each start, one sample a call, in an order drawn anew for each round; from "
    f"coarser grids: solved to {LOOSE:g}, interpolated from half the intervals or extrapolated from half and a fourth, all of "
    "it counted; the faster of these two is stated, both are in results.json"
)


def costs(c: Comparison) -> list[str]:
    """Data, training and other runs in core seconds, and after how many samples they are paid back."""
    rows = [_cost(v) for v in c.verdicts]
    if not rows:
        return []
    head = (
        "solver",
        "batch",
        "data",
        "training",
        "other runs",
        "its time",
        "classical time at its error",
        "pays back after",
    )
    return [
        page.heading("What it cost before the first answer"),
        page.table(head, rows, numbers=(2, 3, 4, 5, 6, 7)),
        page.paragraph(
            "All in seconds of one core. Data: generating the train and valid splits. Other runs: training of the other seeds, "
            "and what the plan declares as tuning. Data, training and answers belong to one machine unless the run folder says "
            "otherwise."
        ),
    ]


def _cost(v: Verdict) -> tuple[str, ...]:
    back = (
        "not stated"
        if math.isnan(v.break_even)
        else "never"
        if math.isinf(v.break_even)
        else f"{v.break_even:,.0f} samples"
    )
    at_error = f"refused: {v.in_short}" if v.refused else milliseconds(v.classical_seconds)
    seconds = ("not known" if math.isnan(s) else f"{s:.3g} s" for s in (v.costs.data, v.costs.training, v.costs.tuning))
    return (v.entrant, str(v.batch), *seconds, milliseconds(v.seconds), at_error, back)


def metrics(c: Comparison) -> list[str]:
    """Every metric of the runs that are shown, and the paired tests."""
    head = [
        "solver",
        *(f"{m.replace('_', ' ')}: mean" if k == 0 else m.replace("_", " ") for k, m in enumerate(c.plan.metrics)),
    ]
    head += ["median", "95th percentile", "worst", "failed", "undefined"]
    rows = []
    for o in shown(c):
        every = [summarise(o.errors[m].ravel(), lower_is_better=METRICS[m].lower_is_better) for m in c.plan.metrics]
        first = every[0]
        rows.append(
            [
                o.name,
                *(_number(s.mean) for s in every),
                *(_number(v) for v in (first.median, first.p95, first.worst)),
                str(first.n_failed),
                str(max(s.n_degenerate for s in every)),
            ]
        )
    text = [page.heading("Every metric"), page.table(head, rows, numbers=range(1, len(head)))]
    if c.pairs:
        pairs = [
            (f"{p.first} / {p.second}", f"{p.ratio:.3g}", "not tested" if math.isnan(p.p) else f"{p.p:.1e}")
            for p in c.pairs
        ]
        text += [
            page.heading("Learned solvers against each other, on the same samples"),
            page.table(("pair", "median ratio of errors", "p (Wilcoxon, Holm)"), pairs, numbers=(1, 2)),
        ]
    return text


def method(c: Comparison) -> list[str]:
    """The machine, the timing, the truth, the data, the plan and the recipe."""
    host, truth, timing = machine(c.plan.timing.threads), c.truth.facts, c.plan.timing
    error = "; ".join(f"{k.replace('_', ' ')} {v:.1e}" for k, v in c.truth.error.items()) or "not known"
    grid = " x ".join(map(str, truth.get("points", []))) or "the grid of the data"
    order = truth.get("observed_order", {}).get(c.metric)
    stored = c.stored_error.get(c.metric, np.array([math.nan]))
    rows = [
        ("machine", f"{host['cpu']}, {host['cores']} cores, {host.get('memory_gib', '?')} GiB, {host['system']}"),
        ("threads, device", f"{timing.threads}, {timing.device}; networks in float32, classical solvers in float64"),
        ("timing", f"{timing.repeats} rounds in which every run answers once, after 3 warm-ups; median and bootstrap interval"),
        *([("starts of the hybrids", STARTS)] if c.savings else []),
        ("truth", f"{truth['solver']} on {grid}{_step(truth)}, restricted to the data's grid; its own error: {error}"),
        *([("frames", _frames(c))] if c.frames is not None else []),
        ("observed order of the truth", _order(order, truth)),
        ("error of the data's own outputs", f"{stored.mean():.2e}: no solver trained on them can be expected to do better"),
        ("data", f"{c.cases.facts['file']}, content hash {c.cases.facts['content_hash'] or 'none'}"),
        ("samples with inputs that train or valid hold", f"{c.cases.leaked}, by hashes of the inputs"),
        ("first calls, compilation included", _first_calls(c)),
        ("left out of the plan", _left_out(c)),
        *((f"training of {o.entrant.name}", _training(o.entrant.training)) for o in c.outcomes if o.entrant.training),
    ]  # fmt: skip
    if c.cases.facts["unknown"]:
        rows.append(("not known about the data", str(c.cases.facts["unknown"])))
    return [
        page.heading("How it was measured"),
        page.table(("", ""), rows),
        page.folded("the plan", to_toml(c.plan.model_dump(exclude_unset=True))),
        *([page.folded("the recipe of the data", c.cases.facts["recipe"])] if c.cases.facts["recipe"] else []),
    ]


def _step(truth: dict) -> str:
    return f" in steps of {truth['dt']:.4g}" if "dt" in truth else ""


def _frames(c: Comparison) -> str:
    frames = c.frames
    assert frames is not None
    what = (
        "the first"
        if frames.given == 1
        else f"the first {frames.given}, or as many of the last of them as it remembers,"
    )
    return f"{len(frames.times)}, of which every solver is given {what} and is scored on none; times are from the last of them on"


def _order(order: float | None, truth: dict) -> str:
    return "not estimated" if order is None else f"{order:.2f}, from {truth['estimated_from']} samples"


def _left_out(c: Comparison) -> str:
    """The registered solvers that were only probed, each with its fastest run that is at least as exact as the data."""
    best: dict[str, str] = {}
    for probe in sorted(c.baselines.left_out, key=lambda p: p.error):
        name = probe.name.split(" (")[0]
        best.setdefault(name, f"{name} {probe.error:.2g} in {milliseconds(probe.seconds)}")
    return (
        f"probed on a few samples; most exact runs: {', '.join(best.values())}"
        if best
        else "no registered classical solver"
    )


def _first_calls(c: Comparison) -> str:
    first = {}
    for o in c.outcomes:
        if not o.refused:
            first.setdefault(o.entrant.name, f"{o.entrant.name} {milliseconds(o.first)}")
    return ", ".join(first.values())


def _training(facts: dict) -> str:
    seconds = ", ".join(f"{s:.3g}" for s in facts["seconds"])
    seeds = ", ".join(str(s) for s in facts["seeds"])
    threads = (facts.get("machine") or {}).get("threads")
    return f"{facts['parameters']:,} parameters, seeds {seeds}, {seconds} s" + (
        f" on {threads} threads" if threads else ""
    )


def milliseconds(seconds: float) -> str:
    """Seconds as ms, three digits."""
    return f"{1e3 * seconds:.3g} ms"


def _number(value: float) -> str:
    return "none" if math.isnan(value) else f"{value:.3g}"
