"""Correlation times: interpolated, counted from the last given frame, censored and never capped."""

import math

import numpy as np
import pytest

from pdekit.comparison.bootstrap import Draws
from pdekit.errors import BadInput
from pdekit.metrics.correlation_time import correlation_curve, correlation_time, in_frames, lasting, median
from pdekit.space.grid import Grid

GRID = Grid.make(16, 1.0, location="vertex")
X = GRID.coordinates[0]
INF, NAN = math.inf, math.nan


def tau(curves, lead, threshold=0.8):
    return correlation_time(np.asarray(curves, dtype=np.float64)[..., None], np.asarray(lead, float), threshold)[:, 0]


def test_the_crossing_is_linear_between_frames_of_any_spacing():
    found = tau([[0.9, 0.7, 0.1], [0.9, 0.85, 0.65], [0.6, 0.9, 0.9], [0.9, 0.7, 0.95]], [1.0, 3.0, 4.0])
    np.testing.assert_allclose(
        found, [2.0, 3.25, 0.5, 2.0]
    )  # the third from 1 at the given frame; the fourth is the first


def test_what_outlasts_the_data_is_censored_and_a_touch_is_no_crossing():
    assert tau([[0.9, 0.8], [0.99, 0.95]], [1.0, 2.0]).tolist() == [INF, INF]


def test_a_frame_that_is_not_finite_loses_it_at_the_frame_before():
    assert tau([[0.95, 0.9, -INF], [-INF, -INF, -INF]], [1.0, 2.0, 3.0]).tolist() == [2.0, 0.0]


def test_undefined_before_the_crossing_is_undefined_and_after_it_does_not_matter():
    found = tau([[0.9, NAN, 0.1], [0.9, 0.6, NAN], [0.9, 0.9, NAN]], [1.0, 2.0, 3.0])
    assert np.isnan(found).tolist() == [True, False, True]
    assert found[1] == pytest.approx(1 + 1 / 3)


def test_channels_have_times_of_their_own():
    corr = np.stack([np.array([[0.9, 0.7]]), np.array([[0.6, 0.5]])], axis=-1)
    np.testing.assert_allclose(correlation_time(corr, np.array([1.0, 2.0]), 0.8), [[1.5, 0.5]])


def test_a_drifting_wave_loses_its_phase_at_the_known_time():
    """cos(2 pi (x - s t)) against s = 0 correlates as cos(2 pi s t): below 0.8 at t = arccos(0.8) / (2 pi s)."""
    t, s = np.linspace(0.0, 2.0, 401), 0.13
    ref = np.cos(2 * np.pi * X)[None, None, :, None] * np.ones((1, 401, 1, 1))
    pred = 3.0 + 0.1 * np.cos(2 * np.pi * (X[None] - s * t[:, None]))[None, ..., None]
    curve = correlation_curve(pred[:, 1:], ref[:, 1:], GRID)
    for threshold in (0.8, 0.9, 0.95):
        exact = math.acos(threshold) / (2 * math.pi * s)
        assert correlation_time(curve, t[1:], threshold)[0, 0] == pytest.approx(exact, rel=1e-4)


def test_a_constant_prediction_is_uncorrelated_and_a_constant_reference_says_nothing():
    wave = np.cos(2 * np.pi * X)[None, None, :, None]
    assert correlation_curve(np.ones_like(wave), wave, GRID).ravel() == 0.0
    assert np.isnan(correlation_curve(wave, np.ones_like(wave), GRID)).all()
    assert correlation_curve(wave * np.nan, wave, GRID).ravel() == -INF


def test_medians_are_never_of_capped_values():
    times = np.array([1.0, 2.0, INF, 3.0, INF, INF, INF])
    found = lasting(times, 0.8, 10.0)
    assert found.median == INF
    assert found.censored == pytest.approx(4 / 7)
    assert found.text() == "> 10"
    found = lasting(np.array([1.0, 2.0, INF, 3.0, NAN]), 0.8, 10.0)
    assert found.median == 2.5
    assert (found.n, found.n_degenerate, found.censored) == (5, 1, 0.25)
    assert found.text("s") == "2.5 s, 25% > 10"
    assert found.text("T_L", scale=2.0) == "1.25 T_L, 25% > 5"
    assert lasting(np.array([NAN, NAN]), 0.8, 1.0).text() == "not defined"
    assert median([1.0, INF]) == INF


def test_the_interval_is_the_bootstrap_of_the_median():
    rng = np.random.default_rng(3)
    times = rng.exponential(size=40)
    times[times > 1.2] = INF
    weights = Draws.of(40).weights
    found = lasting(times, 0.8, 1.2, weights)
    literal = []
    for row in np.rint(weights * 40).astype(int):
        literal.append(np.sort(np.repeat(times, row))[19])  # the lower of the middle two
    low, high = np.quantile(literal, (0.025, 0.975), method="nearest")
    assert found.low == low
    assert found.high == high
    assert found.low < found.median < found.high
    assert math.isnan(lasting(times[:5], 0.8, 1.2, Draws.of(5).weights).low)
    assert lasting(np.full(8, INF), 0.8, 1.2, Draws.of(8).weights).text() == "> 1.2 [> 1.2, > 1.2]"


def test_wrong_use_is_refused():
    with pytest.raises(BadInput, match="times of a correlation curve"):
        tau([[0.9, 0.8]], [0.0, 1.0])
    with pytest.raises(BadInput, match="times of a correlation curve"):
        tau([[0.9, 0.8]], [1.0])
    with pytest.raises(BadInput, match="threshold of a correlation time"):
        tau([[0.9]], [1.0], threshold=1.0)


def test_times_are_told_in_frames_of_any_spacing_too():
    lead = np.array([1.0, 3.0, 4.0])
    one = lasting(np.array([2.0, 2.0, INF, 3.5, NAN]), 0.8, 4.0)
    found = in_frames(one, lead)
    assert one.median == pytest.approx(2.75)
    assert found.median == pytest.approx(1 + 1.75 / 2)
    assert (found.end, found.censored, found.n_degenerate) == (3.0, one.censored, 1)
    assert in_frames(lasting(np.array([INF, INF]), 0.8, 4.0), lead).middle() == "> 3"
    assert math.isnan(found.low)
