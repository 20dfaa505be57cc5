"""What a hybrid saves: iterations and time against the same iteration from zero and from coarser grids, timed in turn.

A guess is of use where no cheaper start does as well. The rival of a network's answer is the answer on coarser grids, which
needs no training (`linear/coarse_start.py`): both variants are run and the faster one is reported.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pdekit.comparison.plan import Timing
from pdekit.comparison.run import Outcome, limited
from pdekit.errors import BadInput
from pdekit.linear.coarse_start import CoarseStart, twin
from pdekit.linear.hybrid import Hybrid
from pdekit.solver import Instances

LEARNED, COLD = "the learned start", "the cold start"
COARSE = {
    1: "the start interpolated from half the intervals",
    2: "the start extrapolated from half and a fourth of the intervals",
}  # by the number of coarser grids
EQUAL = 0.05  # times that differ by less than this part of the longer one are not told apart


@dataclass(frozen=True)
class Start:
    """One way to start the iteration: means over the samples (and members), medians over the rounds.

    steps          iterations on the grid of the data
    seconds        per case, one a call, all set-up included, and the making of the start
    quartiles      of those seconds over the rounds
    guess_seconds  the making of the start alone
    guess_steps    iterations on coarser grids that it took
    unsolved       samples whose tolerance was not met
    """

    name: str
    steps: float
    seconds: float
    quartiles: tuple[float, float]
    guess_seconds: float = 0.0
    guess_steps: float = 0.0
    unsolved: int = 0


@dataclass(frozen=True)
class Saving:
    """The starts of one hybrid's iteration.

    coarse    from coarser grids: the faster one first; none where no coarser grid can serve, and `why_not` says why
    """

    entrant: str
    learned: Start
    cold: Start
    coarse: tuple[Start, ...]
    why_not: str = ""

    @property
    def rivals(self) -> tuple[Start, ...]:
        """The cold start, and the faster one from coarser grids."""
        return (self.cold, *self.coarse[:1])

    @property
    def fastest(self) -> tuple[str, ...]:
        """Names of the starts that solved all samples in the least time, and of those whose times are not clearly longer: by less
        than a twentieth, or with quartiles that overlap. The fastest first."""
        good = sorted((s for s in (self.learned, *self.rivals) if not s.unsolved), key=lambda s: s.seconds)
        return tuple(
            s.name for s in good if s.seconds * (1 - EQUAL) < good[0].seconds or s.quartiles[0] < good[0].quartiles[1]
        )

    @property
    def sentence(self) -> str:
        """What the report says."""
        parts = [f"{self.entrant}: {_figures(self.learned)}", *(self._against(rival) for rival in self.rivals)]
        if not self.coarse:
            parts.append(f"there is no start from coarser grids: {self.why_not}")
        parts += [f"{s.name} left {s.unsolved} samples unsolved" for s in (self.learned, *self.rivals) if s.unsolved]
        return "; ".join([*parts, self._verdict()])

    def _against(self, rival: Start) -> str:
        part = self.learned.steps / rival.steps - 1.0 if rival.steps else 0.0
        counts = "as many" if round(100 * part) == 0 else f"{abs(part):.0%} {'fewer' if part < 0 else 'more'}"
        ratio = self.learned.seconds / rival.seconds
        return f"against {rival.name}, {_figures(rival)}: {counts} iterations in {ratio:.2g} times the time"

    def _verdict(self) -> str:
        if not self.fastest:
            return "no start solved all samples"
        first, *others = self.fastest
        if not others:
            return f"{first} is the fastest"
        return f"the times of {', '.join((first, *others[:-1]))} and {others[-1]} are not clearly apart"


def savings(outcomes: list[Outcome], instances: Instances, timing: Timing) -> list[Saving]:
    """One Saving for each hybrid that could be run."""
    chosen = [o for o in outcomes if o.entrant.kind == "hybrid" and not o.refused]
    with limited(timing.threads, [o.entrant for o in chosen]):
        return [_measure(o, instances, timing.repeats) for o in chosen]


def _measure(outcome: Outcome, instances: Instances, repeats: int) -> Saving:
    """Every contender has an iteration of its own, so that none profits from what another has set up and kept."""
    hybrid, cold = outcome.point.solvers[0], twin(outcome.point.solvers[0].second)
    contenders: dict[str, Any] = {LEARNED: hybrid, COLD: cold}
    solutions, why_not = {COLD: cold.solve(instances)}, ""
    for grids, name in COARSE.items():
        second = twin(hybrid.second)
        rival = Hybrid.of(CoarseStart(second, grids=grids), second, name)
        try:
            solutions[name] = rival.solve(instances)
            contenders[name] = rival
        except BadInput as error:
            why_not = why_not or _in_one_line(error)
    seconds, guesses = _rounds(contenders, instances, repeats)
    timed = {name: _timed(name, seconds[name], guesses.get(name)) for name in contenders}
    starts = {
        name: replace(
            timed[name],
            steps=float(np.mean(solution.steps)),
            guess_steps=float(np.mean(solution.info.get("guess_steps", 0))),
            unsolved=int(solution.failed.sum()),
        )
        for name, solution in solutions.items()
    }
    learned = replace(timed[LEARNED], steps=float(outcome.steps.mean()), unsolved=int(outcome.failed.any(axis=0).sum()))
    cold_start = starts.pop(COLD)
    coarse = tuple(sorted(starts.values(), key=lambda s: (s.unsolved, s.seconds)))
    return Saving(outcome.entrant.name, learned, cold_start, coarse, "" if coarse else why_not)


def _timed(name: str, seconds: list[float], guess: list[float] | None) -> Start:
    """A start of which the times are known, and no more yet."""
    low, middle, high = np.quantile(seconds, (0.25, 0.5, 0.75)).tolist()
    return Start(name, float("nan"), middle, (low, high), 0.0 if guess is None else float(np.median(guess)))


def _rounds(
    contenders: dict[str, Any], instances: Instances, repeats: int
) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Seconds of each contender, and of the guesses alone.

    All have answered every case before. Each is called once a round on the same case, in an order drawn anew: whoever comes
    second finds the case in the processor's cache.
    """
    calls = {(name, False): solver for name, solver in contenders.items()}
    calls |= {(name, True): solver.first for name, solver in contenders.items() if name != COLD}
    seconds: dict[tuple[str, bool], list[float]] = {key: [] for key in calls}
    keys, rng = list(calls), np.random.default_rng(0)
    for r in range(repeats):
        case = instances.case(r % len(instances))
        for key in (keys[k] for k in rng.permutation(len(keys))):
            begin = time.perf_counter()
            calls[key].solve(case)
            seconds[key].append(time.perf_counter() - begin)
    return (
        {name: value for (name, guess), value in seconds.items() if not guess},
        {name: value for (name, guess), value in seconds.items() if guess},
    )


def _in_one_line(error: BadInput) -> str:
    what, *rest = str(error).splitlines()
    found = [line.strip().removeprefix("found: ") for line in rest if line.strip().startswith("found: ")]
    return what.partition(":")[0].rstrip(".") + (f" ({found[0]})" if found else "")


def _figures(start: Start) -> str:
    made = f", of which the start {_ms(start.guess_seconds)}" if start.guess_seconds else ""
    return f"{start.steps:.3g} iterations and {_ms(start.seconds)}{made}"


def _ms(seconds: float) -> str:
    return f"{1e3 * seconds:.3g} ms"
