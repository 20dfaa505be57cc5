"""Residuals: by a problem, and from two arrays."""

import math

import numpy as np
import pytest

from pdekit.metrics.physics import budget_defect, energy, energy_error, mean_drift, relative_residual, residual
from pdekit.problems import PROBLEMS
from pdekit.solver import Instances
from pdekit.space.grid import Grid


def test_the_residual_is_the_problem_s_and_failures_are_infinite():
    problem = PROBLEMS["poisson"]()
    grid = Grid.make((8, 8), 1.0, boundary="dirichlet")
    source = np.random.default_rng(0).normal(size=(3, 8, 8))
    instances = Instances(grid, {"source": source})
    exact = []
    for case in instances.cases():
        operator, b = problem.assemble(case)
        exact.append(problem.embed(case, np.linalg.solve(operator.to_csr().toarray(), b.ravel()).reshape(b.shape)))
    values = np.stack(exact)
    values[1] = 0.0
    values[2, 4, 4] = np.nan
    out = residual(problem, instances, {"potential": values})
    assert out[0] < 1e-13
    assert out[1] == pytest.approx(1.0)
    assert out[2] == math.inf


def test_residual_from_arrays():
    grid = Grid.make(8, 2.0)
    source = np.random.default_rng(0).normal(size=(3, 1, 8, 1))
    source[2] = 0.0
    image = 0.9 * source
    image[2] = 0.5
    image[1, 0, 0, 0] = np.nan
    out = relative_residual(image, source, grid).ravel()
    assert out[0] == pytest.approx(0.1)
    assert out[1] == math.inf
    assert math.isnan(out[2])
    scaled = relative_residual(image, source, grid, scale=np.full((3, 1, 1), 5.0)).ravel()
    assert scaled[2] == pytest.approx(0.1)
    assert scaled[0] == out[0]


LINE = Grid.make(8, 2.0, location="vertex")
WAVE = np.sin(np.pi * LINE.coordinates[0])


def decay(rates, times, offset=0.0):
    """(n, t, x, 1): offset + exp(-rate t) sin(pi x)."""
    return (offset + np.exp(-np.multiply.outer(rates, times))[..., None] * WAVE)[..., None]


def test_energy_is_half_the_mean_square():
    u = decay([1.0], np.array([0.0, 1.0]))
    np.testing.assert_allclose(energy(u, LINE).ravel(), [0.25, 0.25 * math.exp(-2)], rtol=1e-13)
    np.testing.assert_allclose(energy_error(2 * u, u, LINE), 3.0, rtol=1e-12)
    u[0, 1, 3, 0] = np.inf
    assert energy(u, LINE).ravel()[1] == math.inf


def test_drift_of_the_mean_needs_no_reference():
    u = decay([1.0, 2.0], np.array([0.0, 1.0, 2.0]), offset=3.0)
    assert mean_drift(u, LINE).max() < 1e-15
    u[0, 2] += 0.5
    size = math.sqrt(9.5)
    np.testing.assert_allclose(mean_drift(u, LINE)[:, :, 0], [[0, 0, 0.5 / size], [0, 0, 0]], atol=1e-15)


def test_a_budget_is_kept_to_the_order_of_the_trapezium_rule():
    """dE/dt = -2 rate E: the defect falls by four with half the spacing; a rate of the wrong sign does not pass."""
    worst = []
    for frames in (11, 21, 41):
        t = np.linspace(0.0, 1.0, frames)
        e = np.exp(-2 * np.multiply.outer([1.0, 0.5], t))
        rate = -2 * np.array([[1.0], [0.5]]) * e
        worst.append(budget_defect(e, rate, t, np.ones(2)).max())
        assert budget_defect(e, -rate, t, np.ones(2)).max() > 0.5
    np.testing.assert_allclose(np.log2(np.divide(worst[:-1], worst[1:])), 2.0, atol=0.05)


def test_a_budget_of_what_is_conserved_is_plain_drift_and_failures_are_infinite():
    t = np.array([0.0, 1.0, 2.0])
    q = np.array([[2.0, 2.0, 2.2], [-4.0, -4.0, np.nan]])
    size = np.array([2.0, 4.0])
    np.testing.assert_allclose(budget_defect(q, np.zeros((2, 3)), t, size), [[0, 0, 0.1], [0, 0, np.inf]], atol=1e-15)
    still = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    assert budget_defect(still, np.zeros((2, 3)), t, np.zeros(2)).tolist() == [[0, 0, 0], [0, 0, np.inf]]
