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
    """One sample, ready to draw: 1D arrays, or 2D arrays (x, y); of 3D fields the middle plane of the last axis."""

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


def pictures(comparison: Comparison) -> list[Picture]:
    """The sample of median error of the best learned solver (of the best solver, where none is learned), and its worst."""
    lead = _lead(comparison)
    if lead is None:
        return []
    errors = lead.errors[comparison.metric].mean(axis=0)
    order = np.argsort(errors)
    chosen = {"median": int(order[(len(order) - 1) // 2]), "worst": summarise(errors).worst_sample}
    shown = _shown(comparison, lead)
    return [
        _picture(comparison, i, f"sample {i}: {how} error of {lead.entrant.name}", shown)
        for how, i in chosen.items()
        if i >= 0
    ]


def _lead(comparison: Comparison) -> Outcome | None:
    for kind in ("learned", "trivial", "classical"):
        runs = [o for o in comparison.runs(kind) if np.isfinite(o.errors[comparison.metric]).any()]
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
    return [*learned[: MOST - 2], *rivals[:1], *trivial[:1]]


def _picture(comparison: Comparison, i: int, title: str, shown: list[Outcome]) -> Picture:
    case = comparison.cases.instances.case(i)
    output, truth = next(iter((k, v[i]) for k, v in comparison.truth.values.items()))
    varied = {k: a for k, a in case.fields.items() if a[0].shape == case.grid.points and np.ptp(a[0]) > 0}
    given_name, given = next(iter((varied or case.fields or {"none": np.zeros((1, *case.grid.points))}).items()))
    answers = []
    for outcome in shown:
        values = np.asarray(outcome.point.solvers[0].solve(case).values[output][0], dtype=np.float64)
        error = values - truth
        relative = float(np.sqrt(np.mean(error**2) / np.mean(truth**2)))
        answers.append(Answer(outcome.name, _plane(values), _plane(error), relative))
    return Picture(
        title=title,
        given_name=given_name,
        given=_plane(given[0]),
        output=output,
        truth=_plane(truth),
        answers=answers,
        coordinates=case.grid.coordinates,
        extent=case.grid.length[:2],
        unit=case.grid.unit,
        label=f"{output} [{comparison.cases.facts['units'].get(output, '1')}]",
    )


def _plane(values: np.ndarray) -> np.ndarray:
    return values[..., values.shape[-1] // 2] if values.ndim == 3 else values
