"""The walk of a comparison: plan, cases, truth, entrants, runs, verdicts, report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pdekit.comparison import entrants as who
from pdekit.comparison.baselines import Baselines, look
from pdekit.comparison.bootstrap import Draws, Pair, paired
from pdekit.comparison.cases import Cases, problem_ahead, read_cases
from pdekit.comparison.checks import Check, check_entrants, make_folder
from pdekit.comparison.frames import Frames, frames_of, longest, scores
from pdekit.comparison.leaks import trained_elsewhere
from pdekit.comparison.plan import PERSISTENCE, Entry, Plan, label, plan_in_time, read_plan
from pdekit.comparison.run import Outcome, run_all
from pdekit.comparison.savings import Saving, savings
from pdekit.comparison.truth import Reference, finer_truth, stored_truth
from pdekit.comparison.truth_in_time import finer_in_time, stored_in_time
from pdekit.comparison.verdict import Costs, Verdict, judge
from pdekit.metrics import METRICS
from pdekit.registry import Card

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Comparison:
    """Everything that a report says. `stored_error` {metric: (n,)}: the data's own outputs against the truth; `savings` of
    the hybrids."""

    plan: Plan
    cards: Mapping[str, Card]
    cases: Cases
    truth: Reference
    outcomes: list[Outcome]
    baselines: Baselines
    verdicts: list[Verdict]
    pairs: list[Pair]
    stored_error: dict[str, np.ndarray]
    savings: list[Saving]

    @property
    def metric(self) -> str:
        """The metric that ranks."""
        return self.plan.metrics[0]

    @property
    def frames(self) -> Frames | None:
        """Of trajectories: what is given and what is scored."""
        return self.truth.frames

    @property
    def floor(self) -> float:
        """The truth's own error in that metric; NaN where it is not known."""
        return self.truth.error.get(self.metric, float("nan"))

    @property
    def no_persistence(self) -> str:
        """Why trajectories are compared without the baseline that is always in; "" where it takes part."""
        startless = [] if self.frames is None else _startless(self.truth)
        if not startless:
            return ""
        return (
            f"{PERSISTENCE} is left out: no input is the first frame of {', '.join(startless)}, so that solvers are given "
            "nothing to hold on to"
        )

    def runs(self, kind: str) -> list[Outcome]:
        """Outcomes of one kind that could be run."""
        return [o for o in self.outcomes if o.entrant.kind == kind and not o.refused]


