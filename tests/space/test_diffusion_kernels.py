"""The compiled assembly on cells gives what the generic code gives, to rounding, for all faces and means."""

import itertools

import numpy as np
import pytest

from pdekit.space.diffusion import diffusion
from pdekit.space.grid import Grid

FACES = ("dirichlet", "neumann", "robin", "periodic")
PAIRS = [*((k, k) for k in FACES), ("dirichlet", "neumann"), ("robin", "dirichlet")]


def box(points, kinds):
    names = [f"{axis}_{side}" for axis in "xyz"[: len(points)] for side in ("low", "high")]
    boundary = dict(zip(names, itertools.chain(*kinds), strict=True))
    robin = {name: (1.5, 0.3) for name, kind in boundary.items() if kind == "robin"}
    return Grid.make(points, (1.0, 0.7, 1.9)[: len(points)], boundary=boundary, robin=robin)


def same(grid, a, mean, rtol, shift=None):
    """A field in Fortran order takes the generic code."""
    fast, walls = diffusion(grid, np.ascontiguousarray(a), mean=mean, shift=shift)
    slow, wanted = diffusion(grid, np.asfortranarray(a), mean=mean, shift=shift)
    for got, want in zip(fast.edges, slow.edges, strict=True):
        assert got.dtype == want.dtype == a.dtype
        assert got.flags.c_contiguous
        np.testing.assert_allclose(got, want, rtol=rtol, atol=0)
    assert list(walls) == list(wanted)
    for face, wall in walls.items():
        assert wall.shape == grid.face_shape(face)
        np.testing.assert_allclose(wall, wanted[face], rtol=rtol, atol=0)
    return fast, slow


@pytest.mark.parametrize("mean", ["harmonic", "arithmetic"])
@pytest.mark.parametrize("kinds", list(itertools.product(PAIRS, repeat=2)))
def test_2d(kinds, mean, rng):
    same(box((7, 10), kinds), rng.uniform(0.1, 10.0, (7, 10)), mean, 4e-16 * 4)


@pytest.mark.parametrize("mean", ["harmonic", "arithmetic"])
@pytest.mark.parametrize("kind", PAIRS)
def test_3d(kind, mean, rng):
    for kinds in ((kind, PAIRS[0], PAIRS[3]), (PAIRS[1], kind, PAIRS[0]), (PAIRS[3], PAIRS[2], kind)):
        same(box((4, 5, 6), kinds), rng.uniform(0.1, 10.0, (4, 5, 6)), mean, 4e-16 * 4)


def test_float32_stays_float32(rng):
    a = rng.uniform(0.1, 10.0, (8, 6)).astype(np.float32)
    same(box((8, 6), (PAIRS[0], PAIRS[2])), a, "harmonic", 1e-6)


def test_the_shift_and_the_product_agree(rng):
    grid = box((8, 6), (PAIRS[2], PAIRS[3]))
    fast, slow = same(grid, rng.uniform(0.1, 10.0, (8, 6)), "harmonic", 2e-15, shift=rng.random((8, 6)))
    u = rng.normal(size=(8, 6))
    np.testing.assert_allclose(fast @ u, slow @ u, rtol=1e-12, atol=1e-10)


def test_a_mean_between_two_values_by_hand():
    grid = Grid.make((2, 2), (2.0, 2.0), boundary="neumann")
    a = np.array([[1.0, 3.0], [1.0, 3.0]])
    for mean, value in (("harmonic", 1.5), ("arithmetic", 2.0)):
        operator, walls = diffusion(grid, a, mean=mean)
        np.testing.assert_array_equal(operator.edges[1], [[0.0, value, 0.0]] * 2)
        np.testing.assert_array_equal(operator.edges[0], [[0.0, 0.0], [1.0, 3.0], [0.0, 0.0]])
        np.testing.assert_array_equal(walls["x_low"], [1.0, 1.0])


def test_values_that_are_not_finite_go_through():
    grid = Grid.make((4, 4), boundary="dirichlet")
    a = np.ones((4, 4))
    a[1, 2] = np.nan
    edges = diffusion(grid, a)[0].edges
    assert np.isnan(edges[0][1:3, 2]).all()
    assert np.isnan(edges[1][1, 2:4]).all()
    assert sum(np.isnan(e).sum() for e in edges) == 4


@pytest.fixture
def rng():
    return np.random.default_rng(5)
