"""The figures that a sound linear layer gives: b = 1, zero start, rtol 1e-8, N intervals per side on a vertex grid, so
(N - 1)^d unknowns, A scaled by h^2 (an operator of a box of side N), unless said. Counts were measured with other programs."""

import math

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.sparse.linalg import LinearOperator, spilu
from scipy.sparse.linalg import cg as scipy_cg

from pdekit.linear import Stop, solve
from pdekit.linear.cg import _Run
from pdekit.linear.incomplete_lu import ORDERED
from pdekit.linear.multigrid import MultigridCycle
from pdekit.linear.stationary import stationary
from pdekit.linear.system import System
from pdekit.problems.poisson import Poisson
from pdekit.solution import Status
from pdekit.space.diffusion import diffusion
from pdekit.space.grid import Grid
from pdekit.space.random_fields import draw

GAUSS = {"variance_factor": 9.0, "tau": 3.0, "alpha": 2.0, "boundary": "neumann"}
TWO_PHASE = {"law": "two-phase", "low": 3.0, "high": 12.0, "gauss": GAUSS}
SLOW = pytest.mark.slow


def vertex(n, dim=2, a=1.0, boundary="dirichlet"):
    """A h^2 on N = n intervals: the box has side n."""
    points = n if boundary == "periodic" else n + 1
    grid = Grid.make((points,) * dim, (float(n),) * dim, location="vertex", boundary=boundary)
    return diffusion(grid, a, mean="arithmetic")[0]


def two_phase(n, dim=2, seed=0, location="vertex"):
    unit = Grid.make((n + (location == "vertex"),) * dim, location=location, boundary="dirichlet")
    a = draw(TWO_PHASE, unit, np.random.default_rng(seed))
    grid = Grid.make(unit.points, (float(n),) * dim, location=location, boundary="dirichlet")
    return diffusion(grid, a, mean="harmonic" if location == "cell" else "arithmetic")[0]


def log_normal(n, seed=0):
    """exp(1.5 g), g Gaussian of variance 1, on n x n cells."""
    grid = Grid.make((n, n), boundary="dirichlet")
    g = draw({"law": "gaussian", "gauss": GAUSS}, grid, np.random.default_rng(seed))
    return diffusion(grid, np.exp(1.5 * (g - g.mean()) / g.std()))[0]


@pytest.mark.parametrize(("n", "steps"), [(16, 27), (32, 58), (64, 118), (128, 237), (256, 468)])
def test_cg_counts_double_with_n(n, steps):
    s = solve(op := vertex(n), np.ones(op.shape), precond="none")
    assert s.status is Status.CONVERGED
    assert steps - 2 <= s.steps <= steps + 2
    assert s.steps <= math.ceil(0.5 / math.tan(math.pi / n / 2) * math.log(2e8))


@pytest.mark.parametrize(("n", "steps"), [(16, 48), (32, 98), (64, 191), (128, 380), (256, 760)])
def test_cg_counts_of_a_random_right_hand_side(n, steps):
    op = vertex(n)
    s = solve(op, np.random.default_rng(1).normal(size=op.shape), precond="none")
    assert 0.95 * steps <= s.steps <= 1.05 * steps


@pytest.mark.parametrize(("n", "bound"), [(16, 98), (32, 195), (64, 390), (128, 779)])
def test_the_energy_error_falls_monotonically_and_within_chebyshev(n, bound):
    op = vertex(n)
    b = np.random.default_rng(1).normal(size=op.shape)
    x = solve(op, b, method="direct").values
    kappa = 1 / math.tan(math.pi / n / 2) ** 2
    assert math.ceil(0.5 * math.sqrt(kappa) * math.log(2e8)) == bound
    run = _Run(System(op, b), Stop(rtol=0.0), None, False)
    run.start(None)
    errors = []
    while not errors or errors[-1] > 1e-8 * errors[0]:
        e = run.x - x
        errors.append(op.product(e, np.empty_like(e)) ** 0.5)
        run.step()
    assert all(np.diff(errors) < 0)
    assert bound / 3 < len(errors) - 1 <= bound
    q = (math.sqrt(kappa) - 1) / (math.sqrt(kappa) + 1)
    k = np.arange(len(errors))
    assert (errors <= 2 * q**k * errors[0] * (1 + 1e-9)).all()


def test_five_distinct_eigenvalues_take_five_steps():
    s = solve(sp.diags_array(np.tile([1.0, 2.0, 5.0, 7.0, 11.0], 40)), np.ones(200), precond="none")
    assert (s.status, s.steps) == (Status.CONVERGED, 5)


