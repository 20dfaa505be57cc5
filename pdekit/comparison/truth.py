"""The common truth that all errors are measured against: a finer solve, with an estimate of its own error.

That of steady problems; trajectories have theirs in `truth_in_time`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from pdekit.comparison.frames import Frames, history_of
from pdekit.comparison.plan import Truth, card_path
from pdekit.errors import SolveError
from pdekit.metrics import METRICS, score
from pdekit.registry import build_solver, read_card
from pdekit.solver import Instances
from pdekit.space.grid import Grid
from pdekit.space.transfer import coarsen

Progress = Callable[[int, int, str], None]
ORDERS = (0.5, 2.0)  # an observed order outside is not believed


@dataclass(frozen=True)
class Reference:
    """values {output: (n, [t], *points)} on the grid of the data; error = {metric: estimate of the truth's own error}.

    facts    how it was made, for the report: solver, refine, rtol, observed order, steps
    frames   of trajectories: which are given and which are scored
    """

    values: dict[str, np.ndarray]
    error: dict[str, float] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    frames: Frames | None = None

    def asked(self, solver: Any, instances: Instances, rows: slice) -> Instances:
        """The cases `rows` as they are put to a solver: trajectories from the frames that its memory wants."""
        block = instances[rows]
        if self.frames is None:
            return block
        return self.frames.asked(block, {k: v[rows] for k, v in self.values.items()}, history_of(solver))

    def beside(self, solver: Any, values: Mapping[str, np.ndarray], rows: slice) -> tuple[np.ndarray, np.ndarray]:
        """(answer, truth) of the cases `rows` as the metrics want them, (n, t, *points, c): scored frames only.

        The outputs stand in the truth's order, whatever order the solver answers in.
        """
        values = {name: values[name] for name in self.values}
        reference = {name: array[rows] for name, array in self.values.items()}
        if self.frames is None:
            return stacked(values), stacked(reference)
        own = {name: self.frames.answered(np.asarray(array), history_of(solver)) for name, array in values.items()}
        return stacked(own, timed=True), stacked({k: self.frames.scored(v) for k, v in reference.items()}, timed=True)


def finer_truth(
    settings: Truth,
    problem: Any,
    instances: Instances,
    metrics: tuple[str, ...],
    folder: Path = Path(),
    progress: Progress | None = None,
) -> Reference:
    """Solve every sample on `refine` times the intervals, restrict by cell means (vertices: by the common points).

    The error estimate sums the geometric series of differences between successive refinements, as Richardson's does:
    with d = |u_r - u_2r| and the observed order p, |u_r - u| is about d / (1 - 2^-p); p comes from u_r/2, u_r, u_2r.
    It is the mean over the first `samples` samples; p is held between 0.5 and 2 for it. `folder` is what a path to a card
    is relative to. Raises SolveError where the truth does not converge.
    """
    solver, rtol = _solver(settings, problem, folder)
    values = _solve(solver, problem, instances, settings.refine, progress)
    subset = instances[: min(settings.samples, len(instances))]
    some = {name: array[: len(subset)] for name, array in values.items()}
    coarser = _solve(solver, problem, subset, settings.refine // 2, progress)
    finer = _solve(solver, problem, subset, settings.refine * 2, progress)
    error, order = {}, {}
    for name in metrics:
        if METRICS[name].needs_problem:
            continue
        step = _mean_difference(name, some, finer, instances.grid)
        before = _mean_difference(name, coarser, some, instances.grid)
        order[name] = float(np.log2(before / step)) if step > 0 and before > 0 else ORDERS[1]
        error[name] = step / (1.0 - 2.0 ** -float(np.clip(order[name], *ORDERS)))
    facts = {
        "solver": settings.solver,
        "rtol": rtol,
        "refine": settings.refine,
        "points": [int(n) for n in instances.grid.scaled(settings.refine).points],
        "observed_order": order,
        "estimated_from": len(subset),
    }
    return Reference(values, error, facts)


def stored_truth(outputs: Mapping[str, np.ndarray], recorded: np.ndarray | None) -> Reference:
    """The outputs of the file, where no equation is known to solve again; its own estimate where the file has one."""
    values = {name: np.asarray(array, dtype=np.float64) for name, array in outputs.items()}
    known = recorded[np.isfinite(recorded)] if recorded is not None else np.zeros(0)
    error = {"relative_l2": float(known.mean())} if known.size else {}
    return Reference(
        values, error, {"solver": "none: the outputs stored in the file", "estimated_from": int(known.size)}
    )


def _mean_difference(metric: str, a: Mapping[str, np.ndarray], b: Mapping[str, np.ndarray], grid: Grid) -> float:
    return float(np.nanmean(score([metric], stacked(a), stacked(b), grid)[metric]))


def stacked(values: Mapping[str, np.ndarray], *, timed: bool = False) -> np.ndarray:
    """{output: (n, [t], *points)} as (n, t, *points, c), the layout of the metrics; t = 1 where `timed` is not said."""
    array = np.stack([np.asarray(array, dtype=np.float64) for array in values.values()], axis=-1)
    return array if timed else array[:, None]


def _solver(settings: Truth, problem: Any, folder: Path) -> tuple[Any, float | None]:
    """The solver of the truth, prepared, and its tolerance where it has one."""
    card = read_card(card_path(settings.solver, folder))
    rtol = settings.rtol if "rtol" in card.settings else None
    card = card.model_copy(update={"settings": {**card.settings, **({} if rtol is None else {"rtol": rtol})}})
    return build_solver(card, settings.solver).prepare(problem), rtol


def _solve(
    solver: Any, problem: Any, instances: Instances, factor: int, progress: Progress | None
) -> dict[str, np.ndarray]:
    out: dict[str, list[np.ndarray]] = {}
    for i, case in enumerate(instances.cases()):
        fine = case if factor == 1 else problem.regrid(case, factor)
        solution = solver.solve(fine)
        if solution.failed.any():
            status = solution.statuses[0]
            raise SolveError(
                f"the reference solver {solver.name!r} failed on sample {i} at {factor} times the intervals: "
                f"{status.name}\n  {status.sentence}\n  next: another [reference] solver, or a looser rtol"
            )
        for name, array in solution.values.items():
            whole = array if factor == 1 else coarsen(array, fine.grid, factor)
            out.setdefault(name, []).append(whole[0])
        if progress is not None:
            points = " x ".join(map(str, fine.grid.points))
            progress(i + 1, len(instances), f"reference on {points} points")
    return {name: np.stack(arrays) for name, arrays in out.items()}
