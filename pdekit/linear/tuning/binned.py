"""A policy for each of a few equal bins of the context: any bandit made contextual, at the price of learning in each bin anew.

Source: Khodak et al. 2024, arXiv:2310.02246 (Tsallis-INF-CB): 5 bins for shifted systems, 6 for the heat equation.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from pdekit.errors import BadInput
from pdekit.linear.tuning.context import Place
from pdekit.linear.tuning.policy import Choice, Policy, Told
from pdekit.linear.tuning.space import Space
from pdekit.linear.tuning.tsallis import Tsallis


@dataclass
class Binned(Policy):
    """Independent copies of `inner`, one for each bin.

    A context belongs to the nearest centre low + (high - low)(j + 1/2) / bins.
    """

    inner: Policy = field(default_factory=Tsallis)
    bins: int = 5
    needs_context: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.bins < 1:
            raise BadInput.of("bins of Binned.", found=repr(self.bins), allowed="an integer >= 1")

    def start(self, space: Space, contextual: bool) -> None:
        """A fresh copy for each bin."""
        self.parts = [copy.deepcopy(self.inner) for _ in range(self.bins)]
        for part in self.parts:
            part.start(space, contextual)

    def part(self, place: Place | None) -> Policy:
        """The policy of the bin in which a context lies."""
        assert place is not None
        return self.parts[min(int(0.5 * (place.z + 1.0) * self.bins), self.bins - 1)]

    def probabilities(self, place: Place | None) -> np.ndarray:
        """Those of the bin."""
        return self.part(place).probabilities(place)

    def choose(self, place: Place | None, rng: np.random.Generator) -> Choice:
        """That of the bin."""
        return self.part(place).choose(place, rng)

    def learn(self, choice: Choice, place: Place | None, told: Told) -> None:
        """The bin learns, the others do not."""
        self.part(place).learn(choice, place, told)

    def estimates(self, place: Place | None) -> np.ndarray | None:
        """Those of the bin."""
        return self.part(place).estimates(place)

    def fade(self, gamma: float) -> None:
        """All bins forget, also those that were not visited: what drifts is the world."""
        for part in self.parts:
            part.fade(gamma)

    def state(self) -> dict[str, Any]:
        """The states of the bins, in order."""
        return {"parts": [part.state() for part in self.parts]}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over the states of as many bins."""
        if len(state["parts"]) != self.bins:
            raise BadInput.of("the state has other bins.", found=str(len(state["parts"])), allowed=str(self.bins))
        for part, kept in zip(self.parts, state["parts"], strict=True):
            part.restore(kept)
