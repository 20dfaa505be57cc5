"""Chebyshev collocation for samples of a grid whose walls hold known values: the code of card `chebyshev-collocation`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pdekit.linear.spectral_box import RESONANT
from pdekit.linear.spectral_cases import Cases
from pdekit.linear.spectral_collocation import Collocation
from pdekit.linear.spectral_solvers import Answers, SpectralSolver
from pdekit.solution import Status
from pdekit.space import chebyshev
from pdekit.space.grid import Grid
from pdekit.space.rational import interpolation_matrix
from pdekit.space.series import along_axes


@dataclass(frozen=True)
class Ready:
    """The equations, and per axis (N+1, points) values at the nodes from samples, (points, N+1) back."""

    equations: Collocation
    forward: tuple[np.ndarray, ...]
    backward: tuple[np.ndarray, ...]


class ChebyshevCollocation(SpectralSolver):
    """The equation at the inner Chebyshev nodes of a box of 1 to 3 axes, dirichlet faces; 4 products of matrices per axis.

    The source is read at the nodes only: what it does between them is folded into what the polynomials can hold.
    """

    kinds = ("dirichlet",)
    most = 256

    def set_up(self, grid: Grid, degree: tuple[int, ...]) -> Ready:
        """Eigenvectors and interpolation; O(N^3) per axis."""
        equations = Collocation.make(degree, grid.length)
        forward, backward = [], []
        for line, x in zip(equations.lines, grid.coordinates, strict=True):
            forward.append(interpolation_matrix(x, line.nodes, self.blend(x.size)))
            backward.append(chebyshev.interpolate(np.eye(line.nodes.size), x, 0.0, line.length).T)
        return Ready(equations, tuple(forward), tuple(backward))

    def answer(self, cases: Cases, ready: Ready) -> Answers:
        """Source and walls at the nodes; one division per mode; values."""
        system = ready.equations
        one, inner = (-1, *(1,) * cases.grid.dim), tuple(range(1, 1 + cases.grid.dim))
        c = cases.c / cases.a
        nearest = np.array([system.nearest(float(v)) for v in c])
        status: list[Status | None] = [
            Status.BREAKDOWN if v != 0 and near < RESONANT * abs(v) else None
            for v, near in zip(c, nearest, strict=True)
        ]
        lost = np.array([s is not None for s in status])
        c = np.where(lost, 0.0, c).reshape(one)
        f = along_axes(ready.forward, cases.source / cases.a.reshape(one))
        u, b = system.solve(f, _walls(cases, ready.forward, f.shape), c)
        left = f[system.inner] - system.operator(u, c)
        size, residual = (np.sqrt((v**2).sum(axis=inner)) for v in (b, left))
        for i in np.flatnonzero((size == 0) & ~lost):
            status[i] = Status.CONVERGED_ZERO_RHS
        residual = np.where(size > 0, residual / np.where(size > 0, size, 1.0), 0.0)
        info = {"nearest": cases.a * nearest, "tail": _tail(u)}
        return Answers(along_axes(ready.backward, u), residual, size, status, info)


def _walls(cases: Cases, forward: tuple[np.ndarray, ...], shape: tuple[int, ...]) -> np.ndarray:
    """(n, *N+1) what is known at the nodes of the walls, 0 inside. Nodes descend: index 0 is the high face."""
    out = np.zeros(shape)
    for axis, name in enumerate(cases.grid.axes):
        others = [m for k, m in enumerate(forward) if k != axis]
        for side, end in (("low", -1), ("high", 0)):
            out[(slice(None), *(slice(None),) * axis, end)] = along_axes(others, cases.faces[f"{name}_{side}"])
    return out


def _tail(u: np.ndarray) -> np.ndarray:
    """(n,) share of the Chebyshev coefficients' norm above three quarters of the degree along any axis."""
    a = u
    for axis in range(1, u.ndim):
        a = chebyshev.coefficients(a, axis=axis)
    low = a[(slice(None), *(slice(1 + 3 * (m - 1) // 4) for m in a.shape[1:]))]
    total, kept = ((v.reshape(len(u), -1) ** 2).sum(axis=1) for v in (a, low))
    return np.sqrt(np.maximum(total - kept, 0.0) / np.where(total > 0, total, 1.0))
