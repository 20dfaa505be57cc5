"""What a file offers a learned solver: channels, grid, symmetries, and the rows to train on and to choose by."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from pdekit.data.read import DataFile, open_file
from pdekit.data.windows import Samples
from pdekit.errors import BadInput
from pdekit.models.channels import Channels
from pdekit.problems.problem import Problem, Symmetry
from pdekit.registry import Card
from pdekit.space.grid import Grid
from pdekit.training.augment import symmetries_for
from pdekit.training.settings import LearnedCard


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
        channels = _channels(file, tables)
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
        symmetries = problem.symmetries(grid) if problem is not None else ()
        return Source(
            train=Samples(path, "train", train_rows, channels.encode, channels.encode_outputs),
            valid=Samples(path, split, rows, channels.encode, channels.encode_outputs),
            channels=channels,
            grid=grid,
            valid_grid=file.grid(split),
            problem=problem,
            symmetries=symmetries_for(symmetries, channels.inputs),
            file=str(path),
            file_hash=file.content_hash or _bytes_hash(path),
        )


def _channels(file: DataFile, tables: LearnedCard) -> Channels:
    roles = {"input": "field", "geometry": "field", "boundary": "boundary", "parameter": "parameter"}
    kinds = {n: kind for role, kind in roles.items() for n in file.names("train", role)}
    outputs = {n: file.statistics(n) for n in file.names("train", "output")}
    return Channels.fit(tables.scaling, {n: file.statistics(n) for n in kinds}, outputs, kinds)


def _bytes_hash(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
