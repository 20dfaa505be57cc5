"""Every way for a linear solve to end is reached by a small system that calls for it."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from pdekit.errors import BadInput
from pdekit.linear import Stop, scipy_info, solve
from pdekit.linear.batched import batched_cg
from pdekit.linear.cg import cg
from pdekit.linear.relaxation_batch import batched_sor
from pdekit.linear.stationary import stationary
from pdekit.linear.system import System
from pdekit.solution import Status
from pdekit.space.diffusion import diffusion
from pdekit.space.grid import Grid
from pdekit.space.stencils import StencilOperator


def diagonal(*values):
    return sp.diags_array(np.array(values, dtype=float)).tocsr()


class Scaled:
    """A 'preconditioner' or 'cycle' that multiplies by a number."""

    name, linear, symmetric = "scaled", True, True

    def __init__(self, factor):
        self.factor = factor

    def apply(self, r, out, norm=1.0):
        np.multiply(r, self.factor, out=out)
        return float((r * out).sum())


PLAIN = {"precond": "none", "method": "cg"}
ONES = np.ones(2)
CASES = {
    "relative": (diagonal(1, 2), ONES, {}, Status.CONVERGED),
    "absolute": (diagonal(1, 2, 3, 4), np.ones(4), {"stop": Stop(rtol=1e-12, atol=0.5)}, Status.CONVERGED_ATOL),
    "zero": (diagonal(1, 2), 0 * ONES, {}, Status.CONVERGED_ZERO_RHS),
    "limit": (diagonal(1, 2, 3), np.ones(3), {"stop": Stop(max_steps=2)}, Status.MAX_STEPS),
    "no step at all": (diagonal(1, 2), ONES, {"stop": Stop(max_steps=0)}, Status.MAX_STEPS),
    "negative": (diagonal(-1, -2), ONES, {}, Status.INDEFINITE_OPERATOR),
    "one negative": (diagonal(1, 2, -1), np.ones(3), {}, Status.INDEFINITE_OPERATOR),
    "zero operator": (sp.csr_array((2, 2)), ONES, {}, Status.BREAKDOWN),
    "growth": (diagonal(1, 1e12), np.array([1.0, 1e-6]), {}, Status.DIVERGED),
    "nan in b": (diagonal(1, 2), np.array([1, np.nan]), {}, Status.NONFINITE_INPUT),
    "infinity in A": (diagonal(1, np.inf), ONES, {}, Status.NONFINITE_INPUT),
    "nan in x0": (diagonal(1, 2), ONES, {"x0": np.array([np.nan, 0])}, Status.NONFINITE_INPUT),
    "overflow": (diagonal(1e305, 1e305), 1e10 * ONES, {}, Status.NONFINITE),
    "M negative": (diagonal(1, 2), ONES, {"precond": Scaled(-1.0)}, Status.INDEFINITE_PRECONDITIONER),
    "M nan": (diagonal(1, 2), ONES, {"precond": Scaled(np.nan)}, Status.NONFINITE),
    "incompatible": (diagonal(0, 2), ONES, {"nullspace": np.eye(2)[:, :1]}, Status.INCOMPATIBLE_RHS),
    "singular LU": (sp.csr_array(np.ones((2, 2))), ONES, {"method": "direct"}, Status.BREAKDOWN),
    "nan for LU": (diagonal(1, 2), np.array([1, np.nan]), {"method": "direct"}, Status.NONFINITE_INPUT),
    "nan matrix for LU": (diagonal(1, np.nan), ONES, {"method": "direct"}, Status.NONFINITE_INPUT),
    "zero for LU": (diagonal(1, 2), 0 * ONES, {"method": "direct"}, Status.CONVERGED_ZERO_RHS),
    "LU": (diagonal(1, 2), ONES, {"method": "direct"}, Status.CONVERGED),
}


@pytest.mark.parametrize("name", CASES)
def test_one_system(name):
    a, b, options, status = CASES[name]
    s = solve(a, b, **{**PLAIN, **options})
    assert s.status is status
    assert s.converged == status.converged
    assert len(s.residuals) == s.steps + 1
    assert s.values.shape == b.shape
    if status not in (Status.NONFINITE_INPUT, Status.BREAKDOWN):
        assert np.isfinite(s.values).all()
        assert s.true_residual == pytest.approx(
            np.linalg.norm(b - a @ s.values) / (np.linalg.norm(b) or 1.0), rel=1e-12, abs=1e-15
        )
    if status is Status.NONFINITE_INPUT:
        assert np.isnan(s.values).all()
        assert s.steps == 0


@pytest.mark.filterwarnings("ignore:rtol")
def test_stagnation_is_seen_after_a_window_without_progress():
    op = diffusion(Grid.make((17, 17), location="vertex", boundary="dirichlet"), 1.0)[0]
    s = solve(op, np.ones(op.shape), precond="none", stop=Stop(rtol=1e-18))
    assert s.status is Status.STAGNATED
    assert 50 < s.steps < 1000  # the limit is 2250; CG had all it can get after 44 steps
    assert s.true_residual < 1e-13


@pytest.mark.parametrize("method", ["auto", "cg", "multigrid", "amg", "direct"])
@pytest.mark.parametrize("block", [np.s_[20:40, 20:40], np.s_[:16, :16]])
def test_an_operator_with_a_hole_is_no_exception(method, block):
    a = np.ones((64, 64))
    a[block] = 0.0
    op = diffusion(Grid.make((64, 64), boundary="dirichlet"), a, mean="arithmetic")[0]
    s = solve(op, np.ones(op.shape), method=method)
    if method == "direct":  # which serves indefinite operators too, and divides by the zero
        assert s.status is Status.BREAKDOWN
        return
    assert s.status is Status.INDEFINITE_OPERATOR
    assert (s.steps, s.true_residual) == (0, 1.0)


def test_a_coarsest_level_that_cannot_be_inverted_is_no_exception():
    """Negative coefficients on a checkerboard: diagonals are positive, the coarse operator has none."""
    a = np.where(np.indices((16, 16)).sum(axis=0) % 2, 3.0, -1.0)
    op = diffusion(Grid.make((16, 16), boundary="dirichlet"), a, mean="arithmetic")[0]
    assert solve(op, np.ones(op.shape), method="cg").status.failed


def test_the_natural_norm_does_not_take_a_negative_preconditioner_for_convergence():
    for norm in ("natural", "preconditioned", "residual"):
        s = cg(System(diagonal(1, 2), ONES), stop=Stop(norm=norm), precond=Scaled(-1.0))
        assert s.status is Status.INDEFINITE_PRECONDITIONER


@pytest.mark.filterwarnings("ignore:rtol")
@pytest.mark.parametrize(
    ("factor", "stop", "status"),
    [
        (1.0, Stop(), Status.CONVERGED),
        (1.0, Stop(rtol=1e-12, atol=1e-3), Status.CONVERGED_ATOL),
        (0.01, Stop(max_steps=7), Status.MAX_STEPS),
        (10.0, Stop(), Status.DIVERGED),
        (0.0, Stop(max_steps=1000), Status.STAGNATED),
        (np.inf, Stop(), Status.NONFINITE),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value")
def test_cycles_alone(factor, stop, status):
    s = stationary(System(diagonal(1.2, 0.7), ONES), Scaled(factor), stop=stop)
    assert s.status is status
    assert len(s.residuals) == s.steps + 1
    assert np.isfinite(s.values).all()
    if status is not Status.NONFINITE:
        assert s.true_residual * np.sqrt(2) == pytest.approx(s.residuals.min(), rel=1e-9)
    for b, expected in ((0 * ONES, Status.CONVERGED_ZERO_RHS), (np.nan * ONES, Status.NONFINITE_INPUT)):
        assert stationary(System(diagonal(1, 2), b), Scaled(factor), stop=stop).status is expected


def test_a_batch_ends_sample_by_sample():
    grid = Grid.make((8, 8), boundary="dirichlet")
    a = np.ones((8, 8, 8))
    a[4] *= -1
    op = diffusion(grid, a)[0]
    b = np.random.default_rng(0).normal(size=(8, 8, 8))
    b[1] = 0.0
    b[2, 3, 3] = np.inf
    op.edges[0][3, 0, 0] = np.nan
    b[5] *= 1e-30
    b[6] *= 1e150
    op.edges[0][6] *= 1e160
    stop = Stop(rtol=1e-10, atol=1e-25)
    with np.errstate(all="ignore"):
        s = batched_cg(op, b, stop=stop, precond="none")
        assert s.status == [
            Status.CONVERGED,
            Status.CONVERGED_ZERO_RHS,
            Status.NONFINITE_INPUT,
            Status.NONFINITE_INPUT,
            Status.INDEFINITE_OPERATOR,
            Status.CONVERGED_ATOL,
            Status.NONFINITE,
            Status.CONVERGED,
        ]
        assert batched_cg(op, b, stop=stop).status[4] is Status.INDEFINITE_PRECONDITIONER
        assert batched_cg(op, b, stop=Stop(max_steps=3)).status[0] is Status.MAX_STEPS


def test_a_float32_batch_does_not_claim_what_it_has_not():
    op = diffusion(Grid.make((2, 65, 65)[1:], location="vertex", boundary="dirichlet"), 1.0)[0].astype(np.float32)
    s = batched_cg(op, np.ones((2, 63, 63), np.float32))
    for status in s.status:
        assert status in (Status.FALSE_CONVERGENCE, Status.STAGNATED)
    assert (s.true_residual > 1e-6).all()


def test_scipy_and_petsc_numbers():
    assert scipy_info(solve(diagonal(1, 2), ONES, precond="none")) == 0
    assert scipy_info(solve(diagonal(1, 2, 3), np.ones(3), precond="none", stop=Stop(max_steps=2))) == 2
    assert scipy_info(solve(diagonal(-1, -2), ONES, **PLAIN)) == -10
    batch = solve(diagonal(1, 2), np.array([[1.0, 1.0], [np.nan, 1.0]]), **PLAIN)
    assert scipy_info(batch) == [0, -9]


def test_a_batch_in_float32_of_any_size_with_its_residual_in_float64():
    op = diffusion(Grid.make((16, 16), boundary="dirichlet"), 1.0)[0].astype(np.float32)
    b = np.random.default_rng(0).normal(size=(5, 16, 16))
    sizes = np.array([1e-40, 1e-25, 1.0, 1e20, 1e37])
    scaled = (b[:1] * sizes[:, None, None]).astype(np.float32)
    s = batched_cg(op, scaled, stop=Stop(rtol=1e-4))
    assert s.status == [Status.CONVERGED] * 5
    assert np.ptp(s.steps) <= 1
    wide = op.astype(np.float64)
    for i in (1, 2, 3):
        r = np.linalg.norm(scaled[i].astype(float) - wide @ s.values[i].astype(float)) / np.linalg.norm(
            scaled[i].astype(float)
        )
        assert s.true_residual[i] == pytest.approx(r, rel=1e-3)
        assert s.residuals[0, i] == pytest.approx(np.linalg.norm(scaled[i].astype(float)), rel=1e-5)


@pytest.mark.filterwarnings("ignore:rtol")
def test_a_batch_counts_and_records_what_was_done(monkeypatch):
    """Counts are those of the products and applications that a sample needed; its history ends with its last step."""
    op = diffusion(Grid.make((65, 65), location="vertex", boundary="dirichlet"), 1.0)[0].astype(np.float32)
    b = np.ones((3, 63, 63), np.float32)
    b[1] = np.random.default_rng(0).normal(size=(63, 63))
    b[2] = 0.0
    calls = []
    product = StencilOperator.__matmul__
    monkeypatch.setattr(StencilOperator, "__matmul__", lambda self, u: calls.append(u.shape) or product(self, u))
    s = batched_cg(op, b, precond="none", stop=Stop(rtol=1e-6))
    assert s.status[1:] == [Status.CONVERGED, Status.CONVERGED_ZERO_RHS]
    looked = s.n_matvec[1] - (1 + s.steps[1] + s.steps[1] // 50)  # besides the start and recomputations: confirmations
    assert 1 <= looked <= 4
    assert s.n_precond[1] == 1 + s.steps[1]
    for i in range(2):
        assert np.isfinite(s.residuals[: s.steps[i] + 1, i]).all()
        assert np.isnan(s.residuals[s.steps[i] + 1 :, i]).all()
    assert (s.steps[2], s.n_matvec[2]) == (0, 1)
    assert s.n_matvec.max() <= len(calls) - 1
    assert (s.n_matvec[:2] > s.steps[:2]).all()


@pytest.mark.filterwarnings("ignore:rtol")
@pytest.mark.parametrize("array", [np.asarray, torch.tensor])
@pytest.mark.parametrize("name", ["cg", "sor"])
def test_a_batch_says_converged_of_true_residuals_only(array, name):
    """float32 near what it can hold: the recurrence of CG, and SOR's residual in float32, meet tests that the truth does not."""
    grid = Grid.make((48, 48), boundary="dirichlet")
    media = np.exp(np.random.default_rng(1).normal(size=(12, 48, 48)))
    op = diffusion(grid, media)[0].astype(np.float32)
    b = np.random.default_rng(0).normal(size=(12, 48, 48)).astype(np.float32)
    if array is torch.tensor:
        op = replace(op, edges=tuple(torch.tensor(e) for e in op.edges))
    seen, close = set(), 0
    for rtol in (1e-4, 1e-5, 3e-6, 2e-6, 1e-6, 1e-7):
        stop = Stop(rtol=rtol, max_steps=3000)
        s = batched_cg(op, array(b), stop=stop) if name == "cg" else batched_sor(op, array(b), 1.9, stop=stop)
        good = np.array([status.converged for status in s.status])
        assert (s.true_residual[good] <= 1.001 * rtol).all()
        seen |= set(s.status)
        close += int(((s.true_residual > rtol) & (s.true_residual < 10 * rtol)).sum())
    assert seen >= {Status.CONVERGED, Status.STAGNATED}
    assert close > 0


