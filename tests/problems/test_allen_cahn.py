"""Allen and Cahn: the front, the free energy and its exact rate, the bound, and a disc that shrinks by its curvature."""

import numpy as np
import pytest

from pdekit.problems.allen_cahn import AllenCahn


def fronts(problem, x, t=0.0):
    """1 between two fronts that part."""
    return problem.exact(x, t, start=5.5) * problem.exact(-x, t, start=-2.5)


def test_the_front_is_exact(periodic, trajectory):
    problem, grid = AllenCahn(epsilon=0.05), periodic(1024, 8.0)
    x = grid.mesh[0]
    errors = []
    for n in (10, 20, 40):
        u = trajectory(problem, grid, [fronts(problem, x)], [0.0, 3.0], dt=3 / n).values["u"][0, 1]
        errors.append(np.abs(u - problem.exact(x, 3.0, start=5.5))[x > 4].max())
    orders = np.log2(np.divide(errors[:-1], errors[1:]))
    assert np.all(abs(orders - 4) < 0.5), (errors, orders)
    assert errors[-1] < 2e-6


def test_the_formula_solves_the_equation():
    problem, h, x = AllenCahn(epsilon=0.3), 1e-4, np.linspace(-2, 2, 21)
    u, left, right = (problem.exact(x + s, 0.2) for s in (0.0, -h, h))
    rate = (problem.exact(x, 0.2 + h) - problem.exact(x, 0.2 - h)) / (2 * h)
    expected = 0.09 * (left - 2 * u + right) / h**2 + u - u**3
    assert np.abs(rate - expected).max() < 1e-6


@pytest.mark.parametrize("scheme", ["etdrk4", "etdrk2", "sbdf2"])
def test_the_free_energy_falls_and_the_bound_is_kept(periodic, trajectory, watched, scheme):
    problem, grid = AllenCahn(epsilon=0.15), periodic([64, 64], [2 * np.pi] * 2)
    rng = np.random.default_rng(0)
    x, y = grid.mesh
    waves = [rng.normal() * np.cos(a * x + b * y) for a in range(3) for b in range(3)]
    start = np.clip(sum(waves), -0.9, 0.9)
    solution = trajectory(problem, grid, [start], np.linspace(0.0, 10.0, 41), scheme=scheme, dt=0.05)
    q = watched(problem, grid, solution)
    assert np.all(np.diff(q["free energy"][0]) < 1e-12)
    assert q["free energy"][0, -1] < 0.9 * q["free energy"][0, 0]
    assert q["largest |u|"].max() < 1.02, "1 by the maximum principle, and what the series overshoots"


def test_a_disc_shrinks_by_its_curvature(periodic, trajectory):
    """r^2 = r_0^2 - 2 epsilon^2 t, up to the width of the wall over r."""
    problem, grid = AllenCahn(epsilon=0.05), periodic([96, 96], [2.0, 2.0])
    r = np.hypot(grid.mesh[0] - 1, grid.mesh[1] - 1)
    start = np.tanh((0.6 - r) / (np.sqrt(2) * 0.05))
    u = trajectory(problem, grid, [start], [0.0, 10.0, 30.0], dt=0.1).values["u"][0]
    area = (u > 0).mean(axis=(1, 2)) * 4 / np.pi
    assert area[0] == pytest.approx(0.36, abs=0.01)
    assert area[1] - area[2] == pytest.approx(2 * 0.05**2 * 20, rel=0.1)
