"""Windows of stored trajectories: some frames in a row, from a random start in training and from fixed ones in validation.

A window lies within one trajectory of one split. Trajectories are kept on the device, kept in memory, or streamed, as other
samples are (`windows.py`); which of the three changes nothing but the speed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pdekit.data.windows import Encode, EncodeOutputs, Resident, Samples


@dataclass(frozen=True)
class Windows:
    """A batch of windows: window i is frames starts[i] .. starts[i] + length - 1 of the trajectory in row rows[i]."""

    rows: np.ndarray
    starts: np.ndarray
    length: int

    def __len__(self) -> int:
        return len(self.rows)


def random_windows(
    n: int, frames: int, length: int, *, per_trajectory: int, batch: int, seed: int, epoch: int
) -> list[Windows]:
    """The batches of one epoch: `per_trajectory` windows of each of n trajectories, in random order, starts drawn evenly.

    A function of (seed, epoch) and the sizes alone, so that a resumed run sees the same windows.
    """
    rows = np.random.default_rng([seed, epoch, 0]).permutation(np.repeat(np.arange(n), per_trajectory))
    starts = np.random.default_rng([seed, epoch, 2]).integers(frames - length + 1, size=len(rows))
    return _batches(rows, starts, length, batch)


def fixed_windows(n: int, frames: int, length: int, *, stride: int, batch: int) -> list[Windows]:
    """The windows that start at frames 0, stride, 2 stride .. of each trajectory, as far as they fit."""
    first = np.arange(0, frames - length + 1, stride)
    return _batches(np.repeat(np.arange(n), len(first)), np.tile(first, n), length, batch)


def _batches(rows: np.ndarray, starts: np.ndarray, length: int, batch: int) -> list[Windows]:
    cuts = range(batch, len(rows), batch)
    return [Windows(r, s, length) for r, s in zip(np.split(rows, cuts), np.split(starts, cuts), strict=True)]


class Trajectories(Samples):
    """Rows of one split as pairs (a, u): what stays (b, c_a, *x) and frames (b, t, c, *x), float32.

    Indexed by a slice of rows, for whole trajectories, or by `Windows`. Frame 0 is the start field that the file gives to
    solvers, so that a network meets in training what it is asked with.

    starts   {output: start field}
    """

    def __init__(
        self,
        path: Path,
        split: str,
        rows: range,
        encode: Encode,
        encode_frames: EncodeOutputs,
        starts: Mapping[str, str],
        unread: Collection[str] = (),
    ) -> None:
        super().__init__(path, split, rows, encode, encode_frames, (*unread, *starts.values()))
        self.starts = dict(starts)

    def __getitem__(self, index: slice | np.ndarray | Windows) -> tuple[Tensor, Tensor]:
        if isinstance(index, Windows):
            return self._windows(index)
        chosen = self._chosen(index)
        file, frames = self._open(), {}
        for name, start in self.starts.items():
            u = file.read(self.split, name, chosen)
            u[:, 0] = file.read(self.split, start, chosen)
            frames[name] = u
        u = self.encode_outputs(frames)
        return torch.from_numpy(self._stays(chosen, len(u))), torch.from_numpy(u)

    def kept(self, x: Tensor, y: Tensor) -> ResidentTrajectories:
        """The same, in memory or on the device."""
        return ResidentTrajectories(x, y)

    def _windows(self, windows: Windows) -> tuple[Tensor, Tensor]:
        """Each trajectory of the batch is read once, whatever the number of its windows; of it, the frames that they span."""
        file, rows = self._open(), np.unique(windows.rows)
        place = np.searchsorted(rows, windows.rows)
        frames: dict[str, np.ndarray] = {}
        for name, start in self.starts.items():
            parts: list[Any] = [None] * len(windows)
            for j, row in enumerate(rows + self.rows.start):
                mine = np.flatnonzero(place == j)
                first, last = int(windows.starts[mine].min()), int(windows.starts[mine].max()) + windows.length
                span = file.read_frames(self.split, name, int(row), slice(first, last))
                if first == 0:
                    span[0] = file.read(self.split, start, [int(row)])[0]
                for i in mine:
                    parts[i] = span[windows.starts[i] - first :][: windows.length]
            frames[name] = np.stack(parts)
        a = self._stays(rows + self.rows.start, len(rows))[place]
        return torch.from_numpy(a), torch.from_numpy(self.encode_outputs(frames))

    def _stays(self, chosen: slice | np.ndarray, n: int) -> np.ndarray:
        """(n, c_a, *x), c_a = 0 where the file holds nothing but the starts."""
        given = self._given(chosen)
        fields = {**given.fields, **given.parameters}
        return self.encode(given) if fields else np.empty((n, 0, *given.grid.points), dtype=np.float32)


class ResidentTrajectories(Resident):
    """All trajectories as two tensors on one device: x (n, c_a, *x) what stays, y (n, t, c, *x) frames."""

    def batches(self, order: list[Any]) -> Iterator[tuple[Tensor, Tensor]]:
        """(a, u) of each batch of windows in turn: (b, c_a, *x) and (b, length, c, *x)."""
        if not order:
            return
        moved: Callable[[Any], Tensor] = lambda parts: torch.from_numpy(np.concatenate(parts)).to(self.x.device)  # noqa: E731
        rows, starts = moved([w.rows for w in order]), moved([w.starts for w in order])
        sizes = [len(w) for w in order]
        frames = self.y.flatten(0, 1)  # a view: row and frame are one index
        for windows, row, start in zip(order, rows.split(sizes), starts.split(sizes), strict=True):
            span = torch.arange(windows.length, device=self.x.device)
            index = (row[:, None] * self.y.shape[1] + start[:, None] + span).flatten()
            u = frames.index_select(0, index).unflatten(0, (len(windows), windows.length))
            yield self.x.index_select(0, row), u
