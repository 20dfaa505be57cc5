"""How far a trajectory of the pseudo-spectral solver is from the truth: its distance to a refined run of the same solver."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pdekit.errors import BadInput, unknown_name
from pdekit.solver import Instances
from pdekit.space.fourier import Fourier
from pdekit.steppers import STEPPERS
from pdekit.steppers.march import step_counts
from pdekit.steppers.spectral import PseudoSpectral

METHODS = ("step", "refine", "both", "tighten")


@dataclass(frozen=True)
class Estimate:
    """Estimated relative L2 errors; of several outputs the worst counts, fields of different units are never summed.

    whole    (n,) over all stored times together
    frames   (n, t) at each of them
    Both are NaN where the refined run was lost, and where the field is zero.
    """

    whole: np.ndarray
    frames: np.ndarray


def refined(solver: PseudoSpectral, method: str, times: np.ndarray) -> PseudoSpectral:
    """The solver, prepared for the same problem, that answers better.

    step      half the step that `solver` takes to these times: of a step chosen by a CFL number half that number, of one
              chosen by an embedded pair of order p the tolerance that halves it, rtol / 2^p
    refine    the same steps, for `padded` cases
    both      half the step, for `padded` cases
    tighten   rtol / 100
    Raises BadInput where the method cannot better this solver.
    """
    if method not in METHODS:
        raise unknown_name("method of a reference error", method, METHODS)
    better = copy.copy(solver)
    if method == "tighten":
        if solver.rtol is None:
            raise BadInput.of(f"'tighten' needs a solver with rtol; {solver.name!r} has none.", allowed="step, refine")
        better.rtol = solver.rtol / 100
        return better
    if method == "refine":
        return better
    if solver.scheme == "exact":
        if method == "step":
            raise BadInput.of(f"solver {solver.name!r} has no step to halve: its scheme is exact.", allowed="refine")
        return better
    if solver.rtol is not None:
        better.dt, better.rtol = solver.dt / 2, solver.rtol / 2 ** STEPPERS[solver.scheme].order
    elif solver.cfl is not None:
        better.dt, better.cfl = solver.dt / 2, solver.cfl / 2
    else:
        better.dt = step_counts(list(times), solver.dt, fit=True)[1] / 2
    return better


def padded(cases: Instances, factor: int = 2) -> Instances:
    """The same cases on `factor` times the points of a periodic grid: the same trigonometric polynomials, on more points."""
    grid = cases.grid.scaled(factor)
    given = Fourier.of(cases.grid)

    def on_more_points(u: Any) -> np.ndarray:
        return given.values(given.forward(np.asarray(u, dtype=np.float64)), grid.points)

    return replace(cases, grid=grid, fields={name: on_more_points(u) for name, u in cases.fields.items()})


def factor(solver: PseudoSpectral, method: str) -> float:
    """Error of a run over its distance to the refined one.

    2^p/(2^p - 1) where the step is halved and the scheme is of order p (Richardson): 2 for order 1, 16/15 for order 4. 1 for
    more points: the error of the finer run is exponentially smaller.
    """
    order = STEPPERS[solver.scheme].order if solver.scheme != "exact" else 0
    return 2**order / (2**order - 1) if method in ("step", "both") and order else 1.0


def estimate(
    solver: PseudoSpectral, cases: Instances, values: Mapping[str, np.ndarray], method: str, points: tuple[int, ...]
) -> Estimate:
    """The error of answers {output: (n, t, *points)} of `solver` to `cases`, by a refined run compared on the same points.

    What the starts hold beyond the modes that the solver keeps counts as its error with "refine" and "both", and not with
    "step". Where trajectories diverge from each other exponentially, so does the estimate: see `frames`.
    """
    assert cases.times is not None
    asked = padded(cases) if method in ("refine", "both") else cases
    better = refined(solver, method, cases.times).solve(asked, points=points)
    grid_axes = tuple(range(2, 2 + cases.grid.dim))
    scale = factor(solver, method)
    whole, frames = [], []
    for name, u in better.values.items():
        square, size = _sums(values[name], u, grid_axes)
        with np.errstate(divide="ignore", invalid="ignore"):
            frames.append(scale * np.sqrt(square / np.where(size > 0, size, np.nan)))
            total = size.sum(axis=1)
            whole.append(scale * np.sqrt(square.sum(axis=1) / np.where(total > 0, total, np.nan)))
    return Estimate(_worst(whole), _worst(frames))


def _sums(a: np.ndarray, b: np.ndarray, axes: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """(n, t) sums of (a - b)^2 and b^2, frame by frame: whole trajectories are large."""
    square, size = np.empty(b.shape[:2]), np.empty(b.shape[:2])
    inner = tuple(axis - 1 for axis in axes)
    for t in range(b.shape[1]):
        square[:, t] = ((np.asarray(a[:, t], dtype=np.float64) - b[:, t]) ** 2).sum(axis=inner)
        size[:, t] = (b[:, t] ** 2).sum(axis=inner)
    return square, size


def _worst(parts: list[np.ndarray]) -> np.ndarray:
    """The largest over outputs; an output that is zero everywhere has no relative error and does not count."""
    stack = np.stack(parts)
    known = np.where(np.isnan(stack), -np.inf, stack).max(axis=0)
    return np.where(np.isfinite(known), known, np.nan)
