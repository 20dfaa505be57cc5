"""A policy around another: everything is passed on, and a subclass changes the one thing that it is for."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np

from pdekit.linear.tuning.context import Place
from pdekit.linear.tuning.policy import Choice, Policy, Told
from pdekit.linear.tuning.space import Space


@dataclass
class Around(Policy):
    """`inner` is options only; the state lives in `part`, a copy of it."""

    inner: Policy

    @property
    def needs_context(self) -> bool:  # type: ignore[override]
        """As `inner` does."""
        return self.inner.needs_context

    def start(self, space: Space, contextual: bool) -> None:
        """A fresh copy."""
        self.part = copy.deepcopy(self.inner)
        self.part.start(space, contextual)

    def probabilities(self, place: Place | None) -> np.ndarray:
        """Those of `inner`."""
        return self.part.probabilities(place)

    def choose(self, place: Place | None, rng: np.random.Generator) -> Choice:
        """That of `inner`."""
        return self.part.choose(place, rng)

    def learn(self, choice: Choice, place: Place | None, told: Told) -> None:
        """`inner` learns."""
        self.part.learn(choice, place, told)

    def estimates(self, place: Place | None) -> np.ndarray | None:
        """Those of `inner`."""
        return self.part.estimates(place)

    def fade(self, gamma: float) -> None:
        """`inner` forgets."""
        self.part.fade(gamma)

    def state(self) -> dict[str, Any]:
        """That of the copy."""
        return self.part.state()

    def restore(self, state: dict[str, Any]) -> None:
        """Take over the state of an equal policy."""
        self.part.restore(state)
