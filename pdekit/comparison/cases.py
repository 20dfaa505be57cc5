"""The cases that solvers are compared on: found or generated, looked at before any long work."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pdekit.comparison.leaks import input_hashes, leaked
from pdekit.comparison.plan import Plan
from pdekit.data.generate import generate
from pdekit.data.info import info
from pdekit.data.read import open_file
from pdekit.data.recipe import read_recipe
from pdekit.errors import BadInput, unknown_name
from pdekit.solver import Instances

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Cases:
    """One split of one file.

    outputs     {name: (n, [t], *points)} as stored: what learned solvers were taught
    recorded    (n,) estimated error of the stored outputs, NaN where not estimated; None where the file has no record
    hold_out    training samples that stand in for a split `valid`; 0 where the file has one
    leaked      samples whose inputs stand in the train or valid split too, bit for bit
    hashes, seeds   of the inputs of each sample, and what the generation noted as its seed
    data_seconds   core seconds that generating train and valid data took; NaN where the file does not say
    facts       for the report: title, hashes, units, sizes
    by_frame    (n, t) the estimated error of each stored frame; None where the file has no such record
    """

    path: Path
    problem: Any
    instances: Instances
    outputs: dict[str, np.ndarray]
    recorded: np.ndarray | None
    splits: tuple[str, ...]
    hold_out: int
    leaked: int
    hashes: list[int]
    seeds: np.ndarray
    data_seconds: float
    facts: dict[str, Any]
    by_frame: np.ndarray | None = None


def problem_ahead(plan: Plan, folder: Path) -> tuple[Any, bool]:
    """(problem that the plan's data pose, whether they are trajectories), known before the data are made.

    Raises BadInput where they cannot serve.
    """
    path = _stored(plan, folder)
    if path is None:
        recipe = read_recipe(_recipe(plan, folder), plan.set)
        sizes: dict[str, int] = {name: split.samples for name, split in recipe.splits.items()}
        problem = recipe.problem_for(plan.split) if plan.split in sizes else None
        end = None if recipe.time is None else recipe.time.stop
    else:
        if plan.set:
            raise BadInput.of("'set' changes a recipe, and these data are made already.", found=f"data = {plan.data!r}")
        with open_file(path) as file:
            sizes = {name: file.size(name) for name in file.splits}
            problem = file.problem_for(plan.split) if plan.split in sizes else None
            times = file.time(plan.split) if plan.split in sizes else None
            end = None if times is None else float(times[-1])
    if plan.split not in sizes:
        raise unknown_name("split", plan.split, sizes, where=f"the data {plan.data!r}")
    if plan.samples is not None and plan.samples > sizes[plan.split]:
        raise BadInput.of(
            f"split {plan.split!r} of {plan.data!r} holds fewer samples than the plan asks for.",
            found=f"samples = {plan.samples}",
            allowed=f"1 to {sizes[plan.split]}",
        )
    if end is not None and plan.statistics_from is not None and plan.statistics_from > end:
        raise BadInput.of(
            "no frame is left for statistics.",
            found=f"statistics_from = {plan.statistics_from:g}",
            allowed=f"a time up to {end:g}, where the trajectories of {plan.data!r} end",
        )
    return problem, end is not None


def read_cases(plan: Plan, folder: Path, out: Path, progress: Progress | None) -> Cases:
    """Generate what is absent, then read the split."""
    path = _stored(plan, folder)
    if path is None:
        recipe = _recipe(plan, folder)
        name = Path(recipe).parent.name if recipe.endswith("recipe.toml") else Path(recipe).stem
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        path = generate(recipe, out / f"{name}.h5", overrides=plan.set, workers=cores, progress=progress)
    with open_file(path) as file:
        rows = slice(0, plan.samples)
        instances = file.instances(plan.split, rows)
        record = file.record(plan.split, rows)
        n_train = file.size("train") if "train" in file.splits else 0
        facts = {
            "file": path.name,
            "title": file.attrs.get("title", ""),
            "equation": file.attrs.get("equation", ""),
            "content_hash": file.content_hash,
            "recipe_sha256": file.attrs.get("recipe_sha256", ""),
            "recipe": file.attrs.get("recipe", ""),
            "split": plan.split,
            "samples": len(instances),
            "points": list(instances.grid.points),
            "units": {n: str(d.attrs.get("units", "1")) for n, d in file.variables(plan.split).items()},
            "unknown": file.attrs.get("unknown", ""),
            "time_unit": str(file.group(plan.split)["time"].attrs.get("units", "1"))
            if instances.times is not None
            else "",
        }
        hashes = input_hashes(file, plan.split, slice(0, len(instances))).tolist()
        return Cases(
            path=path,
            problem=file.problem_for(plan.split),
            instances=instances,
            outputs=file.outputs(plan.split, rows),
            recorded=record.get("reference_error"),
            splits=file.splits,
            hold_out=0 if "valid" in file.splits else max(1, n_train // 10),
            leaked=leaked(file, hashes),
            hashes=hashes,
            seeds=record.get("sample_seed", np.zeros(0, dtype=np.uint64)),
            data_seconds=_data_seconds(path),
            facts=facts,
            by_frame=file.record(plan.split, rows, ("frame_error",)).get("frame_error"),
        )


def _stored(plan: Plan, folder: Path) -> Path | None:
    path = folder / plan.data
    return path if path.is_file() and path.suffix != ".toml" else None


def _recipe(plan: Plan, folder: Path) -> str:
    path = folder / plan.data
    return str(path) if path.suffix == ".toml" or path.is_dir() else plan.data


def _data_seconds(path: Path) -> float:
    """Core seconds of the whole generation, times the share of train and valid among the samples."""
    facts = info(path)
    total = facts["generation_seconds"].get("total")
    sizes = {name: split["samples"] for name, split in facts["splits"].items()}
    if total is None:
        return float("nan")
    return float(total) * sum(sizes.get(s, 0) for s in ("train", "valid")) / sum(sizes.values())
