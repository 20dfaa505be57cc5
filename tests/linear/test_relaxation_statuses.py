"""Every way for relaxation to end is reached by a small system that calls for it; what is handed back is the best iterate."""

import numpy as np
import pytest
import scipy.sparse as sp

from pdekit.linear.relaxation import SOR, SSOR, GaussSeidel, JacobiIteration
from pdekit.linear.stop import Stop
from pdekit.linear.system import System
from pdekit.solution import Status
from pdekit.space.diffusion import diffusion
from pdekit.space.grid import Grid


def matrix(*rows):
    return sp.csr_array(np.array(rows, dtype=float))


def poisson(points, boundary="dirichlet"):
    return diffusion(Grid.make(points, boundary=boundary), 1.0)[0]


def run(method, a, b, nullspace=None, **options):
    b = np.asarray(b)
    stop = options.pop("stop", Stop(max_steps=20_000))
    return method.setup(a).run(System(a, b, nullspace), stop=stop, **options)


TWO = matrix([2, -1], [-1, 2])
INDEFINITE = matrix([1, 3], [3, 1])
ONES = np.ones(2)
METHODS = [
    *(JacobiIteration(0.9), GaussSeidel(), SOR(1.2), SOR(1.2, "multicolour")),
    *(SOR(1.2, check_every=3), SOR("young"), SSOR(1.2)),
]
CASES = {
    "relative": (TWO, ONES, {}, Status.CONVERGED),
    "absolute": (TWO, ONES, {"stop": Stop(rtol=1e-14, atol=0.1)}, Status.CONVERGED_ATOL),
    "zero": (TWO, 0 * ONES, {}, Status.CONVERGED_ZERO_RHS),
    "zero with a start": (TWO, 0 * ONES, {"x0": ONES}, Status.CONVERGED_ZERO_RHS),
    "exact start": (TWO, ONES, {"x0": ONES}, Status.CONVERGED),
    "exact start, r0": (TWO, ONES, {"x0": ONES, "stop": Stop(relative_to="r0")}, Status.CONVERGED),
    "limit": (TWO, ONES, {"stop": Stop(rtol=1e-15, max_steps=3)}, Status.MAX_STEPS),
    "no step at all": (TWO, ONES, {"stop": Stop(max_steps=0)}, Status.MAX_STEPS),
    "negative diagonal": (matrix([-1, 0], [0, 1]), ONES, {}, Status.INDEFINITE_OPERATOR),
    "zero diagonal": (matrix([0, 1], [1, 1]), ONES, {}, Status.INDEFINITE_OPERATOR),
    "growth": (INDEFINITE, np.array([1.0, 2.0]), {}, Status.DIVERGED),
    "nan in b": (TWO, [1, np.nan], {}, Status.NONFINITE_INPUT),
    "infinity in A": (matrix([np.inf, 0], [0, 1]), ONES, {}, Status.NONFINITE_INPUT),
    "nan in x0": (TWO, ONES, {"x0": np.array([np.nan, 0])}, Status.NONFINITE_INPUT),
    "one unknown": (matrix([4.0]), np.ones(1), {}, Status.CONVERGED),
}


@pytest.mark.parametrize("method", METHODS, ids=lambda m: f"{m.name}-{m.ordering}-{m.check_every}")
@pytest.mark.parametrize("name", CASES)
def test_one_system(name, method):
    a, b, options, status = CASES[name]
    s = run(method, a, b, **dict(options))
    assert s.status is status
    assert len(s.residuals) == s.steps + 1
    if name == "limit":
        assert s.steps == 3
    if name == "growth" and method.omega == "young":
        assert "omega = 1 in place of Young's: found: the operator is not positive definite" in s.info["note"]
    if name.startswith(("zero", "exact", "no step", "negative", "nan", "infinity")):
        assert s.steps == 0
    if status is Status.NONFINITE_INPUT:
        assert np.isnan(s.values).all()
        return
    assert np.isfinite(s.values).all()
    r = np.linalg.norm(b - a @ s.values)
    assert s.true_residual == pytest.approx(r / (np.linalg.norm(b) or 1.0), rel=1e-12, abs=1e-15)
    if status.failed and method.check_every == 1:
        assert r == pytest.approx(s.residuals.min(), rel=1e-9)


