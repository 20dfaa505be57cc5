import math

import numpy as np
import pytest

from pdekit.errors import BadInput
from pdekit.linear.tuning import Interval
from pdekit.linear.tuning.context import Place, chebyshev


@pytest.mark.parametrize(
    ("value", "z"), [(-0.15, -1), (0.15, 0), (0.45, 1), (7.0, 1), (-7.0, -1), (np.float32(0.15), 0)]
)
def test_contexts_are_brought_to_one_interval_and_clipped(value, z):
    assert Interval(-0.15, 0.45).place(value).z == pytest.approx(z, abs=1e-6)


def test_a_logarithmic_context_has_its_middle_at_the_geometric_mean():
    assert Interval(1e-4, 1e2, "log").place(0.1).z == pytest.approx(0.0, abs=1e-14)
    assert Interval(1e-4, 1e2, "log").place(0.0).z == -1.0  # clipped before the logarithm


def test_chebyshev_terms_are_cosines():
    z = np.linspace(-1, 1, 41)
    terms = np.array([chebyshev(Place(0.0, float(v)), 7) for v in z])
    np.testing.assert_allclose(terms, np.cos(np.arange(7) * np.arccos(z)[:, None]), atol=1e-14)
    assert chebyshev(None, 7).tolist() == [1.0]


@pytest.mark.parametrize("value", [math.nan, math.inf, None, "kappa", [1.0, 2.0]])
def test_what_is_no_finite_number_is_no_context(value):
    with pytest.raises(BadInput, match="no finite number"):
        Interval(0.0, 1.0).place(value)


@pytest.mark.parametrize("ends", [(1.0, 1.0), (2.0, 1.0), (0.0, math.inf), (0.0, 1.0, "log"), (1.0, 2.0, "cubic")])
def test_empty_intervals_are_refused(ends):
    with pytest.raises(BadInput, match="context"):
        Interval(*ends)
