"""Swift and Hohenberg: growth of waves, the height of stripes, a functional that can only fall."""

import numpy as np
import pytest

from pdekit.problems.swift_hohenberg import SwiftHohenberg


@pytest.mark.parametrize("n", [6, 8, 11])
def test_small_waves_grow_as_the_symbol_says(periodic, trajectory, n):
    problem, grid = SwiftHohenberg(r=0.3, critical=0.9), periodic(64, 16 * np.pi)
    k = n / 8
    found = trajectory(problem, grid, [1e-8 * np.cos(k * grid.mesh[0])], [0.0, 2.0], dt=0.1).values["u"][0]
    rate = np.log(np.abs(found[1]).max() / np.abs(found[0]).max()) / 2
    assert rate == pytest.approx(0.3 - (0.81 - k**2) ** 2, abs=1e-6)


def test_stripes_of_small_r_have_the_height_of_the_amplitude_equation(periodic, trajectory):
    """A_t = r A - 3 A^3/4: 2 sqrt(r/3), up to a correction of relative size r."""
    problem, grid = SwiftHohenberg(r=0.02, quadratic=0.0), periodic(32, 4 * np.pi)
    u = trajectory(problem, grid, [0.1 * np.cos(grid.mesh[0])], [0.0, 500.0], dt=0.5).values["u"][0, 1]
    assert np.abs(u).max() == pytest.approx(2 * np.sqrt(0.02 / 3), rel=2e-3)


def test_the_functional_falls_and_the_chosen_wavelength_wins(periodic, trajectory, watched):
    problem, grid = SwiftHohenberg(), periodic([48, 48], [10 * np.pi] * 2)
    start = 0.1 * np.random.default_rng(0).standard_normal(grid.points)
    solution = trajectory(problem, grid, [start], np.linspace(0.0, 40.0, 21), dt=0.1)
    energy = watched(problem, grid, solution)["free energy"][0]
    assert np.all(np.diff(energy) < 1e-12)
    space = problem.space(grid)
    power = np.abs(space.forward(solution.values["u"][0, -1])) ** 2
    power[0, 0] = 0
    k = np.sqrt(space.squared().ravel()[power.argmax()])
    assert k == pytest.approx(1.0, abs=0.15)
