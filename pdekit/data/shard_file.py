"""A shard: a finished range of samples as one plain file, ready to be copied into the data set chunk by chunk.

    pdekit shard 2\\n
    bytes; offsets count from the start of the file
    {"arrays": {name: [dtype, shape, offset]}, "chunks": {name: [[place, mask, offset, size], ...]}}\\n
    where that line starts, in 20 digits; xxh3_64 of everything before this line, in 16\\n

Arrays are `index` (n,), everything with one number per sample, `sample_hash` and `moments/<name>`; chunks are those of
the fields, filtered and checksummed as the data set wants them; a chunk that equals the one before it, as those of a
constant source do, points to the same bytes. A shard is written by pdekit for itself and read by the same
version only.

Samples are hashed, summed, checksummed and written batch by batch, while they still lie in the processor's cache: done
over a whole shard, each of these passes waits for memory, and all of them together took twice the time.
"""

from __future__ import annotations

import json
import math
import mmap
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import IO, Any

import numpy as np
import xxhash

from pdekit.data.chunks import chunks
from pdekit.data.format import SAMPLE_HASH, Variable, sample_hashes
from pdekit.data.statistics import moments
from pdekit.errors import FormatError
from pdekit.files import whole

MAGIC = b"pdekit shard 2\n"
TAIL = 38  # bytes of the last line


@contextmanager
def shard_writer(
    path: Path, variables: tuple[Variable, ...], compression: str, *, sync: bool = True
) -> Iterator[ShardWriter]:
    """Writes one shard, which bears its name when the block has ended well; `sync` waits until it is on the disk.

    Raises StorageError where the disk is full or fails.
    """
    with whole(path, sync=sync) as scratch, scratch.open("wb") as file:
        writer = ShardWriter(file, variables, compression)
        yield writer
        writer.finish()


class ShardWriter:
    """Takes the samples of one shard, batch by batch; made by `shard_writer`."""

    def __init__(self, file: IO[bytes], variables: tuple[Variable, ...], compression: str) -> None:
        self._file, self._variables, self._compression = file, variables, compression
        self._digest = xxhash.xxh3_64()
        self._parts: dict[str, list[np.ndarray]] = {}
        self._chunks: dict[str, list[Any]] = {v.name: [] for v in variables if v.dims}
        self._last: dict[str, list[bytes]] = {}  # what the last chunk of each field was
        self._samples, self._at = 0, 0
        self._put(MAGIC)

    def add(self, index: np.ndarray, values: Mapping[str, np.ndarray]) -> None:
        """The next samples: `index` (k,) within the split and every variable (k, ...), stored in its own type."""
        stored = {
            v.name: np.ascontiguousarray(values[v.name], dtype=np.dtype(v.dtype).newbyteorder("<"))
            for v in self._variables
        }
        for v in self._variables:
            if stored[v.name].shape != (len(index), *v.shape):
                raise ValueError(f"{v.name} has shape {stored[v.name].shape}, not {(len(index), *v.shape)}")
        hashed = {v.name: stored[v.name] for v in self._variables if v.role != "record"}
        arrays = {"index": np.asarray(index, dtype=np.int64), SAMPLE_HASH.name: sample_hashes(hashed)}
        arrays |= {v.name: stored[v.name] for v in self._variables if not v.dims}
        arrays |= {f"moments/{name}": moments(values) for name, values in hashed.items()}
        for name, array in arrays.items():
            self._parts.setdefault(name, []).append(array)
        for variable in self._variables:
            if not variable.dims:
                continue
            entries = self._chunks[variable.name]
            for (sample, *rest), mask, pieces in chunks(variable, stored[variable.name], self._compression):
                start, size = self._at, sum(len(piece) for piece in pieces)
                same = [xxhash.xxh3_128_digest(piece) for piece in pieces]
                if self._last.get(variable.name) == same:
                    start = entries[-1][2]
                else:
                    for piece in pieces:
                        self._put(piece)
                entries.append([[self._samples + sample, *rest], mask, start, size])
                self._last[variable.name] = same
        self._samples += len(index)

    def _put(self, piece: bytes | memoryview) -> None:
        self._digest.update(piece)
        self._file.write(piece)
        self._at += len(piece)

    def finish(self) -> None:
        """Write what is known at the end."""
        arrays = {}
        for name, parts in self._parts.items():
            whole = np.concatenate(parts)
            arrays[name] = [whole.dtype.str, whole.shape, self._at]
            self._put(whole.tobytes())
        start = self._at
        self._put(json.dumps({"arrays": arrays, "chunks": self._chunks}).encode() + b"\n")
        self._file.write(f"{start:020d} {self._digest.hexdigest()}\n".encode())


