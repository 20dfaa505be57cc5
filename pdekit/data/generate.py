"""Makes a data set: recipe -> shards, in parallel and resumable -> one file."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing, suppress
from importlib import metadata
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from pdekit import __version__
from pdekit.data import executors
from pdekit.data.assemble import assemble
from pdekit.data.extend import shards_from_file
from pdekit.data.failure import failure_text
from pdekit.data.format import SAMPLE_HASH, SplitLayout
from pdekit.data.plan import SHARD_SAMPLES, failed_in, plan, tiling
from pdekit.data.preflight import check_target, existing, preflight
from pdekit.data.produce import variables
from pdekit.data.recipe import Recipe, read_recipe
from pdekit.data.shards import ShardFolder
from pdekit.errors import BadInput, SolveError, StorageError
from pdekit.problems import PROBLEMS
from pdekit.settings import to_toml

SOFTWARE = ("numpy", "scipy", "numba", "pyamg", "h5py", "h5netcdf", "xxhash")
MOST_WORKERS = 16  # that any machine may try; a thousand processes would only take its memory
Progress = Callable[[int, int, str], None]


def generate(
    recipe: str | Path | Recipe,
    out: str | Path,
    *,
    overrides: Mapping[str, Any] | Iterable[str] | None = None,
    seed: int | None = None,
    workers: int = 1,
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> Path:
    """Make the data set of `recipe` and write it to `out`; the same call again resumes an interrupted one.

    recipe      a name in `datasets/`, a path to a TOML file, or a Recipe
    overrides   {"grid.points": 64} or ["grid.points=64"]; `seed` replaces the recipe's
    workers     processes on this machine, one thread each; 1 works in this process
    scheduler   address of a dask scheduler, instead of `workers`

    Returns the path. A file of the same recipe and seed is returned as it is; one with fewer samples is extended.
    Raises BadInput (recipe, target, another generation of it running), SolveError (a sample failed and `on_failure`
    is "stop"; shards stay), StorageError (disk full). Nothing half-written ever bears the final name.
    """
    started = perf_counter()
    most = max(MOST_WORKERS, 2 * (os.cpu_count() or 1))
    if isinstance(workers, bool) or not isinstance(workers, int) or not 1 <= workers <= most:
        raise BadInput.of(
            "the number of workers cannot be used.",
            found=repr(workers),
            allowed=f"an integer from 1 to {most}: processes on this machine, which has {os.cpu_count()} cores",
            hint="--scheduler reaches the workers of a cluster",
        )
    recipe = read_recipe(recipe, overrides, seed)
    target = Path(out)
    check_target(target)
    folder = ShardFolder.beside(target)
    if target.exists() and existing(target, recipe) == "same":
        _tidy(folder, recipe)
        return target
    preflight(recipe, target)
    with folder.locked(_identity(recipe)):
        if target.exists():
            if existing(target, recipe) == "same":
                folder.remove()
                return target
            shards_from_file(target, folder, recipe, SHARD_SAMPLES)
        try:
            _fill(recipe, folder, workers, scheduler, progress)
        except BadInput:
            if not folder.done():
                folder.remove()
            raise
        layouts, shards = _layouts(recipe, folder)
        seconds = _seconds(folder)
        attributes = {
            **_attributes(recipe),
            "generation": to_toml({**seconds, "wall": perf_counter() - started, "workers": workers}),
        }
        assemble(
            target,
            layouts,
            shards,
            attributes,
            partial=folder.path / f".partial-{os.getpid()}.h5",
            compression=recipe.storage.compression,
            progress=progress,
        )
        folder.remove()
    return target


def _tidy(folder: ShardFolder, recipe: Recipe) -> None:
    """Remove shards that a run, killed after its last step, left beside its file; those of a larger run stay."""
    if not folder.path.is_dir():
        return
    with suppress(BadInput, StorageError), folder.locked(_identity(recipe)):
        sizes = {name: split.samples for name, split in recipe.splits.items()}
        if all(task.stop <= sizes.get(task.split, 0) for task in folder.done()):
            folder.remove()


def _identity(recipe: Recipe) -> dict[str, Any]:
    return {"recipe": recipe.identity(), "seed": recipe.seed, "pdekit version": __version__}


def _fill(recipe: Recipe, folder: ShardFolder, workers: int, scheduler: str | None, progress: Progress | None) -> None:
    """Work until the shards cover every sample of every split."""
    total = sum(split.samples for split in recipe.splits.values())
    if recipe.on_failure == "stop":
        _stop_on([(t.split, f) for t in folder.done() for f in failed_in(folder.path / t.filename)], recipe, folder)
    while tasks := plan(recipe, folder, workers):
        done = total - sum(t.stop - t.start for t in tasks)
        if scheduler is not None:
            answers = executors.cluster(recipe, folder.path, tasks, scheduler)
        elif workers == 1:
            answers = executors.here(recipe, folder.path, tasks)
        else:
            answers = executors.processes(recipe, folder.path, tasks, workers)
        if progress:
            progress(done, total, "samples")
        with closing(answers), (folder.path / "seconds.jsonl").open("a") as log:  # pyright: ignore[reportArgumentType]
            for task, answer in answers:
                log.write(json.dumps(answer["seconds"]) + "\n")
                log.flush()
                done += task.stop - task.start
                if progress:
                    progress(done, total, "samples")
                if recipe.on_failure == "stop":
                    _stop_on([(task.split, f) for f in answer["failed"]], recipe, folder)


def _stop_on(failed: list[tuple[str, list[Any]]], recipe: Recipe, folder: ShardFolder) -> None:
    if failed:
        raise SolveError(failure_text(failed, recipe, folder.path))


def _layouts(recipe: Recipe, folder: ShardFolder) -> tuple[list[SplitLayout], dict[str, list[Path]]]:
    """The layout of the final file and its shards, in order. Raises SolveError where "drop" leaves a split empty."""
    layouts, shards = [], {}
    for name, tasks in tiling(recipe, folder).items():
        shards[name] = [folder.path / t.filename for t in tasks]
        failed = [f[0] for path in shards[name] for f in failed_in(path)]
        dropped = failed if recipe.on_failure == "drop" else []
        index = np.setdiff1d(np.arange(recipe.splits[name].samples), np.array(dropped, dtype=np.int64))
        if index.size == 0:
            raise SolveError(
                f"solver {recipe.solver!r} failed on every sample of split {name!r}: nothing is left of it."
            )
        extra = {"set": to_toml(recipe.splits[name].set)} if recipe.splits[name].set else {}
        layouts.append(
            SplitLayout(
                name=name,
                number=recipe.split_number(name),
                grid=recipe.stored_grid_for(name),
                index=index,
                variables=(*variables(recipe, name), SAMPLE_HASH),
                time=None if recipe.time is None else recipe.time.instants,
                time_units=recipe.units.get("time", "1"),
                dropped=tuple(dropped),
                attributes=extra,
            )
        )
    return sorted(layouts, key=lambda layout: layout.number), shards


def _seconds(folder: ShardFolder) -> dict[str, float]:
    """Where the time of all workers went, over all runs that made these shards."""
    total: dict[str, float] = {}
    log = folder.path / "seconds.jsonl"
    for line in log.read_text().splitlines() if log.exists() else []:
        try:
            entry = json.loads(line)
        except json.JSONDecodeError:
            continue  # the line that a killed run was writing
        for part, value in entry.items():
            total[part] = total.get(part, 0.0) + value
    return total


def _attributes(recipe: Recipe) -> dict[str, Any]:
    problem = PROBLEMS[recipe.problem]
    versions = [f"pdekit {__version__}", f"python {platform.python_version()}"]
    versions += [f"{name} {metadata.version(name)}" for name in SOFTWARE]
    return {
        "title": recipe.title,
        "problem": recipe.problem,
        "equation": problem.equation,
        "recipe": recipe.toml(),
        "recipe_sha256": recipe.sha256(),
        "seed": np.uint64(recipe.seed),
        "pdekit_version": __version__,
        "solver": recipe.solver,
        "solver_settings": to_toml(recipe.settings()),
        "software": "\n".join(versions),
    }
