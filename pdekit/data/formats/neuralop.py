"""neuraloperator's `.pt` files: `<name>_<split>_<resolution>.pt`, a dict with tensors `x` and `y`, and nothing said.

Layout of neuraloperator 2.0.0, `neuralop/data/datasets/pt_dataset.py`: no coordinates, domain, boundary, units or source.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pdekit.data.formats.evidence import edges, nesting, range_facts
from pdekit.data.formats.foreign import NOTE, UNKNOWN_UNIT, Foreign, note_of, read_note
from pdekit.data.formats.options import ImportOptions
from pdekit.data.formats.pt import read_tensors, write_tensors
from pdekit.data.formats.target import fresh
from pdekit.data.read import DataFile
from pdekit.errors import BadInput, FormatError
from pdekit.space.grid import Grid

LAYOUT = "neuraloperator .pt"
NAME = re.compile(r"(?P<stem>.+?)_(?P<split>(?:train|valid|test)(?:_[a-z][a-z0-9_]*)?)_(?P<points>\d+)\.pt")
PUBLISHED = {  # what the library's own files hold, by the beginning of their name: (x, y)
    "darcy": (
        ("coefficient", "permeability of a two-phase medium, physical values not stated"),
        ("solution", "pressure"),
    ),
    "burgers": (("initial_state", "state at the first instant"), ("state", "state")),
    "nsforcing": (("forcing", "forcing of the vorticity equation"), ("vorticity", "vorticity")),
}
OTHER = (("input_field", "entry x of the file"), ("target_field", "entry y of the file"))
Progress = Callable[[int, int, str], None]


def read(source: Path, options: ImportOptions) -> Foreign:
    """One file, or all `.pt` files of a folder; each resolution beside that of the train split is a split of its own."""
    paths = sorted(source.glob("*.pt")) if source.is_dir() else [source]
    contents = {path: read_tensors(path) for path in paths}
    notes = {path: read_note(content.get(NOTE), str(path)) for path, content in contents.items()}
    if all(note is not None for note in notes.values()):
        return _restored(contents, notes, source)
    keys = [_split_name(path, alone=len(paths) == 1) for path in paths]
    stems = sorted({stem for stem, _, _ in keys})
    if len(stems) > 1:
        raise BadInput.of(
            f"{str(source)!r} holds several data sets.", found=", ".join(stems), hint="import them one by one"
        )
    return _plain(dict(zip(_names(keys), contents.values(), strict=True)), stems[0], source, options)


def _split_name(path: Path, *, alone: bool) -> tuple[str, str, int]:
    match = NAME.fullmatch(path.name)
    if match:
        return match["stem"], match["split"], int(match["points"])
    if alone:
        return path.stem, "train", 0
    raise BadInput.of(
        f"the split of {str(path)!r} is not in its name.", allowed="NAME_train_64.pt, NAME_test_64.pt, NAME_test_128.pt"
    )


def _names(keys: list[tuple[str, str, int]]) -> list[str]:
    """A split name for each (stem, split, resolution): the train split's (or smallest) resolution keeps the bare name."""
    trained = [points for _, split, points in keys if split == "train"]
    base = min(trained or [points for _, _, points in keys])
    return [split if points == base else f"{split}_{points}" for _, split, points in keys]


def _restored(contents: dict[Path, Any], notes: dict[Path, Any], source: Path) -> Foreign:
    splits, described = {}, {}
    for path, content in contents.items():
        note = notes[path]
        if len(note.splits) != 1:
            raise FormatError.of(f"the note in {str(path)!r} must describe one split.", found=", ".join(note.splits))
        arrays = {k: v for k, v in content.items() if isinstance(v, np.ndarray) and k not in ("x", "y")}
        for key in ("x", "y"):
            arrays |= _unstacked(_tensor(content, key, path), note.places.get(key, []), path)
        splits |= dict.fromkeys(note.splits, arrays)
        described |= note.splits
    note = next(iter(notes.values())).model_copy(update={"splits": described})
    return note.foreign(splits, LAYOUT, str(source))


