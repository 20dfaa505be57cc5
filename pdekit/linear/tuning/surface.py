"""One surface of log cost over (arm, context): what is learned of an arm says something of its neighbours.

ChebCB learns each arm alone, and pays for 20 arms what one surface need pay but once. Here the coefficients of the arms'
Chebyshev series are correlated as a Matern-3/2 function of the distance between arms: a Gaussian process on (arm, context),
exact, with O((d m)^2) work a trial whatever the round. The arm of the least lower bound mu - kappa_t sigma is played. Only costs
are seen; there is no formula of SOR in it. Source of the parts: Rasmussen & Williams 2006, eqs. 2.8, 4.17; Srinivas et al. 2010
(GP-UCB, whose beta_t grows with log t as kappa_t^2 does here). The combination and its constants are ours; nothing is proved.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from pdekit.errors import BadInput
from pdekit.linear.tuning.context import Place, chebyshev
from pdekit.linear.tuning.logarithm import FIRST, Logarithm
from pdekit.linear.tuning.policy import Choice, Policy, Told
from pdekit.linear.tuning.space import Space
from pdekit.linear.tuning.surface_kernels import observe, posterior

LARGEST = 1000  # coefficients: 8 MB of covariance, about 1 ms a trial


@dataclass
class Surface(Policy):
    """Chooses near the best arm for each context after some tens of trials, where cost is smooth in both.

    terms    of T_0(z) .. ; coefficient j has a prior variance of amplitude^2 / (1 + j)^2
    reach    distance at which arms cease to tell of each other, in units of the range of a parameter
    amplitude, noise   of log cost: how far arms may differ, and how far costs of one arm and context scatter
    kappa    optimism: kappa_t = kappa sqrt(1 + log(1 + t) / 2) standard deviations after t trials. Without the growth one run in
             ten locked in on an arm 20 % too dear (measured, `streams`, high variance; costs scatter more than `noise` there)
    uniform  share of trials drawn at random, so that no arm has probability 0 (for offline learners); 0: the choice is certain
    """

    terms: int = 8
    reach: float | int = 0.3
    amplitude: float | int = 1.4
    noise: float | int = 0.2
    kappa: float | int = 1.0
    uniform: float | int = 0.0
    kept: ClassVar[tuple[str, ...]] = ("mean", "covariance", "tries", "unit")

    def __post_init__(self) -> None:
        positive = min(self.terms, self.reach, self.amplitude, self.noise) > 0 and self.kappa >= 0
        if not positive or not 0.0 <= self.uniform <= 1.0:
            raise BadInput.of(
                "options of Surface.",
                found=repr(self),
                allowed="terms >= 1; reach, amplitude, noise > 0; kappa >= 0; uniform in [0, 1]",
            )

    def start(self, space: Space, contextual: bool) -> None:
        """The prior, which is that of a first loss: log(1 + FIRST) for every arm."""
        d, m = len(space), self.terms if contextual else 1
        if d * m > LARGEST:
            raise BadInput.of(
                "a surface of so many coefficients is too slow.",
                found=f"{d} arms x {m} terms",
                allowed=f"at most {LARGEST}",
                hint="fewer arms or terms, or ChebCB, which learns arm by arm",
            )
        self.size, self.level = m, math.log1p(FIRST)
        x = space.coordinates
        far = math.sqrt(3.0) / self.reach * np.sqrt(((x[:, None] - x[None]) ** 2).sum(-1))
        variances = (self.amplitude / (1.0 + np.arange(m))) ** 2
        self.prior = np.kron((1.0 + far) * np.exp(-far), np.diag(variances))
        self.mean, self.covariance = np.zeros(d * m), self.prior.copy()
        self.tries, self.unit = np.zeros(d), 0.0

    def choose(self, place: Place | None, rng: np.random.Generator) -> Choice:
        """The arm of the least lower bound, or a random one now and then."""
        return self.draw(self.probabilities(place), rng)

    def probabilities(self, place: Place | None) -> np.ndarray:
        """`uniform` shared by all arms, the rest on one."""
        d = len(self.tries)
        mu, sd = posterior(self.mean, self.covariance, chebyshev(place, self.size), d)
        p = np.full(d, self.uniform / d)
        optimism = self.kappa * math.sqrt(1.0 + 0.5 * math.log1p(float(self.tries.sum())))
        p[int(np.argmin(mu - optimism * sd))] += 1.0 - self.uniform
        return p

    def learn(self, choice: Choice, place: Place | None, told: Told) -> None:
        """Condition the surface on one cost."""
        arm = choice.arm
        assert arm is not None
        self.unit = Logarithm.unit(self.unit, told.loss)
        y = Logarithm.of(told.loss, self.unit) - self.level
        observe(self.mean, self.covariance, chebyshev(place, self.size), arm, y, self.noise)
        self.tries[arm] += 1.0

    def estimates(self, place: Place | None) -> np.ndarray:
        """Expected losses (medians) of all arms, tried or not, once one was tried; NaN before."""
        mu, _ = posterior(self.mean, self.covariance, chebyshev(place, self.size), len(self.tries))
        losses = np.maximum(self.unit * np.expm1(mu + self.level), 0.0)
        return losses if self.tries.any() else np.full(len(self.tries), np.nan)

    def fade(self, gamma: float) -> None:
        """A step of gamma back to the prior, in mean and covariance: w is taken for an Ornstein-Uhlenbeck process."""
        self.mean = math.sqrt(gamma) * self.mean
        self.covariance = gamma * self.covariance + (1.0 - gamma) * self.prior
