"""Has a solver seen the samples that it is compared on? Asked of the data themselves, not of a promise."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from pdekit.data.format import sample_hashes
from pdekit.data.read import DataFile, open_file
from pdekit.errors import BadInput

BLOCK = 64  # samples read at once
LEARNED_FROM = ("train", "valid")


def input_hashes(file: DataFile, split: str, rows: slice) -> np.ndarray:
    """(n,) hashes of all inputs of samples, whatever their answers; empty where the file has no inputs."""
    names = file.names(split, "input", "geometry", "boundary", "parameter")
    if not names:
        return np.zeros(0, dtype=np.uint64)
    n = file.size(split)
    start, stop, _ = rows.indices(n)
    parts = [
        sample_hashes({name: file.read(split, name, slice(a, min(a + BLOCK, stop))) for name in names})
        for a in range(start, stop, BLOCK)
    ]
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.uint64)


def leaked(file: DataFile, asked: Iterable[int]) -> int:
    """How many of the asked input hashes stand in the splits of `file` that solvers learn from."""
    seen: set[int] = set()
    for split in LEARNED_FROM:
        if split in file.splits:
            seen |= set(input_hashes(file, split, slice(None)).tolist())
    return sum(h in seen for h in asked)


def trained_elsewhere(training: dict[str, Any], content_hash: str, asked: list[int], seeds: np.ndarray) -> str:
    """Why a run that was trained on another file cannot be trusted with these samples; "" where it can.

    asked   input hashes of the compared samples
    seeds   their seeds as the generation noted them: equal seeds are equal draws, whatever the resolution
    """
    for run, path, known in zip(training["runs"], training["files"], training["data_hash"], strict=True):
        if known == content_hash:
            continue
        name = Path(run).name
        try:
            with open_file(path) as file:
                if file.content_hash != known:
                    raise BadInput(f"{path!r} has changed since")
                same = leaked(file, asked)
                drawn = [file.record(s).get("sample_seed", np.zeros(0)) for s in LEARNED_FROM if s in file.splits]
                same = max(same, int(np.isin(seeds, np.concatenate(drawn)).sum()) if drawn and seeds.size else 0)
        except BadInput:
            return (
                f"{name} was trained on another file, {Path(path).name!r}, which is not at hand: whether it saw these samples "
                "cannot be known"
            )
        if same:
            return f"{name} was trained on another file, and {same} of these samples stand in what it learned from"
    return ""
