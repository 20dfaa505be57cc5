"""A tuner from a table of settings, as a card writes it: tuner = { policy = "chebcb", low = 1.0, high = 1.95, arms = 20 }."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from pdekit.errors import BadInput, unknown_name
from pdekit.linear.tuning import Binned, ChebCB, Fixed, Interval, Policy, Random, Surface, Tsallis, Tuner, grid

POLICIES: dict[str, type[Policy]] = {"chebcb": ChebCB, "surface": Surface, "tsallis-inf": Tsallis, "random": Random}
SPACE = {"low": 1.0, "high": 1.95, "arms": 20, "seed": 0}


def make_tuner(table: Mapping[str, Any], parameter: str, contexts: tuple[float, float]) -> Tuner:
    """A tuner of one number.

    policy          a name in POLICIES, or "tsallis-inf-binned", which has `bins` besides
    low, high, arms   the grid of the parameter; seed of the draws
    all other keys  options of the policy

    contexts   the least and the largest that can come
    Raises BadInput on unknown names and values out of range.
    """
    given = dict(table)
    name = given.pop("policy", "chebcb")
    space = {key: given.pop(key, default) for key, default in SPACE.items()}
    binned = name == "tsallis-inf-binned"
    if not binned and name not in POLICIES:
        raise unknown_name("policy of a tuner", str(name), [*POLICIES, "tsallis-inf-binned"])
    bins = {"bins": given.pop("bins")} if binned and "bins" in given else {}
    policy = _policy(Tsallis, given) if binned else _policy(POLICIES[name], given)
    if binned:
        policy = Binned(policy, **bins)
    seed = space["seed"]
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise BadInput.of("seed of a tuner.", found=repr(seed), allowed="an integer >= 0")
    try:
        arms = grid(parameter, space["low"], space["high"], space["arms"])
    except TypeError:
        raise BadInput.of(
            "the grid of a tuner.", found=str(space), allowed="numbers low < high, an integer arms"
        ) from None
    contextual = binned or policy.needs_context or isinstance(policy, ChebCB | Surface)
    return Tuner(arms, policy, context=Interval(*contexts) if contextual else None, seed=space["seed"])


def fixed_tuner(parameter: str, value: float) -> Tuner:
    """A tuner that always says the same."""
    return Tuner(grid(parameter, value, value, 1), Fixed({parameter: value}))


def _policy(cls: type[Policy], options: Mapping[str, Any]) -> Policy:
    known = [f.name for f in fields(cls) if f.init]  # pyright: ignore[reportArgumentType]
    for key in options:
        if key not in known:
            raise unknown_name("setting of a tuner", key, ["policy", *SPACE, *known])
        default = next(f.default for f in fields(cls) if f.name == key)  # pyright: ignore[reportArgumentType]
        kinds = (int, float) if isinstance(default, float) else (type(default),)
        if isinstance(default, int | float | str) and (
            isinstance(options[key], bool) or not isinstance(options[key], kinds)
        ):
            raise BadInput.of(
                f"{key} of a tuner.", found=repr(options[key]), allowed=f"{type(default).__name__}, as {default!r}"
            )
    return cls(**options)
