"""A column that stands higher than what is around it: one dam, or two in one dimension, at random places and heights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pdekit.space.grid import Grid


def column(law: Mapping[str, Any], grid: Grid, rng: np.random.Generator) -> np.ndarray:
    """(*points) one number from `low` to `high` within a radius from `narrow` to `wide` shortest sides of a centre at most
    `spread` L away from the middle along each axis, `outside` elsewhere; all uniform, drawn in the order radius, centre, height.

    No point is partly inside: cells belong to the column as their centres do.
    """
    radius = rng.uniform(law["narrow"], law["wide"]) * min(grid.length)
    centre = [length * (0.5 + law["spread"] * rng.uniform(-1.0, 1.0)) for length in grid.length]
    height = rng.uniform(law["low"], law["high"])
    square = sum((x - c) ** 2 for x, c in zip(grid.mesh, centre, strict=True))
    return np.where(np.broadcast_to(np.asarray(square), grid.points) < radius**2, height, float(law["outside"]))
