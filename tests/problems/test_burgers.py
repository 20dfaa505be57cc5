"""Burgers' equation against Cole and Hopf, in time and in space as tabled; mass; the aliases that the cut keeps out."""

import numpy as np
import pytest

from pdekit.problems.burgers import Burgers


def relative(u, exact):
    return np.linalg.norm(u - exact) / np.linalg.norm(exact)


def error(periodic, trajectory, points, dt, **settings):
    problem, grid = Burgers(nu=0.1), periodic(points, 2 * np.pi)
    x = grid.mesh[0]
    u = trajectory(problem, grid, [np.sin(x)], [0.0, 1.0], dt=dt, scheme="etdrk4", **settings).values["u"][0, 1]
    return relative(u, problem.exact(x, 1.0))


@pytest.mark.parametrize(("steps", "tabled"), [(10, 1.6e-5), (20, 1.1e-6), (40, 7.6e-8), (80, 4.9e-9), (160, 3.1e-10)])
def test_in_time_as_tabled(periodic, trajectory, steps, tabled):
    found = error(periodic, trajectory, 256, 1 / steps)
    assert tabled / 1.5 < found < 1.5 * tabled, found


@pytest.mark.parametrize(("points", "tabled"), [(16, 3.4e-2), (32, 3.8e-3), (64, 2.5e-5), (128, 1.6e-9)])
def test_in_space_as_tabled(periodic, trajectory, points, tabled):
    found = error(periodic, trajectory, points, 1 / 400)
    assert tabled / 1.5 < found < 1.5 * tabled, found
    aliased = error(periodic, trajectory, points, 1 / 400, dealias=False)
    assert not tabled / 1.5 < aliased < 1.5 * tabled, "the table belongs to the 2/3 rule"


def test_the_formula_solves_the_equation():
    problem, h, x = Burgers(nu=0.07), 1e-4, np.linspace(0.0, 6.0, 31)
    u, left, right = (problem.exact(x + s, 0.6) for s in (0.0, -h, h))
    rate = (problem.exact(x, 0.6 + h) - problem.exact(x, 0.6 - h)) / (2 * h)
    expected = 0.07 * (left - 2 * u + right) / h**2 - u * (right - left) / (2 * h)
    assert np.abs(rate - expected).max() < 1e-5 * np.abs(rate).max()
    assert np.allclose(problem.exact(x, 0.0), np.sin(x))


def test_mass_is_kept_to_rounding_over_a_thousand_steps(periodic, trajectory):
    grid = periodic(128, 2 * np.pi)
    start = 0.3 + np.sin(grid.mesh[0]) + np.cos(3 * grid.mesh[0] + 1)
    for scheme in ("etdrk4", "sbdf2", "ars443"):
        u = trajectory(Burgers(nu=0.05), grid, [start], [0.0, 2.0], scheme=scheme, dt=2e-3).values["u"][0]
        assert abs(u[1].mean() - u[0].mean()) < 1e-13, scheme


def test_energy_falls_as_dissipation_says(periodic, trajectory, watched):
    """Between frames: the trapezium rule over the rate is of second order in their spacing."""
    problem, grid = Burgers(nu=0.1), periodic(128, 2 * np.pi)
    times = np.linspace(0.0, 1.0, 201)
    solution = trajectory(problem, grid, [np.sin(grid.mesh[0])], times, dt=5e-3)
    energy, space = watched(problem, grid, solution)["energy"][0], problem.space(grid)
    v = space.forward(solution.values["u"][0][:, None])
    rate = problem.rates(v, 0.0, space)["energy"]
    lost = np.cumsum((rate[1:] + rate[:-1]) / 2 * np.diff(times))
    assert np.abs(energy[1:] - energy[0] - lost).max() < 2e-6
    assert energy[-1] < 0.9 * energy[0]


def test_the_speed_is_that_of_the_fastest_point(periodic):
    problem, grid = Burgers(), periodic(64, 2 * np.pi)
    space = problem.space(grid)
    v = space.forward(np.stack([0.5 + np.sin(grid.mesh[0]), -2 + np.sin(grid.mesh[0])])[:, None])
    assert problem.speed(v, space) == pytest.approx([1.5, 3.0])
