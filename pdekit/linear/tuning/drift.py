"""Forgetting, for streams whose best setting moves: what was learned k trials ago counts gamma^k."""

from __future__ import annotations

from dataclasses import dataclass

from pdekit.errors import BadInput
from pdekit.linear.tuning.around import Around
from pdekit.linear.tuning.context import Place
from pdekit.linear.tuning.policy import Choice, Told
from pdekit.linear.tuning.space import Space


@dataclass
class Discounted(Around):
    """`inner` with its sums multiplied by gamma before each told loss; it remembers about 1 / (1 - gamma) trials.

    The price is exploration that never dies: on a stream that does not drift it costs more than `inner` alone.
    """

    gamma: float = 0.995

    def __post_init__(self) -> None:
        if not 0.0 < self.gamma < 1.0:
            raise BadInput.of("gamma of Discounted.", found=repr(self.gamma), allowed="between 0 and 1, both excluded")

    def start(self, space: Space, contextual: bool) -> None:
        """A fresh copy; BadInput at once where it cannot forget."""
        super().start(space, contextual)
        self.part.fade(self.gamma)

    def learn(self, choice: Choice, place: Place | None, told: Told) -> None:
        """Forget a little, then learn."""
        self.part.fade(self.gamma)
        self.part.learn(choice, place, told)
