"""The wave equation: closed form against standing and travelling waves, energy at any step, other schemes by their order."""

import numpy as np
import pytest

from pdekit.problems.wave import Wave


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_a_standing_wave(periodic, trajectory, dim):
    problem, k = Wave(c=1.7), (2.0, -1.0, 3.0)[:dim]
    grid = periodic([12, 13, 10][:dim], [2 * np.pi] * dim)
    start, rest = problem.exact(k, grid.mesh, 0.0)
    found = trajectory(problem, grid, [start, rest], [0.0, 0.3, 5.0], scheme="exact", dt=1.0).values
    for i, t in enumerate((0.0, 0.3, 5.0)):
        for name, exact in zip(("displacement", "velocity"), problem.exact(k, grid.mesh, t), strict=True):
            assert np.abs(found[name][0, i] - exact).max() < 1e-13


def test_a_pulse_runs_at_c(periodic, trajectory):
    """u = f(x - c t): the velocity is -c f'; d'Alembert, independent of the closed form of modes."""
    grid = periodic(64, 2 * np.pi)
    x = grid.mesh[0]
    found = trajectory(
        Wave(c=2.0), grid, [np.exp(np.sin(x)), -2 * np.cos(x) * np.exp(np.sin(x))], [0.0, 0.7], scheme="exact", dt=1.0
    )
    assert np.abs(found.values["displacement"][0, 1] - np.exp(np.sin(x - 1.4))).max() < 1e-12


def test_a_mean_velocity_lifts_everything(periodic, trajectory):
    grid = periodic(8, 1.0)
    found = trajectory(Wave(), grid, [np.full(8, 0.5), np.full(8, 0.25)], [0.0, 4.0], scheme="exact", dt=1.0).values
    assert np.allclose(found["displacement"][0, 1], 1.5, atol=1e-15)
    assert np.allclose(found["velocity"][0, 1], 0.25, atol=1e-15)


@pytest.mark.parametrize("dim", [1, 2])
def test_energy_is_kept_for_any_step(periodic, trajectory, watched, dim):
    problem, grid = Wave(c=3.0), periodic([32] * dim, [2.0] * dim)
    rng = np.random.default_rng(0)
    starts = rng.standard_normal((2, *grid.points))
    times = np.concatenate([[0.0], np.cumsum(rng.uniform(0.01, 30.0, 40))])
    energy = watched(problem, grid, trajectory(problem, grid, starts, times, scheme="exact", dt=1.0))["energy"]
    assert np.abs(energy / energy[:, :1] - 1).max() < 1e-13


@pytest.mark.parametrize(("scheme", "order"), [("etdrk4", 4), ("if-rk4", 4), ("etdrk2", 2)])
def test_other_schemes_see_the_coupling(periodic, trajectory, scheme, order):
    problem, grid = Wave(), periodic(16, 2 * np.pi)
    start, rest = problem.exact((3.0,), grid.mesh, 0.0)
    errors = []
    for n in (40, 80, 160):
        u = trajectory(problem, grid, [start, rest], [0.0, 0.5], scheme=scheme, dt=0.5 / n).values["displacement"]
        errors.append(np.abs(u[0, 1] - problem.exact((3.0,), grid.mesh, 0.5)[0]).max())
    found = np.log2(np.divide(errors[:-1], errors[1:]))
    assert np.all(np.abs(found - order) < 0.15), found
