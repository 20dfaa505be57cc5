"""scipy's CG takes the same steps to the same solution, with and without preconditioners."""

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.sparse.linalg import LinearOperator
from scipy.sparse.linalg import cg as scipy_cg

from pdekit.linear import Stop, scipy_info, solve
from pdekit.linear.multigrid import MultigridCycle
from pdekit.linear.preconditioners import FastPoissonInverse, Jacobi
from pdekit.solution import Status
from pdekit.space.diffusion import diffusion
from pdekit.space.grid import Grid

MAKERS = {
    "none": None,
    "jacobi": Jacobi,
    "fast-poisson": FastPoissonInverse,
    "multigrid": lambda: MultigridCycle("float64"),
}


def peer(matrix, b, precond=None, **options):
    steps = []
    m = None
    if precond is not None:

        def apply(v):
            out = np.empty(precond_shape)
            precond.apply(np.ascontiguousarray(v.reshape(precond_shape)), out, float(np.linalg.norm(v)))
            return out.ravel()

        precond_shape = precond.shape_of_test
        m = LinearOperator(matrix.shape, matvec=apply, dtype=float)
    x, info = scipy_cg(matrix, b.ravel(), M=m, callback=steps.append, **options)
    return x, info, len(steps)


@pytest.mark.parametrize("location", ["cell", "vertex"])
@pytest.mark.parametrize("name", MAKERS)
def test_same_steps_same_solution(name, location):
    grid = Grid.make((64, 64), location=location, boundary="dirichlet" if location == "cell" else {"y_low": "neumann"})
    a = np.exp(0.7 * np.random.default_rng(0).normal(size=(64, 64)))
    grid = grid if location == "cell" else grid.with_intervals((64, 64))
    op = diffusion(grid, a if location == "cell" else 1.0)[0]
    b = np.random.default_rng(1).normal(size=op.shape)
    ready = None if MAKERS[name] is None else MAKERS[name]().setup(op)
    if ready is not None:
        ready.shape_of_test = op.shape
    ours = solve(op, b, precond="none" if ready is None else ready)
    x, info, steps = peer(op.to_csr(), b, ready, rtol=1e-8)
    assert info == scipy_info(ours) == 0
    assert steps - 1 <= ours.steps <= steps + 1
    np.testing.assert_allclose(ours.values.ravel(), x, rtol=0, atol=1e-7 * np.abs(x).max())


def test_same_absolute_test_and_same_count_at_the_limit():
    op = diffusion(Grid.make((32, 32), boundary="dirichlet"), 1.0)[0]
    b = np.random.default_rng(1).normal(size=op.shape)
    ours = solve(op, b, precond="none", stop=Stop(rtol=0.0, atol=0.05))
    _, info, steps = peer(op.to_csr(), b, rtol=0.0, atol=0.05)
    assert (info, steps) == (0, ours.steps)
    assert ours.status is Status.CONVERGED_ATOL
    few = solve(op, b, precond="none", stop=Stop(max_steps=10))
    _, info, _ = peer(op.to_csr(), b, rtol=1e-8, maxiter=10)
    assert info == scipy_info(few) == 10


def test_what_scipy_does_not_notice():
    """On -A scipy reports success; here it is named."""
    minus = -diffusion(Grid.make((16, 16), boundary="dirichlet"), 1.0)[0].to_csr()
    assert peer(minus, np.ones(256), rtol=1e-8)[1] == 0
    s = solve(minus, np.ones(256), method="cg", precond="none")
    assert s.status is Status.INDEFINITE_OPERATOR
    assert "negate A and b" in s.status.sentence
    assert scipy_info(s) < 0
    assert sp.issparse(minus)
