"""Tsallis-INF: the bandit that needs neither the number of rounds nor the scale of the losses, against the best fixed arm.

Source: Zimmert & Seldin 2021, JMLR 22(28): weights and both estimators; Khodak et al. 2024, arXiv:2310.02246: losses are divided
by their running mean, so that iterations, seconds and flops give the same choices.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from pdekit.errors import BadInput
from pdekit.linear.tuning.context import Place
from pdekit.linear.tuning.policy import Choice, Policy, Told
from pdekit.linear.tuning.simplex_kernels import tsallis_weights
from pdekit.linear.tuning.space import Space

RATES = {"iw": 2.0, "rv": 4.0}
BASELINE = 0.5


@dataclass
class Tsallis(Policy):
    """Regret O(sqrt(d T)) against the best arm, any order of systems; contexts are ignored.

    estimator  "iw": importance weighting, eta_t = 2 / sqrt t, Lhat_i += loss / p_i for the drawn arm;
               "rv": reduced variance, eta_t = 4 / sqrt t, with a baseline of 1/2 (in units of the mean loss) for the arms with
               p_i >= eta_t^2, drawn or not
    """

    estimator: str = "rv"
    kept: ClassVar[tuple[str, ...]] = ("weighted", "baseline", "told", "total", "tries", "sums")

    def __post_init__(self) -> None:
        if self.estimator not in RATES:
            raise BadInput.of("estimator of Tsallis.", found=repr(self.estimator), allowed='"iw", "rv"')

    def start(self, space: Space, contextual: bool) -> None:
        """G (losses over probabilities, in their own unit), H (baselines, dimensionless), mean loss s, counts."""
        d = len(space)
        self.weighted, self.baseline = np.zeros(d), np.zeros(d)
        self.told, self.total = 0.0, 0.0
        self.tries, self.sums = np.zeros(d), np.zeros(d)

    @property
    def rate(self) -> float:
        """eta_t; t counts the losses told so far and the one to come."""
        return RATES[self.estimator] / math.sqrt(self.told + 1.0)

    @property
    def mean_loss(self) -> float:
        """s, or 1 as long as all losses were 0."""
        return self.total / self.told if self.total > 0.0 else 1.0

    def probabilities(self, place: Place | None) -> np.ndarray:
        """argmin over the simplex of p . Lhat - (4 / eta) sum sqrt(p), Lhat = G / s + H: G is rescaled as s moves, H is not."""
        return tsallis_weights(self.weighted / self.mean_loss + self.baseline, self.rate)

    def choose(self, place: Place | None, rng: np.random.Generator) -> Choice:
        """Draw, and note the arms that have a baseline now: the update must use these probabilities, whenever it comes."""
        p = self.probabilities(place)
        choice = self.draw(p, rng)
        if self.estimator == "rv":
            choice.memory["baseline"] = np.flatnonzero(p >= self.rate**2).tolist()
        return choice

    def learn(self, choice: Choice, place: Place | None, told: Told) -> None:
        """Lhat_i += B_i + 1[drawn] (loss / s - B_i) / p_i, of expectation loss / s for every arm."""
        arm = choice.arm
        assert arm is not None
        self.weighted[arm] += told.loss / choice.prob
        based = choice.memory.get("baseline", [])
        self.baseline[based] += BASELINE
        if arm in based:
            self.baseline[arm] -= BASELINE / choice.prob
        self.told += 1.0
        self.total += told.loss
        self.tries[arm] += 1.0
        self.sums[arm] += told.loss

    def estimates(self, place: Place | None) -> np.ndarray:
        """Mean loss of each arm, NaN where it was never tried."""
        return np.where(self.tries > 0, self.sums / np.maximum(self.tries, 1e-300), np.nan)

    def fade(self, gamma: float) -> None:
        """Old losses and rounds count gamma: eta stays above its value at 1 / (1 - gamma) rounds."""
        for name in ("weighted", "baseline", "tries", "sums"):
            setattr(self, name, gamma * getattr(self, name))
        self.told, self.total = gamma * self.told, gamma * self.total
