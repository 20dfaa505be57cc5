import math

import numpy as np
import pytest

from pdekit.steppers.etdrk import ETDRK2, ETDRK4, contour_mean, f1, f2, f3, phi1, phi2

# Taylor coefficients of f(z), from those of e^z alone
F = math.factorial
SERIES = {
    phi1: lambda m: 1 / F(m + 1),
    phi2: lambda m: 1 / F(m + 2),
    f1: lambda m: 4 / F(m + 3) - 3 / F(m + 2) + 1 / F(m + 1),
    f2: lambda m: 1 / F(m + 2) - 2 / F(m + 3),
    f3: lambda m: 4 / F(m + 3) - 1 / F(m + 2),
}
ALL = pytest.mark.parametrize("f", list(SERIES))


@ALL
@pytest.mark.parametrize("turn", [1.0, -1.0, 1j, np.exp(2j)])
def test_small_arguments_as_the_series(f, turn):
    z = np.array([0.0, 1e-12, 1e-5, 1e-2, 0.3, 1.0]) * turn
    wrong = abs(contour_mean(f, z) - sum(SERIES[f](m) * z**m for m in range(25)))
    assert wrong[:-1].max() < 1e-15
    assert wrong[-1] < 2e-13  # at |z| = 1 a point of the circle comes near 0, where the formula cancels


@ALL
@pytest.mark.parametrize("turn", [-1.0, 1j, np.exp(2j)])
def test_large_arguments_as_the_formula(f, turn):
    z = np.array([4.0, 30.0, 1e3, 1e6]) * turn
    np.testing.assert_allclose(contour_mean(f, z), f(z), rtol=1e-11, atol=1e-16)


@ALL
@pytest.mark.parametrize("turn", [-1.0, 1j])
def test_32_points_are_enough(f, turn):
    z = np.concatenate([[0.0], np.logspace(-12, 5, 100)]) * turn
    assert abs(contour_mean(f, z, 32) - contour_mean(f, z, 64)).max() < 1e-13


@pytest.mark.parametrize("zero", [0.0, 0j])
def test_weights_at_zero(zero):
    h = 0.3
    c = ETDRK4().prepare(np.array([zero]), h).at(np.ones(1, complex))
    assert abs(c["Q"][0] - h / 2) < 1e-15
    assert max(abs(c[f][0] - h / 6) for f in ("f1", "f2", "f3")) < 1e-15


@pytest.mark.parametrize("scheme", [ETDRK2, ETDRK4])
def test_a_constant_term_is_exact(scheme):
    L, h = np.array([0.0, -1e-9, -0.5, -40.0, 2j]), 0.7
    v = scheme().prepare(L, h).step(np.ones(5, complex), 0.0, lambda v, t: np.full(5, 3.0 + 0j))
    gain = h * sum(SERIES[phi1](m) * (h * L) ** m for m in range(90))  # converges for all but the stiff one
    gain[3] = np.expm1(h * L[3]) / L[3]
    assert abs(v - (np.exp(h * L) + 3 * gain)).max() < 1e-13
