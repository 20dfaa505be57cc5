"""Starts from coarser grids: second order pays off, everything that they took is counted, refusals name the grid."""

from dataclasses import replace

import numpy as np
import pytest

from pdekit.errors import BadInput
from pdekit.linear.coarse_start import CoarseStart, twin
from pdekit.linear.hybrid import Hybrid
from pdekit.problems import PROBLEMS, Poisson
from pdekit.registry import load_solver
from pdekit.solution import Solution, Status
from pdekit.solver import Instances, Solver
from pdekit.space.grid import Grid
from pdekit.space.transfer import interpolate

GAUSS = {"variance_factor": 9.0, "tau": 3.0, "alpha": 2.0, "boundary": "neumann"}


def smooth(points, location="cell"):
    grid = Grid.make([points] * 2, location=location, boundary="dirichlet")
    return Poisson().mode(grid, (1, 2))[0]


def start_of(name, problem, instances, grids, **settings):
    solver = load_solver(name, {f"settings.{k}": v for k, v in settings.items()}).prepare(problem)
    return CoarseStart(solver, grids=grids, rtol=1e-12).solve(instances)


@pytest.mark.parametrize(("points", "location"), [(64, "cell"), (65, "vertex")])
def test_two_grids_say_what_the_third_will_answer(points, location):
    """On the points of the grid of half the intervals, where nothing is interpolated but u_4h, by (u_2h - u_4h) / 4."""
    problem, instances = Poisson(), smooth(points, location)
    grid, half, fourth = (instances.grid.scaled(f) for f in (1, 0.5, 0.25))
    direct = load_solver("direct").prepare(problem)
    u2, u4 = (direct.solve(problem.regrid(instances, f)).values["potential"] for f in (0.5, 0.25))
    literal = interpolate(u2 + (u2 - interpolate(u4, fourth, half)) / 4, half, grid)
    found = start_of("pcg-multigrid", problem, instances, 2, rtol=1e-12)
    assert np.abs(found.values["potential"] - literal).max() <= 1e-9 * np.abs(literal).max()
    once = start_of("pcg-multigrid", problem, instances, 1, rtol=1e-12)
    assert np.abs(once.values["potential"] - interpolate(u2, half, grid)).max() <= 1e-9 * np.abs(u2).max()


def test_extrapolation_halves_the_error_at_least_where_both_grids_store_the_points():
    """Every fourth vertex is on all three grids, so that no interpolation hides the order: u_h - u_2h = -3/4 C (2h)^2."""
    problem, instances = Poisson(), smooth(65, "vertex")
    u = load_solver("direct").prepare(problem).solve(instances).values["potential"][0, ::4, ::4]
    errors = [
        np.abs(start_of("pcg-multigrid", problem, instances, grids).values["potential"][0, ::4, ::4] - u).max()
        for grids in (1, 2)
    ]
    assert errors[1] < 0.05 * errors[0], errors


@pytest.mark.parametrize("location", ["cell", "vertex"])
@pytest.mark.parametrize("name", ["pcg-multigrid", "pcg-jacobi", "cg", "sor"])
def test_it_saves_iterations_of_jumping_coefficients_too(name, location):
    problem = PROBLEMS["darcy"]()
    grid = Grid.make([64 + (location == "vertex")] * 2, location=location, boundary="dirichlet")
    laws = {
        "permeability": {"law": "two-phase", "high": 12.0, "low": 3.0, "gauss": GAUSS},
        "source": {"law": "constant", "value": 1.0},
    }
    rng = np.random.default_rng(3)
    drawn = [problem.sample(grid, rng, laws) for _ in range(2)]
    instances = Instances(grid, {k: np.stack([d[k] for d in drawn]) for k in laws})
    solver = load_solver(name).prepare(problem)
    cold = solver.solve(instances)
    warm = Hybrid.of(CoarseStart(solver), solver, "warm").solve(instances)
    assert warm.converged
    assert warm.steps.sum() < cold.steps.sum()
    assert np.all(warm.info["guess_steps"] > 1)
    assert np.all(warm.true_residual <= 1e-8)
    assert np.all(problem.residual(instances, warm.values) <= 1e-8)


class Counted:
    """Answers zeros; notes the points, the start and the tolerance of each call, on all its copies."""

    name, takes_start, grid_factor, problem = "counted", True, 1.0, Poisson()

    def __init__(self, rtol):
        from pdekit.linear.stop import Stop

        self.stop, self.calls = Stop(rtol=rtol), []

    def prepare(self, problem):
        return self

    def solve(self, instances, x0=None):
        self.calls.append((instances.grid.points[0], x0 is not None, self.stop.rtol))
        n = len(instances)
        values = {"potential": np.zeros((n, *instances.grid.points))}
        return Solution(values, [Status.CONVERGED] * n, steps=np.full(n, instances.grid.points[0]))


