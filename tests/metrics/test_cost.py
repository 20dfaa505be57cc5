"""Timing, fronts, speed at equal error, break-even."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdekit.errors import BadInput
from pdekit.metrics import cost
from pdekit.metrics.cost import break_even, error_at_time, front, measure, time_at_error

positive = st.floats(1e-6, 1e6)


def test_measure_counts_only_warm_calls(monkeypatch):
    clock, durations = [0.0], iter([9.0, 8.0, 7.0, 1.0, 2.0, 3.0, 4.0])
    events = []

    def call():
        events.append("call")
        clock[0] += next(durations)

    def wait():
        events.append("wait")
        clock[0] += 0.5

    monkeypatch.setattr(cost.time, "perf_counter", lambda: clock[0])
    t = measure(call, warm_ups=3, repeats=4, synchronise=wait)
    assert (t.median, t.low, t.high) == (3.0, 2.25, 3.75)  # with the wait for the device after each call
    assert (t.first, t.repeats, t.warm_ups, t.spread) == (9.5, 4, 3, 1.5)
    assert events[:3] == ["wait", "call", "wait"]
    with pytest.raises(BadInput, match="0 repeats"):
        measure(call, repeats=0)


@given(st.lists(st.tuples(positive, positive), max_size=12))
def test_the_front_holds_exactly_the_runs_that_none_beats(runs):
    seconds, errors = [r[0] for r in runs], [r[1] for r in runs]
    f = front(seconds, errors)
    assert list(f.seconds) == sorted(f.seconds)
    assert all(a > b for a, b in zip(f.errors, f.errors[1:], strict=False))
    for t, e in runs:
        assert any(ft <= t and fe <= e for ft, fe in zip(f.seconds, f.errors, strict=True))
    for i in f.runs:
        assert not any((t < seconds[i] and e <= errors[i]) or (t <= seconds[i] and e < errors[i]) for t, e in runs)
    for t, e in zip(f.seconds, f.errors, strict=True):
        assert time_at_error(f, e) == pytest.approx(t, rel=1e-12)


def test_failed_runs_are_not_on_the_front():
    f = front([1.0, math.inf, 2.0, math.nan, 0.5], [0.1, 1e-9, math.nan, 1e-9, math.inf])
    assert (f.seconds, f.errors, f.runs) == ((1.0,), (0.1,), (0,))
    with pytest.raises(BadInput, match="differ in number"):
        front([1.0], [])


def test_time_at_equal_error_stays_on_the_front():
    f = front([1.0, 100.0, 50.0], [1e-1, 1e-5, 2e-1])
    assert time_at_error(f, 1e-3) == pytest.approx(10.0)  # half way in both logarithms
    assert time_at_error(f, 1e-6) == math.inf
    assert math.isnan(time_at_error(f, 0.2))
    assert math.isnan(time_at_error(front([], []), 0.1))
    exact = front([1.0, 3.0], [0.1, 0.0])
    assert time_at_error(exact, 0.05) == 3.0
    assert time_at_error(exact, 0.0) == 3.0


def test_break_even():
    assert break_even(0.11, 0.01, data=100, training=50, tuning=25.05) == 1751
    assert break_even(0.01, 0.01, data=1, training=1, tuning=0) == math.inf
    assert break_even(2.0, 1.0, data=0, training=0, tuning=0) == 0
    assert math.isnan(break_even(math.nan, 1.0, data=1, training=1, tuning=0))
    assert math.isnan(break_even(math.inf, 0.1, data=1, training=1, tuning=0))
    assert break_even(1.0, math.inf, data=1, training=1, tuning=0) == math.inf
    with pytest.raises(BadInput, match="finite and not negative"):
        break_even(1.0, 0.5, data=-1, training=0, tuning=0)


def test_measured_times_are_real():
    t = measure(lambda: np.ones(1000).sum(), warm_ups=0, repeats=3)
    assert 0 < t.low <= t.median <= t.high < 1.0


def test_error_at_equal_time_stays_on_the_front_and_waits_at_its_end():
    f = front([1.0, 100.0], [1e-1, 1e-5])
    assert error_at_time(f, 10.0) == pytest.approx(1e-3)  # half way in both logarithms
    assert error_at_time(f, 1.0) == pytest.approx(1e-1)
    assert error_at_time(f, 1e6) == 1e-5  # more time than the slowest run takes makes it no worse
    assert math.isnan(error_at_time(f, 0.99))  # no run is so fast
    assert math.isnan(error_at_time(front([], []), 1.0))


@given(st.lists(st.tuples(positive, positive), min_size=1, max_size=8), positive)
def test_time_and_error_are_inverse_on_the_front(runs, share):
    f = front([r[0] for r in runs], [r[1] for r in runs])
    t = f.seconds[0] * (f.seconds[-1] / f.seconds[0]) ** (share / (1 + share))
    assert time_at_error(f, error_at_time(f, t)) == pytest.approx(t, rel=1e-6)
