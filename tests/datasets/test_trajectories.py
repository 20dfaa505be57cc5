"""What the recipes of trajectories promise on their cards: figures of the fields themselves, at sizes that a test can pay for."""

import numpy as np
import pytest

from pdekit.data.recipe import read_recipe
from pdekit.data.samples import SampleMaker


def made(name, split, samples, **changes):
    """{variable: array} of the first samples of a split; no error estimate."""
    recipe = read_recipe(name, {"reference_error.samples": 0, **{k.replace("__", "."): v for k, v in changes.items()}})
    return SampleMaker(recipe, split).make(range(samples)).arrays


@pytest.mark.slow
def test_burgers_loses_a_sixth_of_its_deviation():
    """std u(1)/std u(0): median 0.83, 5 to 95 % 0.66 to 0.88 over the published law; on length 1 it would be 0.02."""
    u = made("burgers-1d-small", "train", 400)["u"]
    ratio = u[:, 1].std(axis=1) / u[:, 0].std(axis=1)
    assert np.median(ratio) == pytest.approx(0.83, abs=0.015)
    low, high = np.percentile(ratio, [5, 95])
    assert 0.62 < low < 0.74
    assert 0.87 < high < 0.89


def test_the_start_that_is_stored_is_the_start_that_was_solved():
    """The stored modes are all among those that the solver keeps: the first frame is the input, to rounding."""
    for name in ("burgers-1d-small", "navier-stokes-fno-small"):
        short = {"time__start": 0.0, "time__stop": 0.1, "time__frames": 2}
        arrays = made(name, "test", 2, **short)
        first = next(arrays[k] for k in ("u", "vorticity") if k in arrays)[:, 0]
        assert np.abs(first).max() > 0.1
        np.testing.assert_allclose(first, arrays["initial"], rtol=0, atol=1e-12)


@pytest.mark.slow
def test_kuramoto_sivashinsky_starts_on_its_attractor():
    """rms 1.36 over a long time on length 32 pi; a start that is not warmed up has rms 0.4 and grows."""
    u = made("ks-1d", "test", 16, solver_settings__dt=0.1, time__frames=6)["u"]
    assert u.shape == (16, 6, 128)
    rms = np.sqrt((u**2).mean(axis=(0, 2)))
    assert 1.25 < rms[0] < 1.45
    assert 1.25 < rms[-1] < 1.45
    assert 2.2 < np.abs(u).max() < 3.8
    assert np.abs(u.mean(axis=2)).max() < 1e-12


def test_solitons_keep_mass_energy_and_hamiltonian():
    u = made("kdv-1d-small", "test", 2, time__stop=2.0, time__frames=3)["u"]
    assert np.abs(u.mean(axis=2)).max() < 1e-13
    energy = (u**2).mean(axis=2)
    np.testing.assert_allclose(energy, energy[:, :1].repeat(3, axis=1), rtol=1e-6)
    assert np.abs(u[:, -1]).max() > 1.2 * np.abs(u[:, 0]).max()


def test_diffusivity_is_drawn_in_its_range_and_out_of_it():
    inside, outside = (made("reaction-diffusion-1d-small", s, 8)["nu"] for s in ("test", "test_nu"))
    assert 0.005 <= inside.min() < inside.max() <= 0.1
    assert 0.001 <= outside.min() < outside.max() <= 0.004


def test_advection_is_a_shift():
    arrays = made("advection-1d-small", "test", 4)
    for u, speed in zip(arrays["u"], arrays["velocity_x"], strict=True):
        v = np.fft.rfft(u[0]) * np.exp(-2j * np.pi * np.arange(33) * speed * 2.0)
        np.testing.assert_allclose(u[-1], np.fft.irfft(v, 64), rtol=0, atol=1e-12)


@pytest.mark.slow
def test_the_forced_flow_is_steady_in_the_mean_and_of_the_published_size():
    """max |w| of 2 to 3 from t = 20 on; energy and enstrophy of the second half within a tenth of each other."""
    w = made("navier-stokes-fno-small", "train", 8, solver_settings__dt=0.1)["vorticity"]
    top = np.abs(w).max(axis=(2, 3))
    assert ((top[:, 20:] > 1.5) & (top[:, 20:] < 3.0)).all()
    assert 1.9 < np.median(top[:, 40:]) < 3.0
    rms = np.sqrt((w**2).mean(axis=(2, 3))).mean(axis=0)
    assert rms[20:35].mean() == pytest.approx(rms[35:].mean(), rel=0.1)
    assert rms[0] == pytest.approx(0.262, rel=0.25)
    assert np.abs(w.mean(axis=(2, 3))).max() < 1e-12


@pytest.mark.slow
def test_decaying_turbulence_decays():
    w = made("navier-stokes-mcwilliams-small", "test", 2, time__frames=3)["vorticity"]
    enstrophy = (w**2).mean(axis=(2, 3))
    assert (np.diff(enstrophy, axis=1) < 0).all()
    assert (enstrophy[:, 0] < 0.8 * 2.33**2).all()


def test_patches_of_both_fields_are_the_same_ones():
    arrays = made("gray-scott-2d-small", "test", 1, time__stop=4.0, time__frames=2)
    u, v = arrays["initial_u"], arrays["initial_v"]
    np.testing.assert_allclose((1.0 - u) / 0.5, v / 0.25, rtol=0, atol=1e-12)
    assert v.max() > 0.2


def test_balanced_water_stays_and_water_at_rest_does_not():
    """Heights after one unit of time: humps at rest have run off, balanced ones have
    changed by what the curvature of their flow adds to the balance."""
    change = {}
    for split in ("test", "test_balanced"):
        h = made("shallow-water-2d-small", split, 2, time__stop=1.0, time__frames=2)["height"]
        change[split] = np.abs(h[:, 1] - h[:, 0]).max(axis=(1, 2)) / np.abs(h[:, 0] - 1).max(axis=(1, 2))
    assert change["test"].min() > 0.6
    assert change["test_balanced"].max() < 0.2


@pytest.mark.slow
def test_phases_part_and_mass_stays():
    u = made("cahn-hilliard-2d-small", "test", 1, time__stop=0.03, time__frames=4, solver_settings__dt=2e-4)["u"]
    assert np.abs(u.mean(axis=(2, 3))).max() < 1e-14
    assert np.abs(u[:, -1]).max() > 0.7
    u = made("allen-cahn-2d-small", "test", 1, time__stop=8.0, time__frames=3)["u"]
    assert np.abs(u[:, -1]).max() == pytest.approx(1.0, abs=0.02)
    assert u[:, -1].std() > 0.7


@pytest.mark.slow
def test_the_force_of_kolmogorov_pushes_along_x_by_the_sine_of_4y():
    """w averaged along x and over frames leans to the laminar -4 cos 4y/(16 nu + drag) in sign and not beyond its size."""
    coarse = {"grid__points": [96, 96], "solver_settings__dt": 0.0125}
    w = made("navier-stokes-kolmogorov-small", "train", 1, time__start=4.0, time__stop=6.0, time__frames=5, **coarse)[
        "vorticity"
    ]
    y = 2 * np.pi * np.arange(32) / 32
    along_x, along_y = (2 * (w.mean(axis=axes) * np.cos(4 * y)).mean() for axes in ((0, 1, 2), (0, 1, 3)))
    assert -4 / (16 * 1e-2 + 0.1) < along_x < -1.0
    assert abs(along_y) < 0.5 * abs(along_x)
