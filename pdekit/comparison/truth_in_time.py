"""The truth of trajectories: the stored frames, or a run of a named solver that is finer in time and, on a torus, in space."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from pdekit.comparison.frames import Frames, scores
from pdekit.comparison.plan import Truth, card_path
from pdekit.comparison.truth import Reference, stacked
from pdekit.errors import BadInput, SolveError
from pdekit.metrics import METRICS
from pdekit.registry import Card, build_solver, read_card
from pdekit.solver import Instances
from pdekit.space.fourier import Fourier
from pdekit.space.grid import Grid

Progress = Callable[[int, int, str], None]
ORDERS = (0.5, 4.0)  # an observed order outside is not believed
BLOCK = 8  # trajectories solved at once


def stored_in_time(
    outputs: dict[str, np.ndarray], recorded: np.ndarray | None, frames: Frames, by_frame: np.ndarray | None = None
) -> Reference:
    """The frames of the file, with their own estimate where it has one.

    recorded   (n,) relative L2 distance over the whole trajectory
    by_frame   (n, t) the same of each stored frame: the floor of `relative_l2`, which is a mean over scored frames
    NaN where not estimated. Without `by_frame` the whole trajectory's stands for both, too low where errors grow.
    """
    values = {name: np.asarray(array, dtype=np.float64) for name, array in outputs.items()}
    known = recorded[np.isfinite(recorded)] if recorded is not None else np.zeros(0)
    error = {name: float(known.mean()) for name in ("relative_l2", "relative_l2_trajectory") if known.size}
    late = frames.scored(by_frame) if by_frame is not None else np.zeros((0, 0))
    late = late[np.isfinite(late).all(axis=1)]
    if late.size:
        error["relative_l2"] = float(late.mean())
    facts = {"solver": "none: the frames stored in the file", "estimated_from": int(known.size)}
    return Reference(values, error, facts, frames)


def finer_in_time(
    settings: Truth,
    problem: Any,
    instances: Instances,
    metrics: tuple[str, ...],
    frames: Frames,
    folder: Path = Path(),
    progress: Progress | None = None,
) -> Reference:
    """Solve every sample with the step divided by `refine`, and on a torus on `refine` times the points.

    The start is refined by padding its Fourier series with zeros, the answer restricted by truncating it: both exact for
    resolved fields. On grids that are not periodic the points stay, so that the truth is that of the grid's own equations.
    The error estimate is that of `truth.finer_truth`, with orders up to 4. Raises SolveError where a run is lost.
    """
    card = read_card(card_path(settings.solver, folder))
    base = step_of(settings, card)
    values = _solve(card, settings, problem, instances, base, settings.refine, progress)
    subset = instances[: min(settings.samples, len(instances))]
    some = {name: array[: len(subset)] for name, array in values.items()}
    coarser = _solve(card, settings, problem, subset, base, settings.refine // 2, progress)
    finer = _solve(card, settings, problem, subset, base, settings.refine * 2, progress)
    error, order = {}, {}
    for name in metrics:
        if METRICS[name].needs_problem:
            continue
        step = _mean_difference(name, some, finer, instances.grid, frames)
        before = _mean_difference(name, coarser, some, instances.grid, frames)
        order[name] = float(np.log2(before / step)) if step > 0 and before > 0 else ORDERS[1]
        error[name] = step / (1.0 - 2.0 ** -float(np.clip(order[name], *ORDERS)))
    facts = {
        "solver": settings.solver,
        "refine": settings.refine,
        "dt": base / settings.refine,
        "points": [int(n) for n in _finer(instances.grid, settings.refine).points],
        "observed_order": order,
        "estimated_from": len(subset),
    }
    return Reference(values, error, facts, frames)


def step_of(settings: Truth, card: Card) -> float:
    """The step that `refine` divides. Raises BadInput where the reference solver takes none."""
    step = settings.dt or card.settings.get("dt")
    if step is None:
        raise BadInput.of(
            f"the reference solver {settings.solver!r} takes no time steps.",
            allowed="the card of a solver of trajectories, with settings.dt",
            hint="leave [reference] out: the truth is then what the file stores",
        )
    return float(step)


def _solve(
    card: Card,
    settings: Truth,
    problem: Any,
    instances: Instances,
    base: float,
    factor: int,
    progress: Progress | None,
) -> dict[str, np.ndarray]:
    solver = build_solver(
        card.model_copy(update={"settings": {**card.settings, "dt": base / factor}}), settings.solver
    ).prepare(problem)
    grid, fine = instances.grid, _finer(instances.grid, factor)
    out: dict[str, list[np.ndarray]] = {}
    for start in range(0, len(instances), BLOCK):
        block = instances[start : start + BLOCK]
        fields = {name: _moved(array, grid, fine) for name, array in block.fields.items()}
        solution = solver.solve(replace(block, grid=fine, fields=fields))
        if solution.failed.any():
            i = int(np.flatnonzero(solution.failed)[0])
            status = solution.statuses[i]
            raise SolveError(
                f"the reference solver {solver.name!r} failed on sample {start + i} at dt = {base / factor:g}: {status.name}\n"
                f"  {status.sentence}\n  next: a smaller reference.dt, or another [reference] solver"
            )
        for name, array in solution.values.items():
            out.setdefault(name, []).append(_moved(np.asarray(array), fine, grid))
        if progress is not None:
            points = " x ".join(map(str, fine.points))
            progress(start + len(block), len(instances), f"reference on {points} points, dt = {base / factor:g}")
    return {name: np.concatenate(arrays) for name, arrays in out.items()}


def _finer(grid: Grid, factor: int) -> Grid:
    """`factor` times the points where a Fourier series serves, else the grid itself."""
    torus = all(grid.periodic) and grid.location == "vertex"
    return grid.scaled(factor) if torus and factor > 1 else grid


def _moved(array: np.ndarray, grid: Grid, target: Grid) -> np.ndarray:
    """(..., *points) on another grid of the same torus, by its Fourier series."""
    if grid == target or array.shape[-grid.dim :] != grid.points:
        return array
    series = Fourier.of(grid)
    return series.values(series.forward(np.asarray(array, dtype=np.float64)), target.points)


def _mean_difference(metric: str, a: dict, b: dict, grid: Grid, frames: Frames) -> float:
    first, second = (stacked({k: frames.scored(v) for k, v in values.items()}, timed=True) for values in (a, b))
    return float(np.nanmean(scores([metric], (first, second), grid, frames)[metric]))
