"""The compiled cycle equals a literal one with dense matrices; as a preconditioner it is symmetric and positive."""

import hashlib
import itertools
import math
from pathlib import Path

import numpy as np
import pytest

from pdekit.errors import BadInput
from pdekit.linear import multigrid_kernels, multigrid_row_kernels, multigrid_setup_kernels, solve
from pdekit.linear.hierarchy import coarse_operators
from pdekit.linear.multigrid import MultigridCycle
from pdekit.space.diffusion import diffusion
from pdekit.space.grid import Grid

D, N, R, P = (("dirichlet",) * 2, ("neumann",) * 2, ("robin",) * 2, ("periodic",) * 2)
DN, NR = ("dirichlet", "neumann"), ("neumann", "robin")
FLAT = [(a, b) for a, b in itertools.product((D, N, P), repeat=2)] + [(R, DN), (DN, NR), (NR, P), (P, DN), (DN, D)]
DEEP = [(D, D, D), (N, N, N), (P, P, P), (R, P, DN), (DN, NR, P), (P, D, NR)]


def box(intervals, kinds, location):
    names = [f"{axis}_{side}" for axis in "xyz"[: len(kinds)] for side in ("low", "high")]
    boundary = dict(zip(names, itertools.chain(*kinds), strict=True))
    points = [n + (location == "vertex" and k != P) for n, k in zip(intervals, kinds, strict=True)]
    robin = {name: (1.5, 0.3) for name, kind in boundary.items() if kind == "robin"}
    lengths = (1.0, 0.7, 1.4)[: len(kinds)]
    return Grid.make(points, lengths, location=location, boundary=boundary, robin=robin)


def medium(intervals, kinds, location, seed=0, shifted=False):
    """An operator with a log-normal coefficient."""
    grid, rng = box(intervals, kinds, location), np.random.default_rng(seed)
    shape = tuple(len(range(n)[s]) for n, s in zip(grid.points, grid.unknown, strict=True))
    shift = rng.uniform(0.0, 50.0, shape) if shifted else None
    return diffusion(grid, np.exp(rng.normal(size=grid.points)), shift=shift)[0]


