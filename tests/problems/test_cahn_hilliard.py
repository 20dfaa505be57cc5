"""Cahn and Hilliard: mass to rounding, energy that falls at its exact rate, the wall, growth of waves, coarsening."""

import numpy as np
import pytest

from pdekit.problems.cahn_hilliard import CahnHilliard


def noise(grid, mean=0.1, seed=0):
    return mean + 0.1 * np.random.default_rng(seed).standard_normal(grid.points)


@pytest.mark.parametrize("scheme", ["etdrk4", "sbdf2"])
def test_mass_is_kept_to_rounding_and_energy_falls_over_a_thousand_steps(periodic, trajectory, watched, scheme):
    problem, grid = CahnHilliard(gamma=1e-2), periodic([24, 24], [3.0, 3.0])
    times = np.linspace(0.0, 2.0, 41)
    q = watched(problem, grid, trajectory(problem, grid, [noise(grid)], times, scheme=scheme, dt=2e-3))
    assert np.abs(q["mean u"][0] - q["mean u"][0, 0]).max() < 1e-13
    assert np.all(np.diff(q["free energy"][0]) < 1e-12)
    assert q["free energy"][0, -1] < 0.7 * q["free energy"][0, 0]


def test_a_run_of_many_growth_times_stays_real(periodic, trajectory):
    """Waves off the real ones grew by exp(t/(4 gamma)) = exp(400) here when N took v itself."""
    problem, grid = CahnHilliard(gamma=1e-3), periodic([16, 16], [0.5, 0.5])
    u = trajectory(problem, grid, [noise(grid)], [0.0, 1.6], dt=2e-3).values["u"][0]
    assert np.isfinite(u).all()
    assert np.abs(u[1]).max() < 1.2


@pytest.mark.parametrize("n", [1, 3, 5])
def test_small_waves_grow_as_cahn_says(periodic, trajectory, n):
    problem, grid = CahnHilliard(mobility=2.0, gamma=0.05), periodic(32, 2 * np.pi)
    found = trajectory(problem, grid, [1e-6 * np.cos(n * grid.mesh[0])], [0.0, 0.2], dt=2e-3).values["u"][0]
    rate = np.log(np.abs(found[1]).max() / np.abs(found[0]).max()) / 0.2
    assert rate == pytest.approx(2 * (n**2 - 0.05 * n**4), rel=1e-4)


def test_the_wall_stands_still(periodic, trajectory):
    problem, grid = CahnHilliard(gamma=1e-2), periodic(448, 8.0)
    x = grid.mesh[0]
    walls = problem.exact(x - 2) * problem.exact(6 - x)
    u = trajectory(problem, grid, [walls], [0.0, 0.5], dt=5e-3).values["u"][0]
    assert np.abs(u[1] - walls).max() < 1e-6


@pytest.mark.slow
def test_coarsening_goes_like_the_third_root_of_time(periodic, trajectory, watched):
    """The free energy is the length of all walls, one over the size of the drops: t^(-1/3), 0.338 and 0.333 measured."""
    problem, grid = CahnHilliard(gamma=1e-3), periodic([96, 96], [3.0, 3.0])
    times = np.array([0.0, 0.08, 0.16, 0.32, 0.64, 1.28])
    q = watched(problem, grid, trajectory(problem, grid, [noise(grid, 0.0)], times, dt=4e-3))
    slope = np.polyfit(np.log(times[1:]), np.log(q["free energy"][0, 1:]), 1)[0]
    assert -0.40 < slope < -0.26, slope
