"""The classes that cards name: settings, set-up apart and done once where it may be, coarser grids, refusals."""

import numpy as np
import pytest

from pdekit.data.generate import generate
from pdekit.data.read import open_file
from pdekit.errors import BadInput, SolveError
from pdekit.linear import solvers
from pdekit.linear.elliptic import EllipticSolver
from pdekit.problems.darcy import Darcy
from pdekit.problems.poisson import Poisson
from pdekit.registry import build_solver, read_card
from pdekit.solution import Status
from pdekit.solver import Instances
from pdekit.space.grid import Grid

ALL = [
    solvers.CG,
    solvers.PCGJacobi,
    solvers.PCGFastPoisson,
    solvers.PCGMultigrid,
    solvers.PCGAMG,
    solvers.Multigrid,
    solvers.AMG,
    solvers.Direct,
]


def darcy(n=3, points=(16, 16), seed=0, **grid):
    grid = Grid.make(points, **{"boundary": "dirichlet", **grid})
    rng = np.random.default_rng(seed)
    a = np.exp(0.5 * rng.normal(size=(n, *points)))
    return Instances(grid, {"permeability": a, "source": rng.normal(size=(n, *points))})


@pytest.mark.parametrize("solver", ALL)
def test_all_answer_with_the_same_field(solver):
    cases = darcy()
    s = solver().prepare(Darcy()).solve(cases)
    exact = solvers.Direct().prepare(Darcy()).solve(cases).values["pressure"]
    assert set(s.values) == {"pressure"}
    assert s.values["pressure"].shape == (3, 16, 16)
    assert s.status == [Status.CONVERGED] * 3
    np.testing.assert_allclose(s.values["pressure"], exact, rtol=0, atol=1e-6 * np.abs(exact).max())
    assert (Darcy().residual(cases, s.values) <= 1.01e-8).all()
    np.testing.assert_allclose(s.true_residual, Darcy().residual(cases, s.values), rtol=1e-2, atol=1e-13)
    assert (s.setup_seconds > 0).all()
    assert (s.seconds > 0).all()
    assert s.steps.shape == s.n_matvec.shape == s.n_precond.shape == (3,)


def test_fast_poisson_serves_poisson_only():
    grid = Grid.make((16, 16), boundary="dirichlet")
    cases = Instances(grid, {"source": np.random.default_rng(0).normal(size=(4, 16, 16))})
    s = solvers.FastPoisson().prepare(Poisson(diffusivity=2.0)).solve(cases)
    assert (Poisson(diffusivity=2.0).residual(cases, s.values) < 1e-12).all()
    with pytest.raises(BadInput, match=r"(?s)cannot serve problem 'darcy'.*constant-coefficient.*pdekit list solvers"):
        solvers.FastPoisson().prepare(Darcy())


def test_settings_reach_the_method():
    cases = darcy()
    loose = solvers.PCGMultigrid(rtol=1e-3).prepare(Darcy()).solve(cases)
    tight = solvers.PCGMultigrid(rtol=1e-10).prepare(Darcy()).solve(cases)
    assert (loose.steps < tight.steps).all()
    assert (tight.true_residual <= 1e-10).all()
    assert solvers.CG(max_steps=3).prepare(Darcy()).solve(cases).status == [Status.MAX_STEPS] * 3
    absolute = solvers.CG(rtol=0.0, atol=1e-2).prepare(Darcy()).solve(cases)
    assert absolute.status == [Status.CONVERGED_ATOL] * 3
    assert solvers.PCGMultigrid(name="mine").name == "mine"
    assert solvers.PCGMultigrid(precond_dtype="float64").prepare(Darcy()).solve(cases).converged
    for scaling in ("plain", "scaled"):
        assert solvers.PCGFastPoisson(scaling=scaling).prepare(Darcy()).solve(cases).converged


class Counted(solvers.PCGMultigrid):
    """Counts its set-ups."""

    def __init__(self, **settings):
        super().__init__(**settings)
        self.count = 0

    def set_up(self, operator, singular):
        self.count += 1
        return super().set_up(operator, singular)