COUNTS = {  # 12/3 on vertices, N = 128, 256, 512; counts of one medium, other media differ by 5 %
    "none": (710, 1414, 2979),
    "jacobi": (509, 988, 1978),
    "ilu of scipy": (19, 39),  # at 512 see below
    "amg": (10, 11, 12),
    "smoothed-aggregation": (10, 11, 12),
    "multigrid": (11, 11, 12),
    "fast-poisson": (20, 20, 20),
}
OURS = {"ssor": (171, 345, 695), "ic0": (146, 293, 592)}  # PETSc's are 181, 350, - and 153, 297, 594, in its own order


class ScipyILU:
    """scipy's incomplete LU as it is, drop_tol 1e-3: not symmetric, and yet put into CG to count as others did."""

    name, linear, symmetric = "ilu of scipy", True, True

    def setup(self, op):
        self.factor = spilu(sp.csc_matrix(op.to_csr()), 1e-3, 10.0, **ORDERED)
        return self

    def apply(self, r, out, norm=1.0):
        out[...] = self.factor.solve(r.ravel()).reshape(r.shape)
        return float((r * out).sum())


@pytest.mark.parametrize(
    ("precond", "size"),
    [pytest.param(name, k, marks=[SLOW] * (k == 2)) for name, row in COUNTS.items() for k in range(len(row))],
)
def test_counts_of_every_preconditioner(precond, size):
    """Within 5 %, or one step where that is less. Jacobi within 6: three media drawn here take 467 to 484 at N = 128. Fast
    Poisson two steps: 22 of this medium at 512, 20 or 21 of others."""
    n, expected = 128 << size, COUNTS[precond][size]
    op = two_phase(n, seed=1)
    m = ScipyILU().setup(op) if precond == "ilu of scipy" else precond
    s = solve(op, np.ones(op.shape), method="cg", precond=m)
    assert s.status is Status.CONVERGED
    assert abs(s.steps - expected) <= max(
        2.0 if precond == "fast-poisson" else 1.0, (0.06 if precond == "jacobi" else 0.05) * expected
    )


@SLOW
@pytest.mark.parametrize(("seed", "steps"), [(0, 92), (2, 120), (1, None)])
def test_what_scipys_factors_do_at_512_is_luck(seed, steps):
    """130 steps of one medium elsewhere; here 92 and 120 of two, and none of a third, which stands at 4e-7 after 400 steps
    (and at 1.5e-7 after 20000): M is not symmetric, and CG takes it for symmetric. scipy's own CG does the same step by step.
    The symmetric `ilu` needs 51 steps of the third. The factorisation takes 1.3 s, not minutes; it is the steps that do."""
    op = two_phase(512, seed=seed)
    b, m = np.ones(op.shape), ScipyILU().setup(op)
    s = solve(op, b, method="cg", precond=m, stop=Stop(max_steps=400))
    done = []
    x, _ = scipy_cg(op.to_csr(), b.ravel(), rtol=1e-8, maxiter=400, callback=lambda x: done.append(0),
                    M=LinearOperator((b.size, b.size), matvec=m.factor.solve, dtype=float))  # fmt: skip
    assert abs(s.steps - len(done)) <= 1
    theirs = np.linalg.norm(b.ravel() - op.to_csr() @ x) / np.linalg.norm(b)
    assert s.true_residual == pytest.approx(theirs, rel=1e-2)
    if steps is not None:
        assert s.status is Status.CONVERGED
        assert 0.95 * steps <= s.steps <= 1.05 * steps
    else:
        assert s.status is Status.MAX_STEPS
        assert solve(op, b, method="cg", precond="ilu").steps == pytest.approx(51, abs=3)


@pytest.mark.parametrize(
    ("precond", "size"), [pytest.param(name, k, marks=[SLOW] * (k == 2)) for name in OURS for k in range(3)]
)
def test_counts_of_sweeps_and_incomplete_cholesky(precond, size):
    s = solve(op := two_phase(128 << size, seed=1), np.ones(op.shape), method="cg", precond=precond)
    assert s.status is Status.CONVERGED
    assert s.steps == pytest.approx(OURS[precond][size], rel=0.01)


def test_counts_without_a_preconditioner_are_hopeless_at_high_contrast():
    s = solve(op := log_normal(64), np.ones(op.shape), precond="none")
    assert s.steps > 20 * solve(op, np.ones(op.shape)).steps


def rate(solution):
    return (solution.residuals[-1] / solution.residuals[0]) ** (1 / solution.steps)


