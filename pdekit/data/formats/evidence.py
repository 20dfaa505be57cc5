"""What the values of an imported data set themselves say about a grid that nobody described."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pdekit.space.grid import Grid

ZERO_EDGE = 0.05  # an edge whose rms is below this part of the field's is called a zero edge


def edges(values: np.ndarray, grid: Grid) -> list[str]:
    """For each space axis: is the first (last) layer of points about zero, or an interior one? values (n, [t], *x)."""
    total = _rms(values)
    out = []
    for k, axis in enumerate(grid.axes):
        parts = []
        for index in (0, -1):
            rms = _rms(np.take(values, index, axis=k - grid.dim))
            kind = "a zero edge (about 0)" if rms < ZERO_EDGE * total else "an interior edge (not 0)"
            parts.append(f"index {index} of {axis} is {kind}, rms {rms:.3g}")
        out.append(", ".join(parts) + f", rms of all {total:.3g}")
    return out


def nesting(splits: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Pairs of splits where one is every second (third, ...) point of the other: the points are x_j = j h from index 0."""
    out = []
    for coarse, small in splits.items():
        for fine, large in splits.items():
            factor = _factor(small, large)
            if factor and all(_is_part(small[n], large[n], factor) for n in small if np.ndim(small[n]) > 1):
                out.append(
                    f"{coarse} is every point number {factor} j of {fine}, sample by sample: both start at one edge"
                )
    return out


def _factor(small: Mapping[str, Any], large: Mapping[str, Any]) -> int:
    shapes = [(np.shape(small[n]), np.shape(large[n])) for n in small if np.ndim(small[n]) > 1 and n in large]
    ratios = {b[-1] / a[-1] for a, b in shapes}
    same = all(a[0] == b[0] and len(a) == len(b) for a, b in shapes)
    ratio = ratios.pop() if same and len(ratios) == 1 else 0
    return int(ratio) if ratio > 1 and float(ratio).is_integer() else 0


def _is_part(small: np.ndarray, large: np.ndarray, factor: int) -> bool:
    steps = [max(1, b // a) for a, b in zip(small.shape[1:], large.shape[1:], strict=True)]
    chosen = large[(slice(None), *(slice(None, None, s) for s in steps))]
    return chosen.shape == small.shape and max(steps) == factor and bool(np.array_equal(chosen, small))


def range_facts(name: str, values: np.ndarray) -> str:
    """Smallest and largest value, and how many are negative: a scale that is not physical shows here."""
    negative = int((values < 0).sum())
    text = f"{name} {float(values.min()):.3g} to {float(values.max()):.3g}"
    return text + (
        f", {negative} of {values.size} values negative, so the scale may not be physical" if negative else ""
    )


def _rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(values, dtype=np.float64))))