def _unstacked(array: np.ndarray, names: list[str], path: Path) -> dict[str, np.ndarray]:
    if len(names) == 1:
        return {names[0]: array}
    if len(names) != array.shape[1]:
        raise FormatError.of(
            f"the note in {str(path)!r} does not name the channels.",
            found=f"{len(names)} names, {array.shape[1]} channels",
        )
    return {n: array[:, i] for i, n in enumerate(names)}


def _tensor(content: dict[str, Any], key: str, source: Path) -> np.ndarray:
    array = content.get(key)
    if not isinstance(array, np.ndarray) or array.ndim < 2 or array.dtype.kind not in "fiub":
        raise FormatError.of(
            f"{str(source)!r} is not in neuraloperator's layout.",
            found=f"entries {', '.join(content) or 'none'}",
            allowed="tensors x and y, (n, [t], points per axis)",
        )
    return array


def _plain(loaded: dict[str, Any], stem: str, source: Path, options: ImportOptions) -> Foreign:
    (x_name, x_text), (y_name, y_text) = next((v for k, v in PUBLISHED.items() if stem.startswith(k)), OTHER)
    splits: dict[str, dict[str, Any]] = {}
    grids: dict[str, Grid] = {}
    frames = None
    for name, content in loaded.items():
        x, y = (_tensor(content, key, source) for key in ("x", "y"))
        inputs, y, points, own_frames = _arranged(x, y, x_name, source)
        if name != next(iter(loaded)) and own_frames != frames:
            raise FormatError.of(
                f"the files of {str(source)!r} differ in their frames.", found=f"{frames}, {own_frames}"
            )
        frames = own_frames
        splits[name] = {**inputs, y_name: y}
        if isinstance(content.get("visc"), np.ndarray):
            splits[name]["viscosity"] = np.broadcast_to(
                content["visc"].reshape(-1)[:1].astype(np.float64), len(y)
            ).copy()
        grids[name] = _grid(points, options)
    fields = {n for arrays in splits.values() for n in arrays}
    return Foreign(
        splits,
        grids,
        roles={n: "output" if n == y_name else "parameter" if n == "viscosity" else "input" for n in fields}
        | options.roles,
        units={n: UNKNOWN_UNIT for n in fields} | options.units,
        long_names={n: y_text if n == y_name else "viscosity" if n == "viscosity" else x_text for n in fields},
        attributes=_card(loaded, splits, grids, stem, y_name, options),
        time=None if frames is None else np.arange(frames, dtype=np.float64),
        time_units=UNKNOWN_UNIT,
    )


def _arranged(
    x: np.ndarray, y: np.ndarray, name: str, source: Path
) -> tuple[dict[str, np.ndarray], np.ndarray, tuple[int, ...], int | None]:
    """(inputs, y, points, frames) without axes for channels. Raises FormatError where x and y do not fit."""
    if x.shape == y.shape:
        if x.ndim > 2 and x.shape[1] == 1:
            x, y = x[:, 0], y[:, 0]
        if x.ndim <= 4:
            return {name: x}, y, y.shape[1:], None
    if x.ndim == y.ndim + 1 and x.shape[2:] == y.shape[1:] and len(x) == len(y):
        return {f"{name}_{i}": x[:, i] for i in range(x.shape[1])}, y, y.shape[1:], None
    if y.ndim == x.ndim + 1 and y.shape[2:] == x.shape[1:] and len(x) == len(y):
        return {name: x}, y, x.shape[1:], y.shape[1]
    raise FormatError.of(
        f"x and y of {str(source)!r} do not lie on one grid.",
        found=f"x {x.shape}, y {y.shape}",
        allowed="equal shapes (n, points); y (n, t, points); x (n, channels, points)",
    )


def _grid(points: tuple[int, ...], options: ImportOptions) -> Grid:
    """x_j = j L/N on the unit box, unless the options say otherwise; see `_card` for what is not known about it."""
    return Grid.make(
        list(points),
        options.length if options.length is not None else [1.0] * len(points),
        location=options.location or "vertex",
        boundary=options.boundary or "periodic",
        unit=options.length_unit,
    )


