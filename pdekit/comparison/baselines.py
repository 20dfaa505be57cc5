"""Is the classical side represented by its strongest member? Asked by timing what pdekit has and the plan leaves out."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from pdekit.comparison.entrants import registered_baselines
from pdekit.comparison.run import Outcome, limited
from pdekit.errors import BadInput
from pdekit.registry import build_solver
from pdekit.solver import Instances

STRONGER = 0.9  # a left-out solver is stronger where it takes less than this part of the time
HOPELESS = 3.0  # one that took this many times as long in its second call is not timed further


@dataclass(frozen=True)
class Baselines:
    """best      (name, seconds) of the plan's fastest classical solver at its own settings; None where there is none
    left_out  {name: seconds} of registered classical solvers that are not in the plan, at their cards' settings
    """

    best: tuple[str, float] | None
    left_out: dict[str, float]

    @property
    def missing(self) -> tuple[str, float] | None:
        """The strongest registered solver, where the plan leaves it out."""
        if not self.left_out:
            return None
        name = min(self.left_out, key=lambda k: self.left_out[k])
        if self.best is not None and self.left_out[name] >= STRONGER * self.best[1]:
            return None
        return name, self.left_out[name]

    def sentence(self) -> str:
        """What the report says about it."""
        if self.missing is None:
            return ""
        name, seconds = self.missing
        if self.best is None:
            return (
                f"no classical solver is in the plan; {name}, which pdekit has, takes {1e3 * seconds:.3g} ms a sample"
            )
        return (
            f"the strongest registered baseline is missing: {name} takes {1e3 * seconds:.3g} ms a sample where the plan's "
            f"fastest, {self.best[0]}, takes {1e3 * self.best[1]:.3g} ms (each at its card's settings)"
        )


def look(outcomes: list[Outcome], codes: set[str], problem: Any, instances: Instances, threads: int) -> Baselines:
    """Time the registered classical solvers whose classes are not in `codes`, on the first three samples."""
    own = {
        o.entrant.name: float(np.median(o.latency))
        for o in outcomes
        if o.entrant.kind == "classical" and o.point is o.entrant.points[0] and not o.refused and not o.failed.any()
    }
    best = min(own.items(), key=lambda item: item[1]) if own else None
    left_out = {}
    with limited(threads, []):
        for name, card in registered_baselines(problem, without=codes).items():
            seconds = _probe(build_solver(card, name), problem, instances, best[1] if best else float("inf"))
            if seconds is not None:
                left_out[name] = seconds
    return Baselines(best, left_out)


def _probe(solver: Any, problem: Any, instances: Instances, best: float) -> float | None:
    """Median seconds of three single solves after a warm-up; None where the solver is refused, fails or is hopeless."""
    try:
        solver.prepare(problem)
        if solver.solve(instances.case(0)).failed.any():
            return None
        seconds = []
        for i in range(4):
            case = instances.case(i % len(instances))
            begin = time.perf_counter()
            failed = solver.solve(case).failed.any()
            seconds.append(time.perf_counter() - begin)
            if failed:
                return None
            if i == 0 and seconds[0] > HOPELESS * best:
                return seconds[0]
        return float(np.median(seconds[1:]))
    except BadInput:
        return None
