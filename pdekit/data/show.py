"""A picture of one sample: every input, parameter and output with units, and how far the reference can be trusted."""

from __future__ import annotations

import os
import textwrap
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from pdekit.data.animation import ANIMATED, require_writer, write_film
from pdekit.data.panel import Panel
from pdekit.data.pictures import moving, still
from pdekit.data.read import DataFile, open_file, plain
from pdekit.errors import BadInput, StorageError
from pdekit.solution import Status
from pdekit.space.grid import Grid

STILL = (".png", ".pdf", ".svg")
ORDER = ("input", "geometry", "boundary", "output")
LINE = 90  # characters of a caption


def show(path: str | Path, sample: int, out: str | Path, *, split: str | None = None) -> Path:
    """Draw sample number `sample` (from 0) of a split, the first by default, and write it to `out`; returns `out`.

    .png, .pdf, .svg: all fields, a trajectory as a row of frames, in 1D as lines and over space and time. .gif, and .mp4 where
    ffmpeg is at hand: all fields, a frame after the other. An existing picture is replaced. Raises BadInput (no such sample,
    split or ending; nothing to animate; no ffmpeg), StorageError.
    """
    out = Path(out)
    ending = out.suffix.lower()
    if ending not in (*STILL, *ANIMATED):
        raise BadInput.of(
            f"a picture cannot be written as {str(out)!r}.",
            found=f"ending {out.suffix!r}",
            allowed=f"{', '.join((*STILL, *ANIMATED))} (the last two for trajectories)",
        )
    require_writer(out)
    if not out.absolute().parent.is_dir() or not os.access(out.absolute().parent, os.W_OK):
        raise BadInput.of(f"nothing can be written to {str(out.absolute().parent)!r}.")
    with open_file(path) as file:
        chosen = file.splits[0] if split is None else split
        panels, title, caption = describe(file, chosen, sample)
    if ending in ANIMATED and all(p.time is None for p in panels):
        raise BadInput.of(
            f"sample {sample} of {chosen!r} has no frames to animate.", allowed=", ".join(STILL), hint="--out NAME.png"
        )
    partial = out.with_name(f".partial-{os.getpid()}-{out.name}")
    try:
        if ending in ANIMATED:
            write_film(*moving(panels, title, caption), partial)
        else:
            with mpl.rc_context({"pdf.fonttype": 42, "svg.hashsalt": "pdekit"}):
                still(panels, title, caption).savefig(partial, format=ending[1:])
        partial.replace(out)
    except OSError as error:
        raise StorageError.of(out, error) from None
    finally:
        partial.unlink(missing_ok=True)
    return out


def draw(path: str | Path, sample: int, *, split: str | None = None) -> Figure:
    """The still figure of a sample, unsaved. Raises BadInput."""
    with open_file(path) as file:
        return still(*describe(file, file.splits[0] if split is None else split, sample))


def describe(file: DataFile, split: str, sample: int) -> tuple[list[Panel], str, str]:
    """(panels, title, caption) of one sample. Raises BadInput where it does not exist."""
    n = file.size(split)
    if not 0 <= sample < n:
        raise BadInput.of(
            f"split {split!r} of {str(file.path)!r} has no sample {sample}.",
            found=f"{n} samples",
            allowed=f"0 to {n - 1}",
        )
    panels = []
    for name in sorted(file.variables(split), key=lambda v: (_rank(file.role(split, v)), v)):
        panels += _panels(file, split, name, sample)
    if not panels:
        raise BadInput.of(f"split {split!r} of {str(file.path)!r} holds no fields to draw.")
    title = f"{file.attrs.get('title') or file.path.stem}, {split}, sample {sample}"
    return panels, title, _caption(file, split, sample)


def _rank(role: str) -> int:
    return ORDER.index(role) if role in ORDER else len(ORDER)


