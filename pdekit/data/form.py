"""The form of a pdekit file: what every reader relies on, looked at when a file is opened."""

from __future__ import annotations

import h5py

from pdekit.data.format import FORMAT, RECORD_NAMES, ROLES
from pdekit.data.hdf5 import is_bare_dimension, plain, text
from pdekit.errors import FormatError
from pdekit.space.grid import AXES

COORDINATES = (*AXES, "time", "sample")


def require_form(file: h5py.File, path: str) -> None:
    """Raise FormatError where a file is not one of ours: its version, groups, roles and numbers of samples."""
    version = plain(file.attrs.get("pdekit_format"))
    if version is None:
        raise FormatError.of(
            f"{path!r} is HDF5 but not a pdekit file.",
            found="no attribute pdekit_format",
            hint="`pdekit import` reads other people's layouts",
        )
    if version != FORMAT:
        raise FormatError.of(
            f"{path!r} has a format that this version cannot read.",
            found=f"pdekit_format {version}",
            allowed=str(FORMAT),
            hint="use the version of pdekit that is noted in the file",
        )
    groups = [item for item in file.values() if isinstance(item, h5py.Group)]
    if not groups:
        raise FormatError.of(f"{path!r} holds no split.", allowed="groups such as train, valid, test")
    for group in groups:
        _require_split(group, path)


def _require_split(group: h5py.Group, path: str) -> None:
    place = f"{path!r}, split {group.name}"
    sizes = set()
    for name, data in group.items():
        if name in COORDINATES or not isinstance(data, h5py.Dataset) or is_bare_dimension(data):
            continue
        if data.ndim == 0:
            raise FormatError.of(f"variable {name!r} has no sample axis.", where=place)
        sizes.add(data.shape[0])
        role = text(data.attrs.get("role", ""))
        if name not in RECORD_NAMES and role not in (*ROLES, "record"):
            raise FormatError.of(
                f"variable {name!r} has no role that is known.",
                where=place,
                found=repr(role),
                allowed=", ".join(ROLES),
            )
    if len(sizes) != 1:
        raise FormatError.of(
            "the variables of a split differ in their number of samples.", where=place, found=str(sorted(sizes))
        )