def line(grid, axis):
    """Linear interpolation along one axis as a matrix, written down from the text: (fine, coarse)."""
    coarse = grid.with_intervals([n // 2 for n in grid.intervals])
    fine_n, n = (len(range(g.points[axis])[g.unknown[axis]]) for g in (grid, coarse))
    low, high = grid.boundary[axis]
    out = np.zeros((fine_n, n))

    def put(i, c, weight):
        if grid.periodic[axis]:
            out[i, c % n] += weight
        elif 0 <= c < n:
            out[i, c] += weight
        elif grid.location == "cell":  # a ghost: -u behind a Dirichlet wall, u behind all others
            out[i, 0 if c < 0 else n - 1] += -weight if (low if c < 0 else high) == "dirichlet" else weight

    for i in range(fine_n):
        if grid.location == "cell":
            put(i, i // 2, 0.75)
            put(i, i // 2 + (1 if i % 2 else -1), 0.25)
        else:
            at = (i + (low == "dirichlet")) / 2  # in coarse intervals from the low end
            for vertex in (math.floor(at), math.ceil(at)):
                put(i, vertex - (low == "dirichlet"), 0.5)
    return out


def literal_cycle(operators, r, symmetric, singular):
    """One V(1,1) cycle from zero with dense matrices and point sweeps."""
    operator = operators[0]
    dense = operator.to_csr().toarray()
    if len(operators) == 1:
        inverse = np.linalg.pinv(dense, hermitian=True) if singular else np.linalg.inv(dense)
        return (inverse @ r.ravel()).reshape(r.shape)
    transfer = np.ones((1, 1))
    for axis in range(operator.dim):
        transfer = np.kron(transfer, line(operator.grid, axis))
    colour = sum(np.indices(operator.shape)).ravel() % 2
    b, x = r.ravel(), np.zeros(r.size)

    def sweep(points):
        for i in np.flatnonzero(colour == points):
            x[i] += (b[i] - dense[i] @ x) / dense[i, i]

    sweep(0)
    sweep(1)
    below = (transfer.T @ (b - dense @ x) / 2**operator.dim).reshape(operators[1].shape)
    x += transfer @ literal_cycle(operators[1:], below, symmetric, singular).ravel()
    for points in (1, 0) if symmetric else (0, 1):
        sweep(points)
    return x.reshape(r.shape)


def check(operator, symmetric, rng):
    cycle = MultigridCycle("float64", symmetric=symmetric).setup(operator)
    r, out = rng.normal(size=operator.shape), np.full(operator.shape, np.nan)
    levels = coarse_operators(operator)
    assert cycle.depth == len(levels)
    wanted = literal_cycle(levels, r, symmetric, operator.singular)
    for norm in (1.0, 37.0, 1.0):  # the work arrays are used again
        value = cycle.apply(r, out, norm)
        np.testing.assert_allclose(out, wanted, rtol=0, atol=1e-12 * np.abs(wanted).max())
        assert value == pytest.approx(float((r * out).sum()), rel=1e-12)


@pytest.mark.parametrize("location", ["cell", "vertex"])
@pytest.mark.parametrize("kinds", FLAT)
def test_2d_equals_the_literal_cycle(kinds, location, rng):
    for intervals, symmetric in (((12, 20), True), ((20, 12), False), ((16, 16), True)):
        check(medium(intervals, kinds, location), symmetric, rng)


@pytest.mark.parametrize("location", ["cell", "vertex"])
@pytest.mark.parametrize("kinds", DEEP)
def test_3d_equals_the_literal_cycle(kinds, location, rng):
    for intervals, symmetric in (((4, 8, 6), True), ((8, 4, 4), False)):
        check(medium(intervals, kinds, location), symmetric, rng)


@pytest.mark.parametrize("location", ["cell", "vertex"])
def test_three_levels_and_a_shift_in_3d(location, rng):
    check(medium((8, 16, 8), (D, P, N), location, shifted=True), True, rng)


def test_three_levels_and_a_shift_in_2d(rng):
    for location, kinds in (("cell", (D, R)), ("vertex", (N, D)), ("vertex", (N, N))):
        check(medium((32, 16), kinds, location, shifted=True), True, rng)


def test_a_single_level_is_the_inverse(rng):
    operator = medium((6, 5), (D, N), "cell")
    check(operator, True, rng)
    r, out = rng.normal(size=(6, 5)), np.empty((6, 5))
    MultigridCycle("float64").setup(operator).apply(r, out)
    np.testing.assert_allclose(operator @ out, r, rtol=0, atol=1e-11)


@pytest.mark.parametrize("location", ["cell", "vertex"])
@pytest.mark.parametrize("kinds", [(D, D), (DN, P), (N, R), (D, DN, P)])
def test_symmetric_and_positive(kinds, location, rng):
    operator = medium((32,) * 2 if len(kinds) == 2 else (8,) * 3, kinds, location, seed=3)
    cycle = MultigridCycle("float64").setup(operator)
    for _ in range(5):
        u, v = rng.normal(size=(2, *operator.shape))
        mu, mv = np.empty_like(u), np.empty_like(u)
        assert cycle.apply(u, mu) > 0
        cycle.apply(v, mv)
        assert abs((u * mv).sum() - (v * mu).sum()) <= 1e-10 * np.linalg.norm(u) * np.linalg.norm(mv)


def test_the_same_order_is_not_symmetric_but_converges_faster(rng):
    operator = diffusion(Grid.make((65, 65), location="vertex", boundary="dirichlet"), 1.0)[0]
    rates = {}
    for symmetric in (True, False):
        cycle = MultigridCycle("float64", symmetric=symmetric).setup(operator)
        r, x, z = np.ones(operator.shape), np.zeros(operator.shape), np.empty(operator.shape)
        for _ in range(8):
            cycle.apply(r, z)
            x += z
            r = 1.0 - operator @ x
        rates[symmetric] = (np.linalg.norm(r) / np.sqrt(r.size)) ** (1 / 8)
    assert rates[False] < 0.12  # linear-solvers.md, section 11
    assert rates[False] < rates[True] < 0.32


def test_float32_inside_agrees_to_its_precision_whatever_the_scale(rng):
    operator = medium((32, 32), (D, D), "cell")
    exact, single = MultigridCycle("float64").setup(operator), MultigridCycle().setup(operator)
    assert single.dtype == np.float32
    for scale in (1e-60, 1.0, 1e60):
        r = scale * rng.normal(size=operator.shape)
        a, b = np.empty_like(r), np.empty_like(r)
        exact.apply(r, a, float(np.linalg.norm(r)))
        single.apply(r, b, float(np.linalg.norm(r)))
        assert np.abs(a - b).max() < 1e-5 * np.abs(a).max()


def test_a_nan_does_not_stay_in_the_work_arrays(rng):
    for location, kinds in (("vertex", (D, D)), ("cell", (P, P))):
        cycle = MultigridCycle("float64").setup(medium((16, 16), kinds, location))
        shape = cycle._shape
        r = rng.normal(size=(shape[0], shape[2]))
        before, out = np.empty_like(r), np.empty_like(r)
        cycle.apply(r, before)
        assert math.isnan(cycle.apply(np.full_like(r, np.nan), out))
        cycle.apply(r, out)
        np.testing.assert_array_equal(out, before)


def test_why_not():
    reason = MultigridCycle.reason_against
    assert reason(np.eye(3)) == "it is a matrix without a grid"
    one = diffusion(Grid.make(64, boundary="dirichlet"), 1.0)[0]
    assert "one axis" in reason(one)
    batch = diffusion(Grid.make((8, 8)), np.ones((2, 8, 8)))[0]
    assert "not one NumPy system" in reason(batch)
    assert reason(medium((240, 240), (D, D), "cell")) is None
    assert reason(medium((15, 15), (D, D), "cell")) is None  # small enough to be solved directly
    assert "31, 31) intervals leave 961 unknowns" in reason(medium((31, 31), (D, D), "cell"))
    assert reason(medium((24, 408), (D, D), "cell")) is None  # 3 x 51 on the coarsest
    odd = medium((98, 98), (D, D), "cell")
    assert "98, 98) intervals leave 2401 unknowns" in reason(odd)
    assert "2^k m" in reason(odd)
    with pytest.raises(BadInput, match=r"cannot serve(.|\n)*2401(.|\n)*pcg-amg"):
        MultigridCycle().setup(odd)


def test_only_two_precisions():
    with pytest.raises(BadInput, match=r"(?s)float16.*float32, float64"):
        MultigridCycle("float16")


@pytest.fixture
def rng():
    return np.random.default_rng(11)


@pytest.mark.parametrize(
    ("points", "location"), [((2, 2048), "cell"), ((4, 4096), "cell"), ((3, 2049), "vertex"), ((5, 4097), "vertex")]
)
def test_thin_grids_are_left_to_amg_before_a_level_is_built(points, location):
    """They cannot be halved along the short axis, and the coarsest grid would stay too large for a dense inverse."""
    op = diffusion(Grid.make(points, location=location, boundary="dirichlet"), 1.0)[0]
    reason = MultigridCycle.reason_against(op)
    assert reason is not None
    assert "unknowns on the coarsest grid, too many for a dense inverse" in reason
    with pytest.raises(BadInput, match="cannot serve this operator"):
        MultigridCycle().setup(op)
    s = solve(op, np.ones(op.shape))
    assert (s.converged, s.info["preconditioner"]) == (True, "amg")


@pytest.mark.parametrize("caller", [multigrid_kernels, multigrid_setup_kernels])
def test_the_files_that_inline_the_row_kernels_change_with_them(caller):
    """numba looks at the date of the caller's file only: a change of the rows alone would leave old machine code in use."""
    content = Path(multigrid_row_kernels.__file__).read_bytes()
    assert hashlib.sha256(content).hexdigest()[:16] == caller.ROWS
