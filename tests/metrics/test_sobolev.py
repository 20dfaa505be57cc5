"""H^s: exact values on waves, H^0 = L2, order of the differences, refusals."""

import math

import numpy as np
import pytest

from pdekit.errors import BadInput
from pdekit.metrics import pointwise
from pdekit.metrics.sobolev import difference, relative_h1, relative_sobolev, sobolev_norm
from pdekit.space.grid import Grid


def one(values):
    return np.asarray(values)[None, None, ..., None]


@pytest.mark.parametrize("boundary", ["periodic", "dirichlet"])
@pytest.mark.parametrize("location", ["cell", "vertex"])
@pytest.mark.parametrize("points", [9, (8, 7), (4, 5, 6)])
def test_h0_is_l2(points, location, boundary):
    grid = Grid.make(points, 2.0, location=location, boundary=boundary)
    rng = np.random.default_rng(0)
    ref, pred = rng.normal(size=(2, 3, 2, *grid.points, 2))
    np.testing.assert_allclose(relative_sobolev(pred, ref, grid, 0), pointwise.relative_l2(pred, ref, grid), rtol=1e-13)
    square = grid.volume * pointwise.mse(ref, 0 * ref, grid)
    np.testing.assert_allclose(sobolev_norm(ref, grid, 0) ** 2, square, rtol=1e-13)


@pytest.mark.parametrize("s", [-1.5, -1, 0.5, 1, 2])
@pytest.mark.parametrize("points", [(16, 12), (15, 13)])
def test_a_wave_has_its_norm(s, points):
    grid = Grid.make(points, (1.0, 3.0))
    x, y = grid.mesh
    k = (2 * np.pi * 2, 2 * np.pi * 5 / 3)
    u = one(np.cos(k[0] * x + k[1] * y + 0.4))
    k2 = k[0] ** 2 + k[1] ** 2
    for scale in (1.0, 0.3):
        expected = math.sqrt(3.0 * 0.5 * (1 + scale**2 * k2) ** s)
        assert sobolev_norm(u, grid, s, scale=scale).item() == pytest.approx(expected, rel=1e-12)
        expected = math.sqrt(3.0 * 0.5 * (scale**2 * k2) ** s)
        assert sobolev_norm(u, grid, s, scale=scale, homogeneous=True).item() == pytest.approx(expected, rel=1e-12)


def test_the_nyquist_mode_counts_with_its_wavenumber():
    grid = Grid.make(8, 2.0)
    u = one((-1.0) ** np.arange(8))
    k = np.pi * 8 / 2.0
    assert sobolev_norm(u, grid, 1).item() ** 2 == pytest.approx(2.0 * (1 + k**2), rel=1e-12)


def test_h1_is_values_and_spectral_gradient():
    grid = Grid.make((11, 8), (1.0, 2.0))
    u = np.random.default_rng(3).normal(size=grid.points)
    kx, ky = (2 * np.pi * np.fft.fftfreq(n, ell / n) for n, ell in zip(grid.points, grid.length, strict=True))
    a = np.fft.fft2(u) / u.size
    literal = grid.volume * np.sum((1 + kx[:, None] ** 2 + ky**2) * abs(a) ** 2)
    assert sobolev_norm(one(u), grid, 1).item() ** 2 == pytest.approx(literal, rel=1e-12)


def test_homogeneous_norms_and_the_mean():
    grid = Grid.make(16, 1.0)
    wave = np.cos(2 * np.pi * grid.coordinates[0])
    ref, pred = one(wave), one(wave + 1.0)
    assert relative_sobolev(pred, ref, grid, 1, homogeneous=True).item() < 1e-14
    assert math.isnan(sobolev_norm(pred, grid, -1, homogeneous=True).item())
    assert sobolev_norm(ref, grid, -1, homogeneous=True).item() == pytest.approx(math.sqrt(0.5) / (2 * np.pi))
    walls = Grid.make(16, 1.0, boundary="neumann")
    assert sobolev_norm(one(np.ones(16)), walls, 1, homogeneous=True).item() < 1e-14


