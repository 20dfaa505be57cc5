"""Floater-Hormann interpolation: its definition, what it reproduces, its order, and how much it enlarges."""

from itertools import pairwise

import numpy as np
import pytest

from pdekit.errors import BadInput
from pdekit.space.rational import interpolation_matrix, weights


def blended(x, u, t, d):
    """The definition: polynomials through d + 1 neighbours, blended by (-1)^i / prod (t - x_j)."""
    top = bottom = 0.0
    for i in range(x.size - d):
        near, p = x[i : i + d + 1], 0.0
        for j, xj in enumerate(near):
            others = np.delete(near, j)
            p += u[i + j] * np.prod((t - others) / (xj - others))
        share = (-1) ** i / np.prod(t - near)
        top, bottom = top + share * p, bottom + share
    return top / bottom


@pytest.mark.parametrize("d", [0, 1, 3, 5])
def test_it_is_the_blend_of_its_definition(d):
    x, u = 0.3 + 0.25 * np.arange(9), np.random.default_rng(0).standard_normal(9)
    new = np.array([0.2, 0.41, 1.33, 2.2, 2.45])
    wanted = [blended(x, u, t, d) for t in new]
    np.testing.assert_allclose(interpolation_matrix(x, new, d) @ u, wanted, rtol=1e-11)


@pytest.mark.parametrize("d", [1, 3, 6])
def test_it_reproduces_polynomials_to_its_degree_and_meets_the_samples(d):
    x, new = np.linspace(0.5, 2.0, 12), np.linspace(0.4, 2.1, 23)
    m = interpolation_matrix(x, new, d)
    np.testing.assert_allclose(m @ x**d, new**d, rtol=0, atol=1e-11)
    assert np.abs(m @ x ** (d + 2) - new ** (d + 2)).max() > 1e-6
    np.testing.assert_array_equal(interpolation_matrix(x, x, d), np.eye(12))
    np.testing.assert_allclose(m.sum(axis=1), 1.0, rtol=1e-13)


def test_samples_computed_with_other_roundings_are_met():
    x = (np.arange(48) + 0.5) * (1.1 / 48)
    np.testing.assert_array_equal(interpolation_matrix(x, x * (1 + 2e-16), 5), np.eye(48))


@pytest.mark.parametrize("d", [1, 3, 5])
def test_the_error_falls_like_h_to_the_d_plus_one(d):
    f, t = (lambda x: np.cos(5 * x + 0.3)), np.linspace(0.0, 1.0, 997)
    errors = []
    for n in (64, 128, 256):
        x = np.linspace(0.0, 1.0, n + 1)
        errors.append(np.abs(interpolation_matrix(x, t, d) @ f(x) - f(t)).max())
    orders = [np.log2(old / new) for old, new in pairwise(errors)]
    assert all(abs(order - (d + 1)) < 0.35 for order in orders), orders


def test_what_is_wrong_with_samples_is_enlarged_by_the_bound_and_no_more():
    for d in (1, 3, 5):
        x = np.linspace(0.0, 1.0, 65)
        largest = np.abs(interpolation_matrix(x, np.linspace(0, 1, 2001), d)).sum(axis=1).max()
        assert 1.5 < largest <= 2 ** (d - 1) * (2 + np.log(64))
    cells = (np.arange(64) + 0.5) / 64
    assert np.abs(interpolation_matrix(cells, np.array([0.0]), 5)).sum() == pytest.approx(155, rel=0.02)


def test_a_blending_degree_needs_more_points():
    with pytest.raises(BadInput, match=r"(?s)blending degree.*4 for 4 points.*fewer than the points"):
        weights(4, 4)
