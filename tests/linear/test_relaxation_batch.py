"""Red-black SOR on a batch of arrays: what the compiled sweep gives, sample by sample, for NumPy and torch."""

import numpy as np
import pytest
import torch

from pdekit.errors import BadInput
from pdekit.linear.relaxation import SOR
from pdekit.linear.relaxation_batch import batched_sor
from pdekit.linear.stop import Stop
from pdekit.linear.system import System
from pdekit.solution import Status
from pdekit.space.diffusion import diffusion
from pdekit.space.grid import Grid
from pdekit.space.stencils import StencilOperator

KINDS = [
    ((9,), "dirichlet"),
    ((8, 7), "dirichlet"),
    ((6, 8), "periodic"),
    ((4, 5, 6), "neumann"),
    ((4, 6, 4), "periodic"),
]


def batch(shape, boundary, n=5, shared=False):
    """n rough operators of one grid, or one for all, and n right-hand sides."""
    rng = np.random.default_rng(0)
    lead = () if shared else (n,)
    grid = Grid.make(shape, boundary=boundary)
    op = diffusion(grid, np.exp(rng.normal(size=(*lead, *shape))), shift=1.0 + 50 * rng.random((*lead, *shape)))[0]
    return op, rng.normal(size=(n, *op.shape))


def sample(op, i):
    """System i alone."""
    edges = tuple(np.ascontiguousarray(e[i] if e.ndim > op.dim else e) for e in op.edges)
    return StencilOperator(edges, op.grid, np.ascontiguousarray(op.shift[i] if op.shift.ndim > op.dim else op.shift))


def to_torch(op):
    return StencilOperator(tuple(torch.tensor(e) for e in op.edges), op.grid, torch.tensor(op.shift))


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize(("shape", "boundary"), KINDS)
def test_it_is_the_compiled_sweep(shape, boundary, shared):
    op, b = batch(shape, boundary, shared=shared)
    omega = np.linspace(0.7, 1.8, len(b))
    x0 = np.random.default_rng(1).normal(size=b.shape)
    for start in (None, x0):
        s = batched_sor(op, b, omega, x0=start, stop=Stop(rtol=1e-7, max_steps=2000))
        other = batched_sor(
            to_torch(op),
            torch.tensor(b),
            torch.tensor(omega),
            x0=None if start is None else torch.tensor(start),
            stop=Stop(rtol=1e-7, max_steps=2000),
        )
        assert isinstance(other.values, torch.Tensor)
        np.testing.assert_allclose(other.values.numpy(), s.values, rtol=1e-12, atol=1e-14)
        assert list(other.steps) == list(s.steps)
        assert len(s.residuals) == max(s.steps) + 1
        for i in range(len(b)):
            one = SOR(float(omega[i]), "red-black").setup(sample(op, i))
            r = one.run(
                System(sample(op, i), b[i]),
                stop=Stop(rtol=1e-7, max_steps=2000),
                x0=None if start is None else start[i],
            )
            assert (s.status[i], s.steps[i]) == (r.status, r.steps)
            np.testing.assert_allclose(s.values[i], r.values, rtol=0, atol=1e-13 * np.abs(r.values).max())
            np.testing.assert_allclose(s.residuals[: r.steps + 1, i], r.residuals, rtol=1e-6)
            assert np.isnan(s.residuals[r.steps + 1 :, i]).all()
            assert s.true_residual[i] == pytest.approx(r.true_residual, rel=1e-6)
            assert s.n_matvec[i] == 2 * r.steps + 1


def test_one_sweep_is_the_dense_formula():
    op, b = batch((5, 4), "dirichlet", n=2)
    s = batched_sor(op, b, [1.3, 0.6], stop=Stop(rtol=0.0, max_steps=1))
    order = np.argsort(np.indices((5, 4)).sum(axis=0).ravel() % 2, kind="stable")
    for i, omega in enumerate((1.3, 0.6)):
        a = sample(op, i).to_csr().toarray()[np.ix_(order, order)]
        w = np.diag(np.diag(a)) / omega + np.tril(a, -1)
        np.testing.assert_allclose(s.values[i].ravel()[order], np.linalg.solve(w, b[i].ravel()[order]), rtol=1e-12)


