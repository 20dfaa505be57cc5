"""Every metric of one solver on one split, against the outputs that the file stores; of trajectories frame by frame too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from pdekit.comparison.bootstrap import Draws, interval
from pdekit.comparison.frames import frames_of, history_of, scores
from pdekit.comparison.plan import TimeScale
from pdekit.comparison.rollouts import Rollout, block_of, facts_of, rolled_out
from pdekit.comparison.truth import Reference
from pdekit.data.read import DataFile, open_file
from pdekit.errors import BadInput
from pdekit.metrics import METRICS, VERSION, summarise
from pdekit.metrics.cost import measure
from pdekit.registry import is_run, load_solver
from pdekit.solver import Instances

Progress = Callable[[int, int, str], None]


def evaluate(
    run: str | Path,
    file: str | Path,
    *,
    split: str = "test",
    time_scale: tuple[str, float] | None = None,
    statistics_from: float | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Metrics of a trained solver on one split: mean with its 95 % interval, median, p95, worst; failures counted.

    time_scale   of trajectories: name and length, in the data's unit, of what correlation times are told in besides
    statistics_from   of trajectories: time, in the data's unit, after the transient: distributions of values are those of the
                 scored frames from then on; of all of them by default

    The reference is what the file stores, which has an error of its own (`reference_error` where the file has it);
    `compare` solves a finer one. Trajectories are scored on the frames after those that the solver is given, and have their
    curves under "rollout". `latency_seconds` is the median of ten single answers after three warm-ups, on as many threads as
    torch has. Raises BadInput or FormatError.
    """
    if not is_run(run):
        raise BadInput.of(
            f"{str(run)!r} is not a run folder.",
            allowed="a folder written by `pdekit train`, with run.json and card.toml",
            hint="a classical solver is scored by `pdekit compare FILE --solver NAME`",
        )
    scale = None if time_scale is None else TimeScale(name=time_scale[0], value=time_scale[1])
    solver = load_solver(run)
    with open_file(file) as data:
        problem = data.problem_for(split) if split in data.splits else None
        n = data.size(split)  # raises on an unknown split
        steady = "a time scale" if scale is not None else "" if statistics_from is None else "statistics_from"
        if steady and data.time(split) is None:
            raise BadInput.of(f"the data are steady: {steady} has no meaning.", hint="leave it out")
        solver.prepare(problem)
        parts: dict[str, list[np.ndarray]] = {}
        rollouts: list[Rollout] = []
        status: list[str] = []
        first: tuple[Reference, Instances] | None = None
        for instances, truth, done in _cases(data, split, problem, solver, statistics_from):
            first = first or (truth, instances[:1])
            every = slice(0, len(instances))
            solution = solver.solve(instances)
            status += [s.name for s in solution.statuses]
            pair = truth.beside(solver, solution.values, every)
            plain = [name for name, m in METRICS.items() if not m.needs_problem]
            found = scores(plain, pair, instances.grid, truth.frames)
            for name, metric in METRICS.items():
                if metric.needs_problem and problem is not None and truth.frames is None:
                    found[name] = metric.function(problem, instances, solution.values)
            for name, values in found.items():
                parts.setdefault(name, []).append(values)
            if truth.frames is not None:
                rollouts.append(rolled_out(problem, instances, pair, list(truth.values), truth.frames))
            if progress is not None:
                progress(done, n, f"evaluating on {split}")
        assert first is not None
        truth, one = first
        latency = measure(lambda: solver.solve(one)).median
        error = data.record(split).get("reference_error", np.full(n, np.nan))
    known = error[np.isfinite(error)]
    draws = Draws.of(n)
    facts = {
        "run": str(run),
        "file": str(file),
        "split": split,
        "samples": n,
        "metric_version": VERSION,
        "reference_error": float(known.mean()) if known.size else None,
        "status": {name: status.count(name) for name in dict.fromkeys(status)},
        "latency_seconds": latency,
        "metrics": {name: _summary(name, np.concatenate(pieces), draws) for name, pieces in sorted(parts.items())},
    }
    if truth.frames is not None:
        joined = Rollout.joined(rollouts)
        facts["rollout"] = facts_of(joined, truth.frames, one.grid, list(truth.values), draws.weights, scale)
    return facts


def _cases(
    data: DataFile, split: str, problem: Any, solver: Any, settled: float | None
) -> Iterator[tuple[Instances, Reference, int]]:
    """Blocks of cases as the solver is given them, the stored outputs as their truth, and how many samples are done."""
    n, units = data.size(split), data.group(split)["time"].attrs if data.time(split) is not None else {}
    values = sum(int(np.prod(data.variables(split)[name].shape[1:])) for name in data.names(split, "output"))
    step = block_of(values, timed=data.time(split) is not None)
    for start in range(0, n, step):
        rows = slice(start, min(start + step, n))
        instances, outputs = data.instances(split, rows), data.outputs(split, rows)
        unit = str(units.get("units", "1"))
        frames = frames_of(problem, instances, outputs, max(1, history_of(solver)), unit, settled)
        truth = Reference(outputs, frames=frames)
        yield truth.asked(solver, instances, slice(0, len(instances))), truth, rows.stop


def _summary(name: str, values: np.ndarray, draws: Draws) -> dict[str, Any]:
    metric = METRICS[name]
    summary = summarise(values, lower_is_better=metric.lower_is_better, reduction=metric.reduction)
    failed = bool(np.isinf(values).any())
    low, high = (float("nan"), float("nan")) if failed else interval(draws.reduced(values[None], metric.reduction))
    return {"unit": metric.unit, "reduction": metric.reduction, **asdict(summary), "low": low, "high": high}
