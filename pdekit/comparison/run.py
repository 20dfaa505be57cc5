"""Runs every point of every entrant: errors on all samples, then times, all points in turn, round after round."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from pdekit.comparison.entrants import Entrant, Point
from pdekit.comparison.frames import scores
from pdekit.comparison.plan import Timing
from pdekit.comparison.rollouts import Rollout, block_of, rolled_out
from pdekit.comparison.truth import Reference
from pdekit.errors import BadInput
from pdekit.metrics import METRICS
from pdekit.metrics.cost import WARM_UPS
from pdekit.solver import Instances

Progress = Callable[[int, int, str], None]
GAIN = 0.95  # a larger batch must take less than this part of the time per sample to be worth it
PATIENCE = 20.0  # seconds that the search for the best batch may take, for one point


@dataclass
class Outcome:
    """What one point gave.

    errors    {metric: (members, n)}; +inf where the solve failed, NaN where the metric is not defined
    failed    (members, n) bool
    status    {name: count} over members and samples
    steps     (members, n) iterations
    latency   (repeats,) seconds per case, one case a call, set-up that depends on the case included
    setup     the part of it that the solver reports as set-up: median seconds
    first     seconds of the first call, compilation included
    best      (batch size, (repeats,) seconds per case) at the batch of largest throughput
    rollouts  of trajectories: one for each member, frame by frame; empty for steady problems
    lost_at   of trajectories: first time at which a sample was lost, as far as the solver says; NaN where none was
    refused   why the point could not be run; all else is empty then
    """

    entrant: Entrant
    point: Point
    errors: dict[str, np.ndarray] = field(default_factory=dict)
    failed: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), dtype=bool))
    status: dict[str, int] = field(default_factory=dict)
    steps: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), dtype=int))
    latency: np.ndarray = field(default_factory=lambda: np.zeros(0))
    setup: float = 0.0
    first: float = 0.0
    best: tuple[int, np.ndarray] = (1, np.zeros(0))
    rollouts: list[Rollout] = field(default_factory=lambda: [])
    lost_at: float = float("nan")
    refused: str = ""

    @property
    def name(self) -> str:
        """Entrant and knobs."""
        return f"{self.entrant.name} ({self.point.text})" if self.point.knobs else self.entrant.name

    @property
    def first_name(self) -> str:
        """The name of its first member, whose answers pictures and films show: with its seed where there are several."""
        seeds = self.entrant.training.get("seeds", [])
        return f"{self.name}, seed {seeds[0]}" if len(seeds) > 1 else self.name

    @property
    def together(self) -> Rollout:
        """The roll-outs of all members as one: spectra, budgets and distributions that no single seed stands for."""
        return Rollout.joined(self.rollouts)

    def mean(self, metric: str) -> float:
        """Mean error over members and samples: undefined ones left out, infinite where one failed, NaN where all are."""
        table = self.errors[metric]
        defined = table[~np.isnan(table)]
        return float(defined.mean()) if defined.size else float("nan")

    @property
    def settings_are_the_cards(self) -> bool:
        """True for the first point: a solver's own settings."""
        return self.point is self.entrant.points[0]

    def seconds(self, batch: int | str) -> np.ndarray:
        """(repeats,) seconds per case at batch 1 or at the "best" batch."""
        return self.latency if batch == 1 else self.best[1]


@contextmanager
def limited(threads: int, entrants: list[Entrant]) -> Iterator[None]:
    """Numerical libraries held to `threads` threads inside; torch is asked by its own room where it takes part."""
    with threadpool_limits(threads):
        if any(hasattr(s, "network") for e in entrants for p in e.points for s in p.solvers):
            from pdekit.models.network import torch_threads

            with torch_threads(threads):
                yield
        else:
            yield


def run_all(
    entrants: list[Entrant],
    problem: Any,
    instances: Instances,
    truth: Reference,
    metrics: tuple[str, ...],
    timing: Timing,
    progress: Progress | None = None,
) -> list[Outcome]:
    """Outcomes of all points, in order."""
    outcomes = [Outcome(e, p) for e in entrants for p in e.points]
    with limited(timing.threads, entrants):
        for k, outcome in enumerate(outcomes):
            if progress is not None:
                progress(k, len(outcomes), f"errors of {outcome.name}")
            _score(outcome, problem, instances, truth, metrics)
        alive = [o for o in outcomes if not o.refused]
        for k, outcome in enumerate(alive):
            if progress is not None:
                progress(k, len(alive), f"batch size of {outcome.name}")
            _warm_up(outcome, _asked(outcome, instances, truth), timing)
        _time(alive, [_asked(o, instances, truth) for o in alive], timing, progress)
    return outcomes


def _asked(outcome: Outcome, instances: Instances, truth: Reference) -> Instances:
    """All cases as this point's solver is given them."""
    return truth.asked(outcome.point.solvers[0], instances, slice(None))


