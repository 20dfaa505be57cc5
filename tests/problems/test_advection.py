"""Advection against the shifted start, in one to three dimensions."""

import numpy as np
import pytest

from pdekit.errors import BadInput
from pdekit.problems.advection import Advection

VELOCITY = {"velocity_x": 0.7, "velocity_y": -1.3, "velocity_z": 0.4}


def bump(*x):
    return np.exp(sum(np.sin(s + i) for i, s in enumerate(x)))


@pytest.mark.parametrize(("dim", "n"), [(1, 48), (2, 40), (3, 33)])
@pytest.mark.parametrize("scheme", ["exact", "etdrk4"])
def test_the_start_is_shifted(periodic, trajectory, dim, n, scheme):
    problem, grid = Advection(**VELOCITY), periodic([n] * dim, [2 * np.pi] * dim)
    u = trajectory(problem, grid, [bump(*grid.mesh)], [0.0, 0.9, 7.1], scheme=scheme, dt=1.0).values["u"][0]
    for k, t in enumerate((0.0, 0.9, 7.1)):
        assert np.abs(u[k] - problem.exact(bump, grid.mesh, t)).max() < 1e-11


def test_once_round_the_box_is_the_start(periodic, trajectory):
    grid = periodic(64, 3.0)
    u = trajectory(
        Advection(velocity_x=1.5), grid, [bump(2 * np.pi * grid.mesh[0] / 3)], [0.0, 2.0], scheme="exact", dt=1.0
    )
    assert np.abs(u.values["u"][0, 1] - u.values["u"][0, 0]).max() < 1e-13


def test_the_shortest_wave_of_an_even_grid_is_left_out(periodic, trajectory):
    """cos(N x/2) has no first derivative on the points: kept, it would stand still while all else moves."""
    grid = periodic(16, 2 * np.pi)
    u = trajectory(Advection(), grid, [np.cos(8 * grid.mesh[0])], [0.0, 0.3], scheme="exact", dt=1.0).values["u"]
    assert np.abs(u).max() < 1e-15


def test_the_speed_gives_a_step_by_cfl(periodic, trajectory):
    grid = periodic(64, 2 * np.pi)
    solution = trajectory(
        Advection(velocity_x=-2.0), grid, [np.sin(grid.mesh[0])], [0.0, 1.0], scheme="etdrk4", dt=1.0, cfl=0.5
    )
    assert solution.steps[0] == 64, "1/(0.5 (2 pi/64)/2) = 40.7 steps, rounded up to a power of 2"


def test_a_velocity_that_is_no_number_is_refused():
    with pytest.raises(BadInput, match=r"(?s)velocity_y of problem 'advection'.*found: inf"):
        Advection(velocity_y=float("inf"))
