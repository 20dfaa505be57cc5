"""Which frames of a trajectory the solvers are given and which they are scored on: the same for all of them.

A learned solver may have a memory, `history` frames; the others start from one. All are given the frames up to the same
instant, the longest memory's last one, and none is scored before: neither is a classical solver charged for time that a
network is handed, nor does a network start from a later state.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pdekit.errors import BadInput
from pdekit.metrics import METRICS, score
from pdekit.problems.evolution import Evolution
from pdekit.solver import Instances
from pdekit.space.grid import Grid


@dataclass(frozen=True)
class Frames:
    """The frames of a comparison or an evaluation.

    times    (t,) of all stored frames, in T
    given    how many leading ones every solver knows
    starts   {output: the input that is its first frame}
    unit     of time
    settled  time, on the axis of `times`, from which on statistics of long runs are taken: after the transient; None: of all
             scored frames
    """

    times: np.ndarray
    given: int
    starts: Mapping[str, str]
    unit: str = "1"
    settled: float | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.given < len(self.times):
            raise BadInput.of(
                "no frame is left to score.",
                found=f"{len(self.times)} frames, of which {self.given} are given",
                allowed="trajectories longer than the longest history of the solvers",
            )
        if not self.times[self.given :][self.late].size:
            raise BadInput.of(
                "no frame is left for statistics.",
                found=f"statistics from t = {self.settled:g}, frames to t = {self.times[-1]:g}",
                allowed=f"a time up to {self.times[-1]:g}",
            )

    @property
    def late(self) -> slice:
        """Of the scored frames those that statistics of long runs are taken over."""
        if self.settled is None:
            return slice(0, None)
        first = self.settled - 1e-9 * abs(self.settled)  # frame times are rounded
        return slice(int(np.searchsorted(self.times[self.given :], first)), None)

    @property
    def lead(self) -> np.ndarray:
        """(t - given,) time of each scored frame since the last given one."""
        return self.times[self.given :] - self.times[self.given - 1]

    def asked(self, instances: Instances, values: Mapping[str, np.ndarray], history: int = 1) -> Instances:
        """The cases as a solver with a memory of `history` frames is given them; it answers from the first of these on.

        values   {output: (n, t, *x)}: whence later starts and histories are taken
        """
        first = self.given - history
        if first == 0 and history == 1:
            return instances
        missing = [name for name in values if name not in self.starts]
        if missing:
            raise BadInput.of(
                "the frames that a solver is given have no place among the inputs.",
                found=f"no input equals the first frame of {', '.join(missing)}",
                allowed="an input for each output, its start",
            )
        span = slice(first, self.given)
        starts = {
            self.starts[name]: array[:, span] if history > 1 else array[:, first] for name, array in values.items()
        }
        return replace(instances, fields={**instances.fields, **starts}, times=self.times[first:])

    def scored(self, array: np.ndarray) -> np.ndarray:
        """The scored frames of all stored ones, (n, t, ...)."""
        return array[:, self.given :]

    def answered(self, array: np.ndarray, history: int) -> np.ndarray:
        """The scored frames of an answer to `asked`, which begins with `history` given ones. Raises BadInput on others."""
        count = len(self.times) - self.given
        if array.ndim < 3 or array.shape[1] != count + history:
            raise BadInput.of(
                "the solver's answer is no trajectory at the times that it was asked for.",
                found=f"shape {array.shape}",
                allowed=f"(n, {count + history}, *x)",
            )
        return array[:, history:]


def frames_of(
    problem: Any,
    instances: Instances,
    outputs: Mapping[str, np.ndarray],
    given: int = 1,
    unit: str = "1",
    settled: float | None = None,
) -> Frames | None:
    """The frames of cases that evolve; None where they are steady. Raises BadInput where nothing is left to score."""
    if instances.times is None:
        return None
    dim = instances.grid.dim
    steady = [name for name, array in outputs.items() if array.ndim != dim + 2]
    if steady:
        raise BadInput.of(
            "some outputs are trajectories and some are not.",
            found=f"no time axis: {', '.join(steady)}",
            allowed="outputs (n, t, *x) at the same times",
        )
    times = np.asarray(instances.times, dtype=np.float64)
    return Frames(times, given, starts_of(problem, instances, outputs), unit, settled)


def scores(
    names: Sequence[str], pair: tuple[np.ndarray, np.ndarray], grid: Grid, frames: Frames | None
) -> dict[str, np.ndarray]:
    """`score` of an answer beside the truth, (n, t, *x, c) on the scored frames: statistics over the settled ones alone."""
    if frames is None or not frames.late.start:
        return score(names, *pair, grid)
    plain = [name for name in names if not METRICS[name].statistic]
    found = score(plain, *pair, grid) if plain else {}
    late = [name for name in names if METRICS[name].statistic]
    if late:
        own, ref = (array[:, frames.late] for array in pair)
        found |= score(late, own, ref, grid)
    return {name: found[name] for name in names}


def starts_of(problem: Any, instances: Instances, outputs: Mapping[str, np.ndarray]) -> dict[str, str]:
    """{output: input that is its first frame}: by the order of an evolution's fields, else by equal values."""
    if isinstance(problem, Evolution):
        pairs = zip(problem.outputs, problem.inputs, strict=False)
        return {out.name: given.name for out, given in pairs if given.name in instances.fields}
    return {
        out: name
        for out, array in outputs.items()
        for name, field in instances.fields.items()
        if field.shape == array[:, 0].shape and np.array_equal(field, array[:, 0])
    }


def history_of(solver: Any) -> int:
    """Frames that a solver must be given: its memory where it has one, else its start alone."""
    return max(1, int(getattr(solver, "history", 1)))


def longest(solvers: Iterable[Any]) -> int:
    """The longest memory."""
    return max((history_of(s) for s in solvers), default=1)
