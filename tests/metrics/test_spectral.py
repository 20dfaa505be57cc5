"""Shells and bands: Parseval in every dimension, slow literal reference, resolution, reflections."""

import math

import numpy as np
import pytest

from pdekit.errors import BadInput
from pdekit.metrics import pointwise
from pdekit.metrics.spectral import (
    band_rmse,
    energy_spectrum,
    last_shell,
    log_spectrum_distance,
    modes,
    relative_band_rmse,
    spectrum_distance,
)
from pdekit.space.grid import Grid


def fields(grid, n=3, t=2, c=2, seed=0):
    rng = np.random.default_rng(seed)
    ref = rng.normal(size=(n, t, *grid.points, c))
    return ref + 0.3 * rng.normal(size=ref.shape), ref


def one(values):
    return values[None, None, ..., None]


@pytest.mark.parametrize("points", [7, 8, (6, 9), (9, 6), (5, 5), (4, 5, 6), (5, 4, 3)])
@pytest.mark.parametrize("boundary", ["periodic", "neumann", "mixed"])
@pytest.mark.parametrize("location", ["cell", "vertex"])
def test_bands_add_up_to_the_mean_squared_error(points, boundary, location):
    dim = 1 if isinstance(points, int) else len(points)
    kinds = {"x_low": "periodic", "x_high": "periodic"} if boundary == "mixed" else boundary
    grid = Grid.make(points, [1.0, 2.0, 0.7][:dim], location=location, boundary=kinds)
    pred, ref = fields(grid)
    square = (band_rmse(pred, ref, grid) ** 2).sum(-1)
    np.testing.assert_allclose(square, pointwise.mse(pred, ref, grid), rtol=1e-13)
    energy = 2 * energy_spectrum(ref, grid).sum(-1)
    np.testing.assert_allclose(energy, pointwise.mse(0 * ref, ref, grid), rtol=1e-13)


