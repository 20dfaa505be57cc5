"""What a law of random fields is: how it draws, its keys, and what they may hold."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pdekit.errors import BadInput
from pdekit.space.grid import Grid

REQUIRED = object()
Draw = Callable[[Mapping[str, Any], Grid | None, np.random.Generator], np.ndarray]
Check = tuple[Callable[[Any], bool], str]


@dataclass(frozen=True)
class Law:
    """How a law draws, and its keys: {key: default}, REQUIRED where there is none; `checks` are {key: (test, allowed)}.

    scalar   it can draw one number (grid None) as well as a field
    words    keys that hold one of some words: {key: words}
    """

    title: str
    draw: Draw
    keys: Mapping[str, Any]
    checks: Mapping[str, Check] = field(default_factory=lambda: {})
    scalar: bool = False
    words: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: {})


def whole(least: int, most: int = 4096) -> Check:
    """An integer in a range."""
    return lambda v: isinstance(v, int) and least <= v <= most, f"an integer from {least} to {most}"


def finite(value: Any) -> bool:
    """A number, and no truth value."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


POSITIVE: Check = (lambda v: v > 0, "a number > 0")


def field_grid(grid: Grid | None, name: str, dims: tuple[int, ...] = (1, 2, 3)) -> Grid:
    """The grid that a law of fields is drawn on. Raises BadInput where one number is asked for, or on other numbers of axes."""
    if grid is None:
        raise BadInput.of(
            f"law {name!r} draws fields; one number was asked for.", allowed="constant, uniform, log-uniform, normal"
        )
    if grid.dim not in dims:
        raise BadInput.of(
            f"law {name!r} is not defined on {grid.dim} axes.", allowed=", ".join(map(str, dims)) + " axes"
        )
    return grid