@pytest.mark.filterwarnings("ignore:invalid value", "ignore:overflow", "ignore:divide")
def test_a_batch_ends_sample_by_sample():
    op, b = batch((8, 8), "dirichlet", n=9)
    b[1] = 0.0
    b[2, 3, 3] = np.inf
    op.edges[0][3, 0, 0] = np.nan
    op.shift[4] -= 1e6
    b[5] *= 1e-30
    b[6] *= 1e200
    bare = StencilOperator(sample(op, 7).edges, op.grid).to_csr().toarray()
    op.shift[7] = -0.5 * (
        np.linalg.eigvalsh(bare)[0] + np.diag(bare).min()
    )  # indefinite, though the diagonal is positive
    omega = np.full(9, 1.3)
    omega[8] = 1.99
    stop = Stop(rtol=1e-9, atol=1e-45, max_steps=300)
    s = batched_sor(op, b, omega, stop=stop)
    assert s.status == [
        Status.CONVERGED,
        Status.CONVERGED_ZERO_RHS,
        Status.NONFINITE_INPUT,
        Status.NONFINITE_INPUT,
        Status.INDEFINITE_OPERATOR,
        Status.CONVERGED,
        Status.CONVERGED,
        Status.DIVERGED,
        Status.MAX_STEPS,
    ]
    assert s.steps[8] == 300
    assert np.isnan(s.values[2:4]).all()
    assert np.isnan(s.true_residual[2:4]).all()
    assert (s.values[[1, 4]] == 0).all()
    alone = batched_sor(sample(op, 0), b[:1], 1.3, stop=stop)
    np.testing.assert_array_equal(alone.values[0], s.values[0])  # the others did not alter it, nor did freezing
    assert alone.steps[0] == s.steps[0]
    r = np.linalg.norm(b[6] / 1e200 - sample(op, 6) @ (s.values[6] / 1e200)) / np.linalg.norm(b[6] / 1e200)
    assert s.true_residual[6] == pytest.approx(r, rel=1e-6)
    absolute = batched_sor(op, b, 1.3, stop=Stop(rtol=1e-12, atol=1e-32))
    assert absolute.status[5] is Status.CONVERGED_ATOL


def test_stagnation_and_false_convergence_in_float32():
    op = diffusion(Grid.make((32, 32), boundary="dirichlet"), 1.0)[0].astype(np.float32)
    s = batched_sor(op, np.ones((3, 32, 32), np.float32), [1.5, 1.8, 1.9], stop=Stop(rtol=1e-9, max_steps=20_000))
    for status in s.status:
        assert status in (Status.STAGNATED, Status.FALSE_CONVERGENCE)
    assert (s.steps < 6000).all()
    assert s.values.dtype == np.float32


def test_the_test_may_be_relative_to_the_first_residual():
    op, b = batch((8, 8), "dirichlet", n=3)
    far = 1e5 * np.ones_like(b)
    to_b, to_start = (batched_sor(op, b, 1.2, x0=far, stop=Stop(relative_to=r)) for r in ("b", "r0"))
    assert (to_start.steps < to_b.steps).all()
    for i in range(3):
        assert to_start.residuals[to_start.steps[i], i] <= 1e-8 * to_start.residuals[0, i]


def test_wrong_use():
    op, b = batch((8, 8), "dirichlet", n=3)
    for omega in (0.0, 2.0, [1.0, 1.0], [1.0, 1.0, 2.5], np.nan):
        with pytest.raises(BadInput, match=r"(?s)omega of batched SOR.*one number or 3, between 0 and 2"):
            batched_sor(op, b, omega)
    with pytest.raises(BadInput, match="do not fit the operator"):
        batched_sor(op, b[0], 1.0)
    with pytest.raises(BadInput, match="batches of two sizes"):
        batched_sor(op, b[:2], 1.0)
    with pytest.raises(BadInput, match="x0 does not fit"):
        batched_sor(op, b, 1.0, x0=b[0])
    with pytest.raises(BadInput, match="tests the residual only"):
        batched_sor(op, b, 1.0, stop=Stop(norm="natural"))
    with pytest.raises(BadInput, match="needs a StencilOperator"):
        batched_sor(sample(op, 0).to_csr(), b, 1.0)
    odd = diffusion(Grid.make((7, 8), boundary="periodic"), 1.0)[0]
    with pytest.raises(BadInput, match=r"(?s)periodic axis of 7 points.*multicolour"):
        batched_sor(odd, np.ones((2, 7, 8)), 1.0)
    singular = diffusion(Grid.make((8, 8), boundary="periodic"), 1.0)[0]
    with pytest.raises(BadInput, match="cannot take out a null space"):
        batched_sor(singular, np.ones((2, 8, 8)), 1.0)
