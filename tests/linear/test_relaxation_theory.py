"""What is known of SOR on the 5-point stencil (4, -1) on m x m points: best omega, rates, counts; A1 to A8 of the study.

Counts were measured with another program: means over 40 normal right-hand sides, from zero, to 1e-8 of the first residual.
"""

import math

import numpy as np
import pytest
import scipy.sparse as sp

from pdekit.errors import BadInput
from pdekit.linear import Stop, solve
from pdekit.linear.relaxation import SOR, SSOR, GaussSeidel, sweeps, young_omega
from pdekit.linear.relaxation_sweeper import sweeper
from pdekit.linear.system import System
from pdekit.space.diffusion import diffusion
from pdekit.space.grid import Grid
from pdekit.space.stencils import StencilOperator

ORDERINGS = ("lexicographic", "red-black", "multicolour")


def stencil(m, shift=0.0):
    """A h^2: the box has side m + 1."""
    grid = Grid.make((m + 2,) * 2, (m + 1.0,) * 2, location="vertex", boundary="dirichlet")
    return diffusion(grid, 1.0, shift=np.full((m, m), shift))[0]


def mean_count(m, omega, ordering="lexicographic", samples=40, shift=0.0):
    ready, rng = sweeper(stencil(m, shift), np.float64, ordering), np.random.default_rng(0)
    runs = [sweeps(ready, rng.normal(size=(m, m)), omega, rtol=1e-8, limit=20_000) for _ in range(samples)]
    assert all(met for _, _, met in runs)
    return float(np.mean([k for _, k, _ in runs]))


def best(m):
    return 2.0 / (1.0 + math.sin(math.pi / (m + 1)))


@pytest.mark.parametrize(("m", "expected"), [(10, 1.565), (20, 1.74), (31, 1.82), (63, 1.906)])
def test_the_best_omega_lies_where_young_has_it(m, expected):
    omegas = np.arange(round(best(m), 2) - 0.06, min(round(best(m), 2) + 0.08, 1.985), 0.01)
    counts = [mean_count(m, omega, samples=10) for omega in omegas]
    found = omegas[int(np.argmin(counts))]
    assert abs(found - best(m)) <= 0.02
    assert abs(found - expected) <= 0.02


@pytest.mark.parametrize(
    ("m", "at_best", "at_one"),
    [(10, 37.5, 190), (20, 71, 665), (31, 109, 1490), (63, 217, 5800)],
)
def test_counts_at_the_best_omega_and_at_one(m, at_best, at_one):
    assert mean_count(m, best(m)) == pytest.approx(at_best, rel=0.03)
    assert mean_count(m, 1.0, samples=40 if m < 63 else 4) == pytest.approx(at_one, rel=0.15)
    _, ones, met = sweeps(stencil(m), np.ones((m, m)), best(m), rtol=1e-8, limit=9999)
    assert met
    assert 1.03 * at_best < ones < 1.25 * at_best  # b = 1 is harder


def map_of(op, omega, ordering):
    """C_omega = I - A W^-1 as what one sweep makes of residuals, column by column."""
    n = int(np.prod(op.shape))
    a, columns = op.to_csr(), []
    ready = sweeper(op, np.float64, ordering)
    for e in np.eye(n):
        x = np.ascontiguousarray(ready.inward(np.zeros(op.shape)))
        ready.advance(x, ready.inward(e.reshape(op.shape)), omega, 0, 1, np.empty(2), target=0.0)
        columns.append(e - a @ ready.outward(x, op.shape).ravel())
    return np.array(columns).T


def radius(matrix):
    return float(np.abs(np.linalg.eigvals(matrix)).max())


