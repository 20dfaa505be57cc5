"""Trains a network: sets it up on its device, runs the epochs, writes the checkpoints."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric

from pdekit.data.windows import Resident, Streamed, open_samples
from pdekit.models.network import NetworkSolver
from pdekit.training import history
from pdekit.training.augment import Augmentation
from pdekit.training.checkpoint import State, load_state, save_state, seeded
from pdekit.training.course import course_for
from pdekit.training.loop import run_epoch
from pdekit.training.losses import make_loss
from pdekit.training.optim import make_optimizer, make_rates
from pdekit.training.record import machine, read_json, write_json
from pdekit.training.settings import LearnedCard, Training
from pdekit.training.source import Source

Progress = Callable[[int, int, str], None]
EVERY = 0.2  # seconds between calls of `progress`


def train_network(
    cls: Any,
    tables: LearnedCard,
    source: Source,
    run: Path,
    *,
    seed: int,
    device: torch.device,
    threads: int | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Train and save; returns what run.json should say. `threads` is what an earlier part of the run used."""
    settings: Training = tables.training
    threads = threads or chosen_threads(settings.threads)
    with ExitStack() as stack:
        stack.enter_context(arithmetic(threads))
        stack.enter_context(seeded(seed))
        solver: NetworkSolver = cls(tables.model, source.channels, source.grid, source.problem, source.clock)
        write_json(run / "run.json", {**read_json(run / "run.json"), "threads": threads})
        fabric = Fabric(accelerator="cuda" if device.type == "cuda" else "cpu", devices=1, precision="32-true")
        fabric.launch()
        data: list[Resident | Streamed] = []
        budget = settings.memory * 2**20  # of both together
        for samples in (source.train, source.valid):
            part = open_samples(samples, device, budget=budget, workers=settings.workers, progress=progress)
            stack.callback(part.close)
            budget -= part.nbytes
            data.append(part)
        state = _epochs(fabric, solver, settings, source, data, run, seed=seed, progress=progress)
    return {
        **solver.count(),
        "best_epoch": state.best_epoch,
        "best_valid_relative_l2": state.best_value,
        "epochs": state.epoch,
        "steps": state.step,
        "samples": source.sizes,
        "data": data[0].where,
        "augmentation": [s.name for s in source.symmetries] if settings.augmentation else [],
        "earlier_seconds": state.seconds,
        "threads": threads,
        "machine": machine(device, threads),
    }


def _epochs(
    fabric: Fabric,
    solver: NetworkSolver,
    settings: Training,
    source: Source,
    data: list[Resident | Streamed],
    run: Path,
    *,
    seed: int,
    progress: Progress | None,
) -> State:
    """All epochs that are left. The state's `seconds` are those of earlier parts of the run."""
    train_data, valid_data = data
    network, optimizer = fabric.setup(solver.network, make_optimizer(settings.optimizer, solver.network.parameters()))
    solver.device = fabric.device
    course = course_for(settings, source, seed)
    per_epoch = course.per_epoch
    rate = settings.optimizer.learning_rate
    step = course.step(
        fabric.device,
        network=network,
        optimizer=optimizer,
        loss=make_loss(settings.loss, source.grid, fabric.device),
        rates=make_rates(settings.schedule, rate, settings.epochs * per_epoch),
        rate=rate,
        clip=settings.clip,
        backward=fabric.backward,
        parameters=list(solver.network.parameters()),
        noise=settings.noise,
    )
    augmentation = _augmentation(settings, source)
    state = State()
    if (run / "last.safetensors").is_file():
        state = load_state(run / "last.safetensors", solver.network, optimizer.optimizer)
    history.cut(run / "history.jsonl", state.epoch)
    earlier, begin = state.seconds, time.perf_counter()
    report = _Reporter(progress, settings.epochs * per_epoch)

    solver.network.train()
    while state.epoch < settings.epochs:
        epoch = state.epoch + 1
        order = course.order(epoch)
        drawn = augmentation.draw(np.random.default_rng([seed, epoch, 1]), order) if augmentation else []
        losses = run_epoch(
            step,
            train_data,
            order,
            first=state.step,
            epoch=epoch,
            augmentation=augmentation,
            drawn=drawn,
            on_step=report.for_epoch(epoch, state.step),
        )
        state.epoch, state.step = epoch, state.step + len(order)
        found = course.validate(solver.network, valid_data, fabric.device)
        error = found["valid_relative_l2"]
        improved = error < state.best_value
        if improved:
            state.best_epoch, state.best_value = epoch, error
            solver.save(run / "best.safetensors")
        state.seconds = earlier + time.perf_counter() - begin
        line = {
            "epoch": epoch,
            "step": state.step,
            "train_loss": float(losses.double().mean()),
            **found,
            "best": improved,
            "learning_rate": step.rates(state.step - 1)[0],
            "augmentation": augmentation.counts(drawn) if augmentation else {},
            "seconds": state.seconds,
        }
        history.append(run / "history.jsonl", line)
        save_state(run / "last.safetensors", solver.network, optimizer.optimizer, state)
        report.say(f"epoch {epoch}/{settings.epochs}, train {line['train_loss']:.4f}, valid {error:.4f}")
    state.seconds = earlier
    return state


class _Reporter:
    """Calls `progress` a few times a second, and at the end of each epoch."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self.progress, self.total = progress, total
        self.done, self.last, self.text = 0, 0.0, "training"

    def for_epoch(self, epoch: int, before: int) -> Callable[[int], None] | None:
        if self.progress is None:
            return None

        def on_step(steps: int) -> None:
            self.done = before + steps
            if time.perf_counter() - self.last > EVERY:
                self.say(self.text)

        return on_step

    def say(self, text: str) -> None:
        self.text, self.last = text, time.perf_counter()
        if self.progress is not None:
            self.progress(self.done, self.total, text)


def _augmentation(settings: Training, source: Source) -> Augmentation | None:
    if settings.augmentation is False or len(source.symmetries) < 2:
        return None
    per = "sample" if settings.augmentation == "sample" else "batch"
    return Augmentation(source.symmetries, source.channels.inputs, source.channels.outputs, per)


def chosen_threads(setting: int | str) -> int:
    """Torch's threads on the CPU: the card's number, else OMP_NUM_THREADS, else every core this process may use."""
    if isinstance(setting, int):
        return setting
    asked = os.environ.get("OMP_NUM_THREADS", "")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return int(asked) if asked.isdigit() and int(asked) > 0 else cores


@contextmanager
def arithmetic(threads: int) -> Iterator[None]:
    """A fixed number of threads, and float32 that is not rounded to TF32 on the way; put back behind."""
    before = torch.get_num_threads(), torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    torch.set_num_threads(threads)
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = before[1:]
