"""Rules: exact to the degree they claim and not beyond, positive, descending, summing to the length."""

import numpy as np
import pytest

from pdekit.errors import BadInput
from pdekit.space.quadrature import clenshaw_curtis, gauss, gauss_lobatto

RULES = {  # rule, argument -> degree to which it is exact
    "clenshaw-curtis": (clenshaw_curtis, lambda n: n),
    "gauss": (gauss, lambda n: 2 * n - 1),
    "gauss-lobatto": (gauss_lobatto, lambda n: 2 * n - 1),
}


def integral(rule, n, power):
    x, w = rule(n)
    return float(w @ x**power)


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("n", [1, 2, 3, 8, 33, 65])
def test_weights_are_positive_and_sum_to_the_length_and_nodes_descend(name, n):
    x, w = RULES[name][0](n, 0.5, 2.0)
    assert np.all(w > 0)
    assert w.sum() == pytest.approx(1.5, rel=1e-14)
    assert np.all(np.diff(x) < 0)
    assert np.all((x >= 0.5) & (x <= 2.0))
    if name != "gauss":
        assert (x[0], x[-1]) == (2.0, 0.5)
    np.testing.assert_allclose(w, w[::-1], rtol=1e-13)


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("n", [2, 4, 6])
def test_exact_to_its_degree_and_no_further(name, n):
    rule, exact = RULES[name]
    for power in range(exact(n) + 1):
        assert integral(rule, n, power) == pytest.approx((1 + (-1) ** power) / (power + 1), abs=1e-14), power
    beyond = exact(n) + 2 - exact(n) % 2  # the next even power
    assert abs(integral(rule, n, beyond) - 2 / (beyond + 1)) > 1e-4


def test_clenshaw_curtis_of_exp_at_16():
    x, w = clenshaw_curtis(16)
    assert w @ np.exp(x) == pytest.approx(2 * np.sinh(1.0), abs=1e-14)


def test_degree_zero_is_the_high_end_with_the_whole_weight():
    x, w = clenshaw_curtis(0, 0.5, 2.0)
    assert (x.tolist(), w.tolist()) == ([2.0], [1.5])


def test_known_weights():
    np.testing.assert_allclose(clenshaw_curtis(2)[1], [1 / 3, 4 / 3, 1 / 3], rtol=1e-15)
    np.testing.assert_allclose(gauss_lobatto(2)[1], [1 / 3, 4 / 3, 1 / 3], rtol=1e-15)
    np.testing.assert_allclose(gauss_lobatto(3)[0], [1, 5**-0.5, -(5**-0.5), -1], rtol=1e-15)
    np.testing.assert_allclose(gauss(3)[1], [5 / 9, 8 / 9, 5 / 9], rtol=1e-15)


def test_gauss_needs_a_point_and_lobatto_two():
    with pytest.raises(BadInput, match=r"(?s)number of points of a quadrature.*>= 1"):
        gauss(0)
    with pytest.raises(BadInput, match=">= 1"):
        gauss_lobatto(0)