@pytest.mark.parametrize("n", [64, 128, 256, pytest.param(512, marks=SLOW)])
def test_multigrid_alone(n):
    s = solve(op := vertex(n), np.ones(op.shape), method="multigrid")
    assert (s.status, s.steps) == (Status.CONVERGED, 8)
    assert 0.05 < rate(s) < 0.12
    s = solve(op := two_phase(n), np.ones(op.shape), method="multigrid")
    assert s.status is Status.CONVERGED
    assert 0.12 < rate(s) < 0.32


@pytest.mark.parametrize("n", [32, pytest.param(64, marks=SLOW), pytest.param(128, marks=SLOW)])
def test_multigrid_alone_in_3d(n):
    s = solve(op := two_phase(n, dim=3), np.ones(op.shape), method="multigrid")
    assert s.status is Status.CONVERGED
    assert 0.12 < rate(s) < 0.36


def test_the_symmetric_order_alone_is_slower_and_as_preconditioner_better():
    """0.26 and 14 cycles alone at N = 128, 8 steps of CG. 12/3: 0.39, 20 and 11 of one medium; 0.34 to 0.41, 18 to 21 and
    10 or 11 of the six drawn here."""
    for op, low, high, cycles, steps in (
        (vertex(128), 0.25, 0.27, (14, 14), (8, 8)),
        *((two_phase(128, seed=k), 0.33, 0.42, (17, 21), (10, 12)) for k in range(3)),
    ):
        b = np.ones(op.shape)
        s = stationary(System(op, b), MultigridCycle("float64").setup(op), stop=Stop())
        assert s.status is Status.CONVERGED
        assert low < rate(s) < high
        assert cycles[0] <= s.steps <= cycles[1]
        assert steps[0] <= solve(op, b).steps <= steps[1]
        assert solve(op, b, method="multigrid").steps < s.steps


@pytest.mark.parametrize("n", [256, pytest.param(512, marks=SLOW), pytest.param(1024, marks=SLOW)])
def test_multigrid_in_cg_does_not_depend_on_n(n):
    for seed in range(2):
        s = solve(op := two_phase(n, seed=seed), np.ones(op.shape))
        assert s.info["preconditioner"] == "multigrid"
        assert 10 <= s.steps <= 12


@pytest.mark.parametrize(
    ("n", "steps"), [(32, 11), pytest.param(64, 12, marks=SLOW), pytest.param(128, 13, marks=SLOW)]
)
def test_multigrid_in_cg_in_3d(n, steps):
    s = solve(op := two_phase(n, dim=3), np.ones(op.shape))
    assert s.status is Status.CONVERGED
    assert steps - 1 <= s.steps <= steps + 1


@pytest.mark.parametrize("n", [64, 128, 256, pytest.param(512, marks=SLOW)])
@pytest.mark.parametrize("medium", [lambda n, k: two_phase(n, 2, k, "cell"), log_normal])
def test_cells_need_at_most_fourteen_steps(medium, n):
    for seed in range(3):
        s = solve(op := medium(n, seed), np.ones(op.shape))
        assert s.status is Status.CONVERGED
        assert 8 <= s.steps <= 14


@pytest.mark.parametrize(("n", "dim"), [(128, 2), (256, 2), (32, 3)])
def test_float32_inside_leaves_the_count_and_the_true_residual(n, dim):
    op = two_phase(n, dim)
    b = np.ones(op.shape)
    double, single = (solve(op, b, precond=MultigridCycle(t).setup(op)) for t in ("float64", "float32"))
    assert double.steps - 1 <= single.steps <= double.steps + 1
    assert single.true_residual <= 1e-8


@pytest.mark.parametrize("n", [128, 256, pytest.param(512, marks=SLOW)])
def test_fast_poisson_in_cg_does_not_depend_on_n(n):
    s = solve(op := two_phase(n), np.ones(op.shape), precond="fast-poisson")
    assert math.ceil(0.5 * 2 * math.log(2e8)) == 20
    assert 19 <= s.steps <= 21


def test_fast_poisson_alone_is_exact():
    for op in (vertex(64), vertex(16, dim=3), diffusion(Grid.make((48, 40), boundary="dirichlet"), 2.5)[0]):
        s = solve(op, np.ones(op.shape), method="fast-poisson")
        assert (s.status, s.n_precond) == (Status.CONVERGED, 1)
        assert s.true_residual < 1e-12


