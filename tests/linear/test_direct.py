"""Solves without iteration: factorisation and fast transforms, also where constants are in the null space."""

import numpy as np
import pytest
import scipy.sparse as sp

from pdekit.errors import BadInput
from pdekit.linear import solve
from pdekit.linear.direct import SparseLU, once
from pdekit.linear.system import System
from pdekit.solution import Status
from pdekit.space.diffusion import diffusion
from pdekit.space.grid import Grid

RNG = np.random.default_rng(6)


def operator(boundary, location="cell", points=(12, 10), a=None):
    grid = Grid.make(points, location=location, boundary=boundary)
    return diffusion(grid, np.exp(RNG.normal(size=points)) if a is None else a)[0]


@pytest.mark.parametrize("location", ["cell", "vertex"])
@pytest.mark.parametrize("points", [(30,), (12, 10), (6, 7, 5)])
def test_factors_solve_what_is_not_singular(points, location):
    op = operator("dirichlet", location, points)
    b = RNG.normal(size=op.shape)
    s = solve(op, b, method="direct")
    want = np.linalg.solve(op.to_csr().toarray(), b.ravel()).reshape(op.shape)
    np.testing.assert_allclose(s.values, want, rtol=0, atol=1e-12 * np.abs(want).max())
    assert (s.status, s.steps) == (Status.CONVERGED, 1)
    assert s.true_residual < 1e-13
    assert len(s.residuals) == 2


@pytest.mark.parametrize("location", ["cell", "vertex"])
@pytest.mark.parametrize("boundary", ["neumann", "periodic"])
def test_singular_systems_are_bordered(boundary, location):
    op = operator(boundary, location)
    b = RNG.normal(size=op.shape)
    b -= b.mean()
    s = solve(op, b, method="direct")
    assert s.status is Status.CONVERGED
    assert s.true_residual < 1e-12
    w = op.grid.weights
    assert -1e-13 < (w * s.values).sum() < 1e-13
    want = np.linalg.pinv(op.to_csr().toarray()) @ b.ravel()
    want -= (w.ravel() * want).sum() / w.sum()
    np.testing.assert_allclose(s.values.ravel(), want, rtol=0, atol=1e-11)


def test_a_null_space_given_as_a_basis():
    """Two separate pieces: constants on each are in the null space."""
    a = operator("neumann", points=(5, 4)).to_csr()
    both = sp.block_diag([a, 2.0 * a]).tocsr()
    z = np.kron(np.eye(2), np.full((20, 1), 20**-0.5))
    b = RNG.normal(size=40)
    for method in ("direct", "cg", "amg"):
        precond = "jacobi" if method == "cg" else "auto"
        assert solve(both, b, method=method, nullspace=z, precond=precond).status is Status.INCOMPATIBLE_RHS
        s = solve(both, b, method=method, nullspace=z, precond=precond, project_rhs=True)
        assert s.converged
        np.testing.assert_allclose(z.T @ s.values, 0.0, atol=1e-12)
        np.testing.assert_allclose(both @ s.values, b - z @ (z.T @ b), atol=1e-6)


def test_singularity_that_was_not_declared_is_a_breakdown_or_shows_in_the_residual():
    s = solve(sp.csr_array(np.ones((3, 3))), np.array([1.0, 2.0, 3.0]), method="direct")
    assert s.status is Status.BREAKDOWN
    assert np.isnan(s.true_residual) or s.true_residual > 1e-6


def test_float32_is_solved_in_float64_and_given_back_in_float32():
    op = operator("dirichlet", points=(48, 48))
    b = RNG.normal(size=op.shape)
    s = solve(op.astype(np.float32), b.astype(np.float32), method="direct")
    assert s.values.dtype == np.float32
    assert s.status is Status.CONVERGED
    want = solve(op, b, method="direct").values
    np.testing.assert_allclose(s.values, want, rtol=0, atol=2e-5 * np.abs(want).max())


def test_one_factorisation_serves_many_right_hand_sides():
    op = operator("dirichlet")
    lu = SparseLU().setup(op, False)
    for _ in range(3):
        b = RNG.normal(size=op.shape)
        np.testing.assert_allclose(op @ lu.apply(b), b, rtol=0, atol=1e-10)


@pytest.mark.parametrize("location", ["cell", "vertex"])
@pytest.mark.parametrize("boundary", ["dirichlet", "neumann", "periodic", {"x_high": "neumann"}])
def test_fast_poisson_equals_the_factors(boundary, location):
    op = operator(boundary, location, (12, 9), 2.5)
    b = RNG.normal(size=op.shape)
    fast, direct = (solve(op, b, method=m, project_rhs=True) for m in ("fast-poisson", "direct"))
    assert fast.status is Status.CONVERGED
    assert fast.true_residual < 1e-12
    np.testing.assert_allclose(fast.values, direct.values, rtol=0, atol=1e-12 * np.abs(direct.values).max())


def test_fast_poisson_refuses_what_it_cannot_do():
    with pytest.raises(BadInput, match=r"(?s)for a constant coefficient.*coefficients from .*pcg-fast-poisson"):
        solve(operator("dirichlet"), np.ones((12, 10)), method="fast-poisson")
    grid = Grid.make((12, 10), boundary="dirichlet")
    shifted = diffusion(grid, 1.0, shift=np.ones((12, 10)))[0]
    with pytest.raises(BadInput, match=r"(?s)serves -Laplace only.*a shift on the diagonal"):
        solve(shifted, np.ones((12, 10)), method="fast-poisson")
    with pytest.raises(BadInput, match=r"(?s)fast-poisson needs a grid.*StencilOperator"):
        solve(shifted.to_csr(), np.ones(120), method="fast-poisson")
    with pytest.raises(BadInput, match=r"(?s)needs the entries of A.*LinearOperator"):
        solve(shifted.as_linear_operator(), np.ones(120), method="direct")


class Off:
    """The exact solution, times 1 + error."""

    name = "off"

    def __init__(self, x, error):
        self.x, self.error = x, error

    def apply(self, b):
        return self.x * (1.0 + self.error)


@pytest.mark.parametrize(("dtype", "errors"), [(np.float64, (0.0, 1e-9, 1e-7)), (np.float32, (0.0, 1e-1, 0.5))])
def test_more_residual_than_rounding_explains_is_a_breakdown(dtype, errors):
    op = diffusion(Grid.make((32, 32), boundary="dirichlet"), 1.0)[0]
    b = np.random.default_rng(0).normal(size=op.shape).astype(dtype)
    x = solve(op, b.astype(np.float64), method="direct").values
    found = [once(System(op, b), Off(x, error)).status for error in errors]
    assert found == [Status.CONVERGED, Status.BREAKDOWN, Status.BREAKDOWN]
    s = solve(op, b, method="direct")
    assert s.status is Status.CONVERGED
    r = b.astype(np.float64) - op @ s.values.astype(np.float64)
    assert s.true_residual == pytest.approx(np.linalg.norm(r) / np.linalg.norm(b.astype(np.float64)), rel=1e-6)
