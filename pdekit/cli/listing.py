"""`pdekit list`: what there is, one line each."""

from __future__ import annotations

from typing import Annotated

import typer

from pdekit.cli.output import Json, aligned, emit
from pdekit.cli.tables import TABLES
from pdekit.errors import unknown_name


def list_(
    what: Annotated[
        list[str] | None, typer.Argument(metavar="[problems|datasets|solvers|metrics]", help="All four by default.")
    ] = None,
    json: Json = False,
) -> None:
    """List problems, data sets, solvers and metrics."""
    chosen = what or list(TABLES)
    for name in chosen:
        if name not in TABLES:
            raise unknown_name("list", name, TABLES)
    tables = {name: TABLES[name]() for name in chosen}
    lines: list[str] = []
    for name, rows in tables.items():
        if len(tables) > 1:
            lines += [*([""] if lines else []), f"{name}:"]
        lines += aligned([tuple(row.values()) for row in rows], indent="  " if len(tables) > 1 else "")
    emit(tables, lines, as_json=json)
