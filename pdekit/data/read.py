"""Reads the pdekit file: safe against what foreign files may hold, and never more of it than asked for."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from pdekit.data.coordinates import grid_of
from pdekit.data.form import COORDINATES, require_form
from pdekit.data.format import RECORD_NAMES, STATISTICS, split_order
from pdekit.data.hdf5 import dataset, is_bare_dimension, plain, subgroup, text
from pdekit.data.recipe import Recipe, recipe_from
from pdekit.data.safety import open_safely
from pdekit.errors import BadInput, FormatError, unknown_name
from pdekit.problems import PROBLEMS
from pdekit.problems.problem import Problem
from pdekit.solver import Instances
from pdekit.space.grid import Grid

Index = slice | list[int] | np.ndarray | None


def open_file(path: str | Path) -> DataFile:
    """Open a pdekit file for reading; use it in a `with`. Raises BadInput (no such file) or FormatError."""
    return DataFile(Path(path))


class DataFile:
    """One data set. Arrays are read when asked for, by sample; field values keep the type they are stored in."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = open_safely(path)
        try:
            require_form(self._file, str(path))
        except BadInput:
            self._file.close()
            raise

    def __enter__(self) -> DataFile:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    @cached_property
    def attrs(self) -> dict[str, Any]:
        """Attributes of the file."""
        return {name: plain(value) for name, value in self._file.attrs.items()}

    @cached_property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits, in the order of the content hash."""
        numbers = {
            name: plain(item.attrs.get("split_number"))
            for name, item in self._file.items()
            if isinstance(item, h5py.Group)
        }
        return tuple(split_order(numbers))

    @property
    def content_hash(self) -> str:
        """SHA-256 over all sample hashes, as stored."""
        return str(self.attrs.get("content_hash", ""))

    @cached_property
    def recipe(self) -> Recipe | None:
        """The recipe that made the file; None for imported and own data. Raises FormatError where it cannot be read."""
        text = self.attrs.get("recipe")
        if not text:
            return None
        try:
            return recipe_from(str(text), where=f"the recipe in {str(self.path)!r}")
        except BadInput as error:
            raise FormatError(str(error)) from None

    @property
    def problem(self) -> Problem | None:
        """The problem that the data solve; None where the file names none, as in most imported data."""
        return self.problem_for(None)

    def problem_for(self, split: str | None) -> Problem | None:
        """The problem with the parameters of one split."""
        name = self.attrs.get("problem")
        if not name:
            return None
        if name not in PROBLEMS:
            raise FormatError(str(unknown_name("problem", str(name), PROBLEMS, where=repr(str(self.path)))))
        if self.recipe is not None:
            return self.recipe.problem_for(split or self.splits[0])
        try:
            return PROBLEMS[name].make(tomllib.loads(str(self.attrs.get("parameters", ""))))
        except (BadInput, tomllib.TOMLDecodeError) as error:
            raise FormatError(f"{str(self.path)!r}, attribute parameters: {error}") from None

    def group(self, split: str) -> h5py.Group:
        """The HDF5 group of a split. Raises BadInput where there is none."""
        if split not in self.splits:
            raise unknown_name("split", split, self.splits, where=repr(str(self.path)))
        return subgroup(self._file, split)

    def variables(self, split: str) -> dict[str, h5py.Dataset]:
        """Fields and scalars of a split by name, without coordinates and the record."""
        group = self.group(split)
        return {
            name: data
            for name, data in group.items()
            if isinstance(data, h5py.Dataset)
            and name not in COORDINATES
            and name not in RECORD_NAMES
            and not is_bare_dimension(data)
            and text(data.attrs.get("role", "")) != "record"
        }

    def telemetry(self, split: str) -> dict[str, h5py.Dataset]:
        """What the solver noted step by step, by name: (n, step) and the like; none in most files."""
        found = {k: d for k, d in self.group(split).items() if isinstance(d, h5py.Dataset) and k not in RECORD_NAMES}
        return {k: d for k, d in found.items() if text(d.attrs.get("role", "")) == "record"}

    def role(self, split: str, name: str) -> str:
        """Role of a variable: "input", "output", "parameter", "geometry" or "boundary"."""
        return text(self._variable(split, name).attrs["role"])

    def names(self, split: str, *roles: str) -> list[str]:
        """Names of the variables that have one of these roles."""
        return [name for name in self.variables(split) if self.role(split, name) in roles]

    def _variable(self, split: str, name: str) -> h5py.Dataset:
        known = self.variables(split)
        if name not in known:
            raise unknown_name("variable", name, known, where=f"{str(self.path)!r}, split {split!r}")
        return known[name]

    def size(self, split: str) -> int:
        """Number of samples of a split."""
        group = self.group(split)
        if "sample" in group:
            return len(dataset(group, "sample"))
        return next(iter(self.variables(split).values())).shape[0]

    def grid(self, split: str) -> Grid:
        """The grid of a split, from its coordinates. Raises FormatError where they do not describe one."""
        group = self.group(split)
        try:
            return grid_of(group)
        except (BadInput, KeyError, ValueError, TypeError) as error:
            place = f"{str(self.path)!r}, split {split!r}"
            raise FormatError.of(
                "the coordinates of a split do not describe a grid.", where=place, found=str(error)
            ) from None

    def time(self, split: str) -> np.ndarray | None:
        """Stored times, or None for steady data."""
        group = self.group(split)
        return dataset(group, "time")[...] if "time" in group else None

    def index(self, split: str) -> np.ndarray:
        """(n,) index of each sample within its split, dropped samples counted."""
        group = self.group(split)
        if "sample" not in group or is_bare_dimension(dataset(group, "sample")):
            return np.arange(self.size(split))
        return dataset(group, "sample")[...]

    def read(self, split: str, name: str, index: Index = None) -> np.ndarray:
        """Values of one variable, (n, ...), as stored. Raises FormatError where a checksum fails."""
        return self._take(self._variable(split, name), index)

    def read_frames(self, split: str, name: str, row: int, frames: slice) -> np.ndarray:
        """Some stored times of one trajectory, (t, ...), and no more. Raises FormatError where a checksum fails."""
        return self._take(self._variable(split, name), (row, frames))

    def instances(self, split: str, index: Index = None) -> Instances:
        """The cases of a split: inputs, geometry and boundary fields, and parameters, without the outputs."""
        fields = {n: self.read(split, n, index) for n in self.names(split, "input", "geometry", "boundary")}
        parameters = {n: self.read(split, n, index) for n in self.names(split, "parameter")}
        return Instances(self.grid(split), fields, parameters, self.time(split))

    def outputs(self, split: str, index: Index = None) -> dict[str, np.ndarray]:
        """Outputs of a split, {name: (n, [t], *x)}."""
        return {n: self.read(split, n, index) for n in self.names(split, "output")}

    def record(self, split: str, index: Index = None, names: Sequence[str] = RECORD_NAMES) -> dict[str, np.ndarray]:
        """What the generation noted: {name: (n,)}; imported data may lack some of it."""
        group = self.group(split)
        return {name: self._take(dataset(group, name), index) for name in names if name in group}

    def statistics(self, field: str) -> dict[str, float]:
        """Mean, standard deviation, min and max of a field over the train split. Raises FormatError where absent."""
        attributes = self._variable("train", field).attrs
        if any(name not in attributes for name in STATISTICS):
            raise FormatError.of(f"{str(self.path)!r} holds no statistics of {field!r}.", where="/train")
        return {name: float(plain(attributes[name])) for name in STATISTICS}

    def _take(self, data: h5py.Dataset, index: Index | tuple[int, slice]) -> np.ndarray:
        try:
            if isinstance(index, tuple):
                return data[index]
            if index is None or isinstance(index, slice):
                if isinstance(index, slice) and index.step not in (None, 1):
                    return self._take(data, np.arange(len(data))[index])
                return data[...] if index is None else data[index]
            chosen = np.arange(len(data))[_rows(index)]
            if data.ndim == 1:
                return data[...][chosen]
            out = np.empty((chosen.size, *data.shape[1:]), dtype=data.dtype)
            cuts = [0, *(np.flatnonzero(np.diff(chosen) != 1) + 1).tolist(), chosen.size]
            for start, stop in pairwise(cuts):  # run by run: h5py's own lists of rows take 12 times as long
                if start < stop:
                    first = int(chosen[start])
                    data.read_direct(out, np.s_[first : first + stop - start], np.s_[start:stop])
            return out
        except IndexError:
            n = len(data)
            raise BadInput.of("a sample does not exist.", found=str(index), allowed=f"0 to {n - 1}") from None
        except OSError as error:
            place = f"{str(self.path)!r}, {data.name}"
            raise FormatError.of(
                "stored values are damaged.", where=place, found=str(error), hint="`pdekit check` names the samples"
            ) from None


def _rows(index: list[int] | np.ndarray) -> np.ndarray:
    """Numbers of samples, or a mask of all of them, as an array that indexes; an empty list is no sample."""
    rows = np.asarray(index)
    return rows if rows.size and rows.dtype.kind in "biu" else rows.astype(np.int64, casting="unsafe")


def open_dataset(path: str | Path) -> Any:
    """The file as an xarray.DataTree, loaded lazily, after the same look at it. Raises BadInput or FormatError."""
    import xarray

    open_file(path).close()
    return xarray.open_datatree(path, engine="h5netcdf")


def read_instances(
    path: str | Path, split: str = "test", samples: int | None = None
) -> tuple[Problem | None, Instances, dict[str, np.ndarray]]:
    """(problem, instances, outputs) of the first `samples` samples of a split, all of them by default."""
    if samples is not None and samples < 1:
        raise BadInput.of("the number of samples cannot be used.", found=repr(samples), allowed="an integer >= 1")
    with open_file(path) as file:
        index = slice(0, samples)
        return file.problem_for(split), file.instances(split, index), file.outputs(split, index)
