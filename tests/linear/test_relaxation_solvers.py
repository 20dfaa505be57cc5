"""The relaxation solvers of cards: their settings reach the method, and what cannot be used is refused when they are built."""

import numpy as np
import pytest

from pdekit.errors import BadInput
from pdekit.linear import relaxation_solvers as solvers
from pdekit.linear.solve import solve
from pdekit.problems.darcy import Darcy
from pdekit.problems.poisson import Poisson
from pdekit.registry import build_solver, load_solver, read_card
from pdekit.solution import Status
from pdekit.solver import Instances
from pdekit.space.diffusion import diffusion
from pdekit.space.grid import Grid

CARDS = ["jacobi", "gauss-seidel", "sor", "ssor"]


def darcy(n=2, points=(12, 12)):
    rng = np.random.default_rng(0)
    fields = {"permeability": np.exp(rng.normal(size=(n, *points))), "source": rng.normal(size=(n, *points))}
    return Instances(Grid.make(points, boundary="dirichlet"), fields)


def steps(solver, cases=None):
    return list(solver.prepare(Darcy()).solve(cases or darcy()).steps)


def test_settings_reach_the_method():
    assert steps(solvers.SOR(omega=1.0)) == steps(solvers.GaussSeidel())
    assert steps(solvers.SOR()) == steps(solvers.SOR(omega="young"))
    runs = [
        *(solvers.SOR(omega=1.5), solvers.SOR(omega=1.7), solvers.SOR(omega=1.7, ordering="red-black")),
        *(solvers.SSOR(omega=1.5), solvers.SSOR(omega=1.2), solvers.SSOR(omega=1.2, ordering="red-black")),
        *(
            solvers.Jacobi(omega=0.9),
            solvers.Jacobi(),
            solvers.GaussSeidel(ordering="red-black"),
            solvers.GaussSeidel(),
        ),
    ]
    assert len({tuple(steps(solver)) for solver in runs}) == len(runs)
    assert all(k % 10 == 0 for k in steps(solvers.GaussSeidel(check_every=10)))
    s = solvers.SOR(omega=1.7, ordering="multicolour").prepare(Darcy()).solve(darcy())
    assert (s.info["omega"], s.info["ordering"], s.info["method"]) == (1.7, "multicolour", "sor")
    assert solvers.SSOR(max_steps=3).prepare(Darcy()).solve(darcy()).status == [Status.MAX_STEPS] * 2


def test_relative_to_decides_what_a_start_is_worth():
    cases = darcy()
    answer = solvers.SOR().prepare(Darcy()).solve(cases).values["pressure"]
    assert list(solvers.SOR(rtol=1e-6).prepare(Darcy()).solve(cases, answer).steps) == [0, 0]
    assert min(solvers.SOR(rtol=1e-6, relative_to="r0").prepare(Darcy()).solve(cases, answer).steps) > 5


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"omega": 2.0}, r"(?s)omega of sor cannot be used.*found: 2.0.*between 0 and 2"),
        ({"omega": "jung"}, 'or "young"'),
        ({"ordering": "rainbow"}, "no ordering of sor named 'rainbow'"),
        ({"check_every": 0}, "check_every of sor"),
        ({"relative_to": "x0"}, "relative_to of a solver"),
        ({"rtol": -1.0}, "rtol of a solver"),
    ],
)
def test_what_cannot_be_used_is_refused_when_it_is_built(settings, message):
    with pytest.raises(BadInput, match=message):
        solvers.SOR(**settings)


@pytest.mark.parametrize("name", CARDS)
@pytest.mark.parametrize("boundary", ["neumann", "periodic"])
def test_singular_problems(name, boundary):
    grid = Grid.make((12, 12), boundary=boundary)
    source = np.random.default_rng(0).normal(size=(2, 12, 12))
    source[0] -= source[0].mean()
    cases = Instances(grid, {"source": source})
    s = load_solver(name).prepare(Poisson()).solve(cases)
    assert s.status == [Status.CONVERGED, Status.INCOMPATIBLE_RHS]
    card = read_card(name)
    card = card.model_copy(update={"settings": {**card.settings, "project_rhs": True}})
    projected = build_solver(card, name).prepare(Poisson()).solve(cases)
    assert projected.converged
    assert abs(projected.values["potential"].mean()) < 1e-12


def test_failures_are_statuses():
    cases = darcy(n=3)
    a = cases.fields["permeability"].copy()
    a[0, 3, 3], a[1] = np.nan, -a[1]
    bad = Instances(cases.grid, {**cases.fields, "permeability": a})
    for name in CARDS:
        s = load_solver(name).prepare(Darcy()).solve(bad)
        assert s.status == [Status.NONFINITE_INPUT, Status.INDEFINITE_OPERATOR, Status.CONVERGED]


@pytest.mark.parametrize("name", CARDS)
def test_an_odd_periodic_grid_is_refused_or_solved(name):
    cases = Instances(
        Grid.make((9, 8), boundary="periodic"), {"source": np.random.default_rng(0).normal(size=(1, 9, 8))}
    )
    card = read_card(name)
    card = card.model_copy(update={"settings": {**card.settings, "project_rhs": True}})
    solver = build_solver(card, name).prepare(Poisson())
    if card.settings.get("ordering") == "red-black":
        with pytest.raises(BadInput, match=r"(?s)red-black sweeps cannot serve.*periodic axis of 9.*multicolour"):
            solver.solve(cases)
    else:
        assert solver.solve(cases).converged


def test_young_hears_of_a_null_space_that_a_matrix_cannot_tell():
    """Declared, the matrix takes the sweeps of the grid's operator; not declared, omega falls back to 1, with a note."""
    operator = diffusion(Grid.make((16, 16), boundary="neumann"), 1.0)[0]
    b = np.random.default_rng(0).normal(size=(16, 16))
    b -= b.mean()
    grid = solve(operator, b, method="sor")
    declared = solve(operator.to_csr(), b.ravel(), method="sor", nullspace="constant")
    silent = solve(operator.to_csr(), b.ravel(), method="sor")
    assert grid.status is declared.status is silent.status is Status.CONVERGED
    assert abs(int(declared.steps) - int(grid.steps)) <= 1
    assert int(silent.steps) > 5 * int(grid.steps)
    assert "omega = 1 in place of Young's" in silent.info["note"]
