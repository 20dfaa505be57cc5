"""A smooth solution for every box and boundary: u is chosen, the source and the faces' values follow from it.

u = prod_i cos(omega_i x_i + phi_i) and, where the coefficient varies, a = 2 + prod_i cos(2 pi x_i / L_i); both periodic on
periodic axes. Then f = -div(a grad u) + w . grad u + c u = a sum_i omega_i^2 u - grad a . grad u + w . grad u + c u, in
closed form.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from pdekit.errors import BadInput
from pdekit.solver import Instances
from pdekit.space.grid import Grid


def manufactured(
    grid: Grid,
    coefficient: str | None = None,
    *,
    constant: int | float = 1.0,
    reaction: int | float = 0.0,
    velocity: Sequence[Any] = (),
) -> tuple[Instances, np.ndarray]:
    """One case with its exact solution: (Instances of n = 1, u (1, *points)).

    coefficient   name of the coefficient field; None for a = `constant`
    reaction      c
    velocity      w, one number or array (*points) per axis; none for w = 0

    The grid's constant boundary values are overridden by fields `boundary_<face>`: u (dirichlet), a du/dn (neumann),
    alpha u + beta a du/dn (robin).
    """
    mesh = grid.mesh
    u, a = _u(grid, mesh), _a(grid, mesh, coefficient)
    source = np.zeros(grid.points)
    for axis in range(grid.dim):
        source = source + a * _omega(grid, axis) ** 2 * u
        if coefficient is not None:
            source = source - _a(grid, mesh, coefficient, axis) * _u(grid, mesh, axis)
    scale = constant if coefficient is None else 1.0
    source = scale * source + reaction * u
    for axis, w in enumerate(velocity):
        source = source + w * _u(grid, mesh, axis)
    fields = {"source": source[None]}
    if coefficient is not None:
        fields[coefficient] = np.broadcast_to(a, grid.points)[None].copy()
    for face in grid.faces:
        axis, high = grid.axes.index(face[0]), face.endswith("high")
        at = [m for m in mesh]
        at[axis] = np.full((1,) * grid.dim, grid.length[axis] if high else 0.0)
        value = _u(grid, at)
        flux = scale * (1 if high else -1) * _a(grid, at, coefficient) * _u(grid, at, axis)
        alpha, beta = grid.robin[axis][1 if high else 0]
        known = {"dirichlet": value, "neumann": flux, "robin": alpha * value + beta * flux}[grid.kind(face)]
        shape = tuple(1 if k == axis else n for k, n in enumerate(grid.points))
        fields[f"boundary_{face}"] = np.broadcast_to(known, shape).squeeze(axis)[None].copy()
    return Instances(grid, fields), np.broadcast_to(u, grid.points)[None].copy()


def _omega(grid: Grid, axis: int) -> float:
    if grid.periodic[axis]:
        return 2.0 * math.pi / grid.length[axis]
    return (1.3 + 0.4 * axis) * math.pi / grid.length[axis]


def _u(grid: Grid, at: list[np.ndarray] | tuple[np.ndarray, ...], d: int | None = None) -> np.ndarray:
    """u, or its derivative along axis d."""
    out = np.ones((1,) * grid.dim)
    for axis, x in enumerate(at):
        omega, phase = _omega(grid, axis), 0.3 + 0.5 * axis
        out = out * (-omega * np.sin(omega * x + phase) if axis == d else np.cos(omega * x + phase))
    return out


def _a(
    grid: Grid, at: list[np.ndarray] | tuple[np.ndarray, ...], coefficient: str | None, d: int | None = None
) -> np.ndarray:
    """a, or its derivative along axis d."""
    if coefficient is None:
        return np.ones((1,) * grid.dim)
    out = np.ones((1,) * grid.dim)
    for axis, x in enumerate(at):
        k = 2.0 * math.pi / grid.length[axis]
        out = out * (-k * np.sin(k * x) if axis == d else np.cos(k * x))
    return out if d is not None else 2.0 + out


def sine_mode(grid: Grid, m: Sequence[int]) -> tuple[np.ndarray, float]:
    """(u (1, *points), lambda): u = prod sin(pi m_i x_i / L_i), -Laplace u = lambda u, on a box whose walls are held at 0.

    Raises BadInput on other boundaries and on values that are not 0.
    """
    zero = all(kind == "dirichlet" for pair in grid.boundary for kind in pair)
    if not zero or any(v != 0 for pair in grid.boundary_value for v in pair):
        raise BadInput.of(
            "`mode` is the exact solution of a box whose walls are held at 0.",
            found=f"boundary {grid.boundary}, values {grid.boundary_value}",
            allowed='"dirichlet" on every face, values 0',
        )
    u = np.ones((1,) * grid.dim)
    for x, mm, length in zip(grid.mesh, m, grid.length, strict=True):
        u = u * np.sin(math.pi * mm * x / length)
    square = sum((math.pi * mm / length) ** 2 for mm, length in zip(m, grid.length, strict=True))
    return np.broadcast_to(u, grid.points)[None].copy(), square
