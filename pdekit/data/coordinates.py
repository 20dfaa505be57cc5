"""The grid of a split, from its coordinates and what stands on them (formats rule 10)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import h5py
import numpy as np

from pdekit.data.hdf5 import dataset, plain, text
from pdekit.space.grid import AXES, Grid


def grid_of(group: h5py.Group) -> Grid:
    """The grid of a split. Raises BadInput, KeyError, ValueError or TypeError where there is none."""
    axes = [a for a in AXES if a in group]
    if not axes:
        raise ValueError("no coordinate x")
    boundary: dict[str, str] = {}
    values: dict[str, float] = {}
    robin: dict[str, tuple[float, float]] = {}
    for axis in axes:
        attributes: Mapping[str, Any] = group[axis].attrs
        for side in ("low", "high"):
            boundary[f"{axis}_{side}"] = text(attributes[f"boundary_{side}"])
            values[f"{axis}_{side}"] = float(plain(attributes.get(f"boundary_value_{side}", 0.0)))
            if f"boundary_robin_{side}" in attributes:
                alpha, beta = np.asarray(attributes[f"boundary_robin_{side}"]).ravel()
                robin[f"{axis}_{side}"] = (float(alpha), float(beta))
    first = group[axes[0]].attrs
    grid = Grid.make(
        [dataset(group, a).shape[0] for a in axes],
        [float(plain(group[a].attrs["length"])) for a in axes],
        location=text(first["location"]),
        boundary=boundary,
        boundary_value=values,
        robin=robin,
        unit=text(first.get("units", "1")),
    )
    for axis, expected, h in zip(axes, grid.coordinates, grid.spacing, strict=True):
        if not np.allclose(dataset(group, axis)[...], expected, rtol=0, atol=1e-6 * h):
            raise ValueError(f"coordinate {axis} is not that of a {grid.location} grid of its length")
    return grid
