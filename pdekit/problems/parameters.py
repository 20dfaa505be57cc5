"""The check of a problem's parameters: numbers, finite, positive where they must be."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from pdekit.errors import BadInput


def require_numbers(
    problem: Any, *, positive: Iterable[str] = (), nonnegative: Iterable[str] = (), skip: Iterable[str] = ()
) -> None:
    """Raise BadInput where a parameter of a problem is no finite number, or has a sign that it must not have."""
    for f in fields(problem):
        if f.name in skip:
            continue
        v, low = getattr(problem, f.name), ""
        finite = isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v)
        if f.name in positive:
            finite, low = finite and v > 0, " > 0"
        elif f.name in nonnegative:
            finite, low = finite and v >= 0, " >= 0"
        if not finite:
            raise BadInput.of(f"{f.name} of problem {problem.name!r}.", found=repr(v), allowed=f"a finite number{low}")
