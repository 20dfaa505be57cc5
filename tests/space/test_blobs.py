"""Smooth patches: where they lie, how wide and high they are, and that periodic boxes do not see their ends."""

import math

import numpy as np
import pytest

from pdekit.space.blobs import balanced, blobs
from pdekit.space.grid import Grid
from pdekit.space.random_fields import draw


def torus(*points, length=1.0):
    return Grid.make(points, (length,) * len(points), location="vertex")


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("dim", [1, 2])
def test_one_patch_has_its_height_its_place_and_its_width(dim):
    grid = torus(*(256,) * dim, length=2.0)
    s = blobs(grid, 1, 0.05, 0.050001, rng(1), False)
    stream = rng(1)
    centre = [2.0 * stream.random() for _ in range(dim)]
    top = np.unravel_index(s.argmax(), s.shape)
    assert s.max() > 0.99
    assert all(abs(x[i] - c) <= 1 / 256 for x, i, c in zip(grid.coordinates, top, centre, strict=True))
    x, c = grid.coordinates[0], centre[0]
    d = (x - c + 1.0) % 2.0 - 1.0
    cut = s if dim == 1 else s[:, top[1]] / math.exp(-0.5 * ((grid.coordinates[1][top[1]] - centre[1]) / 0.1) ** 2)
    near = np.abs(d) < 0.1
    np.testing.assert_allclose(cut[near], np.exp(-0.5 * (d[near] / 0.1) ** 2), rtol=0.01)
    mean = s.mean() * 2.0**dim / (2 * math.pi * 0.1**2) ** (dim / 2)
    assert mean == pytest.approx(1.0, rel=0.03)


def test_a_torus_has_no_ends():
    """The field is smooth across the end: its Fourier coefficients fall below rounding before Nyquist."""
    s = blobs(torus(256), 5, 0.05, 0.1, rng(2), False)
    v = np.abs(np.fft.rfft(s))
    assert v[100:].max() < 1e-12 * v[0]
    walls = Grid.make((256,), (1.0,), boundary="neumann")
    assert np.abs(np.fft.rfft(blobs(walls, 5, 0.05, 0.1, rng(2), False))[100:]).max() > 1e-6 * v[0]


def test_patches_join_and_never_rise_above_one():
    s = blobs(torus(64, 64), 60, 0.1, 0.2, rng(3), False)
    assert 0.9 < s.max() <= 1.0
    assert s.min() >= 0.0
    u = draw(
        {"law": "blobs", "count": 60, "low": 0.1, "high": 0.2, "height": -0.5, "background": 1.0}, torus(64, 64), rng(3)
    )
    np.testing.assert_array_equal(u, 1.0 - 0.5 * s)


def test_signs_come_in_equal_shares():
    law = {"law": "blobs", "count": 1, "low": 0.05, "high": 0.1, "sign": "either"}
    signs = np.array([np.sign(draw(law, torus(64), rng(s)).mean()) for s in range(400)])
    assert set(signs) == {-1.0, 1.0}
    assert abs(signs.mean()) < 3 / math.sqrt(400)


def test_no_patch_leaves_the_background():
    assert (
        draw({"law": "blobs", "count": 0, "low": 0.1, "high": 0.2, "background": 0.3}, torus(8), rng()) == 0.3
    ).all()


@pytest.mark.parametrize("n", [16, 15])
def test_the_nyquist_mode_has_no_slope(n):
    grid = torus(n, n)
    x, y = grid.mesh
    height = np.cos(2 * np.pi * x) * np.ones_like(y) + np.where(np.arange(n) % 2, -1.0, 1.0)[:, None] * (n % 2 == 0)
    wanted = -2 * np.pi * 3.0 * np.sin(2 * np.pi * x) * np.ones_like(y)
    np.testing.assert_allclose(balanced(height, grid, "y", 3.0), wanted, rtol=0, atol=1e-12)
