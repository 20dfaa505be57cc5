"""Creates the empty file: groups, dimension scales, coordinates with the grid, variables; valid netCDF-4."""

from __future__ import annotations

import io
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import h5netcdf
import hdf5plugin
import numpy as np

from pdekit.data.format import (
    CONVENTIONS,
    FORMAT,
    RECORD_NAMES,
    SplitLayout,
    Variable,
    status_flags,
)
from pdekit.space.grid import Grid

COMPRESSION: dict[str, dict[str, Any]] = {
    "none": {},
    "gzip": {"compression": "gzip", "compression_opts": 4, "shuffle": True},
    "lzf": {"compression": "lzf", "shuffle": True},
    "zstd": {"shuffle": True, **dict(hdf5plugin.Zstd(clevel=3))},
    "lz4": {"shuffle": True, **dict(hdf5plugin.LZ4())},
}
SCALAR_CHUNK = 8192  # samples per chunk of a variable with one number per sample
INDEX_BYTES = 128  # HDF5's index takes at most that per chunk, and 64 times that per variable to begin with


def create(
    path: Path,
    splits: Sequence[SplitLayout],
    attributes: Mapping[str, Any],
    compression: str = "none",
    room: int | None = None,
) -> None:
    """Write an empty file of this layout to `path`, which is replaced. Variables are filled by the caller.

    `room` bytes are reserved for them, what they take uncompressed by default, so that a full disk is an OSError here:
    the HDF5 library, refused a write later on, loses track of its own memory and may end the process.
    """
    image = _image(splits, attributes, compression).getvalue()
    variables = [(v, len(split.index)) for split in splits for v in split.variables]
    if room is None:
        room = sum(v.sample_bytes * (n if v.dims else n + SCALAR_CHUNK) for v, n in variables)
    chunks = sum(n * max(1, math.prod(v.shape) // math.prod(v.chunk)) if v.dims else 1 for v, n in variables)
    with path.open("wb") as file:
        file.write(image)
        file.flush()
        _reserve(file, len(image) + room + INDEX_BYTES * (chunks + 64 * len(variables)))


def _reserve(file: IO[bytes], size: int) -> None:
    """Give an open file its room on the disk. Raises OSError where there is none."""
    reserve = getattr(os, "posix_fallocate", None)
    if reserve is not None:
        reserve(file.fileno(), 0, size)
        return
    file.seek(0, os.SEEK_END)  # systems without that call, macOS: zeros take the room
    zeros = bytes(2**20)
    while (left := size - file.tell()) > 0:
        file.write(zeros[:left])
    file.flush()


def _image(splits: Sequence[SplitLayout], attributes: Mapping[str, Any], compression: str) -> io.BytesIO:
    foreign = compression not in ("none", "gzip")  # filters that netCDF-4 itself does not define
    memory = io.BytesIO()
    with h5netcdf.File(memory, "w", invalid_netcdf=foreign) as file:
        file.attrs["Conventions"] = CONVENTIONS
        file.attrs["pdekit_format"] = np.int32(FORMAT)
        for key, value in attributes.items():
            file.attrs[key] = value
        for split in splits:
            _create_split(file.create_group(split.name), split, compression)
    return memory


def _create_split(group: Any, split: SplitLayout, compression: str) -> None:
    n = len(split.index)
    group.attrs["split_number"] = np.int32(split.number)
    if split.dropped:
        group.attrs["dropped"] = np.array(split.dropped, dtype=np.int64)
    for key, value in split.attributes.items():
        group.attrs[key] = value
    sizes = {"sample": n}
    for variable in split.variables:
        sizes.update(zip(variable.dims, variable.shape, strict=True))
    group.dimensions = sizes
    sample = group.create_variable("sample", ("sample",), "i8", data=np.asarray(split.index, dtype=np.int64))
    sample.attrs["long_name"] = "index of the sample within its split, dropped samples counted"
    sample.attrs["units"] = "1"
    if split.time is not None:
        time = group.create_variable("time", ("time",), "f8", data=np.asarray(split.time, dtype=np.float64))
        time.attrs.update({"long_name": "time", "units": split.time_units, "axis": "T"})
    boundary_fields = {v.face: v.name for v in split.variables if v.face}
    for i, axis in enumerate(split.grid.axes):
        coordinate = group.create_variable(axis, (axis,), "f8", data=split.grid.coordinates[i])
        for key, value in axis_attributes(split.grid, i, boundary_fields).items():
            coordinate.attrs[key] = value
    for variable in split.variables:
        _create_variable(group, variable, n, compression)


def _create_variable(group: Any, variable: Variable, n: int, compression: str) -> None:
    options = dict(COMPRESSION[compression]) if variable.dims else {}
    chunks = (1, *variable.chunk) if variable.dims else (min(n, SCALAR_CHUNK),)
    out = group.create_variable(
        variable.name, ("sample", *variable.dims), variable.dtype, chunks=chunks, fletcher32=True, **options
    )
    out.attrs["units"] = variable.units
    out.attrs["long_name"] = variable.long_name or variable.name.replace("_", " ")
    if variable.name not in RECORD_NAMES:
        out.attrs["role"] = variable.role  # "record" too: telemetry has names of its own
    if variable.face:
        out.attrs["face"] = variable.face
    if variable.name == "solver_status":
        for key, value in status_flags().items():
            out.attrs[key] = value


def axis_attributes(grid: Grid, axis: int, boundary_fields: Mapping[str, str]) -> dict[str, Any]:
    """What the coordinate of one axis says about the grid; `boundary_fields` is {face: name of the field}."""
    name = grid.axes[axis]
    out: dict[str, Any] = {
        "units": grid.unit,
        "long_name": f"{name} coordinate",
        "axis": name.upper(),
        "length": np.float64(grid.length[axis]),
        "location": grid.location,
    }
    for side, kind in zip(("low", "high"), grid.boundary[axis], strict=True):
        face = f"{name}_{side}"
        out[f"boundary_{side}"] = kind
        if kind == "periodic":
            continue
        if face in boundary_fields:
            out[f"boundary_field_{side}"] = boundary_fields[face]
        else:
            out[f"boundary_value_{side}"] = np.float64(grid.value(face))
        if kind == "robin":
            pair = grid.robin[axis][0 if side == "low" else 1]
            out[f"boundary_robin_{side}"] = np.array(pair, dtype=np.float64)
    return out
