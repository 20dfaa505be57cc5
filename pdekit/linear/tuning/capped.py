"""Budgeted trials: an arm that turns out badly is left in the middle of a solve, and the best known one goes on with its iterate.

Near-singular systems make omega = 1 cost 20 times the optimum; a cap removes most of what exploring costs. The total is charged.
Source: PCGBandit (arXiv:2509.08765) calls it a backstop; the budget in terms of the incumbent's own cost is ours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pdekit.errors import BadInput
from pdekit.linear.tuning.around import Around
from pdekit.linear.tuning.context import Place
from pdekit.linear.tuning.policy import Choice
from pdekit.linear.tuning.space import Space


@dataclass
class Capped(Around):
    """`inner`, whose trials carry a budget of `factor` times the loss expected of the best known arm, and that arm as fallback.

    The solver stops at `trial.budget`, goes on from the same iterate with `trial.fallback`, and tells the total, which is what
    the arm costs under this rule. No budget where nothing is known yet, nor for the best known arm itself.

    factor   below 2 an arm that is better, but dear where the budget was guessed too low, may never show it (measured: ChebCB
             then locks in on a bad arm)
    """

    factor: float | int = 3.0

    def __post_init__(self) -> None:
        if not self.factor >= 1.0:
            raise BadInput.of("factor of Capped.", found=repr(self.factor), allowed="a number >= 1")

    def start(self, space: Space, contextual: bool) -> None:
        """A fresh copy; BadInput at once where it has no opinion on what an arm costs."""
        super().start(space, contextual)
        if self.part.estimates(Place(0.0, 0.0) if contextual else None) is None:
            raise BadInput.of(
                f"policy {type(self.inner).__name__} expects no costs, so no budget can be set.",
                allowed="Tsallis, Binned, ChebCB, Surface",
            )

    def choose(self, place: Place | None, rng: np.random.Generator) -> Choice:
        """That of `inner`, with a budget."""
        choice = self.part.choose(place, rng)
        expected = self.part.estimates(place)
        if expected is None or np.isnan(expected).all():
            return choice
        best = int(np.nanargmin(expected))
        if best != choice.arm and expected[best] > 0.0:
            choice.budget, choice.fallback = self.factor * float(expected[best]), best
        return choice
