"""The texts beside an export to The Well: `stats.yaml`, `NAME.yaml` and the card that a person reads."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pdekit.data.formats.foreign import Note
from pdekit.data.read import DataFile

SMALL = 1e-4  # its loader raises smaller standard deviations to this
Sums = np.ndarray | np.float64 | float  # one number, or an array of the components


@dataclass(frozen=True)
class Moments:
    """Sums over samples, times and points of a field and of its change from frame to frame; one entry per component.

    Accumulated in float64 about the first values seen, so that a large mean does not drown the deviation.
    """

    shift: Sums
    count: int
    first: Sums
    second: Sums
    delta_count: int = 0
    delta_first: Sums = 0.0
    delta_second: Sums = 0.0
    timed: bool = False

    @classmethod
    def of(cls, values: np.ndarray, order: int, *, timed: bool) -> Moments:
        """Moments of a block (n, [t], ..., components)."""
        wide = np.asarray(values, dtype=np.float64)
        tail = wide.shape[wide.ndim - order :]
        flat = wide.reshape(-1, *tail)
        shift = flat[0] if len(flat) else np.zeros(tail)
        centred = flat - shift
        delta = (wide[:, 1:] - wide[:, :-1]).reshape(-1, *tail) if timed else np.zeros((0, *tail))
        return cls(
            shift,
            len(flat),
            centred.sum(axis=0),
            np.square(centred).sum(axis=0),
            len(delta),
            delta.sum(axis=0),
            np.square(delta).sum(axis=0),
            timed,
        )

    def __add__(self, other: Moments) -> Moments:
        if self.count == 0 or other.count == 0:
            return other if self.count == 0 else self
        gap = other.shift - self.shift
        return Moments(
            self.shift,
            self.count + other.count,
            self.first + other.first + other.count * gap,
            self.second + other.second + 2 * gap * other.first + other.count * gap**2,
            self.delta_count + other.delta_count,
            self.delta_first + other.delta_first,
            self.delta_second + other.delta_second,
            self.timed,
        )

    def summary(self) -> dict[str, Any]:
        """mean, std (of the population), rms, and the same of the change; 0 for the change of a single frame."""
        offset = self.first / self.count
        mean = self.shift + offset
        variance = np.maximum(self.second / self.count - offset**2, 0.0)
        out = {"mean": mean, "std": np.sqrt(variance), "rms": np.sqrt(variance + mean**2)}
        if self.timed:
            n = max(self.delta_count, 1)
            mean, square = self.delta_first / n, self.delta_second / n
            std = np.sqrt(np.maximum(square - mean**2, 0.0))
            out |= {"mean_delta": mean, "std_delta": std, "rms_delta": np.sqrt(square)}
        return {k: np.asarray(v).tolist() for k, v in out.items()}


KEYS = ("mean", "std", "rms", "mean_delta", "std_delta", "rms_delta")


def statistics(moments: Mapping[str, Moments]) -> str:
    """The text of stats.yaml, over the train split."""
    found = {name: m.summary() for name, m in moments.items()}
    lines = [
        "# train split, population moments over samples, times and points; a change of a single frame is given as 0"
    ]
    for key in KEYS:
        inside = {name: values[key] for name, values in found.items() if key in values}
        lines.append(f"{key}:" + ("" if inside else " {}"))
        lines += [f"  {json.dumps(name)}: {_number(value)}" for name, value in inside.items()]
    return "\n".join(lines) + "\n"


def _number(value: Any) -> str:
    """A float as YAML 1.1 reads it (with a point: 1e-05 would be text), or a list of them."""
    if isinstance(value, list):
        return "[" + ", ".join(_number(v) for v in value) + "]"
    return f"{value:.9e}"


def metadata(file: DataFile, name: str, splits: Sequence[str], pieces: Sequence[Any], time: np.ndarray) -> str:
    """The text of NAME.yaml, as its own data sets carry it; resolution of the first split."""
    grid = file.grid(splits[0])
    axes = grid.axes

    def names(order: int, timed: bool) -> list[str]:
        chosen = [p.name for p in pieces if p.order == order and p.timed is timed]
        return [f"{n}_{a}" for n in chosen for a in axes] if order else chosen

    kinds = sorted({"PERIODIC" if p[0] == "periodic" else "WALL" for p in grid.boundary})
    rows = [
        f"dataset_name: {json.dumps(name)}",
        f"n_spatial_dims: {grid.dim}",
        f"spatial_resolution: {_list(grid.points)}",
    ]
    rows += ["scalar_names: []", f"constant_scalar_names: {_list(file.names(splits[0], 'parameter'))}"]
    for key, timed in (("field_names", True), ("constant_field_names", False)):
        rows += [f"{key}:", *(f"  {order}: {_list(names(order, timed))}" for order in range(3))]
    rows += [f"boundary_condition_types: {_list(kinds)}", f"n_files: {len(splits)}"]
    rows += [f"n_trajectories_per_file: {_list([file.size(s) for s in splits])}"]
    rows += [f"n_steps_per_trajectory: {_list([len(time)] * len(splits))}", "grid_type: cartesian"]
    return "\n".join(rows) + "\n"


def _list(values: Sequence[Any]) -> str:
    return "[" + ", ".join(json.dumps(v) if isinstance(v, str) else str(v) for v in values) + "]"


def card(file: DataFile, name: str, note: Note, moments: Mapping[str, Moments]) -> str:
    """README.md: what this is, how to open it, what its layout cannot hold."""
    summaries = {k: m.summary() for k, m in moments.items()}
    small = [k for k, v in summaries.items() if 0 < _least(v["std"]) <= SMALL]
    lines = [
        f"# {note.title or name}",
        "",
        f"Exported by pdekit from `{file.path.name}`, content hash `{file.content_hash}`.",
    ]
    if file.attrs.get("equation"):
        lines += ["", f"Equation: `{file.attrs['equation']}`."]
    if note.time is None:
        lines += [
            "",
            "Steady data: outputs are trajectories of one frame; open them with `n_steps_input=0, n_steps_output=1`.",
        ]
    lines += ["", "Not in these files: " + "; ".join(note.dropped) + "."]
    lines += ["Walls are Dirichlet, Neumann or Robin faces: see `pdekit_bc` and `pdekit_bc_value` of each entry."]
    if small:
        lines += [
            "",
            f"Fields with a standard deviation of at most {SMALL:g}, which its loader raises: {', '.join(small)}.",
        ]
    if file.attrs.get("unknown"):
        lines += ["", f"Unknown: {file.attrs['unknown']}."]
    return "\n".join(lines) + "\n"


def _least(value: Any) -> float:
    return float(np.min(value)) if np.size(value) else math.nan
