"""The Wasserstein distance of value distributions, against scipy and against laws that it obeys."""

import numpy as np
import pytest
import torch
from scipy.stats import wasserstein_distance

from pdekit.metrics.distribution import value_distance
from pdekit.space.grid import Grid

PERIODIC = Grid.make((6, 5), (1.0, 2.0))
ENDS = Grid.make((6, 5), (1.0, 2.0), location="vertex", boundary="dirichlet")


def pair(grid, seed=0):
    rng = np.random.default_rng(seed)
    ref = rng.normal(size=(3, 4, *grid.points, 2))
    return ref + rng.normal(size=ref.shape) ** 2, ref


@pytest.mark.parametrize("grid", [PERIODIC, ENDS], ids=["periodic", "ends"])
def test_it_is_scipy_s_with_the_weights_of_the_grid(grid):
    pred, ref = pair(grid)
    found = value_distance(pred, ref, grid)
    assert found.shape == (3, 1, 2)
    weights = np.tile(grid.weights.ravel(), 4)
    for n in range(3):
        for c in range(2):
            p, r = pred[n, ..., c].ravel(), ref[n, ..., c].ravel()
            assert found[n, 0, c] == pytest.approx(wasserstein_distance(p, r, weights, weights), rel=1e-12)
    np.testing.assert_allclose(value_distance(torch.tensor(pred), torch.tensor(ref), grid), found, rtol=1e-12)


def test_it_is_blind_to_where_and_when():
    _, ref = pair(PERIODIC)
    shuffled = np.roll(ref[:, ::-1], 2, axis=2)
    assert value_distance(shuffled, ref, PERIODIC).max() < 1e-15


def test_a_shift_is_its_own_distance_and_scale_goes_through():
    _, ref = pair(ENDS)
    np.testing.assert_allclose(value_distance(ref - 0.7, ref, ENDS), 0.7, rtol=1e-12)
    pred, _ = pair(ENDS)
    np.testing.assert_allclose(value_distance(3 * pred, 3 * ref, ENDS), 3 * value_distance(pred, ref, ENDS), rtol=1e-12)


def test_one_frame_that_is_not_finite_fails_the_sample():
    pred, ref = pair(PERIODIC)
    pred[1, 2, 0, 0, 1] = np.nan
    assert np.isinf(value_distance(pred, ref, PERIODIC)).tolist() == [
        [[False, False]],
        [[False, True]],
        [[False, False]],
    ]
