"""Writes people's own arrays as a valid pdekit file: streamed, hashed, with statistics."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from pdekit import __version__
from pdekit.data.assemble import sync_folder
from pdekit.data.format import (
    NUMBERED,
    ROLES,
    SAMPLE_HASH,
    STATISTICS,
    SplitLayout,
    Variable,
    content_hash,
    sample_hashes,
    split_order,
)
from pdekit.data.layout import COMPRESSION, create
from pdekit.data.statistics import combine, moments
from pdekit.errors import BadInput, StorageError, unknown_name
from pdekit.problems.problem import Problem
from pdekit.settings import to_toml
from pdekit.space.grid import Grid

STRIP_BYTES = 32 * 2**20
Progress = Callable[[int, int, str], None]


def write_dataset(  # noqa: PLR0913  (one call that says everything a file needs; all but two have defaults)
    path: str | Path,
    splits: Mapping[str, Mapping[str, Any]],
    *,
    grid: Grid | Mapping[str, Grid],
    roles: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    long_names: Mapping[str, str] | None = None,
    problem: Problem | None = None,
    time: Any = None,
    time_units: str = "1",
    attributes: Mapping[str, Any] | None = None,
    dtype: str = "float32",
    compression: str = "none",
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Write arrays to a pdekit file.

    splits       {"train": {name: array}}: arrays (n, [t], *x, [c]), (n,) for one number per sample, or the shape of a
                 face for `boundary_x_low` ...; NumPy, xarray (axes by name) or anything that slices, which is streamed
    grid         one for all splits, or {split: Grid}
    roles        {name: "input" | "output" | "parameter" | "geometry" | "boundary"}; may be left out where `problem`
                 knows the name, and for numbers per sample ("parameter")
    units        {name: unit}; from the problem or the xarray attributes by default, else "1"
    problem      what the data solve, so that `check` can recompute the residual; None where it is not known
    time         (t,) stored times, where arrays have a time axis
    attributes   of the file: title, source, known flaws ...

    Raises BadInput (shapes, roles, NaN, an existing target), StorageError. Nothing half-written bears the final name.
    """
    path = Path(path)
    if path.exists() and not overwrite:
        raise BadInput.of(f"{str(path)!r} exists.", hint="choose another path, or overwrite=True")
    if compression not in COMPRESSION:
        raise unknown_name("compression", compression, COMPRESSION)
    if dtype not in ("float32", "float64"):
        raise unknown_name("dtype", dtype, ("float32", "float64"))
    if not splits:
        raise BadInput.of("no split is given.", allowed='splits={"train": {...}}')
    if not path.absolute().parent.is_dir() or not os.access(path.absolute().parent, os.W_OK):
        raise BadInput.of(f"nothing can be written to {str(path.absolute().parent)!r}.")
    about = _About(problem, roles or {}, units or {}, long_names or {}, {"float32": "f4", "float64": "f8"}[dtype])
    times = None if time is None else np.asarray(time, dtype=np.float64)
    extra = [name for name in splits if name not in NUMBERED]
    layouts, sources = [], {}
    for name, arrays in splits.items():
        if not name.isidentifier():
            raise BadInput.of(f"the split name {name!r} cannot be used.", allowed="letters, digits, _")
        own = grid[name] if isinstance(grid, Mapping) else grid
        given = dict(getattr(arrays, "data_vars", arrays))
        sources[name] = {k: _by_name(k, a, own) for k, a in given.items()}
        variables = tuple(about.variable(k, a, own, times, given[k]) for k, a in sorted(sources[name].items()))
        n = _count(name, sources[name])
        number = NUMBERED.index(name) if name in NUMBERED else 3 + extra.index(name)
        timed = any(v.dims[:1] == ("time",) for v in variables)
        layouts.append(
            SplitLayout(
                name, number, own, np.arange(n), (*variables, SAMPLE_HASH), times if timed else None, time_units
            )
        )
    layouts.sort(key=lambda layout: layout.number)
    facts = {"title": path.stem, **_problem_facts(problem), **(attributes or {}), "pdekit_version": __version__}
    partial = path.with_name(f".partial-{os.getpid()}-{path.name}")
    try:
        create(partial, layouts, facts, compression)
        with h5py.File(partial, "r+") as file:
            total, hashes = sum(len(layout.index) for layout in layouts), {}
            for layout in layouts:
                done = sum(len(h) for h in hashes.values())
                hashes[layout.name] = _fill(file[layout.name], layout, sources[layout.name], (done, total), progress)
            order = split_order({layout.name: layout.number for layout in layouts})
            file.attrs["content_hash"] = content_hash(hashes[name] for name in order)
        with partial.open("rb+") as raw:
            os.fsync(raw.fileno())
        partial.replace(path)
        sync_folder(path.absolute().parent)
    except OSError as error:
        raise StorageError.of(path, error) from None
    finally:
        partial.unlink(missing_ok=True)
    return path


def _problem_facts(problem: Problem | None) -> dict[str, Any]:
    if problem is None:
        return {}
    names = getattr(problem, "__dataclass_fields__", {})
    parameters = {name: getattr(problem, name) for name in names}
    return {"problem": problem.name, "equation": problem.equation, "parameters": to_toml(parameters)}


def _by_name(name: str, array: Any, grid: Grid) -> Any:
    """The array with its axes in order; xarray's names decide, where there are any."""
    dims = getattr(array, "dims", None)
    if dims is not None:
        order = [d for d in ("sample", "time", *grid.axes, "component") if d in dims]
        if "sample" not in dims or len(order) != len(dims):
            raise BadInput.of(
                f"variable {name!r} has axes that are not known.",
                found=", ".join(map(str, dims)),
                allowed=f"sample, [time], {', '.join(grid.axes)}, [component]",
            )
        return array.transpose(*order)
    return array if hasattr(array, "shape") and hasattr(array, "dtype") else np.asarray(array)


