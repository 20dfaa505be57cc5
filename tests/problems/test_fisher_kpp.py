"""Fisher and KPP: the front of Ablowitz and Zeppetella, logistic growth of flat starts, splitting by its order."""

import numpy as np
import pytest

from pdekit.problems.fisher_kpp import FisherKPP, logistic


def test_the_front_is_exact(periodic, trajectory):
    problem, grid = FisherKPP(nu=0.5, r=2.0), periodic(768, 200.0)
    x = grid.mesh[0]
    start = problem.exact(x, 0.0, start=130.0) * problem.exact(-x, 0.0, start=-70.0)
    errors = []
    for n in (16, 32, 64):
        u = trajectory(problem, grid, [start], [0.0, 4.0], dt=4 / n).values["u"][0, 1]
        errors.append(np.abs(u - problem.exact(x, 4.0, start=130.0))[x > 100].max())
    orders = np.log2(np.divide(errors[:-1], errors[1:]))
    assert np.all(abs(orders - 4) < 0.4), (errors, orders)
    assert errors[-1] < 1e-5


def test_the_formula_solves_the_equation():
    problem, h, x = FisherKPP(nu=0.3, r=1.7), 1e-4, np.linspace(-4, 4, 21)
    u, left, right = (problem.exact(x + s, 0.2) for s in (0.0, -h, h))
    rate = (problem.exact(x, 0.2 + h) - problem.exact(x, 0.2 - h)) / (2 * h)
    assert np.abs(rate - 0.3 * (left - 2 * u + right) / h**2 - 1.7 * u * (1 - u)).max() < 1e-6


@pytest.mark.parametrize("scheme", ["lie", "strang"])
def test_a_flat_start_is_logistic_at_any_step_of_a_splitting(periodic, trajectory, scheme):
    grid = periodic([8, 8], [1.0, 1.0])
    found = trajectory(FisherKPP(r=3.0), grid, [np.full((8, 8), 0.02)], [0.0, 1.3], scheme=scheme, dt=0.65).values["u"]
    exact = 0.02 * np.exp(3.9) / (1 - 0.02 + 0.02 * np.exp(3.9))
    assert np.abs(found[0, 1] - exact).max() < 1e-14
    assert logistic(0.02, 3.0, 1.3) == pytest.approx(exact, rel=1e-14)


@pytest.mark.parametrize(("scheme", "order"), [("lie", 1), ("strang", 2), ("etdrk2", 2)])
def test_orders(periodic, trajectory, scheme, order):
    problem, grid = FisherKPP(nu=0.1, r=2.0), periodic(48, 2 * np.pi)
    start = [0.5 + 0.4 * np.sin(grid.mesh[0])]
    exact = trajectory(problem, grid, start, [0.0, 1.0], dt=1 / 400).values["u"][0, 1]
    errors = [
        np.abs(trajectory(problem, grid, start, [0.0, 1.0], scheme=scheme, dt=1 / n).values["u"][0, 1] - exact).max()
        for n in (10, 20, 40, 80)
    ]
    found = np.log2(np.divide(errors[:-1], errors[1:]))
    assert np.all(abs(found - order) < 0.15), found


def test_the_empty_is_filled_at_its_speed(periodic, trajectory):
    """From a compact start the front runs at 2 sqrt(r nu) in the end, a little less before. Not longer: rounding
    in the empty grows by exp(t)."""
    problem, grid = FisherKPP(nu=1.0, r=1.0), periodic(512, 200.0)
    start = np.exp(-((grid.mesh[0] - 100) ** 2) / 4)
    u = trajectory(problem, grid, [start], [0.0, 10.0, 20.0], dt=0.1).values["u"][0]
    width = (u > 0.5).sum(axis=1) * 200 / 512
    assert 1.8 < (width[2] - width[1]) / 20 < 2.0
