"""Pairs of real fields as one complex field, against the transforms of each."""

import numpy as np
import pytest

from pdekit.space import complex_planes
from pdekit.space.dealiased import Dealiased


@pytest.mark.parametrize("points", [(16, 16), (9, 12), (15, 8)])
def test_a_pair_goes_there_and_back_as_its_parts_do(points):
    space = Dealiased(points, (1.0, 2.0), 2)
    rng = np.random.default_rng(0)
    a, b = (space.backward(space.forward(rng.normal(size=(3, *points)))) for _ in range(2))
    z = complex_planes.room(space, 3)
    assert z.shape == (3, points[0], points[1] + 1)
    z[...] = np.nan  # the entry that belongs to no point is never read
    z[..., :-1] = a + 1j * b
    complex_planes.forward(z, space)
    (kx, ky), (nx, ny) = space.kept, points
    for i in range(-kx, kx + 1):
        for j in range(ky + 1):
            there, mirror = z[:, i % nx, j], np.conj(z[:, -i % nx, -j % ny])
            np.testing.assert_allclose((there + mirror) / 2, space.forward(a)[:, i, j], atol=1e-15)
            np.testing.assert_allclose((there - mirror) / 2j, space.forward(b)[:, i, j], atol=1e-15)
    z[:, kx + 1 : nx - kx] = 0
    z[:, :, ky + 1 : ny - ky] = 0
    complex_planes.backward(z, space)
    np.testing.assert_allclose(z[..., :-1], a + 1j * b, atol=1e-14)


def test_a_transform_that_does_not_write_over_its_input_serves_as_well(monkeypatch):
    space = Dealiased((8, 8), (1.0, 1.0), 2)
    one, other = complex_planes.room(space, 1), complex_planes.room(space, 1)
    one[...] = other[...] = np.random.default_rng(0).normal(size=one.shape)
    complex_planes.forward(one, space)
    fft = complex_planes.scipy.fft.fft
    monkeypatch.setattr(complex_planes.scipy.fft, "fft", lambda v, overwrite_x, **keys: fft(v.copy(), **keys))
    complex_planes.forward(other, space)
    np.testing.assert_array_equal(one[..., :3], other[..., :3])
