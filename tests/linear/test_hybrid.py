"""A start from another solver's answer: the same solution, fewer steps for a better guess, no harm from a broken one."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

import pdekit
from pdekit.errors import BadInput
from pdekit.linear.hybrid import Hybrid
from pdekit.problems import PROBLEMS
from pdekit.registry import load_solver, read_card, solver_class, solver_names
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


TAKE_STARTS = [
    name
    for name in solver_names()
    if not (read_card(name).learned or read_card(name).hybrid)
    and set(read_card(name).solves) <= PROBLEMS["darcy"].traits
    and getattr(solver_class(read_card(name)), "takes_start", False)
]


@pytest.mark.parametrize("name", TAKE_STARTS)
def test_no_solver_ignores_its_start(name, cases, exact):
    """An answer that meets the tolerance is handed back as it is, after no step; a spoiled one costs steps."""
    problem = PROBLEMS["darcy"]()
    second = load_solver(name, {"settings.rtol": 1e-6}).prepare(problem)
    solution = Hybrid.of(Guess(exact, 0.0), second, f"guess+{name}").solve(cases)
    assert solution.statuses == [Status.CONVERGED] * 3
    assert np.all(solution.steps == 0)
    np.testing.assert_allclose(solution.values["pressure"], exact, rtol=0, atol=1e-12 * np.abs(exact).max())
    spoiled = Hybrid.of(Guess(exact, 1e-3), second, f"guess+{name}").solve(cases)
    assert np.all(spoiled.steps > 0)


@pytest.mark.parametrize("name", ["pcg-multigrid", "pcg-jacobi", "cg", "sor"])
def test_an_answer_in_float32_is_corrected_to_the_residual_of_the_cold_one(name, cases, exact):
    problem = PROBLEMS["darcy"]()
    second = load_solver(name).prepare(problem)
    guess = Guess((1.02 * exact).astype(np.float32), np.float32(0))
    warm, cold = Hybrid.of(guess, second, f"guess+{name}").solve(cases), second.solve(cases)
    assert warm.values["pressure"].dtype == np.float64
    assert warm.converged
    for solution in (warm, cold):
        assert np.all(solution.true_residual <= 1e-8)
        assert np.all(problem.residual(cases, solution.values) <= 1e-8)
    assert np.all(warm.steps < cold.steps)


def test_a_guess_that_is_not_finite_starts_from_zero_and_changes_nothing_of_what_was_given(cases, exact):
    values = exact.copy()
    values[1] = np.inf
    guess = Guess(values, 0.0)
    solution = hybrid(guess).solve(cases)
    cold = load_solver("pcg-multigrid").prepare(PROBLEMS["darcy"]()).solve(cases)
    assert solution.steps[1] == cold.steps[1]
    assert np.isinf(guess.values[1]).all()


def test_a_guess_of_another_shape_is_refused(cases, exact):
    """A larger one would be cut to fit without a word."""
    for shape in ((3, 64, 64), (3, 33, 33), (2, 32, 32), (3, 32, 32, 1)):
        with pytest.raises(
            BadInput, match=r"(?s)starts from a guess of another shape.*allowed: \(3, 32, 32\): samples"
        ):
            hybrid(Guess(np.zeros(shape), 0.0)).solve(cases)


def test_a_guess_of_another_field_is_refused(cases, exact):
    class Other(Guess):
        def solve(self, instances):
            return replace(super().solve(instances), values={"potential": self.values})

    with pytest.raises(BadInput, match=r"(?s)a guess of another field.*found: potential\n.*allowed: pressure\n.*train"):
        hybrid(Other(exact, 0.0)).solve(cases)


def test_of_several_fields_the_one_that_is_asked_for_is_taken(cases, exact):
    class Both(Guess):
        def solve(self, instances):
            return replace(super().solve(instances), values={"speed": np.ones((3, 2)), "pressure": self.values})

    assert np.all(hybrid(Both(exact, 0.0)).solve(cases).steps == 0)


def test_what_evolves_in_time_is_refused(cases, exact):
    answer = r"(?s)'guess\+cg' answers steady problems only, and this one evolves in time.*found: {}.*settings.start = previous"
    second = load_solver("cg").prepare(PROBLEMS["darcy"]())
    made = Hybrid.of(Guess(exact, 0.0), second, "guess+cg")
    for name, problem in PROBLEMS.items():
        if "evolution" in problem.traits:
            with pytest.raises(BadInput, match=answer.format(f"problem '{name}'")):
                made.prepare(problem())
    with pytest.raises(BadInput, match=answer.format("3 instants")):
        made.solve(replace(cases, times=np.array([0.0, 0.1, 0.2])))
    with pytest.raises(BadInput, match="solver 'crank-nicolson' takes no start"):
        load_solver(NAME, {"settings.guess": "cg", "settings.solver": "crank-nicolson"})


@pytest.mark.parametrize(
    ("second", "settings", "found"),
    [
        ("direct", {}, "a solver that takes no start"),
        ("crank-nicolson", {}, "a solver that takes no start"),
        ("pcg-multigrid", {"settings.grid_factor": 0.5}, "grid_factor = 0.5: its iteration runs on another grid"),
        ("sor", {"settings.relative_to": "r0"}, "relative_to = 'r0': the better the start, the more would be asked"),
    ],
)
def test_a_solver_that_cannot_correct_a_guess_is_refused_when_the_hybrid_is_made(second, settings, found, exact):
    with pytest.raises(BadInput, match=f"(?s)'guess.x' cannot be corrected by '{second}'.*found: {found}"):
        Hybrid.of(Guess(exact, 0.0), load_solver(second, settings), "guess+x")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Tiny networks: an FNO on Darcy in 16 x 16 cells, a ridge regression beside it; means of Poisson and of a longer box."""
    folder = tmp_path_factory.mktemp("runs")
    sizes = {"grid.points": 16, "splits": {"train": 6, "valid": 2, "test": 2}, "reference_error.samples": 0}
    pdekit.generate("darcy-2d-small", folder / "darcy.h5", overrides=sizes)
    pdekit.generate("darcy-2d-small", folder / "long.h5", overrides={**sizes, "grid.length": [2.0, 1.0]})
    pdekit.generate("poisson-2d", folder / "poisson.h5", overrides=sizes)
    tiny = {"model.width": 4, "model.n_modes": [4, 4], "model.depth": 1, "training.epochs": 2, "training.threads": 1}
    pdekit.train("fno", folder / "darcy.h5", out=folder / "fno", overrides=tiny)
    pdekit.train("pod-ridge", folder / "darcy.h5", out=folder / "pod-ridge")
    for name in ("long", "poisson"):
        pdekit.train("mean-field", folder / f"{name}.h5", out=folder / f"mean-{name}")
    return folder


