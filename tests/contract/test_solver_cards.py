"""What every card in `solvers/` owes: a class that its first line names, true keys, a ladder that works, honest refusals.

A new card is found here by its file; nothing in this file names one.
"""

import itertools
import tomllib
from dataclasses import replace

import numpy as np
import pytest

from pdekit.errors import BadInput
from pdekit.problems import PROBLEMS
from pdekit.problems.evolution import Evolution, LinearEvolution
from pdekit.registry import build_solver, card_folder, load_solver, read_card, settings_of, solver_class, solver_names
from pdekit.solution import Status
from pdekit.solver import Instances, Solver
from pdekit.space.grid import Grid

TRAITS = frozenset().union(*(p.traits for p in PROBLEMS.values()))
CLASSICAL = [name for name in solver_names() if not (read_card(name).learned or read_card(name).hybrid)]
HYBRID = [name for name in solver_names() if read_card(name).hybrid]
LEARNED = [name for name in solver_names() if read_card(name).learned]
GAUSS = {"variance_factor": 9.0, "tau": 3.0, "alpha": 2.0, "boundary": "neumann"}


def serves(name, problem):
    return set(read_card(name).solves) <= PROBLEMS[problem].traits


PAIRS = list(itertools.product(CLASSICAL, sorted(PROBLEMS)))
STEADY = [name for name in sorted(PROBLEMS) if not issubclass(PROBLEMS[name], Evolution)]
TIMES = np.array([0.0, 0.008, 0.016])


def steps_in_time(name):
    return "evolution" in read_card(name).solves


def spectral(name):
    """True where the answer satisfies the differential equation, not the difference equations of the grid."""
    return getattr(solver_class(read_card(name)), "discretisation", "grid") == "spectral"


def axes_of(name):
    """2 wherever the solver serves it."""
    dims = getattr(solver_class(read_card(name)), "dimensions", (2,))
    return 2 if 2 in dims else dims[0]


def box(problem, intervals, dim=2):
    """As many cells per axis, or vertices where the problem has no cells; a periodic box, of other axes if it must be, where it
    has no walls either."""
    shapes = [(dim, "cell", "dirichlet"), (dim, "vertex", "dirichlet")]
    shapes += [(d, location, "periodic") for d in (dim, 1, 2, 3) for location in ("vertex", "cell")]
    for axes, location, boundary in shapes:
        n = intervals + (location == "vertex" and boundary == "dirichlet")
        grid = Grid.make((n,) * axes, (1.0,) * axes, location=location, boundary=boundary)
        try:
            problem.check_grid(grid)
        except BadInput:
            continue
        return grid
    raise AssertionError(f"{problem.name} is defined on no box with Dirichlet or periodic faces")


def done(problem):
    """How all is well: with a test that was met, or without one where time steps solve no systems."""
    steps_alone = isinstance(problem, Evolution) and not isinstance(problem, LinearEvolution)
    return Status.EVALUATED if steps_alone else Status.CONVERGED


def small_case(problem, n=2, seed=1, dim=2):
    """n random cases on a box of 16 intervals per axis."""
    grid = box(problem, 16, dim)
    gauss = {**GAUSS, "boundary": "periodic" if all(grid.periodic) else "neumann"}
    laws = {
        spec.name: {"law": "discs", "count": 2, "low": 0.1, "high": 0.2}
        if spec.mask
        else {"law": "two-phase", "high": 12.0, "low": 3.0, "gauss": gauss}
        if spec.positive or spec.nonnegative
        else {"law": "gaussian", "gauss": gauss}
        for spec in problem.inputs
    }
    rng = np.random.default_rng(seed)
    drawn = [problem.sample(grid, rng, laws) for _ in range(n)]
    times = TIMES if isinstance(problem, Evolution) else None
    return Instances(grid, {name: np.stack([case[name] for case in drawn]) for name in laws}, {}, times)


def test_there_are_cards_of_all_kinds():
    assert CLASSICAL
    assert HYBRID
    assert LEARNED


@pytest.mark.parametrize("name", solver_names())
def test_a_card_says_what_it_is(name):
    text = (card_folder("solvers") / f"{name}.toml").read_text()
    assert text.splitlines()[0].startswith("code")
    tree = tomllib.loads(text)
    assert {"code", "format", "title", "solves", "source", "fails_when"} <= set(tree)
    card = read_card(name)
    assert card.format == 1
    for line in (card.title, card.source, card.fails_when):
        assert len(line) > 10
    assert card.solves
    assert set(card.solves) <= TRAITS, "a trait that no problem has"
    assert any(serves(name, problem) for problem in PROBLEMS)
    cls = solver_class(card)
    assert f"{cls.__module__}:{cls.__qualname__}" == card.code


