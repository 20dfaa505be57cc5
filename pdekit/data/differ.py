"""Compares two data sets within rounding: the same recipe on another kind of CPU gives other last digits."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from pdekit.data.hdf5 import plain
from pdekit.data.read import DataFile
from pdekit.errors import FormatError

INPUT_TOLERANCE = 1e-5  # of the largest magnitude of a sample's field; float32 rounds at 6e-8
OUTPUT_TOLERANCE = 1e-5  # relative L2; at least FROM_RTOL times the solver's rtol
FROM_RTOL = 1000.0
COMPUTED = ("output", "diagnostic")
STRIP = 16  # samples that are compared at once, fewer where they are large
STRIP_BYTES = 32 * 2**20


def differences(
    file: DataFile, other: DataFile, progress: Callable[[int, int, str], None] | None = None
) -> Iterator[tuple[str, str]]:
    """(where, what) for each split and variable that differ by more than rounding."""
    if file.splits != other.splits:
        yield "/", f"the splits are {', '.join(file.splits)} and {', '.join(other.splits)}"
    if file.attrs.get("recipe_sha256") != other.attrs.get("recipe_sha256"):
        yield "/@recipe", "the two files were made from different recipes or seeds"
    common = [s for s in file.splits if s in other.splits]
    total, done = sum(file.size(s) for s in common), 0
    for split in common:
        n = file.size(split)
        if n != other.size(split) or not np.array_equal(file.index(split), other.index(split)):
            yield f"/{split}", f"holds {n} and {other.size(split)} samples, or other ones"
            continue
        yield from _frames(file, other, split)
        mine, theirs = file.variables(split), other.variables(split)
        if sorted(mine) != sorted(theirs):
            yield f"/{split}", f"the variables are {', '.join(sorted(mine))} and {', '.join(sorted(theirs))}"
        for name in sorted(set(mine) & set(theirs)):
            if mine[name].shape != theirs[name].shape:
                yield f"/{split}/{name}", f"the shapes are {mine[name].shape} and {theirs[name].shape}"
                continue
            units = [str(plain(data.attrs.get("units", "1"))) for data in (mine[name], theirs[name])]
            if units[0] != units[1]:
                yield f"/{split}/{name}", f"the units are {units[0]!r} and {units[1]!r}"
            worst, sample = _worst(file, other, split, name)
            tolerance = _tolerance(file, split, name)
            if not worst <= tolerance:
                yield f"/{split}/{name}", f"differs by {worst:.2g} in sample {sample}; rounding allows {tolerance:.2g}"
        done += n
        if progress:
            progress(done, total, f"comparing {split}")


def _frames(file: DataFile, other: DataFile, split: str) -> Iterator[tuple[str, str]]:
    """What the values of a split stand for: the grid with its faces, the times, what the solver said."""
    try:
        grids = file.grid(split), other.grid(split)
    except FormatError as error:
        yield f"/{split}", str(error)
        return
    for fact in ("points", "length", "location", "boundary", "boundary_value", "robin", "unit"):
        mine, theirs = (getattr(grid, fact) for grid in grids)
        if mine != theirs:
            yield f"/{split}", f"{fact} of the grid is {mine} and {theirs}"
    times = file.time(split), other.time(split)
    if (times[0] is None) != (times[1] is None) or (times[0] is not None and not _close(times[0], times[1])):
        yield f"/{split}/time", "the times differ"
    said = [r.record(split, names=("solver_status",)).get("solver_status") for r in (file, other)]
    if (said[0] is None) != (said[1] is None):
        yield f"/{split}/solver_status", "only one of the files says how its solver ended"
    elif said[0] is not None and said[1] is not None and (apart := np.flatnonzero(said[0] != said[1])).size:
        i = int(apart[0])
        text = f"the statuses are {int(said[0][i])} and {int(said[1][i])} in sample {i}"
        yield f"/{split}/solver_status", f"{text}; {apart.size} differ"


def _close(a: np.ndarray, b: np.ndarray | None) -> bool:
    return b is not None and a.shape == b.shape and np.allclose(a, b, rtol=1e-12, atol=0.0)


def _tolerance(file: DataFile, split: str, name: str) -> float:
    if file.role(split, name) not in COMPUTED:
        return INPUT_TOLERANCE
    rtol = file.recipe.settings().get("rtol", 0.0) if file.recipe is not None else 0.0
    return max(OUTPUT_TOLERANCE, FROM_RTOL * rtol)


def _worst(file: DataFile, other: DataFile, split: str, name: str) -> tuple[float, int]:
    """Largest difference over samples: relative L2 of outputs, largest value over largest magnitude of the others."""
    output = file.role(split, name) in COMPUTED
    worst, sample = 0.0, 0
    each = max(1, file.variables(split)[name].nbytes // max(1, file.size(split)))
    step = max(1, min(STRIP, STRIP_BYTES // each))
    for start in range(0, file.size(split), step):
        strip = slice(start, min(start + step, file.size(split)))
        a = np.asarray(file.read(split, name, strip), dtype=np.float64).reshape(strip.stop - start, -1)
        b = np.asarray(other.read(split, name, strip), dtype=np.float64).reshape(a.shape)
        order = 2 if output else np.inf
        scale = np.maximum(np.linalg.norm(b, ord=order, axis=1), np.finfo(np.float64).tiny)
        difference = np.linalg.norm(a - b, ord=order, axis=1) / scale
        difference = np.where(np.isfinite(difference), difference, np.inf)
        i = int(np.argmax(difference))
        if difference[i] > worst:
            worst, sample = float(difference[i]), start + i
    return worst, sample
