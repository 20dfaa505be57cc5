"""What is drawn of one field: its values with names, units, place and colours.

Colour maps are perceptually uniform; where a field takes both signs a diverging one, white at zero, with limits of equal size.
All frames and planes of a field share limits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SEQUENTIAL, DIVERGING = "viridis", "RdBu_r"
BOTH_SIGNS = 0.1  # the smaller side must reach this part of the larger: a few negative values are no second sign
TIME = "t"  # the axis of an image over space and time that goes upward


@dataclass(frozen=True)
class Panel:
    """One field of one sample.

    axes       names of its space axes: ("x", "y"), or ("y",) for a field on a face
    edges      (low, high) of the drawn box per axis, in `length_unit`; cells and vertices are drawn as boxes about them
    window     (low, high) of the axis that is shown: the box itself where vertices lie on its faces
    points     positions per axis
    values     ([t], *axes)
    time       (t,) or None
    """

    name: str
    title: str
    unit: str
    axes: tuple[str, ...]
    edges: tuple[tuple[float, float], ...]
    window: tuple[tuple[float, float], ...]
    points: tuple[np.ndarray, ...]
    values: np.ndarray
    length_unit: str
    time: np.ndarray | None = None
    time_unit: str = "1"

    @property
    def label(self) -> str:
        """Name with unit, for a colour bar or an axis."""
        return f"{self.name} [{self.unit}]"

    def axis_label(self, axis: str) -> str:
        """Name of an axis with its unit."""
        return f"{axis} [{self.time_unit if axis == TIME else self.length_unit}]"

    def limits(self) -> tuple[float, float, str]:
        """(low, high, colour map) for all frames and planes."""
        low, high = float(self.values.min()), float(self.values.max())
        if low < 0 < high and min(-low, high) >= BOTH_SIGNS * max(-low, high):
            most = max(-low, high)
            return -most, most, DIVERGING
        if low == high:
            pad = 0.5 * abs(low) if low else 0.5
            return low - pad, high + pad, SEQUENTIAL
        return low, high, SEQUENTIAL