def _score(outcome: Outcome, problem: Any, instances: Instances, truth: Reference, metrics: tuple[str, ...]) -> None:
    members, n = len(outcome.point.solvers), len(instances)
    outcome.errors = {name: np.full((members, n), np.nan) for name in metrics}
    outcome.failed = np.zeros((members, n), dtype=bool)
    outcome.steps = np.zeros((members, n), dtype=int)
    counts: Counter[str] = Counter()
    for m, solver in enumerate(outcome.point.solvers):
        parts: list[Rollout] = []
        size = block_of(sum(array[0].size for array in truth.values.values()), timed=truth.frames is not None)
        for start in range(0, n, size):
            rows = slice(start, min(start + size, n))
            try:
                block = truth.asked(solver, instances, rows)
                if m == 0 and start == 0:
                    outcome.first = _clock(solver, block[:1])
                solution = solver.solve(block)
            except BadInput as error:  # a knob that this grid does not allow, say a fourth of 30 cells
                outcome.refused = str(error).splitlines()[0]
                return
            except (RuntimeError, ArithmeticError, MemoryError, np.linalg.LinAlgError) as error:
                outcome.refused = (
                    f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no reason given'}"
                )
                return
            counts.update(s.name for s in solution.statuses)
            failed = solution.failed
            outcome.failed[m, rows], outcome.steps[m, rows] = failed, solution.steps
            plain = [name for name in metrics if not METRICS[name].needs_problem]
            pair = truth.beside(solver, solution.values, rows)
            found = scores(plain, pair, block.grid, truth.frames)
            for name in metrics:
                if METRICS[name].needs_problem and problem is not None:
                    found[name] = METRICS[name].function(problem, block, solution.values)
                if name in found:
                    worst = np.inf if METRICS[name].lower_is_better else -np.inf
                    outcome.errors[name][m, rows] = np.where(failed, worst, found[name])
            if truth.frames is not None:
                parts.append(rolled_out(problem, block, pair, list(truth.values), truth.frames))
                outcome.lost_at = _earlier(outcome.lost_at, solution.info.get("lost_at"))
        if parts:
            outcome.rollouts.append(Rollout.joined(parts))
    outcome.status = dict(counts)


def _earlier(before: float, lost_at: Any) -> float:
    times = np.asarray([] if lost_at is None else lost_at, dtype=np.float64).ravel()
    return float(np.fmin.reduce([before, *times]))


def _warm_up(outcome: Outcome, instances: Instances, timing: Timing) -> None:
    """Warm-up calls, then powers of two of samples a call until throughput stops to grow."""
    solver, case = outcome.point.solvers[0], instances.case(0)
    seconds = [_clock(solver, case) for _ in range(WARM_UPS)]
    best, rate, size, tired = 1, min(seconds), 2, 0
    begin = time.perf_counter()
    while "best" in timing.batch and size <= len(instances) and tired < 2:
        batch = instances[:size]
        per_case = min(_clock(solver, batch) for _ in range(2)) / size
        if per_case < GAIN * rate:
            best, rate, tired = size, per_case, 0
        else:
            tired += 1
        size *= 2
        if time.perf_counter() - begin > PATIENCE:
            break
    outcome.best = (best, np.zeros(0))


def _clock(solver: Any, batch: Instances) -> float:
    begin = time.perf_counter()
    solver.solve(batch)  # ends with arrays on the host: a GPU has finished by then
    return time.perf_counter() - begin


def _time(outcomes: list[Outcome], asked: list[Instances], timing: Timing, progress: Progress | None) -> None:
    """One call of every point a round, so that a drift of the machine's speed falls on all alike."""
    latency: list[list[float]] = [[] for _ in outcomes]
    batched: list[list[float]] = [[] for _ in outcomes]
    setup: list[list[float]] = [[] for _ in outcomes]
    for r in range(timing.repeats):
        if progress is not None:
            progress(r, timing.repeats, "timing rounds")
        for k, outcome in enumerate(outcomes):
            solver, case = outcome.point.solvers[0], asked[k].case(r % len(asked[k]))
            begin = time.perf_counter()
            solution = solver.solve(case)
            latency[k].append(time.perf_counter() - begin)
            setup[k].append(float(np.mean(solution.setup_seconds)))
            size = outcome.best[0]
            if size > 1:
                batched[k].append(_clock(solver, asked[k][:size]) / size)
    for k, outcome in enumerate(outcomes):
        outcome.latency, outcome.setup = np.array(latency[k]), float(np.median(setup[k]))
        if batched[k] and np.median(batched[k]) < np.median(latency[k]):
            outcome.best = (outcome.best[0], np.array(batched[k]))
        else:
            outcome.best = (1, outcome.latency)
