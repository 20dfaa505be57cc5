"""The ultraspherical method for samples on a line: the code of card `ultraspherical`."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from pdekit.linear.spectral_cases import Cases
from pdekit.linear.spectral_line import SpectralLine
from pdekit.linear.spectral_solvers import FINER, SPARE, Answers, SpectralSolver
from pdekit.solution import Status
from pdekit.space import chebyshev
from pdekit.space.grid import Grid
from pdekit.space.rational import interpolation_matrix
from pdekit.space.series import with_degree

KEPT = 16  # factorised lines that are kept: one for each c/a


@dataclass(frozen=True)
class Ready:
    """(N+1, points) Chebyshev coefficients from samples, (points, N+1) values at the grid's points, lines by their c/a."""

    degree: int
    forward: np.ndarray
    backward: np.ndarray
    lines: dict[float, SpectralLine] = field(default_factory=dict)


class Ultraspherical(SpectralSolver):
    """Chebyshev polynomials on one axis, dirichlet and neumann ends; not two neumann ends without a reaction.

    O(N) a sample. Cases of the same c/a share a factorisation, of which 16 are kept.
    """

    dimensions = (1,)
    most = 2048  # its matrices from and to the points; the solve itself is O(N)

    def set_up(self, grid: Grid, degree: tuple[int, ...]) -> Ready:
        """The matrices between samples and coefficients."""
        (n,), (x,), (length,) = degree, grid.coordinates, grid.length
        finer = max(n, math.ceil(FINER * x.size) + SPARE)
        samples = interpolation_matrix(x, chebyshev.nodes(finer, 0.0, length), self.blend(x.size))
        forward = with_degree(chebyshev.coefficients(samples, axis=0), n, axis=0)
        backward = chebyshev.evaluate(np.eye(n + 1), x, 0.0, length).T
        return Ready(n, forward, backward)

    def answer(self, cases: Cases, ready: Ready) -> Answers:
        """One solve for each group of cases that share c/a. Raises BadInput between two neumann ends where c = 0."""
        n, ratio = cases.a.size, cases.c / cases.a
        f = (cases.source / cases.a[:, None]) @ ready.forward.T
        pair = cases.grid.boundary[0]
        known = np.stack([cases.faces["x_low"], cases.faces["x_high"]], axis=1)
        known = known / np.stack([np.ones(n) if kind == "dirichlet" else cases.a for kind in pair], axis=1)
        u, residual, size = np.zeros_like(f), np.zeros(n), np.zeros(n)
        condition = np.zeros(n)
        status: list[Status | None] = [None] * n
        for c in np.unique(ratio):
            line = self._line(ready, cases.grid, float(c))
            group = np.flatnonzero(ratio == c)
            condition[group] = line.condition
            if line.resonant:
                for i in group:
                    status[i] = Status.BREAKDOWN
                continue
            u[group], residual[group], size[group] = line.series(f[group], known[group])
        for i in range(n):
            if status[i] is None and size[i] == 0:
                status[i] = Status.CONVERGED_ZERO_RHS
        return Answers(u @ ready.backward.T, residual, size, status, {"tail": _tail(u), "condition": condition})

    def _line(self, ready: Ready, grid: Grid, c: float) -> SpectralLine:
        if c not in ready.lines:
            if len(ready.lines) >= KEPT:
                ready.lines.clear()
            ready.lines[c] = SpectralLine(ready.degree, grid.length[0], grid.boundary[0], reaction=c)
        return ready.lines[c]


def _tail(a: np.ndarray) -> np.ndarray:
    """(n,) share of the coefficients' norm above three quarters of the degree."""
    size = np.linalg.norm(a, axis=1)
    return np.linalg.norm(a[:, 1 + 3 * (a.shape[1] - 1) // 4 :], axis=1) / np.where(size > 0, size, 1.0)
