"""What a hybrid saves: iterations and time against the same iteration from a cold start, timed in turn in this run."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from pdekit.comparison.plan import Timing
from pdekit.comparison.run import Outcome, limited
from pdekit.solver import Instances


@dataclass(frozen=True)
class Saving:
    """Means over the samples (and members), medians over the rounds.

    steps, cold_steps       iterations from the guess and from zero
    seconds, cold_seconds   per case, one a call, all set-up included; `seconds` holds the guess
    guess_seconds           the guess alone
    """

    entrant: str
    steps: float
    cold_steps: float
    seconds: float
    cold_seconds: float
    guess_seconds: float

    @property
    def sentence(self) -> str:
        """What the report says."""
        part = 1.0 - self.steps / self.cold_steps if self.cold_steps else 0.0
        change = f"{part:.0%} saved" if part >= 0 else f"{-part:.0%} more"
        ratio = self.seconds / self.cold_seconds
        times = f"{ratio:.2g} times the" if ratio >= 1.005 or ratio <= 0.995 else "the same"
        return (
            f"{self.entrant}: {self.steps:.3g} iterations where a cold start takes {self.cold_steps:.3g} ({change}), "
            f"in {times} time: {1e3 * self.seconds:.3g} ms, of which the guess {1e3 * self.guess_seconds:.3g} ms, against "
            f"{1e3 * self.cold_seconds:.3g} ms"
        )


def savings(outcomes: list[Outcome], instances: Instances, timing: Timing) -> list[Saving]:
    """One Saving for each hybrid that could be run."""
    chosen = [o for o in outcomes if o.entrant.kind == "hybrid" and not o.refused]
    with limited(timing.threads, [o.entrant for o in chosen]):
        return [_measure(o, instances, timing.repeats) for o in chosen]


def _measure(outcome: Outcome, instances: Instances, repeats: int) -> Saving:
    hybrid = outcome.point.solvers[0]
    cold = np.mean(hybrid.second.solve(instances).steps)
    hybrid.solve(instances.case(0))
    warm_seconds, cold_seconds, guess_seconds = [], [], []
    for r in range(repeats):
        case = instances.case(r % len(instances))
        begin = time.perf_counter()
        hybrid.solve(case)
        middle = time.perf_counter()
        hybrid.second.solve(case)
        end = time.perf_counter()
        hybrid.first.solve(case)
        guess_seconds.append(time.perf_counter() - end)
        warm_seconds.append(middle - begin)
        cold_seconds.append(end - middle)
    return Saving(
        outcome.entrant.name,
        float(outcome.steps.mean()),
        float(cold),
        float(np.median(warm_seconds)),
        float(np.median(cold_seconds)),
        float(np.median(guess_seconds)),
    )
