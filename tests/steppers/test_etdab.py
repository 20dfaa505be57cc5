"""The weights of ETDAB4: what they are made for is integrated exactly, whatever L is."""

import numpy as np
import pytest
from scipy.integrate import quad_vec

from pdekit.steppers.etdab import ETDAB4

WEIGHTS = ("g0", "g1", "g2", "g3")


def test_without_a_linear_part_they_are_those_of_adams_and_bashforth():
    c = ETDAB4().prepare(np.zeros(1), 0.3).at(np.ones(1, complex))
    found = [c[g][0] / 0.3 for g in WEIGHTS]
    np.testing.assert_allclose(found, np.array([55, -59, 37, -9]) / 24, rtol=1e-14)


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
def test_cubics_in_time_are_integrated_against_the_propagator(degree):
    h, L = 0.7, np.array([0.0, -1e-9, -0.3, -1 / 0.7, -40.0, 2j, -1 - 3j, 0.4])
    c = ETDAB4().prepare(L, h).at(np.ones(len(L), complex))
    found = sum(c[g] * (-j * h) ** degree for j, g in enumerate(WEIGHTS))
    exact = quad_vec(lambda s: np.exp((h - s) * L) * s**degree, 0, h, epsabs=1e-15, epsrel=1e-14)[0]
    np.testing.assert_allclose(found, exact, rtol=0, atol=2e-12)


def test_one_evaluation_a_step_once_it_has_started():
    count = []

    def N(v, t):
        count.append(t)
        return -(v**2)

    stepper = ETDAB4().prepare(np.array([-0.1]), 0.1)
    v, calls = np.array([1.0 + 0j]), []
    for i in range(6):
        count.clear()
        v = stepper.step(v, 0.1 * i, N)
        calls.append(len(count))
    assert calls == [5, 5, 5, 1, 1, 1]
