"""Shards: finished ranges of samples, kept beside the target until the file is assembled; how a run is resumed.

A shard (`shard_file`) is written with plain file calls, flushed and renamed when whole, so that a full disk is an ordinary
error and a killed process leaves at most a temporary file. Shards are not waited for until they are on the disk, which
would cost a third of all writing: a run that is resumed looks whether they are sound, and makes those anew that are not.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pdekit.data.shard_file import Shard
from pdekit.errors import BadInput, FormatError
from pdekit.files import SCRATCH, write_json

PATTERN = re.compile(r"([a-z][a-z0-9_]*)-(\d+)-(\d+)\.shard")


@dataclass(frozen=True)
class Task:
    """Samples start, start + 1, ... stop - 1 of a split: one shard."""

    split: str
    start: int
    stop: int

    @property
    def filename(self) -> str:
        """Name of the shard."""
        return f"{self.split}-{self.start:08d}-{self.stop:08d}.shard"


@dataclass(frozen=True)
class ShardFolder:
    """The folder `<target>.shards`, which belongs to one recipe and seed and to one running generation at a time."""

    path: Path

    @classmethod
    def beside(cls, target: Path) -> ShardFolder:
        """The folder of a target."""
        return cls(target.with_name(target.name + ".shards"))

    @contextmanager
    def locked(self, identity: Mapping[str, Any]) -> Iterator[None]:
        """Hold the folder for this identity (recipe, version); the lock ends with the process, however it ends.

        Raises BadInput where another process holds it, or where the shards belong to another recipe.
        """
        with self._lock():
            self._adopt(identity)
            for task in self.done():
                if not _sound(self.path / task.filename):
                    (self.path / task.filename).unlink()
            yield

    @contextmanager
    def _lock(self) -> Iterator[None]:
        while True:
            try:
                self.path.mkdir(parents=True, exist_ok=True)
                lock = (self.path / "lock").open("a+")
            except FileNotFoundError:
                continue  # its owner removed the folder between the two lines
            except OSError as error:
                raise BadInput.of(
                    f"nothing can be written beside {str(self.path.with_suffix(''))!r}.",
                    found=str(error),
                    hint="choose an --out in a folder that you may write to",
                ) from None
            with lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    raise BadInput.of(
                        f"another process is generating {self.path.with_suffix('').name!r} at this moment.",
                        where=str(self.path),
                        hint="wait for it, or choose another --out",
                    ) from None
                if _is_at(lock.fileno(), self.path / "lock"):
                    yield
                    return

    def _adopt(self, identity: Mapping[str, Any]) -> None:
        for leftover in self.path.glob(SCRATCH):
            leftover.unlink(missing_ok=True)
        note = self.path / "identity.json"
        if not note.exists():
            write_json(note, identity)
            return
        found = json.loads(note.read_text())
        if found != dict(identity):
            differ = [key for key in identity if found.get(key) != identity[key]]
            raise BadInput.of(
                f"the shards beside this target belong to another {' and '.join(differ)}.",
                where=str(self.path),
                found=", ".join(f"{key} {found.get(key)!r}" for key in differ),
                allowed=", ".join(f"{key} {identity[key]!r}" for key in differ),
                hint="delete that folder to start anew, or choose another --out",
            )

    def done(self) -> list[Task]:
        """Shards that are finished, by split and start."""
        found = (PATTERN.fullmatch(p.name) for p in self.path.iterdir())
        tasks = [Task(m[1], int(m[2]), int(m[3])) for m in found if m]
        return sorted(tasks, key=lambda t: (t.split, t.start))

    def remove(self) -> None:
        """Delete the folder and everything in it."""
        shutil.rmtree(self.path, ignore_errors=True)


def _is_at(handle: int, path: Path) -> bool:
    """Whether an open file still is the one that bears this name: its owner removes the lock together with its folder."""
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except OSError:
        return False


def _sound(path: Path) -> bool:
    try:
        with Shard(path) as shard:
            return shard.sound
    except FormatError:
        return False
