"""Symmetries that are their own inverse: mirrors of periodic axes, with the sign of what they turn round, and u -> -u."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from array_api_compat import array_namespace

from pdekit.problems.problem import Symmetry
from pdekit.space.grid import Grid

NONE: Mapping[str, Sequence[str]] = {}


def mirrors(grid: Grid, odd: Mapping[str, Sequence[str]] = NONE) -> tuple[Symmetry, ...]:
    """x -> -x of every set of axes of a periodic grid with points x_j = j L/N: j -> -j mod N, the point 0 stays.

    odd   {axis: names of the fields that change sign when it is mirrored}: the velocity along it. Tendencies go with their field
    """
    sets = [axes for k in range(1, grid.dim + 1) for axes in combinations(grid.axes, k)]
    return tuple(_mirror(grid, axes, odd) for axes in sets)


def half_turn(grid: Grid, odd: Sequence[str]) -> Symmetry:
    """x -> -x of all axes at once, under which the fields `odd` change sign: velocities."""
    last = grid.axes[-1]
    return Symmetry("half turn", _mirror(grid, grid.axes, {last: odd}).apply)


def negation() -> Symmetry:
    """u -> -u, of every field."""
    return Symmetry("negation", lambda name, array: -array)


def _mirror(grid: Grid, axes: Sequence[str], odd: Mapping[str, Sequence[str]]) -> Symmetry:
    numbers = tuple(grid.axes.index(axis) - grid.dim for axis in axes)

    def apply(name: str, array: Any) -> Any:
        xp = array_namespace(array)
        moved = xp.roll(xp.flip(array, axis=numbers), (1,) * len(numbers), axis=numbers)
        field = name.removesuffix("_tendency")
        return -moved if sum(field in odd.get(axis, ()) for axis in axes) % 2 else moved

    return Symmetry(f"mirror {', '.join(axes)}", apply)