@pytest.mark.filterwarnings("ignore:rtol")
@pytest.mark.parametrize(
    ("kind", "rtol"), [(np.float64, 5e-16), (np.float64, 1e-14), (np.float32, 1e-7), (np.float32, 5e-7)]
)
@pytest.mark.parametrize("precond", ["none", "jacobi"])
def test_a_batch_beyond_what_rounding_allows_ends_with_statuses(kind, rtol, precond):
    """A sample that is begun again has stood still for some steps: its scalars tell no spectrum, and once ended the run."""
    for m in (12, 24):
        rng = np.random.default_rng(m)
        op = diffusion(Grid.make((m, m), boundary="dirichlet"), np.exp(rng.normal(size=(8, m, m))))[0].astype(kind)
        b = rng.normal(size=(8, m, m)).astype(kind)
        s = batched_cg(op, b, stop=Stop(rtol=rtol, max_steps=1500), precond=precond)
        good = np.array([status.converged for status in s.status])
        assert (s.true_residual[good] <= 1.001 * rtol).all()
        assert {status for status in s.status if status.failed} <= {Status.STAGNATED, Status.FALSE_CONVERGENCE}
        assert (s.steps < 1500).all()
        assert np.isfinite(s.values).all()


def test_batches_of_two_sizes_are_refused():
    op = diffusion(Grid.make((8, 8), boundary="dirichlet"), np.ones((2, 8, 8)))[0]
    for b in (np.ones((3, 8, 8)), np.ones((8, 8))):
        with pytest.raises(BadInput, match="batches of two sizes"):
            batched_cg(op, b)


