"""`pdekit evaluate`: every metric of one learned solver."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pdekit import api
from pdekit.cli.output import Json, aligned, emit


def evaluate(
    run: Annotated[Path, typer.Argument(help="A run folder that `pdekit train` wrote.")],
    file: Annotated[Path, typer.Argument(help="A data set.")],
    split: Annotated[str, typer.Option(help="The split to evaluate on.")] = "test",
    json: Json = False,
) -> None:
    """Evaluate one learned solver by every metric."""
    facts = api.evaluate(run, file, split=split)
    emit(facts, _lines(facts), as_json=json)


def _lines(facts: dict[str, Any], indent: str = "") -> list[str]:
    lines = aligned([(key, _text(value)) for key, value in facts.items() if not isinstance(value, dict)], indent=indent)
    for key, value in facts.items():
        if isinstance(value, dict):
            lines += [f"{indent}{key}", *_lines(value, indent + "  ")]
    return lines


def _text(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
