"""Is the classical side represented by its strongest member? Asked by running what pdekit has and the plan leaves out."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pdekit.comparison.entrants import Point, ladder_points, left_out
from pdekit.comparison.frames import scores
from pdekit.comparison.run import Outcome, limited
from pdekit.comparison.truth import Reference
from pdekit.errors import BadInput
from pdekit.metrics.cost import Front, front, time_at_error
from pdekit.registry import Card
from pdekit.solver import Instances

Progress = Callable[[int, int, str], None]
AS_EXACT = 1.05  # errors that differ by less than this factor are equal
STRONGER = 0.9  # a left-out run is stronger where it takes less than this part of the time
SAMPLES = 4  # samples that a left-out run answers
HOPELESS = 3.0  # a solver is not run further once a run took this many times the slowest of the plan's front
LONGEST = 10.0  # seconds of one solve that end the probe of a solver where the plan has no classical front


@dataclass(frozen=True)
class Probe:
    """A left-out run: solver and knobs, median seconds of single solves, mean error, scaled from the first samples to all."""

    name: str
    seconds: float
    error: float


@dataclass(frozen=True)
class Baselines:
    """left_out   runs of registered classical solvers that the plan leaves out or has changed
    own        the plan's front at batch 1, and the names of its runs
    """

    left_out: tuple[Probe, ...]
    own: Front
    names: tuple[str, ...] = ()

    def missing(self, error: float | None = None) -> Probe | None:
        """The fastest left-out run that is as exact as `error` in clearly less time than the plan's front takes.

        error   the most exact run of the plan's own front, where None
        """
        if not self.own.errors:
            return min(self.left_out, key=lambda p: p.error, default=None)
        level = self.own.errors[-1] if error is None else error
        bound = STRONGER * time_at_error(self.own, level)
        rivals = [p for p in self.left_out if p.error <= AS_EXACT * level and p.seconds < bound]
        return min(rivals, key=lambda p: p.seconds, default=None)

    def sentence(self, error: float | None = None) -> str:
        """What the report says about it; "" where the plan's classical side is as strong as pdekit's."""
        probe = self.missing(error)
        if probe is None:
            return ""
        takes = f"{probe.name} reaches an error of {probe.error:.2g} in {1e3 * probe.seconds:.3g} ms a sample"
        if not self.own.errors:
            return f"no classical solver of the plan answered; {takes}"
        mine = time_at_error(self.own, self.own.errors[-1] if error is None else error)
        own = f"the plan's take {1e3 * mine:.3g} ms" if math.isfinite(mine) else "no run of the plan is so exact"
        return f"the strongest registered baseline is missing: {takes}, where {own}"


def look(
    outcomes: list[Outcome],
    cards: Mapping[str, Card],
    problem: Any,
    instances: Instances,
    truth: Reference,
    metric: str,
    threads: int,
    progress: Progress | None = None,
) -> Baselines:
    """Run the classical solvers of pdekit that do not take part as they are, over their ladders, on a few samples."""
    good = [o for o in outcomes if o.entrant.kind == "classical" and not o.refused and not o.failed.any()]
    own = front([float(np.median(o.latency)) for o in good], [o.mean(metric) for o in good])
    bound = HOPELESS * own.seconds[-1] if own.seconds else LONGEST
    some = instances[: min(SAMPLES, len(instances))]
    scale = _scale(good, metric, len(some))
    probes: list[Probe] = []
    with limited(threads, []):
        absent = left_out(problem, cards)
        for k, (name, card) in enumerate(absent.items()):
            if progress is not None:
                progress(k, len(absent), f"what the plan leaves out: {name}")
            for point in sorted(ladder_points(card, name), key=_work):
                probe = _probe(name, point, problem, some, truth, metric)
                if probe is not None:
                    probes.append(replace(probe, error=scale * probe.error))
                if probe is None and "dt" in point.knobs:  # too large a step: a smaller one may serve
                    continue
                if probe is None or probe.seconds > bound:
                    break
    return Baselines(tuple(probes), own, tuple(good[i].name for i in own.runs))


def _scale(good: list[Outcome], metric: str, k: int) -> float:
    """Error on all samples over error on the first k, as the plan's own runs have it: puts probes on one level with them."""
    pairs = [
        (o.mean(metric), float(np.nanmean(o.errors[metric][0, :k]))) for o in good if o.errors[metric][0, :k].any()
    ]
    ratios = [whole / part for whole, part in pairs if part > 0 and np.isfinite(whole / part)]
    return float(np.median(ratios)) if ratios else 1.0


def _work(point: Point) -> tuple[float, float]:
    """Coarse and loose first: a solver that is hopeless there is not asked for more."""
    return point.knobs.get("grid_factor", 1.0), -point.knobs.get("rtol", 0.0) - point.knobs.get("dt", 0.0)


def _probe(name: str, point: Point, problem: Any, some: Instances, truth: Reference, metric: str) -> Probe | None:
    """A run on the samples, one a call, after a warm-up; None where the solver is refused or fails."""
    solver = point.solvers[0]
    try:
        solver.prepare(problem)
        solver.solve(truth.asked(solver, some, slice(0, 1)))
        seconds, errors = [], []
        for i in range(len(some)):
            row = slice(i, i + 1)
            case = truth.asked(solver, some, row)
            begin = time.perf_counter()
            solution = solver.solve(case)
            seconds.append(time.perf_counter() - begin)
            if solution.failed.any():
                return None
            pair = truth.beside(solver, solution.values, row)
            errors.append(float(scores([metric], pair, case.grid, truth.frames)[metric][0]))
    except (BadInput, RuntimeError, ArithmeticError, MemoryError, np.linalg.LinAlgError):
        return None
    text = f"{name} ({point.text})" if point.knobs else name
    return Probe(text, float(np.median(seconds)), float(np.nanmean(errors)))
