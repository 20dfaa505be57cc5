"""Chebyshev series against their definitions, numpy.polynomial, exact derivatives and quadrature; mapped intervals throughout,
so that a forgotten 2/(high - low) shows."""

import numpy as np
import pytest
from numpy.polynomial import chebyshev as reference

from pdekit.errors import BadInput
from pdekit.space import chebyshev
from pdekit.space.quadrature import gauss

LOW, HIGH = 0.5, 2.0


def table(degree):
    """T_k(t_j) by the definition: cos(k arccos t)."""
    j = np.arange(degree + 1)
    return np.cos(np.pi * np.outer(j, j) / max(degree, 1))


@pytest.mark.parametrize("degree", [1, 2, 7, 64])
def test_nodes_descend_from_the_high_end_to_the_low(degree):
    x = chebyshev.nodes(degree, LOW, HIGH)
    assert x[0] == HIGH
    assert x[-1] == LOW
    assert np.all(np.diff(x) < 0)
    t = chebyshev.nodes(degree)
    np.testing.assert_allclose(t, np.cos(np.pi * np.arange(degree + 1) / degree), rtol=0, atol=4e-16)
    np.testing.assert_array_equal(t, -t[::-1])


def test_degree_zero_is_one_node_and_a_constant():
    assert chebyshev.nodes(0, LOW, HIGH).tolist() == [HIGH]
    u = np.array([[3.0], [4.0]])
    np.testing.assert_array_equal(chebyshev.coefficients(u), u)
    np.testing.assert_array_equal(chebyshev.values(u), u)
    np.testing.assert_array_equal(chebyshev.derivative(u), 0 * u)
    np.testing.assert_array_equal(chebyshev.evaluate(u, np.array([0.7, 1.0])), [[3.0, 3.0], [4.0, 4.0]])
    np.testing.assert_allclose(chebyshev.interpolate(u, np.array([0.7, 1.0])), [[3.0, 3.0], [4.0, 4.0]], rtol=1e-15)


@pytest.mark.parametrize("degree", [1, 2, 3, 8, 9, 33])
def test_the_transform_is_the_inverse_of_the_table_of_polynomials(degree):
    """Factor 2 inside, halved ends: u = T a."""
    u = np.random.default_rng(degree).standard_normal((3, degree + 1))
    a = chebyshev.coefficients(u)
    np.testing.assert_allclose(a, np.linalg.solve(table(degree), u.T).T, rtol=0, atol=1e-13)
    np.testing.assert_allclose(chebyshev.values(a), u, rtol=0, atol=1e-14)
    np.testing.assert_array_equal(chebyshev.coefficients(u.T, axis=0), a.T)
    np.testing.assert_array_equal(chebyshev.values(a.T, axis=0), chebyshev.values(a).T)


@pytest.mark.parametrize("order", [0, 1, 2, 3])
@pytest.mark.parametrize("degree", [0, 1, 2, 5, 8])
def test_derivative_of_a_series_is_numpy_s(degree, order):
    a = np.random.default_rng(1).standard_normal(degree + 1)
    got = chebyshev.derivative(a, order, LOW, HIGH)
    wanted = np.zeros(degree + 1)
    if order <= degree:
        wanted[: degree + 1 - order] = reference.chebder(a, order, scl=2 / (HIGH - LOW))
    np.testing.assert_allclose(got, wanted, rtol=1e-13, atol=1e-12)
    two = chebyshev.derivative(np.stack([a, 2 * a], axis=1), order, LOW, HIGH, axis=0)
    np.testing.assert_allclose(two, np.stack([got, 2 * got], axis=1), rtol=1e-14)


@pytest.mark.parametrize("degree", [1, 4, 9, 16])
def test_the_matrix_differentiates_polynomials_of_its_degree(degree):
    x = chebyshev.nodes(degree, LOW, HIGH)
    d = chebyshev.differentiation_matrix(degree, LOW, HIGH)
    for p in range(degree + 1):
        slope = p * x ** max(p - 1, 0)
        np.testing.assert_allclose(d @ x**p, slope, rtol=0, atol=2e-15 * degree**2 * max(abs(slope).max(), 1.0))


def test_the_matrix_is_the_derivative_in_coefficients():
    u = np.random.default_rng(2).standard_normal(13)
    slow = chebyshev.values(chebyshev.derivative(chebyshev.coefficients(u), 1, LOW, HIGH))
    np.testing.assert_allclose(chebyshev.differentiation_matrix(12, LOW, HIGH) @ u, slow, rtol=0, atol=1e-12)


