import numpy as np
import pytest

from pdekit.errors import BadInput
from pdekit.solution import Status
from pdekit.steppers import STEPPERS
from pdekit.steppers.march import march, march_adaptively, step_counts

ZERO = np.zeros(3)


@pytest.mark.parametrize(
    ("T", "dt", "count"), [(0.3, 0.1, 3), (1.0, 0.1, 10), (2.3, 0.1, 23), (49.0, 1 / 49, 2401), (30.0, 1e-4, 300_000)]
)
def test_counts_that_floor_division_loses(T, dt, count):
    assert step_counts([0.0, T], dt) == ([count], dt)


def test_a_dt_that_does_not_divide_is_refused_before_work():
    calls = []
    with pytest.raises(
        BadInput, match=r"does not divide the time between outputs.\n  in dt\n(.*\n)*  next: take dt = 0.25"
    ):
        march(STEPPERS["rk4"](), ZERO, lambda v, t: calls.append(t), np.ones((1, 1, 3), complex), [0.0, 1.0], 0.3)
    assert not calls


def test_fit_takes_the_largest_dt_that_divides():
    assert step_counts([0.0, 1.0], 0.3, fit=True) == ([4], 0.25)
    counts, h = step_counts([0.0, 1.0, 1.5], 0.6, fit=True)
    assert (counts, h) == ([2, 1], 0.5)
    counts, h = step_counts([0.0, 1.0, 1.4], 0.4, fit=True)
    assert counts == [5, 2]
    assert abs(h - 0.2) < 1e-15


@pytest.mark.parametrize("times", [[0.0], [0.0, 0.0], [1.0, 0.5], [0.0, np.nan]])
def test_useless_times_are_refused(times):
    with pytest.raises(BadInput, match="output times cannot be used"):
        step_counts(times, 0.1)


def clock(v, t):
    return 0 * v + 5 * t**4


@pytest.mark.parametrize("how", ["fixed", "limited", "by error"])
def test_frames_come_at_their_times(how):
    times, frames = [0.0, 0.3, 0.7, 2.3], []
    given = {"output": lambda i, t, v: frames.append((i, t, v[0, 0, 0].real))}
    v = np.ones((1, 1, 3), complex)
    if how == "fixed":
        march(STEPPERS["rk4"](), ZERO, clock, v, times, 0.1 / 4, **given)
    elif how == "limited":
        march_adaptively(
            STEPPERS["etdrk4"](),
            ZERO,
            clock,
            v,
            times,
            0.1,
            limit=lambda v, t: 0.02 + 0.05 * abs(np.sin(9 * t)),
            **given,
        )
    else:
        march_adaptively(STEPPERS["rk54"](), ZERO, clock, v, times, 0.1, rtol=1e-9, **given)
    assert [(i, t) for i, t, _ in frames] == list(enumerate(times))
    np.testing.assert_allclose([u for *_, u in frames], [1 + t**5 for t in times], rtol=2e-6)


def explode(v, t):
    return v * v


@pytest.mark.parametrize("adaptive", [False, True])
def test_a_lost_sample_is_named_and_harms_no_other(adaptive):
    v = np.array([1.0, -1.0, 0.1, np.nan]).reshape(4, 1, 1) + 0j  # v/(1 - v t): the first is lost at t = 1
    times, frames = [0.0, 0.5, 1.5, 2.0], []

    def go(v):
        keep = lambda i, t, u: frames.append(u)  # noqa: E731
        if adaptive:
            return march_adaptively(STEPPERS["rk54"](), np.zeros(1), explode, v, times, 0.1, rtol=1e-8, output=keep)
        return march(STEPPERS["rk4"](), np.zeros(1), explode, v, times, 0.01, output=keep)

    run = go(v)
    assert run.status[0] in (Status.DIVERGED, Status.NONFINITE, Status.BREAKDOWN)
    assert 0.5 < run.lost_at[0] <= 1.5
    assert run.status[1:] == [Status.EVALUATED, Status.EVALUATED, Status.NONFINITE_INPUT]
    assert np.isnan(run.lost_at[1:3]).all()
    assert run.lost_at[3] == 0
    assert [np.isnan(f[:, 0, 0]).tolist() for f in frames] == [[False, False, False, True]] * 2 + [
        [True, False, False, True]
    ] * 2
    if not adaptive:
        np.testing.assert_allclose(run.values[1:3, 0, 0], [-1 / 3, 0.125], rtol=1e-8)
        np.testing.assert_array_equal(run.values[1:3], go(v[1:3]).values)


def test_error_control_keeps_to_its_tolerance_and_steps_as_needed():
    L, v = np.array([-1.0]), np.ones((1, 1, 1), complex)
    runs = [
        march_adaptively(STEPPERS["rk54"](), L, lambda v, t: 0 * v, v, [0.0, 4.0], 4.0, rtol=r) for r in (1e-4, 1e-9)
    ]
    errors = [abs(run.values[0, 0, 0] * np.exp(4.0) - 1) for run in runs]
    assert errors[0] < 1e-3
    assert errors[1] < 1e-8
    assert 2 * runs[0].steps < runs[1].steps < 200
    assert runs[0].rejected > 0


def test_a_scheme_without_an_estimate_cannot_be_steered_by_error():
    with pytest.raises(BadInput, match=r"no error estimate(.*\n)*.*rk32, rk54"):
        march_adaptively(STEPPERS["etdrk4"](), ZERO, clock, np.ones((1, 1, 3), complex), [0.0, 1.0], 0.1, rtol=1e-6)
