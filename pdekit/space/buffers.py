"""Memory that is used again: a fresh array of some megabytes costs more to touch for the first time than a stencil product.

`empty` hands out arrays whose memory returns by itself: the store keeps one reference to each block, and a block that nobody
else refers to is free. A solve at 512 x 512 spends a third of its time on first touches otherwise (page faults).
"""

from __future__ import annotations

import math
import sys
import threading
from typing import Any

import numpy as np

KEPT = 128 * 2**20  # bytes that a thread keeps at most
SMALLEST = 2**16  # bytes; smaller arrays are left to the allocator


class _Store(threading.local):
    def __init__(self) -> None:
        self.blocks: list[np.ndarray] = []


_store = _Store()


def empty(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """An array of any content, C order; like numpy.empty, in memory that was used before where there is some."""
    dtype = np.dtype(dtype)
    size = math.prod(shape) * dtype.itemsize
    if size < SMALLEST or size > KEPT:
        return np.empty(shape, dtype)
    blocks = _store.blocks
    for i in range(len(blocks)):
        # 2: the list's reference and the argument's
        if blocks[i].size == size and sys.getrefcount(blocks[i]) == 2:
            block = blocks.pop(i)
            break
    else:
        block = np.empty(size, np.uint8)
    blocks.append(block)  # the last ones are the most recently used
    while sum(b.size for b in blocks) > KEPT:
        del blocks[0]
    return block.view(dtype).reshape(shape)


def zeros(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """Like `empty`, filled with zeros."""
    out = empty(shape, dtype)
    out.fill(0)
    return out
