"""What is said of samples whose solver failed: which, when, with what step, and what to try."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pdekit.data.produce import makers
from pdekit.data.recipe import Recipe
from pdekit.errors import BadInput
from pdekit.problems.semilinear import Semilinear
from pdekit.solution import Status
from pdekit.solver import Instances

SHOWN = 10


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
    settings = recipe.settings()
    rule = ", ".join(f"{key} {settings[key]:g}" for key in ("cfl", "rtol") if settings.get(key))
    return f"scheme {settings.get('scheme')!r}, steps of dt = {settings['dt']:g} at most" + (
        f", {rule}" if rule else ""
    )


def _remedy(recipe: Recipe, split: str, index: int) -> str:
    settings = recipe.settings()
    maker = makers(recipe)[split]
    crossing = crossing_time(maker.problem, maker.draw(range(index, index + 1)))
    smaller = f"a smaller dt (solver_settings.dt = {settings['dt'] / 4:g})"
    if crossing is not None:
        smaller = (
            f"a smaller dt: at the start the flow of {split} {index} crosses a grid spacing in {crossing:.3g} "
            f"(CFL number {settings['dt'] / crossing:.3g}); about half of that, solver_settings.dt = {crossing / 2:.2g}"
        )
    points = "x".join(map(str, maker.grid.points))
    other = "" if settings.get("scheme") == "etdrk4" else '; another scheme (solver = "etdrk4")'
    return f"{smaller}; more points (grid.points is {points}){other}"


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