def test_each_grid_starts_from_the_coarser_one_and_none_asks_more_than_the_solver():
    counted = Counted(1e-8)
    solution = CoarseStart(counted, rtol=1e-3).solve(smooth(32))
    assert counted.calls == [(8, False, 1e-3), (16, True, 1e-3)]
    assert solution.steps == 8 + 16
    assert solution.statuses == [Status.EVALUATED]
    loose = Counted(1e-1)
    CoarseStart(loose, rtol=1e-3, grids=1).solve(smooth(32))
    assert loose.calls == [(16, False, 1e-1)]


def test_its_seconds_hold_the_coarse_solves(monkeypatch):
    class Slow(Counted):
        def solve(self, instances, x0=None):
            clock[0] += instances.grid.points[0]
            return super().solve(instances, x0)

    clock = [0.0]
    monkeypatch.setattr("pdekit.linear.coarse_start.perf_counter", lambda: clock[0])
    assert CoarseStart(Slow(1e-8)).solve(smooth(32)).seconds == 8 + 16
    assert isinstance(CoarseStart(Slow(1e-8)), Solver)


def test_values_on_faces_that_are_fields_are_not_taken_for_constants():
    """u = 1 + x on all faces, f = 0: linear, so that every grid has the exact answer and linear interpolation keeps it."""
    grid = Grid.make((32, 32), (1.0, 1.0), boundary="dirichlet")
    x = (np.arange(32) + 0.5) / 32
    faces = {"x_low": np.ones(32), "x_high": np.full(32, 2.0), "y_low": 1 + x, "y_high": 1 + x}
    fields = {"source": np.zeros((1, 32, 32)), **{f"boundary_{k}": v[None] for k, v in faces.items()}}
    found = start_of("pcg-multigrid", Poisson(), Instances(grid, fields), 2)
    np.testing.assert_allclose(found.values["potential"][0], np.broadcast_to(1 + x[:, None], (32, 32)), atol=1e-9)


def test_a_grid_that_cannot_be_halved_is_refused():
    with pytest.raises(BadInput, match=r"(?s)cannot be halved: .*found: 15 x 15 intervals\n.*multiples of 2"):
        start_of("cg", Poisson(), smooth(15), 1)
    with pytest.raises(
        BadInput, match=r"(?s)cannot be coarsened 4 times: .*found: 30 x 30 intervals\n.*multiples of 4"
    ):
        start_of("cg", Poisson(), smooth(30), 2)
    with pytest.raises(BadInput, match=r"(?s)grids of a coarse start.*found: 3\n.*allowed: 1, 2"):
        start_of("cg", Poisson(), smooth(32), 3)


def test_a_twin_keeps_nothing_and_shares_nothing():
    solver = load_solver("pcg-multigrid").prepare(Poisson())
    solver.solve(smooth(16))
    assert solver._kept is not None
    other = twin(solver, 1e-3)
    assert other._kept is None
    assert (other.stop.rtol, solver.stop.rtol) == (1e-3, 1e-8)
    assert other.problem is solver.problem


def test_a_singular_problem_is_balanced_on_each_grid():
    """A source that is balanced on the fine grid is not once averaged; unbalanced, the coarsest grid would answer zero and
    the extrapolation a quarter too much."""
    grid = Grid.make([33] * 2, 1.0, location="vertex", boundary="neumann")
    law = {"law": "gaussian", "gauss": GAUSS}
    fields = [Poisson().sample(grid, np.random.default_rng(k), {"source": law})["source"] for k in range(2)]
    cases = Instances(grid, {"source": np.stack(fields)})
    solver = load_solver("pcg-jacobi").prepare(Poisson())
    (exact,) = solver.solve(cases).values.values()
    for grids in (1, 2):
        (start,) = CoarseStart(solver, grids=grids).solve(cases).values.values()
        assert np.linalg.norm(start - exact) < 0.02 * np.linalg.norm(exact)


def test_a_start_whose_coarse_solve_failed_is_no_start():
    grid = Grid.make([32] * 2, 1.0, boundary="dirichlet")
    cases = Instances(grid, {"source": np.random.default_rng(0).normal(size=(2, 32, 32))})
    solver = load_solver("pcg-jacobi").prepare(Poisson())
    start = CoarseStart(solver, grids=2)
    start.solvers[0].stop = replace(start.solvers[0].stop, max_steps=1)
    assert all(np.isnan(values).all() for values in start.solve(cases).values.values())
    hybrid = Hybrid.of(start, solver, "x").solve(cases)
    assert hybrid.info["guess_left_out"] == 2
    assert np.array_equal(hybrid.steps, solver.solve(cases).steps)
