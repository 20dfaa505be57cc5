"""A start from another solver's answer: the same solution, fewer steps for a better guess, no harm from a broken one."""

import itertools

import numpy as np
import pytest

from pdekit.errors import BadInput
from pdekit.linear.hybrid import Hybrid
from pdekit.problems import PROBLEMS
from pdekit.registry import load_solver, read_card
from pdekit.solution import Solution, Status
from pdekit.solver import Instances, Solver
from pdekit.space.grid import Grid

GAUSS = {"variance_factor": 9.0, "tau": 3.0, "alpha": 2.0, "boundary": "neumann"}
NAME = "fno+pcg-multigrid"


@pytest.fixture(scope="module")
def cases():
    problem, grid = PROBLEMS["darcy"](), Grid.make((32, 32), (1.0, 1.0), boundary="dirichlet")
    laws = {
        "permeability": {"law": "two-phase", "high": 12.0, "low": 3.0, "gauss": GAUSS},
        "source": {"law": "constant", "value": 1.0},
    }
    rng = np.random.default_rng(3)
    drawn = [problem.sample(grid, rng, laws) for _ in range(3)]
    return Instances(grid, {k: np.stack([d[k] for d in drawn]) for k in laws})


class Guess:
    """Answers with what it was given: the exact solution, spoiled by `noise`."""

    name = "guess"

    def __init__(self, exact, noise, seconds=0.25):
        self.values, self.seconds = exact + noise, seconds

    def prepare(self, problem):
        return self

    def solve(self, instances):
        n = len(instances)
        return Solution({"pressure": self.values}, [Status.EVALUATED] * n, seconds=np.full(n, self.seconds))


@pytest.fixture(scope="module")
def exact(cases):
    return load_solver("direct").prepare(PROBLEMS["darcy"]()).solve(cases).values["pressure"]


def hybrid(guess, rtol=1e-8):
    second = load_solver("pcg-multigrid", {"settings.rtol": rtol})
    return Hybrid.of(guess, second, NAME).prepare(PROBLEMS["darcy"]())


def test_the_better_the_guess_the_fewer_the_steps_and_the_answer_is_the_same(cases, exact):
    smooth = np.sin(np.pi * cases.grid.mesh[0]) * np.sin(np.pi * cases.grid.mesh[1]) * np.abs(exact).max()
    steps = []
    for size in (1.0, 1e-2, 1e-4, 1e-6, 0.0):
        solution = hybrid(Guess(exact, size * smooth)).solve(cases)
        assert solution.converged
        assert np.allclose(solution.values["pressure"], exact, rtol=0, atol=1e-7 * np.abs(exact).max())
        steps.append(float(np.mean(solution.steps)))
    assert all(a > b for a, b in itertools.pairwise(steps)), steps
    assert steps[-1] == 0.0, "an exact guess needs no step"


def test_the_time_of_the_guess_is_counted(cases, exact):
    plain = hybrid(Guess(exact, 0.0, seconds=0.0)).solve(cases)
    paid = hybrid(Guess(exact, 0.0, seconds=5.0)).solve(cases)
    assert np.all(paid.seconds >= 5.0)
    assert np.all(plain.seconds < 5.0)


def test_a_guess_that_is_not_finite_costs_its_own_sample_only(cases, exact):
    noise = np.zeros_like(exact)
    noise[1, 4, 5] = np.nan
    solution = hybrid(Guess(exact, noise)).solve(cases)
    assert solution.converged
    assert solution.info["guess_left_out"] == 1
    assert solution.steps[0] == solution.steps[2] == 0 < solution.steps[1]


def test_a_card_needs_a_guess_and_a_solver_that_takes_one(cases, exact):
    with pytest.raises(
        BadInput, match=f"(?s)solver '{NAME.replace('+', '.')}' needs an answer to start from.*settings.guess=runs/fno"
    ):
        load_solver(NAME)
    with pytest.raises(BadInput, match=r"(?s)'direct' takes no start.*allowed: an iterative solver"):
        load_solver(NAME, {"settings.guess": "cg", "settings.solver": "direct"})
    solver = load_solver(NAME, {"settings.guess": "pcg-jacobi", "settings.rtol": 1e-6})
    assert isinstance(solver, Solver)
    assert read_card(NAME).hybrid
    solution = solver.prepare(PROBLEMS["darcy"]()).solve(cases)
    assert solution.converged
    assert np.all(solution.steps == 0), "what the first solver left meets the tolerance of the second"
