"""`pdekit export`: a data set in other people's layouts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pdekit.cli.output import Json, emit
from pdekit.cli.progress import Bar


def export_file(
    file: Annotated[Path, typer.Argument(help="A data set.")],
    to: Annotated[str, typer.Option(help="npz, pdebench, well or neuralop.")],
    out: Annotated[Path, typer.Option(help="The file or folder to write.")],
    split: Annotated[list[str] | None, typer.Option(help="Only this split. May be repeated.")] = None,
    json: Json = False,
) -> None:
    """Export a data set to another layout."""
    from pdekit.data.formats import export_file as room

    with Bar() as bar:
        path = room(file, to, out, splits=split, progress=bar)
    emit({"path": path}, [str(path)], as_json=json)
