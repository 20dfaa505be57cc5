"""Which samples a report shows, and every solver's answer to them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pdekit.comparison.conduct import Comparison
from pdekit.comparison.refusal import classical_front, usable
from pdekit.comparison.run import Outcome
from pdekit.metrics.reduce import summarise

MOST = 4  # answers shown


@dataclass(frozen=True)
class Answer:
    """One solver's answer to the sample: values and error on the drawn points, relative L2 error of the sample."""

    name: str
    values: np.ndarray
    error: np.ndarray
    relative: float


@dataclass(frozen=True)
class Picture:
    """One sample, ready to draw: 1D arrays, or 2D arrays (x, y); of 3D fields the middle plane of the last axis.

    Of trajectories: in 1D the whole of it as an image (x, t), a single scored frame as a line; else the last frame.

    extent, low   upper and lower corner of the drawn box
    up            the axis that goes upward and its unit
    """

    title: str
    given_name: str
    given: np.ndarray
    output: str
    truth: np.ndarray
    answers: list[Answer]
    coordinates: tuple[np.ndarray, ...]
    extent: tuple[float, ...]
    unit: str
    label: str
    up: str = ""
    low: tuple[float, float] = (0.0, 0.0)


def pictures(comparison: Comparison) -> list[Picture]:
    """The sample of median error of the best learned solver (of the best solver, where none is learned), and its worst."""
    best = lead(comparison)
    if best is None:
        return []
    shown = _shown(comparison, best)
    return [
        _picture(comparison, i, f"sample {i}: {how} error of {best.entrant.name}", shown)
        for how, i in sample_of(comparison, best).items()
        if i >= 0
    ]


def sample_of(comparison: Comparison, outcome: Outcome) -> dict[str, int]:
    """{"median", "worst"}: the samples of these errors, over all members; the worst of those that did not fail, else -1."""
    errors = outcome.errors[comparison.metric].mean(axis=0)
    order = np.argsort(errors)
    return {"median": int(order[(len(order) - 1) // 2]), "worst": summarise(errors).worst_sample}


def lead(comparison: Comparison) -> Outcome | None:
    """The best learned solver; where none is learned, the best trivial one, of trajectories the best classical run."""
    kinds = ("learned", "trivial", "classical") if comparison.frames is None else ("learned", "classical", "trivial")
    for kind in kinds:
        runs = [o for o in comparison.runs(kind) if np.isfinite(o.errors[comparison.metric]).any()]
        runs = [o for o in runs if not o.failed.any()] or runs
        if runs:
            return min(runs, key=lambda o: summarise(o.errors[comparison.metric].ravel()).mean)
    return None


def _shown(comparison: Comparison, lead: Outcome) -> list[Outcome]:
    """The learned solvers, the run of the classical front that is nearest in error, and the best trivial baseline."""
    learned = comparison.runs("learned")
    error = summarise(lead.errors[comparison.metric].ravel()).mean
    runs, family = usable(comparison.outcomes), classical_front(comparison.outcomes, comparison.metric, 1)
    rivals = [runs[k] for k, e in zip(family.runs, family.errors, strict=True) if e > 0]
    rivals.sort(key=lambda o: abs(np.log(o.mean(comparison.metric) / error)))
    trivial = sorted(comparison.runs("trivial"), key=lambda o: summarise(o.errors[comparison.metric].ravel()).mean)
    if comparison.frames is not None and (learned or rivals):  # nobody needs a picture of persistence
        trivial = []
    return [*learned[: MOST - 2], *rivals[:1], *trivial[:1]]


def _picture(comparison: Comparison, i: int, title: str, shown: list[Outcome]) -> Picture:
    case = comparison.cases.instances.case(i)
    output, truth = next(iter((k, v[i]) for k, v in comparison.truth.values.items()))
    varied = {k: a for k, a in case.fields.items() if a[0].shape == case.grid.points and np.ptp(a[0]) > 0}
    given_name, given = next(iter((varied or case.fields or {"none": np.zeros((1, *case.grid.points))}).items()))
    frames, row = comparison.frames, slice(i, i + 1)
    truth = truth if frames is None else frames.scored(truth[None])[0]
    answers = []
    for outcome in shown:
        solver = outcome.point.solvers[0]
        values = comparison.truth.beside(
            solver, solver.solve(comparison.truth.asked(solver, comparison.cases.instances, row)).values, row
        )[0][0, ..., list(comparison.truth.values).index(output)]
        values = values[0] if frames is None else values
        error = values - truth
        relative = float(np.sqrt(np.mean(error**2) / np.mean(truth**2)))
        answers.append(Answer(outcome.first_name, _drawn(comparison, values), _drawn(comparison, error), relative))
    grid = case.grid
    coordinates, extent, up, low = grid.coordinates, grid.length[:2], f"y [{grid.unit}]", (0.0, 0.0)
    if frames is not None and grid.dim == 1 and len(frames.lead) > 1:
        t = frames.times[frames.given :]
        half = 0.5 * float(t[-1] - t[0]) / (len(t) - 1)
        coordinates, up = (*coordinates, t), f"t [{frames.unit}]"
        extent, low = (grid.length[0], float(t[-1]) + half), (0.0, float(t[0]) - half)
    elif frames is not None:
        title += f", at t = {frames.times[-1]:.4g} {frames.unit if frames.unit != '1' else ''}".rstrip()
    return Picture(
        title=title,
        given_name=given_name,
        given=_plane(given[0]),
        output=output,
        truth=_drawn(comparison, truth),
        answers=answers,
        coordinates=coordinates,
        extent=extent,
        unit=grid.unit,
        label=f"{output} [{comparison.cases.facts['units'].get(output, '1')}]",
        up=up,
        low=low,
    )


def _drawn(comparison: Comparison, values: np.ndarray) -> np.ndarray:
    """What is drawn of values (*x), or (t, *x) of trajectories."""
    if comparison.frames is None:
        return _plane(values)
    return values.T if values.ndim == 2 and len(values) > 1 else _plane(values[-1])


def _plane(values: np.ndarray) -> np.ndarray:
    return values[..., values.shape[-1] // 2] if values.ndim == 3 else values