@pytest.mark.filterwarnings("ignore:rtol")
def test_the_best_iterate_of_a_failed_run_is_swept_again():
    """The residual swings where omega is large: stopped on its way up, the answer is neither the last iterate nor the start."""
    rng = np.random.default_rng(0)
    op = diffusion(Grid.make((25, 25), location="vertex", boundary="dirichlet"), np.exp(3 * rng.normal(size=(25, 25))))[
        0
    ]
    b = rng.normal(size=op.shape)
    for method in (SOR(1.97), SOR(1.97, "red-black"), SOR(1.97, "multicolour")):
        norms = run(method, op, b, stop=Stop(rtol=1e-11, max_steps=700)).residuals
        best = [int(np.argmin(norms[: k + 1])) for k in range(len(norms))]
        inside = [k for k in range(100, 700) if 0 < best[k] < k]
        assert len({best[k] % 16 for k in inside}) > 5
        for k in inside[:: len(inside) // 20]:
            s = run(method, op, b, stop=Stop(rtol=1e-11, max_steps=k))
            assert (s.status, s.steps) == (Status.MAX_STEPS, k)
            least = np.linalg.norm(b - op @ s.values)
            assert least == pytest.approx(norms[best[k]], rel=1e-8)
            assert s.true_residual == pytest.approx(least / np.linalg.norm(b), rel=1e-12)
            assert len(s.residuals) == k + 1
            np.testing.assert_array_equal(s.residuals, norms[: k + 1])
    diverging = sp.csr_array(np.eye(30) + 0.9 * np.diag(np.ones(29), 1) + 0.9 * np.diag(np.ones(29), -1))
    s = run(JacobiIteration(), diverging, (-0.9) ** np.arange(30.0))
    assert s.status is Status.DIVERGED
    assert s.residuals[-1] > 1e5 * s.residuals[0]
    assert np.linalg.norm((-0.9) ** np.arange(30.0) - diverging @ s.values) == pytest.approx(
        s.residuals.min(), rel=1e-9
    )


def test_slow_progress_is_not_called_stagnation():
    """Gauss-Seidel takes 5500 sweeps here, and on rough media the residual stays above |b| for thousands."""
    op = poisson((40, 40))
    s = run(GaussSeidel(), op, np.ones(op.shape))
    assert s.status is Status.CONVERGED
    assert s.steps > 2000
    rng = np.random.default_rng(0)
    grid = Grid.make((33, 33), location="vertex", boundary="dirichlet")
    rough = diffusion(grid, np.exp(3 * rng.normal(size=(33, 33))))[0]
    s = run(SOR(1.5), rough, np.ones(rough.shape))
    waits = np.diff(np.flatnonzero(np.diff(np.minimum.accumulate(s.residuals)) < 0), prepend=0)
    assert waits.max() > 400
    assert s.status is Status.CONVERGED


@pytest.mark.filterwarnings("ignore:rtol")
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    "method", [GaussSeidel(), SOR(1.9), SOR("young", "red-black"), SSOR(1.5), JacobiIteration(0.9)]
)
def test_stagnation_is_seen_where_rounding_leaves_nothing_to_gain(method, dtype):
    op = poisson((12, 12))
    s = run(method, op, np.ones(op.shape, dtype), stop=Stop(rtol=1e-18, max_steps=20_000))
    assert s.status is Status.STAGNATED
    assert s.steps < 5000
    assert s.true_residual < (1e-13 if dtype is np.float64 else 1e-4)
    assert s.info["attainable"] > 1e-18


def test_jacobi_that_runs_in_circles_stagnates():
    op = poisson((8, 8), "periodic")
    b = np.where(np.indices(op.shape).sum(axis=0) % 2, 1.0, -1.0)
    b[0, 0] += 1.0
    b -= b.mean()
    s = run(JacobiIteration(), op, b, stop=Stop(max_steps=5000))
    assert s.status is Status.STAGNATED
    assert s.steps < 2000
    assert run(JacobiIteration(0.9), op, b).status is Status.CONVERGED


