"""A shard: a finished range of samples as one plain file, ready to be copied into the data set chunk by chunk.

    pdekit shard 1\\n
    {"digest": xxh3_64 of the bytes, "arrays": {name: [dtype, shape, offset]},
     "chunks": {name: [[place, mask, offset, size], ...]}}\\n
    bytes; offsets count from here

Arrays are `index` (k,), everything with one number per sample, `sample_hash` and `moments/<name>`; chunks are those of
the fields, filtered and checksummed as the data set wants them. A shard is written by pdekit for itself and read by the same
version only.
"""

from __future__ import annotations

import json
import math
import mmap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xxhash

from pdekit.data.chunks import chunks
from pdekit.data.format import SAMPLE_HASH, Variable, sample_hashes
from pdekit.data.statistics import moments
from pdekit.errors import FormatError

MAGIC = b"pdekit shard 1\n"
Piece = bytes | memoryview


def shard_pieces(
    variables: tuple[Variable, ...], index: np.ndarray, stored: Mapping[str, np.ndarray], compression: str
) -> list[Piece]:
    """A shard as bytes in pieces. `stored` holds every variable as (k, ...) in its stored type, k >= 1.

    The pieces look into the arrays, which must stay as they are until the shard is written.
    """
    hashed = {v.name: stored[v.name] for v in variables if v.role != "record"}
    arrays = {"index": np.asarray(index, dtype=np.int64), SAMPLE_HASH.name: sample_hashes(hashed)}
    arrays |= {v.name: np.ascontiguousarray(stored[v.name]) for v in variables if not v.dims}
    arrays |= {f"moments/{name}": moments(values) for name, values in hashed.items()}
    pieces: list[Piece] = []
    header: dict[str, Any] = {"arrays": {}, "chunks": {}}
    offset = 0
    for name, array in arrays.items():
        header["arrays"][name] = [array.dtype.str, array.shape, offset]
        pieces.append(array.tobytes())
        offset += array.nbytes
    for variable in variables:
        if not variable.dims:
            continue
        entries = header["chunks"][variable.name] = []
        for chunk in chunks(variable, stored[variable.name], compression):
            size = sum(len(piece) for piece in chunk.pieces)
            entries.append([chunk.place, chunk.mask, offset, size])
            pieces += chunk.pieces
            offset += size
    digest = xxhash.xxh3_64()
    for piece in pieces:
        digest.update(piece)
    header["digest"] = digest.hexdigest()
    return [MAGIC, json.dumps(header).encode() + b"\n", *pieces]


class Shard:
    """A shard opened for reading; use it in a `with`. Raises FormatError where the file is none, or is cut short."""

    def __init__(self, path: Path) -> None:
        if path.stat().st_size < len(MAGIC):
            raise _damaged(path, "it is cut short")
        with path.open("rb") as file:
            head = file.readline(len(MAGIC))
            line = file.readline()
            if head != MAGIC or not line.endswith(b"\n"):
                raise _damaged(path, "its head is not that of a shard")
            try:
                header = json.loads(line)
            except ValueError:
                raise _damaged(path, "its head cannot be read") from None
            self._start = file.tell()
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._bytes = memoryview(self._map)
        self._digest: str = header["digest"]
        self._arrays: dict[str, Any] = header["arrays"]
        self._chunks: dict[str, Any] = header["chunks"]
        ends = [offset + np.dtype(kind).itemsize * math.prod(shape) for kind, shape, offset in self._arrays.values()]
        ends += [offset + size for entries in self._chunks.values() for _, _, offset, size in entries]
        if self._start + max(ends) != len(self._bytes):
            raise _damaged(path, f"{len(self._bytes)} bytes where {self._start + max(ends)} belong")

    def __enter__(self) -> Shard:
        return self

    def __exit__(self, *exception: object) -> None:
        self._bytes.release()
        self._map.close()

    @property
    def sound(self) -> bool:
        """Whether the bytes are those that were written; a machine that lost power may have lost some."""
        return xxhash.xxh3_64(self._bytes[self._start :]).hexdigest() == self._digest

    def array(self, name: str) -> np.ndarray:
        """A copy of one array, (k, ...)."""
        kind, shape, offset = self._arrays[name]
        count = math.prod(shape)
        return np.frombuffer(self._bytes, np.dtype(kind), count, self._start + offset).reshape(shape).copy()

    def chunks(self, name: str) -> Iterator[tuple[tuple[int, ...], int, memoryview]]:
        """(place, filter mask, bytes) of each chunk of a field; the bytes live as long as the shard is open."""
        for place, mask, offset, size in self._chunks[name]:
            start = self._start + offset
            with self._bytes[start : start + size] as content:
                yield tuple(place), mask, content


def _damaged(path: Path, found: str) -> FormatError:
    return FormatError.of(
        f"the shard {str(path)!r} is damaged.", found=found, hint="delete it and run the same command again"
    )
