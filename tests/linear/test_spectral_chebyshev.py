"""Shen's Chebyshev basis: the bases of the paper, Galerkin by quadrature, tau against rows of the ends, condition numbers."""

import itertools

import numpy as np
import pytest

from pdekit.errors import BadInput
from pdekit.linear.spectral_chebyshev import METHODS, ChebyshevLine, chebyshev_ends
from pdekit.solution import Status
from pdekit.space import chebyshev

PAIRS = list(itertools.product(("dirichlet", "neumann"), repeat=2))
LENGTH = 1.7


def exact(x):
    return np.cos(3.3 * x + 0.4)


def ends_of(pair, a):
    slope = lambda x: -3.3 * np.sin(3.3 * x + 0.4)  # noqa: E731
    low = exact(0.0) if pair[0] == "dirichlet" else -a * slope(0.0)
    high = exact(LENGTH) if pair[1] == "dirichlet" else a * slope(LENGTH)
    return float(low), float(high)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("c", [0.0, 7.0, -40.0])
@pytest.mark.parametrize("pair", PAIRS)
def test_every_pair_of_ends_to_rounding(pair, c, method):
    if pair == ("neumann", "neumann") and c == 0:
        with pytest.raises(BadInput, match=r"(?s)two ends that fix.*reaction 0"):
            ChebyshevLine(20, LENGTH, pair, method=method)
        return
    line = ChebyshevLine(28, LENGTH, pair, diffusivity=2.5, reaction=c, method=method)
    solution = line.solve(lambda x: (2.5 * 3.3**2 + c) * exact(x), *ends_of(pair, 2.5))
    assert solution.status is Status.EVALUATED
    assert solution.true_residual < 1e-13
    np.testing.assert_allclose(solution.values, exact(line.nodes), rtol=0, atol=2e-13)


def test_the_bases_of_the_paper():
    """T_k - T_{k+2}, and T_k - (k/(k+2))^2 T_{k+2}."""
    k = np.arange(7)
    held = ChebyshevLine(8, LENGTH, ("dirichlet", "dirichlet")).phi
    np.testing.assert_array_equal(held, np.eye(9, 7) - np.eye(9, 7, k=-2))
    wanted = np.eye(9, 7)
    wanted[k + 2, k] = -((k / (k + 2)) ** 2)
    np.testing.assert_allclose(ChebyshevLine(8, LENGTH, ("neumann",) * 2, reaction=1.0).phi, wanted, rtol=0, atol=1e-15)


@pytest.mark.parametrize("pair", PAIRS)
def test_a_degree_that_cannot_hold_the_answer_shows_which_equations_are_solved(pair):
    """u of degree 6 leaves a residual: Galerkin's is orthogonal to the basis under the weight (by quadrature), tau's has no
    coefficients but the last two; the two polynomials differ."""
    f, c = np.random.default_rng(0).standard_normal((1, 7)), 5.0
    found = {}
    for method in METHODS:
        line = ChebyshevLine(6, LENGTH, pair, reaction=c, method=method)
        u, _ = line.series(f, np.array([[0.3, -0.2]]))
        left = c * u - chebyshev.derivative(u, 2, 0.0, LENGTH) - f
        np.testing.assert_allclose(chebyshev_ends(6, LENGTH, pair) @ u[0], [0.3, -0.2], rtol=0, atol=1e-12)
        angle = np.pi * (np.arange(16) + 0.5) / 16  # Gauss-Chebyshev: the weight is in the nodes
        table = np.cos(np.outer(angle, np.arange(7)))
        moments = (table @ line.phi).T @ (table @ left[0])
        found[method] = u
        zero = moments if method == "galerkin" else left[0, :5]
        other = left[0, :5] if method == "galerkin" else moments
        assert np.abs(zero).max() < 1e-11
        assert np.abs(other).max() > 1e-3
    assert np.abs(found["galerkin"] - found["tau"]).max() > 1e-4


@pytest.mark.parametrize("pair", PAIRS[:3])
def test_tau_is_the_system_with_rows_of_the_ends(pair):
    c, f = 5.0, np.random.default_rng(1).standard_normal((2, 9))
    second = chebyshev.derivative(np.eye(9), 2, 0.0, LENGTH, axis=0)
    matrix = np.concatenate([(c * np.eye(9) - second)[:7], chebyshev_ends(8, LENGTH, pair)])
    right = np.concatenate([f[:, :7], [[0.3, -0.2], [1.0, 2.0]]], axis=1)
    u, _ = ChebyshevLine(8, LENGTH, pair, reaction=c, method="tau").series(f, right[:, 7:])
    np.testing.assert_allclose(u, np.linalg.solve(matrix, right.T).T, rtol=0, atol=1e-12)


def test_condition_numbers_grow_like_n_squared_and_n_cubed():
    for method, power in (("galerkin", 2), ("tau", 3)):
        few, many = (ChebyshevLine(n, 1.0, PAIRS[0], reaction=3.0, method=method).condition for n in (32, 128))
        assert np.log2(many / few) / 2 == pytest.approx(power, abs=0.15), method


def test_resonance_wrong_use_and_data_that_are_not_finite():
    for method in METHODS:
        line = ChebyshevLine(24, 1.0, PAIRS[0], reaction=-(np.pi**2), method=method)
        assert line.condition > 1e12
        assert line.solve(1.0).status is Status.BREAKDOWN
    line = ChebyshevLine(8, 1.0, PAIRS[0])
    assert line.solve(np.nan).status is Status.NONFINITE_INPUT
    assert line.solve(0.0, np.inf).status is Status.NONFINITE_INPUT
    with pytest.raises(BadInput, match=r"(?s)no method of a Chebyshev line named 'taw'.*did you mean 'tau'"):
        ChebyshevLine(8, 1.0, PAIRS[0], method="taw")
    with pytest.raises(BadInput, match="'robin'"):
        ChebyshevLine(8, 1.0, ("robin", "dirichlet"))
    with pytest.raises(BadInput, match=r"(?s)diffusivity.*> 0"):
        ChebyshevLine(8, 1.0, PAIRS[0], diffusivity=0.0)
