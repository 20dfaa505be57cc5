"""A wildfire: burning at a point, a front that runs, the wind, a spark that dies, and what is budgeted."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from pdekit.problems.wildfire import Wildfire


def test_without_diffusion_every_point_burns_by_itself(periodic, trajectory):
    problem, grid = Wildfire(kappa=0.0, heat=2.0, cooling=0.1), periodic(8, 1.0)
    found = trajectory(problem, grid, [np.full(8, 0.7), np.full(8, 0.9)], [0.0, 5.0], dt=0.02).values

    def rate(t, y):
        burning = y[1] * np.exp(-1 / y[0])
        return [2 * burning - 0.1 * y[0], -burning]

    exact = solve_ivp(rate, (0, 5), [0.7, 0.9], rtol=1e-11, atol=1e-12).y[:, -1]
    assert np.abs(found["temperature"][0, 1] - exact[0]).max() < 1e-7
    assert np.abs(found["fuel"][0, 1] - exact[1]).max() < 1e-7


def test_what_is_colder_than_the_ambient_does_not_burn(periodic):
    problem, grid = Wildfire(), periodic(8, 1.0)
    space = problem.space(grid)
    v = space.forward(np.stack([np.full((3, 8), 1.0) * [[-0.5], [0.0], [0.5]], np.ones((3, 8))], axis=1))
    burnt = space.mean(problem.nonlinear(v, 0.0, space)[:, 1])
    assert burnt.tolist() == pytest.approx([0.0, 0.0, -np.exp(-2)])


def spot(grid, height):
    r2 = sum((x - ell / 2) ** 2 for x, ell in zip(grid.mesh, grid.length, strict=True))
    return height * np.exp(-r2 / 18), np.ones(grid.points)


def test_a_fire_runs_and_leaves_ash(periodic, trajectory, watched):
    problem, grid = Wildfire(), periodic(384, 120.0)
    solution = trajectory(problem, grid, spot(grid, 1.5), np.linspace(0, 40, 9), dt=0.02)
    fuel = solution.values["fuel"][0]
    burnt = (fuel < 0.5).mean(axis=1) * 120
    steps = np.diff(burnt[4:])
    assert np.all(steps > 1), "both fronts run"
    assert steps.std() < 0.1 * steps.mean(), "at a steady speed"
    assert fuel[-1].min() < 0.05
    assert fuel.min() > -0.02
    q = watched(problem, grid, solution)
    assert np.all(np.diff(q["mean fuel"][0]) < 0)


def test_a_spark_dies(periodic, trajectory):
    problem, grid = Wildfire(), periodic(128, 60.0)
    found = trajectory(problem, grid, spot(grid, 0.15), [0.0, 60.0], dt=0.05).values
    assert found["temperature"][0, 1].max() < 0.1
    assert found["fuel"][0, 1].min() > 0.5


def test_the_wind_drives_it(periodic, trajectory):
    """Further down the wind than against it, and the same mirrored."""
    grid = periodic(384, 120.0)
    x = grid.mesh[0]
    middle = []
    for wind in (1.0, -1.0):
        fuel = trajectory(Wildfire(wind_x=wind), grid, spot(grid, 1.5), [0.0, 20.0], dt=0.02).values["fuel"][0, 1]
        middle.append((x * (fuel < 0.5)).sum() / (fuel < 0.5).sum() - 60)
    assert middle[0] > 3
    assert middle[0] == pytest.approx(-middle[1], abs=0.7)


def test_a_ring_in_the_plane_is_round(periodic, trajectory):
    grid = periodic([96, 96], [40.0, 40.0])
    fuel = trajectory(Wildfire(), grid, spot(grid, 1.5), [0.0, 8.0], dt=0.05).values["fuel"][0, 1]
    assert np.abs(fuel - fuel.T).max() < 1e-10
    burnt = fuel < 0.5
    along, across = burnt[:, 48].sum() * 40 / 96, np.sqrt(burnt.sum() * 4 / np.pi) * 40 / 96
    assert along > 6
    assert along == pytest.approx(across, rel=0.1)


def test_more_points_change_little(periodic, trajectory):
    """Arrhenius is no polynomial: its aliases fall off with the points that a front has."""
    ends = []
    for n in (96, 192, 384):
        grid = periodic(n, 60.0)
        ends.append(
            trajectory(Wildfire(), grid, spot(grid, 1.5), [0.0, 8.0], dt=0.01).values["temperature"][0, 1][:: n // 96]
        )
    coarse, fine = np.abs(ends[0] - ends[2]).max(), np.abs(ends[1] - ends[2]).max()
    assert fine < 0.05 * coarse
    assert fine < 2e-3