@pytest.mark.parametrize("ordering", ["lexicographic", "red-black"])
def test_the_spectral_radius_is_youngs(ordering):
    op, beta = stencil(10), math.cos(math.pi / 11)
    for omega, expected in ((1.0, 0.92063), (1.3, 0.84997), (1.57, 0.57), (1.8, 0.8)):
        root = omega**2 * beta**2 - 4 * (omega - 1)
        theory = (omega * beta + math.sqrt(root)) ** 2 / 4 if omega < best(10) else omega - 1
        assert theory == pytest.approx(expected, abs=1e-5)
        assert radius(map_of(op, omega, ordering)) == pytest.approx(theory, abs=1e-8)
    assert radius(map_of(op, best(10), ordering)) == pytest.approx(best(10) - 1, rel=0.2)  # a defective eigenvalue


def test_counts_scale_with_m_squared_and_with_m():
    slow = mean_count(63, 1.0, samples=6) / mean_count(31, 1.0, samples=6)
    fast = mean_count(63, best(63)) / mean_count(31, best(31))
    assert slow == pytest.approx(4.1, rel=0.1)
    assert fast == pytest.approx(2.0, rel=0.05)


def test_right_of_the_best_omega_counts_depend_on_omega_alone():
    for omega, expected in ((1.8, 85), (1.9, 178), (1.95, 363)):
        counts = [mean_count(10, omega, shift=shift) for shift in (0.0, 0.2, 0.45)]
        assert counts[0] == pytest.approx(expected, rel=0.03)
        for count in counts:
            assert count >= math.log(1e-8) / math.log(omega - 1)
            assert count == pytest.approx(counts[0], rel=0.05)


def test_counts_of_youngs_omega_under_shifts():
    for shift, omega, count in (
        (-0.15, 1.854, 131),
        (0.0, 1.560, 37.3),
        (0.15, 1.449, 28.1),
        (0.3, 1.378, 24.7),
        (0.45, 1.328, 22.7),
    ):
        young = young_omega(stencil(10, shift))
        assert omega - 6e-4 < young < omega + 1.5e-3
        assert mean_count(10, young, shift=shift) == pytest.approx(count, rel=0.03)


@pytest.mark.parametrize(
    ("omega", "lexicographic", "red_black"),
    [(1.0, 187.5, 190.2), (1.3, 97.3, 99.5), (best(10), 37.4, 36.1), (1.6, 40.4, 37.2), (1.8, 85.4, 84.0)],
)
def test_red_black_counts_beside_lexicographic_ones(omega, lexicographic, red_black):
    assert mean_count(10, omega) == pytest.approx(lexicographic, rel=0.03)
    assert mean_count(10, omega, "red-black") == pytest.approx(red_black, rel=0.03)
    assert mean_count(10, omega, "multicolour") == pytest.approx(mean_count(10, omega, "red-black"), rel=1e-9)


@pytest.mark.parametrize("ordering", ORDERINGS)
def test_omega_one_is_gauss_seidel_and_the_answer_is_the_direct_one(ordering):
    op, b = stencil(15), np.random.default_rng(2).normal(size=(15, 15))
    gs = GaussSeidel(ordering).setup(op).run(System(op, b), stop=Stop(rtol=1e-10))
    sor = SOR(1.0, ordering).setup(op).run(System(op, b), stop=Stop(rtol=1e-10))
    np.testing.assert_array_equal(gs.values, sor.values)
    x = solve(op, b, method="direct").values
    kappa = 1 / math.tan(math.pi / 32) ** 2
    for method in (sor, SOR(1.6, ordering).setup(op).run(System(op, b), stop=Stop(rtol=1e-10))):
        assert np.linalg.norm(method.values - x) <= kappa * 1e-10 * np.linalg.norm(x)


def applied(op, omega, ordering):
    """M^-1 of SSOR, column by column: one step from zero."""
    ready, columns = sweeper(op, np.float64, ordering), []
    shape = op.shape if isinstance(op, StencilOperator) else op.shape[:1]
    for e in np.eye(int(np.prod(shape))):
        x = np.ascontiguousarray(ready.inward(np.zeros(shape)))
        ready.advance(x, ready.inward(e.reshape(shape)), omega, 0, 1, np.empty(2), target=0.0, symmetric=True)
        columns.append(ready.outward(x, shape).ravel())
    return np.array(columns).T


