"""What `Tuner.ask` hands out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Trial:
    """One setting to solve with.

    id        for `tell`
    params    {name: value}
    prob      probability with which the arm was drawn: log it, an offline learner needs it
    arm       number of the arm, None for a setting off the grid
    context   as it was given to `ask`
    budget    None, or the cost after which the same iterate should go on with `fallback`; tell the total
    fallback  None, or {name: value}
    """

    id: int
    params: dict[str, Any]
    prob: float
    arm: int | None = None
    context: float | None = None
    budget: float | None = None
    fallback: dict[str, Any] | None = None
