"""Runs many solvers at many tolerances in turns, round after round, so that a slow minute of the machine falls on all alike.

The first round goes from loose to tight, for those who are left early; later ones in an order drawn anew, because what ran
before a solve has its part in the time of it.
"""

from __future__ import annotations

import multiprocessing
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from truth import distance

from pdekit.solution import Status
from pdekit.solver import Instances

ROUNDS = 9  # of quick entries; slow ones take part in every SPARSE-th
SPARSE = 3
QUICK = 0.1  # seconds: a call below it is made twice, and the second counts, with warm caches
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Run:
    """One solve of one sample by a solver that was made anew for it.

    seconds         of the wall clock, set-up included, and so much of it set-up
    cpu_seconds     processor time of the same call
    error           relative L2 distance to the exact discrete solution
    """

    sample: int
    seconds: float
    setup_seconds: float
    cpu_seconds: float
    error: float
    steps: int
    status: Status


@dataclass
class Entry:
    """One solver at one tolerance (None: it has none). `left` says why it takes no part any more, else it is empty."""

    name: str
    rtol: float | None
    make: Callable[[], Any]
    runs: list[Run] = field(default_factory=list)
    left: str = ""

    @property
    def status(self) -> Status | None:
        """The worst of all runs; None without runs."""
        return max((r.status for r in self.runs), default=None)

    @property
    def shown(self) -> bool:
        """True where every sample was solved and none took too long."""
        return not self.left and self.status is not None and not self.status.failed

    def median(self, what: str) -> float:
        """Median over all runs of a number of `Run`; of steps and errors, over samples: each was run equally often."""
        return float(np.median([getattr(r, what) for r in self.runs]))


def contest(entries: list[Entry], cases: Instances, truth: np.ndarray, longest: float, progress: Progress) -> None:
    """Fill in the runs of all entries, in place.

    entries   tolerances of one solver in falling order; a solver left at one takes no part at tighter ones either
    truth     (n, *points): exact solutions of the n cases
    longest   seconds of processor time that one solve may take
    """
    firsts = {}
    for entry in entries:
        firsts.setdefault(entry.name, entry)
    for name, entry in firsts.items():  # in a child: a factorisation cannot be interrupted, but a process can be ended
        if not fits(lambda e=entry: e.make().solve(cases.case(0)), longest):
            _leave(entries, entry, f"more than {longest:g} s")
            progress(f"{name}: {entry.left}")
    rng = np.random.default_rng(0)
    for turn in range(ROUNDS):
        for i in range(len(entries)) if turn == 0 else rng.permutation(len(entries)):
            entry = entries[i]
            slow = bool(entry.runs) and entry.runs[0].cpu_seconds >= QUICK
            if entry.left or (slow and turn % SPARSE):
                continue
            k = len(entry.runs) % len(cases)
            run = _run(entry, cases, truth, k)
            if run.cpu_seconds < QUICK:
                run = _run(entry, cases, truth, k)
            entry.runs.append(run)
            if turn == 0 and run.cpu_seconds > longest:
                _leave(entries, entry, f"more than {longest:g} s")
            elif turn == 0 and run.status.failed:
                _leave(entries, entry, run.status.name)
        progress(f"round {turn + 1} of {ROUNDS}")


def _run(entry: Entry, cases: Instances, truth: np.ndarray, k: int) -> Run:
    solver, case = entry.make(), cases.case(k)
    wall, cpu = time.perf_counter(), time.process_time()
    solution = solver.solve(case)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    error = distance(solution.values["potential"][0], truth[k], truth[k])
    return Run(k, wall, float(solution.setup_seconds[0]), cpu, error, int(solution.steps[0]), solution.statuses[0])


def _leave(entries: list[Entry], at: Entry, why: str) -> None:
    """Take a solver out at this tolerance and the tighter ones."""
    where = "" if at.rtol is None else f" at {at.rtol:.0e}"
    for entry in entries[entries.index(at) :]:
        if entry.name == at.name:
            entry.left = why + where


def fits(work: Callable[[], Any], seconds: float) -> bool:
    """True where `work` ends within so many seconds of processor time, tried in a child process (POSIX: it forks).

    Raises RuntimeError where it ends with an exception.
    """
    child = multiprocessing.get_context("fork").Process(target=_limited, args=(work, seconds))
    child.start()
    child.join()
    if child.exitcode and child.exitcode > 0:
        raise RuntimeError("a contestant raised an exception; it stands above")
    return child.exitcode == 0


def _limited(work: Callable[[], Any], seconds: float) -> None:
    whole = max(1, round(seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (whole, whole))
    work()
