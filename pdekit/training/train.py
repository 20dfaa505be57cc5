"""`train`: a card and a file in, a run folder out.

RUN/card.toml         the card as run
    run.json          hashes, seed, versions, machine, seconds, parameters, best epoch and value
    history.jsonl     one line per epoch
    best.safetensors  what `load_solver` reads
    last.safetensors  what `resume` goes on from
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from pdekit.errors import BadInput, SolveError, StorageError
from pdekit.models.solver import LearnedSolver
from pdekit.registry import Card, find_card, read_card, solver_class
from pdekit.settings import to_toml
from pdekit.training.closed_form import fit_closed_form
from pdekit.training.network import train_network
from pdekit.training.record import read_json, text_hash, versions, write_json, write_text
from pdekit.training.settings import LearnedCard, check_card
from pdekit.training.source import Source, read_source

Progress = Callable[[int, int, str], None]
SAME = {"card_sha256": "card", "file_hash": "data", "seed": "seed"}  # what a resumed run must share with its start


def train(  # noqa: PLR0913 - the options of the command
    solver: str | Path,
    file: str | Path,
    *,
    out: str | Path,
    overrides: Mapping[str, Any] | Iterable[str] | None = None,
    seed: int = 0,
    device: str = "auto",
    devices: int = 1,
    nodes: int = 1,
    resume: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Train the learned solver of a card on the train split of a file; returns the run folder `out`.

    solver      a name in `solvers/`, or a path to a card
    overrides   {"training.epochs": 60}, or ["training.epochs=60"]
    device      "auto" (a GPU where there is one) | "cpu" | "cuda"
    resume      go on with the run in `out` from its last whole epoch, to the same bits on CPU; refused where card, file
                or seed differ; starts where there is nothing yet, and returns at once where all is done

    Raises BadInput before any work, SolveError where the loss stops being finite, StorageError where a write fails.
    """
    begin = time.perf_counter()
    where = _device(device)
    if devices != 1 or nodes != 1:
        raise BadInput.of(
            "training on several devices is not part of this version.",
            found=f"devices = {devices}, nodes = {nodes}",
            allowed="devices = 1, nodes = 1",
        )
    if isinstance(seed, bool) or not 0 <= seed < 2**63:
        raise BadInput.of("the seed cannot be used.", found=repr(seed), allowed="an integer from 0 to 2^63 - 1")
    card, cls, tables = check_trainable(solver, overrides)
    source = read_source(Path(file), card, tables)

    run = Path(out)
    facts = _facts(card, source, seed, Path(solver).stem)
    earlier = _open_run(run, card, facts, resume=resume)
    if earlier.get("status") == "finished":
        return run
    try:
        if cls.closed_form:
            outcome = fit_closed_form(cls, tables, source, run, progress)
        else:
            threads = earlier.get("threads")
            outcome = train_network(
                cls, tables, source, run, seed=seed, device=where, threads=threads, progress=progress
            )
    except (BadInput, SolveError) as error:
        if isinstance(error, BadInput) and not earlier and not any(run.glob("*.safetensors")):
            shutil.rmtree(run, ignore_errors=True)  # card or data were refused: nothing was trained, nothing stays
        else:
            write_json(run / "run.json", {**read_json(run / "run.json"), "status": "failed", "reason": str(error)})
        raise
    seconds = outcome.pop("earlier_seconds", 0.0) + time.perf_counter() - begin
    write_json(run / "run.json", {**facts, "status": "finished", "seconds": seconds, **outcome})
    return run


def check_trainable(
    solver: str | Path, overrides: Mapping[str, Any] | Iterable[str] | None = None
) -> tuple[Card, type[LearnedSolver], LearnedCard]:
    """The card of a learned solver, its class and its tables, all checked. Raises BadInput with all faults."""
    card = read_card(solver, overrides)
    cls = _learned_class(card, str(solver))
    return card, cls, check_card(card, cls, f"solver card {find_card(str(solver))}")


def _device(name: str) -> torch.device:
    if name not in ("auto", "cpu", "cuda"):
        raise BadInput.of("there is no such device.", found=repr(name), allowed='"auto", "cpu", "cuda"')
    if name == "cuda" and not torch.cuda.is_available():
        raise BadInput.of("torch finds no GPU on this machine.", found='device = "cuda"', hint='use "cpu" or "auto"')
    return torch.device("cuda" if name == "cuda" or (name == "auto" and torch.cuda.is_available()) else "cpu")


def _learned_class(card: Card, name: str) -> type[LearnedSolver]:
    cls = solver_class(card)
    if not card.learned or not issubclass(cls, LearnedSolver):
        raise BadInput.of(
            f"solver {name!r} has nothing to train.",
            found="a card without [model]: a classical solver",
            hint=f"use it as it is: `pdekit compare FILE --solver {name} ...`",
        )
    return cls


def _facts(card: Card, source: Source, seed: int, name: str) -> dict[str, Any]:
    problem = source.problem
    return {
        "format": 1,
        "status": "running",
        "solver": name,
        "title": card.title,
        "card_sha256": _card_hash(card),
        "file": source.file,
        "file_hash": source.file_hash,
        "problem": problem.name if problem else "",
        "parameters_of_problem": asdict(problem) if problem else {},  # pyright: ignore[reportArgumentType]
        "grid": asdict(source.grid),
        "channels": source.channels.model_dump(),
        **({} if source.clock is None else {"clock": source.clock.model_dump()}),
        "seed": seed,
        "versions": versions(),
    }


def _card_hash(card: Card) -> str:
    """Of all that a training depends on; another title or another warning makes no other run."""
    tables = {"code", "model", "scaling", "training", *(("time",) if card.time else ())}
    return text_hash(to_toml(card.model_dump(include=tables)))


def _open_run(run: Path, card: Card, facts: dict[str, Any], *, resume: bool) -> dict[str, Any]:
    """Make the run folder, or find what an earlier part of this run noted. Raises BadInput."""
    if not run.exists() or (run.is_dir() and not any(run.iterdir())):
        try:
            run.mkdir(parents=True, exist_ok=True)
        except (NotADirectoryError, FileExistsError, PermissionError) as error:
            raise BadInput.of(
                f"the run folder {str(run)!r} cannot be made.",
                found=error.strerror,
                hint="choose an --out in a folder that you may write to",
            ) from None
        except OSError as error:
            raise StorageError.of(run, error) from None
        write_text(run / "card.toml", to_toml(card.model_dump()))
        write_json(run / "run.json", facts)
        return {}
    if not resume:
        raise BadInput.of(
            f"{str(run)!r} exists already.", hint="--resume goes on with it; or choose another folder for a new run"
        )
    if not (run / "run.json").is_file():
        raise BadInput.of(f"{str(run)!r} is not a run that could be resumed.", found="no run.json in it")
    earlier = read_json(run / "run.json")
    different = [what for key, what in SAME.items() if earlier.get(key) != facts[key]]
    if different:
        raise BadInput.of(
            f"the run in {str(run)!r} cannot be resumed: it began with another {' and another '.join(different)}.",
            found=", ".join(f"{k} = {facts[k]}" for k, what in SAME.items() if what in different),
            allowed=", ".join(f"{k} = {earlier.get(k)}" for k, what in SAME.items() if what in different),
            hint="give the same card, overrides, file and seed, or train into another folder",
        )
    return earlier
