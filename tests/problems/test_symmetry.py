"""Shifts along periodic axes: what moves, by how much, on which arrays; how amounts are drawn."""

import numpy as np
import pytest
import torch

from pdekit.errors import BadInput
from pdekit.problems.symmetry import Family, shifts
from pdekit.space.grid import Grid

GRID = Grid.make([6, 8])


def field(*leading, seed=0):
    return np.random.default_rng(seed).standard_normal((*leading, 6, 8))


@pytest.mark.parametrize("kind", [np.asarray, torch.tensor])
def test_one_amount_moves_all_and_one_per_sample_moves_each(kind):
    family, u = shifts(GRID), field(3, 2)
    amounts = np.array([[1, 0], [5, 7], [0, 3]])
    each = np.asarray(family.move("u", kind(u), amounts))
    for i, amount in enumerate(amounts):
        np.testing.assert_array_equal(each[i], np.roll(u[i], tuple(amount), axis=(-2, -1)))
        np.testing.assert_array_equal(
            np.asarray(family.move("u", kind(u), amount)), np.roll(u, tuple(amount), axis=(-2, -1))
        )


def test_one_axis_alone():
    """A flow forced by cos(4 y) is moved along x and nowhere else."""
    family, u = shifts(GRID, ("x",)), field(2)
    assert family.name == "shift x"
    np.testing.assert_array_equal(family.move("w", u, np.array([2])), np.roll(u, 2, axis=-2))
    np.testing.assert_array_equal(family.move("w", u, np.array([[2], [5]]))[1], np.roll(u[1], 5, axis=-2))
    box = Grid.make(
        [6, 8], boundary={"y_low": "dirichlet", "y_high": "neumann", "x_low": "periodic", "x_high": "periodic"}
    )
    np.testing.assert_array_equal(shifts(box).move("w", u, np.array([2])), np.roll(u, 2, axis=-2))


def test_every_amount_is_drawn_about_equally_often_and_depends_on_the_generator_alone():
    family = shifts(GRID)
    drawn = family.draw(np.random.default_rng(3), 12_000)
    assert drawn.shape == (12_000, 2)
    np.testing.assert_array_equal(drawn, family.draw(np.random.default_rng(3), 12_000))
    for column, n in zip(drawn.T, GRID.points, strict=True):
        counts = np.bincount(column, minlength=n)
        assert len(counts) == n
        assert abs(counts - 12_000 / n).max() < 5 * np.sqrt(12_000 / n)


def test_as_a_symmetry_it_is_one_shift_that_changes_something():
    family, u = shifts(GRID), field(2)
    assert isinstance(family, Family)
    assert family.name == "shift"
    moved = family.apply("u", u)
    assert not np.array_equal(moved, u)
    np.testing.assert_array_equal(np.sort(moved.ravel()), np.sort(u.ravel()))


@pytest.mark.parametrize(
    ("boundary", "axes", "found"),
    [("dirichlet", None, "no axis"), ("periodic", ("z",), "z"), ("periodic", (), "no axis")],
)
def test_an_axis_that_is_not_periodic_is_refused(boundary, axes, found):
    with pytest.raises(BadInput, match=f"no shifts along these axes.\n  found: {found}\n  allowed: "):
        shifts(Grid.make([6, 8], boundary=boundary), axes)
