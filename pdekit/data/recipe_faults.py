"""What in a recipe does not fit together: problem, grid, parameters, laws, units, solver."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from pdekit.data.recipe_model import Recipe
from pdekit.data.recipe_tables import flat
from pdekit.data.storage_faults import storage_faults
from pdekit.errors import BadInput, unknown_name
from pdekit.problems import PROBLEMS
from pdekit.problems.evolution import Evolution
from pdekit.problems.problem import Problem
from pdekit.problems.semilinear import Semilinear
from pdekit.registry import read_card, settings_of, solver_class
from pdekit.space.law_checks import check_law

ROUNDING = sys.float_info.epsilon


def faults_of(recipe: Recipe, split: str) -> list[str]:
    """What does not fit together: problem, grid, parameters, laws, units, solver."""
    problem_class = PROBLEMS[recipe.problem]
    try:
        own = recipe.for_split(split)
    except BadInput as error:
        return [flat(error)]
    faults: list[str] = []

    def attempt(key: str, call: Any) -> Any:
        try:
            return call()
        except BadInput as error:
            faults.append(f"{key}: {flat(error)}")
            return None

    problem = attempt("parameters", lambda: recipe.problem_for(split))
    grid = recipe.grid_for(split)
    if problem is not None:
        attempt("grid", lambda: problem.check_grid(grid))
    known = [f.name for f in fields(problem_class)]  # pyright: ignore[reportArgumentType]
    for name, law in own.laws_for(split)[1].items():
        if name not in known:
            attempt("parameters", lambda name=name: _refuse(f"parameter of problem {recipe.problem!r}", name, known))
        attempt(f"parameters.{name}", lambda name=name, law=law: check_law(law, f"parameters.{name}"))
    inputs = [spec.name for spec in problem_class.inputs]
    for name in own.fields:
        if name not in inputs:
            attempt("fields", lambda name=name: _refuse(f"input field of problem {recipe.problem!r}", name, inputs))
    faults += [
        f"fields.{name}: the problem {recipe.problem!r} needs a law for this input"
        for name in inputs
        if name not in own.fields
    ]
    evolves = issubclass(problem_class, Evolution)
    if evolves and recipe.time is None:
        faults.append(f"time: the problem {recipe.problem!r} evolves; a table [time] with stop and frames is needed")
    if not evolves and recipe.time is not None:
        faults.append(f"time: the problem {recipe.problem!r} is steady; leave [time] out")
    outputs = [spec.name for spec in problem_class.outputs]
    extras = [f"{name}_tendency" for name in outputs] + [s.name for s in getattr(problem_class, "extras", ())]
    names = ["length", *(["time"] if evolves else []), *inputs, *outputs, *known, *(extras if evolves else [])]
    for name in recipe.units:
        if name not in names:
            attempt("units", lambda name=name: _refuse("quantity", name, names))
    faults += _solver_faults(recipe, problem_class)
    faults += storage_faults(own, problem_class, grid)
    return faults


def _solver_faults(recipe: Recipe, problem_class: type[Problem]) -> list[str]:
    card = read_card(recipe.solver)
    faults = []
    missing = sorted(set(card.solves) - problem_class.traits)
    if missing:
        faults.append(
            f"solver: {recipe.solver!r} asks for a problem that is {', '.join(missing)}; {recipe.problem!r} is not"
        )
    cls = solver_class(card)
    dim, allowed = recipe.grid.grid("1").dim, getattr(cls, "dimensions", (1, 2, 3))
    if dim not in allowed:
        faults.append(
            f"solver: {recipe.solver!r} serves boxes of {' or '.join(map(str, allowed))} axes; the grid has {dim}"
        )
    known = settings_of(cls)
    for key in recipe.solver_settings:
        if key not in known:
            faults.append("solver_settings: " + flat(unknown_name(f"setting of solver {recipe.solver!r}", key, known)))
    rtol = recipe.settings().get("rtol")
    if recipe.reference_error.samples:
        faults += _reference_faults(recipe, problem_class, rtol)
    if rtol is not None and not (isinstance(rtol, float | int) and ROUNDING <= rtol < 1):
        faults.append(
            f"solver_settings.rtol: found {rtol!r}; allowed: a number below 1 and not below {ROUNDING:.2g}, "
            "the rounding of float64"
        )
    return faults


def _reference_faults(recipe: Recipe, problem_class: type[Problem], rtol: Any) -> list[str]:
    method, settings = recipe.reference_error.method, recipe.settings()
    semilinear = issubclass(problem_class, Semilinear)
    key = "reference_error.method:"
    if method == "tighten" and rtol is None:
        return [f"{key} 'tighten' needs a solver with rtol; {recipe.solver!r} has none"]
    if method == "step" and "dt" not in settings:
        return [f"{key} 'step' needs a solver with dt; {recipe.solver!r} has none"]
    if method == "step" and settings.get("scheme") == "exact":
        return [
            f"{key} solver {recipe.solver!r} takes no steps: its scheme is exact, with no error to halve; allowed: refine"
        ]
    if method == "both" and not semilinear:
        return [f"{key} 'both' needs a semilinear problem; {recipe.problem!r} is none; allowed: refine, tighten, step"]
    if method == "refine" and not semilinear and not hasattr(problem_class, "regrid"):
        return [f"{key} problem {recipe.problem!r} cannot be put on twice the points; allowed: step, tighten"]
    return []


def _refuse(kind: str, name: str, known: Iterable[str]) -> None:
    raise unknown_name(kind, name, known)
