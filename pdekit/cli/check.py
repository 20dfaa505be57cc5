"""`pdekit check`: is a data set what it says it is? Exit code 1 where anything fails."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from pdekit.cli.output import Json, emit
from pdekit.cli.progress import Bar


def check(
    file: Annotated[Path, typer.Argument(help="A data set.")],
    against: Annotated[
        Path | None, typer.Option(help="Another data set, of the same recipe: compare within rounding.")
    ] = None,
    json: Json = False,
) -> None:
    """Check whether a data set is what it says it is.

    Form, completeness, checksums, NaN, statuses, PDE residual, conservation, and samples found twice across splits.
    Exit code 1 where anything fails.
    """
    from pdekit.data.check import check as room

    with Bar() as bar:
        report = room(file, against, bar)
    emit({**asdict(report), "passed": report.passed}, report.lines(), as_json=json)
    if not report.passed:
        raise typer.Exit(1)
