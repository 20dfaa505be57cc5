"""MINRES, GMRES and BiCGStab: right answers, honest counts, preconditioners that fit, what auto chooses; in problems too."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.sparse.linalg import LinearOperator

from pdekit.errors import BadInput
from pdekit.linear import Stop, krylov_solvers, solve
from pdekit.linear.krylov import GMRES, MINRES, BiCGStab
from pdekit.linear.method import Method
from pdekit.linear.methods import METHODS
from pdekit.solution import Status
from pdekit.space.diffusion import diffusion
from pdekit.space.grid import Grid

GRID = Grid.make((24, 16), boundary="dirichlet")
RNG = np.random.default_rng(3)
OP = diffusion(GRID, np.exp(0.5 * RNG.normal(size=(24, 16))))[0]
WAVE = replace(OP, shift=np.full(OP.shape, -60.0))
WIND = (OP.to_csr() + 200.0 * (sp.eye_array(384, k=1) - sp.eye_array(384, k=-1))).tocsr()
B = RNG.normal(size=OP.shape)


def exact(a):
    a = a.to_csr() if hasattr(a, "edges") else a
    return np.linalg.solve(a.toarray(), B.ravel()).reshape(OP.shape)


@pytest.mark.parametrize("method", ["minres", "gmres", "bicgstab", "direct", "auto"])
@pytest.mark.parametrize("operator", [OP, WAVE, WIND], ids=["definite", "wave", "wind"])
def test_they_solve_and_count_what_they_do(method, operator):
    if method == "minres" and operator is WIND:
        with pytest.raises(BadInput, match=r"(?s)not symmetric.*gmres"):
            solve(operator, B, method=method)
        return
    seen = []
    callback = None if method in ("direct", "auto") else lambda step, norm: seen.append((step, norm))
    s = solve(operator, B, method=method, callback=callback)  # a matrix, and b in the shape of the grid
    x = exact(operator)
    np.testing.assert_allclose(s.values, x, rtol=0, atol=1e-6 * np.abs(x).max())
    assert s.status is Status.CONVERGED
    assert s.values.shape == OP.shape
    flat = s.values.ravel() if operator is WIND else s.values
    residual = np.linalg.norm(B.ravel() - (operator @ flat).ravel()) / np.linalg.norm(B)
    assert s.true_residual == pytest.approx(residual, rel=1e-6, abs=1e-14)
    assert len(s.residuals) == s.steps + 1
    if callback is not None:
        assert seen == [(k + 1, s.residuals[k + 1]) for k in range(s.steps)]
        assert s.n_matvec > s.steps


@pytest.mark.parametrize("method", ["minres", "gmres", "bicgstab"])
def test_minres_and_full_gmres_are_least_residuals_over_the_krylov_space(method):
    """The definition, by dense least squares over b, A b, ...; BiCGStab does two products a step and no better."""
    a = WAVE.to_csr()
    s = solve(a, B.ravel(), method=method, precond="none", stop=Stop(max_steps=6))
    assert (s.status, s.steps) == (Status.MAX_STEPS, 6)
    basis = [B.ravel()]
    for k in range(1, 7):
        space = np.linalg.qr(np.stack(basis, axis=1))[0]
        y = np.linalg.lstsq(a @ space, B.ravel(), rcond=None)[0]
        least = np.linalg.norm(B.ravel() - a @ (space @ y))
        if method != "bicgstab":
            assert s.residuals[k] == pytest.approx(least, rel=1e-8)
        basis.append(a @ basis[-1])
    wide = np.linalg.qr(
        np.stack([*basis, *(np.linalg.matrix_power(a.toarray(), k) @ B.ravel() for k in range(7, 12))], 1)
    )[0]
    if method == "bicgstab":
        y = np.linalg.lstsq(a @ wide, B.ravel(), rcond=None)[0]
        assert np.linalg.norm(B.ravel() - a @ (wide @ y)) <= s.residuals[6] * (1 + 1e-9)


def test_restart_is_used():
    steps = {m: solve(WIND, B, method=GMRES("jacobi", restart=m)).steps for m in (3, 384)}
    assert steps[3] > 1.2 * steps[384]
    memory = solve(OP, B, method=GMRES("none", restart=384))
    assert memory.steps <= solve(OP, B, method="cg", precond="none").steps


def test_preconditioners_cut_the_steps_and_multigrid_serves_a_wave():
    plain = {m: solve(WAVE, B, method=m, precond="none").steps for m in ("minres", "gmres", "bicgstab")}
    assert 4 * solve(WAVE, B, method="minres").steps < plain["minres"]
    assert solve(WAVE, B, method="minres").info["method"] == "minres-multigrid"
    for method in ("gmres", "bicgstab"):
        s = solve(WAVE, B, method=method)
        assert s.info["preconditioner"] == "ilu"
        assert 4 * s.steps < plain[method]
    assert solve(WAVE.to_csr(), B, method="minres", precond="ilu").steps < plain["minres"] / 4
    ssor = solve(WIND, B, method="gmres", precond="ssor")
    assert 1.5 * ssor.steps < solve(WIND, B, method="gmres", precond="none").steps


def test_minres_refuses_preconditioners_that_are_not_positive_definite_by_its_status():
    class Minus:
        name, linear, symmetric = "minus", True, True

        def apply(self, r, out, norm=1.0):
            np.negative(r, out=out)
            return -float((r * r).sum())

    assert solve(WAVE, B, method="minres", precond=Minus()).status is Status.INDEFINITE_PRECONDITIONER
    Minus.symmetric = False
    with pytest.raises(BadInput, match="MINRES needs a preconditioner that is linear and symmetric"):
        solve(WAVE, B, method="minres", precond=Minus())
    assert solve(WAVE, B, method=GMRES(Minus())).converged


def test_auto_says_what_it_chose_and_why():
    cases = [
        (OP, {}, "pcg-multigrid", None),
        (OP.to_csr(), {}, "pcg-amg", "a matrix without a grid"),
        (WAVE, {}, "minres-multigrid", "not known to be positive definite"),
        (WAVE.to_csr(), {}, "minres-jacobi", "not known to be positive definite"),
        (WIND, {}, "direct", "A is not symmetric, and has no more than 2000"),
        (LinearOperator((384, 384), matvec=lambda v: WIND @ v, dtype=np.float64), {}, "gmres", "A is not symmetric"),
        (OP.as_linear_operator(), {}, "minres", "A is symmetric"),
        (OP.as_linear_operator(), {"spd": True}, "cg", "nor entries"),
    ]
    for operator, options, method, note in cases:
        s = solve(operator, B if hasattr(operator, "edges") else B.ravel(), **options)
        assert s.converged
        assert s.info["method"] == method
        assert note is None or note in s.info["note"]
    large = sp.block_diag([WIND] * 6).tocsr()
    assert solve(large, np.tile(B.ravel(), 6)).info["method"] == "gmres-ilu"


def test_a_method_may_be_an_object_and_all_names_are_methods():
    for name, build in METHODS.items():
        assert isinstance(build(), Method), name
    s = solve(WAVE, B, method=MINRES("none"))
    assert s.info["method"] == "minres"
    with pytest.raises(BadInput, match=r"(?s)method of solve.*found: int.*name, setup and run"):
        solve(OP, B, method=3)
    with pytest.raises(BadInput, match="cannot honour precond"):
        solve(OP, B, method=BiCGStab(), precond="jacobi")
    with pytest.raises(BadInput, match="restart of gmres"):
        GMRES(restart=0)
    with pytest.raises(BadInput, match="tests the residual only"):
        solve(OP, B, method="gmres", stop=Stop(norm="natural"))


def test_starts_singular_systems_and_float32():
    closed = diffusion(Grid.make((24, 16), boundary="neumann"), 1.0)[0]
    b = B - B.mean()
    for method in ("minres", "gmres", "bicgstab"):
        s = solve(closed, b, method=method)
        assert s.status is Status.CONVERGED
        assert abs(s.values.mean()) < 1e-12
        assert solve(closed, b + 1e-3, method=method).status is Status.INCOMPATIBLE_RHS
        assert solve(closed, b + 1e-3, method=method, project_rhs=True).converged
        x = solve(WAVE, B, method=method).values
        assert solve(WAVE, B, method=method, x0=x).steps == 0
        single = solve(WAVE.astype(np.float32), B.astype(np.float32), method=method, stop=Stop(rtol=1e-5))
        assert single.values.dtype == np.float32
        assert single.status is Status.CONVERGED


@pytest.mark.parametrize("solver", [krylov_solvers.MINRES, krylov_solvers.GMRES, krylov_solvers.BiCGStab])
def test_solvers_of_cards_check_their_preconditioner(solver):
    with pytest.raises(BadInput, match=r"no preconditioner named 'multigird'"):
        solver(precond="multigird")
    assert solver(precond="jacobi").precond == "jacobi"


def test_jacobi_of_minres_takes_the_size_of_the_diagonal():
    """Scaled by |D|, a diagonal matrix has two eigenvalues: two steps; scaled by D it would be no scalar product."""
    a = sp.diags_array(np.r_[np.linspace(1, 50, 30), -np.linspace(2, 70, 30)]).tocsr()
    s = solve(a, np.ones(60), method="minres", precond="jacobi")
    assert (s.status, s.steps) == (Status.CONVERGED, 2)


def test_the_tolerance_is_met_and_not_by_far_more_steps():
    for method in ("minres", "gmres", "bicgstab"):
        s = solve(WAVE, B, method=method, precond="none", stop=Stop(rtol=1e-5))
        assert s.true_residual <= 1e-5 * (1 + 1e-9)
        assert (s.residuals[:-1] > 1e-5 * np.linalg.norm(B)).all()