def _panels(file: DataFile, split: str, name: str, sample: int) -> list[Panel]:
    """Panels of one variable: one, one per component, or none for a number per sample."""
    data: Any = file.variables(split)[name]
    axes = tuple(str(scale[0].name).rsplit("/", 1)[-1] for scale in list(data.dims)[1:])
    grid = file.grid(split)
    space = tuple(a for a in axes if a in grid.axes)
    if not space:
        return []
    values = np.asarray(file.read(split, name, slice(sample, sample + 1))[0], dtype=np.float64)
    long_name = str(plain(data.attrs.get("long_name", "")) or name.replace("_", " "))
    role = file.role(split, name)
    index = [grid.axes.index(a) for a in space]
    boxes = [_box(grid, k) for k in index]
    time = file.time(split) if "time" in axes else None
    units = file.group(split)["time"].attrs.get("units", "1") if time is not None else "1"
    parts = [(name, "", values)]
    if "component" in axes:
        parts = [(f"{name}_{c}", f", component {c}", values[..., c]) for c in range(values.shape[-1])]
    return [
        Panel(
            name=label,
            title=f"{role}: {long_name}{extra}",
            unit=str(plain(data.attrs.get("units", "1"))),
            axes=space,
            edges=tuple(edge for edge, _ in boxes),
            window=tuple(window for _, window in boxes),
            points=tuple(grid.coordinates[k] for k in index),
            values=array,
            length_unit=grid.unit,
            time=time,
            time_unit=str(plain(units)),
        )
        for label, extra, array in parts
    ]


def _box(grid: Grid, k: int) -> tuple[tuple[float, float], tuple[float, float]]:
    """(edges, window) of an axis: each stored value is drawn as a box about its point."""
    x, h, length = grid.coordinates[k], grid.spacing[k], grid.length[k]
    edges = (float(x[0]) - h / 2, float(x[-1]) + h / 2)
    return edges, edges if grid.location == "vertex" and grid.periodic[k] else (0.0, length)


def _caption(file: DataFile, split: str, sample: int) -> str:
    """Equation; parameters; what the solver said and how far its answer is from a better one; the grid."""
    row = slice(sample, sample + 1)
    lines = [str(file.attrs["equation"])] if file.attrs.get("equation") else []
    numbers = []
    for name, data in file.variables(split).items():
        if data.ndim == 1:
            unit = str(plain(data.attrs.get("units", "1")))
            numbers.append(
                f"{name} = {float(file.read(split, name, row)[0]):.4g} {'' if unit == '1' else unit}".rstrip()
            )
    lines += [", ".join(numbers)] if numbers else []
    record = {k: v[0] for k, v in file.record(split, row).items()}
    said = []
    if "solver_status" in record:
        number = int(record["solver_status"])
        known = number in set(Status)
        status = Status(number).name.lower().replace("_", " ") if known else f"status {number} is not known"
        claimed = ", residual not known"
        if "solver_residual" in record:  # NaN where the solver claims none
            residual = float(record["solver_residual"])
            claimed = f", residual {residual:.1e}" if np.isfinite(residual) else ""
        said.append(f"{file.attrs.get('solver', 'solver')}: {status}{claimed}")
    else:
        said.append("solver and residual not known")
    error = float(record.get("reference_error", np.nan))
    said.append(
        f"estimated relative error {error:.1e}" if np.isfinite(error) else "error of the reference not estimated"
    )
    lines.append("; ".join(said))
    grid = file.grid(split)
    points = " x ".join(map(str, grid.points))
    lines.append(f"{points} {'cells' if grid.location == 'cell' else 'vertices'}, {_boundary(file, grid)}")
    return "\n".join(line for text in lines for line in textwrap.wrap(text, LINE))


def _boundary(file: DataFile, grid: Grid) -> str:
    if "boundary conditions" in str(file.attrs.get("unknown", "")):
        return "boundary conditions not known"
    kinds = {kind for pair in grid.boundary for kind in pair}
    if len(kinds) == 1:
        return f"{kinds.pop()} on every face"
    return ", ".join(
        f"{a} {p[0]}" if p[0] == p[1] else f"{a} {p[0]}/{p[1]}" for a, p in zip(grid.axes, grid.boundary, strict=True)
    )
