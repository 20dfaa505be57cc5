"""Progress on stderr: a bar on a terminal, a line every ten seconds elsewhere, nothing for what is quickly done."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

PATIENCE = 1.0  # seconds before the first sign
EVERY = 10.0  # seconds between lines where stderr is no terminal


class Bar:
    """A context manager that is called as the rooms call their `progress`: (done, total, what)."""

    def __init__(self) -> None:
        self._begin = time.monotonic()
        self._said = self._begin + PATIENCE - EVERY
        self._progress: Progress | None = None
        self._total = -1
        self._done = 0

    def __enter__(self) -> Bar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.stop()

    def __call__(self, done: int, total: int, what: str) -> None:
        """Show that `done` of `total` steps of `what` are done."""
        now = time.monotonic()
        if now - self._begin < PATIENCE:
            return
        if sys.stderr.isatty():
            self._draw(done, total, what)
        elif now - self._said >= EVERY:
            self._said = now
            print(f"{what}: {done} of {total}", file=sys.stderr, flush=True)

    def _draw(self, done: int, total: int, what: str) -> None:
        if self._progress is None:
            self._progress = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TimeRemainingColumn(),
                console=Console(file=sys.stderr),
            )
            self._progress.add_task(what, total=total)
            self._progress.start()
        task = self._progress.task_ids[0]
        if total != self._total or done < self._done:  # another stage: its time left is its own
            self._progress.reset(task, total=total)
        self._total, self._done = total, done
        self._progress.update(task, completed=done, total=total, description=what)