@pytest.mark.parametrize("name", CLASSICAL)
def test_a_classical_card_builds_a_solver_of_its_settings(name):
    card = read_card(name)
    assert not card.scaling
    assert not card.training
    assert set(card.settings) <= set(settings_of(solver_class(card)))
    solver = load_solver(name)
    assert isinstance(solver, Solver)
    assert solver.name == name
    for key in ("no_such_setting", "name"):
        with pytest.raises(BadInput, match=f"(?s)no setting of solver '{name}' named '{key}'"):
            load_solver(name, {f"settings.{key}": 1})


@pytest.mark.parametrize("name", CLASSICAL)
def test_its_card_promises_what_its_class_asks(name):
    """A problem that the card accepts is never refused by the class for want of a trait."""
    card = read_card(name)
    for kind in PROBLEMS.values():
        if set(card.solves) <= kind.traits:
            assert solver_class(card).traits <= kind.traits


@pytest.mark.parametrize(("name", "problem"), [pair for pair in PAIRS if serves(*pair)])
def test_it_answers_every_problem_that_it_says_it_serves(name, problem):
    kind = PROBLEMS[problem]()
    instances = small_case(kind, dim=axes_of(name))
    solution = load_solver(name).prepare(kind).solve(instances)
    assert solution.statuses == [done(kind)] * 2
    assert set(solution.values) == {spec.name for spec in kind.outputs}
    frames = () if instances.times is None else (len(TIMES),)
    for values in solution.values.values():
        assert values.shape == (2, *frames, *instances.grid.points)
        assert np.isfinite(values).all()
    for per_sample in ("steps", "true_residual", "seconds", "setup_seconds", "n_matvec", "n_precond"):
        assert np.shape(getattr(solution, per_sample)) == (2,), per_sample
    assert (np.asarray(solution.seconds) > 0).all()
    assert (np.asarray(solution.setup_seconds) >= 0).all()
    rtol = read_card(name).settings.get("rtol", 1e-10)
    assert done(kind) is Status.EVALUATED or np.all(solution.true_residual <= 10 * rtol)
    if not steps_in_time(name):
        assert [len(r) for r in solution.residuals] == (np.asarray(solution.steps) + 1).tolist()
        if not spectral(name):
            assert np.all(kind.residual(instances, solution.values) <= 10 * rtol)


@pytest.mark.parametrize(("name", "problem"), [pair for pair in PAIRS if not serves(*pair)])
def test_it_refuses_the_others_by_name(name, problem):
    with pytest.raises(
        BadInput, match=f"(?s)solver '{name}' cannot serve problem '{problem}'.*found: the problem is not"
    ):
        load_solver(name).prepare(PROBLEMS[problem]())


@pytest.mark.parametrize(("name", "problem"), [pair for pair in PAIRS if serves(*pair)])
def test_data_that_are_not_finite_are_a_status_and_spoil_no_other_sample(name, problem):
    kind = PROBLEMS[problem]()
    instances = small_case(kind, dim=axes_of(name))
    instances.fields[kind.inputs[0].name][0].flat[5] = np.nan
    solution = load_solver(name).prepare(kind).solve(instances)
    assert solution.statuses == [Status.NONFINITE_INPUT, done(kind)]


@pytest.mark.parametrize(
    "name", [name for name in CLASSICAL if steps_in_time(name) and "dt" in read_card(name).settings]
)
def test_a_ladder_of_time_steps_has_rungs_that_work(name):
    """The shorter the step, the nearer the finest answer, to rounding."""
    card = read_card(name)
    kind = next(
        PROBLEMS[p]() for p in ("burgers", *sorted(PROBLEMS)) if serves(name, p)
    )  # not one that is solved exactly
    instances, output = small_case(kind, n=1), kind.outputs[0].name
    if done(kind) is Status.EVALUATED:
        instances = replace(instances, times=20 * TIMES)  # so that the longest steps are taken
    exact = load_solver(name, {"settings.dt": 1.25e-4}).prepare(kind).solve(instances).values[output]
    assert set(card.ladder) <= set(settings_of(solver_class(card)))
    assert card.settings["dt"] in card.ladder["dt"]
    errors = []
    for dt in card.ladder["dt"]:
        solution = load_solver(name, {"settings.dt": dt}).prepare(kind).solve(instances)
        assert solution.statuses == [done(kind)]
        errors.append(np.linalg.norm(solution.values[output] - exact))
    assert np.all(np.diff(errors) <= 1e-12 * np.linalg.norm(exact)), errors
    assert errors[0] > errors[-1]


@pytest.mark.parametrize("name", HYBRID)
def test_a_hybrid_card_names_a_corrector_and_asks_for_a_guess(name):
    card = read_card(name)
    assert not card.settings["guess"]
    assert card.settings["solver"] in CLASSICAL
    assert set(card.settings) <= set(settings_of(solver_class(card)))
    with pytest.raises(BadInput, match=r"(?s)needs an answer to start from.*settings.guess=runs/fno"):
        load_solver(name)
    solver = load_solver(name, {"settings.guess": card.settings["solver"]})
    kind = next(PROBLEMS[p]() for p in STEADY if serves(name, p))
    assert isinstance(solver, Solver)
    assert solver.prepare(kind).solve(small_case(kind)).converged


