"""Arrays that are not read until they are sliced by sample: what importers hand to `write_dataset`, which streams them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

BLOCK_BYTES = 32 * 2**20


class View:
    """An array of `shape` (n, ...) whose samples [start:stop] come from `take(start, stop)`."""

    def __init__(self, shape: tuple[int, ...], dtype: Any, take: Callable[[int, int], np.ndarray]) -> None:
        self.shape, self.dtype, self._take = tuple(int(s) for s in shape), np.dtype(dtype), take

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: slice) -> np.ndarray:
        start, stop, step = index.indices(len(self))
        if step != 1:
            raise ValueError("a View is read by contiguous samples")
        return self._take(start, max(start, stop))


def rows(data: Any, start: int, stop: int, change: Callable[[np.ndarray], np.ndarray] | None = None) -> View:
    """Samples start..stop of `data` (n, ...), each block passed through `change`, which keeps the axis n."""
    one = np.empty((1, *data.shape[1:]), dtype=data.dtype)
    shape = (one if change is None else change(one)).shape[1:]

    def take(a: int, b: int) -> np.ndarray:
        block = np.asarray(data[start + a : start + b])
        return block if change is None else change(block)

    return View((stop - start, *shape), data.dtype, take)


def joined(parts: Sequence[Any]) -> View:
    """Arrays of one shape, one after another along the samples."""
    cuts = np.cumsum([0, *(len(p) for p in parts)])

    def take(a: int, b: int) -> np.ndarray:
        pieces = [
            np.asarray(p[max(a - lo, 0) : min(b, hi) - lo])
            for p, lo, hi in zip(parts, cuts[:-1], cuts[1:], strict=True)
            if a < hi and b > lo
        ]
        return np.concatenate(pieces) if pieces else np.empty((0, *parts[0].shape[1:]), parts[0].dtype)

    return View((int(cuts[-1]), *parts[0].shape[1:]), parts[0].dtype, take)


def picked(data: Any, index: np.ndarray, change: Callable[[np.ndarray], np.ndarray] | None = None) -> View:
    """Samples `index` (rising) of `data` (n, ...), each block passed through `change`; reads what lies between too."""
    one = np.empty((1, *data.shape[1:]), dtype=data.dtype)
    shape = (one if change is None else change(one)).shape[1:]

    def take(a: int, b: int) -> np.ndarray:
        chosen = index[a:b]
        if len(chosen) == 0:
            return np.empty((0, *shape), data.dtype)
        block = np.asarray(data[int(chosen[0]) : int(chosen[-1]) + 1])[chosen - chosen[0]]
        return block if change is None else change(block)

    return View((len(index), *shape), data.dtype, take)


def constant(value: Any, n: int, shape: Sequence[int] = ()) -> View:
    """One number, or one array of the trailing axes of `shape`, for all of n samples."""
    one = np.broadcast_to(np.asarray(value), tuple(shape))
    return View((n, *shape), one.dtype, lambda a, b: np.broadcast_to(one, (b - a, *one.shape)))


def blocks(n: int, sample_bytes: int) -> Iterator[slice]:
    """Slices of about 32 MiB that cover n samples."""
    size = max(1, BLOCK_BYTES // max(1, sample_bytes))
    return (slice(i, min(i + size, n)) for i in range(0, n, size))
