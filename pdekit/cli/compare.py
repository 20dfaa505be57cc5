"""`pdekit compare`: learned and classical solvers on equal terms, as a report."""

from __future__ import annotations

import json as json_
from pathlib import Path
from typing import Annotated

import typer

from pdekit import api
from pdekit.cli.output import Json, Set, emit
from pdekit.cli.progress import Bar


def compare(
    plan: Annotated[Path, typer.Argument(help="A plan (.toml), or a data set together with --solver.")],
    out: Annotated[Path, typer.Option(help="The folder of the report.")],
    solver: Annotated[
        list[str] | None, typer.Option(help="A card name or a run folder, for a data set. May be repeated.")
    ] = None,
    settings: Set = None,
    json: Json = False,
) -> None:
    """Compare learned and classical solvers in error and time."""
    with Bar() as bar:
        report = api.compare(plan, out=out, solvers=solver, overrides=settings, progress=bar)
    results = report.with_name("results.json")
    facts = json_.loads(results.read_text(encoding="utf-8"))
    table = report.with_name("table.txt")
    lines = table.read_text(encoding="utf-8").splitlines() if table.is_file() else []
    emit({"report": report, "results": facts}, [*lines, f"report: {report}"], as_json=json)
