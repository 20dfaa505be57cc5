"""The truth is finer than the data, and its own error estimate is neither boast nor alarm."""

import numpy as np
import pytest

from pdekit.comparison.plan import Truth
from pdekit.comparison.truth import finer_truth, stacked, stored_truth
from pdekit.errors import SolveError
from pdekit.metrics import score
from pdekit.problems import Darcy, Poisson
from pdekit.solver import Instances
from pdekit.space.grid import Grid
from pdekit.space.transfer import coarsen

GAUSS = {"variance_factor": 9.0, "tau": 3.0, "alpha": 2.0, "boundary": "neumann"}
LAWS = {
    "two-phase": {"law": "two-phase", "high": 12.0, "low": 3.0, "gauss": GAUSS},
    "log-normal": {"law": "log-normal", "contrast": 50.0, "gauss": GAUSS},
}


def cases(law, n=16, samples=6):
    grid = Grid.make([n, n], boundary="dirichlet")
    drawn = [Darcy().sample(grid, np.random.default_rng(i), {"permeability": LAWS[law]}) for i in range(samples)]
    fields = {"permeability": np.stack([d["permeability"] for d in drawn]), "source": np.ones((samples, n, n))}
    return Instances(grid, fields)


@pytest.mark.parametrize("law", LAWS)
def test_the_estimate_is_near_the_error_that_a_much_finer_solve_finds(law):
    instances = cases(law)
    truth = finer_truth(Truth(refine=2), Darcy(), instances, ("relative_l2", "relative_h1", "residual"))
    fine = finer_truth(Truth(refine=8), Darcy(), instances, ("relative_l2",))
    for metric in ("relative_l2", "relative_h1"):
        found = score([metric], stacked(truth.values), stacked(fine.values), instances.grid)[metric].mean()
        assert 0.75 < truth.error[metric] / found < 1.4, (metric, truth.error[metric], found)
    assert set(truth.error) == {"relative_l2", "relative_h1"}  # a residual has no truth to differ from
    assert truth.facts["points"] == [32, 32]


def test_the_truth_is_the_restricted_finer_solve():
    instances = cases("two-phase", samples=1)
    truth = finer_truth(Truth(refine=2, samples=1), Darcy(), instances, ("relative_l2",))
    fine = Darcy().regrid(instances, 2)
    operator, b = Darcy().assemble(fine)
    exact = np.linalg.solve(operator.to_csr().toarray(), b.ravel()).reshape(32, 32)
    np.testing.assert_allclose(truth.values["pressure"][0], coarsen(exact, fine.grid, 2), rtol=1e-8)


def test_order_two_is_observed_where_the_problem_is_smooth():
    grid = Grid.make([16, 16], boundary="dirichlet")
    instances, _ = Poisson().mode(grid, (1, 2))
    truth = finer_truth(Truth(solver="fast-poisson", refine=2), Poisson(), instances, ("relative_l2",))
    assert truth.facts["observed_order"]["relative_l2"] == pytest.approx(2.0, abs=0.1)


def test_a_truth_that_does_not_converge_ends_the_comparison():
    instances = cases("two-phase", samples=2)
    bad = Instances(instances.grid, {**instances.fields, "source": np.full((2, 16, 16), np.nan)})
    with pytest.raises(SolveError, match="the reference solver 'pcg-multigrid' failed on sample 0"):
        finer_truth(Truth(), Darcy(), bad, ("relative_l2",))


def test_stored_outputs_stand_in_where_no_equation_is_known():
    outputs = {"y": np.arange(8.0).reshape(2, 4)}
    truth = stored_truth(outputs, np.array([1e-3, np.nan]))
    np.testing.assert_array_equal(truth.values["y"], outputs["y"])
    assert truth.error == {"relative_l2": 1e-3}
    assert stored_truth(outputs, None).error == {}
