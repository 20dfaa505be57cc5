"""What every comparison must contain: one fixed setting, a formula of the context, and settings at random."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from pdekit.linear.tuning.context import Place
from pdekit.linear.tuning.policy import Choice, Policy
from pdekit.linear.tuning.space import Space


@dataclass
class Fixed(Policy):
    """Always the same setting, on the grid or off it: Fixed({"omega": 1.8})."""

    params: Mapping[str, Any] = field(default_factory=lambda: {})

    def start(self, space: Space, contextual: bool) -> None:
        """Look the setting up; off the grid it is played as it is."""
        self.arms = len(space)
        self.arm = next((i for i, arm in enumerate(space.arms) if arm == self.params), None)

    def choose(self, place: Place | None, rng: np.random.Generator) -> Choice:
        """The setting, with certainty."""
        return Choice(self.arm, 1.0, params=dict(self.params) if self.arm is None else None)

    def probabilities(self, place: Place | None) -> np.ndarray:
        """1 for the arm; zeros where the setting is off the grid."""
        p = np.zeros(self.arms)
        if self.arm is not None:
            p[self.arm] = 1.0
        return p

    def describe(self) -> dict[str, Any]:
        """The setting."""
        return {"policy": "Fixed", "params": dict(self.params)}


@dataclass
class Formula(Policy):
    """A setting known for each context, such as Young's omega: `setting(context)` gives {name: value}, off the grid as a rule.

    name   says in a checkpoint which formula it was; code is not kept
    """

    setting: Callable[[float], Mapping[str, Any]]
    name: str = "formula"
    needs_context: ClassVar[bool] = True

    def start(self, space: Space, contextual: bool) -> None:
        """Nothing to learn."""

    def choose(self, place: Place | None, rng: np.random.Generator) -> Choice:
        """The setting, with certainty."""
        assert place is not None
        return Choice(None, 1.0, params=dict(self.setting(place.value)))

    def describe(self) -> dict[str, Any]:
        """The name."""
        return {"policy": "Formula", "name": self.name}


@dataclass
class Random(Policy):
    """Every arm with the same probability: the floor that a learner has to beat."""

    def start(self, space: Space, contextual: bool) -> None:
        """Nothing to learn."""
        self.arms = len(space)

    def probabilities(self, place: Place | None) -> np.ndarray:
        """1 / d each."""
        return np.full(self.arms, 1.0 / self.arms)
