"""What a data set contains, as plain values: sizes, grid, variables, statistics, solver, cost."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from pdekit.data.format import STATISTICS
from pdekit.data.hdf5 import plain
from pdekit.data.read import DataFile, open_file
from pdekit.solution import Status


def info(path: str | Path) -> dict[str, Any]:
    """Contents of a data set, without reading its fields. Raises BadInput or FormatError."""
    with open_file(path) as file:
        attributes = file.attrs
        return {
            "path": str(path),
            "bytes": Path(path).stat().st_size,
            "title": attributes.get("title", ""),
            "problem": attributes.get("problem"),
            "equation": attributes.get("equation"),
            "solver": attributes.get("solver"),
            "solver_settings": _toml(attributes.get("solver_settings")),
            "seed": attributes.get("seed"),
            "content_hash": file.content_hash,
            "recipe": attributes.get("recipe"),
            "software": attributes.get("software", "").splitlines(),
            "generation_seconds": _toml(attributes.get("generation")),
            "notes": {k: v for k, v in attributes.items() if k not in _KNOWN},
            "splits": {name: _split(file, name) for name in file.splits},
        }


_KNOWN = (
    "Conventions", "pdekit_format", "_NCProperties", "title", "problem", "equation", "parameters", "solver",
    "solver_settings", "seed", "content_hash", "recipe", "recipe_sha256", "software", "generation", "pdekit_version",
)  # fmt: skip


_FIGURES: tuple[tuple[str, str, Callable[[np.ndarray], Any]], ...] = (
    ("steps_median", "solver_steps", np.median),
    ("residual_worst", "solver_residual", np.max),
    ("seconds_mean", "solver_seconds", np.mean),
)


def _said(number: int) -> str:
    """Name of a status; a number that none has is no fault here, `check` finds it."""
    return Status(number).name.lower() if number in set(Status) else f"unknown ({number})"


def _toml(text: str | None) -> dict[str, Any]:
    try:
        return tomllib.loads(text or "")
    except tomllib.TOMLDecodeError:
        return {}


def _split(file: DataFile, name: str) -> dict[str, Any]:
    grid = file.grid(name)
    time = file.time(name)
    out: dict[str, Any] = {
        "samples": file.size(name),
        "dropped": len(file.group(name).attrs.get("dropped", [])),
        "set": file.group(name).attrs.get("set", ""),
        "points": list(grid.points),
        "length": list(grid.length),
        "location": grid.location,
        "boundary": {
            f"{a}_{s}": k
            for a, p in zip(grid.axes, grid.boundary, strict=True)
            for s, k in zip(("low", "high"), p, strict=True)
        },
        "frames": None if time is None else len(time),
        "variables": {},
    }
    for variable, data in file.variables(name).items():
        statistics = {key: float(plain(data.attrs[key])) for key in STATISTICS if key in data.attrs}
        out["variables"][variable] = {
            "role": file.role(name, variable),
            "shape": list(data.shape),
            "dtype": str(data.dtype),
            "units": str(data.attrs.get("units", "")),
            "long_name": str(data.attrs.get("long_name", "")),
            **statistics,
        }
    record = file.record(name)
    if "solver_status" in record:
        names, counts = np.unique(record["solver_status"], return_counts=True)
        solver: dict[str, Any] = {"status": {_said(int(s)): int(c) for s, c in zip(names, counts, strict=True)}}
        out["solver"] = solver
        for key, column, figure in _FIGURES:
            values = record.get(column, np.zeros(0))
            if (known := values[~np.isnan(values)]).size:  # a spectral solver claims no residual
                solver[key] = float(figure(known))
        errors = record.get("reference_error", np.zeros(0))
        estimated = errors[np.isfinite(errors)]
        if estimated.size:
            solver["reference_error_median"] = float(np.median(estimated))
            solver["reference_error_worst"] = float(estimated.max())
            solver["reference_error_samples"] = int(estimated.size)
    return out
