"""Results on stdout: aligned lines for people, one JSON object for machines; and the options that verbs share."""

from __future__ import annotations

import json
import re
import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import typer

from pdekit.files import plain

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change one key, e.g. grid.points=64. May be repeated."),
]

WIDEST = 120  # columns; longer lines are hard to read
NARROWEST = 30  # columns that the last column of a broken line keeps at least


def emit(facts: Any, lines: Iterable[str], *, as_json: bool) -> None:
    """Print `facts` as JSON, or `lines` as text."""
    if as_json:
        print(json.dumps(plain(facts), indent=2, allow_nan=False))
    else:
        for line in lines:
            print(*fitted(line, sys.stdout), sep="\n")


def fitted(line: str, stream: Any) -> list[str]:  # typing.TextIO is no class that a stream is an instance of
    """The line, broken under its last column where it is wider than a terminal; whole in files and pipes."""
    width = min(shutil.get_terminal_size().columns, WIDEST)
    if not stream.isatty() or len(line) <= width:
        return [line]
    columns = [m.end() for m in re.finditer(r"\S {2,}(?=\S)", line) if m.end() <= width - NARROWEST]
    hang = columns[-1] if columns else len(line) - len(line.lstrip()) + 2
    return textwrap.wrap(line, width, subsequent_indent=" " * hang, break_long_words=False, break_on_hyphens=False) or [
        line
    ]


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
