"""Values at faces from cell means: exact for polynomials, bounded beside jumps, blind to scale."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdekit.volumes.reconstruction import RECONSTRUCTIONS, epsilons, weno5, weno_z

ONE = np.array([1e-6])
MEANS = st.lists(st.floats(-10, 10), min_size=5, max_size=5)


def means(power, h=1.0, centre=0.0):
    """Cell means of x^power over five cells of width h around a centre."""
    edges = centre + (np.arange(6) - 2.5) * h
    return np.diff(edges ** (power + 1)) / ((power + 1) * h)


def face(f, values, eps=ONE):
    return float(f(*(np.array([v], float) for v in values), np.atleast_1d(eps))[0])


def test_ideal_weights_give_the_face_value_of_quartics():
    """With all swings alike the weights are 0.1, 0.6, 0.3: eps far above them makes them so."""
    for power in range(5):
        for f in (weno5, weno_z):
            assert face(f, means(power), eps=np.array(1e14)) == pytest.approx(0.5**power, rel=1e-9)


@pytest.mark.parametrize("name", ["weno5", "weno-z"])
@pytest.mark.parametrize("power", [0, 1, 2])
def test_weno_is_exact_for_parabolas(name, power):
    for centre in (-3.0, 0.2, 1.7):
        got = face(RECONSTRUCTIONS[name], means(power, 0.5, centre))
        assert got == pytest.approx((centre + 0.25) ** power, rel=1e-10)


@pytest.mark.parametrize("name", ["minmod", "van-leer"])
def test_muscl_is_exact_for_lines_and_constant_at_extrema(name):
    f = RECONSTRUCTIONS[name]
    assert face(f, [1, 2, 3, 4, 5]) == 3.5
    assert face(f, [9, 2, 3, 2, 7]) == 3.0
    assert face(f, [9, 4, 3, 4, 7]) == 3.0


def test_limiters_by_hand():
    assert face(RECONSTRUCTIONS["minmod"], [0, 0, 1, 4, 0]) == 1.5
    assert face(RECONSTRUCTIONS["minmod"], [0, 4, 3, 2.5, 0]) == 2.75
    assert face(RECONSTRUCTIONS["van-leer"], [0, 0, 1, 4, 0]) == pytest.approx(1 + 0.75)
    assert face(RECONSTRUCTIONS["van-leer"], [0, 4, 3, 2.5, 0]) == pytest.approx(3 - 1 / 3)


def test_weno_of_jiang_and_shu_by_hand():
    """Their formulas in their own form, on five numbers."""
    a, b, c, d, e = 1.0, -0.5, 2.0, 0.7, 3.1
    eps = 1e-2
    q = [(2 * a - 7 * b + 11 * c) / 6, (-b + 5 * c + 2 * d) / 6, (2 * c + 5 * d - e) / 6]
    beta = [
        13 / 12 * (a - 2 * b + c) ** 2 + (a - 4 * b + 3 * c) ** 2 / 4,
        13 / 12 * (b - 2 * c + d) ** 2 + (b - d) ** 2 / 4,
        13 / 12 * (c - 2 * d + e) ** 2 + (3 * c - 4 * d + e) ** 2 / 4,
    ]
    ideal = np.array([0.1, 0.6, 0.3])
    w = ideal / (eps + np.array(beta)) ** 2
    assert face(weno5, [a, b, c, d, e], np.array(eps)) == pytest.approx(w @ q / w.sum(), rel=1e-13)
    w = ideal * (1 + (abs(beta[0] - beta[2]) / (eps + np.array(beta))) ** 2)
    assert face(weno_z, [a, b, c, d, e], np.array(eps)) == pytest.approx(w @ q / w.sum(), rel=1e-13)


@pytest.mark.parametrize("name", ["weno5", "weno-z"])
def test_beside_a_jump_the_smooth_side_wins(name):
    f = RECONSTRUCTIONS[name]
    eps = epsilons(name, np.array([1.0]))[0]
    assert face(f, [0, 0, 0, 1, 1], eps) == pytest.approx(0, abs=1e-5)
    assert face(f, [0, 0, 1, 1, 1], eps) == pytest.approx(1, abs=1e-5)
    linear = float(np.dot([2, -13, 47, 27, -3], [0, 0, 0, 1, 1])) / 60
    assert linear == pytest.approx(0.4), "the ideal weights alone would overshoot"


@given(values=MEANS)
def test_limited_values_lie_between_the_neighbouring_means(values):
    for name in ("constant", "minmod", "van-leer"):
        low, high = sorted(values[2:4])
        assert low - 1e-12 <= face(RECONSTRUCTIONS[name], values) <= high + 1e-12


@given(values=MEANS, factor=st.sampled_from([1e-6, 1e6]))
def test_u_and_a_million_u_are_weighed_alike(values, factor):
    scale = np.array([np.abs(values).max()])
    if scale[0] < 1e-3:
        return
    for name, f in RECONSTRUCTIONS.items():
        small, large = (face(f, k * np.array(values), epsilons(name, k * scale)[0]) for k in (1.0, factor))
        assert large / factor == pytest.approx(small, rel=1e-9, abs=1e-9 * scale[0])


@given(values=MEANS)
def test_a_constant_is_kept_to_the_last_bit(values):
    for f in RECONSTRUCTIONS.values():
        assert face(f, [values[0]] * 5) == values[0]


def test_a_field_that_is_zero_has_weights():
    for name, f in RECONSTRUCTIONS.items():
        assert face(f, [0.0] * 5, epsilons(name, np.array([0.0]))[0]) == 0.0
