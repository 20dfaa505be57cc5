"""The pdekit file, version 1, as names and shapes: which variables a split holds, and the hashes over them.

Nothing here touches a file; `layout` writes these descriptions, `read` finds them again.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xxhash

from pdekit.solution import Status
from pdekit.space.grid import Grid

FORMAT = 1
CONVENTIONS = "CF-1.11"
NUMBERED = ("train", "valid", "test")  # further splits take 3, 4, ... in their order
ROLES = ("input", "output", "parameter", "geometry", "boundary", "diagnostic")
SNAPSHOT_LIMIT = 16 * 2**20  # bytes; a larger sample is chunked by stored time
STATISTICS = ("mean", "std", "min", "max")


@dataclass(frozen=True)
class Variable:
    """One field or scalar of a split.

    dims        names of the axes after `sample`: ("x", "y"), ("time", "x", "y"), ("y",) for a face, () for a scalar
    shape       their sizes
    role        one of ROLES, or "record" for what the generation noted, one number a sample or (with dims) its telemetry.
                A "diagnostic" belongs to the data, is hashed and checked like them, and is neither asked nor answered:
                u_t, a streamfunction. Solvers are not given it, and no network is taught it unless by name
    """

    name: str
    dims: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: str
    role: str
    units: str = "1"
    long_name: str = ""
    face: str = ""

    @property
    def chunk(self) -> tuple[int, ...]:
        """Chunk without the sample axis: the sample, or one snapshot of it where it exceeds 16 MiB."""
        size = math.prod(self.shape) * np.dtype(self.dtype).itemsize
        if size > SNAPSHOT_LIMIT and self.dims[:1] == ("time",):
            return (1, *self.shape[1:])
        return self.shape

    @property
    def sample_bytes(self) -> int:
        """Stored bytes of one sample."""
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize


@dataclass(frozen=True)
class SplitLayout:
    """One group of the file: how many samples, on which grid, at which times, with which variables.

    index      (n,) index of each sample within its split, dropped samples counted
    dropped    indices that were left out
    number     number of the split in the random streams; the order of groups in `content_hash`
    attributes further attributes of the group
    """

    name: str
    number: int
    grid: Grid
    index: np.ndarray
    variables: tuple[Variable, ...]
    time: np.ndarray | None = None
    time_units: str = "1"
    dropped: tuple[int, ...] = ()
    attributes: Mapping[str, Any] = field(default_factory=lambda: {})


RECORD = (
    Variable("solver_status", (), (), "u1", "record", "1", "why the solver stopped"),
    Variable("solver_steps", (), (), "i4", "record", "1", "iterations of the solver"),
    Variable("solver_residual", (), (), "f8", "record", "1", "relative residual of the float64 solution, recomputed"),
    Variable("solver_seconds", (), (), "f4", "record", "s", "time of the solve, set-up included"),
    Variable("reference_error", (), (), "f8", "record", "1", "estimated relative L2 error; NaN where not estimated"),
    Variable("sample_seed", (), (), "u8", "record", "1", "generate_state(1) of the sample's SeedSequence"),
)
LOST_AT = Variable("lost_at", (), (), "f8", "record", "1", "time from which the sample was lost; NaN where it was not")
SAMPLE_HASH = Variable("sample_hash", (), (), "u8", "record", "1", "xxh3_64 of the sample's stored fields and scalars")
RECORD_NAMES = (*(v.name for v in RECORD), SAMPLE_HASH.name)


def status_flags() -> dict[str, Any]:
    """CF attributes that say what the numbers of `solver_status` mean."""
    return {
        "flag_values": np.array([int(s) for s in Status], dtype=np.uint8),
        "flag_meanings": " ".join(s.name.lower() for s in Status),
    }


def sample_hashes(stored: Mapping[str, np.ndarray]) -> np.ndarray:
    """(n,) uint64: xxh3_64 of the stored bytes (little-endian, C order) of all variables in name order, per sample."""
    arrays = [_little_endian(stored[name]) for name in sorted(stored)]
    n = len(arrays[0]) if arrays else 0
    out = np.empty(n, dtype=np.uint64)
    for i in range(n):
        digest = xxhash.xxh3_64()
        for array in arrays:
            digest.update(array[i : i + 1].data)
        out[i] = digest.intdigest()
    return out


def _little_endian(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))


def content_hash(hashes: Iterable[np.ndarray]) -> str:
    """SHA-256, as hexadecimal digits, over the sample hashes of all splits in order."""
    digest = hashlib.sha256()
    for part in hashes:
        digest.update(np.asarray(part, dtype="<u8").tobytes())
    return digest.hexdigest()


def split_order(numbers: Mapping[str, int | None]) -> list[str]:
    """Names of splits in the order of the content hash: by number, then train, valid, test, then by name."""
    known = {"train": 0, "valid": 1, "test": 2}

    def rank(name: str) -> tuple[int, str]:
        number = numbers[name]
        return (known.get(name, 3) if number is None else number, name)

    return sorted(numbers, key=rank)