def test_set_up_once_for_one_operator_and_anew_for_each_coefficient():
    grid = Grid.make((16, 16), boundary="dirichlet")
    source = np.random.default_rng(0).normal(size=(5, 16, 16))
    solver = Counted().prepare(Poisson())
    solver.solve(Instances(grid, {"source": source}))
    solver.solve(Instances(grid, {"source": source}))
    assert solver.count == 1
    solver.solve(Instances(Grid.make((8, 8), boundary="dirichlet"), {"source": source[:, :8, :8]}))
    assert solver.count == 2
    drawn = Instances(grid, {"source": source}, {"diffusivity": np.arange(1.0, 6.0)})
    values = solver.solve(drawn).values["potential"]
    assert solver.count == 7
    np.testing.assert_allclose(
        values[4], solver.solve(Instances(grid, {"source": source})).values["potential"][4] / 5, rtol=1e-6, atol=1e-9
    )
    solver = Counted().prepare(Darcy())
    solver.solve(darcy())
    assert solver.count == 3


def test_a_coarser_grid_is_solved_and_interpolated_back():
    """The error grows fourfold per halving on a smooth problem, and set-up and steps are those of the coarse system."""
    cases, exact = Poisson().manufactured(Grid.make((64, 64), boundary="dirichlet"))
    errors = []
    for factor in (1.0, 0.5, 0.25):
        s = solvers.PCGMultigrid(grid_factor=factor).prepare(Poisson()).solve(cases)
        assert s.converged
        assert s.values["potential"].shape == (1, 64, 64)
        errors.append(np.sqrt(np.mean((s.values["potential"] - exact) ** 2)))
    assert 2.0 < errors[1] / errors[0] < 10.0
    assert 3.0 < errors[2] / errors[1] < 5.0
    with pytest.raises(BadInput, match=r"(?s)cannot be scaled by 0.125.*whole number"):
        solvers.CG(grid_factor=0.125).prepare(Darcy()).solve(darcy(points=(12, 12)))


@pytest.mark.parametrize("factor", [0, -1, 0.3, 2, "half", True and "1"])
def test_factors_that_are_refused(factor):
    init = EllipticSolver.__init__
    while hasattr(init, "__wrapped__"):  # past the annotations, which tests enforce and cards do not know
        init = init.__wrapped__
    with pytest.raises(BadInput, match=r"(?s)grid_factor of a solver.*allowed: 1, 0.5, 0.25"):
        init(object.__new__(solvers.CG), grid_factor=factor)


def test_singular_problems():
    grid = Grid.make((16, 16), boundary="neumann")
    source = np.random.default_rng(0).normal(size=(2, 16, 16))
    source[0] -= source[0].mean()
    cases = Instances(grid, {"source": source})
    for solver in (solvers.CG, solvers.PCGMultigrid, solvers.Multigrid, solvers.Direct, solvers.FastPoisson):
        s = solver().prepare(Poisson()).solve(cases)
        assert s.status == [Status.CONVERGED, Status.INCOMPATIBLE_RHS]
        projected = solver(project_rhs=True).prepare(Poisson()).solve(cases)
        assert projected.converged
        for values in (s.values["potential"][0], projected.values["potential"][1]):
            assert -1e-12 < values.mean() < 1e-12


def test_starts_are_used():
    cases = darcy()
    solver = solvers.PCGMultigrid().prepare(Darcy())
    answer = solver.solve(cases).values["pressure"]
    assert list(solver.solve(cases, answer).steps) == [0, 0, 0]
    vertex = darcy(points=(17, 17), location="vertex")
    answer = solver.solve(vertex).values["pressure"]
    assert list(solver.solve(vertex, answer).steps) == [0, 0, 0]


def test_starts_that_cannot_be_used_are_refused():
    cases = darcy()
    answer = np.zeros((3, 16, 16))
    with pytest.raises(BadInput, match=r"(?s)'PCGMultigrid' cannot use a start.*grid_factor = 0.5"):
        solvers.PCGMultigrid(grid_factor=0.5).prepare(Darcy()).solve(cases, answer)
    with pytest.raises(BadInput, match=r"(?s)'Direct' cannot use a start.*without iteration"):
        solvers.Direct().prepare(Darcy()).solve(cases, answer)


def test_failures_are_statuses():
    cases = darcy()
    a = cases.fields["permeability"].copy()
    a[0, 3, 3], a[1] = np.nan, -a[1]
    bad = Instances(cases.grid, {**cases.fields, "permeability": a})
    for solver in ALL:
        s = solver().prepare(Darcy()).solve(bad)
        assert s.status == [Status.NONFINITE_INPUT, Status.INDEFINITE_OPERATOR, Status.CONVERGED]
        assert np.isnan(s.values["pressure"][:2]).all()
        with pytest.raises(SolveError, match="failed on 2 of 3 samples; the first is sample 0: NONFINITE_INPUT"):
            s.require_converged()