def _card(
    loaded: dict[str, Any],
    splits: dict[str, dict[str, Any]],
    grids: dict[str, Grid],
    stem: str,
    output: str,
    options: ImportOptions,
) -> dict[str, Any]:
    """What is known and unknown about these files, as attributes; every figure is measured on the values."""
    unknown = ["domain and coordinates", "units", "solver, tolerance and seeds"]
    unknown.append("physical values of the coefficient and of the source")
    if any(content["y"].ndim > content["x"].ndim for content in loaded.values()):
        unknown.append("times: frames are numbered")
    if options.length is None:
        unknown.append("length: 1 per axis is assumed")
    if options.boundary is None:
        unknown.append(
            "boundary conditions: the word 'periodic' on the axes only places the points at x_j = j L/N "
            "(the right end is left out) and says nothing of the values"
        )
    order = sorted(splits, key=lambda name: (name != "train", name))
    measured = [f"{name}: {fact}" for name in order for fact in edges(splits[name][output], grids[name])]
    measured += nesting(splits)
    measured += [f"{name}: {range_facts(output, splits[name][output])}" for name in order]
    types = ", ".join(f"{k} {v.dtype}" for k, v in next(iter(loaded.values())).items() if isinstance(v, np.ndarray))
    return {
        "title": options.title or f"{stem}, imported from neuraloperator's files",
        "source_layout": LAYOUT,
        "source_types": f"{types}; stored here as float32",
        "unknown": "; ".join(unknown),
        "measured": "; ".join(measured),
        "flaws": "no symmetry is offered: nothing in the files says which maps take solutions to solutions, and the "
        "edges of one axis differ where one is zero and the other is not; the equation cannot be checked",
    }


def write(file: DataFile, out: Path, splits: Sequence[str], progress: Progress | None = None) -> Path:
    """Folder `out` with one file a split: x the inputs that vary over the grid, y the outputs, the rest beside them.

    Several fields in x or y take a channel axis (n, c, points). Raises BadInput where there is no such input.
    """
    with fresh(out, folder=True) as folder:
        for done, split in enumerate(splits):
            note = note_of(file, [split])
            grid = file.grid(split)
            x = _fields(file, split, "input", grid, note.splits[split].constants)
            y = _fields(file, split, "output", grid, {})
            if not x or not y:
                raise BadInput.of(
                    "neuraloperator's layout needs an input and an output field that vary over the grid.",
                    where=f"{str(file.path)!r}, split {split!r}",
                    found=f"input: {', '.join(x) or 'none'}; output: {', '.join(y) or 'none'}",
                )
            content: dict[str, Any] = {"x": _stacked(file, split, x), "y": _stacked(file, split, y)}
            held = {*x, *y, *note.splits[split].constants}
            content |= {n: file.read(split, n) for n in file.variables(split) if n not in held}
            content[NOTE] = note.model_copy(update={"places": {"x": x, "y": y}}).text()
            write_tensors(folder / f"{out.name}_{split}_{grid.points[0]}.pt", content)
            if progress:
                progress(done + 1, len(splits), f"exporting {split}")
    return out


def _fields(file: DataFile, split: str, role: str, grid: Grid, without: dict[str, float]) -> list[str]:
    data = file.variables(split)
    return [n for n in file.names(split, role) if n not in without and data[n].shape[-grid.dim :] == grid.points]


def _stacked(file: DataFile, split: str, names: list[str]) -> np.ndarray:
    arrays = [file.read(split, n) for n in names]
    if len({a.shape for a in arrays}) > 1:
        raise BadInput.of(
            "fields of different shapes cannot be channels of one tensor.",
            where=f"{str(file.path)!r}, split {split!r}",
            found=", ".join(f"{n} {a.shape}" for n, a in zip(names, arrays, strict=True)),
        )
    return arrays[0] if len(arrays) == 1 else np.stack(arrays, axis=1)
