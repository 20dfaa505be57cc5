"""Many systems on a CPU: one process a core, each system solved alone by the compiled kernels.

A batch that is advanced together (`batched.py`) is 5 to 19 times slower per product on a CPU, and pays for its slowest sample.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import numpy as np

from pdekit.errors import BadInput, SolveError
from pdekit.linear.solve import solve, stack
from pdekit.solution import Solution
from pdekit.space.stencils import StencilOperator

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
CHUNKS = 4  # pieces of work per process: few messages, and no process waits long for the slowest


def solve_many(operators: Any, bs: Any, *, workers: int | None = None, **options: Any) -> Solution:
    """Solve A_i x_i = b_i, i = 0 .. n - 1, spread over processes.

    Each process imports the script that called: with more than one worker a script needs

        if __name__ == "__main__":
            solve_many(operators, bs)

    or every process would begin the script's own work again. Notebooks and modules that are imported need nothing.

    operators   one operator for all, or a sequence of n; StencilOperators or sparse arrays (a LinearOperator holds functions,
                which do not travel: workers = 1 serves it)
    bs          n right-hand sides, (n, *shape) or a sequence
    workers     processes, at most n; None: one a core that this process may use; 1: this process
    options     those of `solve`, for every system; x0 as (n, *shape) or a sequence; no callback

    Returns one Solution as a batch of `solve` does, in the order given: status, steps and costs per system. A system that
    fails has its status and disturbs no other. Raises BadInput on wrong use, naming the system, for torch tensors, which
    are solved together on their own device, and where the script has no guard; SolveError where a process was killed.
    """
    shared = not isinstance(operators, Sequence)
    for what, array in (("A", operators), *(("A", a) for a in ([] if shared else operators)), ("b", bs)):
        _refuse_tensors(what, array)
    n = len(bs)
    for b in bs if isinstance(bs, Sequence) else ():
        _refuse_tensors("b", b)
    if n == 0 or (not shared and len(operators) != n):
        raise BadInput.of(
            "operators and right-hand sides of many systems.",
            found=f"{'one' if shared else len(operators)} and {n}",
            allowed="one operator or as many as right-hand sides, at least one",
        )
    if workers is not None and (isinstance(workers, bool) or workers < 1):
        raise BadInput.of("workers of many systems.", found=repr(workers), allowed="an integer >= 1, or none")
    if options.get("callback") is not None:
        raise BadInput.of("a callback cannot follow systems in other processes.", found="callback", hint="leave it out")
    starts = options.pop("x0", None)
    if starts is not None and len(starts) != n:
        raise BadInput.of("x0 of many systems.", found=f"{len(starts)} starts", allowed=f"{n}")
    workers = min(len(os.sched_getaffinity(0)) if workers is None else workers, n)
    tasks = [(i, operators if shared else operators[i], bs[i], None if starts is None else starts[i]) for i in range(n)]
    size = -(-n // (workers * CHUNKS))
    chunks = [(tasks[i : i + size], options) for i in range(0, n, size)]
    if workers == 1:
        return stack([s for chunk in chunks for s in _solve(chunk)])
    if getattr(multiprocessing.current_process(), "_inheriting", False):  # an unguarded script, begun again in a worker
        raise SystemExit(1)  # the process that made this one says why
    # a forked child would share locks of threads that it does not have
    context = multiprocessing.get_context("spawn")
    started = context.Event()
    try:
        with ProcessPoolExecutor(workers, mp_context=context, initializer=_begin, initargs=(started,)) as pool:
            return stack([s for part in pool.map(_solve, chunks) for s in part])
    except BrokenProcessPool:
        raise _broken(started.is_set()) from None


def _broken(started: bool) -> BadInput | SolveError:
    """Why a process ended before its work. One that never started had to import the script again, and that failed."""
    if started:
        return SolveError(
            "a worker process of many systems was ended from outside, by want of memory as a rule.\n"
            "  next: fewer workers, or workers = 1"
        )
    return BadInput.of(
        "many systems over processes: no process could import the script.",
        found='a call outside of `if __name__ == "__main__":`, or a script that cannot be imported twice',
        hint='put the call, and all that a process need not repeat, under `if __name__ == "__main__":`; or give workers = 1',
    )


def _refuse_tensors(what: str, array: Any) -> None:
    """Raise BadInput for torch tensors, and operators of them."""
    if isinstance(array, StencilOperator):
        array = array.edges[0]
    if hasattr(array, "__dlpack__") and not isinstance(array, np.ndarray):
        raise BadInput.of(
            "many systems over processes are solved by NumPy kernels.",
            found=f"{what} of {type(array).__module__}.{type(array).__name__}",
            allowed="NumPy arrays",
            hint="solve(operator, b) with edges and b stacked, (n, ...): `pdekit.linear.batched` solves tensors together, "
            "on their own device; or move them to NumPy",
        )


def _begin(started: Any) -> None:
    """Processes share the cores: each uses one."""
    from threadpoolctl import threadpool_limits

    started.set()
    os.environ.update(dict.fromkeys(THREADS, "1"))
    threadpool_limits(1)


def _solve(chunk: tuple[list[tuple[int, Any, np.ndarray, Any]], dict[str, Any]]) -> list[Solution]:
    tasks, options = chunk
    run: Callable[..., Solution] = solve
    solutions = []
    for i, operator, b, x0 in tasks:
        try:
            solutions.append(run(operator, b, x0=x0, **options))
        except BadInput as error:
            raise BadInput(f"{error}\n  in system {i}") from None
    return solutions
