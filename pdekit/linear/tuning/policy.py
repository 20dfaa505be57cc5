"""What a policy is: probabilities of the arms, and what it learns from one told cost. Options are dataclass fields.

`Tuner` keeps trials, contexts, failures and random numbers; a policy sees losses (>= 0, finite) and arm numbers only.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

import numpy as np

from pdekit.errors import BadInput
from pdekit.linear.tuning.context import Place
from pdekit.linear.tuning.space import Space


@dataclass
class Choice:
    """What a policy chose, and all that it needs to learn from it later. JSON, since a checkpoint keeps pending ones.

    arm        number of the arm; None for a setting off the grid, which is then in `params`
    prob       probability with which it was drawn: estimators use this one, never a later one
    memory     what the policy noted when it chose
    budget     loss after which the solve goes on with arm `fallback`
    """

    arm: int | None
    prob: float
    memory: dict[str, Any] = field(default_factory=lambda: {})
    params: dict[str, Any] | None = None
    budget: float | None = None
    fallback: int | None = None


@dataclass(frozen=True)
class Told:
    """What came of a choice: loss >= 0; observed convergence factor of the residual, if any; True where the solve failed."""

    loss: float
    factor: float | None = None
    failed: bool = False


class Policy(ABC):
    """Base of the policies. A subclass is a dataclass of options, with arrays and numbers named in `kept` made by `start`."""

    kept: ClassVar[tuple[str, ...]] = ()
    needs_context: ClassVar[bool] = False

    @abstractmethod
    def start(self, space: Space, contextual: bool) -> None:
        """Forget everything; make the state for the arms of a space, with or without contexts."""

    def probabilities(self, place: Place | None) -> np.ndarray:
        """(d,) probabilities of the arms, sum 1. Raises BadInput for a policy that plays settings off the grid."""
        raise BadInput.of(
            f"policy {type(self).__name__} draws no arms.", found="a setting that follows from the context"
        )

    def choose(self, place: Place | None, rng: np.random.Generator) -> Choice:
        """Draw an arm."""
        return self.draw(self.probabilities(place), rng)

    def draw(self, p: np.ndarray, rng: np.random.Generator) -> Choice:
        """An arm drawn from p by one random number. Arms of probability 0 are never drawn."""
        steps = np.cumsum(p)
        arm = int(np.searchsorted(steps, rng.random() * steps[-1], side="right"))
        while arm >= len(p) or p[arm] <= 0.0:
            arm -= 1
        return Choice(arm, float(p[arm]))

    def learn(self, choice: Choice, place: Place | None, told: Told) -> None:  # noqa: B027  (fixed policies learn nothing)
        """Take in the loss of one choice."""

    def estimates(self, place: Place | None) -> np.ndarray | None:
        """(d,) expected losses here, NaN where nothing is known; None from a policy that has no such opinion."""
        return None

    def fade(self, gamma: float) -> None:
        """Weigh all that was learned by gamma < 1."""
        raise BadInput.of(f"policy {type(self).__name__} cannot forget.", hint="discount Tsallis, ChebCB or Surface")

    def describe(self) -> dict[str, Any]:
        """Name and options, in JSON: a checkpoint is refused by another policy."""
        options = {f.name: getattr(self, f.name) for f in fields(self)}  # type: ignore[arg-type]
        told = {k: v.describe() if isinstance(v, Policy) else v for k, v in options.items()}
        return {"policy": type(self).__name__, **told}

    def state(self) -> dict[str, Any]:
        """All that was learned, in JSON without loss: Python's floats are written so that they read back equal."""
        values = {name: getattr(self, name) for name in self.kept}
        return {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in values.items()}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over the state of an equal policy; BadInput where it does not fit."""
        if set(state) != set(self.kept):
            found = ", ".join(sorted(map(str, state)))
            raise BadInput.of("the state of a policy lacks parts.", found=found, allowed=", ".join(sorted(self.kept)))
        for name in self.kept:
            old = getattr(self, name)
            if isinstance(old, np.ndarray):
                new = np.array(state[name], old.dtype)
                if new.shape != old.shape:
                    what = f"{name} in the state of policy {type(self).__name__} has another shape."
                    raise BadInput.of(what, found=str(new.shape), allowed=str(old.shape))
                setattr(self, name, new)
            else:
                setattr(self, name, state[name])
