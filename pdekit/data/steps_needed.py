"""How many steps an interval needs, sample by sample: twice as many until their error is small, and a guess for the next one."""

from __future__ import annotations

from dataclasses import dataclass, fields
from math import prod
from typing import Any

import numpy as np

from pdekit.data.disturbance import norm
from pdekit.data.frames import Frame
from pdekit.data.reruns import LINEAR, PATH, Reruns
from pdekit.space.grid import Grid

SHARP = 1e-5  # of the change between frames: steps need not be finer
FIRST = 2  # steps of an interval of which nothing is known; the least that have a half
MOST = 2**14  # steps of an interval
MARGIN = 1.1  # times the steps that would just have sufficed


@dataclass(frozen=True)
class Path:
    """How samples came from one stored frame to the next.

    ends       (n, c, *modes)
    steps      (n, c) error of the steps, as 2-norm on the stored points
    counts     (n,) steps taken
    next       (n,) as many as a like interval needs: more than now or fewer
    integrals  {quantity: (n, 2)} as in `Run`
    """

    ends: np.ndarray
    steps: np.ndarray
    counts: np.ndarray
    next: np.ndarray
    integrals: dict[str, np.ndarray]

    def __getitem__(self, index: np.ndarray) -> Path:
        """The path of fewer samples."""
        return Path(*(_taken(getattr(self, f.name), index) for f in fields(self)))

    def put(self, index: np.ndarray, other: Path) -> None:
        """Replace what is known of some samples."""
        for f in fields(self):
            _put(getattr(self, f.name), index, getattr(other, f.name))


def converged(runs: Reruns, stored: Grid, frames: tuple[Frame, Frame], eps: float, counts: np.ndarray) -> Path:
    """The path from frame to frame by enough steps; each sample begins with its own of `counts` (n,), even numbers, or where
    it shares a batch with the most of that batch."""
    a, b = frames
    if runs.linear:
        n, c = a.state.shape[:2]
        run = runs.run(a.state, a.rows, (a.t, b.t), LINEAR, watch=True)
        many = np.full(n, PATH)
        return Path(run.ends, np.zeros((n, c)), many, many, run.integrals)
    parts: list[tuple[np.ndarray, Path]] = []
    counts = _shared(counts, runs.batch)
    for first in np.unique(counts):
        rows, count = np.flatnonzero(counts == first), int(first)
        half = runs.run(a.state[rows], a.rows[rows], (a.t, b.t), count // 2).ends
        while rows.size:
            path, ratio = _stepped(runs, stored, (a[rows], b[rows]), eps, count, half)
            done = (ratio <= 1) | (count >= MOST)
            parts.append((rows[done], path[done]))
            rows, half, count = rows[~done], path.ends[~done], 2 * count
    return _joined(parts, len(a.rows))


def finer(runs: Reruns, stored: Grid, frames: tuple[Frame, Frame], eps: float, path: Path) -> Path:
    """A path of twice the steps or more, at least as many as give `PATH` parts to the integrals."""
    a, b = frames
    counts, parts = np.maximum(2 * path.counts, PATH), []
    for count in np.unique(counts):
        rows = np.flatnonzero(counts == count)
        found, _ = _stepped(runs, stored, (a[rows], b[rows]), eps, int(count), path.ends[rows])
        parts.append((rows, found))
    return _joined(parts, len(a.rows))


def _stepped(
    runs: Reruns, stored: Grid, frames: tuple[Frame, Frame], eps: float, count: int, half: np.ndarray
) -> tuple[Path, np.ndarray]:
    """The path by `count` steps, and (n,) its error over the allowed one; `half` are the ends by half the steps or fewer."""
    a, b = frames
    run = runs.run(a.state, a.rows, (a.t, b.t), count, watch=True)
    with np.errstate(over="ignore", invalid="ignore"):
        error = 2 / 15 * np.sqrt(prod(stored.points) * runs.space.mean_square(run.ends - half))
    there = {name: norm(u) for name, u in b.stored.items()}
    names = [spec.name for spec in runs.problem.outputs]
    allowed = [np.maximum(eps * there[k], SHARP * norm(b.stored[k] - a.stored[k])) for k in names]
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        ratio = np.where(error == 0, 0.0, error / np.stack(allowed, axis=1)).max(axis=1)
    counts = np.full(len(ratio), count)
    return Path(run.ends, error, counts, _guess(counts, ratio), run.integrals), ratio


def _guess(counts: np.ndarray, ratio: np.ndarray) -> np.ndarray:
    """2, 4, 6, 8, 10, 12, 14, 16, 20 ..: the least that suffices where errors fall as the fourth power, at least now/4."""
    ladder = np.array([2, 4, 6, *(k * 2**i for i in range(1, 13) for k in (4, 5, 6, 7))])
    with np.errstate(invalid="ignore"):
        wanted = np.nan_to_num(counts * np.maximum(MARGIN * ratio**0.25, 1 / 4), nan=MOST, posinf=MOST)
    return ladder[np.minimum(np.searchsorted(ladder, np.minimum(wanted, MOST)), len(ladder) - 1)]


def _shared(counts: np.ndarray, batch: int) -> np.ndarray:
    """(n,) counts of which each serves whole batches of samples, but for the last."""
    order, out = np.argsort(counts)[::-1], counts.copy()
    for i in range(0, len(counts), batch):
        some = order[i : i + batch]
        out[some] = counts[some].max()
    return out


def _joined(parts: list[tuple[np.ndarray, Path]], n: int) -> Path:
    first = parts[0][1]
    out = Path(*(_empty(getattr(first, f.name), n) for f in fields(first)))
    for rows, path in parts:
        out.put(rows, path)
    return out


def _taken(known: Any, index: np.ndarray) -> Any:
    return {name: u[index] for name, u in known.items()} if isinstance(known, dict) else known[index]


def _empty(like: Any, n: int) -> Any:
    if isinstance(like, dict):
        return {name: _empty(u, n) for name, u in like.items()}
    return np.empty((n, *like.shape[1:]), like.dtype)


def _put(known: Any, index: np.ndarray, new: Any) -> None:
    if isinstance(known, dict):
        for name, u in known.items():
            u[index] = new[name]
    else:
        known[index] = new
