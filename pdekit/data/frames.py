"""Stored frames on the grid on which they are advanced again: the stored one, refined where less was stored than solved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.fft

from pdekit.data.disturbance import disturbed
from pdekit.problems.semilinear import Semilinear
from pdekit.solver import Instances
from pdekit.space.fourier import Fourier
from pdekit.space.grid import Grid


@dataclass(frozen=True)
class Frame:
    """One stored frame of some samples of a batch.

    rows        (n,) their places in the batch
    t           its time
    stored      {output or further input: (n, *x)} as in the file, in float64
    cases       the same on the grid of the computation, as starts
    state       (n, c, *modes) of these
    quantities  {name: (n,)} of that state
    """

    rows: np.ndarray
    t: float
    stored: dict[str, np.ndarray]
    cases: Instances
    state: np.ndarray
    quantities: dict[str, np.ndarray]

    def __getitem__(self, index: np.ndarray) -> Frame:
        """The frame of fewer samples."""
        return replace(
            self,
            rows=self.rows[index],
            stored={name: u[index] for name, u in self.stored.items()},
            cases=self.cases[index],
            state=self.state[index],
            quantities={name: q[index] for name, q in self.quantities.items()},
        )


class FrameGrid:
    """The grid of the computation.

    stored  grid of the file
    solved  points of the grid that the data were computed on
    """

    def __init__(self, problem: Semilinear, stored: Grid, solved: tuple[int, ...]) -> None:
        self.problem, self.stored, self.solved = problem, stored, solved
        points = points_for(stored.points, solved, problem.degree)
        self.grid = (
            stored
            if points == stored.points
            else Grid.make(points, stored.length, location=stored.location, boundary="periodic", unit=stored.unit)
        )
        self.space = problem.space(self.grid)
        self.was_cut = any(n > m for n, m in zip(solved, stored.points, strict=True))
        self.near_grid = stored if self.was_cut else self.grid
        self.inputs = [spec.name for spec in problem.inputs]
        self.outputs = [spec.name for spec in problem.outputs]

    def cases(self, fields: Mapping[str, np.ndarray], parameters: Mapping[str, np.ndarray]) -> Instances:
        """Stored fields {output or further input: (n, *x)} as cases on the grid of the computation."""
        return Instances(self.grid, {self._start(k): self._lifted(u) for k, u in fields.items()}, parameters)

    def near(self, frame: Frame, eps: float) -> Instances:
        """The frame as disturbed cases on `near_grid`: where modes were cut the stored one, whose own cut leaves the last out."""
        fields = {self._start(k): u for k, u in frame.stored.items()} if self.was_cut else frame.cases.fields
        return Instances(self.near_grid, disturbed(fields, eps), frame.cases.parameters)

    def frame(self, fields: Mapping[str, np.ndarray], parameters: Mapping[str, np.ndarray], t: float) -> Frame:
        """The frame at time t of all samples of a batch, with their parameters {name: (n,)}."""
        wide = {name: np.asarray(u, dtype=np.float64) for name, u in fields.items()}
        cases = self.cases(wide, parameters)
        state, n = self.problem.start(cases, self.space), len(cases)
        return Frame(np.arange(n), t, wide, cases, state, self.quantities(self.problem.bind(cases), state, t))

    def quantities(self, own: Any, state: np.ndarray, t: float) -> dict[str, np.ndarray]:
        """{name: (n,)} of what the bound problem watches."""
        found = own.quantities(state, t, self.space)
        return {name: np.broadcast_to(np.asarray(q, dtype=float), len(state)) for name, q in found.items()}

    def at_stored(self, state: np.ndarray) -> dict[str, np.ndarray]:
        """{output: (n, *x)} of a state, on the points of the file."""
        values = self.space.values(state, self.stored.points)
        return {name: values[:, c] for c, name in enumerate(self.outputs)}

    def _start(self, name: str) -> str:
        return dict(zip(self.outputs, self.inputs, strict=False)).get(name, name)

    def _lifted(self, u: np.ndarray) -> np.ndarray:
        if self.grid is self.stored:
            return np.asarray(u, dtype=np.float64)
        fourier = Fourier.of(self.stored)
        return fourier.values(fourier.forward(np.asarray(u, dtype=np.float64)), self.grid.points)


def points_for(stored: Sequence[int], solved: Sequence[int], degree: int) -> tuple[int, ...]:
    """Points per axis that keep every stored mode in products of that degree, no more than were solved on; an even number
    whose half has small factors only, for the transforms."""
    out = []
    for m, n in zip(stored, solved, strict=True):
        need = (degree + 1) * ((m - 1) // 2) + 1
        fast = 2 * (scipy.fft.next_fast_len(-(-need // 2), True) or need)
        out.append(n if n <= m else max(m, min(n, fast)))
    return tuple(out)
