"""`pdekit train`: a card and a data set become a run folder."""

from __future__ import annotations

import json as json_
from pathlib import Path
from typing import Annotated

import typer

from pdekit import api
from pdekit.cli.output import Json, Set, aligned, duration, emit
from pdekit.cli.progress import Bar


def train(  # noqa: PLR0913  (the options of the command)
    solver: Annotated[str, typer.Argument(help="A learned solver in `pdekit list solvers`, or a path to a card.")],
    file: Annotated[Path, typer.Argument(help="A data set.")],
    out: Annotated[Path, typer.Option(help="The run folder to write.")],
    settings: Set = None,
    seed: Annotated[int, typer.Option(help="Of weights, order of samples and augmentation.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    devices: Annotated[int, typer.Option(help="Devices per node.")] = 1,
    nodes: Annotated[int, typer.Option(help="Machines.")] = 1,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")] = False,
    json: Json = False,
) -> None:
    """Train a learned solver on the train split of a data set."""
    with Bar() as bar:
        run = api.train(
            solver,
            file,
            out=out,
            overrides=settings,
            seed=seed,
            device=device,
            devices=devices,
            nodes=nodes,
            resume=resume,
            progress=bar,
        )
    facts = json_.loads((run / "run.json").read_text(encoding="utf-8"))
    rows = [
        ("epochs", facts.get("epochs")),
        ("best epoch", facts.get("best_epoch")),
        ("best valid relative L2", f"{facts.get('best_valid_relative_l2', float('nan')):.4g}"),
        ("parameters", facts.get("parameters")),
        ("time", duration(facts.get("seconds", 0.0))),
        ("run", run),
    ]
    emit({"run": run, **facts}, aligned(rows), as_json=json)