@pytest.mark.parametrize("omega", [0.1, 0.8, 1.0, 1.5, 1.99])
def test_the_ssor_operator_is_symmetric_positive_definite_and_its_formula(omega):
    rng = np.random.default_rng(3)
    rough = diffusion(Grid.make((6, 6), boundary="dirichlet"), np.exp(rng.normal(size=(6, 6))))[0]
    for op in (stencil(6), rough, rough.to_csr()):
        for ordering in ORDERINGS if isinstance(op, StencilOperator) else ("lexicographic", "multicolour"):
            m = applied(op, omega, ordering)
            u, v = rng.normal(size=(2, m.shape[0]))
            assert abs(u @ m @ v - v @ m @ u) <= 1e-12 * np.linalg.norm(m) * np.linalg.norm(u) * np.linalg.norm(v)
            assert np.linalg.eigvalsh((m + m.T) / 2).min() > 0
            if ordering == "lexicographic":
                a = (op.to_csr() if isinstance(op, StencilOperator) else op).toarray()
                d, low = np.diag(np.diag(a)), np.tril(a, -1)
                w = (d + omega * low) @ np.linalg.inv(d) @ (d + omega * low.T) / (omega * (2 - omega))
                np.testing.assert_allclose(m, np.linalg.inv(w), atol=1e-12 * np.abs(m).max())


def test_symmetric_sweeps_use_omega():
    """pyamg 5.4.1 drops it there; and red-black order destroys what SSOR gains (T7)."""
    op, b = stencil(31), np.random.default_rng(4).normal(size=(31, 31))
    counts = [SSOR(omega).setup(op).run(System(op, b), stop=Stop()).steps for omega in (1.0, 1.5, 1.8)]
    assert counts[0] > 2 * counts[1] > 2 * counts[2]
    red_black = SSOR(1.8, "red-black").setup(op).run(System(op, b), stop=Stop(max_steps=5 * counts[2]))
    assert not red_black.converged


@pytest.mark.parametrize("boundary", ["dirichlet", "neumann", "periodic"])
def test_youngs_omega_against_dense_eigenvalues(boundary):
    rng = np.random.default_rng(5)
    grid = Grid.make((8, 6), boundary=boundary)
    rough, shift = np.exp(rng.normal(size=(8, 6))), 3.0 * rng.random((8, 6))
    for op in (diffusion(grid, rough, shift=shift)[0], diffusion(grid, rough)[0]):
        a = op.to_csr().toarray()
        root = np.sqrt(np.diag(a))
        values = np.linalg.eigvalsh(a / root[:, None] / root)
        smallest = values[1 if op.singular else 0]
        omega = 2 / (1 + math.sqrt(1 - (1 - smallest) ** 2))
        assert omega < young_omega(op) <= 2 - (2 - omega) * (1 - 1.1e-3)
        declared = young_omega(op.to_csr(), "constant" if op.singular else None)
        assert declared == pytest.approx(young_omega(op), abs=1e-9)
        if op.singular:
            with pytest.raises(BadInput, match=r"(?s)A is singular, or nearly so.*declare the null space"):
                young_omega(op.to_csr())


def test_youngs_omega_of_what_needs_no_iteration():
    assert young_omega(sp.csr_array(np.diag([2.0, 5.0, 1.0]))) == pytest.approx(1.0, abs=2e-3)
    assert young_omega(sp.csr_array(np.array([[3.0]]))) == pytest.approx(1.0, abs=2e-3)


def test_scaling_a_system_changes_nothing():
    """A and b by one power of two: the same bits."""
    op, b = stencil(12), np.random.default_rng(6).normal(size=(12, 12))
    scaled = StencilOperator(tuple(8.0 * e for e in op.edges), op.grid)
    for ordering in ORDERINGS:
        one = sweeps(op, b, 1.7, rtol=1e-8, limit=999, ordering=ordering)
        other = sweeps(scaled, 8.0 * b, 1.7, rtol=1e-8, limit=999, ordering=ordering)
        assert one[1] == other[1]
        np.testing.assert_array_equal(one[0], other[0])
