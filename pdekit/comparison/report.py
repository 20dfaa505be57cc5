"""`report.html`: the answer, the figure, the table, what is refused and why, samples, costs, and how it was measured."""

from __future__ import annotations

from pathlib import Path

from pdekit.comparison import page, table_in_time
from pdekit.comparison.conduct import Comparison
from pdekit.comparison.details import costs, method, metrics, milliseconds
from pdekit.comparison.interactive import figure_html
from pdekit.comparison.pictures import pictures
from pdekit.comparison.plots import error_time, sample_figure, save
from pdekit.comparison.report_in_time import in_time
from pdekit.comparison.results import expectations, results
from pdekit.comparison.table import HEAD, LEARNED, NUMBERS, lines, notes, ratio, row, shown
from pdekit.files import write_json, write_text

ERRORS = {"relative_l2": "relative error", "relative_l2_trajectory": "relative error of the whole trajectory"}


def write_report(comparison: Comparison, out: Path) -> Path:
    """Write report.html, results.json, table.txt and the figures under `out`; returns the path of report.html."""
    drawn = pictures(comparison)
    for batch in comparison.plan.timing.batch:
        save(error_time(comparison, batch), out / f"error-time-{'one' if batch == 1 else 'best'}")
    for k, one in enumerate(drawn):
        save(sample_figure(one), out / f"sample-{('median', 'worst')[k]}")
    write_json(out / "results.json", results(comparison))
    write_text(out / "table.txt", "\n".join(_text(comparison)) + "\n")
    body = [
        *_head(comparison),
        *_figure(comparison),
        *_table(comparison),
        *_refusals(comparison),
        *in_time(comparison, out),
        page.heading("Samples"),
        *(page.picture(sample_figure(one), one.title) for one in drawn),
        *costs(comparison),
        *metrics(comparison),
        *method(comparison),
    ]
    path = out / "report.html"
    write_text(path, page.page(comparison.plan.question, body))
    return path


def _text(c: Comparison) -> list[str]:
    """What a terminal shows: the table of errors and times, that of the trajectories, what is refused."""
    return lines(c, table_in_time.lines(c))


def _head(c: Comparison) -> list[str]:
    facts = c.cases.facts
    points = " x ".join(map(str, facts["points"]))
    text = [
        f"<h1>{page.escape(c.plan.question)}</h1>",
        page.paragraph(f"{facts['title']}. {facts['equation'].replace('-', chr(0x2212), 1)}", "facts"),
        page.paragraph(
            f"{facts['samples']} samples of the split {facts['split']}, {points} points{_span(c)}.", "facts"
        ),
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


def _span(c: Comparison) -> str:
    if c.frames is None:
        return ""
    times, unit = c.frames.times, "" if c.frames.unit == "1" else f" {c.frames.unit}"
    return f", {len(times)} frames from t = {times[0]:.4g} to {times[-1]:.4g}{unit}"


def answers(c: Comparison) -> list[str]:
    """The answer in one sentence for each learned solver."""
    out = []
    for v in c.verdicts:
        if v.batch != 1 or _kind(c, v.entrant) not in LEARNED:
            continue
        error = f"{ERRORS.get(c.metric, c.metric)} {v.error:.2g}"
        members = len(next(o for o in c.outcomes if o.entrant.name == v.entrant).point.solvers)
        name = f"{v.entrant} ({members} seeds)" if members > 1 else f"{v.entrant} (a single seed)"
        if v.refused:
            out.append(f"{name}, {error} in {milliseconds(v.seconds)}: no speed-up is stated, because {v.refused}.")
        else:
            rivals = " and ".join(v.neighbours)
            out.append(f"{name} is {ratio(v)} than the classical front ({rivals}) at equal error, {v.error:.2g}.")
        if v.equal_time > 0:
            factor = 1 / v.equal_time if v.equal_time < 1 else v.equal_time
            side = "smaller" if v.equal_time < 1 else "larger"
            out.append(f"In the time of {v.entrant} the classical front has an error {factor:.2g} times {side}.")
    out += [f"{s.sentence}." for s in c.savings]
    absent = [o for o in c.outcomes if o.entrant.kind in LEARNED and o.refused]
    out += [f"{o.entrant.name} could not answer: {o.refused}" for o in absent]
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
        page.table(HEAD, [row(c, o) for o in shown(c)], numbers=NUMBERS),
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
    rows = [
        page.paragraph(t, "refusal" if "no speed-up" in t or "baseline is missing" in t or t in refused else "note")
        for t in texts
    ]
    return [page.heading("What is stated, what is refused, and why"), *rows]
