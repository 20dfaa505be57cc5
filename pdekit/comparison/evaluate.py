"""Every metric of one solver on one split, against the outputs that the file stores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from pdekit.comparison.bootstrap import Draws, interval
from pdekit.comparison.truth import stacked
from pdekit.data.read import open_file
from pdekit.errors import BadInput
from pdekit.metrics import METRICS, VERSION, score, summarise
from pdekit.metrics.cost import measure
from pdekit.registry import is_run, load_solver

Progress = Callable[[int, int, str], None]
BLOCK = 64  # samples answered at once


def evaluate(
    run: str | Path, file: str | Path, *, split: str = "test", progress: Progress | None = None
) -> dict[str, Any]:
    """Metrics of a trained solver on one split: mean with its 95 % interval, median, p95, worst; failures counted.

    The reference is what the file stores, which has an error of its own (`reference_error` where the file has it);
    `compare` solves a finer one. `latency_seconds` is the median of ten single answers after three warm-ups, on as many
    threads as torch has. Raises BadInput or FormatError.
    """
    if not is_run(run):
        raise BadInput.of(
            f"{str(run)!r} is not a run folder.",
            allowed="a folder written by `pdekit train`, with run.json and card.toml",
            hint="a classical solver is scored by `pdekit compare FILE --solver NAME`",
        )
    solver = load_solver(run)
    with open_file(file) as data:
        problem = data.problem_for(split) if split in data.splits else None
        n = data.size(split)  # raises on an unknown split
        solver.prepare(problem)
        parts: dict[str, list[np.ndarray]] = {}
        status: list[str] = []
        for start in range(0, n, BLOCK):
            rows = slice(start, min(start + BLOCK, n))
            instances, outputs = data.instances(split, rows), data.outputs(split, rows)
            solution = solver.solve(instances)
            status += [s.name for s in solution.statuses]
            plain = [name for name, m in METRICS.items() if not m.needs_problem]
            found = score(plain, stacked(solution.values), stacked(outputs), instances.grid)
            for name, metric in METRICS.items():
                if metric.needs_problem and problem is not None:
                    found[name] = metric.function(problem, instances, solution.values)
            for name, values in found.items():
                parts.setdefault(name, []).append(values)
            if progress is not None:
                progress(rows.stop, n, f"evaluating on {split}")
        one = data.instances(split, slice(0, 1))
        latency = measure(lambda: solver.solve(one)).median
        error = data.record(split).get("reference_error", np.full(n, np.nan))
    draws = Draws.of(n)
    metrics = {}
    for name, pieces in sorted(parts.items()):
        values = np.concatenate(pieces)
        metric = METRICS[name]
        summary = summarise(values, lower_is_better=metric.lower_is_better, reduction=metric.reduction)
        failed = bool(np.isinf(values).any())
        low, high = (float("nan"), float("nan")) if failed else interval(draws.reduced(values[None], metric.reduction))
        facts = asdict(summary)
        metrics[name] = {"unit": metric.unit, "reduction": metric.reduction, **facts, "low": low, "high": high}
    known = error[np.isfinite(error)]
    return {
        "run": str(run),
        "file": str(file),
        "split": split,
        "samples": n,
        "metric_version": VERSION,
        "reference_error": float(known.mean()) if known.size else None,
        "status": {name: status.count(name) for name in dict.fromkeys(status)},
        "latency_seconds": latency,
        "metrics": metrics,
    }
