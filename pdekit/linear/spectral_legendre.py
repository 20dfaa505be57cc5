"""The Galerkin solver in Legendre polynomials for samples of a grid: the code of card `legendre-galerkin`."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pdekit.linear.spectral_basis import basis
from pdekit.linear.spectral_box import RESONANT
from pdekit.linear.spectral_cases import Cases
from pdekit.linear.spectral_galerkin import Galerkin
from pdekit.linear.spectral_solvers import FINER, SPARE, Answers, SpectralSolver
from pdekit.solution import Status
from pdekit.space import legendre
from pdekit.space.grid import Grid
from pdekit.space.rational import interpolation_matrix
from pdekit.space.series import along_axes


@dataclass(frozen=True)
class Ready:
    """equations, and per axis (N+1, points) Legendre coefficients from samples, (points, N+1) values at the grid's points."""

    equations: Galerkin
    forward: tuple[np.ndarray, ...]
    backward: tuple[np.ndarray, ...]


class LegendreGalerkin(SpectralSolver):
    """Shen's Legendre basis on a box of 1 to 3 axes, dirichlet and neumann faces. A batch is 5 products of matrices per axis."""

    def set_up(self, grid: Grid, degree: tuple[int, ...]) -> Ready:
        """Bases and matrices; O(N^3) per axis."""
        bases, forward, backward = [], [], []
        for n, length, kinds, x in zip(degree, grid.length, grid.boundary, grid.coordinates, strict=True):
            bases.append(basis(n, length, kinds))
            rule = legendre.transform(max(n, math.ceil(FINER * x.size) + SPARE))
            samples = interpolation_matrix(x, rule.nodes(0.0, length), self.blend(x.size))
            forward.append(rule.forward[: n + 1] @ samples)
            backward.append(legendre.polynomials(n, x, 0.0, length))
        return Ready(Galerkin(tuple(bases)), tuple(forward), tuple(backward))

    def answer(self, cases: Cases, ready: Ready) -> Answers:
        """Coefficients of the source, less those of a lift of the faces; modes; values."""
        system, n = ready.equations, cases.a.size
        one = (-1, *(1,) * cases.grid.dim)
        c = cases.c / cases.a
        right = along_axes(ready.forward, cases.source / cases.a.reshape(one))
        lifted, defect = system.lift(_known(cases, ready.forward))
        if lifted.any():
            right = right - system.operator(lifted, c.reshape(one))
        free = (c == 0) & system.floats
        level = np.where(free, _share(right, system), 0.0)
        nearest = np.array([system.nearest(float(v)) for v in c])
        status: list[Status | None] = [None] * n
        for i in range(n):
            if c[i] != 0 and nearest[i] < RESONANT * abs(c[i]):
                status[i] = Status.BREAKDOWN
            elif free[i] and min(cases.imbalance[i], level[i]) > cases.rounding and not self.project_rhs:
                status[i] = Status.INCOMPATIBLE_RHS
        lost = np.array([s is not None for s in status])
        right[(free, *(0,) * cases.grid.dim)] = 0.0
        b = system.tested(right)
        c = np.where(lost, _elsewhere(system), c).reshape(one)
        x = system.solve(b, c)
        size, left = _norm(b), _norm(b - system.product(x, c))
        for i in np.flatnonzero((size == 0) & ~lost):
            status[i] = Status.CONVERGED_ZERO_RHS
        u = system.series(x) + lifted
        info = {
            "tail": _tail(u, system),
            "corner_defect": np.asarray(defect),
            "incompatible": level,
            "nearest": cases.a * nearest,
            "amplification": np.divide(1.0, cases.a * nearest, out=np.full(n, math.inf), where=nearest > 0),
        }
        residual = np.where(size > 0, left / np.where(size > 0, size, 1.0), 0.0)
        return Answers(along_axes(ready.backward, u), residual, size, status, info)


def _known(cases: Cases, forward: tuple[np.ndarray, ...]) -> list[np.ndarray]:
    """Per axis (n, 2, *others) Legendre coefficients of u or du/dn on its faces."""
    out = []
    for axis, (name, pair) in enumerate(zip(cases.grid.axes, cases.grid.boundary, strict=True)):
        others = [m for k, m in enumerate(forward) if k != axis]
        both = [along_axes(others, cases.faces[f"{name}_{side}"]) for side in ("low", "high")]
        one = (-1, *(1,) * (cases.grid.dim - 1))
        scale = [1.0 if kind == "dirichlet" else 1.0 / cases.a.reshape(one) for kind in pair]
        out.append(np.stack([s * g for s, g in zip(scale, both, strict=True)], axis=1))
    return out


def _norm(v: np.ndarray) -> np.ndarray:
    return np.sqrt((v.reshape(len(v), -1) ** 2).sum(axis=1))


def _weights(system: Galerkin) -> np.ndarray:
    """(*N+1) mean squares of the products of Legendre polynomials."""
    out = np.ones(())
    for b in system.bases:
        out = np.multiply.outer(out, b.squares / b.length)
    return out


def _share(right: np.ndarray, system: Galerkin) -> np.ndarray:
    """(n,) mean of a right-hand side over its root mean square."""
    size = np.sqrt((right**2 * _weights(system)).reshape(len(right), -1).sum(axis=1))
    level = np.abs(right.reshape(len(right), -1)[:, 0])
    return level / np.where(size > 0, size, 1.0)


def _tail(u: np.ndarray, system: Galerkin) -> np.ndarray:
    """(n,) share of u, in L2, in degrees above three quarters of N along any axis."""
    square = u**2 * _weights(system)
    low = square[(slice(None), *(slice(1 + 3 * b.degree // 4) for b in system.bases))]
    total = square.reshape(len(u), -1).sum(axis=1)
    high = np.maximum(total - low.reshape(len(u), -1).sum(axis=1), 0.0)
    return np.sqrt(high / np.where(total > 0, total, 1.0))


def _elsewhere(system: Galerkin) -> float:
    """A reaction at which every mode can be divided: for samples that are answered without a solution."""
    return 1.0 + float(system.eigenvalues.max())
