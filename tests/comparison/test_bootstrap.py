"""Intervals against their theory, seeds within, pairs by Wilcoxon and Holm."""

import numpy as np
import pytest

from pdekit.comparison.bootstrap import Draws, holm, interval, paired


def test_interval_of_a_mean_is_that_of_the_normal_law():
    values = np.random.default_rng(1).normal(5.0, 2.0, 400)
    low, high = interval(Draws.of(400).errors(values[None], 0))
    half = 1.96 * values.std() / 20
    assert low == pytest.approx(values.mean() - half, abs=0.1 * half)
    assert high == pytest.approx(values.mean() + half, abs=0.1 * half)


def test_seeds_widen_the_interval_by_their_own_spread():
    """Two levels: with equal samples and seeds that differ, all the spread is the seeds'."""
    table = np.repeat(np.array([[1.0], [2.0], [3.0], [4.0]]), 50, axis=1)
    drawn = Draws.of(50).errors(table, 0)
    assert drawn.std() == pytest.approx(np.sqrt(1.25 / 4), rel=0.05)
    np.testing.assert_allclose(interval(Draws.of(50).errors(table[:1], 0)), (1.0, 1.0))


def test_the_same_samples_are_drawn_for_all_solvers():
    draws = Draws.of(30)
    a = np.random.default_rng(2).uniform(size=30)
    np.testing.assert_allclose(draws.errors(2 * a[None], 1), 2 * draws.errors(a[None], 2))


def test_times_are_medians_of_repeats_drawn_again():
    draws = Draws.of(5)
    assert interval(draws.times(np.full(10, 3.0), 0)) == (3.0, 3.0)
    low, high = interval(draws.times(np.arange(1.0, 12.0), 0))
    assert low < 6.0 < high
    assert (draws.times(np.arange(1.0, 12.0), 0) <= 11.0).all()


def test_outcomes_alone_decide_the_interval():
    a = np.random.default_rng(3).uniform(size=20)[None]
    assert interval(Draws.of(20).errors(a, 4)) == interval(Draws.of(20).errors(a, 4))


def test_holm_by_hand():
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03]), [0.03, 0.06, 0.06])
    np.testing.assert_allclose(holm([0.9, np.nan, 0.6]), [1.0, np.nan, 1.0])


def test_pairs_find_a_difference_that_is_there_and_none_that_is_not():
    rng = np.random.default_rng(4)
    base = np.exp(rng.normal(size=60))
    noise = np.exp(rng.normal(0, 0.05, size=60))
    pairs = {(p.first, p.second): p for p in paired({"a": base, "b": base * noise, "c": 1.5 * base})}
    assert pairs["a", "c"].ratio == pytest.approx(1 / 1.5)
    assert pairs["a", "c"].p < 1e-8
    assert pairs["a", "b"].p > 0.05


def test_pairs_leave_out_samples_that_failed_in_either():
    a, b = np.ones(10), np.full(10, 2.0)
    b[0] = np.inf
    assert paired({"a": a, "b": b})[0].ratio == pytest.approx(0.5)
    assert np.isnan(paired({"a": a[:4], "b": b[:4]})[0].p)
