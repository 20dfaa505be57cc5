"""What every importer returns and every exporter leaves a note of: one data set, described apart from any layout.

An exported file carries this note as JSON where readers of its own layout do not look; an importer that finds it
restores names, roles, units, grid and problem, which none of the three layouts has a place for.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field, ValidationError

from pdekit.data.formats.lazy import blocks, constant
from pdekit.data.formats.options import ImportOptions
from pdekit.data.read import DataFile
from pdekit.errors import BadInput, FormatError
from pdekit.problems import PROBLEMS
from pdekit.problems.problem import Problem
from pdekit.settings import Settings
from pdekit.space.grid import Grid

NOTE = "pdekit_about"
UNKNOWN_UNIT = "unknown"


@dataclass
class Foreign:
    """A data set as `write_dataset` takes it, read from another layout.

    splits      {split: {name: array or View (n, ...)}}
    grids       {split: Grid}
    attributes  of the file: title, source, source_layout, and `unknown`: what the layout does not say
    dtype       what fields are stored in: "float32" | "float64"
    """

    splits: dict[str, dict[str, Any]]
    grids: dict[str, Grid]
    roles: dict[str, str]
    units: dict[str, str] = field(default_factory=dict)
    long_names: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)
    problem: Problem | None = None
    time: np.ndarray | None = None
    time_units: str = "1"
    dtype: str = "float32"


def described(  # noqa: PLR0913  (what an importer knows, each by its name)
    splits: dict[str, dict[str, Any]],
    grids: dict[str, Grid],
    options: ImportOptions,
    *,
    source: Path,
    layout: str,
    roles: Mapping[str, str],
    long_names: Mapping[str, str],
    time: np.ndarray | None,
    unknown: Sequence[str] = (),
    facts: Mapping[str, str] | None = None,
) -> Foreign:
    """A data set whose layout says neither units nor how it was made; the options come before the layout's conventions.

    unknown   what else nobody knows; facts: further attributes of the file, empty ones left out
    """
    names = {n for arrays in splits.values() for n in arrays}
    missing = ["units" if not options.units else "units marked as unknown", "solver, tolerance, seeds and accuracy"]
    return Foreign(
        splits,
        grids,
        roles={n: role for n, role in roles.items() if n in names} | options.roles,
        units=dict.fromkeys(names, UNKNOWN_UNIT) | options.units,
        long_names={n: text for n, text in long_names.items() if n in names},
        attributes={
            "title": options.title or f"{source.stem}, imported from {layout}",
            "source_layout": layout,
            "unknown": "; ".join([*unknown, *missing]),
            **{k: v for k, v in (facts or {}).items() if v},
        },
        time=time,
        time_units=UNKNOWN_UNIT,
        dtype=options.dtype or "float32",
    )


class VariableNote(Settings):
    """Role and units of one variable."""

    role: str
    units: str = "1"
    long_name: str = ""


class GridNote(Settings):
    """A Grid as plain values."""

    points: list[int]
    length: list[float]
    location: str
    boundary: dict[str, str]
    boundary_value: dict[str, float]
    robin: dict[str, tuple[float, float]]
    unit: str

    @classmethod
    def of(cls, grid: Grid) -> GridNote:
        """The note of a grid."""
        sides = [f"{a}_{s}" for a in grid.axes for s in ("low", "high")]
        pairs = [pair for axis in grid.robin for pair in axis]
        return cls(
            points=list(grid.points),
            length=list(grid.length),
            location=grid.location,
            boundary={s: grid.kind(s) for s in sides},
            boundary_value={s: grid.value(s) for s in sides},
            robin={s: pair for s, pair in zip(sides, pairs, strict=False) if grid.kind(s) == "robin"},
            unit=grid.unit,
        )

    def grid(self) -> Grid:
        """The grid, checked. Raises BadInput."""
        return Grid.make(
            self.points,
            self.length,
            location=self.location,
            boundary=self.boundary,
            boundary_value=self.boundary_value,
            robin=self.robin,
            unit=self.unit,
        )


class SplitNote(Settings):
    """One split; `constants` are input fields that hold one number in all samples and are not stored as arrays."""

    samples: int
    grid: GridNote
    constants: dict[str, float] = Field(default_factory=dict)


class Note(Settings):
    """The JSON text that an export carries. `places` says where in the foreign layout variables went."""

    format: int = 1
    title: str = ""
    problem: str | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    variables: dict[str, VariableNote] = Field(default_factory=dict)
    splits: dict[str, SplitNote] = Field(default_factory=dict)
    time: list[float] | None = None
    time_units: str = "1"
    places: dict[str, list[str]] = Field(default_factory=dict)
    dropped: list[str] = Field(default_factory=list)

    def text(self) -> str:
        """As JSON."""
        return self.model_dump_json()

    def foreign(self, splits: Mapping[str, dict[str, Any]], layout: str, source: str) -> Foreign:
        """The data set of these arrays, with constant inputs filled in again. Raises BadInput, FormatError."""
        grids = {name: self.splits[name].grid.grid() for name in splits}
        full = {}
        for name, arrays in splits.items():
            n = self.splits[name].samples
            full[name] = {k: constant(v, n, grids[name].points) for k, v in self.splits[name].constants.items()}
            full[name] |= arrays
            if set(full[name]) != set(self.variables):
                found, wanted = ", ".join(sorted(full[name])), ", ".join(sorted(self.variables))
                raise FormatError.of(f"{source!r} lacks variables that its note names.", found=found, allowed=wanted)
        problem = None
        if self.problem is not None and self.problem in PROBLEMS:
            problem = PROBLEMS[self.problem].make(self.parameters, where=source)
        return Foreign(
            full,
            grids,
            roles={k: v.role for k, v in self.variables.items()},
            units={k: v.units for k, v in self.variables.items()},
            long_names={k: v.long_name for k, v in self.variables.items()},
            attributes={"title": self.title, "source_layout": f"{layout}, exported by pdekit"},
            problem=problem,
            time=None if self.time is None else np.array(self.time),
            time_units=self.time_units,
            dtype="float64" if _wide(full) else "float32",
        )


def _wide(splits: Mapping[str, Mapping[str, Any]]) -> bool:
    arrays = (a for split in splits.values() for a in split.values() if len(a.shape) > 1)
    return any(isinstance(a, np.ndarray) and a.dtype == np.float64 for a in arrays)


def read_note(text: Any, where: str) -> Note | None:
    """The note in an attribute, or None where there is none. Raises FormatError where it cannot be understood."""
    if text is None:
        return None
    try:
        note = Note.model_validate(json.loads(text.decode() if isinstance(text, bytes) else str(text)))
    except (ValueError, ValidationError) as error:
        raise FormatError.of(f"the note {NOTE!r} in {where!r} cannot be understood.", found=str(error)) from None
    if note.format != 1:
        raise FormatError.of(f"the note {NOTE!r} in {where!r} is of another version.", found=str(note.format))
    return note


def note_of(file: DataFile, splits: Iterable[str]) -> Note:
    """Describe these splits of a file. Raises BadInput where their variables differ."""
    splits = list(splits)
    first = splits[0]
    variables = {}
    for name, data in file.variables(first).items():
        text = {k: _text(data.attrs.get(k, default)) for k, default in (("units", "1"), ("long_name", ""))}
        variables[name] = VariableNote(role=file.role(first, name), **text)
    for split in splits[1:]:
        if set(file.variables(split)) != set(variables):
            raise BadInput.of(
                f"split {split!r} holds other variables than {first!r}, which no other layout can say.",
                where=repr(str(file.path)),
                found=", ".join(sorted(file.variables(split))),
                allowed=", ".join(sorted(variables)),
            )
    problems = [file.problem_for(split) for split in splits]
    problem = problems[0] if all(p == problems[0] for p in problems) else None
    time = file.time(first)
    time_units = _text(file.group(first)["time"].attrs.get("units", "1")) if time is not None else "1"
    dropped = ["solver record of each sample", "recipe", "sample hashes"]
    if problem is None and problems[0] is not None:
        dropped.append("the problem: its parameters differ between splits")
    return Note(
        title=str(file.attrs.get("title", "")),
        problem=None if problem is None else problem.name,
        parameters={} if problem is None else asdict(problem),  # pyright: ignore[reportArgumentType]
        variables=variables,
        splits={s: _split_note(file, s) for s in splits},
        time=None if time is None else [float(t) for t in time],
        time_units=time_units,
        dropped=dropped,
    )


def _split_note(file: DataFile, split: str) -> SplitNote:
    names = file.names(split, "input", "geometry")
    values = {name: _one_value(file, split, name) for name in names}
    constants = {name: value for name, value in values.items() if value is not None}
    return SplitNote(samples=file.size(split), grid=GridNote.of(file.grid(split)), constants=constants)


def _one_value(file: DataFile, split: str, name: str) -> float | None:
    """The value of a field on the grid that holds one number everywhere; None for other fields."""
    data = file.variables(split)[name]
    if data.shape[1:] != file.grid(split).points:
        return None
    first = file.read(split, name, slice(0, 1)).reshape(-1)[0]
    for part in blocks(len(data), data.dtype.itemsize * int(np.prod(data.shape[1:]))):
        if not bool((file.read(split, name, part) == first).all()):
            return None
    return float(first)


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
