"""Padding and truncating against the trigonometric polynomial written out, one dense matrix per axis."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdekit.errors import BadInput
from pdekit.space.fourier import Fourier

PAIRS = [((8,), (12,)), ((8,), (9,)), ((9,), (10,)), ((8, 5), (12, 8)), ((6, 8), (7, 13)), ((4, 6, 5), (6, 9, 8))]
MIXED = [((8, 5), (5, 8)), ((5, 8), (8, 5)), ((6, 8), (8, 4)), ((4, 5, 6), (6, 4, 4)), ((7, 4, 6), (4, 7, 5))]


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def matrix(old, new):
    """(new, old): the interpolant of `old` values, without the modes that `new` points cannot hold, on `new` points.

    With `top` = min(old, new)/2 even, its mode is a cosine: of the interpolant in growing, of both signs in shrinking.
    """
    few, j, m = min(old, new), np.arange(new)[:, None], np.arange(old)[None, :]
    phase = 2 * np.pi * (j / new - m / old)
    out = 1.0 + 2.0 * sum((np.cos(n * phase) for n in range(1, (few + 1) // 2)), start=np.zeros((new, old)))
    if few % 2 == 0:
        top = few // 2
        both = 2 * np.cos(2 * np.pi * top * j / new) * np.cos(2 * np.pi * top * m / old)
        out = out + (both if new < old else both / 2)
    return out / old


def written_out(u, new):
    """The values (..., *new) by one matrix per axis."""
    dim = len(new)
    for axis, n in enumerate(new):
        u = np.moveaxis(np.moveaxis(u, axis - dim, -1) @ matrix(u.shape[axis - dim], n).T, -1, axis - dim)
    return u


@pytest.mark.parametrize(("few", "many"), PAIRS)
def test_growing_and_shrinking_are_the_matrices(few, many, rng):
    for old, new in ((few, many), (many, few)):
        fourier, u = Fourier.make(old), rng.standard_normal((2, *old))
        got = fourier.values(fourier.forward(u), new)
        assert np.abs(got - written_out(u, new)).max() < 1e-13


@pytest.mark.parametrize(("old", "new"), MIXED)
def test_some_axes_grow_while_others_shrink(old, new, rng):
    fourier, u = Fourier.make(old), rng.standard_normal((2, *old))
    got = fourier.values(fourier.forward(u), new)
    assert np.abs(got - written_out(u, new)).max() < 1e-13


@pytest.mark.parametrize("n", [8, 9, 16])
def test_the_interpolant_at_points_between(n):
    """cos(3x) + sin(2x) from N points, at 5N - 1 others; no transform in the expectation."""
    x, fine = (2 * np.pi * np.arange(m) / m for m in (n, 5 * n - 1))
    fourier = Fourier.make(n)
    got = fourier.values(fourier.forward(np.cos(3 * x) + np.sin(2 * x)), 5 * n - 1)
    assert np.abs(got - np.cos(3 * fine) - np.sin(2 * fine)).max() < 1e-13


def test_nyquist_is_split_between_both_signs():
    """cos(4x) on 8 points stays cos(4x) on 16; the whole coefficient on one sign would double or displace it."""
    fine = 2 * np.pi * np.arange(16) / 16
    eight = Fourier.make(8)
    v = eight.forward((-1.0) ** np.arange(8))
    assert np.abs(eight.values(v, 16) - np.cos(4 * fine)).max() < 1e-14
    sixteen = Fourier.make(16)
    for wave, left in ((np.cos, 1.0), (np.sin, 0.0)):
        low = sixteen.values(sixteen.forward(wave(4 * fine)), 8)
        assert np.abs(low - left * (-1.0) ** np.arange(8)).max() < 1e-14


def test_a_restriction_drops_what_it_cannot_hold():
    """cos(5x) on 16 points folds onto cos(3x) when sampled on 8, and is dropped when restricted."""
    fine = 2 * np.pi * np.arange(16) / 16
    fourier = Fourier.make(16)
    assert np.abs(fourier.values(fourier.forward(np.cos(5 * fine)), 8)).max() < 1e-14


grown = st.lists(st.tuples(st.integers(2, 9), st.integers(0, 7)), min_size=1, max_size=3)
seeds = st.integers(0, 2**32 - 1)


@given(sizes=grown, seed=seeds)
def test_there_and_back(sizes, seed):
    points, many = tuple(n for n, _ in sizes), tuple(n + more for n, more in sizes)
    fourier = Fourier.make(points)
    v = fourier.forward(np.random.default_rng(seed).standard_normal((2, *points)))
    w = fourier.resample(v, many)
    assert np.allclose(fourier.at(many).resample(w, points), v, rtol=0, atol=1e-12)
    assert np.allclose(fourier.at(many).real(w), w, rtol=0, atol=1e-12)  # still those of a real field


@given(sizes=grown, seed=seeds)
def test_growing_in_two_steps_is_growing_in_one(sizes, seed):
    points = tuple(n for n, _ in sizes)
    between, many = (tuple(n + more + extra for n, more in sizes) for extra in (0, 3))
    fourier = Fourier.make(points)
    v = fourier.forward(np.random.default_rng(seed).standard_normal(points))
    twice = fourier.at(between).resample(fourier.resample(v, between), many)
    assert np.allclose(twice, fourier.resample(v, many), rtol=0, atol=1e-12)


@given(sizes=grown, seed=seeds)
def test_resampling_is_linear_keeps_the_mean_and_the_common_points(sizes, seed):
    points, many = tuple(n for n, _ in sizes), tuple(n * (1 + more % 3) for n, more in sizes)
    fourier, u = Fourier.make(points), np.random.default_rng(seed).standard_normal((2, *points))
    v = fourier.forward(u)
    fine = fourier.values(v, many)
    assert np.allclose(fourier.values(2 * v[0] - 3 * v[1], many), 2 * fine[0] - 3 * fine[1], rtol=0, atol=1e-12)
    assert np.allclose(fine.mean(axis=fourier.axes), u.mean(axis=fourier.axes), rtol=0, atol=1e-14)
    common = tuple(slice(None, None, m // n) for m, n in zip(many, points, strict=True))
    assert np.allclose(fine[(..., *common)], u, rtol=0, atol=1e-13)


def test_wrong_use():
    fourier = Fourier.make((8, 6))
    with pytest.raises(BadInput, match=r"no coefficients on \(8, 6\) points"):
        fourier.resample(np.ones((8, 6)), (4, 4))
    with pytest.raises(BadInput, match=r"points along y cannot be used\.\n  found: 1\n  allowed: an integer >= 2"):
        fourier.resample(fourier.forward(np.ones((8, 6))), (4, 1))
