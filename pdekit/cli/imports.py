"""`pdekit import`: other people's files become data sets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pdekit.cli.output import Json, emit
from pdekit.cli.progress import Bar

Said = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="What the files do not say: location, boundary, length, length_unit, roles.NAME, units.NAME, axis_order, "
        "dtype, nonfinite, title. May be repeated.",
    ),
]


def import_file(
    source: Annotated[Path, typer.Argument(help="npz or npy, PDEBench, The Well, or neuraloperator .pt.")],
    out: Annotated[Path, typer.Option(help="The file to write.")],
    settings: Said = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file where there is one.")] = False,
    json: Json = False,
) -> None:
    """Import a file of another layout, recognised by content."""
    from pdekit.data.formats import import_file as room
    from pdekit.data.info import info

    with Bar() as bar:
        path = room(source, out, overrides=settings, overwrite=overwrite, progress=bar)
    facts = info(path)
    splits = {name: split["samples"] for name, split in facts["splits"].items()}
    unknown = facts["notes"].get("unknown")
    lines = ["  ".join(f"{name} {n}" for name, n in splits.items()) + "  samples"]
    lines += [f"unknown: {unknown}"] if unknown else []
    emit(
        {"path": path, "splits": splits, "content_hash": facts["content_hash"], "unknown": unknown},
        [*lines, str(path)],
        as_json=json,
    )