def test_a_grid_that_cannot_be_halved_is_served_by_amg_and_says_so():
    s = solvers.PCGMultigrid().prepare(Darcy()).solve(darcy(n=1, points=(49, 49)))
    assert s.converged
    assert "amg in place of geometric multigrid" in s.info["note"]
    with pytest.raises(BadInput, match=r"(?s)cannot serve this operator.*2401.*pcg-amg or direct"):
        solvers.Multigrid().prepare(Darcy()).solve(darcy(n=1, points=(49, 49)))


def test_wrong_use():
    with pytest.raises(SolveError, match=r"'CG' was asked to solve before `prepare\(problem\)`"):
        solvers.CG().solve(darcy())
    with pytest.raises(BadInput, match="was given no samples"):
        solvers.CG().prepare(Darcy()).solve(darcy()[:0])
    with pytest.raises(BadInput, match=r"(?s)solver 'CG' cannot serve problem.*not elliptic"):
        solvers.CG().prepare(object())
    with pytest.raises(BadInput, match=r"(?s)precond_dtype of multigrid.*float16.*float32, float64"):
        solvers.PCGMultigrid(precond_dtype="float16")
    with pytest.raises(BadInput, match=r"(?s)scaling of fast-poisson"):
        solvers.PCGFastPoisson(scaling="log")


RECIPE = """
format = 1
title = "a source that must balance"
problem = "poisson"
solver = "direct"
seed = 1
grid = {{ points = [32, 32], location = "cell", boundary = "{boundary}" }}
fields.source = {{ law = "gaussian", gauss = {{ variance_factor = 9.0, tau = 3.0, alpha = 2.0, boundary = "{boundary}" }} }}
splits = {{ train = 8 }}
"""
CARDS = [
    "cg",
    "pcg-jacobi",
    "pcg-fast-poisson",
    "pcg-multigrid",
    "pcg-amg",
    "multigrid",
    "amg",
    "direct",
    "fast-poisson",
]


@pytest.mark.parametrize("boundary", ["periodic", "neumann"])
def test_balanced_sources_read_back_from_a_file_are_solved_by_every_card(tmp_path, boundary):
    """Stored in float32 they sum to zero to its eps only. What does not balance by more than that is refused still."""
    (tmp_path / "r.toml").write_text(RECIPE.format(boundary=boundary))
    with open_file(generate(tmp_path / "r.toml", tmp_path / "d.h5")) as file:
        cases = file.instances("train")
    source = cases.fields["source"]
    assert source.dtype == np.float32
    wide = source.astype(np.float64).reshape(8, -1)
    share = np.abs(wide.mean(axis=1)) * 32 / np.linalg.norm(wide, axis=1)
    assert share.max() < 1e-8
    cases = cases[np.flatnonzero(share > 1e-10)[:2]]
    assert len(cases) == 2
    source = cases.fields["source"]
    off = Instances(cases.grid, {"source": source + np.float32(1e-5) * np.abs(source).max()})
    in_float64 = Instances(cases.grid, {"source": source.astype(np.float64)})
    for name in CARDS:
        solver = build_solver(read_card(name), name).prepare(Poisson())
        s = solver.solve(cases)
        assert s.status == [Status.CONVERGED] * 2, name
        assert "as stored" in s.info["balanced"]
        card = read_card(name)
        card = card.model_copy(update={"settings": {**card.settings, "grid_factor": 0.5}})
        assert build_solver(card, name).prepare(Poisson()).solve(cases).status == [Status.CONVERGED] * 2, name
        for refused in (off, in_float64):
            assert solver.solve(refused).status == [Status.INCOMPATIBLE_RHS] * 2


@pytest.mark.parametrize("solver", ALL)
@pytest.mark.parametrize("block", [np.s_[20:40, 20:40], np.s_[:16, :16]])
def test_one_medium_with_a_hole_does_not_cost_the_batch(solver, block):
    cases = darcy(n=2, points=(64, 64))
    a = cases.fields["permeability"].copy()
    a[(0, *block)] = 0.0
    s = (
        solver()
        .prepare(Darcy(face_mean="arithmetic"))
        .solve(Instances(cases.grid, {**cases.fields, "permeability": a}))
    )
    assert s.status == [Status.INDEFINITE_OPERATOR, Status.CONVERGED]
