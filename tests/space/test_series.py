"""The interval, the number of terms, and every other term's sums, against their definitions."""

import numpy as np
import pytest

from pdekit.errors import BadInput
from pdekit.space import series


def test_the_map_meets_both_ends_and_keeps_the_orientation():
    t = np.array([-1.0, 0.0, 1.0])
    x = series.from_reference(t, 0.1, 0.7)
    assert x[0] == 0.1
    assert x[2] == 0.7
    assert x[1] == pytest.approx(0.4)
    np.testing.assert_array_equal(series.to_reference(np.array([0.3, 1e-9]), -1.0, 1.0), [0.3, 1e-9])
    np.testing.assert_allclose(series.to_reference(x, 0.1, 0.7), t, atol=1e-15)


@pytest.mark.parametrize("ends", [(1.0, 1.0), (2.0, 1.0), (0.0, np.inf), (np.nan, 1.0)])
def test_an_interval_without_length_is_refused(ends):
    with pytest.raises(BadInput, match=r"(?s)two ends in order.*low < high"):
        series.from_reference(np.zeros(1), *ends)


@pytest.mark.parametrize("n", [1, 2, 3, 6, 7])
def test_alternate_tails_by_the_literal_double_sum(n):
    s = np.random.default_rng(n).standard_normal((2, n))
    wanted = np.stack([s[:, k + 1 :: 2].sum(axis=1) for k in range(n)], axis=1)
    np.testing.assert_allclose(series.alternate_tails(s), wanted, rtol=0, atol=1e-14)


def test_with_degree_cuts_off_and_fills_with_zeros_along_any_axis():
    a = np.arange(12.0).reshape(3, 4)
    np.testing.assert_array_equal(series.with_degree(a, 1), a[:, :2])
    np.testing.assert_array_equal(series.with_degree(a, 1, axis=0), a[:2])
    np.testing.assert_array_equal(series.with_degree(a, 5), np.pad(a, ((0, 0), (0, 2))))
    np.testing.assert_array_equal(series.with_degree(a, 4, axis=0), np.pad(a, ((0, 2), (0, 0))))


@pytest.mark.parametrize("degree", [-1, True])
def test_a_degree_is_a_whole_number(degree):
    with pytest.raises(BadInput, match=r"(?s)degree of a polynomial.*a whole number >= 0"):
        series.check_degree(degree)
