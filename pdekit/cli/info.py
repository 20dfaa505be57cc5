"""`pdekit info`: what a data set or a run folder holds."""

from __future__ import annotations

import json as json_
from pathlib import Path
from typing import Annotated, Any

import typer

from pdekit.cli.output import Json, aligned, duration, emit
from pdekit.errors import BadInput, FormatError
from pdekit.registry import is_run


def info(
    path: Annotated[Path, typer.Argument(help="A data set or a run folder.")],
    recipe: Annotated[bool, typer.Option("--recipe", help="Print the recipe that made the data set.")] = False,
    json: Json = False,
) -> None:
    """Say what a data set or a run folder holds."""
    if path.is_dir():
        facts = _run(path)
        emit(facts, aligned([(k, _text(v)) for k, v in facts.items()]), as_json=json)
        return
    from pdekit.data.info import info as room

    facts = room(path)
    if recipe:
        emit({"recipe": facts["recipe"]}, [facts["recipe"] or "no recipe: imported or own data"], as_json=json)
        return
    emit(facts, _lines(facts), as_json=json)


def _run(path: Path) -> dict[str, Any]:
    if not is_run(path):
        raise BadInput.of(
            f"{str(path)!r} is not a run folder.",
            found="a folder without run.json and card.toml",
            allowed="a data set (.h5), or a folder written by `pdekit train`",
        )
    try:
        facts = json_.loads((path / "run.json").read_text(encoding="utf-8"))
    except ValueError as error:
        raise FormatError.of(f"{str(path / 'run.json')!r} cannot be read as JSON.", found=str(error)) from None
    if not isinstance(facts, dict):
        raise FormatError.of(f"{str(path / 'run.json')!r} is not a record of a run.")
    return {"run": str(path), **facts}


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{k} {_text(v)}" for k, v in value.items())
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _lines(facts: dict[str, Any]) -> list[str]:
    made = facts["generation_seconds"].get("wall")
    head = [
        ("title", facts["title"]),
        ("problem", f"{facts['problem']}: {facts['equation']}" if facts["problem"] else "not known"),
        ("solver", facts["solver"] or "not known"),
        ("seed", "none" if facts["seed"] is None else facts["seed"]),
        ("size", f"{facts['bytes'] / 1e6:.4g} MB"),
        ("content hash", facts["content_hash"]),
        *([("generated in", duration(made))] if isinstance(made, float) else []),
        *(facts["notes"].items()),
    ]
    lines = aligned(head)
    for name, split in facts["splits"].items():
        points = " x ".join(map(str, split["points"]))
        frames = f", {split['frames']} frames" if split["frames"] else ""
        lines += ["", f"{name}: {split['samples']} samples, {points} {split['location']} points{frames}"]
        lines += aligned([_variable(*item) for item in split["variables"].items()], indent="  ")
        if "solver" in split:
            lines += ["  " + "; ".join(f"{k.replace('_', ' ')} {_text(v)}" for k, v in split["solver"].items())]
    return lines


def _variable(name: str, facts: dict[str, Any]) -> tuple[str, ...]:
    shape = " x ".join(map(str, facts["shape"]))
    row = (name, facts["role"], f"[{facts['units']}]", facts["dtype"], shape)
    if "mean" not in facts:
        return row
    return (*row, f"mean {facts['mean']:.4g}, std {facts['std']:.4g}, {facts['min']:.4g} to {facts['max']:.4g}")
