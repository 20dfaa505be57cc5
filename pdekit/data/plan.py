"""What is left to do: finished shards, and the tasks that fill the gaps between them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pdekit.data.produce import failures, variables
from pdekit.data.recipe import Recipe
from pdekit.data.shard_file import Shard
from pdekit.data.shards import ShardFolder, Task

SHARD_BYTES = 32 * 2**20
SHARD_SAMPLES = 64


def plan(recipe: Recipe, folder: ShardFolder, workers: int) -> list[Task]:
    """The tasks that are left: what the finished shards do not cover, cut into shards of whole batches."""
    batch = recipe.storage.batch
    total = sum(split.samples for split in recipe.splits.values())
    done = tiling(recipe, folder)
    tasks = []
    for name in recipe.split_names():
        bytes_each = sum(v.sample_bytes for v in variables(recipe, name))
        size = min(SHARD_SAMPLES, max(1, SHARD_BYTES // bytes_each), -(-total // (4 * workers)))
        size = max(1, size // batch) * batch
        position = 0
        for task in [*done[name], Task(name, recipe.splits[name].samples, -1)]:
            tasks += [Task(name, i, min(i + size, task.start)) for i in range(position, task.start, size)]
            position = task.stop
    return tasks


def tiling(recipe: Recipe, folder: ShardFolder) -> dict[str, list[Task]]:
    """Finished shards by split, without overlaps; what does not fit (another size of the split) is deleted."""
    kept: dict[str, list[Task]] = {name: [] for name in recipe.splits}
    for task in folder.done():
        tasks = kept.get(task.split)
        samples = recipe.splits[task.split].samples if tasks is not None else 0
        whole = task.stop % recipe.storage.batch == 0 or task.stop == samples
        if tasks is None or task.stop > samples or not whole or (tasks and task.start < tasks[-1].stop):
            (folder.path / task.filename).unlink()
        else:
            tasks.append(task)
    return kept


def failed_in(path: Path) -> list[list[Any]]:
    """[[index, status, steps, residual, lost at], ...] of the samples of a shard whose solve failed."""
    with Shard(path) as shard:
        names = ("solver_status", "solver_steps", "solver_residual", "lost_at")
        record = {name: shard.array(name) for name in names if name in shard}
        return failures(shard.array("index"), record)
