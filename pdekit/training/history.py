"""`history.jsonl`: one JSON line per epoch, appended as it ends; what is not finite is null."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pdekit.errors import StorageError
from pdekit.files import plain
from pdekit.training.record import write_text


def append(path: Path, line: dict[str, Any]) -> None:
    """Add the line of one epoch. Raises StorageError."""
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(plain(line), allow_nan=False) + "\n")
    except OSError as error:
        raise StorageError.of(path, error) from None


def cut(path: Path, epochs: int) -> None:
    """Leave the lines of the first `epochs` epochs: what a killed run wrote beyond its checkpoint is done again."""
    kept = [line for line in _lines(path) if line["epoch"] <= epochs]
    write_text(path, "".join(json.dumps(plain(line), allow_nan=False) + "\n" for line in kept))


def _lines(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        return []
    lines = []
    for text in path.read_text(encoding="utf-8").splitlines():
        try:
            lines.append(json.loads(text))
        except json.JSONDecodeError:  # the line in which the run was killed
            break
    return lines
