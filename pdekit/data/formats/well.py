"""Reads The Well: a folder `data/{train,valid,test}` of HDF5 files, one such split, or one file.

Specification `docs/data_format.md` of the_well 215f55d. Axes whose `*_varying` flag is False are absent and are filled in.
Vectors keep their components as an axis, tensors become one field per component (S_xy), which is how its loader names them.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from pdekit.data.formats.axes import frames_of, grid_from, origin_of
from pdekit.data.formats.foreign import NOTE, Foreign, described, read_note
from pdekit.data.formats.lazy import joined
from pdekit.data.formats.options import ImportOptions
from pdekit.data.formats.well_fields import WellFile, from_note
from pdekit.data.safety import open_safely
from pdekit.errors import FormatError
from pdekit.space.grid import AXES

LAYOUT = "The Well"
ENDINGS = (".h5", ".hdf5")
CODES = {"PERIODIC": "periodic", "WALL": "dirichlet", "OPEN": "neumann"}  # wall and open do not say which


def read(source: Path, options: ImportOptions, stack: ExitStack) -> Foreign:
    """The data set; files stay open in `stack`. Roles: fields that vary in time are outputs, the others inputs.

    Raises FormatError where a rule of the layout is broken or the files of a split differ, BadInput for other grids than
    boxes.
    """
    files = {
        split: [WellFile(stack.enter_context(open_safely(p)), p) for p in paths]
        for split, paths in _splits(source).items()
    }
    notes = {f.path: read_note(f.file.attrs.get(NOTE), str(f.path)) for group in files.values() for f in group}
    if all(note is not None and len(group) == 1 for group in files.values() for note in [notes[group[0].path]]):
        return _restored(files, notes, source)
    first = next(iter(files.values()))[0]
    splits, grids, roles = {}, {}, {}
    notes_of_first: list[str] = []
    origins: set[str] = set()
    for split, group in files.items():
        _same(group, first, split)
        fields = [f.fields() for f in group]
        splits[split] = {name: joined([part[name] for part in fields]) for name in fields[0]}
        roles |= group[0].roles()
        coordinates = group[0].coordinates()
        boundary, said = _boundary(group[0])
        points = tuple(len(c) for c in coordinates.values())
        grids[split] = grid_from(points, coordinates, options, where=repr(str(group[0].path)), boundary=boundary)
        origins.add(origin_of(coordinates, grids[split]))
        notes_of_first = notes_of_first or said
    time, said = first.times()
    left_out = first.left_out()
    axes = ", ".join(f"{a} is {d}" for a, d in zip(AXES, first.dims, strict=False) if a != d)
    return described(
        splits,
        grids,
        options,
        source=source,
        layout=LAYOUT,
        roles=roles,
        long_names={},
        time=None if time is None else frames_of(time, len(time), where=repr(str(first.path))),
        unknown=[*([] if options.boundary is not None else notes_of_first), *said],
        facts={
            "source_dataset": first.name,
            "origin": "; ".join(sorted(origins - {""})),
            "left_out": ", ".join(left_out),
            "axes": axes,
        },
    )


def _splits(source: Path) -> dict[str, list[Path]]:
    """{split: its files}. A file, or a folder of files, is a split by itself: of the folder's name where that is one."""
    if source.is_file():
        return {_named(source.parent.name): [source]}
    own = _files(source)
    if own:
        return {_named(source.name): own}
    base = source / "data" if (source / "data").is_dir() else source
    found = {p.name: _files(p) for p in sorted(base.iterdir()) if p.is_dir()}
    found = {name: files for name, files in found.items() if files}
    if not found:
        raise FormatError.of(
            f"{str(source)!r} holds no files of The Well.", allowed="data/train/*.hdf5, data/test/*.hdf5"
        )
    order = ("train", "valid", "test")
    return {k: found[k] for k in sorted(found, key=lambda k: (order.index(k) if k in order else 3, k))}


def _files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.suffix in ENDINGS and p.is_file())


def _named(name: str) -> str:
    return name if name in ("train", "valid", "test") or name.startswith("test_") else "train"


def _restored(files: Mapping[str, list[WellFile]], notes: Mapping[Path, Any], source: Path) -> Foreign:
    splits, described_splits = {}, {}
    for split, (file,) in files.items():
        note = notes[file.path]
        if list(note.splits) != [split] or note.splits[split].samples != file.samples:
            raise FormatError.of(
                f"the note in {str(file.path)!r} is of another split.",
                found=f"{', '.join(note.splits)}; {file.samples} samples",
                allowed=split,
            )
        splits[split] = from_note(file, note)
        described_splits |= note.splits
    whole = next(iter(notes.values())).model_copy(update={"splits": described_splits})
    return whole.foreign(splits, LAYOUT, str(source))


def _same(group: list[WellFile], first: WellFile, split: str) -> None:
    """Files of a split share name, axes, points, frames and fields; splits share everything but the points."""
    for file in group:
        for what, mine, theirs in (
            ("dataset_name", file.name, first.name),
            ("spatial_dims", file.dims, first.dims),
            ("fields", file.signature(), first.signature()),
            ("frames", file.frames, group[0].frames),
            ("points", file.points, group[0].points),
        ):
            if mine != theirs:
                raise FormatError.of(
                    f"the files of split {split!r} differ in their {what}.",
                    where=repr(str(file.path)),
                    found=str(mine),
                    allowed=str(theirs),
                )


def _boundary(file: WellFile) -> tuple[dict[str, str], list[str]]:
    """({face: kind}, what is not known about them). Faces are those where the mask is True at an end, as in the loader."""
    kinds: dict[str, str] = {}
    names: dict[str, str] = {}
    for name, entry in file.boundaries().items():
        dims = [str(d) for d in entry.attrs["associated_dims"]]
        code = str(entry.attrs["bc_type"]).upper()
        if code not in CODES:
            raise FormatError.of(
                f"boundary {name!r} has a type that is not known.", found=code, allowed=", ".join(CODES)
            )
        mask = np.asarray(_mask(entry, name), dtype=bool)
        for k, dim in enumerate(dims):
            axis = AXES[file.dims.index(dim)]
            for side, end in (("low", 0), ("high", -1)):
                layer = np.take(mask, end, axis=k)
                if layer.all() if code == "WALL" else layer.any():
                    kinds[f"{axis}_{side}"], names[f"{axis}_{side}"] = CODES[code], code
    unknown = []
    for axis in AXES[: len(file.dims)]:
        for face in (f"{axis}_low", f"{axis}_high"):
            if face not in kinds:
                kinds[face], names[face] = CODES["OPEN"], "no entry, which its loader takes for OPEN"
            if kinds[face] != "periodic":
                unknown.append(f"{face}: {names[face]}, whose condition is not stated; {kinds[face]!r} is assumed")
    return kinds, unknown


def _mask(entry: Any, name: str) -> Any:
    if not isinstance(entry.get("mask"), h5py.Dataset):
        raise FormatError.of(f"boundary {name!r} has no mask.")
    return entry["mask"][...]
