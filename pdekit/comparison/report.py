"""`report.html`: the answer, the figure, the table, what is refused and why, samples, costs, and how it was measured."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from pdekit.comparison import page
from pdekit.comparison.conduct import Comparison
from pdekit.comparison.interactive import figure_html
from pdekit.comparison.pictures import pictures
from pdekit.comparison.plots import error_time, sample_figure, save
from pdekit.comparison.results import expectations, results
from pdekit.comparison.table import HEAD, lines, notes, ratio, row, shown
from pdekit.comparison.verdict import Verdict
from pdekit.files import write_json, write_text
from pdekit.metrics import METRICS, summarise
from pdekit.metrics.machine import machine
from pdekit.settings import to_toml


def write_report(comparison: Comparison, out: Path) -> Path:
    """Write report.html, results.json, table.txt and the figures under `out`; returns the path of report.html."""
    drawn = pictures(comparison)
    for batch in comparison.plan.timing.batch:
        save(error_time(comparison, batch), out / f"error-time-{'one' if batch == 1 else 'best'}")
    for k, one in enumerate(drawn):
        save(sample_figure(one), out / f"sample-{('median', 'worst')[k]}")
    write_json(out / "results.json", results(comparison))
    write_text(out / "table.txt", "\n".join(lines(comparison)) + "\n")
    body = [
        *_head(comparison),
        *_figure(comparison),
        *_table(comparison),
        *_refusals(comparison),
        page.heading("Samples"),
        *(page.picture(sample_figure(one), one.title) for one in drawn),
        *_costs(comparison),
        *_metrics(comparison),
        *_method(comparison),
    ]
    path = out / "report.html"
    write_text(path, page.page(comparison.plan.question, body))
    return path


def _head(c: Comparison) -> list[str]:
    facts = c.cases.facts
    points = " x ".join(map(str, facts["points"]))
    text = [
        f"<h1>{page.escape(c.plan.question)}</h1>",
        page.paragraph(f"{facts['title']}. {facts['equation']}", "facts"),
        page.paragraph(f"{facts['samples']} samples of the split {facts['split']}, {points} points.", "facts"),
        page.items(answers(c), "answer"),
    ]
    missed = [e for e in expectations(c) if not e.met]
    text += [
        page.paragraph(
            f"{e.name} is {e.found:.3g}; the plan expects {e.expected:.3g} within {e.tolerance:.0%}.", "refusal"
        )
        for e in missed
    ]
    return text


def answers(c: Comparison) -> list[str]:
    """The answer in one sentence for each learned solver."""
    out = []
    for v in c.verdicts:
        if v.batch != 1 or _kind(c, v.entrant) != "learned":
            continue
        error = f"relative error {v.error:.2g}" if c.metric == "relative_l2" else f"{c.metric} {v.error:.2g}"
        if v.refused:
            out.append(f"{v.entrant}, {error} in {_ms(v.seconds)}: no speed-up is stated, because {v.refused}.")
        else:
            rivals = " and ".join(v.neighbours)
            out.append(f"{v.entrant} is {ratio(v)} than the classical front ({rivals}) at equal error, {v.error:.2g}.")
        if v.equal_time == v.equal_time and v.equal_time > 0:
            better = v.equal_time < 1
            factor = 1 / v.equal_time if better else v.equal_time
            side = "smaller" if better else "larger"
            out.append(f"In the time of {v.entrant} the classical front has an error {factor:.2g} times {side}.")
    return out or ["No learned solver takes part; the classical solvers are compared with each other."]


def _kind(c: Comparison, name: str) -> str:
    return next(o.entrant.kind for o in c.outcomes if o.entrant.name == name)


def _figure(c: Comparison) -> list[str]:
    text = [page.heading("Error against time")]
    both = len(c.plan.timing.batch) > 1
    text += [
        '<input type="radio" name="batch" id="one" checked><label for="one">one sample a call</label>',
        *(['<input type="radio" name="batch" id="best"><label for="best">best batch</label>'] if both else []),
    ]
    for k, batch in enumerate(c.plan.timing.batch):
        kind = "one" if batch == 1 else "best"
        text.append(f'<div class="tab {kind}">{figure_html(c, batch, with_library=k == 0)}</div>')
    text.append(
        page.paragraph(
            "Each small point is one setting of a solver; lines join the settings that no other of the same solver beats in "
            "both error and time; the wide grey line does so for all classical solvers together. Bars: 95 % bootstrap over "
            "samples, seeds and repeats. Towards the lower left is better. Point at a run to see what it is."
        )
    )
    return text


def _table(c: Comparison) -> list[str]:
    return [
        page.heading("Runs on the fronts"),
        page.table(HEAD, [row(c, o) for o in shown(c)], numbers=(2, 3, 4)),
        page.paragraph(
            f"Errors are {c.metric.replace('_', ' ')} against the common truth: mean over samples"
            f"{' and seeds' if any(len(o.point.solvers) > 1 for o in c.outcomes) else ''}. Times hold everything that depends "
            "on the sample: assembly, set-up, scaling, copies. All runs, those behind the fronts too, are in results.json."
        ),
    ]


def _refusals(c: Comparison) -> list[str]:
    said = notes(c, everything=True)
    refused = [f"{o.name}: {o.refused}" for o in c.outcomes if o.refused]
    texts = [*said, *refused]
    if not texts:
        return []
    return [page.heading("What is stated, what is refused, and why"), *(page.paragraph(t, "refusal") for t in texts)]


def _costs(c: Comparison) -> list[str]:
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
            "Data: core seconds of generating the train and valid splits. Other runs: training of the other seeds, and what "
            "the plan declares as tuning. Seconds of data, training and answers belong to one machine unless the run folder "
            "says otherwise."
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
    at_error = "outside the front" if math.isnan(v.classical_seconds) else _ms(v.classical_seconds)
    seconds = ("not known" if math.isnan(s) else f"{s:.3g} s" for s in (v.costs.data, v.costs.training, v.costs.tuning))
    return (v.entrant, str(v.batch), *seconds, _ms(v.seconds), at_error, back)


def _metrics(c: Comparison) -> list[str]:
    head = [
        "solver",
        *(f"{m.replace('_', ' ')}: mean" if k == 0 else m.replace("_", " ") for k, m in enumerate(c.plan.metrics)),
    ]
    head += ["median", "95th percentile", "worst"]
    rows = []
    for o in shown(c):
        every = [summarise(o.errors[m].ravel(), lower_is_better=METRICS[m].lower_is_better) for m in c.plan.metrics]
        first = every[0]
        rows.append(
            [o.name, *(_number(s.mean) for s in every), _number(first.median), _number(first.p95), _number(first.worst)]
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


def _method(c: Comparison) -> list[str]:
    host, truth, timing = machine(c.plan.timing.threads), c.truth.facts, c.plan.timing
    error = "; ".join(f"{k.replace('_', ' ')} {v:.1e}" for k, v in c.truth.error.items()) or "not known"
    grid = " x ".join(map(str, truth.get("points", []))) or "the grid of the data"
    order = truth.get("observed_order", {}).get(c.metric)
    stored = c.stored_error.get(c.metric, np.array([math.nan]))
    rows = [
        ("machine", f"{host['cpu']}, {host['cores']} cores, {host.get('memory_gib', '?')} GiB, {host['system']}"),
        ("threads, device", f"{timing.threads}, {timing.device}; networks in float32, classical solvers in float64"),
        ("timing", f"{timing.repeats} rounds in which every run answers once, after 3 warm-ups; median and bootstrap interval"),
        ("truth", f"{truth['solver']} on {grid}, restricted to the data's grid; its own error: {error}"),
        ("observed order of the truth", _order(order, truth)),
        ("error of the data's own outputs", f"{stored.mean():.2e}: no solver trained on them can be expected to do better"),
        ("data", f"{c.cases.facts['file']}, content hash {c.cases.facts['content_hash'] or 'none'}"),
        ("samples that stand in the train split too", str(c.cases.leaked)),
        ("left out of the plan", _left_out(c)),
        *((f"training of {o.entrant.name}", _training(o.entrant.training)) for o in c.outcomes if o.entrant.training),
    ]  # fmt: skip
    if c.cases.facts["unknown"]:
        rows.append(("not known about the data", str(c.cases.facts["unknown"])))
    return [
        page.heading("How it was measured"),
        page.table(("", ""), rows),
        page.folded("the plan", to_toml(c.plan.model_dump())),
        *([page.folded("the recipe of the data", c.cases.facts["recipe"])] if c.cases.facts["recipe"] else []),
    ]


def _order(order: float | None, truth: dict) -> str:
    return "not estimated" if order is None else f"{order:.2f}, from {truth['estimated_from']} samples"


def _left_out(c: Comparison) -> str:
    probed = ", ".join(f"{k} {_ms(v)}" for k, v in sorted(c.baselines.left_out.items(), key=lambda kv: kv[1]))
    return f"{probed} a sample, each at its card's settings" if probed else "no registered classical solver"


def _training(facts: dict) -> str:
    seconds = ", ".join(f"{s:.3g}" for s in facts["seconds"])
    seeds = ", ".join(str(s) for s in facts["seeds"])
    threads = (facts.get("machine") or {}).get("threads")
    return f"{facts['parameters']:,} parameters, seeds {seeds}, {seconds} s" + (
        f" on {threads} threads" if threads else ""
    )


def _ms(seconds: float) -> str:
    return f"{1e3 * seconds:.3g} ms"


def _number(value: float) -> str:
    return "none" if math.isnan(value) else f"{value:.3g}"
