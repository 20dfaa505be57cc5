"""One file of The Well: its fields and scalars as arrays (n, [t], *x, [c]) that are read when they are asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import h5py
import numpy as np

from pdekit.data.formats.foreign import Note
from pdekit.data.formats.lazy import View
from pdekit.data.read import plain
from pdekit.errors import BadInput, FormatError
from pdekit.space.grid import AXES

ORDERS = (0, 1, 2)


class WellFile:
    """An open file that is known to hold the attributes and groups of the layout. Raises FormatError, BadInput."""

    def __init__(self, file: Any, path: Path) -> None:
        self.file: Any = file  # items are what the layout says, which __init__ and the methods look at
        self.path = path
        groups = ("dimensions", "scalars", "boundary_conditions", *(f"t{i}_fields" for i in ORDERS))
        missing = [
            f"@{k}" for k in ("dataset_name", "grid_type", "n_spatial_dims", "n_trajectories") if k not in file.attrs
        ]
        missing += [f"/{k}" for k in groups if not isinstance(file.get(k), h5py.Group)]
        if missing:
            raise FormatError.of(f"{str(path)!r} is not in The Well's layout.", found=f"without {', '.join(missing)}")
        self.name = str(plain(file.attrs["dataset_name"]))
        kind = str(plain(file.attrs["grid_type"]))
        if kind != "cartesian":
            raise BadInput.of(
                f"{str(path)!r} lies on a grid that pdekit has no place for.", found=kind, allowed="cartesian boxes"
            )
        self.samples = int(plain(file.attrs["n_trajectories"]))
        self.dims = self._names(file["dimensions"], "spatial_dims")
        if not 1 <= len(self.dims) <= len(AXES):
            raise FormatError.of(f"{str(path)!r} has no 1 to 3 axes.", found=", ".join(self.dims))
        self.points = tuple(int(self._dimension(d).shape[-1]) for d in self.dims)
        self.frames = int(self._dimension("time").shape[-1])

    def _names(self, group: Any, key: str) -> list[str]:
        if key not in group.attrs:
            raise FormatError.of(f"{str(self.path)!r} lacks the list {key} of {group.name}.")
        return [str(plain(v)) for v in np.atleast_1d(group.attrs[key])]

    def _dimension(self, name: str) -> h5py.Dataset:
        data = self.file["dimensions"].get(name)
        if not isinstance(data, h5py.Dataset) or data.ndim not in (1, 2):
            raise FormatError.of(
                f"{str(self.path)!r} lacks the coordinate {name!r}.", found=", ".join(self.file["dimensions"])
            )
        return data

    def coordinates(self) -> dict[str, np.ndarray]:
        """Positions by pdekit's name of the axis. Raises FormatError where they differ between samples."""
        out = {}
        for axis, dim in zip(AXES, self.dims, strict=False):
            data = self._dimension(dim)
            if data.ndim > 1:
                raise FormatError.of(f"the grid of {str(self.path)!r} differs between samples.", where=dim)
            out[axis] = data[...]
        return out

    def times(self) -> tuple[np.ndarray | None, list[str]]:
        """(times, what is not known about them); None where no field varies in time."""
        if not any(self._flag(d, "time_varying") for _, d in self._datasets().values()):
            return None, []
        time = self._dimension("time")[...]
        if time.ndim == 1:
            return time, []
        differ = not np.allclose(time, time[:1], rtol=1e-6)
        return time[0], ["times: they differ between samples, the first sample's stand"] if differ else []

    def boundaries(self) -> dict[str, Any]:
        """Entries of /boundary_conditions."""
        out: dict[str, Any] = {}
        for name, entry in self.file["boundary_conditions"].items():
            if not isinstance(entry, h5py.Group) or any(k not in entry.attrs for k in ("bc_type", "associated_dims")):
                raise FormatError.of(f"boundary {name!r} of {str(self.path)!r} has no type or no axes.")
            if any(d not in self.dims for d in self._names(entry, "associated_dims")):
                raise FormatError.of(f"boundary {name!r} of {str(self.path)!r} lies on an axis that is not there.")
            out[name] = entry
        return out

    def _datasets(self) -> dict[str, tuple[int, h5py.Dataset]]:
        out = {}
        for order in ORDERS:
            group = self.file[f"t{order}_fields"]
            for name in self._names(group, "field_names"):
                if not isinstance(group.get(name), h5py.Dataset):
                    raise FormatError.of(f"{str(self.path)!r} lacks the field {name!r}.", where=group.name)
                out[name] = (order, group[name])
        return out

    def _flag(self, data: h5py.Dataset, key: str) -> bool:
        if key not in data.attrs:
            raise FormatError.of(f"{data.name} of {str(self.path)!r} lacks the attribute {key}.")
        return bool(plain(data.attrs[key]))

    def signature(self) -> tuple[Any, ...]:
        """Names, orders and which of them vary in time."""
        fields = ((k, order, self._flag(d, "time_varying")) for k, (order, d) in self._datasets().items())
        return (*fields, *self._names(self.file["scalars"], "field_names"))

    def roles(self) -> dict[str, str]:
        """Fields that vary in time are outputs, others inputs, scalars parameters."""
        out = {}
        for name, (order, data) in self._datasets().items():
            role = "output" if self._flag(data, "time_varying") else "input"
            out |= dict.fromkeys(self._parts(name, order), role)
        return out | dict.fromkeys(self._scalars(), "parameter")

    def _parts(self, name: str, order: int) -> list[str]:
        if order < 2:
            return [name]
        return [f"{name}_{a}{b}" for a in AXES[: len(self.dims)] for b in AXES[: len(self.dims)]]

    def _scalars(self) -> dict[str, h5py.Dataset]:
        group = self.file["scalars"]
        named = {name: group.get(name) for name in self._names(group, "field_names")}
        return {k: d for k, d in named.items() if isinstance(d, h5py.Dataset) and not self._flag(d, "time_varying")}

    def left_out(self) -> list[str]:
        """Scalars that vary in time, which have no place in a pdekit file."""
        kept = self._scalars()
        return [name for name in self._names(self.file["scalars"], "field_names") if name not in kept]

    def fields(self) -> dict[str, View]:
        """All fields and scalars by pdekit's names."""
        out: dict[str, View] = {}
        for name, (order, _) in self._datasets().items():
            for k, part in enumerate(self._parts(name, order)):
                out[part] = self.field(name, k if order == 2 else None)
        return out | {name: self.scalar(name) for name in self._scalars()}

    def scalar(self, name: str) -> View:
        """(n,) of a scalar that does not vary in time."""
        data = self.file["scalars"][name]
        varying = self._flag(data, "sample_varying")
        expected = (self.samples,) if varying else ()
        if data.shape != expected and data.shape != (1,):
            raise FormatError.of(f"{data.name} of {str(self.path)!r} has the wrong shape.", found=str(data.shape))
        values = np.asarray(data[...], dtype=np.float64).reshape(-1)
        full = np.broadcast_to(values, (self.samples,))
        return View((self.samples,), "f8", lambda a, b: full[a:b])

    def field(self, name: str, component: int | None = None) -> View:
        """(n, [t], *x, [c]) of a field, with the axes that it does not vary over filled in."""
        order, data = self._datasets()[name]
        by_sample, by_time = self._flag(data, "sample_varying"), self._flag(data, "time_varying")
        by_axis = [bool(v) for v in np.atleast_1d(cast(Any, data.attrs.get("dim_varying", [True] * len(self.dims))))]
        sizes = [n for n, varies in zip(self.points, by_axis, strict=True) if varies]
        lead = ([self.samples] if by_sample else []) + ([self.frames] if by_time else [])
        tail = (len(self.dims),) * order
        if data.shape not in ((*lead, *sizes, *tail), (*lead, *sizes, len(self.dims) ** 2) if order == 2 else None):
            raise FormatError.of(
                f"{data.name} of {str(self.path)!r} has the wrong shape.",
                found=str(data.shape),
                allowed=str((*lead, *sizes, *tail)),
            )
        shape = ((self.frames,) if by_time else ()) + self.points + (tail if order < 2 else ())
        axes = [1 if not varies else n for n, varies in zip(self.points, by_axis, strict=True)]
        inner = ((self.frames,) if by_time else ()) + tuple(axes)

        def full(block: np.ndarray) -> np.ndarray:
            values = block.reshape(len(block), *inner, *((-1,) if order else ()))
            if component is not None:
                values = values[..., component]
            return np.broadcast_to(values, (len(block), *shape))

        return View((self.samples, *shape), data.dtype, _taker(data, by_sample, full))