@pytest.mark.parametrize("points", [(8, 8), (7, 9), (6, 4, 5)])
def test_shells_by_loops(points):
    grid = Grid.make(points, 1.0)
    _, ref = fields(grid, n=1, t=1, c=1)
    a = np.fft.fftn(ref[0, 0, ..., 0]) / np.prod(points)
    last = min(points) // 2
    expected = np.zeros(last + 2)
    for index in np.ndindex(*points):
        m = [i if i <= n // 2 else i - n for i, n in zip(index, points, strict=True)]
        shell = math.floor(math.sqrt(sum(j * j for j in m)) + 0.5)
        expected[shell if shell <= last else last + 1] += 0.5 * abs(a[index]) ** 2
    np.testing.assert_allclose(energy_spectrum(ref, grid)[0, 0, 0], expected, rtol=1e-12)


def test_bands_are_where_they_say():
    """S = 16: low is s = 0, 1; mid 2..7; high 8..16; the corner beyond is rest."""
    grid = Grid.make((32, 32), (1.0, 1.0))
    assert last_shell(grid) == 16
    x, y = grid.mesh
    for m, band in [((1, 0), 0), ((1, 1), 0), ((2, 0), 1), ((5, 4), 1), ((7, 3), 2), ((0, 16), 2), ((13, 13), 3)]:
        wave = np.cos(2 * np.pi * (m[0] * x + m[1] * y))
        out = band_rmse(one(wave), one(0 * wave), grid)[0, 0, 0]
        assert np.argmax(out) == band, m
        assert np.delete(out, band).max() < 1e-14


@pytest.mark.parametrize("points", [(16, 16), (15, 16), (16, 15)])
def test_reflected_modes_score_alike(points):
    grid = Grid.make(points, 1.0)
    x, y = grid.mesh
    waves = [np.cos(2 * np.pi * (5 * x + s * 2 * y) + 0.3) for s in (1, -1)]
    plus, minus = (band_rmse(one(w), one(0 * w), grid) for w in waves)
    np.testing.assert_allclose(plus, minus, atol=1e-15)
    assert plus.max() == pytest.approx(math.sqrt(0.5), rel=1e-12)


def test_a_finer_grid_sees_the_same_shells():
    out = []
    for n in (16, 32):
        grid = Grid.make((n, n), (1.0, 2.0))
        x, y = grid.mesh
        u = np.sin(2 * np.pi * x) + 0.5 * np.cos(4 * np.pi * x + 3 * np.pi * y) + 0.2
        out.append(energy_spectrum(one(u), grid)[0, 0, 0, :8])
    np.testing.assert_allclose(out[0], out[1], atol=1e-14)


@pytest.mark.parametrize("location", ["cell", "vertex"])
def test_half_waves_between_walls_are_single_modes(location):
    grid = Grid.make((17, 12), (1.0, 1.0), boundary="neumann", location=location)
    x, y = grid.mesh
    energy = energy_spectrum(one(np.cos(3 * np.pi * x) * np.ones_like(y)), grid)[0, 0, 0]
    expected = np.zeros_like(energy)
    expected[3] = 0.25  # half of <cos^2> = 1/2
    np.testing.assert_allclose(energy, expected, atol=1e-15)


def test_a_ramp_between_walls_has_no_jump():
    """The reflected ramp decays as k^-4 in energy; a plain FFT would leave k^-2."""
    grid = Grid.make(256, boundary="neumann")
    energy = energy_spectrum(one(grid.coordinates[0]), grid)[0, 0, 0]
    odd = np.arange(9, 40, 2)
    slope = np.polyfit(np.log(odd), np.log(energy[odd]), 1)[0]
    assert -4.1 < slope < -3.9


def test_unequal_lengths_use_physical_wavenumbers():
    grid = Grid.make((16, 32), (1.0, 2.0))
    x, y = grid.mesh
    along_x = energy_spectrum(one(np.cos(2 * np.pi * 2 * x + 0 * y)), grid)[0, 0, 0]
    along_y = energy_spectrum(one(np.cos(2 * np.pi * 2 * y + 0 * x)), grid)[0, 0, 0]
    assert np.argmax(along_x) == np.argmax(along_y) == 4
    assert modes(grid).k.max() == pytest.approx(2 * np.pi * math.hypot(8, 8))


def test_empty_bands_are_not_infinite():
    grid = Grid.make((32, 32), 1.0)
    x, y = grid.mesh
    ref = one(np.cos(2 * np.pi * x) + 0 * y)
    for dtype in (np.float64, np.float32):
        pred = (ref + 0.01 * np.cos(2 * np.pi * 10 * one(x + 0 * y))).astype(dtype)
        out = relative_band_rmse(pred, ref.astype(dtype), grid)[0, 0, 0]
        assert np.isnan(out[1:]).all(), dtype
        assert out[0] < 1e-6


def test_relative_bands_are_ratios_of_bands():
    grid = Grid.make((12, 10), boundary="dirichlet", length=1.0)
    pred, ref = fields(grid)
    expected = band_rmse(pred, ref, grid) / band_rmse(ref, 0 * ref, grid)
    np.testing.assert_allclose(relative_band_rmse(pred, ref, grid), expected, rtol=1e-12)


def test_explicit_bands():
    grid = Grid.make((16, 16), 1.0)
    pred, ref = fields(grid)
    three = band_rmse(pred, ref, grid, starts=(0, 4, 6)) ** 2
    shells = 2 * energy_spectrum(pred - ref, grid)
    np.testing.assert_allclose(three[..., 1], shells[..., 4:6].sum(-1), rtol=1e-12)
    np.testing.assert_allclose(three[..., 2], shells[..., 6:9].sum(-1), rtol=1e-12)
    for wrong in ((), (1, 4), (0, 4, 4), (0, 9)):
        with pytest.raises(BadInput, match=r"do not partition the shells(.|\n)*at most 8"):
            band_rmse(pred, ref, grid, starts=wrong)


def test_distance_of_spectra():
    grid = Grid.make((16, 16), 1.0)
    _, ref = fields(grid)
    np.testing.assert_allclose(log_spectrum_distance(10 * ref, ref, grid), 2.0, rtol=1e-12)  # two decades of energy
    assert np.all(log_spectrum_distance(np.roll(ref, 3, axis=2), ref, grid) < 1e-12)  # blind to phases
    failed = ref.copy()
    failed[0, 0, 0, 0, 0] = np.nan
    assert log_spectrum_distance(failed, ref, grid)[0] == math.inf
    assert np.isfinite(log_spectrum_distance(failed, ref, grid)[1])
    assert np.all(log_spectrum_distance(0 * ref, ref, grid) == math.inf)
    x, y = grid.mesh
    low, high = one(np.cos(2 * np.pi * x) + 0 * y), one(np.cos(2 * np.pi * 7 * x) + 0 * y)
    args = low + 10 * high, low + high, grid
    assert log_spectrum_distance(*args).item() == pytest.approx(math.sqrt(2.0), rel=1e-9)
    assert log_spectrum_distance(*args, dealiased=True).item() < 1e-12


def test_the_distance_of_spectra_keeps_frames_apart():
    """A tenth of the amplitude is a hundredth of the energy: two decades, in the frames where it happens."""
    grid = Grid.make(16, 1.0)
    ref = np.random.default_rng(0).normal(size=(4, 3, 16, 1))
    pred = ref * np.array([1.0, 0.1, 0.1])[None, :, None, None]
    spectra = [energy_spectrum(u, grid).mean(axis=0) for u in (pred, ref)]
    np.testing.assert_allclose(spectrum_distance(*spectra, grid).ravel(), [0.0, 2.0, 2.0], atol=1e-12)
    pooled = [s.mean(axis=0) for s in spectra]
    np.testing.assert_allclose(spectrum_distance(*pooled, grid), log_spectrum_distance(pred, ref, grid), rtol=1e-12)
    empty = spectrum_distance(0 * spectra[0], spectra[1], grid)
    assert np.isinf(empty).all()
