"""What every registered problem owes: facts for people, an answerable case, a residual, symmetries, refusals.

A new equation is found here by its entry in PROBLEMS; nothing in this file names one.
"""

import dataclasses
import itertools
import re

import numpy as np
import pytest

from pdekit.errors import BadInput
from pdekit.problems import PROBLEMS
from pdekit.problems.conservation_law import ConservationLaw
from pdekit.problems.evolution import Evolution
from pdekit.problems.problem import FieldSpec, Problem
from pdekit.problems.semilinear import Semilinear
from pdekit.registry import load_solver, read_card, solver_names
from pdekit.solver import Instances
from pdekit.space.grid import Grid

RTOL = 1e-8
GAUSS = {"variance_factor": 9.0, "tau": 3.0, "alpha": 2.0, "boundary": "neumann"}

DISCS = {"law": "discs", "count": 2, "low": 0.1, "high": 0.2}


def default_grid(problem):
    """The smallest box that the problem is defined on: with Dirichlet faces, of cells and with two axes where it may choose."""
    for boundary, location, dim in itertools.product(("dirichlet", "periodic"), ("cell", "vertex"), (2, 1, 3)):
        grid = Grid.make((16,) * dim, (1.0,) * dim, location=location, boundary=boundary)
        try:
            problem.check_grid(grid)
        except BadInput:
            continue
        return grid
    raise AssertionError(f"{problem.name} is defined on no box with Dirichlet or periodic faces")


def random_cases(problem, grid, n=2):
    """Laws by what the fields ask for: masks are discs, positive fields log-normal, all others Gaussian."""
    gauss = {**GAUSS, "boundary": "periodic" if all(grid.periodic) else "neumann"}
    laws = {
        spec.name: DISCS
        if spec.mask
        else {"law": "log-normal", "contrast": 10.0, "gauss": gauss}
        if spec.positive or spec.nonnegative
        else {"law": "gaussian", "gauss": gauss, "mean": 0.5}
        for spec in problem.inputs
    }
    rng = np.random.default_rng(5)
    drawn = [problem.sample(grid, rng, laws) for _ in range(n)]
    times = np.array([0.0, 0.002, 0.004]) if issubclass(type(problem), Evolution) else None
    return Instances(grid, {name: np.stack([case[name] for case in drawn]) for name in laws}, {}, times)


def classical_solver(problem):
    """A solver whose card serves this problem: one that iterates to a tolerance, or that takes time steps without one."""
    for name in solver_names():
        card = read_card(name)
        if card.learned or card.hybrid or not set(card.solves) <= problem.traits:
            continue
        if "rtol" in card.settings:
            return load_solver(name, {"settings.rtol": RTOL}).prepare(problem)
        if "dt" in card.settings:
            return load_solver(name).prepare(problem)
    raise AssertionError(f"no solver card serves problem {problem.name!r}")


STEADY = [name for name in sorted(PROBLEMS) if not issubclass(PROBLEMS[name], Evolution)]


@pytest.fixture(params=sorted(PROBLEMS))
def kind(request):
    return PROBLEMS[request.param]


@pytest.fixture(params=STEADY)
def steady(request):
    return PROBLEMS[request.param]


@pytest.fixture(params=[name for name in sorted(PROBLEMS) if name not in STEADY])
def evolution(request):
    return PROBLEMS[request.param]


def test_it_is_a_frozen_dataclass_that_builds_without_arguments(kind):
    assert issubclass(kind, Problem)
    problem = kind.make({})
    assert dataclasses.is_dataclass(problem)
    assert problem == kind()
    for parameter in dataclasses.fields(problem):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(problem, parameter.name, getattr(problem, parameter.name))


def test_its_name_and_equation(kind):
    assert re.fullmatch(r"[a-z][a-z0-9-]*", kind.name)
    assert PROBLEMS[kind.name] is kind
    assert kind.equation.count("=") == 1
    for spec in (*kind.inputs, *kind.outputs):
        assert spec.name in kind.equation, spec.name


@pytest.mark.parametrize("section", ["What one sees:", "Resolve it:", "Units:", "Boundary:", "Exact:", "Source:"])
def test_its_page_for_a_physicist(kind, section):
    assert section in kind.__doc__
    after = kind.__doc__.split(section, 1)[1].strip().splitlines()[0]
    assert len(after) > 8


def test_its_page_starts_with_the_equation_and_names_its_parameters(kind):
    assert "=" in kind.__doc__.strip().splitlines()[0]
    for parameter in dataclasses.fields(kind):
        assert parameter.name in kind.__doc__.lower().replace("face mean", "face_mean"), parameter.name


def test_its_traits(kind):
    assert isinstance(kind.traits, frozenset)
    assert kind.traits & {"elliptic", "evolution"}
    assert all(re.fullmatch(r"[a-z][a-z0-9-]*", trait) for trait in kind.traits)


