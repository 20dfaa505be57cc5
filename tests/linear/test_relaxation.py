"""Relaxation sweeps against their definition: dense triangular systems, for every storage, order and option."""

import numpy as np
import pytest
import scipy.sparse as sp

from pdekit.errors import BadInput
from pdekit.linear.colouring import by_colour, greedy_colours
from pdekit.linear.relaxation import SOR, SSOR, GaussSeidel, JacobiIteration, sweeps, young_omega
from pdekit.linear.relaxation_sweeper import sweeper
from pdekit.linear.stop import Stop
from pdekit.linear.system import System
from pdekit.solution import Status
from pdekit.space.diffusion import diffusion
from pdekit.space.grid import Grid
from pdekit.space.stencils import StencilOperator

ORDERINGS = ("lexicographic", "red-black", "multicolour")
SHAPES = [(2,), (7,), (2, 2), (5, 6), (6, 5), (4, 4), (6, 4), (3, 4, 5), (4, 6, 4), (5, 3, 3)]


def operator(shape, boundary="dirichlet", seed=0, shift=True):
    """A rough coefficient, as one StencilOperator."""
    rng = np.random.default_rng(seed)
    added = rng.random(shape) if shift else None
    return diffusion(Grid.make(shape, boundary=boundary), np.exp(rng.normal(size=shape)), shift=added)[0]


def nine_point(n, m, seed=0):
    """A symmetric 9-point matrix, diagonally dominant."""
    rng = np.random.default_rng(seed)
    couple = sp.kron(
        sp.diags_array([1.0, 1.0, 1.0], offsets=[-1, 0, 1], shape=(n, n)),
        sp.diags_array([1.0, 1.0, 1.0], offsets=[-1, 0, 1], shape=(m, m)),
    ).tocoo()
    a = sp.csr_array((-rng.random(couple.nnz), (couple.row, couple.col)), shape=couple.shape)
    a = a + a.T
    a.setdiag(0.0)
    return sp.csr_array(a + sp.diags_array(0.1 - a.sum(axis=1)))


def visits(op, ordering):
    """Numbers of the unknowns in the order of a sweep."""
    if ordering == "lexicographic":
        return np.arange(op.shape[0] if sp.issparse(op) else np.prod(op.shape))
    if ordering == "red-black":
        return np.argsort(np.indices(op.shape).sum(axis=0).ravel() % 2, kind="stable")
    return by_colour(op.to_csr() if isinstance(op, StencilOperator) else op)


def literal(a, b, x, omega, order, symmetric):
    """One sweep as the definition has it: a triangular system under the permutation of the order."""
    a, b, x = a[np.ix_(order, order)], b[order], x[order]
    w = np.diag(np.diag(a)) / omega + np.tril(a, -1)
    x = x + np.linalg.solve(w, b - a @ x)
    if symmetric:
        x = x + np.linalg.solve(w.T, b - a @ x)
    out = np.empty_like(x)
    out[order] = x
    return out


def check(op, ordering, symmetric, omega):
    """Four sweeps from a random start, and the norm that came with each, against the definition."""
    a = (op.to_csr() if isinstance(op, StencilOperator) else op).toarray()
    shape = op.shape if isinstance(op, StencilOperator) else op.shape[:1]
    rng = np.random.default_rng(1)
    b, x = rng.normal(size=shape), rng.normal(size=shape)
    ready, norms = sweeper(op, np.float64, ordering), np.empty(5)
    inner = np.ascontiguousarray(ready.inward(x.copy()))
    order, y = visits(op, ordering), x.ravel()
    for k in range(4):
        assert ready.advance(inner, ready.inward(b), omega, k, k + 1, norms, target=0.0, symmetric=symmetric) == k + 1
        y = literal(a, b.ravel(), y, omega, order, symmetric)
        np.testing.assert_allclose(ready.outward(inner, shape).ravel(), y, rtol=0, atol=1e-12 * np.abs(y).max())
        r = np.linalg.norm(b.ravel() - a @ y)
        assert norms[k + 1] == pytest.approx(r, rel=1e-12, abs=1e-13 * np.linalg.norm(b))


