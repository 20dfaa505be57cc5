"""Series of a few modes and noise among them: what they are, at every number of points."""

import math

import numpy as np
import pytest

from pdekit.space.fourier_series import kernel_variances, series_values
from pdekit.space.grid import Grid
from pdekit.space.random_fields import draw

SERIES = {"law": "fourier-series", "modes": 5}
NOISE = {"law": "noise", "modes": 4, "std": 0.1, "mean": -0.25}


def box(*points, location="vertex"):
    return Grid.make(points, tuple(2.0 + i for i in range(len(points))), location=location)


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("law", [SERIES, NOISE], ids=["series", "noise"])
@pytest.mark.parametrize("dim", [1, 2, 3])
def test_the_same_function_at_any_number_of_points(law, dim):
    coarse, fine = draw(law, box(*(12,) * dim), rng(1)), draw(law, box(*(36,) * dim), rng(1))
    np.testing.assert_allclose(fine[(slice(None, None, 3),) * dim], coarse, rtol=0, atol=1e-13)
    cells = draw(law, box(*(12,) * dim, location="cell"), rng(1))
    between = draw(law, box(*(24,) * dim), rng(1))[(slice(1, None, 2),) * dim]
    np.testing.assert_allclose(cells, between, rtol=0, atol=1e-13)


@pytest.mark.parametrize("law", [SERIES, NOISE], ids=["series", "noise"])
def test_modes_that_a_grid_cannot_hold_are_left_out_and_the_others_stay(law):
    coarse, fine = (np.fft.rfft(draw(law, box(n), rng(2))) / n for n in (8, 64))
    np.testing.assert_allclose(coarse[:4], fine[:4], rtol=0, atol=1e-14)
    assert abs(coarse[4]) < 1e-15  # Nyquist of the coarse grid
    assert abs(fine[4]) > 1e-3


@pytest.mark.parametrize("dim", [1, 2])
def test_a_series_has_no_mean_its_modes_and_no_others(dim):
    u = draw(SERIES, box(*(32,) * dim), rng(3))
    v = np.abs(np.fft.fftn(u)) / u.size
    n = np.abs(np.fft.fftfreq(32, 1 / 32))
    inside = np.ones(())
    for _ in range(dim):
        inside = np.multiply.outer(inside, n <= 5)
    assert v.ravel()[0] < 1e-15
    assert v[inside == 0].max() < 1e-15
    assert (v[inside == 1] > 1e-5).sum() == 11**dim - 1


@pytest.mark.parametrize(("dim", "peak"), [(1, 1.0), (2, 0.5)])
def test_the_peak_of_a_series_is_the_one_asked_for(dim, peak):
    for seed in range(10):
        u = draw({**SERIES, "peak": peak}, box(*(400,) * dim), rng(seed))
        assert peak * 0.9999 < np.abs(u).max() < peak * 1.02


def test_amplitudes_are_uniform_and_phases_too():
    """Of one mode against another, before the common scale: |c_1|^2/(|c_1|^2 ..) is not uniform, so the sizes are compared
    in rank, and the phases by their first moment."""
    v = np.array([np.fft.rfft(draw(SERIES, box(16), rng(s)))[1:6] for s in range(2000)])
    first = np.mean(np.abs(v[:, 0]) < np.abs(v[:, 1]))
    assert abs(first - 0.5) < 3 * 0.5 / math.sqrt(2000)
    ratio = np.minimum(np.abs(v[:, 0]), np.abs(v[:, 1])) / np.maximum(np.abs(v[:, 0]), np.abs(v[:, 1]))
    assert abs(ratio.mean() - 0.5) < 3 * math.sqrt(1 / 12 / 2000)  # the ratio of two uniform numbers is uniform
    assert abs(np.mean(ratio**2) - 1 / 3) < 3 * math.sqrt((1 / 5 - 1 / 9) / 2000)
    assert np.abs((v / np.abs(v)).mean(axis=0)).max() < 4 / math.sqrt(2000)


@pytest.mark.parametrize("points", [(12,), (12, 15), (12, 10, 12), (64,), (48, 48)])
def test_noise_has_the_deviation_of_its_law_at_any_number_of_points_and_its_mean_exactly(points):
    draws = np.stack([draw(NOISE, box(*points), rng(s)) for s in range(300)])
    axes = tuple(range(1, draws.ndim))
    assert np.abs(draws.mean(axis=axes) + 0.25).max() < 1e-14
    square = ((draws + 0.25) ** 2).mean(axis=axes)
    score = (square.mean() - 0.01) / (square.std() / math.sqrt(300))
    assert -3 < score < 3, score


KERNEL = {"law": "periodic-kernel", "scale": 0.2}


@pytest.mark.parametrize("dim", [1, 2])
def test_a_stretched_process_runs_from_low_to_high_at_any_number_of_points(dim):
    coarse, fine = (draw({**KERNEL, "low": -1.0, "high": 3.0}, box(*(n,) * dim), rng(1)) for n in (80, 240))
    assert -1.0 - 1e-3 < fine.min() < -0.99
    assert 2.99 < fine.max() < 3.0 + 1e-3
    np.testing.assert_allclose(fine[(slice(None, None, 3),) * dim], coarse, rtol=0, atol=1e-12)


def test_the_variances_of_the_modes_are_those_that_were_computed_for_the_benchmark():
    variances = kernel_variances(0.2)
    np.testing.assert_allclose(variances[:6], [0.163, 0.149, 0.115, 0.0756, 0.0427, 0.0210], atol=5.01e-4)
    assert variances[0] + 2 * variances[1:].sum() == pytest.approx(1.0, abs=1e-14)


def test_the_kernel_of_a_process_by_its_correlation():
    """Before it is stretched the correlation over a distance d is exp(-sin^2(pi d/L)/(2 scale^2)); differences are free of the
    shift, and their ratios of the stretching up to its spread: E (u(d) - u(0))^2 against 1 - correlation."""
    u = np.stack([draw(KERNEL, box(64), rng(s)) for s in range(1000)])
    spread = np.array([np.mean((u - np.roll(u, k, axis=1)) ** 2) for k in (2, 4, 8, 32)])
    wanted = 1 - np.exp(-(np.sin(np.pi * np.array([2, 4, 8, 32]) / 64) ** 2) / (2 * 0.2**2))
    np.testing.assert_allclose(spread / spread[-1], wanted / wanted[-1], rtol=0.1)


def test_the_values_of_a_series_term_by_term():
    c = np.zeros((5, 3), dtype=complex)
    c[0, 0], c[4, 2], c[1, 0], c[4, 0] = 0.5, 1 - 2j, 1j, -1j  # the last two are conjugate: n = (1, 0), (-1, 0)
    x, y = np.array([0.1, 0.35]), np.array([0.0, 0.2, 0.9])
    X, Y = np.meshgrid(x, y, indexing="ij")
    wanted = 0.5 + 2 * np.real((1 - 2j) * np.exp(2j * np.pi * (-X + 2 * Y))) + 2 * np.real(1j * np.exp(2j * np.pi * X))
    np.testing.assert_allclose(series_values(c, [x, y]), wanted, rtol=0, atol=1e-14)
