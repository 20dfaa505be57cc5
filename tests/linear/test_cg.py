"""CG against a literal one with dense matrices, step by step; what is true of every system; what the scalars decide."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse.linalg import LinearOperator, aslinearoperator

from pdekit.errors import BadInput
from pdekit.linear import Stop, lanczos, solve
from pdekit.linear.batched import batched_cg
from pdekit.linear.cg import RECOMPUTE, _Run, cg
from pdekit.linear.lanczos import spectrum
from pdekit.linear.multigrid import MultigridCycle
from pdekit.linear.preconditioners import AMG, FastPoissonInverse, Jacobi
from pdekit.linear.system import System
from pdekit.solution import Status
from pdekit.space.diffusion import diffusion
from pdekit.space.grid import Grid
from pdekit.space.random_fields import draw


def medium(points, seed=1, location="cell"):
    a = np.exp(0.5 * np.random.default_rng(seed).normal(size=points))
    return diffusion(Grid.make(points, location=location, boundary="dirichlet"), a)[0]


def literal(a, b, m, x):
    """x, r and z of Saad, alg. 9.1, for ever; dense a and m."""
    r = b - a @ x
    z = m @ r
    p = z
    while True:
        yield x, r, z
        q = a @ p
        alpha = (r @ z) / (p @ q)
        x, new = x + alpha * p, r - alpha * q
        z_new = m @ new
        p = z_new + (new @ z_new) / (r @ z) * p
        r, z = new, z_new


def dense_of(precond, shape):
    size = int(np.prod(shape))
    columns, out = np.empty((size, size)), np.empty(shape)
    for k, e in enumerate(np.eye(size)):
        precond.apply(e.reshape(shape), out, 1.0)
        columns[:, k] = out.ravel()
    return columns


PRECONDITIONERS = {
    "none": lambda op: None,
    "jacobi": lambda op: Jacobi().setup(op),
    "plain": lambda op: FastPoissonInverse("plain").setup(op),
    "scaled": lambda op: FastPoissonInverse("scaled").setup(op),
    "multigrid": lambda op: MultigridCycle("float64").setup(op),
    "ruge-stuben": lambda op: AMG().setup(op),
    "smoothed-aggregation": lambda op: AMG("smoothed-aggregation").setup(op),
}
STORAGES = {
    "2d": (medium((12, 16)), lambda op: op),
    "3d": (medium((4, 8, 4)), lambda op: op),
    "vertex": (medium((13, 9), location="vertex"), lambda op: op),
    "1d": (medium((24,)), lambda op: op),
    "csr": (medium((12, 16)), lambda op: op.to_csr()),
    "linear operator": (medium((12, 16)), lambda op: op.as_linear_operator()),
}


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("name", PRECONDITIONERS)
def test_four_steps_by_the_book(storage, name):
    stencil, store = STORAGES[storage]
    if name == "multigrid" and stencil.dim == 1:
        with pytest.raises(BadInput, match="one axis"):
            PRECONDITIONERS[name](stencil)
        return
    precond = PRECONDITIONERS[name](stencil)
    shape = stencil.shape if storage in ("1d", "2d", "3d", "vertex") else (int(np.prod(stencil.shape)),)
    rng = np.random.default_rng(5)
    b, x0 = rng.normal(size=(2, *shape))

    class Flat:
        def apply(self, r, out, norm):
            z = np.empty(stencil.shape)
            value = precond.apply(r.reshape(stencil.shape), z, norm)
            out[...] = z.reshape(shape)
            return value

    a = stencil.to_csr().toarray()
    m = np.eye(len(a)) if precond is None else dense_of(precond, stencil.shape)
    for norm in ("residual", "preconditioned", "natural"):
        run = _Run(System(store(stencil), b), Stop(rtol=0.0, norm=norm), None if precond is None else Flat(), False)
        assert run.start(x0) is None
        for k, (x, r, z) in enumerate(itertools.islice(literal(a, b.ravel(), m, x0.ravel()), 5)):
            np.testing.assert_allclose(run.x.ravel(), x, rtol=0, atol=1e-12 * np.abs(x).max())
            np.testing.assert_allclose(run.r.ravel(), r, rtol=0, atol=1e-12 * np.abs(r).max())
            measure = {"residual": r @ r, "preconditioned": z @ z, "natural": r @ z}[norm] ** 0.5
            assert run.history == pytest.approx([*run.history[:-1], measure], rel=1e-11)
            assert len(run.history) == k + 1
            assert run.step() is None


@st.composite
def spd_systems(draw):
    n = draw(st.integers(1, 9))
    eigenvalues = draw(st.lists(st.floats(0.1, 10.0), min_size=n, max_size=n))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    q = np.linalg.qr(rng.normal(size=(n, n)))[0]
    return q @ np.diag(eigenvalues) @ q.T, rng.normal(size=n)


@given(spd_systems())
def test_energy_error_never_grows(system):
    a, x = system
    run = _Run(System(sp.csr_array(a), a @ x), Stop(rtol=0.0), None, False)
    run.start(None)
    errors = []
    for _ in range(8):
        errors.append(float((run.x - x) @ a @ (run.x - x)) ** 0.5)
        if run.step() is not None:
            break
    tiny = 1e-12 * errors[0]
    assert all(new <= old * (1 + 1e-9) + tiny for old, new in itertools.pairwise(errors))


@given(spd_systems())
def test_the_answer_is_the_solution_and_the_recurrence_tells_the_truth(system):
    a, x = system
    b = a @ x
    s = solve(sp.csr_array(a), b, precond="none", stop=Stop(rtol=1e-10))
    assert s.status is Status.CONVERGED
    np.testing.assert_allclose(s.values, np.linalg.solve(a, b), rtol=0, atol=1e-7 * np.linalg.norm(x))
    truth = np.linalg.norm(b - a @ s.values)
    assert s.true_residual == pytest.approx(truth / np.linalg.norm(b), rel=1e-3, abs=1e-14)
    assert s.residuals[-1] == pytest.approx(truth, rel=0.1, abs=1e-13 * np.linalg.norm(b))
    assert len(s.residuals) == s.steps + 1


@given(copies=st.integers(1, 12), k=st.integers(1, 5))
def test_k_distinct_eigenvalues_take_k_steps_and_the_limit_may_be_k(copies, k):
    a = sp.diags_array(np.repeat(np.arange(1.0, k + 1), copies))
    s = solve(a, np.ones(k * copies), precond="none", stop=Stop(rtol=1e-10, max_steps=k))
    assert s.status is Status.CONVERGED
    assert s.steps == k
    if k > 1:
        s = solve(a, np.ones(k * copies), precond="none", stop=Stop(rtol=1e-10, max_steps=k - 1))
        assert (s.status, s.steps, len(s.residuals)) == (Status.MAX_STEPS, k - 1, k)


def test_an_exact_start_needs_no_step_even_at_zero_tolerance():
    a, x = sp.diags_array([1.0, 2.0, 4.0]).tocsr(), np.array([1.0, -2.0, 0.5])
    s = solve(a, a @ x, x0=x, precond="none", stop=Stop(rtol=0.0))
    assert (s.status, s.steps, s.n_matvec) == (Status.CONVERGED, 0, 1)
    np.testing.assert_array_equal(s.values, x)


def test_the_test_is_met_by_equality():
    """b = 1, A = diag(1, 2): the norms by hand are sqrt(2), sqrt(2)/3, 0."""
    a, b = sp.diags_array([1.0, 2.0]), np.ones(2)
    second = solve(a, b, precond="none", stop=Stop(rtol=0.0, max_steps=1)).residuals[1]
    assert second == pytest.approx(np.sqrt(2) / 3, rel=1e-15)
    assert solve(a, b, precond="none", stop=Stop(rtol=0.0, atol=second)).steps == 1
    below = np.nextafter(second, 0)
    assert solve(a, b, precond="none", stop=Stop(rtol=0.0, atol=below)).steps == 2


def test_relative_to_b_rewards_a_good_start_and_to_r0_does_not():
    op = medium((32, 32))
    b = np.ones(op.shape)
    near = solve(op, b, stop=Stop(rtol=1e-6)).values
    steps = {
        to: solve(op, b, x0=near, precond="jacobi", stop=Stop(rtol=1e-8, relative_to=to)).steps for to in ("b", "r0")
    }
    cold = [solve(op, b, precond="jacobi", stop=Stop(rtol=1e-8, relative_to=to)).steps for to in ("b", "r0")]
    assert cold[0] == cold[1]
    assert steps["b"] < 0.6 * cold[0]
    assert steps["r0"] > 0.9 * cold[0]


def test_norms_are_named_and_relative_to_the_same_norm_of_b():
    op = medium((32, 32))
    b, x0 = np.random.default_rng(2).normal(size=(2, *op.shape))
    m = MultigridCycle("float64").setup(op)
    z = np.empty(op.shape)
    value = m.apply(b, z, float(np.linalg.norm(b)))
    scale = {"residual": np.linalg.norm(b), "preconditioned": np.linalg.norm(z), "natural": value**0.5}
    for norm, size in scale.items():
        s = cg(System(op, b), stop=Stop(rtol=1e-6, norm=norm), precond=m, x0=x0)
        assert s.norm_type == norm
        assert s.status is Status.CONVERGED
        assert s.residuals[-1] <= 1e-6 * size < s.residuals[-2]


def test_r_is_recomputed_every_fifty_steps_and_when_the_test_is_met():
    op = diffusion(Grid.make((65, 65), location="vertex", boundary="dirichlet"), 1.0)[0]
    s = solve(op, np.ones(op.shape), precond="none")
    assert (s.steps, RECOMPUTE) == (118, 50)
    assert s.n_matvec == 118 + 2 + 1
    single = _Run(System(op.astype(np.float32), np.ones(op.shape, np.float32)), Stop(), None, False)
    single.start(None)
    for _ in range(RECOMPUTE):
        single.step()
    exact = np.ones(op.shape) - op @ single.x.astype(np.float64)
    assert np.linalg.norm(single.r - exact) < 3e-5 * np.linalg.norm(exact)


def noisy(a, calls):
    """A product that is rounded to half precision in its first `calls` uses."""
    count = itertools.count()

    def product(v):
        return (a @ v).astype(np.float16).astype(float) if next(count) < calls else a @ v

    return LinearOperator(a.shape, matvec=product, dtype=float)


def test_one_restart_then_false_convergence():
    a = sp.diags_array(np.linspace(1.0, 2.0, 200)).tocsr()
    b, stop = np.random.default_rng(0).normal(size=200), Stop(rtol=1e-6)
    clean = solve(aslinearoperator(a), b, precond="none", stop=stop, spd=True)
    false = solve(noisy(a, 10**6), b, precond="none", stop=stop, spd=True)
    assert false.status is Status.FALSE_CONVERGENCE
    assert false.true_residual > 1e-5
    assert not false.converged
    rescued = solve(noisy(a, clean.steps), b, precond="none", stop=stop, spd=True)
    assert rescued.status is Status.CONVERGED
    assert clean.steps < rescued.steps <= 2 * clean.steps + 2
    assert rescued.true_residual <= 1e-6


def test_a_failure_hands_back_the_least_residual():
    """The residual of CG on b = 1 first grows; the start is then the best there is."""
    op = diffusion(Grid.make((33, 33), location="vertex", boundary="dirichlet"), 1.0)[0]
    b = np.ones(op.shape)
    for steps in (3, 20, 45, 57):
        s = solve(op, b, precond="none", stop=Stop(max_steps=steps))
        assert s.status is Status.MAX_STEPS
        assert len(s.residuals) == steps + 1
        least = s.residuals.min() / np.linalg.norm(b)
        assert s.true_residual == pytest.approx(least, rel=1e-9)
        assert np.linalg.norm(b - op @ s.values) / np.linalg.norm(b) == pytest.approx(s.true_residual, rel=1e-12)
    assert solve(op, b, precond="none", stop=Stop(max_steps=3)).residuals[3] > 1.5 * np.linalg.norm(b)


def test_the_spectrum_is_estimated_from_the_scalars():
    op = diffusion(Grid.make((33, 33), location="vertex", boundary="dirichlet"), 1.0)[0]
    s = solve(op, np.random.default_rng(0).normal(size=op.shape), precond="none", stop=Stop(rtol=1e-12))
    k = np.arange(1, 32)
    line = (2 * 32 * np.sin(np.pi * k / 64)) ** 2
    assert s.info["spectrum"] == pytest.approx((2 * line[0], 2 * line[-1]), rel=1e-6)


def test_callback_sees_every_step():
    op, seen = medium((16, 16)), []
    s = solve(op, np.ones(op.shape), precond="jacobi", callback=lambda k, norm: seen.append((k, norm)))
    assert [k for k, _ in seen] == list(range(1, s.steps + 1))
    assert [norm for _, norm in seen] == list(s.residuals[1:])


def test_a_tolerance_below_rounding_is_said():
    op = diffusion(Grid.make((65, 65), location="vertex", boundary="dirichlet"), 1.0)[0]
    b = np.ones(op.shape)
    with pytest.warns(
        UserWarning, match=r"rtol = 1e-16 lies below what float64 can attain for this system, about 3e-13"
    ):
        s = solve(op, b, precond="none", stop=Stop(rtol=1e-16))
    assert s.status in (Status.STAGNATED, Status.FALSE_CONVERGENCE)
    assert s.true_residual < 10 * s.info["attainable"]
    assert s.info["attainable"] < 10 * s.true_residual


def gaussian_log_normal(n, seed, contrast):
    """exp(g), g Gaussian and smooth, max / min as given: the media on which |r| first grows for hundreds of steps."""
    gauss = {"variance_factor": 9.0, "tau": 3.0, "alpha": 2.0, "boundary": "neumann"}
    grid = Grid.make((n, n), boundary="dirichlet")
    g = draw({"law": "gaussian", "gauss": gauss}, grid, np.random.default_rng(seed))
    return diffusion(grid, contrast ** ((g - g.min()) / np.ptp(g)))[0]


@pytest.mark.parametrize("contrast", [1e2, 1e3])
def test_a_residual_that_first_grows_for_hundreds_of_steps_is_no_stagnation(contrast):
    for seed in range(3):
        op = gaussian_log_normal(128, seed, contrast)
        s = solve(op, np.ones(op.shape), precond="none")
        assert s.status is Status.CONVERGED
        assert (s.residuals[1:100] > s.residuals[0]).all()
        assert s.true_residual <= 1e-8


def test_nor_in_a_batch():
    op = gaussian_log_normal(64, 2, 1e3)
    op = replace(op, edges=tuple(np.stack([e, e]) for e in op.edges))
    s = batched_cg(op, np.ones((2, 64, 64)), precond="none")
    assert (s.residuals[1:150] > s.residuals[0]).all()
    assert s.status == [Status.CONVERGED] * 2


@pytest.mark.slow
@pytest.mark.parametrize(("precond", "contrast"), [("none", 1e2), ("jacobi", 1e5)])
def test_nor_on_the_finest_grids(precond, contrast):
    for seed in range(3):
        op = gaussian_log_normal(256, seed, contrast)
        assert solve(op, np.ones(op.shape), precond=precond).status is Status.CONVERGED


def test_the_spectrum_is_looked_at_a_few_times_only(monkeypatch):
    calls = []
    monkeypatch.setattr(lanczos, "spectrum", lambda a, b: calls.append(len(a)) or spectrum(a, b))
    op = gaussian_log_normal(128, 2, 1e3)
    s = solve(op, np.ones(op.shape), precond="none")
    assert s.steps > 2000
    assert 1 <= len(calls) <= 20
