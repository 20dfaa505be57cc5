"""Every preconditioner is symmetric, positive and linear, on every kind of box; what each one is, literally."""

import itertools

import numpy as np
import pytest
import scipy.sparse as sp

from pdekit.errors import BadInput
from pdekit.linear import Stop, solve
from pdekit.linear.block_jacobi import BlockJacobi
from pdekit.linear.cg import cg
from pdekit.linear.chebyshev import Chebyshev
from pdekit.linear.incomplete_cholesky import IncompleteCholesky
from pdekit.linear.incomplete_lu import IncompleteLU
from pdekit.linear.multigrid import MultigridCycle
from pdekit.linear.preconditioners import AMG, FastPoissonInverse, Jacobi, local_coefficient
from pdekit.linear.ssor import SSOR
from pdekit.linear.system import System
from pdekit.solution import Status
from pdekit.space.diffusion import control_volumes, diffusion
from pdekit.space.grid import Grid

MAKERS = {
    "jacobi": Jacobi,
    "plain": lambda: FastPoissonInverse("plain"),
    "scaled": lambda: FastPoissonInverse("scaled"),
    "ssor": SSOR,
    "ssor, 1.8": lambda: SSOR(1.8),
    "ic0": IncompleteCholesky,
    "ilu": lambda: IncompleteLU(1e-2),
    "chebyshev": Chebyshev,
    "block-jacobi": lambda: BlockJacobi(7),
    "multigrid": lambda: MultigridCycle("float64"),
    "ruge-stuben": AMG,
    "smoothed-aggregation": lambda: AMG("smoothed-aggregation"),
}
D, N, P, DN = ("dirichlet",) * 2, ("neumann",) * 2, ("periodic",) * 2, ("dirichlet", "neumann")
BOXES = [(D, D), (N, N), (P, P), (DN, P), (N, D), (D, D, D), (N, N, N), (P, P, P), (DN, P, N)]


def box(kinds, location, n):
    names = [f"{axis}_{side}" for axis in "xyz"[: len(kinds)] for side in ("low", "high")]
    points = [n + (location == "vertex" and k != P) for k in kinds]
    return Grid.make(
        points,
        (1.0, 0.7, 1.4)[: len(kinds)],
        location=location,
        boundary=dict(zip(names, itertools.chain(*kinds), strict=True)),
    )


