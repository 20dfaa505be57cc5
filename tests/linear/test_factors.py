"""SSOR, incomplete factors, Chebyshev and block Jacobi: what each one is, written with dense matrices; what its parameters do."""

import numpy as np
import pytest
import scipy.linalg as sl
import scipy.sparse as sp

from pdekit.errors import BadInput
from pdekit.linear import Stop, solve
from pdekit.linear.block_jacobi import BlockJacobi
from pdekit.linear.cg import cg
from pdekit.linear.chebyshev import Chebyshev
from pdekit.linear.incomplete_cholesky import IncompleteCholesky
from pdekit.linear.incomplete_lu import IncompleteLU
from pdekit.linear.ssor import SSOR
from pdekit.linear.system import System
from pdekit.solution import Status
from pdekit.space.diffusion import diffusion
from pdekit.space.grid import Grid

P2, P3 = {"x": "periodic", "y": "dirichlet"}, {"x": "dirichlet", "y": "neumann", "z": "periodic"}
BOXES = {
    "line": ((9,), "dirichlet"),
    "plane": ((6, 9), "dirichlet"),
    "mixed": ((6, 9), {"x_low": "neumann"}),
    "box": ((4, 5, 3), {"z_low": "neumann"}),
    "torus": ((6, 5), "periodic"),
    "ring": ((4, 3, 5), {"x_low": "periodic", "x_high": "periodic"}),
}
OMEGAS = [0.1, 0.5, 1.0, 1.3, 1.7, 1.99]


def medium(name, location="cell", shift=0.7, seed=0):
    points, boundary = BOXES[name]
    grid = Grid.make(points, location=location, boundary=boundary)
    rng = np.random.default_rng(seed)
    added = shift * rng.uniform(1, 2, grid.points)[grid.unknown]
    return diffusion(grid, np.exp(rng.normal(size=points)), shift=added)[0]


def dense(m, shape):
    """M column by column; each application returns r . M r."""
    size = int(np.prod(shape))
    out = np.empty((size, size))
    for j in range(size):
        r, z = np.zeros(size), np.full(shape, np.nan)
        r[j] = 1.0
        value = m.apply(r.reshape(shape), z, 1.0)
        out[:, j] = z.ravel()
        assert value == pytest.approx(out[j, j], rel=1e-12)
    return out


def close(m, want, rtol=1e-12):
    np.testing.assert_allclose(m, want, rtol=0, atol=rtol * np.abs(want).max())


def ssor(a, omega):
    d, low = np.diag(np.diag(a)), np.tril(a, -1)
    return omega * (2 - omega) * np.linalg.inv(d + omega * low.T) @ d @ np.linalg.inv(d + omega * low)


@pytest.mark.parametrize("location", ["cell", "vertex"])
@pytest.mark.parametrize("name", BOXES)
def test_ssor_by_its_formula_on_stencils_and_matrices(name, location):
    op = medium(name, location)
    a = op.to_csr()
    for omega in OMEGAS:
        want = ssor(a.toarray(), omega)
        for m in (dense(SSOR(omega).setup(op), op.shape), dense(SSOR(omega).setup(a), (a.shape[0],))):
            close(m, want)
            close(m, m.T)
            assert np.linalg.eigvalsh(m).min() > 0
        step = np.eye(len(want)) - want @ a.toarray()  # of the stationary method, which needs the scalar
        assert np.abs(np.linalg.eigvals(step)).max() < 1


def test_ssor_does_not_need_sorted_rows_and_takes_the_upper_part_as_it_is():
    a = medium("plane").to_csr()
    order = np.concatenate([np.arange(a.indptr[i], a.indptr[i + 1])[::-1] for i in range(54)])
    back = sp.csr_array((a.data[order], a.indices[order], a.indptr), shape=a.shape)
    assert not back.has_sorted_indices
    close(dense(SSOR(1.4).setup(back), (54,)), ssor(a.toarray(), 1.4))
    b = a + sp.triu(a, 1)
    d, low, up = np.diag(b.diagonal()), np.tril(b.toarray(), -1), np.triu(b.toarray(), 1)
    want = 1.4 * 0.6 * np.linalg.inv(d + 1.4 * up) @ d @ np.linalg.inv(d + 1.4 * low)
    close(dense(SSOR(1.4).setup(b), (54,)), want)


def literal_cholesky(a, shift=0.0):
    """IC(0) entry by entry: only places where A is not zero are kept."""
    a = a + shift * np.diag(np.diag(a))
    n = len(a)
    low = np.zeros_like(a)
    for i in range(n):
        for j in range(i + 1):
            if a[i, j] == 0 and i != j:
                continue
            s = a[i, j] - low[i, :j] @ low[j, :j]
            if i == j and s <= 0:
                return None
            low[i, j] = np.sqrt(s) if i == j else s / low[j, j]
    return low


