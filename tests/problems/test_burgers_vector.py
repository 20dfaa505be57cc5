"""Burgers' equation in the plane against potential flow; one axis of it against Burgers' equation."""

import numpy as np

from pdekit.problems.burgers import Burgers
from pdekit.problems.burgers_vector import BurgersVector


def test_potential_flow_of_fourth_order(periodic, trajectory):
    problem, grid = BurgersVector(nu=0.2), periodic([48, 50], [2 * np.pi] * 2)
    start, end = problem.exact(grid.mesh, 0.0, 1.5), problem.exact(grid.mesh, 1.0, 1.5)
    errors = []
    for n in (4, 8, 16):
        found = trajectory(problem, grid, start, [0.0, 1.0], scheme="etdrk4", dt=1 / n).values
        errors.append(max(np.abs(found[name][0, 1] - u).max() for name, u in zip("uv", end, strict=True)))
    orders = np.log2(np.divide(errors[:-1], errors[1:]))
    assert np.all(abs(orders - 4) < 0.35), orders
    assert errors[-1] < 1e-7


def test_the_formula_solves_the_equation():
    problem, h = BurgersVector(nu=0.3), 1e-4
    x, y = np.meshgrid(np.linspace(0, 6, 9), np.linspace(0, 6, 8), indexing="ij")

    def at(dx=0.0, dy=0.0, dt=0.0):
        return np.stack(problem.exact((x + dx, y + dy), 0.5 + dt, 1.3))

    u = at()
    slopes = [(at(**{k: h}) - at(**{k: -h})) / (2 * h) for k in ("dx", "dy", "dt")]
    laplace = sum(at(**{k: h}) - 2 * u + at(**{k: -h}) for k in ("dx", "dy")) / h**2
    right = 0.3 * laplace - u[0] * slopes[0] - u[1] * slopes[1]
    assert np.abs(slopes[2] - right).max() < 1e-5 * np.abs(right).max()


def test_a_flow_along_one_axis_is_burgers_equation(periodic, trajectory):
    """u(x) alone, and v(y) alone: what stands across is 0."""
    plane, line = periodic([48, 48], [2 * np.pi] * 2), periodic(48, 2 * np.pi)
    s = line.mesh[0]
    one = trajectory(Burgers(nu=0.1), line, [np.sin(s)], [0.0, 1.0], dt=0.02).values["u"][0, 1]
    zero = np.zeros((48, 48))
    along_x = trajectory(BurgersVector(nu=0.1), plane, [np.sin(s)[:, None] + zero, zero], [0.0, 1.0], dt=0.02).values
    along_y = trajectory(BurgersVector(nu=0.1), plane, [zero, np.sin(s)[None] + zero], [0.0, 1.0], dt=0.02).values
    assert np.abs(along_x["u"][0, 1] - one[:, None]).max() < 1e-13
    assert np.abs(along_y["v"][0, 1] - one[None]).max() < 1e-13
    assert np.abs(along_x["v"]).max() == np.abs(along_y["u"]).max() == 0.0
