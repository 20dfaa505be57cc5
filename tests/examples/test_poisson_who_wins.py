"""The work-precision study: its truth against rational arithmetic, its turns, its limits, its table."""

import time
from fractions import Fraction
from itertools import pairwise
from types import SimpleNamespace

import contest
import drawing
import numpy as np
import pytest
import truth
import work_precision
from contest import Entry, Run

from pdekit.solution import Solution, Status
from pdekit.solver import Instances
from pdekit.space.diffusion import diffusion
from pdekit.space.grid import Grid
from pdekit.space.stencils import StencilOperator

POSIX = pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="forks")


def rational(operator, right):
    """A x = b in rational numbers, by elimination; A as its edges say, nothing summed in floating point."""
    edges = tuple(np.vectorize(Fraction, otypes=[object])(e) for e in operator.edges)
    exact, size = StencilOperator(edges, operator.grid), right.size
    columns = [
        exact.slices(np.array(unit, object).reshape(right.shape)).ravel() for unit in np.eye(size, dtype=int).tolist()
    ]
    rows = [[*row, Fraction(float(b))] for row, b in zip(zip(*columns, strict=True), right.ravel(), strict=True)]
    for k in range(size):
        rows[k] = pivot = [v / rows[k][k] for v in rows[k]]
        for i, row in enumerate(rows):
            if i != k and row[k]:
                rows[i] = [a - row[k] * p for a, p in zip(row, pivot, strict=True)]
    return [row[-1] for row in rows]


@pytest.mark.skipif(np.finfo(np.longdouble).eps > 1e-18, reason="np.longdouble is no wider than float64 here")
def test_the_truth_is_exact_to_more_digits_than_float64_has():
    """A residual taken in float64 leaves 1e-16."""
    operator, _ = diffusion(Grid.make([5, 4], 1.0, boundary="dirichlet"), 0.7)
    b = np.random.default_rng(0).standard_normal(operator.shape)
    x, estimate = truth.refined(operator, b)
    wanted = rational(operator, b)
    off = [Fraction(float(v)) + Fraction(float(v - float(v))) - w for v, w in zip(x.ravel(), wanted, strict=True)]
    error = (sum(float(d) ** 2 for d in off) / sum(float(w) ** 2 for w in wanted)) ** 0.5
    assert error < 1e-18
    assert 0 < estimate < 1e-17


def test_a_distance_sees_what_float64_would_round_away():
    a = np.full(3, 1.0)
    b = np.full(3, 1.0, np.longdouble) + np.finfo(np.longdouble).eps
    assert truth.distance(a, b, a) == pytest.approx(float(np.finfo(np.longdouble).eps))


class Fake:
    """Answers the truth of case k plus `off`, with statuses and steps by case; may burn processor time. Notes its calls."""

    def __init__(self, name, calls, off=1e-3, steps=(1, 2, 9), statuses=(Status.CONVERGED,) * 3, burn=0.0):
        self.name, self.calls, self.off, self.steps, self.statuses, self.burn = name, calls, off, steps, statuses, burn

    def solve(self, case):
        k = int(case.fields["source"].flat[0])
        self.calls.append((self.name, k))
        until = time.process_time() + self.burn
        while time.process_time() < until:
            pass
        values = {"potential": np.full((1, 2, 2), 1.0 + self.off)}
        steps, setup = np.array([self.steps[k]]), np.array([0.0])
        return Solution(values=values, status=[self.statuses[k]], steps=steps, setup_seconds=setup)


def race(*fakes, longest=5.0):
    """The fakes as entries, after the contest; a list gives one solver's tolerances."""
    entries = []
    for k in range(max(len(f) for f in fakes)):
        entries += [Entry(f[0].name, 10.0 ** -(k + 1), lambda s=f[k]: s) for f in fakes if k < len(f)]
    cases = Instances(Grid.make([2, 2], 1.0), {"source": np.arange(3.0)[:, None, None] * np.ones((3, 2, 2))})
    contest.contest(entries, cases, np.ones((3, 2, 2)), longest, lambda text: None)
    return entries


@POSIX
def test_solvers_take_turns_and_every_sample_counts():
    calls = []
    a, b = race([Fake("a", calls)], [Fake("b", calls, statuses=(Status.CONVERGED, Status.MAX_STEPS, Status.CONVERGED))])
    rounds = [(calls[k][0], calls[k + 2][0]) for k in range(0, len(calls), 4)]
    assert len(rounds) == contest.ROUNDS
    assert set(rounds) == {("a", "b"), ("b", "a")}, "everybody once a round, in no fixed order"
    assert calls[::2] == calls[1::2], "quick calls are made twice"
    assert [r.sample for r in a.runs] == [0, 1, 2] * 3
    assert a.median("steps") == 2
    assert a.status is Status.CONVERGED
    assert a.shown
    assert a.median("error") == pytest.approx(1e-3)
    assert b.status is Status.MAX_STEPS
    assert not b.shown


