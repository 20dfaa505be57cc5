"""Members of an npz that are mapped from the file, not read, and written block by block."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

LOCAL_HEADER = struct.Struct("<4s22xHH")  # signature, then lengths of name and extra field at byte 26


def members(path: Path) -> dict[str, np.ndarray]:
    """{name: array}: mapped where a member is stored as it is, read where it is compressed.

    Raises ValueError where a member holds Python objects or is no array, BadZipFile and OSError where the file is damaged.
    """
    out: dict[str, np.ndarray] = {}
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            name = info.filename.removesuffix(".npy")
            with archive.open(info) as raw:
                if info.compress_type != zipfile.ZIP_STORED:
                    out[name] = np.lib.format.read_array(raw, allow_pickle=False)
                    continue
                version = np.lib.format.read_magic(raw)
                read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
                shape, fortran, dtype = read(raw)
                start = raw.tell()
            if dtype.hasobject:
                raise ValueError("arrays of objects need pickle")
            if int(np.prod(shape, dtype=np.int64)) == 0 or not shape:
                with archive.open(info) as raw:
                    out[name] = np.lib.format.read_array(raw, allow_pickle=False)
                continue
            place = _data_offset(path, info) + start
            out[name] = np.memmap(path, dtype, "r", place, shape, "F" if fortran else "C")
    return out


def _data_offset(path: Path, info: zipfile.ZipInfo) -> int:
    with path.open("rb") as raw:
        raw.seek(info.header_offset)
        signature, name, extra = LOCAL_HEADER.unpack(raw.read(LOCAL_HEADER.size))
    if signature != b"PK\x03\x04":
        raise zipfile.BadZipFile(f"member {info.filename!r} has no header")
    return info.header_offset + LOCAL_HEADER.size + name + extra


def add(
    archive: zipfile.ZipFile,
    name: str,
    values: np.ndarray | Iterable[np.ndarray],
    *,
    shape: tuple[int, ...] | None = None,
    dtype: Any = None,
) -> None:
    """Add one array, whole, or as blocks of `dtype` that together have `shape`."""
    with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
        if isinstance(values, np.ndarray):
            np.lib.format.write_array(member, values, allow_pickle=False)
            return
        header = {"descr": np.lib.format.dtype_to_descr(np.dtype(dtype)), "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_2_0(member, header)
        for block in values:
            member.write(np.ascontiguousarray(block, dtype=dtype).tobytes())
