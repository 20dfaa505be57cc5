"""What a tuner may choose from: a finite list of arms, each a setting of one or more named parameters.

A parameter on an ordered grid (SOR's omega, a drop tolerance on a logarithmic one), a category (which smoother), or a
product of such. Arms have coordinates, so that a policy may assume that near settings cost nearly the same.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np

from pdekit.errors import BadInput

SCALES = ("linear", "log")


class Space(ABC):
    """A finite list of arms. `arms[i]` is {parameter name: value}; `coordinates` is (d, k), dimensionless."""

    @cached_property
    @abstractmethod
    def arms(self) -> list[dict[str, Any]]:
        """The d settings, in order."""

    @cached_property
    @abstractmethod
    def coordinates(self) -> np.ndarray:
        """(d, k): each ordered parameter runs over [0, 1]; two different categories are 1 apart."""

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """What this space is, in JSON: a checkpoint is refused by another space."""

    def __len__(self) -> int:
        return len(self.arms)

    def index(self, params: dict[str, Any]) -> int:
        """The arm that has exactly these parameters; BadInput where none has."""
        for i, arm in enumerate(self.arms):
            if arm == params:
                return i
        allowed = ", ".join(map(str, self.arms[:3])) + (", ..." if len(self) > 3 else "")
        raise BadInput.of("no arm has these parameters.", found=repr(params), allowed=allowed)


@dataclass(frozen=True)
class Ordered(Space):
    """One number on a grid, strictly increasing; on a logarithmic scale distances are those of the logarithms.

    Raises BadInput where values repeat, fall, are not finite, or are not positive on a logarithmic scale.
    """

    name: str
    values: tuple[float | int, ...]
    scale: str = "linear"

    def __post_init__(self) -> None:
        where = f"the grid of {self.name!r}"
        if self.scale not in SCALES:
            raise BadInput.of("unknown scale.", where=where, found=repr(self.scale), allowed=", ".join(SCALES))
        values = np.asarray(self.values, float)
        if values.ndim != 1 or values.size == 0 or not np.isfinite(values).all() or (np.diff(values) <= 0).any():
            allowed = "finite numbers, strictly increasing"
            raise BadInput.of("the values are no grid.", where=where, found=repr(self.values), allowed=allowed)
        if self.scale == "log" and values[0] <= 0:
            raise BadInput.of("a logarithmic grid is positive.", where=where, found=repr(self.values[0]), allowed="> 0")

    @cached_property
    def arms(self) -> list[dict[str, Any]]:
        """One setting per value."""
        return [{self.name: float(v)} for v in self.values]

    @cached_property
    def coordinates(self) -> np.ndarray:
        """(d, 1) in [0, 1]."""
        x = np.asarray(self.values, float)
        x = np.log(x) if self.scale == "log" else x
        return ((x - x[0]) / (x[-1] - x[0] if len(x) > 1 else 1.0))[:, None]

    def describe(self) -> dict[str, Any]:
        """Name, scale, values."""
        return {"ordered": self.name, "scale": self.scale, "values": [float(v) for v in self.values]}


@dataclass(frozen=True)
class Categorical(Space):
    """One of several names without an order, such as a preconditioner's. Values are strings, numbers or truth values."""

    name: str
    values: tuple[Any, ...]

    def __post_init__(self) -> None:
        fit = all(isinstance(v, str | int | float | bool) for v in self.values)
        if not self.values or not fit or len(set(self.values)) < len(self.values):
            raise BadInput.of(
                "the values are no categories.",
                where=f"the categories of {self.name!r}",
                found=repr(self.values),
                allowed="different strings, numbers or truth values, one at least",
            )

    @cached_property
    def arms(self) -> list[dict[str, Any]]:
        """One setting per value."""
        return [{self.name: v} for v in self.values]

    @cached_property
    def coordinates(self) -> np.ndarray:
        """(d, d) corners of a simplex with edges of length 1."""
        return np.eye(len(self.values)) / math.sqrt(2.0)

    def describe(self) -> dict[str, Any]:
        """Name and values."""
        return {"categorical": self.name, "values": list(self.values)}


@dataclass(frozen=True)
class Product(Space):
    """Every combination of several parameters; the last one varies fastest."""

    parts: tuple[Space, ...]

    def __post_init__(self) -> None:
        names = [name for part in self.parts for name in part.arms[0]]
        if not names or len(set(names)) < len(names):
            raise BadInput.of("a product is of parameters with different names.", found=", ".join(names) or "none")

    @cached_property
    def arms(self) -> list[dict[str, Any]]:
        """All combinations."""
        return [{k: v for arm in arms for k, v in arm.items()} for arms in product(*(p.arms for p in self.parts))]

    @cached_property
    def coordinates(self) -> np.ndarray:
        """(d, sum of k)."""
        return np.array([np.concatenate(rows) for rows in product(*(p.coordinates for p in self.parts))])

    def describe(self) -> dict[str, Any]:
        """The parts, in order."""
        return {"product": [part.describe() for part in self.parts]}


def grid(
    name: str,
    low: float | int,
    high: float | int,
    arms: int | None = 20,
    *,
    scale: str = "linear",
    rounds: int | None = None,
) -> Ordered:
    """Evenly spaced values from low to high, both included, on a linear or logarithmic scale.

    arms     how many, or None for floor((2 rounds)^(1/3)): then the error of the grid, ~ rounds / arms, balances that of
             the bandit, ~ sqrt(arms rounds)
    Source   Khodak, Chow, Balcan & Talwalkar 2024, arXiv:2310.02246; their runs use 20 values in [1, 1.95]
    """
    if arms is None and rounds is not None and rounds >= 1:
        arms = max(2, math.floor((2 * rounds) ** (1 / 3) + 1e-9))
    if arms is None or arms < 1 or not (math.isfinite(low) and math.isfinite(high)) or (arms > 1 and high <= low):
        raise BadInput.of(
            "no grid can be made.",
            where=f"the grid of {name!r}",
            found=f"low {low}, high {high}, arms {arms}, rounds {rounds}",
            allowed="low < high and arms >= 1, or arms None and rounds >= 1",
        )
    if scale == "log" and low <= 0:
        raise BadInput.of("a logarithmic grid is positive.", where=f"the grid of {name!r}", found=repr(low))
    values = np.geomspace(low, high, arms) if scale == "log" else np.linspace(low, high, arms)
    return Ordered(name, tuple(float(v) for v in values), scale)
