"""Solid cells inside a box: which edges of a StencilOperator they close, and what their walls hold.

Between a fluid and a solid unknown the edge is closed. A wall that holds 0 ("dirichlet") adds its coupling to the fluid's
diagonal: 2a/h^2 for cells, whose wall lies h/2 away; the edge itself for vertices, whose solid neighbour is known. A wall
without flux ("neumann") adds nothing.

The solid unknowns stay in the system, so that grid, transforms and kernels serve as before: they form a Poisson problem of
their own, held at 0 by the same walls, whose answer is 0 where the right-hand side is. A stays symmetric and falls apart into
fluid and solid; `StencilOperator.nullspace` tells which parts of the fluid nothing holds.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from array_api_compat import array_namespace

from pdekit.errors import BadInput, unknown_name
from pdekit.space.grid import Grid
from pdekit.space.stencils import StencilOperator

WALLS = ("dirichlet", "neumann")
SEALED = 1e-30  # of an open edge: below all rounding; not 0, for preconditioners that divide by a lone unknown's edges


def obstruct(operator: StencilOperator, solid: Any, wall: str = "dirichlet", coefficient: Any = 1.0) -> StencilOperator:
    """The operator with its edges between fluid and solid closed.

    solid        bool, shape of the unknowns (or with the operator's batch); True inside obstacles
    wall         "dirichlet": u = 0 on the obstacles; "neumann": no flux through them (cells only)
    coefficient  a at the unknowns or one number, as `operator` was made from it; used for walls of cells

    The right-hand side must be 0 at solid unknowns. Faces of the box keep what they have, next to solids too. Raises BadInput.
    """
    grid = operator.grid
    if wall not in WALLS:
        raise unknown_name("wall of an obstacle", wall, WALLS)
    if tuple(solid.shape[-operator.dim :]) != operator.shape:
        raise BadInput.of(
            "the obstacles do not lie on the unknowns.",
            found=f"shape {tuple(solid.shape)}",
            allowed=str(operator.shape),
        )
    if wall == "neumann" and grid.location == "vertex":
        raise BadInput.of(
            "obstacles on vertices hold a value.",
            found='wall "neumann"',
            allowed='"dirichlet"',
            hint="use a grid of cells",
        )
    xp = array_namespace(operator.edges[0])
    zero = xp.zeros_like(operator.edges[0][operator.at(0, slice(1, None))])
    a = coefficient + zero
    edges, shift = [], zero if operator.shift is None else operator.shift
    for axis, e in enumerate(operator.edges):
        ring = grid.periodic[axis]
        before, after = xp.roll(solid, 1, axis=axis - operator.dim), solid
        low, high = operator.at(axis, slice(None, -1)), operator.at(axis, slice(1, None))
        crossing = before ^ after  # between the unknowns k - 1 and k
        if not ring:
            crossing[operator.at(axis, 0)] = False
        open_ = e[low]
        shut = xp.where(crossing, SEALED * open_, open_)
        end = shut[operator.at(axis, slice(0, 1))] if ring else e[operator.at(axis, slice(-1, None))]
        edges.append(xp.concat([shut, end], axis=axis - operator.dim))
        for part, step in ((low, 0), (high, -1)):  # the wall below an unknown, then the one above it
            walled = xp.roll(crossing, step, axis=axis - operator.dim)
            strength = 2.0 * a / grid.spacing[axis] ** 2 if grid.location == "cell" else e[part]
            shift = shift + xp.where(walled & (solid | (wall == "dirichlet")), strength, zero)
    edges = tuple(np.ascontiguousarray(e) if isinstance(e, np.ndarray) else e for e in edges)
    return StencilOperator(edges, grid, shift)


def l_shape(grid: Grid) -> np.ndarray:
    """The quarter of the box with x > L_x/2 and y < L_y/2, through all z: what an L leaves out; on a line x > L_x/2.
    bool (*points)."""
    solid = grid.mesh[0] > grid.length[0] / 2
    if grid.dim > 1:
        solid = solid & (grid.mesh[1] < grid.length[1] / 2)
    return np.broadcast_to(solid, grid.points).copy()


def discs(grid: Grid, count: int, low: float, high: float, rng: np.random.Generator) -> np.ndarray:
    """`count` discs (balls in 3D) that may touch and overlap, radii and centres uniform: bool (*points).

    low, high   least and largest radius, in units of the shortest side; centres are anywhere in the box, and discs do not
                wrap around it
    """
    solid = np.zeros(grid.points, dtype=bool)
    for _ in range(count):
        centre = [length * rng.random() for length in grid.length]
        radius = rng.uniform(low, high) * min(grid.length)
        solid |= np.broadcast_to(
            sum((x - c) ** 2 for x, c in zip(grid.mesh, centre, strict=True)) < radius**2, grid.points
        )
    return solid
