"""Data made by spectral solvers: judged by their own equations, checked by answering again, and faults in them are found."""

import h5py
import numpy as np
import pytest

from pdekit.data.check import check
from pdekit.data.generate import generate
from pdekit.data.recipe import recipe_from
from pdekit.errors import BadInput

RECIPE = """
format = 1
title = "Poisson by Legendre polynomials"
problem = "poisson"
solver = "legendre-galerkin"
[grid]
points = [33, 33]
location = "vertex"
boundary = "dirichlet"
[fields.source]
law = "gaussian"
gauss = { variance_factor = 9.0, tau = 3.0, alpha = 4.0, boundary = "neumann" }
[reference_error]
method = "refine"
samples = 2
[splits]
train = 3
valid = 1
test = 1
"""


@pytest.fixture
def file(tmp_path):
    return generate(recipe_from(RECIPE, where="RECIPE"), tmp_path / "poisson.h5")


def test_they_pass_with_their_own_residual_and_the_error_of_their_degree(file):
    report = check(file)
    assert report.passed, report.findings
    assert any("answered again" in line for line in report.verified)
    with h5py.File(file) as h5:
        assert (h5["train/solver_residual"][...] < 1e-9).all(), "that of the grid's difference equations is 1e-3 here"
        error = h5["train/reference_error"][...]
    assert (error[:2] < 1e-6).all()
    assert (error[:2] > 0).all(), "another degree, not the same answer again"
    assert np.isnan(error[2])


@pytest.mark.parametrize("fault", ["bump", "swap", "scale"])
def test_faults_are_found(file, fault):
    with h5py.File(file, "r+") as h5:
        u = h5["train/potential"]
        values = u[...]
        if fault == "bump":
            values[1, 7, 9] *= 1 + 1e-3
        elif fault == "swap":
            values[[0, 1]] = values[[1, 0]]
        else:
            values[1] *= 1.0001
        u[...] = values
    found = [f for f in check(file).findings if f.test == "equation"]
    assert found
    assert any("not what 'legendre-galerkin' answers" in f.text for f in found)


def test_a_grid_that_the_solver_does_not_serve_is_refused_before_work():
    text = RECIPE.replace("legendre-galerkin", "ultraspherical")
    with pytest.raises(BadInput, match="'ultraspherical' serves boxes of 1 axes; the grid has 2"):
        recipe_from(text, where="RECIPE")
