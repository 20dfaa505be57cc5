"""The ultraspherical card: samples of a line, groups that share a factorisation, resonance, refusals."""

from itertools import product

import numpy as np
import pytest

from pdekit.errors import BadInput
from pdekit.linear.spectral_legendre import LegendreGalerkin
from pdekit.linear.spectral_ultraspherical import KEPT, Ultraspherical
from pdekit.problems.helmholtz import Helmholtz
from pdekit.problems.poisson import Poisson
from pdekit.problems.screened_poisson import ScreenedPoisson
from pdekit.solution import Status
from pdekit.solver import Instances
from pdekit.space.grid import Grid

PAIRS = list(product(("dirichlet", "neumann"), repeat=2))


def line(pair, points=65, location="vertex"):
    return Grid.make(points, 1.3, location=location, boundary={"x_low": pair[0], "x_high": pair[1]})


@pytest.mark.parametrize("location", ["vertex", "cell"])
@pytest.mark.parametrize("problem", [Poisson(2.5), ScreenedPoisson(30.0), Helmholtz(7.0)])
@pytest.mark.parametrize("pair", PAIRS)
def test_every_pair_of_ends_from_samples(problem, pair, location):
    instances, exact = problem.manufactured(line(pair, location=location))
    solver = Ultraspherical(blending=7).prepare(problem)
    if pair == ("neumann", "neumann") and problem.name == "poisson":
        with pytest.raises(BadInput, match=r"(?s)two ends that fix.*legendre-galerkin"):
            solver.solve(instances)
        return
    solution = solver.solve(instances)
    assert solution.statuses == [Status.CONVERGED]
    assert solution.true_residual[0] < 1e-14
    np.testing.assert_allclose(solution.values[problem.outputs[0].name], exact, rtol=0, atol=2e-9)


def test_it_agrees_with_legendre_on_the_same_samples_far_below_what_the_samples_cost():
    """The rational interpolant is one function: two bases solve for it, whatever it is worth."""
    problem, rng = Poisson(), np.random.default_rng(0)
    grid = line(PAIRS[1], 33)
    case = Instances(grid, {"source": np.cumsum(rng.standard_normal((3, 33)), axis=1)})
    values = [
        kind(degree_factor=6.0).prepare(problem).solve(case).values["potential"]
        for kind in (Ultraspherical, LegendreGalerkin)
    ]
    assert np.abs(values[0] - values[1]).max() < 1e-7 * np.abs(values[0]).max()


def test_a_batch_is_its_samples_and_factorisations_are_kept():
    grid = line(PAIRS[2], 33)
    c = np.concatenate([np.arange(KEPT + 3.0), [0.0, 5.0]])
    source = np.cos(np.outer(np.arange(c.size), grid.coordinates[0]))
    batch = Instances(grid, {"source": source}, {"screening": c})
    solver = Ultraspherical().prepare(ScreenedPoisson())
    together = solver.solve(batch).values["potential"]
    for k, case in enumerate(batch.cases()):
        alone = Ultraspherical().prepare(ScreenedPoisson()).solve(case).values["potential"][0]
        np.testing.assert_allclose(together[k], alone, rtol=0, atol=1e-13)
    assert len(solver._kept[1].lines) <= KEPT


def test_a_resonant_sample_breaks_down_alone():
    grid = line(PAIRS[0], 33)
    case = Instances(grid, {"source": np.ones((2, 33))}, {"wavenumber": np.array([np.pi / 1.3, 4.0])})
    solution = Ultraspherical().prepare(Helmholtz()).solve(case)
    assert solution.statuses == [Status.BREAKDOWN, Status.CONVERGED]
    assert np.isnan(solution.values["amplitude"][0]).all()
    assert solution.info["condition"][0] > 1e12 > 1e4 > solution.info["condition"][1]


def test_nothing_in_nothing_out_and_other_dimensions_are_refused():
    grid = line(PAIRS[0], 17, "cell")
    solver = Ultraspherical(name="ultraspherical").prepare(Poisson())
    solution = solver.solve(Instances(grid, {"source": np.zeros((1, 17))}))
    assert solution.statuses == [Status.CONVERGED_ZERO_RHS]
    with pytest.raises(BadInput, match=r"(?s)'ultraspherical' does not serve this grid.*2 axes.*legendre-galerkin"):
        solver.solve(Instances(Grid.make((8, 8), boundary="dirichlet"), {"source": np.zeros((1, 8, 8))}))
