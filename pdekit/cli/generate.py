"""`pdekit generate`: a recipe becomes a data set."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from pdekit import api
from pdekit.cli.output import Json, Set, duration, emit
from pdekit.cli.progress import Bar


def generate(
    recipe: Annotated[str, typer.Argument(help="A name in `pdekit list datasets`, or a path to a recipe.")],
    out: Annotated[Path, typer.Option(help="The file to write.")],
    settings: Set = None,
    seed: Annotated[int | None, typer.Option(help="Replaces the recipe's seed.")] = None,
    workers: Annotated[int, typer.Option(help="Processes on this machine.")] = 1,
    scheduler: Annotated[str | None, typer.Option(help="Address of a dask scheduler, instead of --workers.")] = None,
    json: Json = False,
) -> None:
    """Generate a data set, or resume its generation."""
    begin = time.perf_counter()
    with Bar() as bar:
        path = api.generate(
            recipe, out, overrides=settings, seed=seed, workers=workers, scheduler=scheduler, progress=bar
        )
    seconds = time.perf_counter() - begin
    from pdekit.data.info import info

    facts = info(path)
    splits = {name: split["samples"] for name, split in facts["splits"].items()}
    emit(
        {"path": path, "content_hash": facts["content_hash"], "seconds": seconds, "splits": splits},
        [
            "  ".join(f"{name} {n}" for name, n in splits.items()) + f"  samples, {duration(seconds)}",
            f"content hash {facts['content_hash']}",
            str(path),
        ],
        as_json=json,
    )