@pytest.mark.parametrize("name", BOXES)
def test_incomplete_cholesky_by_its_formula(name):
    op = medium(name)
    low = literal_cholesky(op.to_csr().toarray())
    m = IncompleteCholesky().setup(op)
    assert m.shift == 0.0
    close(dense(m, op.shape), np.linalg.inv(low @ low.T))
    if name == "line":  # no fill: the factor is complete
        assert solve(op, np.ones(op.shape), precond=m).steps == 1


def test_incomplete_cholesky_starts_again_with_a_larger_diagonal():
    """Kershaw's matrix is positive definite, and its third pivot is negative."""
    a = np.array([[3.0, -2, 0, 2], [-2, 3, -2, 0], [0, -2, 3, -2], [2, 0, -2, 3]])
    assert np.linalg.eigvalsh(a).min() > 0
    assert literal_cholesky(a) is None
    m = IncompleteCholesky().setup(sp.csr_array(a))
    assert literal_cholesky(a, m.shift / 2) is None
    low = literal_cholesky(a, m.shift)
    close(dense(m, (4,)), np.linalg.inv(low @ low.T))
    s = solve(sp.csr_array(a), np.ones(4), method="cg", precond=m)
    assert s.status is Status.CONVERGED
    hopeless = IncompleteCholesky().setup(sp.csr_array(-a))
    assert hopeless.shift is None
    assert solve(sp.csr_array(-a), np.ones(4), method="cg", precond="ic0").status is Status.INDEFINITE_PRECONDITIONER


def test_incomplete_lu_tends_to_the_inverse_and_says_whether_it_is_symmetric():
    op = medium("plane")
    a = op.to_csr()
    exact = np.linalg.inv(a.toarray())
    gaps = []
    for drop_tol in (0.3, 0.03, 0.0):
        m = dense(IncompleteLU(drop_tol).setup(op), op.shape)
        close(m, m.T, 1e-14)
        assert np.linalg.eigvalsh(m).min() > 0
        gaps.append(np.abs(m - exact).max() / np.abs(exact).max())
    assert gaps[0] > 2 * gaps[1] > 1e-3
    assert gaps[2] < 1e-12
    plain = IncompleteLU(0.3, symmetric=False).setup(op)
    assert not plain.symmetric
    m = dense(plain, op.shape)
    assert np.abs(m - m.T).max() > 1e-3 * np.abs(m).max()  # what is said is so
    wind = (a + sp.triu(a, 1)).tocsr()
    close(dense(IncompleteLU(0.0, symmetric=False).setup(wind), (54,)), np.linalg.inv(wind.toarray()))
    with pytest.raises(BadInput, match="needs a preconditioner that is linear and symmetric"):
        solve(op, np.ones(op.shape), precond=plain)


def test_the_fill_factor_bounds_the_fill():
    op = diffusion(Grid.make((48, 48), boundary="dirichlet"), 1.0)[0]
    steps = [solve(op, np.ones(op.shape), precond=IncompleteLU(1e-6, fill).setup(op)).steps for fill in (1.5, 10.0)]
    assert steps[0] > 2 * steps[1]


def test_incomplete_lu_of_what_is_not_definite():
    a = sp.csr_array(np.array([[1.0, 2.0], [2.0, 1.0]]))
    assert IncompleteLU().setup(a).failed
    absolute = IncompleteLU(absolute=True).setup(a)
    assert not absolute.failed
    assert np.linalg.eigvalsh(dense(absolute, (2,))).min() > 0
    zero = IncompleteLU(symmetric=False).setup(sp.csr_array((2, 2)))
    assert zero.failed
    close(dense(zero, (2,)), np.eye(2))


@pytest.mark.parametrize("name", BOXES)
@pytest.mark.parametrize("size", [1, 4, 7, 1000])
def test_block_jacobi_by_its_formula(name, size):
    op = medium(name)
    a = op.to_csr().toarray()
    blocks = [a[i : i + size, i : i + size] for i in range(0, len(a), size)]
    for m in (BlockJacobi(size).setup(op), BlockJacobi(size).setup(op.to_csr())):
        assert m.failed == 0
        close(dense(m, op.shape), np.linalg.inv(sl.block_diag(*blocks)))


def test_blocks_that_are_not_definite_are_left_to_their_diagonal():
    a = sp.block_diag([np.array([[1.0, 2], [2, 1]]), np.array([[2.0, 1], [1, 2]])]).tocsr()
    m = BlockJacobi(2).setup(a)
    assert m.failed == 1
    close(dense(m, (4,)), sl.block_diag(np.eye(2), np.linalg.inv([[2.0, 1], [1, 2]])))
    assert BlockJacobi(2).setup(-a).failed == 2
    assert solve(-a, np.ones(4), method="cg", precond="block-jacobi").status.failed


