"""`pdekit show`: pictures of samples."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pdekit.cli.output import Json, emit


def show(
    file: Annotated[Path, typer.Argument(help="A data set.")],
    sample: Annotated[int, typer.Option(help="Number of the sample, from 0.")] = 0,
    out: Annotated[
        Path | None,
        typer.Option(help="The picture: .png, .pdf or .svg; .gif or .mp4 for an animation; FILE.png by default."),
    ] = None,
    split: Annotated[str | None, typer.Option(help="Split of the sample; the first one by default.")] = None,
    json: Json = False,
) -> None:
    """Draw a sample: inputs, parameters and outputs."""
    from pdekit.data.show import show as room

    target = room(file, sample, out if out is not None else file.with_suffix(".png"), split=split)
    emit({"picture": target}, [str(target)], as_json=json)
