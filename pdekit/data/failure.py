"""What is said of samples whose solver failed: which, when, with what method and step, and what to try."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pdekit.data.produce import makers
from pdekit.data.recipe import Recipe
from pdekit.data.samples import SampleMaker
from pdekit.errors import BadInput
from pdekit.problems.conservation_law import ConservationLaw
from pdekit.problems.semilinear import Semilinear
from pdekit.solution import Status
from pdekit.solver import Instances
from pdekit.volumes.literal import MOST, Method
from pdekit.volumes.solver import FiniteVolume

SHOWN = 10
NAMED = ("scheme", "reconstruction", "flux")  # settings that say which method it was
RULES = ("cfl", "rtol")  # settings that say how long its steps were
SMOOTHER = {"weno-z": "van-leer", "weno5": "van-leer", "van-leer": "minmod", "minmod": "constant"}


def failure_text(failed: Sequence[tuple[str, list[Any]]], recipe: Recipe, folder: Path) -> str:
    """The message of a generation that stops: (split, [index, status, steps, residual, lost at]) of each sample."""
    lines = [
        f"solver {recipe.solver!r} failed on {len(failed)} sample(s) of problem {recipe.problem!r}; "
        "there is no finished file."
    ]
    for split, (index, number, steps, residual, lost_at) in failed[:SHOWN]:
        status = Status(number)
        if math.isnan(lost_at):
            lines.append(
                f"  {split} {index}: {status.name} after {steps} steps, relative residual {residual:.3g}: "
                f"{status.sentence}"
            )
        else:
            lines.append(f"  {split} {index}: {status.name} by t = {lost_at:.6g}, {_step(recipe)}")
    if len(failed) > SHOWN:
        lines.append(f"  ... and {len(failed) - SHOWN} more")
    lines.append(f"  kept: finished samples in {str(folder)!r}")
    lost = [(split, int(f[0])) for split, f in failed if not math.isnan(f[4])]
    if lost:
        lines.append(f"  next: {_remedy(recipe, *lost[0])}; delete that folder first")
        lines.append("  or: --set on_failure=drop to leave such samples out")
    else:
        lines.append(
            "  next: another solver or rtol (delete that folder), or --set on_failure=drop to leave such samples out"
        )
    return "\n".join(lines)


def _step(recipe: Recipe) -> str:
    """The method, its steps and what ruled them, as far as the settings say it."""
    settings = recipe.settings()
    parts = [f"{key} {settings[key]!r}" for key in NAMED if settings.get(key)]
    if settings.get("dt"):
        parts.append(f"steps of dt = {settings['dt']:g} at most")
    return ", ".join([*parts, *(f"{key} {settings[key]:g}" for key in RULES if settings.get(key))])


def _remedy(recipe: Recipe, split: str, index: int) -> str:
    maker = makers(recipe)[split]
    if isinstance(maker.solver, FiniteVolume):
        return _remedy_of_volumes(maker, maker.solver, f"{split} {index}", index)
    return _remedy_of_modes(maker, recipe.settings(), f"{split} {index}", index)


def _remedy_of_modes(maker: SampleMaker, settings: Mapping[str, Any], sample: str, index: int) -> str:
    """Shorter steps, more points, another scheme: what helps a pseudo-spectral solver."""
    case = maker.draw(range(index, index + 1))
    if settings.get("scheme") == "exact":
        return f"other laws under [fields]: the start of {sample} has {_ranges(case)}"  # no step is taken that could be shorter
    crossing = crossing_time(maker.problem, case)
    ways = []
    if crossing is not None and settings.get("dt"):
        ways.append(
            f"a smaller dt: at the start the flow of {sample} crosses a grid spacing in {crossing:.3g} "
            f"(CFL number {settings['dt'] / crossing:.3g}); about half of that, solver_settings.dt = {crossing / 2:.2g}"
        )
    elif settings.get("dt"):
        ways.append(f"a smaller dt (solver_settings.dt = {settings['dt'] / 4:g})")
    ways.append(f"more points (grid.points is {_points(maker)})")
    if settings.get("scheme") != "etdrk4":
        ways.append('another scheme (solver = "etdrk4")')
    return "; ".join(ways)


def _remedy_of_volumes(maker: SampleMaker, solver: FiniteVolume, sample: str, index: int) -> str:
    """Finite volumes choose their steps and take bad ones again: what is lost had a start that no step can serve, or is
    saved by values at faces that swing less and by steps that are shorter from the first."""
    case = maker.draw(range(index, index + 1))
    law, start = maker.problem.of(case), maker.problem.start(case)
    other = f"other laws under [fields]: the start of {sample} has {_ranges(case)}"
    if not law.admissible(start):
        return f"{other}: problem {maker.problem.name!r} is not defined on such a state"
    assert maker.times is not None
    with np.errstate(over="ignore", invalid="ignore"):
        rate = _method(solver, law, case).rate(start)
    asked = float(np.diff(maker.times, prepend=0.0).max()) * rate / solver.cfl
    if not asked < MOST:
        return (
            f"{other}, which crosses a cell in {1 / rate:.3g}: a frame further on is {asked:.2g} steps away, "
            f"more than {MOST:g} are lost in rounding"
        )
    ways = []
    if solver.reconstruction in SMOOTHER:
        ways.append(
            f'values at faces that swing less (solver_settings.reconstruction = "{SMOOTHER[solver.reconstruction]}")'
        )
    ways.append(f"a smaller cfl (solver_settings.cfl = {solver.cfl / 2:g})")
    ways.append(f"more cells (grid.points is {_points(maker)})")
    return "; ".join(ways)


def _method(solver: FiniteVolume, law: ConservationLaw, case: Instances) -> Method:
    """What a step is asked of; the reconstruction does not count."""
    grid = case.grid.scaled(solver.grid_factor)
    return Method(law, grid, solver.reconstruction, solver.flux, np.zeros(len(law.outputs)), solver.cfl)


def _points(maker: SampleMaker) -> str:
    return "x".join(map(str, maker.grid.points))


def _ranges(case: Instances) -> str:
    return ", ".join(f"{name} from {np.min(u):.3g} to {np.max(u):.3g}" for name, u in case.fields.items())


def crossing_time(problem: Any, case: Instances) -> float | None:
    """Time in which the fastest flow at the start of a case crosses the spacing of the grid, in T; None where nothing flows."""
    if not isinstance(problem, Semilinear):
        return None
    space = problem.space(case.grid)
    try:
        speed = problem.bind(case).speed(problem.start(case, space), space)
    except BadInput:
        return None
    fastest = float(np.max(np.asarray(speed)))
    spacing = min(length / n for length, n in zip(case.grid.length, case.grid.points, strict=True))
    return spacing / fastest if math.isfinite(fastest) and fastest > 0 else None
