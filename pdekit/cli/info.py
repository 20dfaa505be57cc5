"""`pdekit info`: what a data set or a run folder holds."""

from __future__ import annotations

import json as json_
from collections.abc import Mapping
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
        emit(facts, aligned(_run_rows(facts)), as_json=json)
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


def _run_rows(facts: dict[str, Any]) -> list[tuple[str, str]]:
    """What a person wants to know of a run; `--json` has everything."""
    samples, machine = _text(facts.get("samples", "")), facts.get("machine", {})
    best = facts.get("best_valid_relative_l2")
    rows = {
        "run": facts["run"],
        "solver": f"{facts.get('solver', '')}: {facts.get('title', '')}",
        "status": _text(facts.get("status", "")) + (f": {facts['reason']}" if "reason" in facts else ""),
        "problem": _text(facts.get("problem") or "not known"),
        "data": f"{facts.get('file', '')}, content hash {facts.get('file_hash', '')}",
        "seed": _text(facts.get("seed", "")),
        "samples": samples,
        "parameters": _text(facts.get("parameters", "")),
        "epochs": _text(facts.get("epochs", "")),
        "best": ""
        if best is None
        else f"relative L2 {best:.4g} on the split it was chosen by, epoch {facts['best_epoch']}",
        "time": duration(facts["seconds"]) if "seconds" in facts else "",
        "machine": f"{machine['cpu']}, {machine['device']}, threads {machine['threads']}" if machine else "",
        "versions": _text(facts.get("versions", "")),
    }
    return [(key, value) for key, value in rows.items() if value]


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
        lines += ["", f"{name}: {split['samples']} samples, {_grid(split)}"]
        lines += aligned([_variable(*item) for item in split["variables"].items()], indent="  ")
        lines += aligned(_origin(split), indent="  ")
    return lines


def _grid(split: dict[str, Any]) -> str:
    points, length = " x ".join(map(str, split["points"])), " x ".join(f"{v:.4g}" for v in split["length"])
    places = "cells" if split["location"] == "cell" else "vertices"
    kinds = set(split["boundary"].values())
    boundary = kinds.pop() if len(kinds) == 1 else _text(split["boundary"])
    frames = f", {split['frames']} frames" if split["frames"] else ""
    return f"{points} {places} on a box of {length}, {boundary}{frames}"


def _origin(split: dict[str, Any]) -> list[tuple[str, str]]:
    """How the samples of a split came about: what it sets, how its solves ended, how exact they are."""
    rows = [("set", "; ".join(split["set"].split("\n")).strip("; "))] if split["set"] else []
    if split["dropped"]:
        rows.append(("dropped", f"{split['dropped']} samples whose solve failed"))
    solver = split.get("solver")
    if solver is None:
        return rows
    status = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in solver["status"].items())
    rows.append(
        (
            "solved",
            f"{status}; {solver['steps_median']:.4g} steps (median); {_residual(solver)}"
            f"{duration(solver['seconds_mean'])} (mean)",
        )
    )
    if "reference_error_median" in solver:
        rows.append(
            (
                "error",
                f"estimated on {solver['reference_error_samples']} samples: relative L2 "
                f"{solver['reference_error_median']:.2g} (median), {solver['reference_error_worst']:.2g} (worst)",
            )
        )
    return rows


def _variable(name: str, facts: dict[str, Any]) -> tuple[str, ...]:
    shape = " x ".join(map(str, facts["shape"]))
    row = (name, facts["role"], f"[{facts['units']}]", facts["dtype"], shape)
    if "mean" not in facts:
        return row
    return (*row, f"mean {facts['mean']:.4g}, std {facts['std']:.4g}, {facts['min']:.4g} to {facts['max']:.4g}")


def _residual(solver: Mapping[str, Any]) -> str:
    """What is said of residuals; a solver that steps exactly or explicitly claims none."""
    return f"residual {solver['residual_worst']:.2g} (worst); " if "residual_worst" in solver else ""