@POSIX
def test_slow_entries_run_each_sample_once():
    calls = []
    (slow,) = race([Fake("slow", calls, burn=1.1 * contest.QUICK)])
    assert calls == [("slow", 0), ("slow", 1), ("slow", 2)]
    assert all(r.cpu_seconds >= contest.QUICK for r in slow.runs)
    assert slow.shown


@POSIX
def test_a_solver_that_needs_too_long_or_fails_is_left_at_tighter_tolerances_too():
    calls = []
    quick, slow, never = Fake("late", calls), Fake("late", calls, burn=1.2), Fake("late", calls)
    failing = Fake("failing", calls, statuses=(Status.STAGNATED,) * 3)
    entries = race([quick, slow, never], [failing, Fake("failing", calls)], longest=1.0)
    found = {(e.name, e.rtol): e for e in entries}
    assert found["late", 1e-1].shown
    assert len(found["late", 1e-1].runs) == contest.ROUNDS
    assert found["late", 1e-2].left == found["late", 1e-3].left == "more than 1 s at 1e-02"
    assert len(found["late", 1e-2].runs) == 1
    assert not found["late", 1e-3].runs
    assert found["failing", 1e-2].left == "STAGNATED at 1e-01"
    assert not found["failing", 1e-2].runs


@POSIX
def test_a_solve_without_end_is_ended_before_the_contest():
    calls = []
    (endless,) = race([Fake("endless", calls, burn=60.0)], longest=1.0)
    assert endless.left.startswith("more than 1 s")
    assert not calls


@POSIX
def test_an_exception_of_a_contestant_is_no_time_limit():
    with pytest.raises(RuntimeError, match="exception"):
        contest.fits(lambda: 1 / 0, 1.0)


def test_every_card_that_serves_is_in_one_panel_and_at_every_tolerance():
    names = [n for own in work_precision.panels().values() for n in own]
    assert len(names) == len(set(names))
    assert {"fast-poisson", "pcg-multigrid", "jacobi"} <= set(names)
    assert not {"fno", "mean-field", "crank-nicolson"} & set(names)
    entries = work_precision.entries(("cg", "direct"))
    assert [(e.name, e.rtol) for e in entries[:3]] == [("cg", 1e-2), ("direct", None), ("cg", 1e-4)]
    assert entries[-1].make().stop.rtol == work_precision.TOLERANCES[-1]


def entry(name, rtol, left="", **changes):
    """An entry with one run."""
    run = {"sample": 0, "seconds": 0.2, "setup_seconds": 0.04, "cpu_seconds": 0.1, "error": 2e-9, "steps": 7}
    return Entry(name, rtol, SimpleNamespace, [Run(**{**run, "status": Status.CONVERGED, **changes})], left)


def test_the_table_is_markdown_and_says_why_a_solver_is_missing(tmp_path):
    entries = [
        entry("cg", 1e-8),
        entry("cg", 1e-4, steps=3),
        entry("direct", None),
        entry("jacobi", 1e-8, "more than 6 s at 1e-06"),
    ]
    panels = {"one": ("direct", "cg"), "two": ("jacobi",)}
    lines = drawing.table(entries, panels, 1e-8).splitlines()
    assert lines[2:] == [
        "| direct | 7 | 2.0e-09 | 200 | 40 | 100 |",
        "| cg | 7 | 2.0e-09 | 200 | 40 | 100 |",
        "| jacobi | not reached: more than 6 s at 1e-06 | - | - | - | - |",
    ]
    assert {line.count("|") for line in lines} == {7}
    drawing.figure(entries, panels, "title", tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 10_000
    assert drawing.busy(entries) == pytest.approx(2.0)


@pytest.mark.slow
@POSIX
def test_a_small_study_from_end_to_end():
    """Rounding is measured, not assumed: the FFT is near 1e-16 and not at it, and errors follow the tolerances."""
    entries, estimates = work_precision.study(2, 24, 5.0)
    assert max(estimates) < 1e-17
    errors = {(e.name, e.rtol): e.median("error") for e in entries if e.shown}
    assert 1e-17 < errors["fast-poisson", None] < 1e-14
    assert 1e-17 < errors["direct", None] < 1e-13
    for name in ("cg", "multigrid", "jacobi"):
        own = [errors[name, rtol] for rtol in work_precision.TOLERANCES]
        assert all(new < 0.1 * old for old, new in pairwise(own))
    assert len({e.name for e in entries if e.shown}) == len({e.name for e in entries})
