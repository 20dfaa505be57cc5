"""A tuner from a table of settings, as a card writes it: tuner = { policy = "chebcb", low = 1.0, high = 1.95, arms = 20 }."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from pdekit.errors import BadInput, unknown_name
from pdekit.linear.tuning import (
    AdaptiveYoung,
    Binned,
    Capped,
    ChebCB,
    Discounted,
    Interval,
    Policy,
    Random,
    Surface,
    Tsallis,
    Tuner,
    grid,
)

POLICIES: dict[str, type[Policy]] = {
    "chebcb": ChebCB,
    "surface": Surface,
    "tsallis-inf": Tsallis,
    "adaptive-young": AdaptiveYoung,
    "random": Random,
}
BINNED = "tsallis-inf-binned"
COSTS = {"iterations": 1.0, "seconds": 0.0}  # what is told of a solve, and the part of it that nobody can save
KEYS = ("policy", "low", "high", "arms", "seed", "cost", "discount", "cap")


@dataclass(frozen=True)
class Parameter:
    """A number of a method that can be tuned.

    least, below   what it may be: least < value < below
    low, high      ends of the grid of a tuner that is told no others, spaced on `scale`, "linear" or "log"
    cost           what solves with it are judged by where nothing else is said: a name in COSTS
    """

    name: str
    default: float
    least: float
    below: float
    low: float
    high: float
    scale: str
    cost: str

    def check(self, value: Any) -> float:
        """The value as a float. Raises BadInput where it cannot be used."""
        if isinstance(value, bool) or not isinstance(value, int | float) or not self.least < value < self.below:
            allowed = f"a number between {self.least:g} and {self.below:g}"
            raise BadInput.of(f"{self.name} of a time step.", found=repr(value), allowed=allowed)
        return float(value)


OMEGA = Parameter("omega", 1.0, 0.0, 2.0, 1.0, 1.95, "linear", "iterations")
DROP_TOL = Parameter("drop_tol", 1e-4, 0.0, 1.0, 1e-5, 0.5, "log", "seconds")


def make_tuner(table: Mapping[str, Any], parameter: Parameter, contexts: tuple[float, float]) -> Tuner:
    """A tuner of one number.

    policy          a name in POLICIES, or "tsallis-inf-binned", which has `bins` besides
    low, high, arms   the grid of the parameter; seed of the draws
    cost            "iterations", or "seconds": processor time of set-up and solve, where a good value makes the set-up dear.
                    What is chosen, and with it every answer within rtol, then differs from run to run, and so does the
                    content hash of a data set that is generated so
    discount        what was learned k steps ago counts discount^k; for streams that drift; below 1
    cap             a step that costs more than `cap` times what the best known arm should goes on with that arm
    all other keys  options of the policy

    contexts   the least and the largest that can come
    Raises BadInput on unknown names and values out of range.
    """
    given = dict(table)
    name = given.pop("policy", "chebcb")
    space = {"low": parameter.low, "high": parameter.high, "arms": 20, "seed": 0}
    space = {key: given.pop(key, default) for key, default in space.items()}
    cost = given.pop("cost", parameter.cost)
    around = {key: given.pop(key) for key in ("discount", "cap") if key in given}
    policy = _wrapped(_policy(str(name), given), around, str(cost))
    if cost not in COSTS:
        raise unknown_name("cost of a tuner", str(cost), [*COSTS])
    seed = space["seed"]
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise BadInput.of("seed of a tuner.", found=repr(seed), allowed="an integer >= 0")
    try:
        arms = grid(parameter.name, space["low"], space["high"], space["arms"], scale=parameter.scale)
    except TypeError:
        raise BadInput.of(
            "the grid of a tuner.", found=str(space), allowed="numbers low < high, an integer arms"
        ) from None
    for arm in arms.arms:
        parameter.check(arm[parameter.name])
    contextual = name not in ("tsallis-inf", "random")
    return Tuner(
        arms, policy, context=Interval(*contexts) if contextual else None, seed=seed, cost_offset=COSTS[str(cost)]
    )


def _policy(name: str, options: dict[str, Any]) -> Policy:
    if name == BINNED:
        bins = options.pop("bins", 5)
        if isinstance(bins, bool) or not isinstance(bins, int):
            raise BadInput.of("bins of a tuner.", found=repr(bins), allowed="an integer >= 1")
        return Binned(_made(Tsallis, options), bins)
    if name not in POLICIES:
        raise unknown_name("policy of a tuner", name, [*POLICIES, BINNED])
    return _made(POLICIES[name], options)


def _wrapped(policy: Policy, around: Mapping[str, Any], cost: str) -> Policy:
    for key, value in around.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise BadInput.of(f"{key} of a tuner.", found=repr(value), allowed="a number")
    if "discount" in around:
        policy = Discounted(policy, float(around["discount"]))
    if "cap" in around:
        if cost == "seconds":
            hint = 'cost = "iterations", or no cap: a solve cannot be stopped at a number of seconds'
            raise BadInput.of("cap of a tuner that counts seconds.", found=repr(around["cap"]), hint=hint)
        policy = Capped(policy, around["cap"])
    return policy


def _made(cls: type[Policy], options: Mapping[str, Any]) -> Policy:
    known = [f.name for f in fields(cls) if f.init]  # pyright: ignore[reportArgumentType]
    for key in options:
        if key not in known:
            raise unknown_name("setting of a tuner", key, [*KEYS, *known])
        default = next(f.default for f in fields(cls) if f.name == key)  # pyright: ignore[reportArgumentType]
        kinds = (int, float) if isinstance(default, float) else (type(default),)
        if isinstance(default, int | float | str) and (
            isinstance(options[key], bool) or not isinstance(options[key], kinds)
        ):
            raise BadInput.of(
                f"{key} of a tuner.", found=repr(options[key]), allowed=f"{type(default).__name__}, as {default!r}"
            )
    return cls(**options)
