"""The basis of one axis: its ends, its two matrices by quadrature, and the eigenvalues of the interval."""

import itertools

import numpy as np
import pytest

from pdekit.errors import BadInput
from pdekit.linear.spectral_basis import KINDS, basis, recombined
from pdekit.space import legendre
from pdekit.space.quadrature import gauss

PAIRS = list(itertools.product(KINDS, repeat=2))
LENGTH, N = 1.7, 11


def at_ends(a, kinds, length=LENGTH):
    """(low, high) value or outward derivative of series (N+1, ...), by evaluation."""
    slope = legendre.derivative(a, 1, 0.0, length, axis=0)
    out = []
    for kind, x, sign in zip(kinds, (0.0, length), (-1, 1), strict=True):
        table = legendre.polynomials(len(a) - 1, np.array([x]), 0.0, length)[0]
        out.append(table @ a if kind == "dirichlet" else sign * (table @ slope))
    return np.stack(out)


@pytest.mark.parametrize("kinds", PAIRS)
def test_modes_are_homogeneous_and_lifts_are_one_at_one_end(kinds):
    b = basis(N, LENGTH, kinds)
    assert b.modes.shape == (N + 1, N - 1)
    np.testing.assert_allclose(at_ends(b.modes, kinds), 0.0, atol=1e-12)
    np.testing.assert_allclose(at_ends(b.lift, kinds), np.eye(2), atol=1e-14)
    a = np.random.default_rng(0).standard_normal((N + 1, 3))
    np.testing.assert_allclose(b.ends @ a, at_ends(a, kinds), rtol=1e-12)


@pytest.mark.parametrize("kinds", PAIRS)
def test_mass_and_stiffness_of_the_modes_by_quadrature(kinds):
    b = basis(N, LENGTH, kinds)
    x, w = gauss(N + 1, 0.0, LENGTH)
    table = legendre.polynomials(N, x, 0.0, LENGTH)
    u, slope = table @ b.modes, table @ legendre.derivative(b.modes, 1, 0.0, LENGTH, axis=0)
    np.testing.assert_allclose(u.T * w @ u, np.diag(b.mass), rtol=0, atol=1e-14)
    np.testing.assert_allclose(slope.T * w @ slope, np.diag(b.stiffness), rtol=0, atol=1e-11)
    assert (b.stiffness == 0).sum() == (kinds == ("neumann", "neumann"))


@pytest.mark.parametrize("kinds", PAIRS)
def test_before_the_modes_stiffness_is_diagonal_and_mass_has_five_diagonals(kinds):
    n = np.arange(N + 1)
    known = [np.ones(N + 1) if kind == "dirichlet" else 1.0 * n * (n + 1) for kind in kinds]
    phi = recombined(*known)
    slope = legendre.derivative(phi, axis=0)
    squares = legendre.squares(N)[:, None]
    stiffness, mass = slope.T @ (squares * slope), phi.T @ (squares * phi)
    gap = np.abs(np.subtract.outer(n[: N - 1], n[: N - 1]))
    assert np.abs(stiffness[gap > 0]).max() < 1e-12
    assert np.abs(mass[gap > 2]).max() == 0.0
    assert np.abs(mass[1:, 1:][gap[1:, 1:] == 2]).min() > 1e-4
    assert (np.abs(mass[gap == 1]).max() == 0.0) == (kinds[0] == kinds[1]), (
        "only even couplings where both ends are alike"
    )


def test_the_bases_of_the_paper():
    """P_k - P_{k+2}, stiffness 4k + 6 on [-1, 1]; P_k - k(k+1)/((k+2)(k+3)) P_{k+2}."""
    k, n = np.arange(6), np.arange(8)
    phi = recombined(np.ones(8), np.ones(8))
    np.testing.assert_array_equal(phi, np.eye(8, 6) - np.eye(8, 6, k=-2))
    slope = legendre.derivative(phi, axis=0)
    np.testing.assert_allclose(legendre.squares(7) @ slope**2, 4 * k + 6, rtol=1e-14)
    bent = 1.0 * n * (n + 1)
    wanted = np.eye(8, 6)
    wanted[k + 2, k] = -k * (k + 1) / ((k + 2) * (k + 3))
    np.testing.assert_allclose(recombined(bent, bent), wanted, rtol=0, atol=1e-15)


@pytest.mark.parametrize("kinds", PAIRS)
def test_the_lowest_modes_have_the_eigenvalues_of_the_interval(kinds):
    b = basis(24, LENGTH, kinds)
    found = np.sort(b.stiffness / b.mass)[:5]
    first = {("dirichlet", "dirichlet"): 1.0, ("neumann", "neumann"): 0.0}.get(kinds, 0.5)
    np.testing.assert_allclose(found, (np.pi * (np.arange(5) + first) / LENGTH) ** 2, rtol=1e-11, atol=1e-12)


def test_wrong_ends_and_degrees_are_refused():
    with pytest.raises(BadInput, match=r"(?s)two kinds of ends.*'robin'.*dirichlet, neumann"):
        basis(8, 1.0, ("robin", "dirichlet"))
    with pytest.raises(BadInput, match="a whole number >= 2"):
        basis(1, 1.0, ("dirichlet", "dirichlet"))
