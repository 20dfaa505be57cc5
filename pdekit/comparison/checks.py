"""What is refused before anything is generated, trained or solved."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pdekit.comparison import entrants as who
from pdekit.comparison.plan import Entry, Plan, card_path, label
from pdekit.comparison.truth_in_time import step_of
from pdekit.errors import BadInput, StorageError
from pdekit.metrics import METRICS
from pdekit.registry import Card, build_solver, load_solver, read_card

Check = Callable[[str, Any], None]


def check_entrants(
    plan: Plan, folder: Path, cards: Mapping[str, Card], problem: Any, check_learned: Check, *, timed: bool = False
) -> None:
    """Every solver can serve the problem, every learned card can be trained, the truth can be solved. Raises BadInput.

    timed           the data are trajectories
    check_learned   (card, overrides) -> None: looks at the tables of a learned card, as training will
    """
    for entry in plan.solvers:
        card = cards.get(label(entry))
        if card is None:
            load_solver(folder / str(entry.run)).prepare(problem)
        elif card.hybrid:
            _check_hybrid(plan, entry, card, cards, problem)
        elif card.learned:
            check_learned(card_path(str(entry.name), folder), entry.set)
        else:
            who.classical(entry, card, problem)
    if problem is not None and not (timed and "solver" not in plan.reference.model_fields_set):
        card = read_card(card_path(plan.reference.solver, folder))
        build_solver(card, plan.reference.solver).prepare(problem)
        if timed:
            step_of(plan.reference, card)
        if "rtol" not in card.settings and "rtol" in plan.reference.model_fields_set:
            raise BadInput.of(
                f"the reference solver {plan.reference.solver!r} has no tolerance.",
                found=f"reference.rtol = {plan.reference.rtol}",
                hint="leave rtol out",
            )
    _check_time(plan, timed)
    if plan.timing.device == "cuda":
        from pdekit.models.network import gpu_name

        gpu_name()  # raises where there is none


def _check_time(plan: Plan, timed: bool) -> None:
    """What a plan says of time must have an effect."""
    named = plan.reference.model_fields_set
    if not timed:
        asked = {
            "reference.dt": "dt" in named,
            "time_scale": plan.time_scale is not None,
            "statistics_from": plan.statistics_from is not None,
        }
        for what in (name for name, found in asked.items() if found):
            raise BadInput.of(f"the data are steady: {what} has no meaning.", hint=f"leave {what} out")
        return
    asked = [name for name in plan.metrics if METRICS[name].needs_problem]
    if asked:
        raise BadInput.of(
            f"the metric {asked[0]!r} is not defined for trajectories.",
            found=f"metrics = {list(plan.metrics)}",
            allowed=", ".join(name for name, m in METRICS.items() if not m.needs_problem),
        )
    if named and "solver" not in named:
        raise BadInput.of(
            "the truth of trajectories is what the file stores, unless a solver is named that makes a finer one.",
            found=f"reference without a solver: {', '.join(sorted(named))}",
            hint='reference = { solver = "etdrk4", refine = 2 }',
        )


def _check_hybrid(plan: Plan, entry: Entry, card: Card, cards: Mapping[str, Card], problem: Any) -> None:
    name = who.guess_of(entry)
    known = [label(e) for e in plan.solvers if e.run is not None or cards[label(e)].learned]
    if name not in known:
        raise BadInput.of(
            f"solver {label(entry)!r} starts from {name!r}, which is no learned solver of the plan.",
            allowed=", ".join(known) or "none: the plan has no learned solver",
            hint='guess = "..." names it',
        )
    who.second_of(card, problem, label(entry))


def make_folder(out: Path) -> None:
    """The folder of the report. Raises BadInput where it cannot be one, StorageError where it cannot be written."""
    if out.exists() and not out.is_dir():
        raise BadInput.of(f"the target {str(out)!r} is a file.", allowed="a folder for the report, new or old")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError.of(out, error) from None
    if not os.access(out, os.W_OK | os.X_OK):
        raise BadInput.of(
            f"nothing can be written to {str(out)!r}.", found="a read-only folder", allowed="another --out"
        )
