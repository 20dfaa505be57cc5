"""Young's omega from what the iteration itself shows: the strongest cheap classical rival of a bandit over SOR's omega.

For a consistently ordered symmetric positive definite matrix and omega below the best one, the convergence factor lambda of SOR
tells the spectral radius beta of Jacobi: beta^2 = (lambda + omega - 1)^2 / (omega^2 lambda), and the best omega is
2 / (1 + sqrt(1 - beta^2)). Source: Young 1971, Iterative Solution of Large Linear Systems, ch. 5-6; Hageman & Young 1981, ch. 9.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from pdekit.errors import BadInput
from pdekit.linear.tuning.context import Place, chebyshev
from pdekit.linear.tuning.policy import Choice, Policy, Told
from pdekit.linear.tuning.space import Space

LARGEST = 1.0 - 1e-10
WEAK = 1e-6  # keeps the fit defined before there are as many probes as terms


def young_omega(beta: float | int) -> float:
    """The best omega of SOR, 2 / (1 + sqrt(1 - beta^2)), for Jacobi's spectral radius beta in [0, 1)."""
    return 2.0 / (1.0 + math.sqrt(1.0 - min(max(beta, 0.0), LARGEST) ** 2))


def jacobi_radius(factor: float | int, omega: float | int) -> float | None:
    """beta of a convergence factor observed at omega; None where omega is not below the best one, which hides it.

    Right of the best omega the factor is omega - 1 whatever beta is; below 1e-3 above that it is not told apart.
    """
    if not omega - 1.0 + 1e-3 < factor < 1.0:
        return None
    return (factor + omega - 1.0) / (omega * math.sqrt(factor))


@dataclass
class AdaptiveYoung(Policy):
    """Young's omega of a beta that is fitted to the contexts met so far. Omega is any number: the grid gives its name and ends.

    Most solves use the estimate. Where the fit has not been probed near a context enough (its leverage exceeds `doubt`), the
    solve is a probe: at the low end of the grid first, then at the share `below` of the way from 1 to the estimate, safely left
    of the best omega. Only probes are learned from: an estimate made at the best omega is blind to its own error and locks in.

    terms    of the Chebyshev series of beta in the context
    doubt    about terms / doubt probes are made in all
    rtol     tolerance of the solves, relative to r0, for costs that are counts told without a factor: lambda = rtol^(1 / k) is
             off by the transient, and so is omega: 10-30 % more sweeps than with factors (measured)
    Not for matrices that are not consistently ordered, nor for SSOR-CG: the formula is wrong there and this will not notice.
    """

    parameter: str = "omega"
    terms: int = 4
    doubt: float | int = 1.0
    below: float = 0.8
    rtol: float | None = None
    kept: ClassVar[tuple[str, ...]] = ("gram", "moment", "probes")

    def start(self, space: Space, contextual: bool) -> None:
        """Moments of the fit. BadInput where the space is not one grid of `parameter` within [1, 2)."""
        values = [arm.get(self.parameter) for arm in space.arms]
        if any(not isinstance(v, float) or not 1.0 <= v < 2.0 for v in values) or len(space.arms[0]) > 1:
            raise BadInput.of(
                "Young's formula is for SOR's omega alone.",
                found=str(space.arms[0]),
                allowed=f"one parameter {self.parameter!r} on a grid within [1, 2)",
            )
        numbers = [float(v) for v in values if v is not None]
        self.low, self.high = numbers[0], numbers[-1]
        self.size = self.terms if contextual else 1
        self.gram, self.moment, self.probes = WEAK * np.eye(self.size), np.zeros(self.size), 0

    def choose(self, place: Place | None, rng: np.random.Generator) -> Choice:
        """The estimate, or a probe; certain either way."""
        f = chebyshev(place, self.size)
        solved = np.linalg.solve(self.gram, np.stack([f, self.moment], axis=1))
        leverage, omega = float(f @ solved[:, 0]), young_omega(float(f @ solved[:, 1]))
        probe = leverage > self.doubt
        if probe:
            omega = self.low if self.probes < self.size else 1.0 + self.below * (omega - 1.0)
        params: dict[str, Any] = {self.parameter: min(max(omega, self.low), self.high)}
        return Choice(None, 1.0, {"probe": probe}, params)

    def learn(self, choice: Choice, place: Place | None, told: Told) -> None:
        """Add the beta that a probe has shown to the fit."""
        if told.failed:
            return
        factor = told.factor
        if factor is None and self.rtol is not None:
            factor = self.rtol ** (1.0 / (told.loss + 1.0))
        if factor is None and told.loss <= 1.0:
            return  # two sweeps at most, or a start that was good enough: nothing to be seen
        if factor is None:
            raise BadInput.of(
                "AdaptiveYoung needs the observed convergence factor.",
                where="tell(...)",
                hint="tell(id, cost, factor=|r_k| / |r_{k-1}|), or AdaptiveYoung(rtol=...) and costs that are counts",
            )
        if not choice.memory["probe"]:
            return
        assert choice.params is not None
        self.probes += 1
        beta = jacobi_radius(factor, choice.params[self.parameter])
        if beta is not None:
            f = chebyshev(place, self.size)
            self.gram += np.outer(f, f)
            self.moment += min(beta, LARGEST) * f

    def fade(self, gamma: float) -> None:
        """Old probes count gamma, so that new ones are made."""
        self.gram = gamma * self.gram + (1.0 - gamma) * WEAK * np.eye(self.size)
        self.moment = gamma * self.moment