class Shard:
    """A shard opened for reading; use it in a `with`. Raises FormatError where the file is none, or is cut short."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)
        try:
            contents, self._end, self._digest = self._contents(path)
        except FormatError:
            self._file.close()
            raise
        self._arrays: dict[str, Any] = contents["arrays"]
        self._chunks: dict[str, Any] = contents["chunks"]

    @cached_property
    def _bytes(self) -> memoryview:
        """The whole file; all its pages are asked for at once, which takes a third less time than one by one."""
        flags = mmap.MAP_SHARED | getattr(mmap, "MAP_POPULATE", 0)
        return memoryview(mmap.mmap(self._file.fileno(), 0, flags=flags, prot=mmap.PROT_READ))

    def _contents(self, path: Path) -> tuple[dict[str, Any], int, str]:
        """The line before the last, where it ends, and the digest of the last."""
        size = os.fstat(self._file.fileno()).st_size
        if size < len(MAGIC) + TAIL:
            raise _damaged(path, "it is cut short")
        if os.pread(self._file.fileno(), len(MAGIC), 0) != MAGIC:
            raise _damaged(path, "its head is not that of a shard")
        end = size - TAIL
        where, digest = os.pread(self._file.fileno(), 20, end), os.pread(self._file.fileno(), 16, end + 21)
        start = int(where) if where.isdigit() else end
        if not len(MAGIC) <= start < end:
            raise _damaged(path, "its end is not that of a shard")
        try:
            contents = json.loads(os.pread(self._file.fileno(), end - start, start))
        except ValueError:
            raise _damaged(path, "its table of contents cannot be read") from None
        return contents, end, digest.decode("ascii", "replace")

    def __enter__(self) -> Shard:
        return self

    def __exit__(self, *exception: object) -> None:
        self.__dict__.pop("_bytes", memoryview(b"")).release()  # the map ends with its last view
        self._file.close()

    @property
    def room(self) -> int:
        """Bytes that its samples take in the data set, without the index of HDF5."""
        arrays = sum(np.dtype(kind).itemsize * math.prod(shape) for kind, shape, _ in self._arrays.values())
        return arrays + sum(size for entries in self._chunks.values() for *_, size in entries)

    @property
    def sound(self) -> bool:
        """Whether the bytes are those that were written; a machine that lost power may have lost some."""
        return xxhash.xxh3_64(self._bytes[: self._end]).hexdigest() == self._digest

    def __contains__(self, name: str) -> bool:
        return name in self._arrays

    def array(self, name: str) -> np.ndarray:
        """A copy of one array, (n, ...)."""
        kind, shape, offset = self._arrays[name]
        return np.frombuffer(self._bytes, np.dtype(kind), math.prod(shape), offset).reshape(shape).copy()

    def chunks(self, name: str) -> Iterator[tuple[tuple[int, ...], int, memoryview]]:
        """(place, filter mask, bytes) of each chunk of a field; the bytes live as long as the shard is open."""
        for place, mask, offset, size in self._chunks[name]:
            with self._bytes[offset : offset + size] as content:
                yield tuple(place), mask, content


def _damaged(path: Path, found: str) -> FormatError:
    return FormatError.of(
        f"the shard {str(path)!r} is damaged.", found=found, hint="delete it and run the same command again"
    )
