"""Writes people's own arrays as a valid pdekit file: streamed, hashed, with statistics."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from pdekit import __version__
from pdekit.data.assemble import sync_folder
from pdekit.data.describe import Describer, by_name
from pdekit.data.format import (
    NUMBERED,
    SAMPLE_HASH,
    STATISTICS,
    SplitLayout,
    content_hash,
    sample_hashes,
    split_order,
)
from pdekit.data.hdf5 import dataset, subgroup
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
        raise BadInput.of(
            f"{str(path)!r} exists.", hint="choose another path, or say --overwrite (in Python overwrite=True)"
        )
    if compression not in COMPRESSION:
        raise unknown_name("compression", compression, COMPRESSION)
    if dtype not in ("float32", "float64"):
        raise unknown_name("dtype", dtype, ("float32", "float64"))
    if not splits:
        raise BadInput.of("no split is given.", allowed='splits={"train": {...}}')
    if not path.absolute().parent.is_dir() or not os.access(path.absolute().parent, os.W_OK):
        raise BadInput.of(f"nothing can be written to {str(path.absolute().parent)!r}.")
    about = Describer(problem, roles or {}, units or {}, long_names or {}, {"float32": "f4", "float64": "f8"}[dtype])
    times = None if time is None else np.asarray(time, dtype=np.float64)
    extra = [name for name in splits if name not in NUMBERED]
    layouts, sources = [], {}
    for name, arrays in splits.items():
        if not name.isidentifier():
            raise BadInput.of(f"the split name {name!r} cannot be used.", allowed="letters, digits, _")
        own = grid[name] if isinstance(grid, Mapping) else grid
        given = dict(getattr(arrays, "data_vars", arrays))
        sources[name] = {k: by_name(k, a, own) for k, a in given.items()}
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
                hashes[layout.name] = _fill(
                    subgroup(file, layout.name), layout, sources[layout.name], (done, total), progress
                )
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
    names = [f.name for f in fields(problem)]  # pyright: ignore[reportArgumentType]
    parameters = {name: getattr(problem, name) for name in names}
    return {"problem": problem.name, "equation": problem.equation, "parameters": to_toml(parameters)}


def _count(split: str, arrays: Mapping[str, Any]) -> int:
    sizes = {name: a.shape[0] for name, a in arrays.items()}
    if len(set(sizes.values())) != 1:
        found = ", ".join(f"{k} {v}" for k, v in sizes.items()) or "no variables"
        raise BadInput.of(f"the variables of split {split!r} differ in their number of samples.", found=found)
    n = next(iter(sizes.values()))
    if n < 1:
        raise BadInput.of(f"split {split!r} holds no samples.")
    return n


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
            dataset(group, v.name)[start:stop] = values
            stored[v.name] = values
            parts[v.name].append(moments(values))
        hashes[start:stop] = sample_hashes(stored)
        if progress:
            progress(count[0] + stop, count[1], f"writing {layout.name}")
    dataset(group, SAMPLE_HASH.name)[...] = hashes
    if layout.name == "train":
        for v in variables:
            values = combine(np.concatenate(parts[v.name]), int(np.prod(v.shape, dtype=np.int64)))
            for name in STATISTICS:
                group[v.name].attrs[name] = np.float64(values[name])
    return hashes