def smooth_error(solver, kind, intervals, dim):
    """(relative error, Solution, Instances) of a smooth case whose solution is known."""
    instances, exact = kind.manufactured(box(kind, intervals, dim))
    solution = solver.prepare(kind).solve(instances)
    assert solution.converged
    return np.linalg.norm(solution.values[kind.outputs[0].name] - exact) / np.linalg.norm(exact), solution, instances


@pytest.mark.parametrize(("name", "problem"), [pair for pair in PAIRS if serves(*pair) and spectral(pair[0])])
def test_a_spectral_answer_is_nearer_to_the_equation_than_the_grid_s_own_by_orders(name, problem):
    """And its residual is that of its own system: the difference equations are left with their truncation error."""
    kind, dim = PROBLEMS[problem](), axes_of(name)
    error, solution, instances = smooth_error(load_solver(name), kind, 64, dim)
    own, _, _ = smooth_error(load_solver("direct"), kind, 64, dim)
    assert error < 0.01 * own, (error, own)
    assert kind.residual(instances, solution.values)[0] > 1e3 * solution.true_residual[0]


@pytest.mark.parametrize("name", [name for name in CLASSICAL if spectral(name)])
def test_a_spectral_ladder_has_rungs_that_work(name):
    """Every rung alone, on a smooth case: a higher one is never further from the exact solution, to rounding."""
    card = read_card(name)
    assert card.ladder
    kind = next(PROBLEMS[p]() for p in STEADY if serves(name, p))
    for key, rungs in card.ladder.items():
        assert key in settings_of(solver_class(card)), key
        assert len(set(rungs)) == len(rungs) > 1
        assert card.settings[key] in rungs, "the card's own setting stands on its ladder"
        errors = [smooth_error(load_solver(name, {f"settings.{key}": v}), kind, 32, axes_of(name))[0] for v in rungs]
        assert errors[-1] < 1.5 * min(errors), (key, errors)
        assert errors[0] > 100 * errors[-1], (key, errors)


@pytest.mark.parametrize("name", [name for name in CLASSICAL if not (steps_in_time(name) or spectral(name))])
def test_a_classical_ladder_has_rungs_that_work(name):
    """Every rung alone: the answer meets what the rung asks, and a tighter one is never further from the finest answer."""
    card = read_card(name)
    assert card.ladder
    kind = next(PROBLEMS[p]() for p in ("darcy", *sorted(PROBLEMS)) if serves(name, p))
    instances = small_case(kind, n=1)
    output = kind.outputs[0].name
    exact = load_solver("direct").prepare(kind).solve(instances).values[output]
    for key, rungs in card.ladder.items():
        assert key in settings_of(solver_class(card)), key
        assert len(set(rungs)) == len(rungs) > 1
        assert card.settings.get(key, rungs[-1]) in rungs, "the card's own setting stands on its ladder"
        errors = []
        for value in rungs:
            solver = load_solver(name, {f"settings.{key}": value})
            solution = solver.prepare(kind).solve(instances)
            assert solution.converged, (key, value)
            errors.append(np.linalg.norm(solution.values[output] - exact) / np.linalg.norm(exact))
            if key == "rtol":
                assert solution.true_residual[0] <= value
        assert errors[-1] == min(errors), (key, errors)
        assert errors[-1] < 1e-6, (key, errors)
        assert errors[0] > 1e4 * max(errors[-1], 1e-12), (key, errors)


@pytest.mark.parametrize("name", LEARNED)
def test_a_learned_card_is_one_that_training_would_take(name):
    from pdekit.training.settings import check_card

    card = read_card(name)
    cls = solver_class(card)
    checked = check_card(card, cls, f"solver card {name}")
    assert type(checked.model) is cls.Config
    assert not card.settings
    assert not checked.training.select.startswith("test")
    known = set(cls.Config.model_fields)
    assert set(card.ladder) <= known, "a rung is a key of [model]"
    assert all(len(set(map(str, rungs))) == len(rungs) > 1 for rungs in card.ladder.values())
    with pytest.raises(
        BadInput, match=f"(?s)solver '{name}' is learned and has to be trained first.*pdekit train {name}"
    ):
        build_solver(card, name)


@pytest.mark.parametrize("name", LEARNED)
def test_a_learned_card_with_a_wrong_key_is_refused(name):
    from pdekit.training.settings import check_card

    for table in ("model", "training", "scaling"):
        card = read_card(name, {f"{table}.no_such_key": 1})
        with pytest.raises(BadInput, match=rf"(?s){table}.no_such_key.*unknown key"):
            check_card(card, solver_class(card), f"solver card {name}")