@pytest.mark.parametrize("name", BOXES)
@pytest.mark.parametrize("degree", [1, 2, 5])
def test_chebyshev_by_its_polynomial(name, degree):
    """1 - t p(t) = T(mu - 2 t / (high - low)) / T(mu), T of degree + 1, on the eigenvalues of D^-1/2 A D^-1/2."""
    op = medium(name)
    a = op.to_csr().toarray()
    m = Chebyshev(degree, 10.0).setup(op)
    low, high = m.bounds
    root = np.sqrt(np.diag(a))
    t, v = np.linalg.eigh(a / np.outer(root, root))
    assert t.max() <= high <= 2.0 * (1 + 1e-14)
    assert low == pytest.approx(high / 10.0)
    cheb = np.polynomial.chebyshev.Chebyshev.basis(degree + 1)
    mu = (high + low) / (high - low)
    rest = cheb(mu - 2 * t / (high - low)) / cheb(mu)
    want = (v * ((1 - rest) / t)) @ v.T / np.outer(root, root)
    close(dense(m, op.shape), want)
    assert np.linalg.eigvalsh(want).min() > 0


def test_chebyshev_without_entries_and_what_its_degree_buys():
    op = diffusion(Grid.make((48, 48), boundary="dirichlet"), 1.0)[0]
    b = np.random.default_rng(0).normal(size=op.shape)
    steps = {d: solve(op, b, precond=Chebyshev(d).setup(op)).steps for d in (1, 3, 7)}
    assert steps[1] > 1.5 * steps[3] > 2.0 * steps[7]
    bare = op.as_linear_operator()
    m = Chebyshev(3).setup(bare)
    s = solve(bare, b.ravel(), spd=True, precond=m)
    assert steps[3] - 1 <= s.steps <= steps[3] + 2
    wide, narrow = (Chebyshev(3, ratio).setup(op).bounds for ratio in (30.0, 3.0))
    assert narrow[0] == pytest.approx(10 * wide[0])


def test_omega_is_used_and_2_minus_h_is_best():
    op = diffusion(Grid.make((64, 64), boundary="dirichlet"), 1.0)[0]
    steps = [solve(op, np.ones(op.shape), precond=SSOR(w).setup(op)).steps for w in (0.5, 1.0, 1.9, 1.99)]
    assert steps[0] > steps[1] > 1.5 * steps[2]
    assert steps[3] > 1.3 * steps[2]


@pytest.mark.parametrize("m", [SSOR(1.5), IncompleteCholesky(), IncompleteLU(), Chebyshev(), BlockJacobi()])
def test_float32_inside_and_out(m):
    op = diffusion(Grid.make((32, 32), boundary="dirichlet"), 1.0)[0]
    b = np.random.default_rng(0).normal(size=op.shape)
    double = cg(System(op, b), stop=Stop(rtol=1e-4), precond=m.setup(op))
    narrow = op.astype(np.float32)
    single = cg(System(narrow, b.astype(np.float32)), stop=Stop(rtol=1e-4), precond=m.setup(narrow))
    assert double.status is single.status is Status.CONVERGED
    assert double.steps - 1 <= single.steps <= double.steps + 1


@pytest.mark.parametrize("omega", [0, 2, -1.0, 2.5, float("nan"), True, "1"])
def test_omegas_that_are_refused(omega):
    with pytest.raises(BadInput, match=r"(?s)omega of SSOR.*found: .*between 0 and 2"):
        bare(SSOR)(object.__new__(SSOR), omega)


def bare(cls):
    init = cls.__init__
    while hasattr(init, "__wrapped__"):  # past the annotations, which tests enforce and cards do not know
        init = init.__wrapped__
    return init


@pytest.mark.parametrize(
    ("cls", "arguments", "text"),
    [
        (IncompleteLU, (-1.0,), "drop_tol of ilu.*>= 0"),
        (IncompleteLU, (1.0,), "drops every entry"),
        (IncompleteLU, (1e-4, 0.5), "fill_factor of ilu.*>= 1"),
        (Chebyshev, (0,), "degree of chebyshev.*>= 1"),
        (Chebyshev, (2.5,), "degree of chebyshev.*>= 1"),
        (Chebyshev, (3, 1.0), "ratio of chebyshev.*> 1"),
        (BlockJacobi, (0,), "size of the blocks.*>= 1"),
        (BlockJacobi, (True,), "size of the blocks.*>= 1"),
    ],
)
def test_settings_that_are_refused(cls, arguments, text):
    with pytest.raises(BadInput, match=f"(?s){text}"):
        bare(cls)(object.__new__(cls), *arguments)


@pytest.mark.parametrize("m", [SSOR(), IncompleteCholesky(), IncompleteLU(), BlockJacobi()])
def test_a_linear_operator_has_no_entries(m):
    with pytest.raises(BadInput, match="needs the entries of A"):
        m.setup(medium("plane").as_linear_operator())
