"""Systems that ask for trouble, through every method and preconditioner of the door: an answer that holds, or an honest no.

Never CONVERGED with a residual, recomputed here in extended precision, above what was asked; never more steps than allowed; no
exception but BadInput; no warning of overflow or division. A StencilOperator is its edges: its matrix is assembled here in
extended precision, for sums of float32 edges are rounded.
"""

import time
from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp

from pdekit.errors import BadInput
from pdekit.linear import Stop, solve
from pdekit.linear.choice import PRECONDITIONERS
from pdekit.linear.methods import METHODS
from pdekit.solution import Status
from pdekit.space.diffusion import diffusion
from pdekit.space.grid import Grid

STEPS, SECONDS = 150, 20.0
RNG = np.random.default_rng(0)
WIDE = np.longdouble
ALONE = {
    "direct",
    "fast-poisson",
}  # not asked for a tolerance: one application has the residual that rounding leaves it
PROMISED = {np.dtype("float64"): 1e-8, np.dtype("float32"): 1e-6}  # and none of these systems above this
ROUNDING = 10.0  # times eps |A| |x|: factors of dense random matrices leave 3, all others 1
WITHIN = 1.001  # of what was asked
BEYOND = {"A 1e-200, b 1e200"}  # x is no number of float64


def csr(rows):
    return sp.csr_array(np.array(rows, dtype=float))


def diagonal(*values):
    return sp.diags_array(np.array(values, dtype=float)).tocsr()


def random(n, kind):
    a = np.random.default_rng(n).normal(size=(n, n))
    return sp.csr_array({"any": a, "symmetric": a + a.T, "spd": a @ a.T + np.eye(n), "skew": a - a.T}[kind])


def grid_operator(boundary="dirichlet", a=1.0, shift=None, points=(8, 8), location="cell"):
    grid = Grid.make(points, location=location, boundary=boundary)
    return diffusion(grid, a, shift=None if shift is None else np.full(grid.points, shift))[0]


LAPLACE = grid_operator().to_csr()
NEUMANN = grid_operator("neumann").to_csr()
B = RNG.normal(size=64)
HOLE = np.ones((8, 8))
HOLE[2:5, 2:5] = 0.0
HILBERT = sp.csr_array(1.0 / (np.arange(12)[:, None] + np.arange(12)[None, :] + 1.0))
UPWIND = (sp.eye_array(64) - sp.eye_array(64, k=-1)).tocsr()
CYCLE = sp.csr_array(np.roll(np.eye(20), 1, axis=0))  # GMRES makes no progress for 19 steps
E7 = np.eye(7)[:, 0]

