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
from pdekit.comparison.plan import Plan, label, read_plan
from pdekit.comparison.run import Outcome, run_all
from pdekit.comparison.truth import Reference, finer_truth, stacked, stored_truth
from pdekit.comparison.verdict import Costs, Verdict, judge
from pdekit.errors import BadInput, StorageError
from pdekit.metrics import METRICS, score
from pdekit.registry import Card, build_solver, load_solver, read_card

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Comparison:
    """Everything that a report says. `stored_error` {metric: (n,)}: the data's own outputs against the truth."""

    plan: Plan
    cases: Cases
    truth: Reference
    outcomes: list[Outcome]
    baselines: Baselines
    verdicts: list[Verdict]
    pairs: list[Pair]
    stored_error: dict[str, np.ndarray]

    @property
    def metric(self) -> str:
        """The metric that ranks."""
        return self.plan.metrics[0]

    @property
    def floor(self) -> float:
        """The truth's own error in that metric; NaN where it is not known."""
        return self.truth.error.get(self.metric, float("nan"))

    def runs(self, kind: str) -> list[Outcome]:
        """Outcomes of one kind that could be run."""
        return [o for o in self.outcomes if o.entrant.kind == kind and not o.refused]


def conduct(
    source: str | Path,
    *,
    out: Path,
    train: Callable[..., Path],
    solvers: Iterable[str] | None = None,
    overrides: Mapping[str, Any] | Iterable[str] | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Run a plan, or a data file with named solvers. Raises BadInput before long work, SolveError for the truth."""
    plan, folder = read_plan(source, solvers, overrides)
    cards = who.read_cards(plan, folder)
    problem = problem_ahead(plan, folder)
    check_entrants(plan, folder, cards, problem)
    _make_folder(out)

    cases = read_cases(plan, folder, out, progress)
    if cases.problem is None:
        truth = stored_truth(cases.outputs, cases.recorded)
    else:
        truth = finer_truth(plan.reference, cases.problem, cases.instances, plan.metrics, progress)
    plain = [name for name in plan.metrics if not METRICS[name].needs_problem]
    stored = score(plain, stacked(cases.outputs), stacked(truth.values), cases.instances.grid)

    entrants = []
    for entry in [*plan.solvers, *_trivial(cards, cases)]:
        card = cards.get(label(entry))
        if card is not None and not card.learned:
            entrants.append(who.classical(entry, card, cases.problem))
        else:
            entrants.append(who.learned(entry, card, folder, cases.path, out / "training", train, progress))
            _to_device(entrants[-1], plan.timing.device)
    outcomes = run_all(entrants, cases.problem, cases.instances, truth, plan.metrics, plan.timing, progress)
    codes = {card.code for card in cards.values()}
    baselines = look(outcomes, codes, cases.problem, cases.instances, plan.timing.threads)
    return Comparison(
        plan=plan,
        cases=cases,
        truth=truth,
        outcomes=outcomes,
        baselines=baselines,
        verdicts=_verdicts(plan, cases, truth, outcomes, baselines),
        pairs=_pairs(plan, outcomes),
        stored_error=stored,
    )


def _trivial(cards: dict[str, Card], cases: Cases) -> list[Any]:
    return who.trivial_entries(cards, cases.hold_out) if "train" in cases.splits else []


def check_entrants(plan: Plan, folder: Path, cards: dict[str, Card], problem: Any) -> None:
    """What can be refused before anything is generated, trained or solved."""
    for entry in plan.solvers:
        card = cards.get(label(entry))
        if card is None:
            load_solver(folder / str(entry.run)).prepare(problem)
        elif not card.learned:
            who.classical(entry, card, problem)
    if problem is not None:
        build_solver(read_card(plan.reference.solver), plan.reference.solver).prepare(problem)


def _make_folder(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise BadInput.of(f"the target {str(out)!r} is a file.", allowed="a folder for the report, new or old")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError.of(out, error) from None


def _to_device(entrant: who.Entrant, device: str) -> None:
    for point in entrant.points:
        for solver in point.solvers:
            if device != "cpu" and hasattr(solver, "to"):
                solver.to(device)


def _verdicts(
    plan: Plan, cases: Cases, truth: Reference, outcomes: list[Outcome], baselines: Baselines
) -> list[Verdict]:
    metric, draws = plan.metrics[0], Draws.of(len(cases.instances))
    weak = baselines.sentence()
    if cases.problem is None:
        weak = "the file names no equation, so that no classical solver could be run"
    if cases.leaked:
        weak = f"{cases.leaked} samples of the split {plan.split!r} stand in the train split too"
    return [
        judge(
            outcome,
            outcomes,
            metric,
            batch,
            floor=truth.error.get(metric, float("nan")),
            weak=weak,
            costs=_costs(outcome, cases, plan.tuning_seconds),
            draws=draws,
        )
        for outcome in outcomes
        if outcome.entrant.kind != "classical" and not outcome.refused
        for batch in plan.timing.batch
    ]


def _costs(outcome: Outcome, cases: Cases, tuning: float) -> Costs:
    """Training is one run; the runs of the other seeds were tried too, and count as tuning."""
    seconds = outcome.entrant.training["seconds"]
    one = float(np.mean(seconds))
    return Costs(data=cases.data_seconds, training=one, tuning=float(np.sum(seconds)) - one + tuning)


def _pairs(plan: Plan, outcomes: list[Outcome]) -> list[Pair]:
    """Learned and trivial solvers against each other on the same samples, mean over seeds."""
    metric = plan.metrics[0]
    rows = {
        o.entrant.name: o.errors[metric].mean(axis=0)
        for o in outcomes
        if o.entrant.kind != "classical" and not o.refused
    }
    return paired(rows) if len(rows) > 1 else []