def test_a_network_that_learned_something_else_is_named(runs, cases):
    settings = {"settings.solver": "pcg-jacobi"}
    with pytest.raises(
        BadInput, match=r"(?s)'mean-poisson' cannot serve the problem 'darcy'.*train it on data of this"
    ):
        load_solver(NAME, {**settings, "settings.guess": str(runs / "mean-poisson")}).prepare(PROBLEMS["darcy"]())
    made = load_solver(NAME, {**settings, "settings.guess": str(runs / "mean-long")}).prepare(PROBLEMS["darcy"]())
    with pytest.raises(BadInput, match=r"(?s)'mean-long' was trained on a grid of another length.*found: \(1.0, 1.0\)"):
        made.solve(cases)


@pytest.mark.parametrize("card", [name for name in solver_names() if read_card(name).hybrid])
def test_every_card_makes_a_hybrid_with_a_network_that_hardly_learned(card, runs, cases):
    """Trained on 16 x 16 cells, two epochs, asked on 32 x 32 too: the answer is that of the iteration."""
    first = card.partition("+")[0]
    problem, here, _ = pdekit.read_instances(runs / "darcy.h5", "test")
    made = load_solver(card, {"settings.guess": str(runs / first)}).prepare(problem)
    assert made.name == card
    second = load_solver(read_card(card).settings["solver"]).prepare(problem)
    for batch in (here, cases):
        warm, cold = made.solve(batch), second.solve(batch)
        assert warm.converged
        assert np.all(warm.true_residual <= 1e-8)
        scale = np.abs(cold.values["pressure"]).max()
        assert np.abs(warm.values["pressure"] - cold.values["pressure"]).max() <= 1e-6 * scale
        assert not np.array_equal(warm.residuals[0][:1], cold.residuals[0][:1]), "it started from the network's answer"
