"""Who takes part: cards become solvers at every point of their ladder, learned cards are trained, baselines join."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

from pdekit.comparison.persistence import Persistence
from pdekit.comparison.plan import PERSISTENCE, TRIVIAL, Entry, Plan, card_path, label
from pdekit.errors import BadInput
from pdekit.linear.hybrid import check_corrector, check_steady
from pdekit.registry import Card, build_solver, default_of, load_solver, read_card, solver_class, solver_names

LONGEST = 6  # characters of a number as a plan writes it; a third is told as 0.3333
Train = Callable[..., Path]
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Point:
    """One setting of a solver: `knobs` differ from the card, `solvers` are its members, one for each training seed."""

    knobs: dict[str, Any]
    solvers: tuple[Any, ...]

    @property
    def text(self) -> str:
        """The knobs as people write them."""
        return ", ".join(f"{k} {_short(v)}" for k, v in self.knobs.items())


@dataclass(frozen=True)
class Entrant:
    """A solver with its points.

    kind      "classical" | "learned" | "hybrid" | "trivial"
    training  of learned ones: {"runs": [...], "seconds": [...], "seeds": [...], ...}, else empty
    """

    name: str
    kind: str
    title: str
    points: tuple[Point, ...]
    training: dict[str, Any] = field(default_factory=dict)


def _short(value: Any) -> str:
    if not isinstance(value, float):
        return str(value)
    if value < 1e-2:
        return f"{value:.0e}".replace("e-0", "e-")
    return str(value) if len(str(value)) <= LONGEST else f"{value:.4g}"


def ladder_points(card: Card, name: str) -> tuple[Point, ...]:
    """The card's solver at its own settings first, then at all other combinations of the knobs on its ladder.

    All combinations, not one knob at a time: a coarse grid solved to 1e-8 wastes its time, and a classical method is to
    be shown at its best.
    """
    own = {k: card.settings[k] if k in card.settings else default_of(solver_class(card), k) for k in card.ladder}
    grid = [dict(zip(card.ladder, values, strict=True)) for values in product(*card.ladder.values())]
    return tuple(
        Point(knobs, (build_solver(card.model_copy(update={"settings": {**card.settings, **knobs}}), name),))
        for knobs in [own, *(knobs for knobs in grid if knobs != own)]
    )


def serves(card: Card, problem: Any) -> bool:
    """True where a classical card can solve this problem, by the traits that both name."""
    classical = not card.learned and not card.hybrid
    return problem is not None and classical and set(card.solves) <= set(problem.traits)


def left_out(problem: Any, cards: Mapping[str, Card]) -> dict[str, Card]:
    """Classical cards that come with pdekit and can serve the problem, but do not take part as they are.

    A card whose settings or ladder the plan changed is left out too: it may have been made weak.
    """
    every = {name: read_card(name) for name in solver_names()}
    return {name: card for name, card in every.items() if serves(card, problem) and card not in cards.values()}


def read_cards(plan: Plan, folder: Path) -> dict[str, Card]:
    """Cards of all entries by label, checked before any work. Raises BadInput."""
    cards = {}
    for entry in plan.solvers:
        if entry.name is None:
            continue
        card = read_card(card_path(entry.name, folder), entry.set)
        if not card.learned and "seeds" in entry.model_fields_set:
            raise BadInput.of(f"solver {label(entry)!r} is classical: it has no seeds.", found=f"seeds = {entry.seeds}")
        if entry.guess is not None and not card.hybrid:
            raise BadInput.of(f"solver {label(entry)!r} starts from no guess.", found=f"guess = {entry.guess!r}")
        if not card.learned and not card.hybrid:
            ladder_points(card, label(entry))
        cards[label(entry)] = card
    return cards


def classical(entry: Entry, card: Card, problem: Any) -> Entrant:
    """A classical entrant, every point prepared. Raises BadInput where it cannot serve the problem."""
    if problem is None:
        raise BadInput.of(
            f"solver {label(entry)!r} cannot solve these data.",
            found="a file that names no problem: its equation is not known",
            hint="compare learned solvers only, or write the file with problem=",
        )
    points = ladder_points(card, label(entry))
    for point in points:
        point.solvers[0].prepare(problem)
    return Entrant(label(entry), "classical", card.title, points)


def guess_of(entry: Entry) -> str:
    """Label of the learned solver that a hybrid entry starts from."""
    return entry.guess or Path(str(entry.name)).stem.partition("+")[0]


def hybrid(entry: Entry, card: Card, guess: Entrant, problem: Any) -> Entrant:
    """A hybrid entrant: each member of the learned one, corrected by the card's solver; its training is theirs."""
    cls: Any = solver_class(card)
    members = tuple(
        cls.of(member, second_of(card, problem, label(entry)), label(entry)) for member in guess.points[0].solvers
    )
    return Entrant(label(entry), "hybrid", card.title, (Point({}, members),), guess.training)


