"""A worker process: reads tasks as JSON lines from its input, writes answers as JSON lines to its output.

It is started as a program of its own, so it needs no `if __name__ == "__main__"` in the caller's script. When its input
ends, because the generation ended or was killed, it ends at once.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
import traceback
from typing import Any, TextIO


def main() -> None:
    """Serve tasks until the input ends. The first line is {"text", "where", "folder"}, every other one a task."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to stop
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a library prints must not mix with the answers
    lines: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_listen, args=(sys.stdin, lines), daemon=True).start()
    setting = json.loads(lines.get())
    from pdekit.data.produce import produce_from_text

    while True:
        task = json.loads(lines.get())
        try:
            answer: dict[str, Any] = produce_from_text(
                setting["text"], setting["where"], setting["folder"], tuple(task)
            )
        except Exception as error:  # every fault is sent to the parent, which raises it there
            answer = {"error": type(error).__name__, "message": str(error), "trace": traceback.format_exc()}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _listen(source: TextIO, lines: queue.Queue[str]) -> None:
    for line in source:
        lines.put(line)
    os._exit(0)


if __name__ == "__main__":
    main()
