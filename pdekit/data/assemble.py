"""Joins shards into the final file: chunks are copied as they are, so memory stays small; renamed when whole."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from pdekit.data.format import SAMPLE_HASH, STATISTICS, SplitLayout, content_hash, split_order
from pdekit.data.hdf5 import dataset, subgroup
from pdekit.data.layout import create
from pdekit.data.shard_file import Shard
from pdekit.data.statistics import combine
from pdekit.errors import StorageError

Progress = Callable[[int, int, str], None]


def assemble(
    target: Path,
    splits: Sequence[SplitLayout],
    shards: Mapping[str, Sequence[Path]],
    attributes: Mapping[str, Any],
    *,
    partial: Path,
    compression: str,
    progress: Progress | None = None,
) -> None:
    """Write `target` from the shards of each split, in the order of their samples; it is `partial` until it is whole.

    Raises StorageError where the disk is full or fails; the target's name is then free as before.
    """
    room = _require_space(target, [path for paths in shards.values() for path in paths])
    total = sum(len(paths) for paths in shards.values())
    try:
        create(partial, splits, attributes, compression, room)
        with h5py.File(partial, "r+") as file:
            hashes = {}
            done, copied = 0, 0
            for split in splits:
                position = 0
                parts: dict[str, list[np.ndarray]] = {}
                scalars: dict[str, list[np.ndarray]] = {}
                for path in shards[split.name]:
                    with Shard(path) as shard:
                        position += _copy(shard, subgroup(file, split.name), split, position, parts, scalars)
                        copied = _start_writing(file, copied, shard.room)
                    done += 1
                    if progress:
                        progress(done, total, "assembling the file")
                hashes[split.name] = _finish(subgroup(file, split.name), split, parts, scalars)
            order = split_order({s.name: s.number for s in splits})
            file.attrs["content_hash"] = content_hash(hashes[name] for name in order)
        with partial.open("rb+") as raw:
            os.fsync(raw.fileno())
        partial.replace(target)
        sync_folder(target.parent)
    except OSError as error:
        raise StorageError.of(target, error) from None
    finally:
        partial.unlink(missing_ok=True)


def _start_writing(file: h5py.File, start: int, size: int) -> int:
    """Have the system begin to bring `size` bytes at about `start` to the disk, while the next shard is copied; the end.

    The advice makes Linux write what is new and forget what is written: here that is nothing yet. A third of the time of
    the final fsync remains.
    """
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(file.id.get_vfd_handle(), start, size, os.POSIX_FADV_DONTNEED)
    return start + size


def _require_space(target: Path, shards: Sequence[Path]) -> int:
    """Bytes that the samples of all shards take in the file. Raises StorageError where the disk has less."""
    needed = 0
    for path in shards:
        with Shard(path) as shard:
            needed += shard.room
    free = shutil.disk_usage(target.parent).free
    if needed > free:
        raise StorageError(
            f"the disk has no room for {str(target)!r}.\n  found: {free / 1e9:.3g} GB free\n"
            f"  allowed: {needed / 1e9:.3g} GB or more\n"
            "  next: free some space and run the same command again; finished samples are kept"
        )
    return needed


def _copy(
    shard: Shard,
    group: h5py.Group,
    split: SplitLayout,
    position: int,
    parts: dict[str, list[np.ndarray]],
    scalars: dict[str, list[np.ndarray]],
) -> int:
    """Copy the samples of one shard that are kept to samples `position`, ...; returns how many there were."""
    kept = np.isin(shard.array("index"), split.index)
    place = np.cumsum(kept) - 1 + position
    for variable in split.variables:
        if variable.dims:
            target = dataset(group, variable.name).id
            for (sample, *rest), mask, content in shard.chunks(variable.name):
                if kept[sample]:
                    target.write_direct_chunk((int(place[sample]), *rest), content, mask)
        else:
            scalars.setdefault(variable.name, []).append(shard.array(variable.name)[kept])
        if variable.role != "record":
            parts.setdefault(variable.name, []).append(shard.array(f"moments/{variable.name}")[kept])
    return int(kept.sum())


def _finish(
    group: h5py.Group, split: SplitLayout, parts: dict[str, list[np.ndarray]], scalars: dict[str, list[np.ndarray]]
) -> np.ndarray:
    """Write what has one number per sample, and the statistics of the training split; returns the sample hashes."""
    for name, pieces in scalars.items():
        dataset(group, name)[...] = np.concatenate(pieces)
    if split.name == "train":
        for variable in split.variables:
            if variable.role == "record":
                continue
            count = int(np.prod(variable.shape, dtype=np.int64))
            figures = combine(np.concatenate(parts[variable.name]), count)
            for name in STATISTICS:
                group[variable.name].attrs[name] = np.float64(figures[name])
    return np.concatenate(scalars[SAMPLE_HASH.name])


def sync_folder(folder: Path) -> None:
    """Make a rename in this folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
