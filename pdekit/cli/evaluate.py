"""`pdekit evaluate`: every metric of one learned solver."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pdekit import api
from pdekit.cli.output import Json, aligned, duration, emit
from pdekit.cli.progress import Bar

COLUMNS = ("mean", "low", "high", "median", "p95", "worst")


def evaluate(
    run: Annotated[Path, typer.Argument(help="A run folder that `pdekit train` wrote.")],
    file: Annotated[Path, typer.Argument(help="A data set.")],
    split: Annotated[str, typer.Option(help="The split to evaluate on.")] = "test",
    json: Json = False,
) -> None:
    """Evaluate one learned solver by every metric."""
    with Bar() as bar:
        facts = api.evaluate(run, file, split=split, progress=bar)
    emit(facts, _lines(facts), as_json=json)


def _lines(facts: dict[str, Any]) -> list[str]:
    error = facts["reference_error"]
    head = [
        ("run", facts["run"]),
        ("data", f"{facts['file']}, split {facts['split']}, {facts['samples']} samples"),
        ("reference", "the stored outputs" + (f", whose own relative error is about {error:.1e}" if error else "")),
        ("status", ", ".join(f"{name.lower()} {n}" for name, n in facts["status"].items())),
        ("time", f"{duration(facts['latency_seconds'])} for one sample (median of ten)"),
    ]
    rows = [("metric", "mean", "95 % interval", "median", "p95", "worst", "failed", "undefined")]
    for name, m in facts["metrics"].items():
        mean, low, high, median, p95, worst = (_text(m[key]) for key in COLUMNS)
        unit = "" if m["unit"] == "1" else f" [{m['unit']}]"
        rows.append(
            (name + unit, mean, f"{low} to {high}", median, p95, worst, str(m["n_failed"]), str(m["n_degenerate"]))
        )
    return [*aligned(head), "", *aligned(rows)]


def _text(value: float) -> str:
    return "-" if value != value else f"{value:.3g}"
