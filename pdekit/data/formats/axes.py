"""The grid behind other people's coordinates: uniform or refused; cells or vertices by where the first point lies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pdekit.data.formats.options import ImportOptions
from pdekit.data.read import DataFile
from pdekit.errors import BadInput, FormatError
from pdekit.space.grid import AXES, Grid

TOLERANCE = 1e-3  # of a mesh width: coordinates are often stored in float32
Boundary = str | Mapping[str, str]


def space_of(
    fields: Mapping[str, Any], coordinates: Mapping[str, np.ndarray], time: np.ndarray | None, *, where: str
) -> tuple[int, ...]:
    """Points per axis of arrays (n, [t], *x, [c]): the lengths of the coordinates, else the axes that all fields share.

    Without coordinates the field with the fewest axes is taken to be (n, *x); where `time` is known, a first axis of its
    length is time. Raises BadInput where nothing varies over 1 to 3 axes, FormatError where coordinates lack an axis.
    """
    named = [a for a in AXES if a in coordinates]
    if named:
        if named != list(AXES[: len(named)]):
            raise FormatError.of(f"the coordinates of {where} lack an axis.", found=", ".join(named), allowed="x, y, z")
        return tuple(len(coordinates[a]) for a in named)
    shapes = [tuple(int(s) for s in array.shape[1:]) for array in fields.values()]
    if time is not None:
        shapes = [s[1:] if s[:1] == (len(time),) and len(s) > 1 else s for s in shapes]
    points = min(shapes, key=len, default=())
    if not 1 <= len(points) <= len(AXES):
        raise BadInput.of(
            f"no field of {where} lies on a grid of 1 to 3 axes.",
            found=", ".join(f"{n} {tuple(a.shape)}" for n, a in fields.items()) or "no fields",
            allowed="arrays (n, points per axis), or (n, t, points per axis) beside an array `time`",
        )
    return points


def grid_from(
    points: tuple[int, ...],
    coordinates: Mapping[str, np.ndarray],
    options: ImportOptions,
    *,
    where: str,
    location: str = "cell",
    boundary: Boundary = "periodic",
) -> Grid:
    """The Grid of these points: coordinates {axis: (N,)} as far as there are any, else the box [0, 1] per axis.

    location   of layouts that say so, used where the first point is neither 0 (vertex) nor h/2 (cell)
    boundary   what the layout says of the faces; the options come first in everything

    pdekit's grids begin at 0: `origin_of` says where the source's began. Raises FormatError where coordinates are not
    uniform or not as many as the points, BadInput where the options contradict them.
    """
    axes = AXES[: len(points)]
    steps = {a: _step(coordinates[a], n, a, where) for a, n in zip(axes, points, strict=True) if a in coordinates}
    place = options.location or _location(coordinates, steps) or location
    kinds = options.boundary if options.boundary is not None else boundary
    length = []
    for axis, n, asked in zip(axes, points, _asked(options, len(points)), strict=True):
        if axis not in steps:
            length.append(1.0 if asked is None else asked)
            continue
        ends = place == "vertex" and _kind(kinds, f"{axis}_low") != "periodic"
        own = _rounded(steps[axis] * (n - 1 if ends else n))
        if asked is not None and abs(asked - own) > TOLERANCE * steps[axis]:
            raise BadInput.of(
                f"the length of axis {axis} is not that of the coordinates of {where}.",
                found=f"length = {asked:g}; the coordinates give {own:g} ({place}, {_kind(kinds, f'{axis}_low')})",
                hint="leave length out, or set location and boundary",
            )
        length.append(own if asked is None else asked)
    return Grid.make(list(points), length, location=place, boundary=kinds, unit=options.length_unit)


def _rounded(length: float) -> float:
    """The length without the noise that float32 coordinates put on it: 1.0000000208 is 1."""
    near = float(f"{length:.5g}")
    return near if abs(near - length) <= 4e-7 * length else length


def _asked(options: ImportOptions, dim: int) -> list[float | None]:
    """The length that the options give, per axis."""
    if not isinstance(options.length, list):
        return [options.length] * dim
    if len(options.length) != dim:
        raise BadInput.of(
            "length does not fit the data.", found=f"{len(options.length)} numbers", allowed=f"{dim} of them"
        )
    return list(options.length)


def _step(values: np.ndarray, n: int, axis: str, where: str) -> float:
    """The mesh width of one axis. Raises FormatError."""
    x = np.asarray(values, dtype=np.float64)
    if x.shape != (n,) or n < 2:
        raise FormatError.of(
            f"coordinate {axis} of {where} does not fit the fields.",
            found=f"shape {x.shape}",
            allowed=f"({n},), n >= 2",
        )
    h = (x[-1] - x[0]) / (n - 1)
    if not (np.isfinite(x).all() and h > 0 and np.abs(x - x[0] - h * np.arange(n)).max() <= TOLERANCE * h):
        raise FormatError.of(
            f"coordinate {axis} of {where} is not uniform and rising; other grids have no place in a pdekit file.",
            found=", ".join(f"{v:.6g}" for v in x[:5]) + (", ..." if n > 5 else ""),
        )
    return float(h)


def _location(coordinates: Mapping[str, np.ndarray], steps: Mapping[str, float]) -> str | None:
    """ "vertex" where every axis begins at 0, "cell" where every axis begins at h/2, None for anything else."""
    first = [float(coordinates[a][0]) / h for a, h in steps.items()]
    for place, offset in (("vertex", 0.0), ("cell", 0.5)):
        if first and all(abs(f - offset) <= TOLERANCE for f in first):
            return place
    return None


def _kind(boundary: Boundary, face: str) -> str:
    return boundary if isinstance(boundary, str) else boundary.get(face, "dirichlet")


def origin_of(coordinates: Mapping[str, np.ndarray], grid: Grid) -> str:
    """Where the source's axes began, for axes that did not begin where pdekit's do; "" where all did."""
    moved = []
    for axis, own, h in zip(grid.axes, grid.coordinates, grid.spacing, strict=True):
        shift = float(coordinates[axis][0]) - float(own[0]) if axis in coordinates else 0.0
        if abs(shift) > TOLERANCE * h:
            moved.append(f"{axis} = 0 here is {axis} = {shift:.6g} in the source")
    return "; ".join(moved)


def frames_of(times: Any, frames: int, *, where: str) -> np.ndarray:
    """The first `frames` of stored times; PDEBench's generators store one more. Raises FormatError where too few."""
    out = np.asarray(times, dtype=np.float64).reshape(-1)[:frames]
    if len(out) < frames or not np.isfinite(out).all():
        raise FormatError.of(f"the times of {where} do not fit the frames.", found=f"{len(out)} times, {frames} frames")
    return out


def axes_of(file: DataFile, split: str, name: str) -> tuple[str, ...]:
    """Names of the axes of a variable of a pdekit file after `sample`: ("time", "x", "y"), ("y",), ()."""
    data = file.variables(split)[name]
    return tuple(str(scale[0].name).rsplit("/", 1)[-1] for scale in list(data.dims)[1:])
