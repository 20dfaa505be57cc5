"""The three ways in which pdekit refuses: wrong use, a foreign or damaged file, a solve that failed."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import TypeVar

E = TypeVar("E", bound="BadInput")


class PdekitError(Exception):
    """Base of every error that pdekit raises on purpose; the command line prints it without a traceback."""


class BadInput(PdekitError, ValueError):
    """What a user passed in cannot be used. The command line exits with 2.

    The message says what, where, what was found, what is allowed and what to do next; `of` lays it out.
    """

    @classmethod
    def of(cls: type[E], what: str, *, where: str = "", found: object = None, allowed: str = "", hint: str = "") -> E:
        """Lay out one message: `what`, then one indented line for each part that is given."""
        lines = [what]
        if where:
            lines.append(f"  in {where}")
        if found is not None:
            lines.append(f"  found: {found}")
        if allowed:
            lines.append(f"  allowed: {allowed}")
        if hint:
            lines.append(f"  next: {hint}")
        return cls("\n".join(lines))


class FormatError(BadInput):
    """A file is not what its place demands: foreign, truncated, or holding something that is never followed."""


class SolveError(PdekitError, RuntimeError):
    """A solve failed and the caller asked for an exception (`Solution.require_converged`), or `on_failure = "stop"`."""


class StorageError(PdekitError):
    """The disk refused: full, read-only or gone. Nothing stands under the final name; the same command continues."""

    @classmethod
    def of(cls, path: object, error: OSError) -> StorageError:
        """Say what the system said about writing `path`."""
        return cls(
            f"{str(path)!r} cannot be written.\n  found: {error.strerror or error}\n"
            "  next: free some space or choose another place, then run the same command again"
        )


def unknown_name(kind: str, name: str, known: Iterable[str], *, where: str = "", hint: str = "") -> BadInput:
    """The error for a name that is not in `known`, with the nearest known ones."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    allowed = (f"did you mean {', '.join(map(repr, near))}? all: " if near else "") + (", ".join(names) or "none")
    return BadInput.of(f"there is no {kind} named {name!r}.", where=where, allowed=allowed, hint=hint)
