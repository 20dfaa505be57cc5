"""Legendre series against numpy.polynomial, exact integrals and exact functions; mapped intervals throughout."""

from itertools import pairwise

import numpy as np
import pytest
from numpy.polynomial import legendre as reference

from pdekit.errors import BadInput
from pdekit.space import legendre
from pdekit.space.quadrature import gauss

LOW, HIGH = 0.5, 2.0
SETS = ("gauss", "gauss-lobatto")


def test_polynomials_are_numpy_s():
    x = np.linspace(LOW, HIGH, 7)
    wanted = reference.legvander((2 * x - LOW - HIGH) / (HIGH - LOW), 9)
    np.testing.assert_allclose(legendre.polynomials(9, x, LOW, HIGH), wanted, rtol=0, atol=1e-14)
    np.testing.assert_array_equal(legendre.polynomials(0, x, LOW, HIGH), np.ones((7, 1)))


@pytest.mark.parametrize("at", SETS)
@pytest.mark.parametrize("degree", [1, 2, 7, 32, 128])
def test_backward_and_forward_undo_each_other(at, degree):
    """For Gauss-Lobatto nodes this fixes the last coefficient's factor: N/2, not (2N+1)/2."""
    t = legendre.transform(degree, at)
    np.testing.assert_allclose(t.forward @ t.backward, np.eye(degree + 1), rtol=0, atol=4e-15 * degree + 1e-14)
    x = t.nodes(LOW, HIGH)
    assert np.all(np.diff(x) < 0)
    assert LOW <= x[-1] < x[0] <= HIGH
    np.testing.assert_allclose(t.values(t.coefficients(np.exp(x))), np.exp(x), rtol=0, atol=4e-16 * degree**2 + 2e-14)


@pytest.mark.parametrize("at", SETS)
def test_coefficients_of_a_known_series_along_any_axis(at):
    a = np.random.default_rng(0).standard_normal((2, 7))
    t = legendre.transform(6, at)
    u = reference.legval(t.reference, a.T)
    np.testing.assert_allclose(t.coefficients(u), a, rtol=0, atol=1e-14)
    np.testing.assert_allclose(t.coefficients(u.T, axis=0), a.T, rtol=0, atol=1e-14)
    np.testing.assert_allclose(t.values(a.T, axis=0), u.T, rtol=0, atol=1e-14)


def test_unknown_nodes_are_refused_by_name():
    with pytest.raises(BadInput, match=r"(?s)no set of Legendre nodes named 'gaus'.*did you mean 'gauss'"):
        legendre.transform(4, "gaus")


@pytest.mark.parametrize("order", [0, 1, 2, 3])
@pytest.mark.parametrize("degree", [0, 1, 2, 5, 8])
def test_derivative_of_a_series_is_numpy_s(degree, order):
    a = np.random.default_rng(1).standard_normal(degree + 1)
    wanted = np.zeros(degree + 1)
    if order <= degree:
        wanted[: degree + 1 - order] = reference.legder(a, order, scl=2 / (HIGH - LOW))
    got = legendre.derivative(a, order, LOW, HIGH)
    np.testing.assert_allclose(got, wanted, rtol=1e-13, atol=1e-12)
    two = legendre.derivative(np.stack([a, 2 * a], axis=1), order, LOW, HIGH, axis=0)
    np.testing.assert_allclose(two, np.stack([got, 2 * got], axis=1), rtol=1e-14)


def test_squares_are_the_integrals_and_give_the_norm_of_a_function():
    x, w = gauss(8, LOW, HIGH)
    p = legendre.polynomials(7, x, LOW, HIGH)
    np.testing.assert_allclose(p.T * w @ p, np.diag(legendre.squares(7, LOW, HIGH)), rtol=0, atol=1e-14)
    t = legendre.transform(20)
    a = t.coefficients(np.exp(t.nodes(0.0, 1.0)))
    assert a**2 @ legendre.squares(20, 0.0, 1.0) == pytest.approx((np.e**2 - 1) / 2, rel=1e-14)


@pytest.mark.parametrize("degree", [0, 1, 6, 7])
def test_evaluation_is_the_polynomial(degree):
    x = np.array([[LOW, 0.61, 1.2], [1.7, 1.99, HIGH]])
    a = np.random.default_rng(3).standard_normal((2, degree + 1))
    wanted = reference.legval((2 * x - LOW - HIGH) / (HIGH - LOW), a.T)
    np.testing.assert_allclose(legendre.evaluate(a, x, LOW, HIGH), wanted, rtol=0, atol=1e-13)


def test_exp_is_reached_geometrically_and_to_rounding():
    x = np.linspace(LOW, HIGH, 101)

    def error(degree):
        t = legendre.transform(degree)
        a = t.coefficients(np.exp(t.nodes(LOW, HIGH)))
        return np.abs(legendre.evaluate(a, x, LOW, HIGH) - np.exp(x)).max()

    errors = [error(n) for n in (4, 6, 8, 10)]
    assert all(new < old / 50 for old, new in pairwise(errors)), errors
    assert error(16) < 5e-14


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_torch_tensors_are_answered_by_the_same_numbers(precision):
    torch = pytest.importorskip("torch")
    t = legendre.transform(12)
    u = np.exp(np.sin(3 * t.nodes(LOW, HIGH)))[None].repeat(2, axis=0).astype(precision)
    v, x = torch.from_numpy(u), np.array([0.7, 2.0], dtype=precision)
    eps = float(np.finfo(precision).eps)
    for f in (
        t.coefficients,
        t.values,
        lambda a: legendre.derivative(a, 2, LOW, HIGH),
        lambda a: legendre.evaluate(a, x if isinstance(a, np.ndarray) else torch.from_numpy(x), LOW, HIGH),
    ):
        wanted, got = f(u), f(v)
        assert got.dtype == v.dtype
        assert wanted.dtype == u.dtype
        np.testing.assert_allclose(got.numpy(), wanted, rtol=0, atol=100 * eps * np.abs(wanted).max())