SYSTEMS = {
    "negative definite": (-LAPLACE, B),
    "indefinite by a shift": ((LAPLACE - 400.0 * sp.eye_array(64)).tocsr(), B),
    "indefinite stencil": (replace(grid_operator(), shift=np.full((8, 8), -400.0)), B.reshape(8, 8)),
    "stencil that is all shift": (replace(grid_operator(), shift=np.full((8, 8), -1e9)), B.reshape(8, 8)),
    "negative coefficient": (grid_operator(a=-1.0), B.reshape(8, 8)),
    "coefficient with a hole": (grid_operator(a=HOLE), B.reshape(8, 8)),
    "contrast 1e12": (grid_operator(a=np.where(RNG.random((8, 8)) < 0.5, 1.0, 1e12)), B.reshape(8, 8)),
    "plus and minus one": (diagonal(*[1.0, -1.0] * 5), np.ones(10)),
    "zero diagonal": (csr([[0, 1], [1, 0]]), np.array([1.0, 2.0])),
    "saddle point": (csr([[2, 0, 1], [0, 2, 1], [1, 1, 0]]), np.array([1.0, 2.0, 3.0])),
    "symmetric, random": (random(30, "symmetric"), RNG.normal(size=30)),
    "positive definite, random": (random(30, "spd"), RNG.normal(size=30)),
    "not symmetric, random": (random(30, "any"), RNG.normal(size=30)),
    "skew": (random(20, "skew"), RNG.normal(size=20)),
    "cyclic shift": (CYCLE, np.eye(20)[:, 0]),
    "upwind": (UPWIND, B),
    "rotation": (csr([[0, 1], [-1, 0]]), np.array([1.0, 0.0])),
    "nilpotent": (csr([[0, 1], [0, 0]]), np.array([1.0, 0.0])),
    "nilpotent, inconsistent": (csr([[0, 1], [0, 0]]), np.array([0.0, 1.0])),
    "all ones": (csr(np.ones((5, 5))), np.arange(5.0)),
    "all ones, consistent": (csr(np.ones((5, 5))), np.ones(5)),
    "singular, undeclared": (NEUMANN, B),
    "singular, undeclared, consistent": (NEUMANN, B - B.mean()),
    "singular stencil, inconsistent": (grid_operator("neumann"), B.reshape(8, 8)),
    "singular stencil, consistent": (grid_operator("periodic"), (B - B.mean()).reshape(8, 8)),
    "one row zero": (diagonal(1, 2, 0, 3), np.ones(4)),
    "one row zero, consistent": (diagonal(1, 2, 0, 3), np.array([1.0, 1, 0, 1])),
    "zero matrix": (sp.csr_array((4, 4)), np.ones(4)),
    "stored zeros": (sp.csr_array((np.zeros(4), np.arange(4), np.arange(5)), shape=(4, 4)), np.ones(4)),
    "zero right-hand side": (LAPLACE, np.zeros(64)),
    "zero matrix and right-hand side": (sp.csr_array((4, 4)), np.zeros(4)),
    "nan in b": (LAPLACE, np.where(np.arange(64) == 5, np.nan, B)),
    "infinity in b": (LAPLACE, np.where(np.arange(64) == 5, np.inf, B)),
    "nan in A": (diagonal(1, np.nan, 2), np.ones(3)),
    "infinity in A": (diagonal(1, np.inf, 2), np.ones(3)),
    "nan in a stencil": (grid_operator(a=np.where(HOLE == 0, np.nan, 1.0)), B.reshape(8, 8)),
    "Hilbert": (HILBERT, np.ones(12)),
    "spread 1e15": (sp.diags_array(np.logspace(-15, 0, 30)).tocsr(), np.ones(30)),
    "A 1e300": (1e300 * LAPLACE / LAPLACE.max(), B),
    "A 1e-300": (1e-300 * LAPLACE, B),
    "b 1e300": (LAPLACE, 1e300 * B),
    "b 1e-300": (LAPLACE, 1e-300 * B),
    "A 1e-200, b 1e200": (1e-200 * LAPLACE, 1e200 * B),
    "A 1e200, b 1e-200": (1e200 * LAPLACE, 1e-200 * B),
    "indefinite, A 1e-250": (1e-250 * (LAPLACE - 400.0 * sp.eye_array(64)).tocsr(), B),
    "not symmetric, A 1e250": (1e250 * UPWIND, B),
    "subnormal": (diagonal(1, 2, 3), np.array([5e-324, 1e-323, 0.0])),
    "one unknown": (diagonal(3.0), np.array([2.0])),
    "one negative unknown": (diagonal(-3.0), np.array([2.0])),
    "one zero unknown": (diagonal(0.0), np.array([2.0])),
    "float32": (LAPLACE.astype(np.float32), B.astype(np.float32)),
    "float32, indefinite": ((LAPLACE - 400.0 * sp.eye_array(64)).tocsr().astype(np.float32), B.astype(np.float32)),
    "float64 A, float32 b": (LAPLACE, B.astype(np.float32)),
    "integers": (sp.csr_array(np.array([[4, -1, 0], [-1, 4, -1], [0, -1, 4]])), np.array([1, 2, 3])),
    "duplicated entries": (
        sp.coo_array((np.ones(6), ([0, 0, 1, 1, 2, 2], [0, 0, 1, 1, 2, 2])), shape=(3, 3)),
        np.ones(3),
    ),
    "rank one right-hand side": (sp.block_diag([np.eye(7) * 2, NEUMANN]).tocsr(), np.r_[E7, np.zeros(64)]),
}
INNER = ("none", *PRECONDITIONERS)
PAIRS = [("auto", "auto"), *((m, "auto") for m in METHODS)]
PAIRS += [(m, p) for m in ("cg", "minres", "gmres", "bicgstab") for p in INNER]


def test_there_are_enough_of_them():
    assert len(SYSTEMS) >= 40
    assert len(PAIRS) >= 50


def extended(a, b, x):
    """|b - A x| and |A| |x|, over |b|, in extended precision and range; |A| by its row sums, |x| at least where its type
    begins to lose digits."""
    dense = (a.astype(WIDE).to_csr() if hasattr(a, "edges") else sp.csr_array(a)).toarray().astype(WIDE)
    least = np.sqrt(WIDE(np.size(x))) * WIDE(np.finfo(x.dtype).tiny)
    x, right = np.asarray(x).ravel().astype(WIDE), np.asarray(b).ravel().astype(WIDE)
    with np.errstate(all="ignore"):
        size = np.sqrt((right**2).sum())
        reach = abs(dense).sum(axis=1).max() * max(np.sqrt((x**2).sum()), least)
        return np.sqrt(((right - dense @ x) ** 2).sum()) / size, reach / size


