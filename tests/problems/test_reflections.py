"""Mirrors of periodic boxes: the point 0 stays, each is its own inverse, odd fields change sign once per axis."""

import numpy as np
import pytest
import torch

from pdekit.problems.reflections import mirrors, negation
from pdekit.space.grid import Grid


@pytest.fixture
def grid():
    return Grid.make((6, 5), (2.0, 3.0), location="vertex", boundary="periodic")


def test_the_point_zero_stays_and_j_goes_to_minus_j(grid):
    u = np.arange(30.0).reshape(6, 5)
    found = {s.name: s.apply("u", u) for s in mirrors(grid)}
    assert list(found) == ["mirror x", "mirror y", "mirror x, y"]
    minus = [-np.arange(n) % n for n in (6, 5)]
    assert np.array_equal(found["mirror x"], u[minus[0]])
    assert np.array_equal(found["mirror y"], u[:, minus[1]])
    assert np.array_equal(found["mirror x, y"], u[np.ix_(*minus)])


@pytest.mark.parametrize("kind", [np.asarray, torch.asarray])
def test_twice_is_nothing_with_axes_in_front(grid, kind):
    u = kind(np.random.default_rng(0).standard_normal((2, 3, 6, 5)))
    for symmetry in (*mirrors(grid, {"x": ("u",)}), negation()):
        once = symmetry.apply("u", u)
        assert not np.array_equal(np.asarray(once), np.asarray(u))
        assert np.array_equal(np.asarray(symmetry.apply("u", once)), np.asarray(u))


def test_what_points_along_the_axis_turns_round(grid):
    u = np.ones((6, 5))
    odd = {"x": ("u", "w"), "y": ("v", "w")}
    signs = {s.name: {name: s.apply(name, u)[0, 0] for name in "uvwh"} for s in mirrors(grid, odd)}
    assert signs["mirror x"] == {"u": -1, "v": 1, "w": -1, "h": 1}
    assert signs["mirror y"] == {"u": 1, "v": -1, "w": -1, "h": 1}
    assert signs["mirror x, y"] == {"u": -1, "v": -1, "w": 1, "h": 1}
    assert negation().apply("any", u)[0, 0] == -1
