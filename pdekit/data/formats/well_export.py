"""Writes The Well's layout: `data/SPLIT/NAME_SPLIT.hdf5`, `stats.yaml`, `NAME.yaml`, `README.md`.

Rules of the_well 215f55d, `docs/data_format.md` and `scripts/check_thewell_formatting.py`; tests/data/formats holds them as a
checker of its own. Choices that the layout leaves open:

    steady data   outputs vary in time with one frame, inputs do not: its loader opens them with n_steps_input=0
    one number    an input that is the same everywhere is a field that varies along no axis
    boundary      Dirichlet, Neumann and Robin faces are WALL; what they are stands in `pdekit_bc`, `pdekit_bc_value`
    face fields   t0 fields that do not vary across the face
    components    a vector of as many components as axes is a t1 field; any other splits into fields NAME_0, NAME_1, ...
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from pdekit.data.formats.axes import axes_of
from pdekit.data.formats.foreign import NOTE, Note, note_of
from pdekit.data.formats.lazy import blocks
from pdekit.data.formats.target import fresh
from pdekit.data.formats.well_statistics import Moments, card, metadata, statistics
from pdekit.data.read import DataFile
from pdekit.errors import BadInput
from pdekit.space.grid import Grid

UNIFORM = 1e-5  # of a time step
Progress = Callable[[int, int, str], None]
Names = np.ndarray


@dataclass(frozen=True)
class Piece:
    """One data set of the export: where it comes from, which component of it, and over what it varies."""

    name: str
    source: str
    axes: tuple[str, ...]
    order: int = 0
    component: int | None = None
    one_frame: bool = False
    constant: float | None = None

    @property
    def timed(self) -> bool:
        """Whether it has a time axis in the export."""
        return self.one_frame or "time" in self.axes


def write(file: DataFile, out: Path, splits: Sequence[str], progress: Progress | None = None) -> Path:
    """Folder `out`. Raises BadInput where stored times are not uniform or names clash."""
    name = re.sub(r"\W+", "_", out.name).strip("_") or "dataset"
    note = note_of(file, splits)
    scales = {split: _times(file, split) for split in splits}
    with fresh(out, folder=True) as folder:
        pieces: list[Piece] = []
        moments: dict[str, Moments] = {}
        for done, split in enumerate(splits):
            place = folder / "data" / split
            place.mkdir(parents=True)
            pieces = _pieces(file, split, note)
            with h5py.File(place / f"{name}_{split}.hdf5", "w") as target:
                _root(target, file, split, name, note)
                _dimensions(target, file.grid(split), scales[split])
                _boundaries(target, file, split)
                found = _fields(target, file, split, pieces, train=split == "train")
                _scalars(target, file, split, note)
                target.attrs[NOTE] = _own_note(note, split, pieces).text()
            moments = found or moments
            if progress:
                progress(done + 1, len(splits), f"exporting {split}")
        if moments:
            (folder / "stats.yaml").write_text(statistics(moments), encoding="utf-8")
        text = metadata(file, name, splits, pieces, scales[splits[0]])
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
        (folder / "README.md").write_text(card(file, name, note, moments), encoding="utf-8")
    return out


def _times(file: DataFile, split: str) -> np.ndarray:
    """(t,) stored times, [0] for steady data. Raises BadInput."""
    time = file.time(split)
    if time is None:
        return np.zeros(1)
    steps = np.diff(time)
    if len(steps) and not (steps.min() > 0 and np.ptp(steps) <= UNIFORM * steps.max()):
        raise BadInput.of(
            "The Well holds constant time steps only.",
            where=f"{str(file.path)!r}, split {split!r}",
            found=f"steps of {steps.min():.6g} to {steps.max():.6g}",
        )
    return time


def _pieces(file: DataFile, split: str, note: Note) -> list[Piece]:
    """The fields of a split as data sets of the export. Raises BadInput where two would bear one name."""
    grid, out = file.grid(split), []
    constants = note.splits[split].constants
    for name, about in note.variables.items():
        axes = axes_of(file, split, name)
        if not axes:
            continue
        steady = about.role == "output" and "time" not in axes
        if name in constants:
            out.append(Piece(name, name, (), constant=constants[name]))
        elif "component" not in axes:
            out.append(Piece(name, name, axes, one_frame=steady))
        else:
            count, rest = file.variables(split)[name].shape[-1], axes[:-1]
            if count == grid.dim and rest[-grid.dim :] == grid.axes:
                out.append(Piece(name, name, axes, order=1, one_frame=steady))
            else:
                parts = range(count)
                out += [Piece(f"{name}_{c}", name, rest, component=c, one_frame=steady) for c in parts]
    names = [p.name for p in out] + [n for n, v in note.variables.items() if v.role == "parameter"]
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise BadInput.of(
            "two fields of the export would bear one name.", where=repr(str(file.path)), found=", ".join(twice)
        )
    return out


def _own_note(note: Note, split: str, pieces: list[Piece]) -> Note:
    places: dict[str, list[str]] = {}
    for piece in pieces:
        if piece.component is not None:
            places.setdefault(piece.source, []).append(piece.name)
    own = note.splits[split].model_copy(update={"constants": {}})
    return note.model_copy(update={"splits": {split: own}, "places": places})


def _strings(names: Sequence[str]) -> Names:
    """A list of strings as the layout wants it: an array of variable-length strings, also where it is empty."""
    return np.array(list(names), dtype=h5py.string_dtype())


def _flags(target: Any, *, sample: bool, time: bool) -> None:
    target.attrs["sample_varying"], target.attrs["time_varying"] = np.bool_(sample), np.bool_(time)


def _root(target: h5py.File, file: DataFile, split: str, name: str, note: Note) -> None:
    target.attrs["dataset_name"] = name
    target.attrs["grid_type"] = "cartesian"
    target.attrs["n_spatial_dims"] = np.int64(file.grid(split).dim)
    target.attrs["n_trajectories"] = np.int64(file.size(split))
    numbers = _parameters(file, split, note)
    target.attrs["simulation_parameters"] = _strings(list(numbers))
    for key, value in numbers.items():
        target.attrs[key] = value


def _parameters(file: DataFile, split: str, note: Note) -> dict[str, float]:
    """Numbers that hold for all samples of a split: those of the problem, and stored ones that do not vary."""
    out = {k: float(v) for k, v in note.parameters.items() if isinstance(v, int | float) and not isinstance(v, bool)}
    for name in file.names(split, "parameter"):
        if file.variables(split)[name].ndim == 1:
            values = file.read(split, name)
            out.pop(name, None)
            if (values == values[0]).all():
                out[name] = float(values[0])
    return out


def _dimensions(target: h5py.File, grid: Grid, time: np.ndarray) -> None:
    group = target.create_group("dimensions")
    group.attrs["spatial_dims"] = _strings(grid.axes)
    group["time"] = time.astype(np.float32)
    _flags(group["time"], sample=False, time=True)  # the checker wants True here
    for axis, values in zip(grid.axes, grid.coordinates, strict=True):
        group[axis] = values.astype(np.float32)
        _flags(group[axis], sample=False, time=False)
        group[axis].attrs["units"] = grid.unit


def _boundaries(target: h5py.File, file: DataFile, split: str) -> None:
    """One entry per face, or per periodic axis; `values` where the face holds one number."""
    group, grid = target.create_group("boundary_conditions"), file.grid(split)
    outputs = file.names(split, "output")
    fields = file.names(split, "boundary")
    for axis, n, pair in zip(grid.axes, grid.points, grid.boundary, strict=True):
        sides = {"": (0, -1)} if pair[0] == "periodic" else {"low": (0,), "high": (-1,)}
        for side, ends in sides.items():
            kind = "wall" if side else "periodic"
            entry = group.create_group("_".join(filter(None, (axis, side, kind))))
            mask = np.zeros(n, dtype=bool)
            mask[list(ends)] = True
            entry["mask"] = mask
            entry.attrs["bc_type"] = kind.upper()
            entry.attrs["associated_dims"] = _strings([axis])
            _flags(entry, sample=False, time=False)
            known: list[str] = []
            if side:
                known = _face(entry, grid, f"{axis}_{side}", outputs, fields)
            entry.attrs["associated_fields"] = _strings(known)


def _face(entry: h5py.Group, grid: Grid, face: str, outputs: list[str], fields: list[str]) -> list[str]:
    """Say what a wall is; returns the fields that its `values` are of."""
    kind = grid.kind(face)
    entry.attrs["pdekit_bc"] = kind
    if kind == "robin":
        axis, side = face.split("_")
        entry.attrs["pdekit_bc_robin"] = np.array(grid.robin[grid.axes.index(axis)][side == "high"], dtype=np.float64)
    if f"boundary_{face}" in fields:
        entry.attrs["pdekit_bc_field"] = f"boundary_{face}"
        return []
    entry.attrs["pdekit_bc_value"] = np.float64(grid.value(face))
    if kind != "dirichlet" or len(outputs) != 1:
        return []
    entry["values"] = np.array([grid.value(face)], dtype=np.float32)
    return outputs


def _fields(target: Any, file: DataFile, split: str, pieces: list[Piece], *, train: bool) -> dict[str, Moments]:
    """Fill the three groups of fields; gives their moments where this is the train split."""
    grid, moments = file.grid(split), {}
    for order in range(3):
        group = target.create_group(f"t{order}_fields")
        group.attrs["field_names"] = _strings([p.name for p in pieces if p.order == order])
    for piece in pieces:
        group = target[f"t{piece.order}_fields"]
        if piece.constant is not None:
            data = group.create_dataset(piece.name, data=np.float32(piece.constant))
            found = Moments.of(np.full((1, 1), piece.constant), 0, timed=False)
        else:
            data, found = _copy(group, file, split, piece, train=train)
        moments[piece.name] = found
        data.attrs["dim_varying"] = np.array([a in piece.axes for a in grid.axes], dtype=bool)
        data.attrs["units"] = str(file.variables(split)[piece.source].attrs.get("units", "1"))
        _flags(data, sample=piece.constant is None, time=piece.timed)
    return moments if train else {}


def _copy(group: h5py.Group, file: DataFile, split: str, piece: Piece, *, train: bool) -> tuple[h5py.Dataset, Moments]:
    source = file.variables(split)[piece.source]
    tail = source.shape[1:] if piece.component is None else source.shape[1:-1]
    shape = (1, *tail) if piece.one_frame else tail
    data = group.create_dataset(piece.name, (len(source), *shape), "f4", chunks=(1, *shape))
    total = Moments.of(np.empty((0, *shape)), piece.order, timed=piece.timed)
    for part in blocks(len(source), source.dtype.itemsize * int(np.prod(source.shape[1:], dtype=np.int64))):
        values: Any = file.read(split, piece.source, part)
        if piece.component is not None:
            values = values[..., piece.component]
        values = values.reshape(len(values), *shape).astype(np.float32)
        data[part] = values
        if train:
            total = total + Moments.of(values, piece.order, timed=piece.timed)
    return data, total


def _scalars(target: h5py.File, file: DataFile, split: str, note: Note) -> None:
    group = target.create_group("scalars")
    constant = _parameters(file, split, note)
    varying = [n for n in file.names(split, "parameter") if n not in constant and file.variables(split)[n].ndim == 1]
    group.attrs["field_names"] = _strings([*constant, *varying])
    for name, value in constant.items():
        group[name] = np.float32(value)
        _flags(group[name], sample=False, time=False)
    for name in varying:
        group[name] = file.read(split, name).astype(np.float32)
        _flags(group[name], sample=True, time=False)