def holds(method, a, b, s, rtol):
    """Is x as good as the status says?"""
    if s.status is Status.CONVERGED_ZERO_RHS:
        return not np.any(b) and not np.any(s.values)
    residual, reach = extended(a, b, s.values)
    if method not in ALONE:
        return bool(residual <= WITHIN * rtol)
    kind = np.float32 if b.dtype == np.float32 else np.float64
    return bool(residual <= min(PROMISED[np.dtype(kind)], ROUNDING * np.finfo(kind).eps * reach))


@pytest.mark.filterwarnings("ignore:rtol")
@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("name", SYSTEMS)
def test_an_answer_that_holds_or_an_honest_no(name):
    a, b = SYSTEMS[name]
    rtol = 1e-4 if b.dtype == np.float32 else 1e-8
    wrong, answered, before = [], 0, None if hasattr(a, "edges") else sp.csr_array(a).toarray()
    for method, precond in PAIRS:
        started = time.process_time()
        try:
            s = solve(a, b, method=method, precond=precond, stop=Stop(rtol=rtol, max_steps=STEPS))
        except BadInput:
            continue
        answered += 1
        facts = (method, precond, s.status.name, s.steps, s.true_residual)
        if s.status.converged and not holds(s.info["method"], a, b, s, rtol):
            wrong.append(("does not hold", *facts))
        if s.steps > STEPS or len(s.residuals) != s.steps + 1 or s.values.shape != b.shape:
            wrong.append(("steps or shapes", *facts))
        excused = s.status is Status.NONFINITE_INPUT or s.info["method"] in ALONE or name in BEYOND
        if s.status.failed and not excused and not np.isfinite(s.values).all():
            wrong.append(("a failed iteration hands back no numbers", *facts))
        if time.process_time() - started > SECONDS:
            wrong.append(("slow", *facts))
    assert not wrong, "\n".join(map(str, wrong))
    assert answered >= 3
    if before is not None:
        np.testing.assert_array_equal(sp.csr_array(a).toarray(), before)


LIMIT_OPERATORS = {
    "constant": grid_operator(points=(12, 12)),
    "rough": grid_operator(a=np.exp(2.0 * RNG.normal(size=(12, 12))), points=(12, 12)),
    "neumann": grid_operator("neumann", points=(12, 12)),
}
LIMIT_PAIRS = [(m, "auto") for m in ("multigrid", "amg", "sor", "ssor")]
LIMIT_PAIRS += [(m, p) for m in ("cg", "minres") for p in ("none", "jacobi", "ssor", "multigrid", "amg")]
LIMIT_PAIRS += [(m, p) for m in ("gmres", "bicgstab") for p in ("none", "ssor")]
LIMITS = [(a, "float32", r) for a in LIMIT_OPERATORS for r in (1e-4, 3e-6, 1e-6, 3e-7)]
LIMITS += [(a, "float64", r) for a in LIMIT_OPERATORS for r in (1e-12, 1e-14, 1e-15)]


@pytest.mark.filterwarnings("ignore:rtol")
@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize(("name", "kind", "rtol"), LIMITS)
def test_at_the_limit_of_the_type_converged_is_no_lie(name, kind, rtol):
    """What a recurrence met is not enough, nor what b - A x seems to be where its own rounding is as large. And who gives
    up has cause: the residual handed back is within 100 eps |A| |x|, which `attainable.py` calls the limit."""
    a = LIMIT_OPERATORS[name].astype(kind)
    b = np.ones(a.shape, kind)
    if name == "neumann":
        b = np.random.default_rng(6).normal(size=a.shape).astype(kind)
        b -= b.mean()
    wrong, converged, eps = [], 0, float(np.finfo(kind).eps)
    for method, precond in LIMIT_PAIRS:
        s = solve(a, b, method=method, precond=precond, stop=Stop(rtol=rtol, max_steps=800))
        residual, reach = extended(a, b, s.values)
        facts = (method, precond, s.status.name, s.steps, float(residual / rtol), s.true_residual / rtol)
        converged += s.converged
        if s.converged and not residual <= WITHIN * rtol:
            wrong.append(("does not hold", *facts))
        if s.status in (Status.STAGNATED, Status.FALSE_CONVERGENCE) and residual > 100 * eps * reach:
            wrong.append(("gave up early", *facts))
        if len(s.residuals) != s.steps + 1:
            wrong.append(("history", *facts))
    assert not wrong, "\n".join(map(str, wrong))
    assert converged >= len(LIMIT_PAIRS) - 1 or rtol not in (1e-4, 1e-12)  # GMRES(30) alone on rough coefficients
