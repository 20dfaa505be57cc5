"""Files that are whole or not there: written under a temporary name beside the target, then renamed into place."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pdekit.errors import StorageError

SCRATCH = "*.tmp.*"


@contextmanager
def whole(path: Path, *, sync: bool = True) -> Iterator[Path]:
    """A scratch path to write to; it takes the name `path` where the block ends well. Raises StorageError.

    `sync` waits until the bytes are on the disk. What a killed process leaves behind is named like SCRATCH.
    """
    scratch = path.with_name(f"{path.stem}.{os.getpid()}.tmp{path.suffix}")
    try:
        yield scratch
        if sync:
            with scratch.open("rb+") as written:
                os.fsync(written.fileno())
        os.replace(scratch, path)
    except OSError as error:
        raise StorageError.of(path, error) from None
    finally:
        scratch.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text. Raises StorageError."""
    with whole(path) as scratch:
        scratch.write_text(text, encoding="utf-8")


def write_json(path: Path, facts: Mapping[str, Any]) -> None:
    """Write facts as readable JSON; see `plain`."""
    write_text(path, json.dumps(plain(facts), indent=2, allow_nan=False) + "\n")


def plain(value: Any) -> Any:
    """The value as JSON knows it: arrays as lists, paths as text, NaN and infinity as null."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, str | int | float):
        return value
    return str(value)
