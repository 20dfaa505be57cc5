"""Residuals: by a problem, and from two arrays."""

import math

import numpy as np
import pytest

from pdekit.metrics.physics import relative_residual, residual
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