@pytest.mark.parametrize("location", ["cell", "vertex"])
def test_h1_between_walls_is_second_order(location):
    errors = []
    for n in (32, 64, 128, 256):
        grid = Grid.make((n, n), (1.0, 2.0), location=location, boundary="dirichlet")
        x, y = grid.mesh
        u = np.cos(np.pi * x) * np.cos(np.pi * y / 2)
        square = 0.5 * (1 + np.pi**2 + np.pi**2 / 4)  # over [0, 1] x [0, 2]
        errors.append(abs(sobolev_norm(one(u), grid, 1).item() ** 2 - square))
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert np.all(abs(orders - 2) < 0.05), orders


def test_differences_are_exact_for_parabolas_and_wrap_where_periodic():
    x = np.linspace(0, 1, 6)
    np.testing.assert_allclose(difference(np, x**2, 0, 0.2, False), 2 * x, atol=1e-14)
    np.testing.assert_allclose(difference(np, x[:2], 0, 0.2, False), [1.0, 1.0])
    grid = Grid.make((12, 6), (1.0, 1.0), boundary={"x_low": "periodic", "x_high": "periodic"})
    u = one(np.cos(2 * np.pi * grid.mesh[0]) + 0 * grid.mesh[1])
    h = 1 / 12
    slope2 = 0.5 * (math.sin(2 * np.pi * h) / h) ** 2  # <(central difference)^2>
    assert sobolev_norm(u, grid, 1).item() ** 2 == pytest.approx(0.5 + slope2, rel=1e-12)


def test_relative_h1_pins_and_failures():
    for boundary in ("periodic", "dirichlet"):
        grid = Grid.make((8, 8), 1.0, boundary=boundary)
        ref = np.random.default_rng(0).normal(size=(3, 1, 8, 8, 1))
        np.testing.assert_allclose(relative_h1(0 * ref, ref, grid), 1.0, rtol=1e-14)
        np.testing.assert_allclose(relative_h1(1.5 * ref, ref, grid), 0.5, rtol=1e-12)
        pred = ref.copy()
        pred[1, 0, 3, 3, 0] = np.inf
        ref[2] = 0
        out = relative_h1(pred, ref, grid).ravel()
        assert out[1] == math.inf
        assert math.isnan(out[2])


def test_a_finer_periodic_grid_gives_the_same_number():
    out = []
    for n in (16, 32):
        grid = Grid.make((n, n), (1.0, 2.0))
        x, y = grid.mesh
        ref = np.sin(2 * np.pi * x) + np.cos(np.pi * y)
        pred = ref + 0.1 * np.sin(6 * np.pi * x + np.pi * y)
        out.append([relative_sobolev(one(pred), one(ref), grid, s).item() for s in (-1, 0.5, 1, 2)])
    np.testing.assert_allclose(out[0], out[1], rtol=1e-12)


def test_wrong_use_is_refused():
    walls = Grid.make((8, 8), 1.0, boundary="dirichlet")
    u = np.ones((1, 1, 8, 8, 1))
    with pytest.raises(BadInput, match=r"H\^2 is not defined(.|\n)*s = 0 or s = 1"):
        sobolev_norm(u, walls, 2)
    with pytest.raises(BadInput, match="scale > 0"):
        relative_sobolev(u, u, walls, 1, scale=0.0)


@pytest.mark.parametrize("s", [-1, 0, 1])
def test_twice_the_reference_is_off_by_one_in_every_norm_whatever_the_number_of_frames(s):
    grid = Grid.make((16, 16), 1.0)
    for frames in (10, 40):
        w = np.random.default_rng(frames).normal(size=(2, frames, 16, 16, 1))
        np.testing.assert_allclose(relative_sobolev(2 * w, w, grid, s), 1.0, rtol=1e-13)


@pytest.mark.parametrize("alpha", [0.1, 1.0, 7.0])
def test_one_mode_has_the_norms_of_a_weight_alpha_plus_k2_on_64_and_on_256_points(alpha):
    """L2, H1 and H^-1 of one mode: a, a (alpha + k^2)^1/2, a (alpha + k^2)^-1/2, a = 1/sqrt 2."""
    k2 = (2 * np.pi) ** 2 * (3**2 + 5**2)
    for n in (64, 256):
        grid = Grid.make((n, n), 1.0)
        x, y = grid.mesh
        u = one(np.cos(2 * np.pi * (3 * x - 5 * y) + 0.7))
        for s in (0, 1, -1):
            norm = alpha ** (s / 2) * sobolev_norm(u, grid, s, scale=alpha**-0.5).item()
            assert norm == pytest.approx((alpha + k2) ** (s / 2) / math.sqrt(2), rel=1e-12)
