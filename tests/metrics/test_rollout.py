"""Curves over frames, their geometric mean, and the share of trajectories that stay."""

import math

import numpy as np
import pytest
import torch

from pdekit.errors import BadInput
from pdekit.metrics import pointwise
from pdekit.metrics.rollout import QUANTILES, curve, geometric_mean, per_frame, scored, stable
from pdekit.space.grid import Grid

GRID = Grid.make(8, 2.0, location="vertex")


def test_a_curve_keeps_frames_apart_and_counts_what_it_leaves_out():
    errors = np.array([[1.0, 10.0], [3.0, math.inf], [2.0, math.nan], [4.0, 30.0]])
    found = curve(errors)
    assert found.mean.tolist() == [2.5, 20.0]
    assert found.median.tolist() == [2.5, 30.0]  # by rank among 10, 30 and a failure
    assert found.n_failed.tolist() == [0, 1]
    assert found.n_degenerate.tolist() == [0, 1]
    assert found.quantiles.shape == (len(QUANTILES), 2)
    np.testing.assert_allclose(found.quantiles[:, 0], np.quantile([1, 2, 3, 4], QUANTILES))
    assert found.quantiles[-1, 1] == math.inf
    none = curve(np.full((2, 1), math.nan))
    assert math.isnan(none.mean[0])
    assert math.isnan(none.median[0])


def test_channels_are_averaged_frame_by_frame():
    table = np.array([[[1.0, 3.0], [math.nan, 5.0], [math.nan, math.nan], [math.inf, 1.0]]])
    np.testing.assert_array_equal(per_frame(table), [[2.0, 5.0, math.nan, math.inf]])


def test_the_geometric_mean_is_of_the_means_over_samples():
    errors = np.array([[1e-3, 1e-2, 1e-1], [3e-3, 3e-2, 3e-1]])
    assert geometric_mean(errors) == pytest.approx((2e-3 * 2e-2 * 2e-1) ** (1 / 3), rel=1e-12)
    assert geometric_mean(errors, steps=2) == pytest.approx((2e-3 * 2e-2) ** 0.5, rel=1e-12)
    errors[1, 2] = math.inf
    assert geometric_mean(errors) == math.inf
    assert geometric_mean(errors, steps=2) == pytest.approx((2e-3 * 2e-2) ** 0.5, rel=1e-12)
    assert geometric_mean(np.array([[0.0, 1.0]])) == 0.0
    assert math.isnan(geometric_mean(np.full((1, 2), math.nan)))


def test_only_the_first_hundred_steps_count():
    errors = np.concatenate([np.full((1, 100), 0.5), np.full((1, 50), 9.0)], axis=1)
    assert geometric_mean(errors) == pytest.approx(0.5)


def test_given_frames_are_not_scored():
    u = np.arange(2.0 * 5 * 8).reshape(2, 5, 8, 1)
    np.testing.assert_array_equal(scored(u, 2), u[:, 2:])
    assert scored(u, 0).shape == u.shape
    with pytest.raises(BadInput, match=r"no frame is left to score.\n  found: 5 frames, of which 5 are given"):
        scored(u, 5)


def field(amplitudes):
    """(n, t, x, 1) sines of these amplitudes, (n, t)."""
    wave = np.sin(np.pi * GRID.coordinates[0])
    return np.asarray(amplitudes)[..., None, None] * wave[:, None]


def test_a_trajectory_is_stable_until_it_bursts_and_never_again():
    ref = field([[1.0, 2.0, 1.0, 1.0]] * 4)
    pred = field([[1, 2, 1, 1], [1, 2, 2 * 3.2, 1], [1, 2 * 3.1, 1, 1], [1, 2, 1, 1]])
    pred[3, 3, 4, 0] = np.nan
    expected = [[True] * 4, [True, True, False, False], [True] * 4, [True, True, True, False]]
    assert stable(pred, ref, GRID).tolist() == expected  # 3.1^2 < 10 < 3.2^2 times the largest of all frames
    assert stable(torch.tensor(pred), torch.tensor(ref), GRID).tolist() == expected
    assert stable(pred, ref, GRID, burst=100.0)[1].all()
    small = stable(np.concatenate([pred[:1], 0.4 * pred[:1]]), np.concatenate([ref[:1], 0.1 * ref[:1]]), GRID)
    assert small.tolist() == [[True] * 4, [True, False, False, False]]  # each sample by its own reference


def test_one_lost_channel_loses_the_trajectory():
    ref = np.concatenate([field([[1.0, 1.0]]), field([[0.0, 0.0]])], axis=-1)
    pred = ref.copy()
    pred[0, 1, :, 1] = 50.0  # no scale is known for a channel that is zero in the reference
    assert stable(pred, ref, GRID).all()
    pred[0, 1, :, 1] = np.inf
    assert stable(pred, ref, GRID).tolist() == [[True, False]]
    pred = ref * np.array([4.0, 1.0])
    assert not stable(pred, ref, GRID).any()


def test_curves_of_a_metric_are_those_of_its_frames():
    rng = np.random.default_rng(0)
    ref = rng.normal(size=(3, 4, 8, 1))
    pred = ref * np.array([1.1, 1.2, 1.3, 1.4])[None, :, None, None]
    found = curve(per_frame(pointwise.relative_l2(pred, ref, GRID)))
    np.testing.assert_allclose(found.mean, [0.1, 0.2, 0.3, 0.4], rtol=1e-12)
    np.testing.assert_allclose(found.median, [0.1, 0.2, 0.3, 0.4], rtol=1e-12)
