"""Plain NumPy: an npz with arrays `field` or `split/field`, a folder of npy files, or one npy file.

Coordinates may stand beside the fields as `x`, `y`, `z`, `time` (one axis each); otherwise the unit box is assumed.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pdekit.data.formats.axes import grid_from, origin_of, space_of
from pdekit.data.formats.foreign import NOTE, Foreign, described, note_of, read_note
from pdekit.data.formats.lazy import blocks
from pdekit.data.formats.npz import add, members
from pdekit.data.formats.options import ImportOptions
from pdekit.data.formats.target import fresh
from pdekit.data.read import DataFile
from pdekit.errors import BadInput, FormatError
from pdekit.problems import PROBLEMS
from pdekit.space.grid import AXES

LAYOUT = "npz"
Progress = Callable[[int, int, str], None]


def read(source: Path, options: ImportOptions) -> Foreign:
    """Raises BadInput where a role is not known or shapes do not fit, FormatError where arrays hold Python objects."""
    found = _load(source)
    note = read_note(_item(found.pop(NOTE, None)), str(source))
    splits, coordinates = _sorted(found)
    shared = coordinates.pop("", {})
    if not splits:
        raise FormatError.of(f"{str(source)!r} holds no field.", found=", ".join(found) or "no arrays")
    if note is not None:
        if set(note.splits) != set(splits):
            raise FormatError.of(f"the splits of {str(source)!r} are not those of its note.", found=", ".join(splits))
        return note.foreign(splits, LAYOUT, str(source))
    names = {n for arrays in splits.values() for n in arrays}
    roles = _roles(names, splits, options, source)
    place = repr(str(source))
    grids, origins = {}, set()
    time = None
    for split, fields in splits.items():
        own = shared | coordinates.get(split, {})
        time = own.pop("time", time)
        points = space_of(_fields(fields, roles), own, time, where=place)
        grids[split] = grid_from(points, own, options, where=place)
        origins.add(origin_of(own, grids[split]))
    located = bool(shared.keys() & set(AXES)) or all(coordinates.get(s, {}).keys() & set(AXES) for s in splits)
    unknown = [] if located else ["coordinates"]
    unknown += [] if options.length is not None or located else ["length: 1 per axis is assumed"]
    unknown += [] if options.boundary is not None else ["boundary conditions: 'periodic' is assumed"]
    first = next(iter(grids.values()))
    if time is None:
        time = _frames(splits, roles, first.points)
        unknown += [] if time is None else ["times: frames are numbered"]
    return described(
        splits,
        grids,
        options,
        source=source,
        layout="NumPy arrays",
        roles=roles,
        long_names={},
        time=time,
        unknown=unknown,
        facts={"origin": "; ".join(sorted(origins - {""}))},
    )


def _load(source: Path) -> dict[str, Any]:
    """Arrays by name, mapped, not read, but for compressed members of an npz."""
    try:
        if source.is_dir():
            out: dict[str, Any] = {p.stem: np.load(p, mmap_mode="r") for p in sorted(source.glob("*.npy"))}
            for p in sorted(source.glob("*.npz")):
                out |= {f"{p.stem}/{name}": array for name, array in members(p).items()}
            return out
        if zipfile.is_zipfile(source):
            return members(source)
        return {source.stem: np.load(source, mmap_mode="r")}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, SyntaxError) as error:
        if "pickle" in str(error).lower():
            raise FormatError.of(
                f"{str(source)!r} holds Python objects, which may run code when they are loaded, and is not read.",
                allowed="arrays of numbers",
            ) from None
        raise FormatError.of(f"{str(source)!r} cannot be read as NumPy arrays.", found=str(error)) from None


def _item(value: Any) -> Any:
    return None if value is None else str(np.asarray(value).item())


def _sorted(found: Mapping[str, Any]) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, np.ndarray]]]:
    """({split: {field: array}}, {split: {axis: coordinates}}); a field without a slash belongs to `train`, "" to all."""
    splits: dict[str, dict[str, Any]] = {}
    coordinates: dict[str, dict[str, np.ndarray]] = {}
    for key, array in found.items():
        split, _, name = key.rpartition("/")
        if name in (*AXES, "time") and array.ndim == 1:
            coordinates.setdefault(split, {})[name] = np.asarray(array, dtype=np.float64)
        else:
            splits.setdefault(split or "train", {})[name] = array
    return splits, coordinates


def _roles(
    names: set[str], splits: Mapping[str, Mapping[str, Any]], options: ImportOptions, source: Path
) -> dict[str, str]:
    """Roles by option, else by the names that pdekit's problems use, else by shape: a number per sample is a parameter."""
    specs = {s.name: s.role for p in PROBLEMS.values() for s in (*p.inputs, *p.outputs)}
    flat = {n for arrays in splits.values() for n, a in arrays.items() if a.ndim == 1}
    roles = {n: options.roles.get(n) or specs.get(n) or ("parameter" if n in flat else "") for n in names}
    roles |= {n: "boundary" for n in names if n.startswith("boundary_") and not roles[n]}
    missing = sorted(n for n, role in roles.items() if not role)
    if missing:
        raise BadInput.of(
            f"nothing says which of the arrays in {str(source)!r} are inputs and which are outputs.",
            found=", ".join(missing),
            allowed="a role for each: input, output, parameter, geometry, boundary",
            hint=" ".join(f"--set roles.{n}=output" for n in missing[:2]),
        )
    return roles


def _fields(arrays: Mapping[str, Any], roles: Mapping[str, str]) -> dict[str, Any]:
    return {n: a for n, a in arrays.items() if roles[n] not in ("parameter", "boundary")}


def _frames(splits: Mapping[str, Any], roles: Mapping[str, str], points: tuple[int, ...]) -> np.ndarray | None:
    """Frame numbers as times, where an output has one axis more than the grid in front of it."""
    for arrays in splits.values():
        for a in _fields(arrays, roles).values():
            if a.ndim == 2 + len(points) and a.shape[2:] == points:
                return np.arange(a.shape[1], dtype=np.float64)
    return None


def write(file: DataFile, out: Path, splits: Sequence[str], progress: Progress | None = None) -> Path:
    """One npz: `split/field`, `split/x`, ..., `time` and the note; arrays as stored, one block after another."""
    with fresh(out) as partial, zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        note = note_of(file, splits)
        add(archive, NOTE, np.array(note.text()))
        for done, split in enumerate(splits):
            for name, data in file.variables(split).items():
                if name not in note.splits[split].constants:
                    each = data.dtype.itemsize * int(np.prod(data.shape[1:], dtype=np.int64))
                    strips = (file.read(split, name, part) for part in blocks(len(data), each))
                    add(archive, f"{split}/{name}", strips, shape=data.shape, dtype=data.dtype)
            grid = file.grid(split)
            for axis, values in zip(grid.axes, grid.coordinates, strict=True):
                add(archive, f"{split}/{axis}", values)
            time = file.time(split)
            if time is not None:
                add(archive, f"{split}/time", time)
            if progress:
                progress(done + 1, len(splits), f"exporting {split}")
    return out