@pytest.mark.filterwarnings("ignore:rtol")
@pytest.mark.parametrize("array", [np.asarray, torch.tensor])
def test_a_batch_hands_back_the_best_iterate_of_what_failed_as_single_cg_does(array):
    """The last iterate of a run that diverged, stagnated or was cut short where |r| had just grown is not its best one."""
    op = diffusion(
        Grid.make((24, 24), boundary="dirichlet"), np.exp(np.random.default_rng(5).normal(size=(24, 24)) * 3)
    )[0]
    b = np.random.default_rng(6).normal(size=(3, 24, 24))
    b[1] = 1.0
    tensors = StencilOperator(tuple(array(e) for e in op.edges), op.grid)
    behind = 0
    for limit in (5, 9, 14, 30):
        s = batched_cg(tensors, array(b), stop=Stop(max_steps=limit), precond="none")
        assert s.status == [Status.MAX_STEPS] * 3
        for i in range(3):
            x = np.asarray(s.values[i])
            one = solve(op, b[i], stop=Stop(max_steps=limit), **PLAIN)
            assert s.true_residual[i] == pytest.approx(np.linalg.norm(b[i] - op @ x) / np.linalg.norm(b[i]), rel=1e-9)
            assert s.true_residual[i] == pytest.approx(one.true_residual, rel=1e-4)
            np.testing.assert_allclose(x, one.values, rtol=0, atol=1e-4 * np.abs(one.values).max())
            assert s.true_residual[i] * np.linalg.norm(b[i]) == pytest.approx(s.residuals[:, i].min(), rel=1e-4)
            behind += s.residuals[-1, i] > 1.01 * s.residuals[:, i].min()
    assert behind >= 3  # without which the test would not tell