def medium(kinds, location="cell", n=16):
    grid = box(kinds, location, n if len(kinds) == 2 else n // 2)
    return diffusion(grid, np.exp(np.random.default_rng(4).normal(size=grid.points)))[0]


@pytest.mark.parametrize("location", ["cell", "vertex"])
@pytest.mark.parametrize("kinds", BOXES)
@pytest.mark.parametrize("name", MAKERS)
def test_symmetric_positive_linear(name, kinds, location):
    op = medium(kinds, location)
    m, rng = MAKERS[name]().setup(op), np.random.default_rng(8)
    assert m.symmetric
    assert m.linear

    def apply(v):
        out = np.full(op.shape, np.nan)
        value = m.apply(v, out, float(np.linalg.norm(v)))
        assert value == pytest.approx(float((v * out).sum()), rel=1e-9)
        if op.singular:
            out -= out.mean()
        return out

    for _ in range(5):
        u, v = rng.normal(size=(2, *op.shape))
        if op.singular:
            u, v = u - u.mean(), v - v.mean()
        mu, mv = apply(u), apply(v)
        assert (u * mu).sum() > 0
        asymmetry = (u * mv).sum() - (v * mu).sum()
        size = np.linalg.norm(u) * np.linalg.norm(mv)
        assert -1e-10 * size <= asymmetry <= 1e-10 * size
        np.testing.assert_allclose(apply(2 * u - v), 2 * mu - mv, rtol=0, atol=1e-10 * np.abs(mu).max())


@pytest.mark.parametrize("kinds", BOXES)
@pytest.mark.parametrize("name", MAKERS)
def test_each_makes_cg_faster_than_none_and_leaves_the_solution(name, kinds):
    op = medium(kinds, n=32)
    b = np.random.default_rng(3).normal(size=op.shape)
    if op.singular:
        b -= b.mean()
    plain, fast = solve(op, b, precond="none"), solve(op, b, precond=MAKERS[name]().setup(op))
    assert fast.converged
    assert fast.steps < plain.steps
    np.testing.assert_allclose(fast.values, plain.values, rtol=0, atol=1e-5 * np.abs(plain.values).max())


def test_jacobi_is_the_diagonal_of_any_storage():
    op = medium((D, DN))
    r, out = np.random.default_rng(0).normal(size=op.shape), np.empty(op.shape)
    Jacobi().setup(op).apply(r, out)
    np.testing.assert_array_equal(out, r * (1.0 / op.to_csr().diagonal()).reshape(op.shape))
    flat = np.empty(r.size)
    Jacobi().setup(op.to_csr()).apply(r.ravel(), flat)
    np.testing.assert_array_equal(flat, out.ravel())


@pytest.mark.parametrize("location", ["cell", "vertex"])
@pytest.mark.parametrize("kinds", [(D, D), (DN, N), (P, D), (D, N, P)])
def test_fast_poisson_is_the_inverse_where_the_coefficient_is_one(kinds, location):
    op = diffusion(box(kinds, location, 8), 1.0)[0]
    for scaling in ("plain", "scaled"):
        m, out = FastPoissonInverse(scaling).setup(op), np.empty(op.shape)
        r = np.random.default_rng(0).normal(size=op.shape)
        m.apply(r, out)
        np.testing.assert_allclose(op @ out, r, rtol=0, atol=1e-11)


def test_fast_poisson_by_its_formula():
    op = medium((D, D))
    plain = diffusion(op.grid, 1.0)[0].to_csr().toarray()
    a = local_coefficient(op).ravel()
    r, out = np.random.default_rng(0).normal(size=op.shape), np.empty(op.shape)
    for scaling, s in (("plain", np.full(a.shape, np.sqrt(a.mean()))), ("scaled", np.sqrt(a))):
        FastPoissonInverse(scaling).setup(op).apply(r, out)
        want = np.linalg.solve(plain, r.ravel() / s) / s
        np.testing.assert_allclose(out.ravel(), want, rtol=0, atol=1e-12 * np.abs(want).max())


@pytest.mark.parametrize("kinds", [(D, N), (P, DN)])
def test_the_local_coefficient_of_a_constant_is_that_constant(kinds):
    op = diffusion(box(kinds, "vertex", 8), 3.5)[0]
    inside = (slice(2, -2),) * 2
    np.testing.assert_allclose(local_coefficient(op)[inside], 3.5, rtol=1e-14)
    assert (control_volumes(op.grid)[inside] == 1.0).all()


def test_auto_scaling():
    """Plain up to a contrast of 10 and for jumps, scaled for what varies smoothly."""
    grid = Grid.make((64, 64), boundary="dirichlet")
    x, y = grid.mesh
    jump = np.where((x - 0.5) ** 2 + (y - 0.5) ** 2 < 0.1, 1.0, 100.0)
    smooth = np.exp(3.5 * np.sin(5 * x) * np.cos(4 * y))
    steps = {}
    for name, a, scaled in (("jump", jump, False), ("smooth", smooth, True), ("mild", smooth**0.3, False)):
        op = diffusion(grid, a)[0]
        assert FastPoissonInverse().setup(op).scaled is scaled
        for scaling in ("plain", "scaled"):
            m = FastPoissonInverse(scaling).setup(op)
            steps[name, scaling] = solve(op, np.ones(op.shape), precond=m).steps
    assert steps["jump", "plain"] < steps["jump", "scaled"]
    assert 3 * steps["smooth", "scaled"] < steps["smooth", "plain"]


def test_what_is_refused():
    op = medium((D, D))
    with pytest.raises(BadInput, match=r"(?s)scaling of fast-poisson.*'log'.*\"auto\", \"plain\", \"scaled\""):
        FastPoissonInverse("log")
    with pytest.raises(BadInput, match=r"(?s)method of amg.*'rs'.*ruge-stuben"):
        AMG("rs")
    with pytest.raises(BadInput, match=r"(?s)fast-poisson needs a grid.*a StencilOperator"):
        FastPoissonInverse().setup(op.to_csr())
    with pytest.raises(BadInput, match=r"(?s)needs positive coefficients"):
        FastPoissonInverse().setup(diffusion(op.grid, -1.0)[0])
    with pytest.raises(BadInput, match=r"(?s)needs the entries of A.*LinearOperator"):
        Jacobi().setup(op.as_linear_operator())
    robin = Grid.make((8, 8), boundary="robin")
    with pytest.raises(BadInput, match=r"(?s)axis x has no sine or cosine transform.*robin"):
        FastPoissonInverse().setup(diffusion(robin, 1.0)[0])
    assert sp.issparse(op.to_csr())


@pytest.mark.parametrize("boundary", ["periodic", "neumann", "dirichlet"])
@pytest.mark.parametrize("location", ["cell", "vertex"])
@pytest.mark.parametrize("scaling", ["plain", "scaled"])
def test_fast_poisson_knows_the_shift(boundary, location, scaling):
    """A constant coefficient and shift are inverted exactly; a varying shift takes a few steps; constants are no null space."""
    grid = Grid.make((32, 32), location=location, boundary=boundary)
    stored = np.ones(grid.points)[grid.unknown]
    b = 1.0 + np.random.default_rng(0).normal(size=stored.shape)
    for factor in (1e-3, 3.0, 1e3):
        op = diffusion(grid, 2.0, shift=factor * stored)[0]
        s = cg(System(op, b), stop=Stop(), precond=FastPoissonInverse(scaling).setup(op))
        assert (s.status, s.steps) == (Status.CONVERGED, 1)
    op = diffusion(grid, 2.0, shift=np.random.default_rng(1).uniform(50.0, 150.0, stored.shape))[0]
    s = cg(System(op, b), stop=Stop(), precond=FastPoissonInverse(scaling).setup(op))
    assert s.status is Status.CONVERGED
    assert 1 < s.steps <= 10  # kappa <= 3