def second_of(card: Card, problem: Any, name: str) -> Any:
    """The correcting solver of the hybrid `name`, prepared. Raises BadInput where it cannot serve the problem or a hybrid."""
    check_steady(problem, name)
    settings = {f"settings.{k}": v for k, v in card.settings.items() if k not in ("guess", "solver")}
    corrector = card.settings["solver"]
    solver = build_solver(read_card(corrector, settings), corrector)
    check_corrector(solver, name)
    return solver.prepare(problem)


def learned(
    entry: Entry, card: Card | None, folder: Path, data: Path, runs: Path, train: Train, progress: Progress | None
) -> Entrant:
    """A learned entrant from its run, or trained here, once for each seed; runs under `runs` are gone on with."""
    name = label(entry)
    if entry.run is not None:
        paths = [folder / entry.run]
    else:
        paths = []
        for seed in entry.seeds:
            out = runs / f"{name}-seed-{seed}"
            told = None if progress is None else _titled(progress, f"{name}, seed {seed}: ")
            card_file = card_path(str(entry.name), folder)
            train(card_file, data, out=out, overrides=entry.set, seed=seed, resume=out.exists(), progress=told)
            paths.append(out)
    solvers = tuple(load_solver(path) for path in paths)
    facts = [json.loads((path / "run.json").read_text(encoding="utf-8")) for path in paths]
    training = {
        "runs": [str(path) for path in paths],
        "seeds": [f.get("seed") for f in facts],
        "seconds": [f.get("seconds", float("nan")) for f in facts],
        "parameters": solvers[0].count()["parameters"],
        "files": [str(f.get("file", "")) for f in facts],
        "data_hash": [f.get("file_hash") for f in facts],
        "card_sha256": [f.get("card_sha256") for f in facts],
        "trained_on": facts[0].get("samples"),
        "machine": facts[0].get("machine"),
        "core_seconds": [_core_seconds(f) for f in facts],
    }
    kind = "trivial" if solvers[0].closed_form else "learned"
    return Entrant(name, kind, card.title if card else facts[0].get("title", ""), (Point({}, solvers),), training)


def _core_seconds(facts: dict[str, Any]) -> float:
    """Seconds of one core that a training on a CPU took; NaN for one on a GPU, whose seconds are another currency."""
    machine = facts.get("machine") or {}
    on_cpu = machine.get("device", "cpu") == "cpu"
    return float(facts.get("seconds", float("nan"))) * (machine.get("threads") or 1) if on_cpu else float("nan")


def trivial_entries(cards: Mapping[str, Card], hold_out: int) -> list[Entry]:
    """The trivial baselines that the plan does not name itself: they are always in.

    hold_out   training samples to choose their settings by, where the file has no split `valid`; else 0
    """
    codes = {card.code for card in cards.values()}
    changes = {"training.hold_out": hold_out} if hold_out else {}
    return [Entry(name=name, set=changes) for name in TRIVIAL if read_card(name).code not in codes]


def persistence(starts: Mapping[str, str]) -> Entrant:
    """The trivial baseline of trajectories, which nothing is spent on."""
    nothing = {
        "runs": [],
        "seeds": [],
        "seconds": [],
        "files": [],
        "data_hash": [],
        "core_seconds": [0.0],
        "parameters": 0,
    }
    title = "the last given frame, again and again"
    return Entrant(PERSISTENCE, "trivial", title, (Point({}, (Persistence(starts, PERSISTENCE),)),), nothing)


def _titled(progress: Progress, title: str) -> Progress:
    return lambda done, total, what: progress(done, total, title + what)
