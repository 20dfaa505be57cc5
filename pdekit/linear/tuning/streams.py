"""A sequence of systems to tune on: (A + c_t I) x = b_t, A the 5-point stencil, the shift c_t known before the solve.

Source: Khodak, Chow, Balcan & Talwalkar 2024, arXiv:2310.02246, synthetic study: m = 10, 5000 systems. The smallest shift
leaves A nearly singular (least eigenvalue 0.012), where omega = 1 takes 2500 sweeps and the best omega 130.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

from pdekit.errors import unknown_name
from pdekit.linear.tuning.context import Interval
from pdekit.linear.tuning.young import young_omega

LAWS = {"high": (0.5, 1.5), "low": (2.0, 6.0)}
LOW, WIDTH = -0.15, 0.6


class ShiftedSystem(NamedTuple):
    """One system: shift c, right-hand side (m m,); dimensionless."""

    shift: float
    rhs: np.ndarray


@dataclass(frozen=True)
class ShiftedSystems:
    """`rounds` systems, drawn once: every policy meets the same ones, and an equal seed gives them again.

    law     "high" or "low" variance of the shifts: -0.15 + 0.6 Beta(1/2, 3/2), or Beta(2, 6); both of mean 0
    points  m: A is m m x m m, 4 on the diagonal, -1 beside it; the shifts are for m = 10
    shifts  (rounds,); rhs (rounds, m m): standard normal, drawn anew until |b| <= m
    """

    rounds: int = 5000
    law: str = "high"
    points: int = 10
    seed: int = 0
    shifts: np.ndarray = field(init=False, repr=False, compare=False)
    rhs: np.ndarray = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.law not in LAWS:
            raise unknown_name("law of shifts", str(self.law), LAWS)
        rng = np.random.default_rng(self.seed)
        object.__setattr__(self, "shifts", LOW + WIDTH * rng.beta(*LAWS[self.law], self.rounds))
        object.__setattr__(self, "rhs", _in_ball(rng, self.rounds, self.points**2))

    def __len__(self) -> int:
        return self.rounds

    def __iter__(self) -> Iterator[ShiftedSystem]:
        return (ShiftedSystem(float(c), b) for c, b in zip(self.shifts, self.rhs, strict=True))

    @property
    def interval(self) -> Interval:
        """Where the shifts live."""
        return Interval(LOW, LOW + WIDTH)

    def matrix(self, shift: float | int) -> sp.csr_array:
        """A + c I, (m m, m m), in lexicographic order."""
        m = self.points
        line = 2.0 * sp.eye_array(m) - sp.eye_array(m, k=1) - sp.eye_array(m, k=-1)
        one = sp.eye_array(m)
        return sp.csr_array(sp.kron(line, one) + sp.kron(one, line) + shift * sp.eye_array(m * m))

    def young(self, shift: float | int) -> float:
        """Young's omega of A + c I: beta = 4 cos(pi / (m + 1)) / (4 + c)."""
        return young_omega(4.0 * math.cos(math.pi / (self.points + 1)) / (4.0 + shift))


def _in_ball(rng: np.random.Generator, rounds: int, n: int) -> np.ndarray:
    """(rounds, n) standard normal vectors, those of |b|^2 > n thrown away: about half."""
    rhs, have = np.empty((rounds, n)), 0
    while have < rounds:
        b = rng.normal(size=(min(2 * rounds, 4096), n))
        b = b[(b * b).sum(1) <= n][: rounds - have]
        rhs[have : have + len(b)] = b
        have += len(b)
    return rhs
