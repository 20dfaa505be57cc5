"""PDEBench's layouts, told apart by content: one array at the root (A), one group a seed (B), PhiFlow's arrays (C).

    A-scalar  `tensor` (n, t, *x), beside it `nu` (n, *x) in the Darcy files; `x-coordinate` ..., `t-coordinate`
    A-CFD     `density`, `pressure`, `Vx`, ... (n, t, *x)
    B         /0000/data (t, *x, c), /0000/grid/x ..., one group for each seed
    C         `velocity` (n, t, x, y, 2), `particles`, `force`, `t` (n, t)

Layouts of PDEBench 9754b4c, `pdebench/models/fno/utils.py` and the generators beside it. Axes are in the loader's order.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from pdekit.data.formats import pdebench_seeds
from pdekit.data.formats.axes import frames_of, grid_from, origin_of
from pdekit.data.formats.foreign import NOTE, Foreign, Note, described, read_note
from pdekit.data.formats.lazy import constant, rows
from pdekit.data.formats.options import ImportOptions
from pdekit.data.formats.pdebench_export import EXTRAS, write
from pdekit.data.read import plain
from pdekit.data.safety import open_safely
from pdekit.errors import FormatError
from pdekit.space.grid import AXES

LAYOUT = "PDEBench"
CFD = ("density", "pressure", "Vx", "Vy", "Vz")  # the loader's order of channels
TEST_PART = 0.1
BY_NAME = {"periodic": "periodic", "trans": "neumann"}  # the only place where the layout names a boundary


def read(source: Path, options: ImportOptions, stack: ExitStack) -> Foreign:
    """A PDEBench file, which stays open in `stack` and is read when it is written on.

    Splits as its loaders make them, by position: in A the first tenth is the test split, in B and C the last. There is
    no validation split. Raises FormatError where arrays, coordinates or times do not fit.
    """
    file = stack.enter_context(open_safely(source))
    note = read_note(file.attrs.get(NOTE), str(source))
    if note is not None:
        return _restored(file, note, source)
    if "tensor" in file:
        return _arrays(file, source, ["tensor"], options)
    if "density" in file:
        return _arrays(file, source, [name for name in CFD if name in file], options)
    if "velocity" in file:
        return pdebench_seeds.incompressible(file, source, options)
    return pdebench_seeds.seeds(file, source, options)


def _restored(file: Any, note: Note, source: Path) -> Foreign:
    """A file that pdekit exported: its splits one after another in the order of the note."""
    stored = {name: _dataset(file, name, source) for name in ("tensor", "nu") if name in file}
    places = {names[0]: key for key, names in note.places.items() if key in stored and names}
    steady = note.time is None
    splits: dict[str, dict[str, Any]] = {}
    start = 0
    for split, about in note.splits.items():
        stop = start + about.samples
        arrays = {}
        for name in note.variables:
            if name in places:
                first = places[name] == "tensor" and steady
                arrays[name] = rows(stored[places[name]], start, stop, (lambda block: block[:, 0]) if first else None)
            elif name not in about.constants:
                arrays[name] = rows(_dataset(file, f"{EXTRAS}/{name}", source), start, stop)
        splits[split] = arrays
        start = stop
    if any(len(data) != start for data in stored.values()):
        raise FormatError.of(f"{str(source)!r} does not hold the samples of its note.", allowed=f"{start} samples")
    return note.foreign(splits, LAYOUT, str(source))


def _arrays(file: Any, source: Path, names: list[str], options: ImportOptions) -> Foreign:
    """Layout A. A file with `nu` is Darcy's: `tensor` is the solution, `nu` the coefficient, one frame that is no time."""
    data = {name: _dataset(file, name, source) for name in names}
    shapes = {d.shape for d in data.values()}
    shape = next(iter(shapes))
    if len(shapes) > 1 or not 3 <= len(shape) <= 5:
        raise FormatError.of(
            f"{str(source)!r} is not in PDEBench's layout.",
            found=", ".join(f"{name} {d.shape}" for name, d in data.items()),
            allowed="arrays of one shape (n, t, points per axis)",
        )
    n, frames, points = shape[0], shape[1], tuple(shape[2:])
    darcy = "nu" in file and names == ["tensor"]
    if darcy and _dataset(file, "nu", source).shape != (n, *points):
        raise FormatError.of(f"`nu` of {str(source)!r} does not fit `tensor`.", found=f"{file['nu'].shape}, {shape}")
    steady = darcy and frames == 1
    coordinates = {a: file[f"{a}-coordinate"][...] for a in AXES[: len(points)] if f"{a}-coordinate" in file}
    said = next((kind for word, kind in BY_NAME.items() if word in source.stem.lower()), None)
    boundary = said or ("dirichlet" if darcy else "periodic")
    grid = grid_from(points, coordinates, options, where=repr(str(source)), boundary=boundary)
    time, unknown = None, []
    if not steady and "t-coordinate" in file:
        time = frames_of(file["t-coordinate"], frames, where=repr(str(source)))
    elif not steady:
        time = np.arange(frames, dtype=np.float64)
        unknown.append("times: frames are numbered")
    if options.boundary is None:
        unknown.append(f"boundary conditions: {boundary!r} is " + ("in the name of the file" if said else "assumed"))
    unknown += [] if coordinates else ["coordinates", "length: 1 per axis is assumed"]
    numbers = {
        k: float(plain(v)) for k, v in file.attrs.items() if np.size(v) == 1 and np.asarray(v).dtype.kind in "fiu"
    }
    splits: dict[str, dict[str, Any]] = {}
    own = {"tensor": "pressure" if darcy else "u"}
    for split, (start, stop) in first_tenth(n).items():
        arrays: dict[str, Any] = {}
        for name, d in data.items():
            arrays[own.get(name, name)] = rows(d, start, stop, (lambda block: block[:, 0]) if steady else None)
        if darcy:
            arrays["permeability"] = rows(file["nu"], start, stop)
        splits[split] = arrays | {k: constant(np.float64(v), stop - start) for k, v in numbers.items()}
    fields = {own.get(name, name) for name in names}
    long_names = {own.get(name, name): f"data set {name} of the file" for name in (*names, "nu")}
    return described(
        splits,
        dict.fromkeys(splits, grid),
        options,
        source=source,
        layout=LAYOUT,
        roles=dict.fromkeys(fields, "output") | {"permeability": "input"} | dict.fromkeys(numbers, "parameter"),
        long_names=long_names | {"permeability": "coefficient, data set nu of the file"},
        time=time,
        unknown=unknown,
        facts={"origin": origin_of(coordinates, grid), "split_rule": _RULE_A},
    )


_RULE_A = "as PDEBench's loader splits by default: the first tenth is test, the rest train"


def first_tenth(n: int) -> dict[str, tuple[int, int]]:
    """Splits of layout A as (start, stop)."""
    cut = int(n * TEST_PART)
    return {"train": (cut, n), "test": (0, cut)} if cut else {"train": (0, n)}


def _dataset(file: Any, name: str, source: Path) -> h5py.Dataset:
    data = file.get(name)
    if not isinstance(data, h5py.Dataset) or data.dtype.kind not in "fiu":
        raise FormatError.of(f"{str(source)!r} lacks the array {name!r}.", found=", ".join(file))
    return data


__all__ = ["read", "write"]
