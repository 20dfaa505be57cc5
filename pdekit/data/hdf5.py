"""What HDF5 holds, with the type that is meant: groups, data sets, attributes as Python values."""

from __future__ import annotations

from typing import Any

import h5py
import numpy as np


def subgroup(parent: h5py.Group, name: str) -> h5py.Group:
    """A group by name. Raises KeyError where there is none, TypeError where something else has the name."""
    item = parent[name]
    if not isinstance(item, h5py.Group):
        raise TypeError(f"{item.name} is not a group")
    return item


def dataset(parent: h5py.Group, name: str) -> h5py.Dataset:
    """A data set by name. Raises KeyError where there is none, TypeError where something else has the name."""
    item = parent[name]
    if not isinstance(item, h5py.Dataset):
        raise TypeError(f"{item.name} is not a data set")
    return item


def is_bare_dimension(data: h5py.Dataset) -> bool:
    """True for netCDF's placeholder of a dimension that has no variable."""
    return text(data.attrs.get("NAME", "")).startswith("This is a netCDF dimension but not a netCDF variable")


def text(value: Any) -> str:
    """An attribute as text."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def plain(value: Any) -> Any:
    """An attribute as a Python value: text, number, or array."""
    if isinstance(value, bytes):
        return text(value)
    if isinstance(value, np.ndarray) and value.size == 1:  # netCDF keeps a number as an array of one
        value = value.reshape(())[()]
    return value.item() if isinstance(value, np.generic) else value
