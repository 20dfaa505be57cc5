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
    """Compare learned and classical solvers in error and time.

    Exit code 1 where a figure lies outside what the plan expects.
    """
    with Bar() as bar:
        report = api.compare(plan, out=out, solvers=solver, overrides=settings, progress=bar)
    results = report.with_name("results.json")
    facts = json_.loads(results.read_text(encoding="utf-8"))
    missed = [e for e in facts["expect"] if not e["met"]]
    lines = report.with_name("table.txt").read_text(encoding="utf-8").splitlines()
    lines += [
        f"expected {e['name']} {e['expected']:.3g} within {e['tolerance']:.0%}: found {e['found']}" for e in missed
    ]
    emit({"report": report, "results": facts}, [*lines, f"report: {report}"], as_json=json)
    if missed:
        raise typer.Exit(1)