def test_a_norm_that_lies_is_found_out(monkeypatch):
    """A kernel whose fused norm is too small by 100: FALSE_CONVERGENCE, never CONVERGED."""
    op = poisson((12, 12))
    method = SOR(1.5).setup(op)
    honest = method.ready.advance

    def lying(x, b, omega, step, last, norms, **options):
        return honest(x, b, omega, step, last, norms, **{**options, "target": 100 * options["target"]})

    system = System(op, np.ones(op.shape))
    assert method.run(system, stop=Stop()).status is Status.CONVERGED
    monkeypatch.setattr(method.ready, "advance", lying)
    monkeypatch.setattr(
        "pdekit.linear.relaxation_run._Run._ended", lambda self, now: self._confirmed(now) if self.step else None
    )
    assert method.run(system, stop=Stop()).status is Status.FALSE_CONVERGENCE


@pytest.mark.filterwarnings("ignore:rtol")
def test_float32_does_not_claim_what_it_has_not():
    op = poisson((64, 64))
    s = run(SOR("young", "red-black"), op, np.ones(op.shape, np.float32))
    assert s.status in (Status.FALSE_CONVERGENCE, Status.STAGNATED)
    assert s.true_residual > 1e-6


@pytest.mark.parametrize("location", ["cell", "vertex"])
@pytest.mark.parametrize("boundary", ["neumann", "periodic"])
def test_singular_systems(boundary, location):
    op = diffusion(Grid.make((12, 10), location=location, boundary=boundary), 1.0)[0]
    assert op.singular
    b = np.random.default_rng(0).normal(size=op.shape)
    for method in (
        GaussSeidel(),
        SOR("young"),
        SOR(1.6, "red-black"),
        SOR(1.5, "multicolour"),
        SSOR(1.3),
        JacobiIteration(0.9),
    ):
        refused = run(method, op, b)
        assert refused.status is Status.INCOMPATIBLE_RHS
        assert refused.steps == 0
        assert refused.info["incompatible"] > 1e-3
        s = run(method, op, b, project_rhs=True)
        assert s.status is Status.CONVERGED
        system = System(op, b)
        mean = s.values.copy()
        system.centre(mean)
        np.testing.assert_allclose(mean, s.values, atol=1e-12 * np.abs(s.values).max())
        np.testing.assert_allclose(op @ s.values, b - b.mean(), atol=1e-6 * np.abs(b).max())
        again = run(method, op, b - b.mean())
        np.testing.assert_allclose(again.values, s.values, atol=1e-12 * np.abs(s.values).max())
    one = np.full((op.shape[0] * op.shape[1], 1), (op.shape[0] * op.shape[1]) ** -0.5)
    flat = run(SOR(1.5), op.to_csr(), (b - b.mean()).ravel(), nullspace=one)
    assert flat.status is Status.CONVERGED
    assert abs(flat.values.sum()) < 1e-10


def test_systems_of_any_size():
    op = poisson((10, 10))
    b = np.random.default_rng(0).normal(size=op.shape)
    usual = run(SOR(1.5), op, b)
    for power in (-900, 900):
        s = run(SOR(1.5), op, np.ldexp(b, power))
        assert (s.status, s.steps) == (usual.status, usual.steps)
        np.testing.assert_array_equal(np.ldexp(s.values, -power), usual.values)


def test_long_histories_are_whole():
    op = poisson((40, 40))
    s = run(GaussSeidel(), op, np.ones(op.shape), stop=Stop(rtol=1e-7))
    assert s.steps > 64 * 16
    assert np.isfinite(s.residuals).all()
    assert (s.residuals[-2:] > 0.9e-7 * 40).any()
    one_by_one = run(GaussSeidel(), op, np.ones(op.shape), stop=Stop(rtol=1e-7), x0=np.zeros(op.shape))
    np.testing.assert_array_equal(one_by_one.residuals, s.residuals)