def _taker(
    data: h5py.Dataset, by_sample: bool, full: Callable[[np.ndarray], np.ndarray]
) -> Callable[[int, int], np.ndarray]:
    def take(a: int, b: int) -> np.ndarray:
        block = np.asarray(data[a:b]) if by_sample else np.broadcast_to(np.asarray(data[...]), (b - a, *data.shape))
        return full(block)

    return take


def from_note(file: WellFile, note: Note) -> dict[str, View]:
    """The variables of a file that pdekit exported; `places` says which fields hold the components of one variable."""
    held = file.fields()
    out: dict[str, View] = {}
    for name, about in note.variables.items():
        parts = note.places.get(name, [name])
        if any(part not in held for part in parts):
            raise FormatError.of(f"{str(file.path)!r} lacks {name!r}, which its note names.", found=", ".join(held))
        view = held[parts[0]] if len(parts) == 1 else _stacked([held[p] for p in parts])
        if view.shape[1:2] == (1,) and note.time is None and about.role != "parameter":
            view = _without_frame(view) if len(view.shape) > 1 + len(file.points) else view
        if about.role == "boundary":
            view = _on_face(view, name, file)
        out[name] = view
    return out


def _stacked(views: list[View]) -> View:
    one = views[0]
    return View((*one.shape, len(views)), one.dtype, lambda a, b: np.stack([v[a:b] for v in views], axis=-1))


def _without_frame(view: View) -> View:
    return View((view.shape[0], *view.shape[2:]), view.dtype, lambda a, b: view[a:b][:, 0])


def _on_face(view: View, name: str, file: WellFile) -> View:
    """A field on a face was filled in along the axis across it: one layer of it is the field."""
    k = 1 + AXES.index(name.removeprefix("boundary_")[0])
    shape = (*view.shape[:k], *view.shape[k + 1 :])
    return View(shape, view.dtype, lambda a, b: np.take(view[a:b], 0, axis=k))
