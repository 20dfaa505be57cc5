"""Who works on the tasks: this process, worker processes on this machine, or a dask cluster."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pdekit import errors
from pdekit.data.produce import one_thread, produce, produce_from_text
from pdekit.data.recipe import Recipe
from pdekit.data.shards import Task
from pdekit.errors import BadInput, PdekitError

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
Answer = tuple[Task, dict[str, Any]]


def here(recipe: Recipe, folder: Path, tasks: Sequence[Task]) -> Iterator[Answer]:
    """Work on the tasks in this process, one after another."""
    with one_thread():
        for task in tasks:
            yield task, produce(recipe, folder, task)


def processes(recipe: Recipe, folder: Path, tasks: Sequence[Task], workers: int) -> Iterator[Answer]:
    """Work on the tasks in `workers` processes of one thread each; answers come as they are ready.

    Raises what a worker raised, and PdekitError where a worker died. Leaving the iterator ends all workers.
    """
    todo: queue.SimpleQueue[Task] = queue.SimpleQueue()
    for task in tasks:
        todo.put(task)
    answers: queue.SimpleQueue[tuple[Task, dict[str, Any]]] = queue.SimpleQueue()
    setting = json.dumps({"text": recipe.toml(), "where": recipe._where, "folder": str(folder.resolve())})
    started = [_start() for _ in range(min(workers, len(tasks)))]
    for process in started:
        threading.Thread(target=_serve, args=(process, setting, todo, answers), daemon=True).start()
    try:
        for _ in tasks:
            task, answer = answers.get()
            if "error" in answer:
                _raise(answer)
            yield task, answer
    finally:
        for process in started:
            process.kill()
        for process in started:
            process.wait()


def _start() -> subprocess.Popen[str]:
    root = str(Path(__file__).resolve().parents[2])
    paths = [root, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    environment = {**os.environ, **dict.fromkeys(THREADS, "1"), "PYTHONPATH": os.pathsep.join(paths)}
    command = [sys.executable, "-m", "pdekit.data.worker"]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True, encoding="utf-8"
    )


def _serve(
    process: subprocess.Popen[str],
    setting: str,
    todo: queue.SimpleQueue[Task],
    answers: queue.SimpleQueue[tuple[Task, dict[str, Any]]],
) -> None:
    """Feed one worker until there is nothing to do; a broken pipe is reported as the task's answer."""
    assert process.stdin is not None
    assert process.stdout is not None
    line = setting + "\n"
    while True:
        try:
            task = todo.get_nowait()
        except queue.Empty:
            return
        reply = ""
        try:
            process.stdin.write(line + json.dumps([task.split, task.start, task.stop]) + "\n")
            process.stdin.flush()
            reply = process.stdout.readline()
            answer = json.loads(reply)  # fails on nothing, and on half a line: the worker died while it wrote
        except (OSError, ValueError):
            if reply.endswith("\n"):  # it lives and talks nonsense
                process.kill()
            code = process.wait()
            reason = f"signal {-code}" if code < 0 else f"exit code {code}"
            answers.put((task, {"error": "WorkerDied", "message": reason}))
            return
        line = ""
        answers.put((task, answer))


def _raise(answer: dict[str, Any]) -> None:
    name, message = answer["error"], answer["message"]
    if name == "WorkerDied":
        raise PdekitError(
            f"a worker process ended before its task was done ({message}).\n"
            "  next: if memory was short (signal 9), use fewer workers; run the same command again, "
            "finished samples are kept"
        )
    kind = getattr(errors, name, None)
    if isinstance(kind, type) and issubclass(kind, PdekitError):
        raise kind(message)
    raise RuntimeError(f"a worker failed with {name}: {message}\n{answer['trace']}")


def cluster(recipe: Recipe, folder: Path, tasks: Sequence[Task], scheduler: str) -> Iterator[Answer]:
    """Work on the tasks on the dask cluster at `scheduler`, whose workers must see the same folder.

    Raises BadInput where the scheduler cannot be reached.
    """
    from distributed import Client, as_completed

    try:
        client = Client(scheduler, timeout="10s", set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise BadInput.of(
            f"the dask scheduler at {scheduler!r} does not answer.",
            found=str(error) or type(error).__name__,
            allowed="an address such as tcp://host:8786, as `dask scheduler` prints it",
        ) from None
    with client:
        text, where = recipe.toml(), recipe._where
        futures = {
            client.submit(
                produce_from_text, text, where, str(folder.resolve()), (t.split, t.start, t.stop), pure=False
            ): t
            for t in tasks
        }
        for future in as_completed(list(futures)):
            yield futures[future], future.result()
