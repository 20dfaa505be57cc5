"""ChebCB: a contextual bandit that models the cost of each arm as a short Chebyshev series of the context (SquareCB).

Source: Khodak, Chow, Balcan & Talwalkar 2024, arXiv:2310.02246, and its MATLAB code; SquareCB: Foster & Rakhlin 2020.

Everything is kept in the unit of the target, not divided by the source's scale S = K N. S cancels: in the weights, where eta is
proportional to S and the gaps to 1 / S, and in eta itself. So no stored prediction goes stale when K grows; only the box does.
Where this differs from the source, on purpose (`ChebCB.literal()` has the first two back):
  - the target is log(1 + loss / unit), not the loss: measured, 2 % less on both laws of `streams`
  - the context interval is that of the data; the source takes [-0.15, 0.65] for shifts in [-0.15, 0.45]
  - R_fit is summed over all arms (the code keeps the last constrained fit's), losses are k - 1 throughout (the code mixes in k),
    a floor keeps the root in eta real, refits use moments, O(m^3) each, whatever the round
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from pdekit.errors import BadInput
from pdekit.linear.tuning.chebcb_kernels import gap_weights, predict, refit, take_in
from pdekit.linear.tuning.context import Place, chebyshev
from pdekit.linear.tuning.logarithm import Logarithm
from pdekit.linear.tuning.policy import Choice, Policy, Told
from pdekit.linear.tuning.space import Space

FLOOR = 1e-12


@dataclass
class ChebCB(Policy):
    """Regret against the best arm for each context. Without contexts a series is its constant, and this is SquareCB.

    terms    m, of T_0(z) .. T_{m-1}(z)
    target   "log": log(1 + loss / unit); "cost": the loss itself
    growth   eta is multiplied by t^growth: 1 as in the source's code (exploration dies like 1 / t), 0 as in its analysis
    spread   "zero": largest target - 0, as the code effectively has it; "observed": largest - smallest
    """

    terms: int = 6
    target: str = "log"
    growth: float | int = 1.0
    spread: str = "zero"
    kept: ClassVar[tuple[str, ...]] = (
        "gram", "moment", "squares", "theta", "rests", "told", "missed", "largest", "smallest", "unit",
    )  # fmt: skip

    def __post_init__(self) -> None:
        if self.terms < 1 or self.target not in ("log", "cost") or self.spread not in ("zero", "observed"):
            raise BadInput.of(
                "options of ChebCB.",
                found=f"terms {self.terms!r}, target {self.target!r}, spread {self.spread!r}",
                allowed='terms >= 1, target "log" or "cost", spread "zero" or "observed"',
            )

    @classmethod
    def literal(cls) -> ChebCB:
        """The source's: targets are the losses. Give its interval too: Interval(-0.15, 0.65)."""
        return cls(target="cost")

    def start(self, space: Space, contextual: bool) -> None:
        """Arms never tried keep theta = 0 and so look best: optimism that needs no bonus."""
        d, m = len(space), self.terms if contextual else 1
        self.size = m
        self.gram, self.moment, self.squares = np.zeros((d, m, m)), np.zeros((d, m)), np.zeros(d)
        self.theta, self.rests = np.zeros((d, m)), np.zeros(d)
        self.told, self.missed = 0.0, 0.0
        self.largest, self.smallest, self.unit = 0.0, 0.0, 0.0

    @property
    def span(self) -> float:
        """(b - a) Lip: how far the targets spread over the interval."""
        return self.largest - (self.smallest if self.spread == "observed" else 0.0)

    @property
    def rate(self) -> float:
        """eta_t = 2 t^growth sqrt(d t / (R_t - R_fit + 2 alpha^2 t)), over the target's unit; 0 before anything was told.

        alpha = (pi + (2 / pi) log(2 m + 1)) / (2 (m + 1)) (b - a) Lip bounds the error of a series of a Lipschitz function.
        """
        t, m = self.told, self.size
        if t == 0.0:
            return 0.0
        alpha = (math.pi + 2.0 / math.pi * math.log(2 * m + 1)) / (2 * (m + 1)) * self.span
        beneath = self.missed - float(self.rests.sum()) + 2.0 * alpha**2 * t
        if self.largest <= 0.0:
            return 0.0
        return 2.0 * t**self.growth * math.sqrt(len(self.rests) * t / max(beneath, FLOOR * self.largest**2 * t))

    def probabilities(self, place: Place | None) -> np.ndarray:
        """p_i = 1 / (d + eta (y_i - min y)); the rest to the arm predicted best."""
        return gap_weights(predict(self.theta, chebyshev(place, self.size)), self.rate)

    def choose(self, place: Place | None, rng: np.random.Generator) -> Choice:
        """Draw, and note what was predicted: R_t sums the errors of predictions made before the cost was known."""
        predicted = predict(self.theta, chebyshev(place, self.size))
        choice = self.draw(gap_weights(predicted, self.rate), rng)
        choice.memory["predicted"] = float(predicted[choice.arm])
        return choice

    def learn(self, choice: Choice, place: Place | None, told: Told) -> None:
        """Take in, and refit the arm, or all of them where the box has grown."""
        arm = choice.arm
        assert arm is not None
        self.unit = Logarithm.unit(self.unit, told.loss)
        y = Logarithm.of(told.loss, self.unit) if self.target == "log" else told.loss
        before = self.largest, self.span
        self.largest, self.smallest = max(self.largest, y), min(self.smallest, y) if self.told else y
        self.missed += (choice.memory["predicted"] - y) ** 2
        self.told += 1.0
        take_in(self.gram, self.moment, self.squares, arm, chebyshev(place, self.size), y)
        box = np.array([self.largest] + [2.0 * self.span / j for j in range(1, self.size)])
        every = (self.largest, self.span) != before
        refit(self.gram, self.moment, self.squares, self.theta, self.rests, -1 if every else arm, box)

    def estimates(self, place: Place | None) -> np.ndarray:
        """Expected losses, NaN for arms never tried: of the series once an arm has 2 m costs, before that its mean cost.

        A series through fewer points is short, hence low where the arm was not tried: right for exploring, wrong for budgets.
        """
        tries = self.gram[:, 0, 0]
        means = self.moment[:, 0] / np.maximum(tries, FLOOR)
        y = np.where(tries >= 2 * self.size, predict(self.theta, chebyshev(place, self.size)), means)
        losses = self.unit * np.expm1(y) if self.target == "log" else y
        return np.where(tries > 0.0, np.maximum(losses, 0.0), np.nan)

    def fade(self, gamma: float) -> None:
        """Old moments, errors and rounds count gamma; the box does not shrink."""
        for name in ("gram", "moment", "squares", "rests", "told", "missed"):
            setattr(self, name, gamma * getattr(self, name))