def test_discretisation_is_second_order_whatever_the_method():
    errors = {}
    for n in (16, 32, 64):
        case, u = Poisson().manufactured(Grid.make((n, n), location="cell", boundary="dirichlet"))
        operator, b = Poisson().assemble(case)
        for method, precond in (("cg", "multigrid"), ("cg", "none"), ("multigrid", "none"), ("direct", "none")):
            x = solve(operator, b, method=method, precond=precond, stop=Stop(rtol=1e-10)).values
            errors[method + precond, n] = np.abs(Poisson().embed(case, x) - u[0]).max()
    for n in (16, 32, 64):
        values = [e for (_, m), e in errors.items() if m == n]
        assert max(values) - min(values) < 1e-3 * min(values)
    orders = [math.log2(errors["directnone", n] / errors["directnone", 2 * n]) for n in (16, 32)]
    assert all(1.9 < order < 2.1 for order in orders), orders


@pytest.mark.parametrize("location", ["vertex", "cell"])
def test_pure_neumann(location):
    """127 steps on 32 x 32 cells with a consistent random b (145 on 33 x 33 vertices, whose outer rows have half volumes);
    a mean of 1e-6 makes the system unsolvable, and it says so."""
    points = 32 + (location == "vertex")
    op = diffusion(Grid.make((points,) * 2, (32.0,) * 2, location=location, boundary="neumann"), 1.0)[0]
    b = np.random.default_rng(0).normal(size=op.shape)
    b -= b.mean()
    weights = op.grid.weights / op.grid.volume
    s = solve(op, b, precond="none")
    assert s.status is Status.CONVERGED
    expected = {"cell": 127, "vertex": 145}[location]
    assert 0.95 * expected <= s.steps <= 1.05 * expected
    for method, precond in (
        ("cg", "none"),
        ("cg", "multigrid"),
        ("cg", "jacobi"),
        ("multigrid", "none"),
        ("direct", "none"),
    ):
        x = solve(op, b, method=method, precond=precond)
        assert x.converged
        assert -1e-12 < (weights * x.values).sum() < 1e-12
        np.testing.assert_allclose(x.values, s.values, rtol=0, atol=1e-5 * np.abs(s.values).max())
        shifted = solve(op, b + 1e-6, method=method, precond=precond)
        assert shifted.status is Status.INCOMPATIBLE_RHS
        assert shifted.info["incompatible"] == pytest.approx(1e-6 * 1024**0.5 / np.linalg.norm(b), rel=0.1)
        projected = solve(op, b + 1e-6, method=method, precond=precond, project_rhs=True)
        np.testing.assert_allclose(projected.values, x.values, rtol=0, atol=1e-6 * np.abs(x.values).max())


def test_indefinite_operators():
    a = vertex(32).to_csr()
    b = np.ones(a.shape[0])
    eye = sp.eye_array(a.shape[0], format="csr")
    for matrix in (-a, a - 0.5 * eye):
        s = solve(matrix, b, method="cg", precond="none")
        assert s.status is Status.INDEFINITE_OPERATOR
        assert np.isfinite(s.values).all()
        assert s.true_residual <= 1.0
    assert solve(-a, b, method="cg", precond="none").steps == 1
    s = solve(sp.diags_array(np.repeat([1.0, -1.0], 5)), np.ones(10), method="cg", precond="none")
    assert s.status in (Status.INDEFINITE_OPERATOR, Status.BREAKDOWN)
    assert s.steps == 1
    assert np.isfinite(s.values).all()
    assert np.isfinite(s.residuals).all()


def test_nan_zero_and_few_steps():
    op = vertex(32)
    b = np.ones(op.shape)
    s = solve(op, np.where(b > 0, np.nan, b), precond="none")
    assert (s.status, s.steps, len(s.residuals)) == (Status.NONFINITE_INPUT, 0, 1)
    s = solve(op, 0 * b, x0=b, precond="none")
    assert (s.status, s.steps) == (Status.CONVERGED_ZERO_RHS, 0)
    np.testing.assert_array_equal(s.values, 0.0)
    s = solve(op, b, precond="none", stop=Stop(max_steps=3))
    assert (s.status, s.steps, len(s.residuals)) == (Status.MAX_STEPS, 3, 4)


@pytest.mark.parametrize("n", [64, 256])
def test_float32_cg_never_claims_what_it_has_not(n):
    op = vertex(n).astype(np.float32)
    with pytest.warns(UserWarning, match="float32 can attain"):
        s = solve(op, np.ones(op.shape, np.float32), precond="none")
    assert s.status in (Status.FALSE_CONVERGENCE, Status.STAGNATED)
    assert s.values.dtype == np.float32
    assert 1e-5 < s.true_residual < 1e-1
