"""Writes PDEBench's layout A for one scalar: `tensor` (n, t, *x), and `nu` (n, *x) for the input of steady problems.

Test samples come first, because PDEBench's loader takes the first part as its test split: `test_ratio` = n_test / n
gives this file's. It reads `nu` in 2D only. What the layout has no place for lies in the group `pdekit_extra` and in the
note, which its loader does not open.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from pdekit.data.formats.axes import axes_of
from pdekit.data.formats.foreign import NOTE, Note, note_of
from pdekit.data.formats.lazy import blocks
from pdekit.data.formats.target import fresh
from pdekit.data.read import DataFile
from pdekit.errors import BadInput

EXTRAS = "pdekit_extra"
Progress = Callable[[int, int, str], None]


def write(file: DataFile, out: Path, splits: Sequence[str], progress: Progress | None = None) -> Path:
    """One HDF5 file. Raises BadInput where there is not one scalar output, or the splits lie on several grids."""
    order = sorted(splits, key=lambda s: (not s.startswith("test"), s == "train"))
    grid, time = file.grid(order[0]), file.time(order[0])
    for split in order[1:]:
        if file.grid(split) != grid or not np.array_equal(file.time(split), time):  # pyright: ignore[reportArgumentType]
            raise BadInput.of(
                "a PDEBench file has one grid for all samples.",
                where=repr(str(file.path)),
                found=f"split {order[0]!r} {grid.points}, split {split!r} {file.grid(split).points}",
                hint="export the splits one by one, --split NAME",
            )
    note = note_of(file, order)
    output = _output(file, order[0])
    steady = "time" not in axes_of(file, order[0], output)
    inputs = _inputs(file, order[0], note)
    if steady and not inputs:
        raise BadInput.of("PDEBench's steady layout needs an input field.", where=repr(str(file.path)), found="none")
    nu = inputs[0] if inputs and steady else None
    constants = {s: {k: v for k, v in note.splits[s].constants.items() if k != nu} for s in order}
    common = {k for k in constants[order[0]] if all(k in c for c in constants.values())}
    note = note.model_copy(
        update={
            "splits": {
                s: note.splits[s].model_copy(update={"constants": {k: constants[s][k] for k in common}}) for s in order
            },
            "places": {"tensor": [output], **({"nu": [nu]} if nu else {})},
        }
    )
    extras = [name for name in note.variables if name not in (output, nu, *common)]
    with fresh(out) as partial, h5py.File(partial, "w") as target:
        for axis, values in zip(grid.axes, grid.coordinates, strict=True):
            target[f"{axis}-coordinate"] = values.astype(np.float32)
        if time is not None:
            target["t-coordinate"] = time.astype(np.float32)
        beta = {note.splits[s].constants.get("source") for s in order}
        if len(beta) == 1 and None not in beta:
            target.attrs["beta"] = float(beta.pop() or 0.0)  # Darcy's constant force, the name in PDEBench
        target.attrs[NOTE] = note.text()
        places = {output: "tensor", **({nu: "nu"} if nu else {}), **{n: f"{EXTRAS}/{n}" for n in extras}}
        total = len(places) * len(order)
        for done, (name, place) in enumerate(places.items()):
            add = (lambda block: block[:, None]) if name == output and steady else None
            _copy(file, order, name, target, place, add)
            if progress:
                progress((done + 1) * len(order), total, f"exporting {name}")
    return out


def _output(file: DataFile, split: str) -> str:
    names = file.names(split, "output")
    if len(names) != 1 or "component" in axes_of(file, split, names[0]):
        raise BadInput.of(
            "PDEBench's layout A holds one scalar output.",
            where=repr(str(file.path)),
            found=", ".join(names) or "no output",
            hint="--to well has a place for several fields and for vectors",
        )
    return names[0]


def _inputs(file: DataFile, split: str, note: Note) -> list[str]:
    """Input fields that may stand as `nu`: those that vary first, in the order of the problem."""
    problem = file.problem_for(split)
    first = [spec.name for spec in problem.inputs] if problem else []
    axes = file.grid(split).axes
    names = [n for n in file.names(split, "input") if axes_of(file, split, n) == axes]
    constant = note.splits[split].constants
    return sorted(names, key=lambda n: (n in constant, first.index(n) if n in first else len(first), n))


def _copy(file: DataFile, splits: Sequence[str], name: str, target: h5py.File, place: str, change: Any) -> None:
    """One variable of all splits, one after another, in blocks; fields as float32, numbers per sample as they are."""
    data = file.variables(splits[0])[name]
    tail = data.shape[1:]
    shape = (1, *tail) if change is not None else tail
    total = sum(file.size(s) for s in splits)
    made = target.create_dataset(place, (total, *shape), "f4" if tail else data.dtype)
    start = 0
    for split in splits:
        for part in blocks(file.size(split), data.dtype.itemsize * int(np.prod(tail, dtype=np.int64))):
            values = file.read(split, name, part)
            made[start : start + len(values)] = values if change is None else change(values)
            start += len(values)
