"""One task of a generation: make its samples and write its shard. What every worker runs, in whichever process."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from pdekit.data.format import LOST_AT, RECORD, Variable
from pdekit.data.recipe import Recipe, recipe_from
from pdekit.data.samples import SampleMaker
from pdekit.data.shard_file import shard_writer
from pdekit.data.shards import Task
from pdekit.problems import PROBLEMS
from pdekit.solution import Status
from pdekit.volumes.solver import FiniteVolume

_kept = threading.local()


@contextmanager
def one_thread() -> Iterator[None]:
    """Run numerical libraries on one thread: samples are what is made in parallel, and sums keep their order."""
    import numba

    before = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        numba.set_num_threads(before)


def makers(recipe: Recipe) -> dict[str, SampleMaker]:
    """The makers of all splits, prepared once per recipe in each thread of each process."""
    key = (recipe.sha256(), recipe.identity())  # the second reads the solver's card, which may have changed
    if getattr(_kept, "key", None) != key:
        _kept.key, _kept.makers = key, {}
    for split in recipe.splits:
        if split not in _kept.makers:
            _kept.makers[split] = SampleMaker(recipe, split)
    return _kept.makers


def variables(recipe: Recipe, split: str) -> tuple[Variable, ...]:
    """What a split of this recipe stores: inputs, outputs, diagnostics, boundary fields, parameters drawn per sample, and the
    record."""
    problem = PROBLEMS[recipe.problem]
    grid = recipe.stored_grid_for(split)
    laws, drawn = recipe.laws_for(split)
    dtype = {"float32": "f4", "float64": "f8"}[recipe.storage.dtype]
    out = []
    for spec in (*problem.inputs, *problem.outputs):
        unit = recipe.units.get(spec.name, spec.unit)
        dims, shape = grid.axes, grid.points
        if recipe.time is not None and spec.role == "output":
            dims, shape = ("time", *dims), (recipe.time.frames, *shape)
        out.append(Variable(spec.name, dims, shape, dtype, spec.role, unit, spec.long_name))
    for name, unit, text in diagnostics(recipe):
        assert recipe.time is not None
        out.append(
            Variable(name, ("time", *grid.axes), (recipe.time.frames, *grid.points), dtype, "diagnostic", unit, text)
        )
    for name in laws:
        if name.startswith("boundary_"):
            face = name.removeprefix("boundary_")
            axes = tuple(a for a in grid.axes if a != face[0])
            unit = recipe.units.get(name, _boundary_unit(recipe, grid.kind(face)))
            text = f"{grid.kind(face)} value on face {face}"
            out.append(Variable(name, axes, grid.face_shape(face), dtype, "boundary", unit, text, face))
    for name in drawn:
        out.append(Variable(name, (), (), "f8", "parameter", recipe.units.get(name, "1"), name.replace("_", " ")))
    return (*out, *RECORD, *telemetry(recipe, split))


def diagnostics(recipe: Recipe) -> list[tuple[str, str, str]]:
    """(name, unit, what it is) of what `storage.extras` adds, in its order."""
    problem: Any = PROBLEMS[recipe.problem]
    out = []
    for extra in recipe.storage.extras or ():
        if extra == "tendency":
            for spec in problem.outputs:
                unit = recipe.units.get(f"{spec.name}_tendency", "1")
                out.append((f"{spec.name}_tendency", unit, f"rate of change of {spec.long_name}"))
        else:
            spec = next(s for s in problem.extras if s.name == extra)
            out.append((extra, recipe.units.get(extra, spec.unit), spec.long_name))
    return out


def telemetry(recipe: Recipe, split: str) -> tuple[Variable, ...]:
    """What the solver of a recipe notes step by step, and when a sample was lost where it says so; of a pseudo-spectral one,
    the error per frame too."""
    if recipe.time is None:
        return ()
    maker = makers(recipe)[split]
    noted = tuple(Variable(*entry) for entry in maker.solver.telemetry(maker.times))
    lost_at = replace(LOST_AT, units=recipe.units.get("time", "1"))
    if isinstance(maker.solver, FiniteVolume):
        return (*noted, lost_at)
    if not getattr(maker.solver, "keeps_points", False):
        return noted
    text = "estimated relative L2 error of each frame; NaN where not estimated"
    error = Variable("frame_error", ("time",), (recipe.time.frames,), "f8", "record", "1", text)
    return (*noted, error, lost_at)


def _boundary_unit(recipe: Recipe, kind: str) -> str:
    spec = PROBLEMS[recipe.problem].outputs[0]
    return recipe.units.get(spec.name, spec.unit) if kind == "dirichlet" else "1"


def produce(recipe: Recipe, folder: Path, task: Task) -> dict[str, Any]:
    """Make samples task.start ... task.stop - 1, batch by batch, and write their shard. Raises StorageError.

    Returns what the caller reports: {"failed": [[index, status, steps, residual, lost at]], "seconds": {part: seconds}}.
    """
    started = perf_counter()
    maker = makers(recipe)[task.split]
    failed: list[list[Any]] = []
    seconds: dict[str, float] = {}
    layout = variables(recipe, task.split)
    with shard_writer(folder / task.filename, layout, recipe.storage.compression, sync=False) as shard:
        for first in range(task.start, task.stop, recipe.storage.batch):
            chosen = range(first, min(first + recipe.storage.batch, task.stop))
            batch = maker.make(chosen)
            made = perf_counter()
            shard.add(np.array(chosen), {**batch.arrays, **batch.record})
            failed += failures(np.array(chosen), batch.record)
            for part, spent in {**batch.seconds, "write": perf_counter() - made}.items():
                seconds[part] = seconds.get(part, 0.0) + spent
        last = perf_counter()
    seconds["write"] += perf_counter() - last
    seconds["total"] = perf_counter() - started
    return {"failed": failed, "seconds": seconds}


def failures(index: np.ndarray, record: Mapping[str, np.ndarray]) -> list[list[Any]]:
    """[[index, status, steps, residual, lost at], ...] of the samples whose solve failed; the last NaN where nobody noted it."""
    bad = [j for j, s in enumerate(record["solver_status"]) if Status(int(s)).failed]
    return [
        [
            int(index[j]),
            int(record["solver_status"][j]),
            int(record["solver_steps"][j]),
            float(record["solver_residual"][j]),
            float(record["lost_at"][j]) if "lost_at" in record else float("nan"),
        ]
        for j in bad
    ]


def produce_from_text(text: str, where: str, folder: str, task: tuple[str, int, int]) -> dict[str, Any]:
    """`produce` from plain values, for workers that are reached by messages."""
    key = (text, where)
    if getattr(_kept, "text", None) != key:
        _kept.text, _kept.recipe = key, recipe_from(text, where=where)
    with one_thread():
        return produce(_kept.recipe, Path(folder), Task(*task))