def conduct(
    source: str | Path,
    *,
    out: Path,
    train: Callable[..., Path],
    check_learned: Check,
    solvers: Iterable[str] | None = None,
    overrides: Mapping[str, Any] | Iterable[str] | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Run a plan, or a data file with named solvers. Raises BadInput before long work, SolveError for the truth."""
    plan, folder = read_plan(source, solvers, overrides)
    cards = who.read_cards(plan, folder)
    problem, timed = problem_ahead(plan, folder)
    plan = plan_in_time(plan) if timed else plan
    check_entrants(plan, folder, cards, problem, check_learned, timed=timed)
    make_folder(out)

    cases = read_cases(plan, folder, out, progress)
    entries = [*plan.solvers, *_trivial(cards, cases)]
    entrants: dict[str, who.Entrant] = {}
    for entry in sorted(entries, key=lambda e: _is_hybrid(cards, e)):  # hybrids last: they start from others
        name, card = label(entry), cards.get(label(entry))
        if card is not None and card.hybrid:
            entrants[name] = who.hybrid(entry, card, entrants[who.guess_of(entry)], cases.problem)
        elif card is not None and not card.learned:
            entrants[name] = who.classical(entry, card, cases.problem)
        else:
            entrants[name] = who.learned(entry, card, folder, cases.path, out / "training", train, progress)
            _to_device(entrants[name], plan.timing.device)
    ordered = [entrants[label(entry)] for entry in entries]
    truth = _truth(plan, cases, ordered, folder, progress)
    if truth.frames is not None and not _startless(truth):
        ordered.append(who.persistence(truth.frames.starts))
    outcomes = run_all(ordered, cases.problem, cases.instances, truth, plan.metrics, plan.timing, progress)
    baselines = look(
        outcomes, cards, cases.problem, cases.instances, truth, plan.metrics[0], plan.timing.threads, progress
    )
    plain = [name for name in plan.metrics if not METRICS[name].needs_problem]
    return Comparison(
        plan=plan,
        cards=cards,
        cases=cases,
        truth=truth,
        outcomes=outcomes,
        baselines=baselines,
        verdicts=_verdicts(plan, cases, truth, outcomes, baselines),
        pairs=_pairs(plan, outcomes),
        savings=savings(outcomes, cases.instances, plan.timing),
        stored_error=scores(
            plain, truth.beside(None, _as_answered(cases, truth), slice(None)), cases.instances.grid, truth.frames
        ),
    )


def _startless(truth: Reference) -> list[str]:
    """Outputs whose first frame is not among the inputs."""
    starts = {} if truth.frames is None else truth.frames.starts
    return [name for name in truth.values if name not in starts]


def _is_hybrid(cards: Mapping[str, Card], entry: Entry) -> bool:
    return label(entry) in cards and cards[label(entry)].hybrid


def _trivial(cards: dict[str, Card], cases: Cases) -> list[Any]:
    """Baselines that are trained; trajectories have persistence, which is not."""
    steady = cases.instances.times is None
    return who.trivial_entries(cards, cases.hold_out) if steady and "train" in cases.splits else []


def _truth(plan: Plan, cases: Cases, entrants: list[who.Entrant], folder: Path, progress: Progress | None) -> Reference:
    """The common truth; of trajectories with the frames that all solvers are given and scored on."""
    given = longest(solver for entrant in entrants for point in entrant.points for solver in point.solvers)
    frames = frames_of(
        cases.problem, cases.instances, cases.outputs, given, cases.facts["time_unit"], plan.statistics_from
    )
    if frames is None and cases.problem is None:
        return stored_truth(cases.outputs, cases.recorded)
    if frames is None:
        return finer_truth(plan.reference, cases.problem, cases.instances, plan.metrics, folder, progress)
    if cases.problem is None or "solver" not in plan.reference.model_fields_set:
        return stored_in_time(cases.outputs, cases.recorded, frames, cases.by_frame)
    return finer_in_time(plan.reference, cases.problem, cases.instances, plan.metrics, frames, folder, progress)


def _as_answered(cases: Cases, truth: Reference) -> dict[str, np.ndarray]:
    """The stored outputs as a solver with no memory would answer."""
    return (
        cases.outputs if truth.frames is None else {k: v[:, truth.frames.given - 1 :] for k, v in cases.outputs.items()}
    )


def _to_device(entrant: who.Entrant, device: str) -> None:
    for point in entrant.points:
        for solver in point.solvers:
            if device != "cpu" and hasattr(solver, "to"):
                solver.to(device)


def _verdicts(
    plan: Plan, cases: Cases, truth: Reference, outcomes: list[Outcome], baselines: Baselines
) -> list[Verdict]:
    return [
        judge(
            outcome,
            outcomes,
            plan.metrics[0],
            batch,
            floor=truth.error.get(plan.metrics[0], float("nan")),
            weak=_unfair(plan, cases, outcome, baselines),
            costs=_costs(outcome, cases, plan.tuning_seconds),
            draws=Draws.of(len(cases.instances)),
        )
        for outcome in outcomes
        if outcome.entrant.kind != "classical" and not outcome.refused
        for batch in plan.timing.batch
    ]


def _unfair(plan: Plan, cases: Cases, outcome: Outcome, baselines: Baselines) -> Callable[[float], str]:
    """What voids every verdict on this solver, or the verdict at one error: leaks, no equation, a weak or absent rival."""
    why = ""
    if cases.leaked:
        why = f"{cases.leaked} samples of the split {plan.split!r} have the inputs of training samples"
    elif cases.problem is None:
        why = "the file names no equation, so that no classical solver could be run"
    elif plan.timing.device != "cpu":
        why = "the networks ran on a GPU, and no classical solver has run on it"
    why = why or trained_elsewhere(
        outcome.entrant.training, cases.facts["content_hash"], cases.hashes, np.asarray(cases.seeds)
    )
    return lambda error: why or baselines.sentence(error)


def _costs(outcome: Outcome, cases: Cases, tuning: float) -> Costs:
    """Training is one run; the runs of the other seeds were tried too, and count as tuning."""
    training = outcome.entrant.training
    seconds = training["core_seconds"]
    one = float(np.mean(seconds))
    if not training["runs"]:
        return Costs(data=0.0, training=0.0, tuning=0.0)
    own = all(h == cases.facts["content_hash"] for h in training["data_hash"])
    data = cases.data_seconds if own else float("nan")
    return Costs(data=data, training=one, tuning=float(np.sum(seconds)) - one + tuning)


def _pairs(plan: Plan, outcomes: list[Outcome]) -> list[Pair]:
    """Learned and trivial solvers against each other on the same samples, mean over seeds."""
    metric = plan.metrics[0]
    rows = {
        o.entrant.name: o.errors[metric].mean(axis=0)
        for o in outcomes
        if o.entrant.kind != "classical" and not o.refused
    }
    return paired(rows) if len(rows) > 1 else []
