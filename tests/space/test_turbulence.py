"""Starts of two-dimensional turbulence: spectra, energies and speeds as their sources print them."""

import math

import numpy as np
import pytest

from pdekit.space.grid import Grid
from pdekit.space.random_fields import draw

BOX = 2 * math.pi


def box(n, length=BOX):
    return Grid.make((n, n), (length, length), location="vertex")


def rng(seed=0):
    return np.random.default_rng(seed)


def velocity(w, length=BOX):
    """u = (psi_y, -psi_x), -Laplace psi = w."""
    n = len(w)
    k = 2 * np.pi * np.fft.fftfreq(n, length / n)
    kx, ky = k[:, None], k[None, :]
    square = kx**2 + ky**2
    square[0, 0] = 1.0
    psi = np.fft.fft2(w) / square
    return np.fft.ifft2(1j * ky * psi).real, np.fft.ifft2(-1j * kx * psi).real


def low(w, n):
    """Coefficients of |n_i| < n/2."""
    keep = [*range((n + 1) // 2), *range(-((n - 1) // 2), 0)]
    return (np.fft.fft2(w) / w.size)[np.ix_(keep, keep)]


LAWS = {
    "fno-2020": {"law": "fno-2020"},
    "fno-2021": {"law": "fno-2021"},
    "mcwilliams by law": {"law": "mcwilliams", "scale": "law"},
    "mcwilliams by law, power": {"law": "mcwilliams", "scale": "law", "spectrum": "power"},
}


@pytest.mark.parametrize("name", LAWS)
def test_one_seed_is_one_field_at_every_number_of_points(name):
    coarse, fine = (low(draw(LAWS[name], box(n), rng(4)), 32) for n in (32, 64))
    scale = np.abs(coarse).max()
    assert scale > 1e-3
    assert np.abs(fine - coarse).max() < 1e-12 * scale


@pytest.mark.parametrize("law", [{"law": "mcwilliams"}, {"law": "filtered-velocity"}], ids=lambda v: v["law"])
def test_scaled_sample_by_sample_another_number_of_points_changes_the_scale_only(law):
    coarse, fine = (low(draw(law, box(n), rng(4)), 64) for n in (64, 128))
    ratio = fine.ravel()[np.abs(coarse).argmax()] / coarse.ravel()[np.abs(coarse).argmax()]
    assert abs(ratio - 1) < 5e-3
    assert np.abs(fine - ratio * coarse).max() < 1e-12 * np.abs(coarse).max()


@pytest.mark.parametrize("n", [32, 64, 128])
@pytest.mark.parametrize(("name", "wanted"), [("fno-2020", 0.262), ("fno-2021", 0.185)])
@pytest.mark.parametrize("length", [1.0, BOX])
def test_the_deviation_at_a_point_is_that_of_the_published_code(name, wanted, n, length):
    """Exactly over the modes there are, within sampling error of 200 draws; to 5e-4 of the printed figure from 64 points on."""
    k = 2 * np.pi * np.arange(-(n // 2 - 1), n // 2)
    lam = {"fno-2020": 2.0, "fno-2021": 1.0}[name] * 7.0**3 * (k[:, None] ** 2 + k**2 + 49.0) ** -2.5
    lam[n // 2 - 1, n // 2 - 1] = 0.0
    exact = lam.sum()
    assert math.sqrt(exact) == pytest.approx(wanted, abs=5.01e-4)
    squares = np.array([(draw({"law": name}, box(n, length), rng(s)) ** 2).mean() for s in range(200)])
    score = (squares.mean() / exact - 1) / (math.sqrt(2 * (lam**2).sum() / 200) / exact)
    assert -3 < score < 3, score


def test_an_amplitude_multiplies():
    np.testing.assert_array_equal(
        draw({"law": "fno-2020", "amplitude": 2.0}, box(16), rng(1)), 2.0 * draw({"law": "fno-2020"}, box(16), rng(1))
    )


@pytest.mark.parametrize("spectrum", ["amplitude", "power"])
@pytest.mark.parametrize("length", [BOX, 1.0])
def test_mcwilliams_has_the_energy_asked_for_in_every_sample(spectrum, length):
    law = {"law": "mcwilliams", "spectrum": spectrum}
    for seed, more in ((0, {}), (1, {"energy": 2.0})):
        w = draw({**law, **more}, box(64, length), rng(seed))
        u, v = velocity(w, length)
        assert np.mean(u**2 + v**2) == pytest.approx(2 * more.get("energy", 0.25), rel=1e-12)
        assert abs(w.mean()) < 1e-14 * np.abs(w).max()


def test_mcwilliams_in_expectation_has_it_on_average():
    law = {"law": "mcwilliams", "scale": "law"}
    energy = []
    for seed in range(200):
        u, v = velocity(draw(law, box(32), rng(seed)))
        energy.append(np.mean(u**2 + v**2))
    score = (np.mean(energy) - 0.5) / (np.std(energy) / math.sqrt(200))
    assert -3 < score < 3
    assert np.std(energy) > 0.05


@pytest.mark.parametrize(("spectrum", "power"), [("amplitude", 2.0), ("power", 1.0)])
def test_the_spectrum_of_mcwilliams_ring_by_ring(spectrum, power):
    """Mean |psi_k|^2 over draws against (1/(k (1 + (k/k0)^4)))^2, or the same without the square."""
    n, total = 32, 0.0
    for seed in range(200):
        total = (
            total
            + np.abs(low(draw({"law": "mcwilliams", "spectrum": spectrum, "peak": 3.0}, box(n), rng(seed)), n)) ** 2
        )
    k = np.array([*range(n // 2), *range(-(n // 2 - 1), 0)])
    radius = np.hypot(k[:, None], k[None, :])
    radius[0, 0] = 1.0
    ratio = total / radius**4 / (1 / (radius * (1 + (radius / 3.0) ** 4))) ** power
    rings = [ratio[(radius >= r) & (radius < r + 1)].mean() for r in range(2, 14)]
    assert max(rings) / min(rings) < 1.25, rings


def test_mcwilliams_is_as_rough_as_the_sample_that_was_measured():
    """One sample of public code at 64^2: rms w 2.33, max |w| 8.6, max |u| 1.70."""
    w = np.stack([draw({"law": "mcwilliams"}, box(64), rng(s)) for s in range(100)])
    rms = np.sqrt((w**2).mean(axis=(1, 2)))
    assert np.percentile(rms, 1) < 2.33 < np.percentile(rms, 99)
    top = np.abs(w).max(axis=(1, 2))
    assert np.percentile(top, 1) < 8.6 < np.percentile(top, 99)


def test_filtered_velocity_has_its_largest_speed_and_its_peak():
    energy = np.zeros(32)
    for seed in range(100):
        w = draw({"law": "filtered-velocity", "peak": 4.0, "speed": 7.0}, box(64), rng(seed))
        u, v = velocity(w)
        assert math.sqrt((u**2 + v**2).max()) == pytest.approx(7.0, rel=1e-12)
        k = np.fft.fftfreq(64, 1 / 64)
        radius = np.hypot(k[:, None], k[None, :])
        density = (np.abs(np.fft.fft2(u)) ** 2 + np.abs(np.fft.fft2(v)) ** 2) / 64**4
        energy += [density[(radius >= r - 0.5) & (radius < r + 0.5)].mean() for r in range(32)]
    # mean |u_k|^2 on a ring is (p(k)/k)^2; p is the log-normal density with mode 4 and variance 1/4 of log k
    r = np.arange(2, 16)
    p = np.exp(-2 * (np.log(r) - math.log(4.0) - 0.25) ** 2) / r
    ratio = energy[2:16] / (p / r) ** 2
    assert ratio.max() / ratio.min() < 1.5, ratio
