"""Appending samples to a finished file: its samples become shards again, and generation goes on from there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pdekit.data.produce import variables
from pdekit.data.read import DataFile, open_file
from pdekit.data.recipe import Recipe
from pdekit.data.shard_file import shard_writer
from pdekit.data.shards import ShardFolder, Task


def shards_from_file(target: Path, folder: ShardFolder, recipe: Recipe, shard_samples: int) -> None:
    """Write the samples of `target` as shards into `folder`: whole batches only, runs without dropped samples."""
    done = {task.filename for task in folder.done()}
    with open_file(target) as file:
        for split in file.splits:
            for position, task in _runs(file, split, recipe.storage.batch, shard_samples):
                if task.filename in done:
                    continue
                part = slice(position, position + task.stop - task.start)
                arrays = {name: file.read(split, name, part) for name in file.variables(split)}
                arrays |= file.record(split, part) | file.record(split, part, names=tuple(file.telemetry(split)))
                index = np.arange(task.start, task.stop)
                layout = variables(recipe, split)
                with shard_writer(folder.path / task.filename, layout, recipe.storage.compression) as shard:
                    shard.add(index, arrays)


def _runs(file: DataFile, split: str, batch: int, longest: int) -> Iterator[tuple[int, Task]]:
    """(position in the file, range of indices) of whole batches that are all there."""
    index = file.index(split)
    longest = max(1, longest // batch) * batch
    cuts = np.flatnonzero(np.diff(index) != 1) + 1
    for run in np.split(np.arange(len(index)), cuts):
        first, last = int(index[run[0]]), int(index[run[-1]]) + 1
        start, stop = -(-first // batch) * batch, last // batch * batch
        for i in range(start, stop, longest):
            yield int(run[0]) + i - first, Task(split, i, min(i + longest, stop))