@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("ordering", ORDERINGS)
@pytest.mark.parametrize("boundary", ["dirichlet", "neumann", "periodic"])
def test_a_sweep_is_the_dense_formula_and_brings_its_residual(boundary, ordering, symmetric):
    for shape in SHAPES:
        op = operator(shape, boundary)
        if ordering == "red-black" and boundary == "periodic" and any(n % 2 or n < 3 for n in shape):
            with pytest.raises(BadInput, match=r"(?s)red-black sweeps cannot serve.*periodic axis of \d.*multicolour"):
                sweeper(op, np.float64, ordering)
            continue
        for omega in (0.6, 1.0, 1.7):
            check(op, ordering, symmetric, omega)


@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("ordering", ["lexicographic", "multicolour"])
def test_a_sweep_over_a_matrix_is_the_dense_formula(ordering, symmetric):
    scattered = sp.random_array((30, 30), density=0.1, rng=np.random.default_rng(2), format="csr")
    scattered = scattered + scattered.T
    for a in (nine_point(5, 6), sp.csr_array(scattered + 10 * sp.eye_array(30)), sp.csr_array(np.array([[2.0]]))):
        check(a, ordering, symmetric, 1.3)
    with pytest.raises(BadInput, match=r"(?s)red-black sweeps cannot serve.*a matrix without a grid"):
        sweeper(nine_point(4, 4), np.float64, "red-black")


@pytest.mark.parametrize("omega", [1.0, 0.7])
def test_a_jacobi_sweep_is_the_dense_formula(omega):
    for op in (operator((6, 5)), operator((4, 4, 3), "periodic"), operator((7,)), nine_point(5, 4)):
        a = (op.to_csr() if isinstance(op, StencilOperator) else op).toarray()
        shape = op.shape if isinstance(op, StencilOperator) else op.shape[:1]
        rng = np.random.default_rng(1)
        b, y = rng.normal(size=shape), rng.normal(size=shape).ravel()
        for steps in (1, 3):
            s = JacobiIteration(omega).setup(op).run(System(op, b), stop=Stop(rtol=0.0, max_steps=steps), x0=y)
            x, norms = y, [np.linalg.norm(b.ravel() - a @ y)]
            for _ in range(steps):
                x = x + omega * (b.ravel() - a @ x) / np.diag(a)
                norms.append(np.linalg.norm(b.ravel() - a @ x))
            assert np.argmin(norms) == steps
            np.testing.assert_allclose(s.values.ravel(), x, rtol=1e-12)
            np.testing.assert_allclose(s.residuals, norms, rtol=1e-12)


def test_float32_sweeps_are_those_of_float64_to_its_rounding():
    op = operator((9, 8))
    b = np.random.default_rng(0).normal(size=op.shape)
    for method in (SOR(1.5), SOR(1.5, "red-black"), SOR(1.5, "multicolour"), SSOR(1.2), JacobiIteration(0.8)):
        ready, stop = method.setup(op), Stop(rtol=0.0, max_steps=9)
        wide = ready.run(System(op, b), stop=stop)
        narrow = ready.run(System(op, b.astype(np.float32)), stop=stop)
        assert narrow.values.dtype == np.float32
        np.testing.assert_allclose(narrow.values, wide.values, atol=1e-5 * np.abs(wide.values).max())
        np.testing.assert_allclose(narrow.residuals, wide.residuals, rtol=1e-4)


def test_colours_separate_neighbours_and_are_few():
    for a, colours in ((operator((9, 8)).to_csr(), 2), (nine_point(7, 9), 4), (operator((5,), "periodic").to_csr(), 3)):
        found = greedy_colours(a)
        row, col = a.tocoo().row, a.tocoo().col
        assert (found[row] != found[col])[row != col].all()
        assert found.max() + 1 == colours
    even, odd = np.divmod(by_colour(operator((4, 4)).to_csr()), 4)
    assert list((even + odd) % 2) == [0] * 8 + [1] * 8


