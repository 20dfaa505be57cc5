"""Batches of a data set for training: kept on the device, kept in memory, or streamed by worker processes.

Which of the three changes nothing but the speed: the order of samples is the caller's, batch by batch.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from pdekit.data.read import DataFile, open_file
from pdekit.errors import PdekitError
from pdekit.solver import Instances

Encode = Callable[[Instances], np.ndarray]
EncodeOutputs = Callable[[Mapping[str, np.ndarray]], np.ndarray]
BLOCK = 2**26  # bytes read at once when a split is taken into memory


class Samples(Dataset):
    """Rows of one split as pairs (x, y) of arrays (b, c, *points) float32; indexed by arrays of row numbers.

    The file is opened once in each process that asks: an HDF5 handle must not cross a fork.

    unread   inputs that `encode` does without: never read, never decompressed
    """

    def __init__(
        self,
        path: Path,
        split: str,
        rows: range,
        encode: Encode,
        encode_outputs: EncodeOutputs,
        unread: Collection[str] = (),
    ) -> None:
        self.path, self.split, self.rows = Path(path), split, rows
        self.encode, self.encode_outputs, self.unread = encode, encode_outputs, frozenset(unread)
        self._owner = 0
        self._file: DataFile | None = None
        self._shape: Any = None

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: Any) -> tuple[Tensor, Tensor]:
        file = self._open()
        chosen = self._chosen(index)
        y = self.encode_outputs({name: file.read(self.split, name, chosen) for name in self._shape[3]})
        return torch.from_numpy(self.encode(self._given(chosen))), torch.from_numpy(y)

    def kept(self, x: Tensor, y: Tensor) -> Resident:
        """All samples, read into memory or onto the device, as what hands out their batches."""
        return Resident(x, y)

    def _chosen(self, index: np.ndarray | slice) -> slice | np.ndarray:
        """Rows of the file."""
        if isinstance(index, slice):
            return slice(self.rows.start + index.start, self.rows.start + index.stop)
        return np.asarray(index) + self.rows.start

    def _given(self, chosen: slice | np.ndarray) -> Instances:
        file = self._open()
        grid, inputs, parameters, _ = self._shape
        return Instances(
            grid,
            {name: file.read(self.split, name, chosen) for name in inputs},
            {name: file.read(self.split, name, chosen) for name in parameters},
        )

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_file": None, "_owner": 0}

    def _open(self) -> DataFile:
        if self._file is None or self._owner != os.getpid():
            self._file, self._owner = open_file(self.path), os.getpid()
            self._shape = (
                self._file.grid(self.split),
                [n for n in self._file.names(self.split, "input", "geometry", "boundary") if n not in self.unread],
                [n for n in self._file.names(self.split, "parameter") if n not in self.unread],
                self._file.names(self.split, "output"),
            )
        return self._file

    def close(self) -> None:
        """Close the file of this process."""
        if self._file is not None and self._owner == os.getpid():
            self._file.close()
        self._file = None


class Resident:
    """All samples as two tensors on one device."""

    def __init__(self, x: Tensor, y: Tensor) -> None:
        self.x, self.y = x, y
        self.where = "memory" if x.device.type == "cpu" else "device"
        self.nbytes = x.nbytes + y.nbytes

    def __len__(self) -> int:
        return len(self.x)

    def batches(self, order: list[Any]) -> Iterator[tuple[Tensor, Tensor]]:
        """(x, y) of each array of row numbers in turn."""
        if not order:
            return
        rows = torch.from_numpy(np.concatenate(order)).to(self.x.device)
        for index in rows.split([len(part) for part in order]):
            yield self.x.index_select(0, index), self.y.index_select(0, index)

    def close(self) -> None:
        """Nothing to close."""


class Streamed:
    """Samples read by worker processes ahead of their use; memory stays at a few batches whatever the file's size."""

    where = "streamed"
    nbytes = 0  # of the caller's budget

    def __init__(self, samples: Samples, device: torch.device, workers: int = 1, ahead: int = 4) -> None:
        self.samples, self.device = samples, device
        self._order: list[Any] = []
        self._loader: DataLoader | None = DataLoader(
            _Reader(samples),
            sampler=_Order(self),  # pyright: ignore[reportArgumentType]
            batch_size=None,
            num_workers=workers,
            persistent_workers=workers > 0,
            prefetch_factor=ahead if workers else None,
            pin_memory=device.type == "cuda",
            generator=torch.Generator(),  # else each epoch would draw its workers' seed from the run's own
        )

    def __len__(self) -> int:
        return len(self.samples)

    def batches(self, order: list[Any]) -> Iterator[tuple[Tensor, Tensor]]:
        """(x, y) of each array of row numbers, or of windows, in turn. Raises what reading raises, as if read here."""
        self._order = order
        if self._loader is None:
            raise RuntimeError("the samples are closed")
        for read in self._loader:
            if isinstance(read, PdekitError):
                raise read
            x, y = read
            yield x.to(self.device, non_blocking=True), y.to(self.device, non_blocking=True)

    def close(self) -> None:
        """End the worker processes."""
        self._loader = None
        self.samples.close()


class _Reader(Dataset):
    """Hands our own errors over as values: torch would put the worker's traceback into their message."""

    def __init__(self, samples: Samples) -> None:
        self._samples = samples

    def __getitem__(self, index: Any) -> tuple[Tensor, Tensor] | PdekitError:
        try:
            return self._samples[index]
        except PdekitError as error:
            return error


class _Order:
    """A sampler whose items are whole batches, set anew for each epoch; workers live on."""

    def __init__(self, owner: Streamed) -> None:
        self._owner = owner

    def __iter__(self) -> Iterator[Any]:
        return iter(self._owner._order)

    def __len__(self) -> int:
        return len(self._owner._order)


def open_samples(
    samples: Samples,
    device: torch.device,
    *,
    budget: int,
    workers: int = 1,
    progress: Callable[[int, int, str], None] | None = None,
) -> Resident | Streamed:
    """Keep the samples on the device, or in memory, where they take at most `budget` bytes; stream them otherwise.

    On a GPU the budget is a half of what is free there instead; the other half is for the network.
    """
    x, y = samples[slice(0, 1)]
    size = (x.nbytes + y.nbytes) * len(samples)
    if device.type == "cuda":
        budget = torch.cuda.mem_get_info(device)[0] // 2
    if size > budget:
        samples.close()
        return Streamed(samples, device, workers)
    n = len(samples)
    everything = [torch.empty((n, *a.shape[1:]), dtype=a.dtype, device=device) for a in (x, y)]
    step = max(1, BLOCK * n // max(size, 1))
    for start in range(0, n, step):
        stop = min(start + step, n)
        for whole, part in zip(everything, samples[slice(start, stop)], strict=True):
            whole[start:stop] = part.to(device)
        if progress is not None:
            progress(stop, n, f"reading {samples.split}")
    samples.close()
    return samples.kept(*everything)
