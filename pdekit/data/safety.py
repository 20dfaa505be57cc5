"""Opens a file that may come from anywhere: nothing in it is followed or run (formats rule 9).

Links are looked at, never through: a name is visited only if it is a hard link. Filters are compared with a list before
a byte is decoded, because an unknown one makes the HDF5 library search for and load a plug-in.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin  # noqa: F401  (registers zstd and lz4)
import numpy as np

from pdekit.errors import BadInput, FormatError

FILTERS = {1: "gzip", 2: "shuffle", 3: "fletcher32", 32000: "lzf", 32015: "zstd", 32004: "lz4"}
REFERENCE_ATTRIBUTES = ("DIMENSION_LIST", "REFERENCE_LIST")  # netCDF's own, between dimensions and variables
DEPTH = 8
UNSTORED = 2**20  # bytes that a data set may claim without holding any of them


def open_safely(path: str | Path) -> h5py.File:
    """Open an HDF5 file for reading after a look at everything in it.

    Raises BadInput where the path is no file, FormatError where it is no HDF5 file, is truncated, or holds links out of
    itself, virtual data sets, raw data elsewhere, object references, filters that are not listed, or code-like types.
    """
    path = Path(path)
    if not path.exists():
        raise BadInput.of(f"there is no file {str(path)!r}.")
    if not path.is_file():
        raise BadInput.of(f"{str(path)!r} is not a file.", allowed="a pdekit file (.h5)")
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise _not_hdf5(path, error) from None
    try:
        for name, item in walk(file, str(path)):
            if isinstance(item, h5py.Dataset):
                _inspect(item, name, str(path))
            _inspect_attributes(item, name, str(path))
    except FormatError:
        file.close()
        raise
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:  # what h5py raises on damaged metadata
        file.close()
        raise FormatError.of(f"{str(path)!r} is damaged.", found=str(error)) from None
    return file


def _not_hdf5(path: Path, error: OSError) -> BadInput:
    text = str(error)
    if "truncated" in text:
        size = path.stat().st_size
        hint = "copy or generate it again"
        return FormatError.of(f"{str(path)!r} is truncated.", found=f"{size} bytes; {text}", hint=hint)
    if isinstance(error, PermissionError):
        return BadInput.of(f"{str(path)!r} cannot be read.", found=text)
    with path.open("rb") as raw:
        head = raw.read(8)
    if head == b"\x89HDF\r\n\x1a\n":
        return FormatError.of(f"{str(path)!r} is a damaged HDF5 file.", found=text, hint="copy or generate it again")
    return FormatError.of(
        f"{str(path)!r} is not an HDF5 file.",
        found=f"first bytes {head!r}",
        allowed="a file written by pdekit; `pdekit import` reads other formats",
    )


def walk(
    group: h5py.Group, where: str, prefix: str = "", depth: int = 0, seen: set[int] | None = None
) -> Iterator[tuple[str, Any]]:
    """All items below a group as (path, item), the group first.

    Raises FormatError at any link that is not hard, and at a second name of one object: a few links to links would
    otherwise stand for millions of groups.
    """
    seen = set() if seen is None else seen
    yield prefix or "/", group
    if depth > DEPTH:
        raise FormatError.of(f"{where!r} nests groups deeper than {DEPTH}.", found=prefix)
    for name in group:
        full = f"{prefix}/{name}"
        link = group.get(name, getlink=True)
        if isinstance(link, h5py.ExternalLink):
            raise _refused(where, full, f"an external link to {link.filename!r}:{link.path!r}")
        if isinstance(link, h5py.SoftLink):
            raise _refused(where, full, f"a soft link to {link.path!r}")
        if not isinstance(link, h5py.HardLink):
            raise _refused(where, full, "a user-defined link")
        item = group[name]
        address = int(h5py.h5o.get_info(item.id).addr)  # pyright: ignore[reportAttributeAccessIssue]
        if address in seen:
            raise _refused(where, full, "a second name of an object that the file holds already")
        seen.add(address)
        if isinstance(item, h5py.Group):
            yield from walk(item, where, full, depth + 1, seen)
        elif isinstance(item, h5py.Dataset):
            yield full, item
        else:
            raise _refused(where, full, "a named data type")


def _refused(where: str, name: str, found: str) -> FormatError:
    return FormatError.of(
        f"{where!r} holds something that is never followed.",
        where=name,
        found=found,
        allowed="plain groups and data sets, stored in the file itself",
    )


def _inspect(data: h5py.Dataset, name: str, where: str) -> None:
    if data.is_virtual:
        sources = ", ".join(sorted({repr(s.file_name) for s in data.virtual_sources()}))
        raise _refused(where, name, f"a virtual data set that takes its values from {sources}")
    if data.external:
        raise _refused(where, name, f"raw data outside the file, in {data.external[0][0]!r}")
    if data.nbytes > UNSTORED and data.id.get_storage_size() == 0:
        raise FormatError.of(
            f"{where!r} claims values that it does not hold.", where=name, found=f"{data.nbytes:.3g} bytes, none stored"
        )
    _inspect_type(data.dtype, name, where)
    properties = data.id.get_create_plist()
    for k in range(properties.get_nfilters()):
        code, _, _, label = properties.get_filter(k)
        if code not in FILTERS:
            raise FormatError.of(
                f"{where!r} uses a filter that is not read.",
                where=name,
                found=f"filter {code} ({label.decode('utf-8', 'replace') or 'no name'})",
                allowed=", ".join(FILTERS.values()),
            )


def _inspect_attributes(item: Any, name: str, where: str) -> None:
    for key in item.attrs:
        if key in REFERENCE_ATTRIBUTES:
            continue
        attribute = h5py.h5a.open(item.id, key.encode())
        _inspect_type(attribute.dtype, f"{name}@{key}", where)


def _inspect_type(dtype: Any, name: str, where: str) -> None:
    dtype = np.dtype(dtype)
    if h5py.check_ref_dtype(dtype) is not None:
        raise _refused(where, name, "object references")
    if dtype.kind in "iufbSU" or h5py.check_string_dtype(dtype) is not None:
        return
    base = h5py.check_vlen_dtype(dtype)
    if base is not None and np.dtype(base).kind in "iufbS":
        return
    raise _refused(where, name, f"values of type {dtype}")
