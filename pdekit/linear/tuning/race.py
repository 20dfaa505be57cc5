"""Several tuners on one stream of systems: each meets every system, and pays for its own exploring."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from pdekit.errors import BadInput
from pdekit.linear.tuning.trial import Trial
from pdekit.linear.tuning.tuner import Tuner
from pdekit.solution import Status


class Outcome(NamedTuple):
    """What came of one solve; see `Tuner.tell`."""

    cost: float
    status: Status | None = None
    factor: float | None = None


@dataclass(frozen=True)
class Race:
    """Round by round: what each entrant chose, how likely that was, and what it cost.

    names          p entrants
    costs          (p, T) as the solves reported them, failures included
    arms           (p, T) int, -1 for a setting off the grid
    probabilities  (p, T)
    settings       {parameter: (p, T)}, numbers as float64 (NaN where an entrant has no such parameter), categories as objects
    failed         (p, T) bool
    """

    names: tuple[str, ...]
    costs: np.ndarray
    arms: np.ndarray
    probabilities: np.ndarray
    settings: dict[str, np.ndarray]
    failed: np.ndarray

    def cost(self, name: str) -> np.ndarray:
        """(T,) costs of one entrant."""
        return self.costs[self.names.index(name)]

    def excess(self, over: str) -> np.ndarray:
        """(p, T) cumulated cost beyond that of the entrant `over`: regret, if `over` is the best there is."""
        return np.cumsum(self.costs - self.cost(over), axis=1)

    def table(self, over: str | None = None) -> list[dict[str, Any]]:
        """One row per entrant: name, mean, mean of the last fifth, failures; with `over`, both means relative to it."""
        last = max(1, self.costs.shape[1] // 5)
        rows = []
        for name, costs, failed in zip(self.names, self.costs, self.failed, strict=True):
            row = {"name": name, "mean": float(costs.mean()), "last fifth": float(costs[-last:].mean())}
            if over is not None:
                base = self.cost(over)
                row |= {"relative": row["mean"] / base.mean(), "last relative": row["last fifth"] / base[-last:].mean()}
            rows.append(row | {"failed": int(failed.sum())})
        return rows


def race(
    tuners: Mapping[str, Tuner],
    systems: Iterable[Any],
    solve: Callable[[Any, Trial], Outcome | float],
    *,
    context: Callable[[Any], float] | None = None,
    shuffle: int | None = None,
) -> Race:
    """Let each tuner solve each system, in order.

    tuners    {name: Tuner}, fresh ones; they are used up
    solve     (system, trial) -> Outcome, or the cost alone. Where trial.budget is set, stop there and go on with trial.fallback
    context   context of a system, for the tuners that were made with an interval
    shuffle   seed of the order in which entrants meet each system, drawn anew for each; None: that of `tuners`. For costs in
              seconds, which depend on what ran just before (measured: 8 % for who comes after a cheap solve)
    """
    told: list[list[tuple[Outcome, Trial]]] = [[] for _ in tuners]
    entrants = list(zip(told, tuners.items(), strict=True))
    rng = None if shuffle is None else np.random.default_rng(shuffle)
    for system in systems:
        order = range(len(entrants)) if rng is None else rng.permutation(len(entrants))
        for rounds, (name, tuner) in (entrants[i] for i in order):
            if tuner.context is not None and context is None:
                raise BadInput.of(f"entrant {name!r} needs contexts.", hint="race(..., context=lambda system: ...)")
            trial = tuner.ask(None if tuner.context is None or context is None else context(system))
            result = solve(system, trial)
            outcome = result if isinstance(result, Outcome) else Outcome(float(result))
            tuner.tell(trial.id, outcome.cost, outcome.status, factor=outcome.factor)
            rounds.append((outcome, trial))
    if not told or not told[0]:
        raise BadInput.of("a race needs one entrant and one system at least.")
    parameters = {key for rounds in told for _, trial in rounds for key in trial.params}
    return Race(
        tuple(tuners),
        np.array([[o.cost for o, _ in rounds] for rounds in told], float),
        np.array([[-1 if t.arm is None else t.arm for _, t in rounds] for rounds in told]),
        np.array([[t.prob for _, t in rounds] for rounds in told]),
        {
            key: _column([[t.params.get(key, math.nan) for _, t in rounds] for rounds in told])
            for key in sorted(parameters)
        },
        np.array([[o.status is not None and o.status.failed for o, _ in rounds] for rounds in told]),
    )


def _column(values: list[list[Any]]) -> np.ndarray:
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for row in values for v in row)
    return np.array(values, float if numbers else object)
