"""Second order, from both sides, on smooth solutions: every boundary type, cells and vertices, both face means, 1D to 3D.

Three ratios each; the values on the faces vary along them. `tests/problems/conftest.py` says what "mixed" and "ring" are.
"""

import numpy as np
import pytest

from pdekit.problems import Darcy, Poisson

CASES = ("periodic", "dirichlet", "neumann", "robin", "mixed", "ring")
LOCATIONS = ("cell", "vertex")
MEANS = ("harmonic", "arithmetic")


def second(orders):
    assert orders.shape == (3,)
    assert np.all((orders > 1.9) & (orders < 2.1)), orders


@pytest.mark.parametrize("location", LOCATIONS)
@pytest.mark.parametrize("case", CASES[:5])
def test_poisson_1d(case, location, box, orders):
    second(orders(Poisson(diffusivity=0.5), [box(n, 1, location, case) for n in (16, 32, 64, 128)]))


@pytest.mark.parametrize("location", LOCATIONS)
@pytest.mark.parametrize("case", CASES)
def test_poisson_2d(case, location, box, orders):
    second(orders(Poisson(diffusivity=3.0), [box(n, 2, location, case) for n in (16, 32, 64, 128)]))


@pytest.mark.parametrize("mean", MEANS)
@pytest.mark.parametrize("location", LOCATIONS)
@pytest.mark.parametrize("case", CASES)
def test_darcy_2d(case, location, mean, box, orders):
    second(orders(Darcy(face_mean=mean), [box(n, 2, location, case) for n in (16, 32, 64, 128)]))


@pytest.mark.parametrize("location", LOCATIONS)
@pytest.mark.parametrize("case", CASES)
def test_poisson_3d(case, location, box, orders):
    second(orders(Poisson(), [box(n, 3, location, case) for n in (8, 16, 32, 64)]))


@pytest.mark.parametrize("mean", MEANS)
@pytest.mark.parametrize("location", LOCATIONS)
@pytest.mark.parametrize("case", CASES)
def test_darcy_3d(case, location, mean, box, orders):
    second(orders(Darcy(face_mean=mean), [box(n, 3, location, case) for n in (8, 16, 32, 64)]))
