"""What in [storage] does not fit: points that cannot be cut to, extras that nobody computes."""

from __future__ import annotations

from pdekit.data.recipe_model import Recipe
from pdekit.data.recipe_tables import flat
from pdekit.errors import BadInput, unknown_name
from pdekit.problems.problem import Problem
from pdekit.problems.semilinear import Semilinear
from pdekit.registry import read_card, solver_class
from pdekit.space.fourier import Fourier
from pdekit.space.grid import Grid


def storage_faults(recipe: Recipe, problem: type[Problem], grid: Grid) -> list[str]:
    """Faults of `storage.points` and `storage.extras` of one split."""
    if recipe.storage.points is None and not recipe.storage.extras:
        return []
    keeps = getattr(solver_class(read_card(recipe.solver)), "keeps_points", False)
    faults = []
    if recipe.storage.points is not None:
        faults += [f"storage.points: {text}" for text in _points(recipe, problem, grid, keeps)]
    if recipe.storage.extras:
        faults += [f"storage.extras: {text}" for text in _extras(recipe, problem, keeps)]
    return faults


def _points(recipe: Recipe, problem: type[Problem], grid: Grid, keeps: bool) -> list[str]:
    if not keeps:
        return [f"solver {recipe.solver!r} answers on its own points only; leave storage.points out"]
    try:
        Fourier.of(grid)
    except BadInput as error:
        return [f"a field is cut to fewer points by its Fourier series. {flat(error)}"]
    asked = recipe.storage.points
    points = [asked] * grid.dim if isinstance(asked, int) else list(asked or [])
    if len(points) != grid.dim:
        return [f"{len(points)} numbers for {grid.dim} axes; allowed: one number, or one per axis"]
    if any(not 4 <= m <= n for m, n in zip(points, grid.points, strict=True)):
        return [f"found {points} for a grid of {list(grid.points)}; allowed: from 4 to the points of the grid"]
    return [
        f"the input {spec.name!r} of problem {recipe.problem!r} is a mask, which is not band-limited: "
        "cut to fewer points it is no mask any more; leave storage.points out"
        for spec in problem.inputs
        if spec.mask
    ]


def _extras(recipe: Recipe, problem: type[Problem], keeps: bool) -> list[str]:
    names = recipe.storage.extras or []
    if not keeps or not issubclass(problem, Semilinear):
        return [f"solver {recipe.solver!r} computes no further fields; leave storage.extras out"]
    known = ["tendency", *(spec.name for spec in problem.extras)]
    faults = [flat(unknown_name("field to store besides", name, known)) for name in names if name not in known]
    if len(set(names)) < len(names):
        faults.append(f"found {names}; allowed: each name once")
    return faults
