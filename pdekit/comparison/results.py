"""`results.json`: every figure of a comparison and what is needed to make it again."""

from __future__ import annotations

import hashlib
import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pdekit import __version__
from pdekit.comparison.bootstrap import LEVEL, REPLICATES, Draws, interval
from pdekit.comparison.conduct import Comparison
from pdekit.comparison.rollouts import facts_of
from pdekit.comparison.run import Outcome
from pdekit.metrics import METRICS, VERSION, summarise
from pdekit.metrics.cost import WARM_UPS
from pdekit.metrics.machine import machine, versions
from pdekit.settings import to_toml

FORMAT = 1
PACKAGES = ("pdekit", "numpy", "scipy", "numba", "pyamg", "torch", "neuraloperator", "h5py")


def results(comparison: Comparison) -> dict[str, Any]:
    """Everything, as plain values."""
    plan, cases = comparison.plan, comparison.cases
    text = to_toml(plan.model_dump(exclude_unset=True))  # what was chosen: it can be run again as it is
    draws = Draws.of(len(cases.instances))
    return {
        "format": FORMAT,
        "pdekit_version": __version__,
        "metric_version": VERSION,
        "question": plan.question,
        "plan": text,
        "plan_sha256": hashlib.sha256(text.encode()).hexdigest(),
        "data": {**cases.facts, "leaked": cases.leaked, "data_seconds": cases.data_seconds},
        "reduction": "per sample: mean over times, then channels; mean over samples, mean over seeds",
        "interval": f"{100 * LEVEL:.0f} % percentile bootstrap, {REPLICATES} replicates, samples within seeds",
        "reference": {**comparison.truth.facts, "error": comparison.truth.error},
        "stored_error": {name: float(np.nanmean(v)) for name, v in comparison.stored_error.items()},
        "machine": machine(plan.timing.threads),
        "software": versions(PACKAGES),
        "timing": {**plan.timing.model_dump(), "warm_ups": WARM_UPS, "precision": _precision()},
        "runs": [
            {**_outcome(o, k, plan.metrics, draws), **_in_time(o, comparison)}
            for k, o in enumerate(comparison.outcomes)
        ],
        "baselines": {**asdict(comparison.baselines), "sentence": comparison.baselines.sentence()},
        "cards": {name: card.model_dump(exclude_none=True) for name, card in comparison.cards.items()},
        "verdicts": [{**asdict(v), "break_even": in_words(v.break_even)} for v in comparison.verdicts],
        "no_persistence": comparison.no_persistence,
        "pairs": [asdict(p) for p in comparison.pairs],
        "savings": [{**asdict(s), "fastest": s.fastest} for s in comparison.savings],
        "expect": [{**asdict(e), "met": e.met} for e in expectations(comparison)],
    }


def in_words(value: float) -> float | str:
    """A break-even count; "never" and "not stated" have no number."""
    return "not stated" if math.isnan(value) else "never" if math.isinf(value) else value


def _precision() -> str:
    return "float64 (classical, by card; preconditioners may be float32), float32 (networks)"


def _outcome(outcome: Outcome, key: int, metrics: tuple[str, ...], draws: Draws) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "solver": outcome.entrant.name,
        "kind": outcome.entrant.kind,
        "title": outcome.entrant.title,
        "knobs": outcome.point.knobs,
        "refused": outcome.refused,
    }
    if outcome.refused:
        return facts
    return {
        **facts,
        "n_failed": int(outcome.failed.sum()),
        "status": outcome.status,
        "steps_median": float(np.median(outcome.steps)),
        "training": outcome.entrant.training,
        "latency_seconds": outcome.latency,
        "setup_seconds": outcome.setup,
        "first_call_seconds": outcome.first,
        "best_batch": outcome.best[0],
        "best_batch_seconds": outcome.best[1],
        "metrics": {name: _metric(outcome.errors[name], name, draws, key) for name in metrics},
    }


def _in_time(outcome: Outcome, comparison: Comparison) -> dict[str, Any]:
    """Of trajectories: the roll-out of each member, frame by frame, and when the first sample was lost."""
    if comparison.frames is None or outcome.refused:
        return {}
    grid, outputs = comparison.cases.instances.grid, list(comparison.truth.values)
    weights, scale = Draws.of(len(comparison.cases.instances)).weights, comparison.plan.time_scale
    rollouts = [facts_of(r, comparison.frames, grid, outputs, weights, scale) for r in outcome.rollouts]
    return {"lost_at": outcome.lost_at, "rollouts": rollouts}


def _metric(table: np.ndarray, name: str, draws: Draws, key: int) -> dict[str, Any]:
    summary = summarise(table.ravel(), lower_is_better=METRICS[name].lower_is_better, reduction=METRICS[name].reduction)
    return {
        **{k: v for k, v in asdict(summary).items() if k != "worst_sample"},
        "reduction": METRICS[name].reduction,
        "interval": interval(draws.reduced(table, METRICS[name].reduction, key)) if not np.isinf(table).any() else None,
        "per_seed": [float(np.nanmean(row)) if not np.isnan(row).all() else None for row in table],
        "per_sample": table,
    }


@dataclass(frozen=True)
class Expectation:
    """One line of the plan's [expect]: the figure asked for, what came out, and whether it lies within the tolerance."""

    name: str
    expected: float
    tolerance: float
    found: float

    @property
    def met(self) -> bool:
        """True where the figure lies within the relative tolerance."""
        return abs(self.found - self.expected) <= self.tolerance * abs(self.expected)


def expectations(comparison: Comparison) -> list[Expectation]:
    """The plan's [expect] beside what came out: "solver.metric" of a solver's first point, that of its own settings."""
    out = []
    for name, (expected, tolerance) in comparison.plan.expect.items():
        solver, _, metric = name.rpartition(".")
        tables = [
            o.mean(metric)
            for o in comparison.outcomes
            if o.entrant.name == solver and metric in o.errors and not o.refused
        ]
        found = tables[0] if tables else float("nan")
        out.append(Expectation(name, expected, tolerance, found))
    return out