def test_its_fields_have_role_unit_and_a_name_for_people(kind):
    specs = (*kind.inputs, *kind.outputs)
    assert kind.outputs
    assert all(isinstance(spec, FieldSpec) for spec in specs)
    assert len({spec.name for spec in specs}) == len(specs)
    for spec in specs:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", spec.name)
        assert not spec.name.startswith("boundary_")
        assert spec.role == ("input" if spec in kind.inputs else "output")
        assert spec.unit
        assert len(spec.long_name) > 2


def test_a_random_case_is_answered_and_its_residual_is_small(steady):
    problem = steady()
    instances = random_cases(problem, default_grid(problem))
    problem.check(instances)
    solution = classical_solver(problem).solve(instances).require_converged()
    assert set(solution.values) == {spec.name for spec in steady.outputs}
    residual = problem.residual(instances, solution.values)
    assert residual.shape == (2,)
    assert np.all(residual <= 10 * RTOL), residual
    wrong = {name: 1.01 * u for name, u in solution.values.items()}
    assert np.all(problem.residual(instances, wrong) > 1e-3)
    broken = {name: np.full_like(u, np.nan) for name, u in solution.values.items()}
    assert np.isnan(problem.residual(instances, broken)).all()


def test_a_random_trajectory_is_answered_frame_by_frame(evolution):
    problem = evolution()
    instances = random_cases(problem, default_grid(problem))
    problem.check(instances)
    solution = classical_solver(problem).solve(instances).require_converged()
    assert set(solution.values) == {spec.name for spec in evolution.outputs}
    for values in solution.values.values():
        assert values.shape == (2, 3, *instances.grid.points)
        assert np.isfinite(values).all()
    if not isinstance(problem, Semilinear | ConservationLaw):  # whose solvers solve no systems, and test nothing
        assert np.all(solution.true_residual <= 10 * RTOL)
    assert np.isnan(problem.residual(instances, solution.values)).all(), "frames are too far apart to judge by"


def test_its_symmetries_take_answers_to_answers(steady):
    problem = steady()
    grid = default_grid(problem)
    instances = random_cases(problem, grid)
    values = classical_solver(problem).solve(instances).require_converged().values
    symmetries = problem.symmetries(grid)
    assert symmetries[0].name == "identity"
    assert len({s.name for s in symmetries}) == len(symmetries)
    for symmetry in symmetries:
        moved = Instances(grid, {k: np.ascontiguousarray(symmetry.apply(k, a)) for k, a in instances.fields.items()})
        image = {k: np.ascontiguousarray(symmetry.apply(k, u)) for k, u in values.items()}
        assert np.all(problem.residual(moved, image) <= 10 * RTOL), symmetry.name


def test_its_symmetries_take_trajectories_to_trajectories(evolution):
    problem = evolution()
    grid = default_grid(problem)
    instances = random_cases(problem, grid)
    values = classical_solver(problem).solve(instances).require_converged().values
    symmetries = problem.symmetries(grid)
    assert symmetries[0].name == "identity"
    assert len({s.name for s in symmetries}) == len(symmetries)
    for symmetry in symmetries:
        moved = {k: np.ascontiguousarray(symmetry.apply(k, a)) for k, a in instances.fields.items()}
        again = classical_solver(problem).solve(Instances(grid, moved, {}, instances.times)).values
        for name, u in values.items():
            assert np.abs(again[name] - symmetry.apply(name, u)).max() <= 1e-7 * np.abs(u).max(), symmetry.name


def test_unknown_parameters_are_refused_with_the_place(kind):
    with pytest.raises(BadInput) as error:
        kind.make({"no_such_parameter": 1.0}, where="recipe my.toml: parameters")
    assert f"there is no parameter of problem {kind.name!r} named 'no_such_parameter'" in str(error.value)
    assert "in recipe my.toml: parameters" in str(error.value)


def test_missing_and_broken_inputs_are_refused(kind):
    problem = kind()
    instances = random_cases(problem, default_grid(problem))
    for spec in kind.inputs:
        without = Instances(instances.grid, {k: v for k, v in instances.fields.items() if k != spec.name})
        with pytest.raises(BadInput, match=f"needs the input field '{spec.name}'"):
            problem.check(without)
        spoiled = {k: v.copy() for k, v in instances.fields.items()}
        spoiled[spec.name].flat[-1] = np.nan
        with pytest.raises(BadInput, match=rf"(?s)'{spec.name}' .* is not finite.*sample 1"):
            problem.check(Instances(instances.grid, spoiled))
        if spec.positive or spec.nonnegative:
            spoiled[spec.name].flat[-1] = -1.0
            must = "be positive" if spec.positive else "not be negative"
            with pytest.raises(BadInput, match=rf"(?s)'{spec.name}' .* must {must}.*-1 in sample 1"):
                problem.check(Instances(instances.grid, spoiled))
