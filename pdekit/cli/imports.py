"""`pdekit import`: other people's files become data sets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pdekit.cli.output import Json, emit
from pdekit.cli.progress import Bar


def import_file(
    source: Annotated[Path, typer.Argument(help="npz or npy, PDEBench, The Well, or neuraloperator .pt.")],
    out: Annotated[Path, typer.Option(help="The file to write.")],
    json: Json = False,
) -> None:
    """Import a file of another layout, recognised by content."""
    from pdekit.data.formats import import_file as room
    from pdekit.data.info import info

    with Bar() as bar:
        path = room(source, out, progress=bar)
    facts = info(path)
    splits = {name: split["samples"] for name, split in facts["splits"].items()}
    lines = ["  ".join(f"{name} {n}" for name, n in splits.items()) + "  samples", str(path)]
    emit({"path": path, "splits": splits, "content_hash": facts["content_hash"]}, lines, as_json=json)
