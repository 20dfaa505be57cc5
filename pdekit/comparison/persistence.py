"""The last given frame, again and again: what a solver that ignores time can reach. Every table of trajectories holds it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from pdekit.errors import BadInput
from pdekit.solution import Solution, Status
from pdekit.solver import Instances


class Persistence:
    """A Solver: u(t) = u at the last given frame.

    starts   {output: input that is its start}
    """

    closed_form = True

    def __init__(self, starts: Mapping[str, str], name: str = "persistence") -> None:
        self.starts, self.name = dict(starts), name

    def prepare(self, problem: Any) -> Persistence:
        """Return self: it serves whatever evolves."""
        return self

    def solve(self, instances: Instances) -> Solution:
        """Copies, {output: (n, t, *x)}; frames of a history are given back as they are. Raises BadInput on steady cases."""
        if instances.times is None:
            raise BadInput.of("there is no time to persist through.", found="steady cases")
        begin, n, frames = time.perf_counter(), len(instances), len(instances.times)
        values = {}
        for output, name in self.starts.items():
            given = np.asarray(instances.fields[name], dtype=np.float64)
            if given.ndim == 1 + instances.grid.dim:
                given = given[:, None]
            values[output] = np.concatenate([given, np.repeat(given[:, -1:], frames - given.shape[1], axis=1)], axis=1)
        zeros = np.zeros(n, dtype=int)
        return Solution(
            values,
            [Status.EVALUATED] * n,
            steps=zeros,
            residuals=[np.zeros(0)] * n,
            true_residual=np.full(n, np.nan),
            seconds=np.full(n, (time.perf_counter() - begin) / max(n, 1)),
            setup_seconds=np.zeros(n),
            n_matvec=zeros,
            n_precond=zeros,
            info={"method": self.name},
        )
