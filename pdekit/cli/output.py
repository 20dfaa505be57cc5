"""Results on stdout: aligned lines for people, one JSON object for machines; and the options that verbs share."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change one key, e.g. grid.points=64. May be repeated."),
]


def emit(facts: Any, lines: Iterable[str], *, as_json: bool) -> None:
    """Print `facts` as JSON, or `lines` as text."""
    if as_json:
        print(json.dumps(plain(facts), indent=2, allow_nan=False))
    else:
        for line in lines:
            print(line)


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


def aligned(rows: Sequence[Sequence[object]], *, indent: str = "") -> list[str]:
    """Rows as lines, columns padded to one width, the last one left as it is."""
    texts = [[str(cell) for cell in row] for row in rows]
    width = [max((len(row[k]) for row in texts if k < len(row) - 1), default=0) for k in range(20)]
    return [
        indent + "  ".join(cell.ljust(width[k]) if k < len(row) - 1 else cell for k, cell in enumerate(row)).rstrip()
        for row in texts
    ]


def duration(seconds: float) -> str:
    """Seconds as a person says them: 12.3 s, 4 min 05 s, 2 h 10 min."""
    if seconds < 100:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02d} min"
