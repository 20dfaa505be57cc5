"""Fits a closed-form solver: the same run folder as a network's, with one line of history."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pdekit.data.windows import BLOCK, Samples
from pdekit.models.closed_form import Blocks, ClosedForm
from pdekit.training import history
from pdekit.training.loop import mean_error
from pdekit.training.losses import l2_norm
from pdekit.training.record import machine
from pdekit.training.settings import LearnedCard
from pdekit.training.source import Source

Progress = Callable[[int, int, str], None]


def fit_closed_form(
    cls: Any, tables: LearnedCard, source: Source, run: Path, progress: Progress | None = None
) -> dict[str, Any]:
    """Fit, score on the selection split, save; returns what run.json should say."""
    solver: ClosedForm = cls(tables.model, source.channels, source.grid, source.problem)
    chosen = solver.fit(
        _blocks(source.train, source.channels.shifts, progress), _blocks(source.valid, source.channels.shifts)
    )
    error, left_out = _error(solver, source)
    solver.save(run / "best.safetensors")
    history.cut(run / "history.jsonl", 0)
    line = {"epoch": 1, "valid_relative_l2": error, "valid_zero_references": left_out, "best": True, **chosen}
    history.append(run / "history.jsonl", line)
    return {
        **solver.count(),
        **chosen,
        "best_epoch": 1,
        "best_valid_relative_l2": error,
        "epochs": 1,
        "samples": source.sizes,
        "machine": machine(torch.device("cpu"), torch.get_num_threads()),
    }


def _blocks(samples: Samples, shifts: tuple[float, ...], progress: Progress | None = None) -> Blocks:
    """Scaled blocks of at most 64 MiB, in the order of the file."""
    x, y = samples[slice(0, 1)]
    step, n = max(1, BLOCK // (x.nbytes + y.nbytes)), len(samples)
    shift = np.reshape(shifts, (-1, *(1,) * (y.ndim - 2))).astype(np.float32)

    def blocks() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for start in range(0, n, step):
            stop = min(start + step, n)
            x, y = samples[slice(start, stop)]
            yield x.numpy(), y.numpy() - shift
            if progress is not None:
                progress(stop, n, f"fitting to {samples.split}")

    return blocks


def _error(solver: ClosedForm, source: Source) -> tuple[float, int]:
    """`mean_error` of the relative L2 error on the selection split, in physical units."""
    norm = l2_norm(source.valid_grid, torch.device("cpu"))
    shift = torch.tensor(source.channels.shifts).reshape(-1, *(1,) * source.grid.dim)
    errors, references = [], []
    for x, y in _blocks(source.valid, source.channels.shifts)():
        prediction, reference = torch.from_numpy(solver.predict(x, source.valid_grid).copy()), torch.from_numpy(y)
        size = norm(reference + shift)
        errors.append((norm(prediction - reference) / size).flatten())
        references.append(size.flatten())
    source.train.close()
    source.valid.close()
    return mean_error(torch.cat(errors), torch.cat(references))
