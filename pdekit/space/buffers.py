"""Memory that is used again: a fresh array of some megabytes costs more to touch for the first time than a stencil product.

`empty` hands out arrays whose memory returns by itself: the store keeps one reference to each block, and a block that nobody
else refers to is free. A solve at 512 x 512 spends a third of its time on first touches otherwise (page faults). Where the
interpreter does not count references as expected, nothing is used again.
"""

from __future__ import annotations

import math
import sys
import threading
from typing import Any

import numpy as np

KEPT = 128 * 2**20  # bytes that a thread keeps at most
EACH = 16  # blocks of one size that a thread keeps at most: as many are looked at to find a free one
SMALLEST = 2**16  # bytes; smaller arrays are left to the allocator


def _free(blocks: list[np.ndarray]) -> int | None:
    """Place of a block that only the list refers to: its reference and the argument's are 2."""
    for i in range(len(blocks)):
        if sys.getrefcount(blocks[i]) == 2:
            return i
    return None


def _counts() -> bool:
    """True where `_free` tells a free block from one that a view holds."""
    held, free = np.empty(8, np.uint8), [np.empty(8, np.uint8)]
    blocks = [held]
    view = held[1:]
    del held
    return _free(blocks) is None and view.base is not None and _free(free) == 0


COUNTED = hasattr(sys, "getrefcount") and _counts()


class _Store(threading.local):
    """Blocks by size, sizes in the order of their last use, and the bytes of all."""

    def __init__(self) -> None:
        self.sizes: dict[int, list[np.ndarray]] = {}
        self.total = 0


_store = _Store()


def empty(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """An array of any content, C order; like numpy.empty, in memory that was used before where there is some."""
    dtype = np.dtype(dtype)
    size = math.prod(shape) * dtype.itemsize
    if size < SMALLEST or size > KEPT or not COUNTED:
        return np.empty(shape, dtype)
    blocks = _store.sizes.pop(size, [])
    place = _free(blocks)
    if place is None:
        block = np.empty(size, np.uint8)
        _store.total += size
    else:
        block = blocks.pop(place)
    blocks.append(block)  # the last ones are the most recently used
    if len(blocks) > EACH:
        del blocks[0]
        _store.total -= size
    _store.sizes[size] = blocks
    while _store.total > KEPT:
        oldest, others = next(iter(_store.sizes.items()))
        del others[0]
        _store.total -= oldest
        if not others:
            del _store.sizes[oldest]
    return block.view(dtype).reshape(shape)


def zeros(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """Like `empty`, filled with zeros."""
    out = empty(shape, dtype)
    out.fill(0)
    return out