def test_rounding_of_the_matrix_is_that_of_negative_row_sums():
    """At N = 64 about 1e-12 for D and 1e-9 for D^2; constants to a few bits, whatever N."""
    u, d = np.exp(chebyshev.nodes(64)), chebyshev.differentiation_matrix(64)
    assert np.abs(d @ u - u).max() < 4e-12
    assert np.abs(d @ (d @ u) - u).max() < 6e-9
    assert np.abs(d @ np.ones(65)).max() < 4e-12
    fine = chebyshev.differentiation_matrix(256)
    assert np.abs(fine @ np.exp(chebyshev.nodes(256)) - np.exp(chebyshev.nodes(256))).max() < 1e-10


def test_the_matrix_needs_two_nodes():
    with pytest.raises(BadInput, match="a whole number >= 1"):
        chebyshev.differentiation_matrix(0)


@pytest.mark.parametrize("degree", [0, 1, 6])
def test_gram_is_the_integral_of_products_under_dx(degree):
    x, w = gauss(degree + 1, LOW, HIGH)
    t = reference.chebvander((2 * x - LOW - HIGH) / (HIGH - LOW), degree)
    np.testing.assert_allclose(chebyshev.gram(degree, LOW, HIGH), t.T * w @ t, rtol=0, atol=1e-14)
    assert np.linalg.eigvalsh(chebyshev.gram(degree)).min() > 0


def test_gram_gives_the_norm_of_a_function():
    a = chebyshev.coefficients(np.exp(chebyshev.nodes(20, 0.0, 1.0)))
    assert a @ chebyshev.gram(20, 0.0, 1.0) @ a == pytest.approx((np.e**2 - 1) / 2, rel=1e-14)


@pytest.mark.parametrize("degree", [1, 6, 7])
def test_evaluation_and_interpolation_are_the_polynomial(degree):
    x = np.array([LOW, 0.61, 1.2, 1.99, HIGH])
    a = np.random.default_rng(3).standard_normal((2, degree + 1))
    wanted = reference.chebval((2 * x - LOW - HIGH) / (HIGH - LOW), a.T)
    np.testing.assert_allclose(chebyshev.evaluate(a, x, LOW, HIGH), wanted, rtol=0, atol=1e-13)
    np.testing.assert_allclose(chebyshev.interpolate(chebyshev.values(a), x, LOW, HIGH), wanted, rtol=0, atol=1e-13)
    square = chebyshev.evaluate(a, np.stack([x, x]), LOW, HIGH)
    np.testing.assert_array_equal(square, np.stack([square[:, 0]] * 2, axis=1))


def test_interpolation_at_the_nodes_gives_the_values_back_to_the_bit():
    u = np.random.default_rng(4).standard_normal(10)
    np.testing.assert_array_equal(chebyshev.interpolate(u, chebyshev.nodes(9)), u)


def test_runge_s_function_converges_by_0_82_per_degree():
    """1/(1 + 25 t^2): poles at +-i/5, rho = (1 + sqrt 26)/5, 1/rho = 0.8198. Two-sided."""
    x = np.linspace(-1, 1, 1001)
    runge = lambda t: 1 / (1 + 25 * t**2)  # noqa: E731
    degrees = np.array([20, 40, 60, 80])
    errors = [np.abs(chebyshev.interpolate(runge(chebyshev.nodes(int(n))), x) - runge(x)).max() for n in degrees]
    rates = (np.array(errors[1:]) / np.array(errors[:-1])) ** (1 / 20)
    assert np.all(np.abs(rates - 5 / (1 + np.sqrt(26))) < 0.005), rates


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_torch_tensors_are_answered_by_the_same_numbers(precision):
    torch = pytest.importorskip("torch")
    u = np.exp(np.sin(3 * chebyshev.nodes(12, LOW, HIGH)))[None].repeat(2, axis=0).astype(precision)
    v, x = torch.from_numpy(u), np.array([0.7, 2.0, 1.1], dtype=precision)
    eps = float(np.finfo(precision).eps)
    for f in (
        chebyshev.coefficients,
        chebyshev.values,
        lambda a: chebyshev.derivative(a, 2, LOW, HIGH),
        lambda a: chebyshev.evaluate(a, x if isinstance(a, np.ndarray) else torch.from_numpy(x), LOW, HIGH),
        lambda a: chebyshev.interpolate(a, x if isinstance(a, np.ndarray) else torch.from_numpy(x), LOW, HIGH),
    ):
        wanted, got = f(u), f(v)
        assert got.dtype == v.dtype
        assert wanted.dtype == u.dtype
        np.testing.assert_allclose(got.numpy(), wanted, rtol=0, atol=100 * eps * np.abs(wanted).max())
