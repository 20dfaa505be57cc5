"""Ask for a setting, solve with it, tell what it cost: a tuner for any parameter of any solver.

    tuner = Tuner(grid("omega", 1.0, 1.95), ChebCB(), context=Interval(-0.15, 0.45), seed=0)
    trial = tuner.ask(context=shift)
    solution = ...                                        # solved with trial.params["omega"]
    tuner.tell(trial.id, solution.steps, solution.status)

Many trials may be open at once (solves in parallel), be told in any order, or never. Source: Khodak, Chow, Balcan & Talwalkar,
Learning to Relax, ICLR 2024, arXiv:2310.02246, whose loop has one open trial.
"""

from __future__ import annotations

import copy
import math
from dataclasses import asdict
from typing import Any

import numpy as np

from pdekit.errors import BadInput
from pdekit.linear.tuning.context import Interval, Place
from pdekit.linear.tuning.policy import Choice, Policy, Told
from pdekit.linear.tuning.space import Space
from pdekit.linear.tuning.trial import Trial
from pdekit.solution import Status

SCHEMA = 2
WAIT = 3  # failures that wait for a first success; a policy that learns nothing may ask for the same setting for ever
OWN = (0x7475,)  # a stream of its own: systems drawn by default_rng(seed) would choose the arms of a tuner of that seed


