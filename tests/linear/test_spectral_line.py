"""The ultraspherical method: its conversion by definition, exact solutions for all ends, a condition number that stays."""

import itertools

import numpy as np
import pytest
from scipy.special import eval_chebyt, eval_gegenbauer

from pdekit.errors import BadInput
from pdekit.linear.spectral_line import SpectralLine, conversion
from pdekit.solution import Status
from pdekit.space import chebyshev

PAIRS = list(itertools.product(("dirichlet", "neumann"), repeat=2))
LENGTH = 1.7


def test_conversion_keeps_the_function():
    a, t = np.random.default_rng(0).standard_normal(9), np.linspace(-1, 1, 7)
    n = np.arange(9)[:, None]
    wanted = a @ eval_chebyt(n, t)
    np.testing.assert_allclose((conversion(8) @ a) @ eval_gegenbauer(n, 2.0, t), wanted, rtol=0, atol=1e-13)


@pytest.mark.parametrize("c", [0.0, 7.0, -40.0])
@pytest.mark.parametrize("pair", PAIRS)
def test_every_pair_of_ends_to_rounding(pair, c):
    a, w = 2.5, 3.3
    if pair == ("neumann", "neumann") and c == 0:
        with pytest.raises(BadInput, match=r"(?s)two ends that fix.*reaction 0.*SpectralBox"):
            SpectralLine(20, LENGTH, pair)
        return
    line = SpectralLine(28, LENGTH, pair, diffusivity=a, reaction=c)
    u, slope = (lambda x: np.cos(w * x + 0.4)), (lambda x: -w * np.sin(w * x + 0.4))
    low = u(0.0) if pair[0] == "dirichlet" else -a * slope(0.0)
    high = u(LENGTH) if pair[1] == "dirichlet" else a * slope(LENGTH)
    solution = line.solve(lambda x: (a * w**2 + c) * u(x), float(low), float(high))
    assert solution.status is Status.EVALUATED
    np.testing.assert_allclose(solution.values, u(line.nodes), rtol=0, atol=2e-13)
    assert solution.true_residual < 1e-14
    assert line.nodes[0] == LENGTH


def test_fast_waves_at_a_high_degree_keep_their_digits():
    """sin 300 x: the source of 9e4 rounds to 2e-11. Collocation with D^2 would have lost N^4 eps = 2e-4."""
    line = SpectralLine(1000, LENGTH, ("dirichlet", "dirichlet"))
    solution = line.solve(lambda x: 300.0**2 * np.sin(300 * x), 0.0, float(np.sin(300 * LENGTH)))
    np.testing.assert_allclose(solution.values, np.sin(300 * line.nodes), rtol=0, atol=1e-10)


@pytest.mark.parametrize("pair", PAIRS[:3])
def test_the_condition_number_stays_and_that_of_collocation_does_not(pair):
    condition = [np.linalg.cond(SpectralLine(n, LENGTH, pair, reaction=3.0).matrix.toarray()) for n in (32, 128, 256)]
    assert condition[0] < 20, condition
    assert max(condition) < 1.05 * condition[0], condition
    collocation = []
    for n in (32, 128):
        d = chebyshev.differentiation_matrix(n)
        collocation.append(np.linalg.cond((d @ d)[1:-1, 1:-1]))
    assert collocation[1] > 100 * collocation[0]


def test_near_a_resonance_the_condition_is_reported_and_at_it_the_solve_breaks_down():
    """pi^2 is the lowest eigenvalue of (0, 1): the condition number grows like 1/distance."""
    held = ("dirichlet", "dirichlet")
    conditions = []
    for gap in (1e-2, 1e-4, 1e-6):
        line = SpectralLine(24, 1.0, held, reaction=-(np.pi**2) * (1 + gap))
        solution = line.solve(lambda x, c=line.c: (np.pi**2 + c) * np.sin(np.pi * x))
        conditions.append(solution.info["condition"])
        assert np.abs(solution.values - np.sin(np.pi * line.nodes)).max() < 1e-15 * conditions[-1] + 1e-13
    ratios = [new / old for old, new in itertools.pairwise(conditions)]
    assert all(90 < ratio < 110 for ratio in ratios), conditions
    at = SpectralLine(24, 1.0, held, reaction=-(np.pi**2)).solve(1.0)
    assert at.status is Status.BREAKDOWN
    assert np.isnan(at.values).all()


def test_data_that_are_not_finite_are_a_status_and_wrong_use_is_refused():
    line = SpectralLine(8, 1.0, ("dirichlet", "dirichlet"))
    assert line.solve(np.nan).status is Status.NONFINITE_INPUT
    assert line.solve(0.0, np.inf).status is Status.NONFINITE_INPUT
    with pytest.raises(BadInput, match=r"(?s)source.*shape \(64,\).*uniform grid"):
        line.solve(np.zeros(64))
    with pytest.raises(BadInput, match="'robin'"):
        SpectralLine(8, 1.0, ("robin", "dirichlet"))
    with pytest.raises(BadInput, match=r"(?s)diffusivity.*> 0"):
        SpectralLine(8, 1.0, ("dirichlet", "dirichlet"), diffusivity=0.0)
