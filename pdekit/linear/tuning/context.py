"""What is known about a system before it is solved: one number, brought to [-1, 1].

Choose the unit in which costs vary evenly: for the heat equation log kappa, not 1 / kappa, which is unbounded.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from pdekit.errors import BadInput


class Place(NamedTuple):
    """A context as it was given, and its place z in [-1, 1]."""

    value: float
    z: float


@dataclass(frozen=True)
class Interval:
    """Where contexts live. Those outside are taken for the nearer end: Chebyshev polynomials explode there.

    low, high   in the unit of the context; wider than the data wastes resolution, narrower merges what lies outside
    scale       "linear" or "log" (positive contexts)
    """

    low: float | int
    high: float | int
    scale: str = "linear"

    def __post_init__(self) -> None:
        if self.scale not in ("linear", "log"):
            raise BadInput.of("scale of a context.", found=repr(self.scale), allowed='"linear", "log"')
        least = 0.0 if self.scale == "log" else -math.inf
        if not (math.isfinite(self.low) and math.isfinite(self.high) and least < self.low < self.high):
            raise BadInput.of(
                "the interval of a context is empty.",
                found=f"[{self.low}, {self.high}], {self.scale}",
                allowed="finite low < high" + (", low > 0" if self.scale == "log" else ""),
            )

    def place(self, value: Any) -> Place:
        """Where a context lies; BadInput where it is no finite number."""
        number = _finite(value)
        low, high, x = self.low, self.high, min(max(number, self.low), self.high)
        if self.scale == "log":
            low, high, x = math.log(low), math.log(high), math.log(x)
        return Place(number, min(1.0, max(-1.0, 2.0 * (x - low) / (high - low) - 1.0)))

    def describe(self) -> dict[str, Any]:
        """The interval in JSON."""
        return {"low": float(self.low), "high": float(self.high), "scale": self.scale}


def chebyshev(place: Place | None, terms: int) -> np.ndarray:
    """(terms,) T_0(z), T_1(z), ...; [1] where there is no context."""
    if place is None:
        return np.ones(1)
    features = np.empty(terms)
    features[0] = 1.0
    if terms > 1:
        features[1] = place.z
    for j in range(2, terms):
        features[j] = 2.0 * place.z * features[j - 1] - features[j - 2]
    return features


def _finite(value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise BadInput.of("a context is no finite number.", found=repr(value), hint="one number per system")
    return number