def _count(split: str, arrays: Mapping[str, Any]) -> int:
    sizes = {name: a.shape[0] for name, a in arrays.items()}
    if len(set(sizes.values())) != 1:
        found = ", ".join(f"{k} {v}" for k, v in sizes.items()) or "no variables"
        raise BadInput.of(f"the variables of split {split!r} differ in their number of samples.", found=found)
    n = next(iter(sizes.values()))
    if n < 1:
        raise BadInput.of(f"split {split!r} holds no samples.")
    return n


class _About:
    """Turns names and shapes into variables of the file."""

    def __init__(
        self,
        problem: Problem | None,
        roles: Mapping[str, str],
        units: Mapping[str, str],
        long_names: Mapping[str, str],
        dtype: str,
    ) -> None:
        specs = (*problem.inputs, *problem.outputs) if problem else ()
        self.roles = {**{s.name: s.role for s in specs}, **roles}
        self.units = {**{s.name: s.unit for s in specs}, **units}
        self.long_names = {**{s.name: s.long_name for s in specs}, **long_names}
        self.dtype = dtype

    def variable(self, name: str, array: Any, grid: Grid, time: np.ndarray | None, given: Any) -> Variable:
        if not name.isidentifier() or name in ("sample", "time", *grid.axes, SAMPLE_HASH.name):
            raise BadInput.of(
                f"the variable name {name!r} cannot be used.", allowed="letters, digits and _, no name of an axis"
            )
        if np.dtype(array.dtype).kind not in "iufb" or len(array.shape) == 0:
            raise BadInput.of(
                f"variable {name!r} is no array of real numbers.", found=f"{array.dtype}, shape {array.shape}"
            )
        shape = tuple(int(s) for s in array.shape[1:])
        face = name.removeprefix("boundary_") if name.startswith("boundary_") else ""
        dims = _dims(name, shape, grid, time, face)
        role = self.roles.get(name) or ("boundary" if face else "parameter" if not dims else "")
        if role not in ROLES:
            raise BadInput.of(
                f"the role of variable {name!r} is not known.",
                found=repr(role),
                allowed=", ".join(ROLES),
                hint="roles={...}",
            )
        notes = getattr(given, "attrs", {})
        unit = self.units.get(name, str(notes.get("units", "1")))
        text = self.long_names.get(name, str(notes.get("long_name", "")))
        return Variable(name, dims, shape, self.dtype if dims else "f8", role, unit, text, face)


def _dims(name: str, shape: tuple[int, ...], grid: Grid, time: np.ndarray | None, face: str) -> tuple[str, ...]:
    if face:
        if shape == grid.face_shape(face):
            return tuple(a for a in grid.axes if a != face[0])
        raise BadInput.of(
            f"variable {name!r} does not lie on its face.", found=f"(n, {shape})", allowed=str(grid.face_shape(face))
        )
    if not shape:
        return ()
    frames: Sequence[str] = ("time",) if time is not None and shape[:1] == (len(time),) else ()
    rest = shape[len(frames) :]
    if rest == grid.points:
        return (*frames, *grid.axes)
    if rest[:-1] == grid.points:
        return (*frames, *grid.axes, "component")
    if shape == grid.points:
        return grid.axes
    raise BadInput.of(
        f"variable {name!r} does not lie on the grid.",
        found=f"shape (n, {', '.join(map(str, shape))})",
        allowed=f"(n, [t], {', '.join(map(str, grid.points))}, [c])"
        + ("; an axis t needs time=" if time is None else f" with {len(time)} times"),
    )


def _fill(
    group: h5py.Group,
    layout: SplitLayout,
    sources: Mapping[str, Any],
    count: tuple[int, int],
    progress: Progress | None,
) -> np.ndarray:
    """Stream one split into its group; returns the sample hashes."""
    variables = [v for v in layout.variables if v.role != "record"]
    n = len(layout.index)
    strip = max(1, STRIP_BYTES // max(1, sum(v.sample_bytes for v in variables)))
    hashes = np.empty(n, dtype=np.uint64)
    parts: dict[str, list[np.ndarray]] = {v.name: [] for v in variables}
    for start in range(0, n, strip):
        stop = min(start + strip, n)
        stored = {}
        for v in variables:
            values = np.ascontiguousarray(sources[v.name][start:stop], dtype=np.dtype(v.dtype))
            bad = ~np.isfinite(values).reshape(stop - start, -1).all(axis=1)
            if bad.any():
                i = start + int(np.flatnonzero(bad)[0])
                raise BadInput.of(
                    f"variable {v.name!r} is not finite.",
                    found=f"NaN or infinity (stored as {v.dtype}) in sample {i} of split {layout.name!r}",
                )
            group[v.name][start:stop] = values
            stored[v.name] = values
            parts[v.name].append(moments(values))
        hashes[start:stop] = sample_hashes(stored)
        if progress:
            progress(count[0] + stop, count[1], f"writing {layout.name}")
    group[SAMPLE_HASH.name][...] = hashes
    if layout.name == "train":
        for v in variables:
            values = combine(np.concatenate(parts[v.name]), int(np.prod(v.shape, dtype=np.int64)))
            for name in STATISTICS:
                group[v.name].attrs[name] = np.float64(values[name])
    return hashes
