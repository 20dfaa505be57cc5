"""The bytes of chunks as HDF5 keeps them, filtered and checksummed, made in the workers: the final file copies them.

Without compression a chunk is the values and their Fletcher-32 checksum, and no copy of the values is made. With
compression the HDF5 library filters it in memory, so that every filter is the library's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

import h5py
import numpy as np

from pdekit.data.checksum_kernels import fletcher32
from pdekit.data.format import Variable
from pdekit.data.layout import COMPRESSION


class Chunk(NamedTuple):
    """One chunk: its first index, the mask of filters that were left out, and its bytes in pieces, in order."""

    place: tuple[int, ...]
    mask: int
    pieces: tuple[bytes | memoryview, ...]


def chunks(variable: Variable, values: np.ndarray, compression: str) -> Iterator[Chunk]:
    """The chunks of (n, ...) values in their stored type, sample by sample."""
    return _plain(variable, values) if compression == "none" else _filtered(variable, values, compression)


def _plain(variable: Variable, values: np.ndarray) -> Iterator[Chunk]:
    values = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<"))
    for place in _places(variable, len(values)):
        part = values[place] if variable.chunk == variable.shape else values[place][None]
        flat = part.reshape(-1)
        checksum = int(fletcher32(flat.view(np.uint16)))
        yield Chunk(_start(variable, place), 0, (flat.data.cast("B"), checksum.to_bytes(4, "little")))


def _filtered(variable: Variable, values: np.ndarray, compression: str) -> Iterator[Chunk]:
    with h5py.File("chunks", "w", driver="core", backing_store=False) as file:
        data = file.create_dataset(
            "v", data=values, chunks=(1, *variable.chunk), fletcher32=True, **COMPRESSION[compression]
        )
        for place in _places(variable, len(values)):
            start = _start(variable, place)
            mask, content = data.id.read_direct_chunk(start)
            yield Chunk(start, mask, (content,))


def _places(variable: Variable, n: int) -> Iterator[tuple[int, ...]]:
    """(sample,) of each chunk, or (sample, time) where a chunk is one snapshot."""
    split = variable.chunk != variable.shape
    return product(range(n), range(variable.shape[0])) if split else product(range(n))


def _start(variable: Variable, place: tuple[int, ...]) -> tuple[int, ...]:
    return place + (0,) * (1 + len(variable.shape) - len(place))