class Tuner:
    """A policy at work on a space of settings.

    space        see `grid`, `Ordered`, `Categorical`, `Product`
    policy       options and method; it is copied, the tuner owns the copy
    context      the Interval of contexts; None: systems come without one
    seed         of all draws
    cost_offset  in the unit of cost; loss = max(cost - offset, 0). 1 for iterations, one being unavoidable; 0 for seconds, flops
    cap          cost at which a solve is given up, if there is a fixed one
    penalty      a failed solve is told as penalty x max(cap, cost, largest cost so far): finite, whatever the failure left.
                 Without a cap nobody knows what dear means before a first success: up to WAIT failures wait for it
    """

    def __init__(
        self,
        space: Space,
        policy: Policy,
        *,
        context: Interval | None = None,
        seed: int = 0,
        cost_offset: float | int = 1.0,
        cap: float | int | None = None,
        penalty: float | int = 2.0,
    ) -> None:
        for name, value, least in (("cost_offset", cost_offset, 0.0), ("cap", cap, 0.0), ("penalty", penalty, 1.0)):
            if value is not None and not (math.isfinite(value) and value >= least):
                raise BadInput.of(f"{name} of a tuner.", found=repr(value), allowed=f"a finite number >= {least:g}")
        if policy.needs_context and context is None:
            raise BadInput.of(
                f"policy {type(policy).__name__} needs contexts.", hint="Tuner(..., context=Interval(low, high))"
            )
        self.space, self.context = space, context
        self.cost_offset, self.cap, self.penalty = (
            float(cost_offset),
            None if cap is None else float(cap),
            float(penalty),
        )
        self.policy = copy.deepcopy(policy)
        self.policy.start(space, context is not None)
        self._arms = space.arms
        self._rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=OWN)))
        self._next = 0
        self._open: dict[int, tuple[Choice, Place | None]] = {}
        self._waiting: list[tuple[Choice, Place | None, float, float]] = []  # failures, their cost and factor
        self._worst: float | None = None
        self._seen: dict[str, int] = {}

    @property
    def open(self) -> tuple[int, ...]:
        """Ids of trials asked for and not yet told."""
        return tuple(self._open)

    @property
    def statuses(self) -> dict[str, int]:
        """How many trials were told with each status, {name: count}; those told without one are not in it."""
        return dict(self._seen)

    def ask(self, context: Any = None) -> Trial:
        """The next setting. BadInput where a context is missing, not finite, or given to a tuner without an interval."""
        place = self._place(context)
        choice = self.policy.choose(place, self._rng)
        params = choice.params if choice.arm is None else self._arms[choice.arm]
        id, self._next = self._next, self._next + 1
        self._open[id] = choice, place
        return Trial(
            id,
            dict(params or {}),
            choice.prob,
            choice.arm,
            None if place is None else place.value,
            None if choice.budget is None else choice.budget + self.cost_offset,
            None if choice.fallback is None else dict(self._arms[choice.fallback]),
        )

    def tell(self, id: int, cost: Any, status: Status | None = None, *, factor: Any = None) -> None:
        """Say what a trial cost.

        cost     iterations, seconds or flops, >= 0; of a failed solve anything, None and NaN included
        status   of the Solution; a failed one is charged the penalty, and a capped run counts as failed
        factor   observed convergence factor |r_k| / |r_{k-1}| at the end, for policies that use it
        Raises BadInput for an id that is not open, and for a cost that is no finite number >= 0 without a failure.
        """
        if id not in self._open:
            known = "it was told or dropped before" if 0 <= id < self._next else "it was never asked for"
            raise BadInput.of(f"trial {id} is not open: {known}.", hint="tell each trial.id of `ask` once")
        failed = status is not None and status.failed
        number = _number(cost)
        if not failed and not (math.isfinite(number) and number >= 0):
            raise BadInput.of(
                "a cost cannot be used.",
                where=f"tell({id}, ...)",
                found=repr(cost),
                allowed="a finite number >= 0",
                hint="tell a failed solve with its status",
            )
        choice, place = self._open[id]
        if failed and self._worst is None and self.cap is None and len(self._waiting) < WAIT:
            self._waiting.append((choice, place, number, _number(factor)))
        else:
            self._learn(choice, place, number, _number(factor), failed)
        del self._open[id]
        if status is not None:
            self._seen[status.name] = self._seen.get(status.name, 0) + 1

    def _learn(self, choice: Choice, place: Place | None, cost: float, factor: float, failed: bool) -> None:
        """Tell the policy, a first success before the failures that waited for it."""
        if failed:
            known = [c for c in (cost, *(w[2] for w in self._waiting)) if math.isfinite(c) and c >= 0]
            cost = self.penalty * max(self.cap or 0.0, *known, self._worst or 0.0, self.cost_offset + 1.0)
        told = Told(max(cost - self.cost_offset, 0.0), factor if 0.0 < factor < math.inf else None, failed)
        self.policy.learn(choice, place, told)
        if not failed:
            self._worst = max(self._worst or 0.0, cost)
        while self._waiting:
            self._learn(*self._waiting.pop(0), failed=True)

    def drop(self, id: int) -> None:
        """Give up an open trial: nothing is learned from it. A lost trial does no harm but to be kept for ever."""
        if self._open.pop(id, None) is None:
            raise BadInput.of(f"trial {id} is not open.", allowed=", ".join(map(str, self._open)) or "none is open")

    def state_dict(self) -> dict[str, Any]:
        """Everything, in JSON without loss: a tuner that loads it goes on bit for bit like this one."""
        trials = [{"id": i, "place": place, "choice": asdict(choice)} for i, (choice, place) in self._open.items()]
        return copy.deepcopy(
            {
                "schema": SCHEMA,
                "made": self._describe(),
                "policy": self.policy.state(),
                "rng": self._rng.bit_generator.state,
                "next": self._next,
                "open": trials,
                "waiting": [
                    {
                        "place": place,
                        "choice": asdict(choice),
                        "told": [c if math.isfinite(c) else None for c in numbers],
                    }
                    for choice, place, *numbers in self._waiting
                ],
                "worst": self._worst,
                "statuses": self._seen,
            }
        )

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state of a tuner made with the same space, policy and options; BadInput where they differ."""
        schema = state.get("schema") if isinstance(state, dict) else state
        if schema != SCHEMA:
            raise BadInput.of("this is no state of a tuner.", found=f"schema {schema!r:.40}", allowed=str(SCHEMA))
        try:
            self._take(copy.deepcopy(state))
        except BadInput:
            raise
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadInput.of(
                "the state of a tuner is damaged.",
                found=f"{type(error).__name__}: {error}",
                hint="load the last state that was saved whole, or start anew",
            ) from None

    def _take(self, state: dict[str, Any]) -> None:
        """All of the state or, where it cannot be used, nothing of it."""
        mine, theirs = _as_json(self._describe()), _as_json(state["made"])
        for key, value in mine.items():
            if theirs.get(key) != value:
                raise BadInput.of(
                    f"the state is of a tuner with another {key}.", found=repr(theirs.get(key)), allowed=repr(value)
                )
        policy, rng = copy.deepcopy(self.policy), np.random.Generator(np.random.PCG64())
        policy.restore(state["policy"])
        rng.bit_generator.state = state["rng"]
        trials = {int(t["id"]): _trial(t) for t in state["open"]}
        waiting = [(*_trial(t), _number(t["told"][0]), _number(t["told"][1])) for t in state["waiting"]]
        worst = None if state["worst"] is None else float(state["worst"])
        follows, seen = int(state["next"]), {str(k): int(v) for k, v in state["statuses"].items()}
        self.policy, self._rng, self._open, self._waiting = policy, rng, trials, waiting
        self._worst, self._next, self._seen = worst, follows, seen

    def _describe(self) -> dict[str, Any]:
        return {
            "space": self.space.describe(),
            "policy": self.policy.describe(),
            "context": None if self.context is None else self.context.describe(),
            "cost_offset": self.cost_offset,
            "cap": self.cap,
            "penalty": self.penalty,
        }

    def _place(self, context: Any) -> Place | None:
        if self.context is None:
            if context is not None:
                hint = "Tuner(..., context=Interval(low, high))"
                raise BadInput.of("this tuner was made without contexts.", found=repr(context), hint=hint)
            return None
        if context is None:
            raise BadInput.of("this tuner needs a context.", where="ask()", hint="ask(context=...)")
        return self.context.place(context)


def _trial(kept: dict[str, Any]) -> tuple[Choice, Place | None]:
    return Choice(**kept["choice"]), None if kept["place"] is None else Place(*kept["place"])


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan


def _as_json(value: Any) -> Any:
    """Tuples as lists, as they come back from JSON."""
    if isinstance(value, dict):
        return {k: _as_json(v) for k, v in value.items()}
    return [_as_json(v) for v in value] if isinstance(value, list | tuple) else value
