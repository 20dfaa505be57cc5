"""What a file offers a learned solver: channels, grid, symmetries, and the rows to train on and to choose by."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pdekit.data.read import DataFile, open_file
from pdekit.data.statistics import combine, moments
from pdekit.data.trajectory_windows import Trajectories
from pdekit.data.windows import Samples
from pdekit.errors import BadInput
from pdekit.models.channels import Channels, require_constant
from pdekit.models.clock import Clock
from pdekit.problems.problem import Problem, Symmetry
from pdekit.registry import Card
from pdekit.solution import Status
from pdekit.space.grid import Grid
from pdekit.training.augment import symmetries_for
from pdekit.training.settings import LearnedCard
from pdekit.training.trajectory_source import read_clock, require_spacing, start_fields, stored_times

BLOCK_ROWS = 64  # samples read at once where a whole field is looked at


@dataclass(frozen=True)
class Source:
    """`train` and `valid` open their file when first read; `valid` may be rows that are held out of the train split."""

    train: Samples
    valid: Samples
    channels: Channels
    grid: Grid
    valid_grid: Grid
    problem: Problem | None
    symmetries: tuple[Symmetry, ...]
    file: str
    file_hash: str
    clock: Clock | None = None
    valid_frames: int = 0  # stored times of the selection split

    @property
    def sizes(self) -> dict[str, int]:
        """How many samples each part has."""
        held_out = self.valid.split == self.train.split
        chosen_by = f"held out of {self.train.split}" if held_out else self.valid.split
        return {"train": len(self.train), chosen_by: len(self.valid)}


def read_source(path: Path, card: Card, tables: LearnedCard) -> Source:
    """Look at a file before any work. Raises BadInput where the card cannot be trained on it."""
    settings = tables.training
    with open_file(path) as file:
        place = repr(str(path))
        if "train" not in file.splits:
            raise BadInput.of(f"{place} has no split to train on.", found=", ".join(file.splits), allowed="train")
        problem = file.problem_for("train")
        if problem is not None and not set(card.solves) <= set(problem.traits):
            raise BadInput.of(
                f"this solver does not serve the problem {problem.name!r} of {place}.",
                found=f"the problem is {', '.join(sorted(problem.traits))}",
                allowed=f"problems that are {', '.join(card.solves)}",
            )
        starts = _starts(file, tables, problem, place)
        kinds = {name: kind for name, kind in _kinds(file).items() if name not in starts.values()}
        grid = file.grid("train")
        n = file.size("train")
        split, rows, train_rows = settings.select, range(0), range(n)
        if settings.hold_out:
            if settings.hold_out >= n:
                raise BadInput.of(
                    "training.hold_out leaves nothing to train on.",
                    where=place,
                    found=f"{settings.hold_out} of {n} training samples",
                    allowed=f"1 to {n - 1}",
                )
            split, rows, train_rows = "train", range(n - settings.hold_out, n), range(n - settings.hold_out)
        elif split in file.splits:
            rows = range(file.size(split))
        else:
            raise BadInput.of(
                f"{place} has no split {split!r} to choose the best weights by.",
                found=", ".join(file.splits),
                hint="--set training.hold_out=50 keeps the last 50 training samples for it; the test split never does",
            )
        _require_solved(file, place, {"train": train_rows, split: rows} if split != "train" else {"train": range(n)})
        channels = _channels(file, tables, kinds, list(starts), train_rows if settings.hold_out else None)
        for name, value in channels.constants.items():
            _require_constant(file, split, name, value, rows)
        constants = tuple(channels.constants)
        symmetries = problem.symmetries(grid) if problem is not None else ()
        clock, valid_frames = None, 0
        train = Samples(path, "train", train_rows, channels.encode_varying, channels.encode_outputs, constants)
        valid = Samples(path, split, rows, channels.encode_varying, channels.encode_outputs, constants)
        if tables.time is not None:
            scales = {c.name: c.scale for c in channels.outputs}
            clock = read_clock(file, tables.time, starts, scales, train_rows, place)
            require_spacing(file, split, clock, place)
            valid_frames = len(file.time(split))  # pyright: ignore[reportArgumentType]
            frames = (channels.encode_varying, channels.encode_frames, starts, constants)
            train = Trajectories(path, "train", train_rows, *frames)
            valid = Trajectories(path, split, rows, *frames)
        return Source(
            train=train,
            valid=valid,
            channels=channels,
            grid=grid,
            valid_grid=file.grid(split),
            problem=problem,
            symmetries=symmetries_for(symmetries, kinds.values()),
            file=str(path),
            file_hash=file.content_hash or _bytes_hash(path),
            clock=clock,
            valid_frames=valid_frames,
        )


def _starts(file: DataFile, tables: LearnedCard, problem: Problem | None, place: str) -> dict[str, str]:
    """{output: its start field} for a card that learns trajectories, else empty. Raises BadInput where file and card differ."""
    evolves = stored_times(file, "train") is not None
    if evolves and tables.time is None:
        raise BadInput.of(
            "this card maps fields to fields, and the file stores trajectories.",
            where=place,
            hint="use a card with a table [time]: fno-flow-map, fno-markov, fno-recurrent, fno-spacetime",
        )
    if tables.time is None:
        return {}
    if not evolves:
        raise BadInput.of(
            "this card learns trajectories, and the file stores none.",
            where=place,
            hint="use a card without a table [time], e.g. fno",
        )
    return start_fields(file, problem, place)


def _kinds(file: DataFile) -> dict[str, str]:
    """{input: kind of channel}, in the order of the channels."""
    roles = {"input": "field", "geometry": "field", "boundary": "boundary", "parameter": "parameter"}
    return {n: kind for role, kind in roles.items() for n in file.names("train", role)}


def _channels(
    file: DataFile, tables: LearnedCard, kinds: dict[str, str], evolving: list[str], rows: range | None
) -> Channels:
    """Scaling from the file's statistics of its train split, or from `rows` of it alone where some are held out.

    evolving   outputs that are learned, where the card learns trajectories
    """
    outputs = evolving or file.names("train", "output")
    found = {n: file.statistics(n) if rows is None else _statistics(file, n, rows) for n in (*kinds, *outputs)}
    inputs, answers = ({n: found[n] for n in names} for names in (kinds, outputs))
    return Channels.fit(tables.scaling, inputs, answers, kinds, evolves=bool(evolving))


def _statistics(file: DataFile, name: str, rows: range) -> dict[str, float]:
    parts, count = [], 1
    for part in _blocks(rows):
        values = file.read("train", name, part)
        parts.append(moments(values))
        count = values[0].size
    return combine(np.concatenate(parts), count)


def _require_constant(file: DataFile, split: str, name: str, value: float, rows: range) -> None:
    """Look once at an input that the network is not given, since no batch reads it. Raises BadInput."""
    for part in _blocks(rows):
        require_constant(name, value, file.read(split, name, part))


def _require_solved(file: DataFile, place: str, rows: dict[str, range]) -> None:
    """Raise BadInput where a sample was kept although its reference solver failed."""
    for split, part in rows.items():
        status = file.record(split, slice(part.start, part.stop), ("solver_status",)).get("solver_status")
        if status is None:  # imported data
            continue
        failed = np.flatnonzero(~np.isin(status, [s.value for s in Status if not s.failed]))
        if failed.size:
            raise BadInput.of(
                f"{failed.size} of {len(part)} samples in split {split!r} are no solutions: their solver failed.",
                where=place,
                found=f"solver_status {int(status[failed[0]])} in sample {part.start + int(failed[0])}",
                hint="generate the file with --set on_failure=drop, which leaves such samples out",
            )


def _blocks(rows: range) -> Iterator[slice]:
    for start in range(rows.start, rows.stop, BLOCK_ROWS):
        yield slice(start, min(start + BLOCK_ROWS, rows.stop))


def _bytes_hash(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
