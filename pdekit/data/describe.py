"""Turns people's arrays into variables of the file: axes by name, roles, units, dimensions from shapes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pdekit.data.format import RECORD_NAMES, ROLES, Variable
from pdekit.errors import BadInput
from pdekit.problems.problem import Problem
from pdekit.space.grid import AXES, Grid


def by_name(name: str, array: Any, grid: Grid) -> Any:
    """The array with its axes in order; xarray's names decide, where there are any."""
    dims = getattr(array, "dims", None)
    if dims is not None:
        order = [d for d in ("sample", "time", *grid.axes, "component") if d in dims]
        if "sample" not in dims or len(order) != len(dims):
            raise BadInput.of(
                f"variable {name!r} has axes that are not known.",
                found=", ".join(map(str, dims)),
                allowed=f"sample, [time], {', '.join(grid.axes)}, [component]",
            )
        return array.transpose(*order)
    return array if hasattr(array, "shape") and hasattr(array, "dtype") else np.asarray(array)


class Describer:
    """Turns names and shapes into variables of the file."""

    def __init__(
        self,
        problem: Problem | None,
        roles: Mapping[str, str],
        units: Mapping[str, str],
        long_names: Mapping[str, str],
        dtype: str,
    ) -> None:
        specs = (*problem.inputs, *problem.outputs) if problem else ()
        self.roles = {**{s.name: s.role for s in specs}, **roles}
        self.units = {**{s.name: s.unit for s in specs}, **units}
        self.long_names = {**{s.name: s.long_name for s in specs}, **long_names}
        self.dtype = dtype

    def variable(self, name: str, array: Any, grid: Grid, time: np.ndarray | None, given: Any) -> Variable:
        """What the file says about one array; `given` is it as the user passed it. Raises BadInput."""
        if not name.isidentifier() or name in ("sample", "time", "component", *AXES, *RECORD_NAMES):
            raise BadInput.of(
                f"the variable name {name!r} cannot be used.",
                allowed="letters, digits and _; no name of an axis or of the solver's record",
            )
        if np.dtype(array.dtype).kind not in "iufb" or len(array.shape) == 0:
            raise BadInput.of(
                f"variable {name!r} is no array of real numbers.", found=f"{array.dtype}, shape {array.shape}"
            )
        shape = tuple(int(s) for s in array.shape[1:])
        face = name.removeprefix("boundary_") if name.startswith("boundary_") else ""
        dims = _dims(name, shape, grid, time, face)
        role = self.roles.get(name) or ("boundary" if face else "parameter" if not dims else "")
        if role not in ROLES:
            raise BadInput.of(
                f"the role of variable {name!r} is not known.",
                found=repr(role),
                allowed=", ".join(ROLES),
                hint="roles={...}",
            )
        notes = getattr(given, "attrs", {})
        unit = self.units.get(name, str(notes.get("units", "1")))
        text = self.long_names.get(name, str(notes.get("long_name", "")))
        return Variable(name, dims, shape, self.dtype if dims else "f8", role, unit, text, face)


def _dims(name: str, shape: tuple[int, ...], grid: Grid, time: np.ndarray | None, face: str) -> tuple[str, ...]:
    if face:
        if shape == grid.face_shape(face):
            return tuple(a for a in grid.axes if a != face[0])
        raise BadInput.of(
            f"variable {name!r} does not lie on its face.", found=f"(n, {shape})", allowed=str(grid.face_shape(face))
        )
    if not shape:
        return ()
    timed = time is not None and shape[:1] == (len(time),)
    for frames in (("time",), ()) if timed else ((),):  # as many times as points along x: both readings are tried
        rest = shape[len(frames) :]
        if rest == grid.points:
            return (*frames, *grid.axes)
        if rest[:-1] == grid.points:
            return (*frames, *grid.axes, "component")
    raise BadInput.of(
        f"variable {name!r} does not lie on the grid.",
        found=f"shape (n, {', '.join(map(str, shape))})",
        allowed=f"(n, [t], {', '.join(map(str, grid.points))}, [c])"
        + ("; an axis t needs time=" if time is None else f" with {len(time)} times"),
    )
