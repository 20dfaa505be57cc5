"""Symmetries that come in families: a shift along a periodic axis, by any number of points."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device

from pdekit.errors import BadInput
from pdekit.problems.problem import Symmetry
from pdekit.space.grid import Grid


@dataclass(frozen=True)
class Family(Symmetry):
    """Maps that take solutions to solutions, one for each amount; `apply` is the one of a fixed amount, for tests.

    numbers   k, how many integers an amount has
    draw      (generator, how many) -> (how many, k) amounts, the neutral one among them
    move      (name, array (*, *x), amount (k,)) -> the array moved; or array (b, *, *x) and amounts (b, k), one per
              sample, of NumPy or of the array's kind and device
    """

    numbers: int
    draw: Callable[[np.random.Generator, int], np.ndarray]
    move: Callable[[str, Any, Any], Any]


def shifts(grid: Grid, axes: Sequence[str] | None = None) -> Family:
    """All shifts along the named axes of a grid, by whole points; along every periodic axis by default.

    axes   fewer than all where the equation itself depends on the others: a torus forced by cos(4 y) leaves ("x",)
    Raises BadInput where an axis is not periodic, or none is.
    """
    periodic = [name for name, p in zip(grid.axes, grid.periodic, strict=True) if p]
    chosen = periodic if axes is None else list(axes)
    if not chosen or any(name not in periodic for name in chosen):
        raise BadInput.of(
            "a grid has no shifts along these axes.",
            found=", ".join(chosen) or "no axis",
            allowed=", ".join(periodic) or "none: no axis is periodic",
        )
    numbers = [grid.axes.index(name) for name in chosen]
    points = [grid.points[i] for i in numbers]

    def draw(rng: np.random.Generator, count: int) -> np.ndarray:
        return rng.integers(points, size=(count, len(points)))

    def move(name: str, array: Any, amount: Any) -> Any:
        trailing = [i - grid.dim for i in numbers]
        if amount.ndim == 1:
            return array_namespace(array).roll(array, tuple(int(a) for a in amount), axis=tuple(trailing))
        for column, axis in enumerate(trailing):
            array = _moved(array, axis, amount[:, column])
        return array

    one = np.array([(n + 2) // 3 for n in points])  # of no short period, and another one on every axis that differs
    name = "shift" if len(chosen) == grid.dim else f"shift {', '.join(chosen)}"
    return Family(name, lambda name, array: move(name, array, one), len(points), draw, move)


def _moved(array: Any, axis: int, amounts: Any) -> Any:
    """Sample i of (b, *, *x) moved by amounts[i] points along one trailing axis, on the device that it is on."""
    xp, n = array_namespace(array), array.shape[axis]
    by = xp.asarray(amounts, device=device(array))
    source = (xp.arange(n, device=device(array)) - by[:, None]) % n
    shape = [1] * array.ndim
    shape[0], shape[axis] = source.shape
    return xp.take_along_axis(array, xp.reshape(source, tuple(shape)), axis=axis)