def test_two_ways_of_storage_count_alike():
    op = operator((12, 11), shift=False)
    b = np.random.default_rng(3).normal(size=op.shape)
    for ordering in ("lexicographic", "multicolour"):
        grid = SOR(1.5, ordering).setup(op).run(System(op, b), stop=Stop())
        matrix = SOR(1.5, ordering).setup(op.to_csr()).run(System(op.to_csr(), b.ravel()), stop=Stop())
        assert grid.steps == matrix.steps
        np.testing.assert_allclose(grid.values.ravel(), matrix.values, rtol=1e-10)


def test_every_parameter_changes_what_it_should():
    op = operator((16, 16), shift=False)
    b = np.random.default_rng(4).normal(size=op.shape)
    x0 = np.random.default_rng(5).normal(size=op.shape)

    def run(method, **options):
        return method.setup(op).run(System(op, b), stop=options.pop("stop", Stop()), **options)

    counts = {str((o, k)): run(SOR(o, k)).steps for o in (1.0, 1.5, 1.9) for k in ("lexicographic", "red-black")}
    assert len(set(counts.values())) == 6
    assert len({run(SSOR(omega)).steps for omega in (0.8, 1.0, 1.5, 1.9)}) == 4
    assert len({run(JacobiIteration(omega)).steps for omega in (0.5, 0.8, 1.0)}) == 3
    assert run(SOR("young")).steps < run(SOR(1.5)).steps
    assert run(SOR("young")).info["omega"] == young_omega(op)
    plain = run(SOR(1.7))
    coarse = run(SOR(1.7, check_every=7))
    assert coarse.steps == -(-plain.steps // 7) * 7
    checked = np.arange(coarse.steps + 1) % 7 == 0
    assert np.isfinite(coarse.residuals[checked]).all()
    assert np.isnan(coarse.residuals[~checked]).all()
    np.testing.assert_allclose(coarse.residuals[: plain.steps : 7], plain.residuals[: plain.steps : 7], rtol=1e-9)
    far = 1e6 * x0
    to_b, to_start = run(SOR(1.7), x0=far), run(SOR(1.7), x0=far, stop=Stop(relative_to="r0"))
    assert to_start.steps < to_b.steps
    assert to_start.residuals[-1] <= 1e-8 * to_start.residuals[0] < to_start.residuals[-2]
    assert to_b.residuals[-1] <= 1e-8 * np.linalg.norm(b) < to_b.residuals[-2]
    seen = []
    s = run(SOR(1.7), callback=lambda k, norm: seen.append((k, norm)))
    assert seen == list(zip(range(1, s.steps + 1), s.residuals[1:], strict=True))
    assert (s.n_matvec, s.n_precond) == (s.steps + 1, s.steps)
    assert run(SSOR(1.5), x0=x0).n_matvec == 2 * run(SSOR(1.5), x0=x0).steps + 2


def test_sweeps_count_as_the_study_does():
    """The first k >= 1 with |r_k| / |r_0| < eps, strictly; 0 where r_0 is 0."""
    op = operator((10, 10), shift=False)
    b = np.zeros(op.shape)
    b[3, 4] = 1.0  # |r_0| is 1 exactly, so that a norm met is met exactly
    for ordering in ORDERINGS:
        full = SOR(1.6, ordering).setup(op).run(System(op, b), stop=Stop(rtol=1e-12))
        ratios = full.residuals / full.residuals[0]
        for rtol in (1e-3, 1e-8, float(ratios[9]), 0.9999):
            x, k, met = sweeps(op, b, 1.6, rtol=rtol, limit=10_000, ordering=ordering)
            below = np.flatnonzero(ratios < rtol)
            assert (k, met) == (below[0], True)
            assert np.linalg.norm(b - op @ x) < rtol * np.linalg.norm(b) * (1 + 1e-9)
    ready = sweeper(op, np.float64, "lexicographic")
    assert sweeps(ready, b, 1.6, rtol=1e-8, limit=10_000)[1] == sweeps(op, b, 1.6, rtol=1e-8, limit=10_000)[1]
    x, k, met = sweeps(op, b, 1.6, rtol=1e-8, limit=5)
    assert (k, met) == (5, False)
    np.testing.assert_array_equal(x, SOR(1.6).setup(op).run(System(op, b), stop=Stop(rtol=1e-9, max_steps=5)).values)
    assert sweeps(op, 0 * b, 1.6, rtol=1e-8, limit=9)[1:] == (0, True)
    answer = SOR(1.6).setup(op).run(System(op, op @ b), stop=Stop(rtol=1e-13)).values
    assert sweeps(op, op @ answer, 1.6, rtol=1e-8, limit=9, x0=answer)[1:] == (0, True)
    assert sweeps(op, op @ answer, 1.6, rtol=1e-8, limit=99, x0=answer + 1e-10, relative_to="b")[1:] == (0, True)
    assert sweeps(op, op @ answer, 1.6, rtol=1e-8, limit=99, x0=answer + 1e-10)[1] > 10
    assert sweeps(op, np.nan * b, 1.6, rtol=1e-8, limit=9)[1:] == (0, False)
    assert sweeps(op, b, 1.6, rtol=0.0, limit=7)[1:] == (7, False)
    there_and_back = sweeps(op, b, 1.6, rtol=1e-8, limit=999, symmetric=True)[1]
    assert there_and_back == SSOR(1.6).setup(op).run(System(op, b), stop=Stop()).steps
    csr = op.to_csr()
    assert sweeps(csr, b.ravel(), 1.6, rtol=1e-8, limit=999)[1] == sweeps(op, b, 1.6, rtol=1e-8, limit=999)[1]
    with pytest.raises(BadInput, match=r"(?s)relative_to of sweeps.*x0"):
        sweeps(op, b, 1.6, rtol=1e-8, limit=9, relative_to="x0")


def test_wrong_use_is_refused_with_what_was_found():
    for omega in (0, 2, -0.5, 2.5, np.nan, np.inf, "optimal", True, None):
        for method in (SOR, SSOR, JacobiIteration):
            with pytest.raises(BadInput, match=r"(?s)omega of \w+ cannot be used.*found: .*between 0 and 2"):
                method(omega)
        with pytest.raises(BadInput, match="omega of sor"):
            sweeps(operator((4, 4)), np.ones((4, 4)), omega, rtol=1e-8, limit=9)
    with pytest.raises(BadInput, match='or "young"'):
        SOR("youg")
    with pytest.raises(BadInput, match="omega of ssor"):
        SSOR("young")
    with pytest.raises(BadInput, match=r"(?s)no ordering of gauss-seidel named 'colour'.*multicolour"):
        GaussSeidel("colour")
    for every in (0, -1, True):
        with pytest.raises(BadInput, match=r"(?s)check_every of sor.*an integer >= 1"):
            SOR(1.0, check_every=every)
    op = operator((4, 4))
    with pytest.raises(BadInput, match=r"(?s)tests the residual only.*natural"):
        SOR(1.0).setup(op).run(System(op, np.ones((4, 4))), stop=Stop(norm="natural"))
    with pytest.raises(BadInput, match="needs the entries of A"):
        SOR(1.0).setup(op.as_linear_operator())
    with pytest.raises(BadInput, match="is not symmetric"):
        SOR(1.0).setup(sp.csr_array(np.array([[2.0, 1.0], [0.0, 2.0]])))
    with pytest.raises(BadInput, match="need a positive diagonal"):
        sweeps(sp.csr_array(np.diag([1.0, -1.0])), np.ones(2), 1.0, rtol=1e-8, limit=9)
    with pytest.raises(BadInput, match="needs a positive definite operator"):
        young_omega(sp.csr_array(np.array([[1.0, 2.0], [2.0, 1.0]])))


@pytest.mark.parametrize("method", [SOR(1.4), SOR(1.4, "red-black"), SOR(1.4, "multicolour"), SSOR(1.2)])
def test_the_status_of_a_solve_without_trouble(method):
    op = operator((12, 9))
    x = np.random.default_rng(7).normal(size=op.shape)
    s = method.setup(op).run(System(op, op @ x), stop=Stop(rtol=1e-11))
    assert s.status is Status.CONVERGED
    assert len(s.residuals) == s.steps + 1
    np.testing.assert_allclose(s.values, x, atol=1e-6)
