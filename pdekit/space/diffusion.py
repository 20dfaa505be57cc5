"""-div(a grad u) on a Grid as edge coefficients, and what known boundary values put into the right-hand side.

Finite volumes with one unknown per cell or vertex. Between two unknowns the edge is mean(a)/h^2. At a face:

    cell, dirichlet     e = 2a/h^2                          the wall lies h/2 away
    cell, neumann       e = 0, the flux g enters as g/h
    cell, robin         e = 2a/h^2 * alpha/(alpha + 2 a beta/h), value g/alpha:  u at the wall eliminated from
                        alpha u_w + beta q = g and q = 2a/h (u_w - u_c)
    vertex, dirichlet   the stored end is known and left out; the edge to it is an ordinary one
    vertex, neumann     half a control volume: tangential edges and the source carry 1/2, the flux g enters as g/h
    vertex, robin       as neumann, with e = alpha/(beta h) and value g/alpha

Rows keep their control volume's fraction, so that A is symmetric; `control_volumes` gives it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Real
from typing import Any, Literal

import numpy as np
from array_api_compat import array_namespace, device

from pdekit.errors import BadInput, unknown_name
from pdekit.space import buffers
from pdekit.space.grid import Grid
from pdekit.space.stencils import StencilOperator

FaceMean = Literal["arithmetic", "harmonic"]
FACE_MEANS = ("arithmetic", "harmonic")


def diffusion(
    grid: Grid, coefficient: Any, *, mean: str = "harmonic", shift: Any = None
) -> tuple[StencilOperator, dict[str, Any]]:
    """The operator of -div(a grad u) + shift u, and the coupling of each face's value to the right-hand side.

    coefficient  a > 0 at the stored points, (*batch, *points), or one number; units of a
    mean         "arithmetic" | "harmonic": of the two values that share an edge
    shift        added to the diagonal, at the unknowns; multiplied here by the control volumes

    Returns (A, walls): A in units of a/length^2; walls[face] (shape of the unknowns on that face) is what multiplies a
    face's value: u for dirichlet, outward flux a du/dn for neumann, g/alpha for robin. Raises BadInput on an unknown mean and
    on a coefficient of another grid.
    """
    if mean not in FACE_MEANS:
        raise unknown_name("face mean", mean, FACE_MEANS)
    a = np.full(grid.points, float(coefficient)) if isinstance(coefficient, Real) else coefficient
    if tuple(a.shape[-grid.dim :]) != grid.points:
        raise BadInput.of(
            "the coefficient does not lie on the grid.",
            found=f"shape {tuple(a.shape)}",
            allowed=f"one number, or ([batch], {', '.join(map(str, grid.points))})",
        )
    if _compiled(a, grid):
        return _on_cells(a, grid, mean, shift)
    edges, walls = [], {}
    for axis in range(grid.dim):
        inner = _inner(a, grid, axis, mean)
        low, low_wall = _wall(a, grid, axis, 0)
        high, high_wall = _wall(a, grid, axis, -1)
        if grid.periodic[axis]:
            low = high = _mean(a[_at(grid, axis, slice(0, 1))], a[_at(grid, axis, slice(-1, None))], mean)
            low = high = low / grid.spacing[axis] ** 2
        elif grid.location == "vertex":
            stored, kinds = inner, grid.boundary[axis]
            if kinds[0] == "dirichlet":
                low = low_wall = stored[_at(grid, axis, slice(0, 1))]
                inner = inner[_at(grid, axis, slice(1, None))]
            if kinds[1] == "dirichlet":
                high = high_wall = stored[_at(grid, axis, slice(-1, None))]
                inner = inner[_at(grid, axis, slice(None, -1))]
        others = _others_unknown(grid, axis)
        cover = _like(_tangential(grid, axis), a)
        parts = [part[others] * cover for part in (low, inner, high)]
        edges.append(array_namespace(a).concat(parts, axis=axis - grid.dim))
        if not grid.periodic[axis]:
            for side, wall in (("low", low_wall), ("high", high_wall)):
                layer = (wall[others] * cover)[_at(grid, axis, 0)]
                walls[f"{grid.axes[axis]}_{side}"] = layer
    if shift is not None:
        shift = shift * _like(control_volumes(grid), shift)
    contiguous = tuple(np.ascontiguousarray(e) if isinstance(e, np.ndarray) else e for e in edges)
    return StencilOperator(contiguous, grid, shift), walls


def _compiled(a: Any, grid: Grid) -> bool:
    """True where one pass per axis of the compiled kernel serves: one NumPy field in C order on the cells of 2D or 3D."""
    return (
        grid.location == "cell"
        and grid.dim > 1
        and isinstance(a, np.ndarray)
        and a.shape == grid.points
        and a.dtype in (np.float32, np.float64)
        and a.flags.c_contiguous
    )


def _on_cells(a: np.ndarray, grid: Grid, mean: str, shift: Any) -> tuple[StencilOperator, dict[str, Any]]:
    """What `diffusion` does on cells, without temporaries of the grid's size."""
    from pdekit.space.diffusion_kernels import inner_edges

    edges, walls = [], {}
    for axis, (n, h) in enumerate(zip(grid.points, grid.spacing, strict=True)):
        e = buffers.empty((*grid.points[:axis], n + 1, *grid.points[axis + 1 :]), a.dtype)
        outer, stride = math.prod(grid.points[:axis]), math.prod(grid.points[axis + 1 :])
        factor = a.dtype.type((2.0 if mean == "harmonic" else 0.5) / h**2)
        inner_edges(a.reshape(outer, -1), stride, mean == "harmonic", factor, e.reshape(outer, -1))
        first, last = _at(grid, axis, slice(0, 1)), _at(grid, axis, slice(-1, None))
        if grid.periodic[axis]:
            e[first] = e[last] = _mean(a[first], a[last], mean) / h**2
        else:
            for side, at, name in ((0, first, "low"), (-1, last, "high")):
                e[at], wall = _wall(a, grid, axis, side)
                walls[f"{grid.axes[axis]}_{name}"] = wall[_at(grid, axis, 0)]
        edges.append(e)
    return StencilOperator(tuple(edges), grid, None if shift is None else shift * control_volumes(grid)), walls


def boundary_source(grid: Grid, walls: Mapping[str, Any], values: Mapping[str, Any] | None = None) -> np.ndarray:
    """What the boundary values add to the right-hand side, shape of the unknowns, float64.

    values   {face: number or array of the face's stored points}; a face that is not named has the grid's own value
    """
    out = np.zeros(control_volumes(grid).shape)
    for face, wall in walls.items():
        axis, side = grid.axes.index(face[0]), 0 if face.endswith("low") else -1
        value = grid.value(face) if values is None or face not in values else values[face]
        if isinstance(value, np.ndarray) and value.shape:
            value = value[tuple(s for k, s in enumerate(grid.unknown) if k != axis)]
        if grid.kind(face) == "robin":
            value = value / grid.robin[axis][side][0]
        out[_at(grid, axis, side)] += wall * value
    return out


def control_volumes(grid: Grid) -> np.ndarray:
    """Fraction of a full cell that each unknown stands for: 1 inside, 1/2 on a Neumann or Robin vertex face."""
    out = np.ones(())
    for axis in range(grid.dim):
        out = np.multiply.outer(out, _cover(grid, axis))
    return out


def _cover(grid: Grid, axis: int) -> np.ndarray:
    """The fractions along one axis, at its unknowns."""
    w = np.ones(grid.points[axis])
    if grid.location == "vertex" and not grid.periodic[axis]:
        w[[0, -1]] = 0.5
    return w[grid.unknown[axis]]


def _tangential(grid: Grid, axis: int) -> Any:
    """Product of the other axes' fractions, broadcastable to edges along `axis`; 1.0 where there is no half volume."""
    shape, out = [1] * grid.dim, np.ones((1,) * grid.dim)
    for other in range(grid.dim):
        if other != axis:
            w = _cover(grid, other)
            out = out * w.reshape([*shape[:other], -1, *shape[other + 1 :]])
    return 1.0 if (out == 1.0).all() else out


def _like(fractions: Any, a: Any) -> Any:
    """Fractions of cells in the namespace, type and place of `a`: float32 stays float32, a tensor meets tensors only."""
    if isinstance(fractions, float):
        return fractions
    if isinstance(a, np.ndarray):
        return fractions.astype(a.dtype, copy=False)
    return array_namespace(a).asarray(fractions, dtype=a.dtype, device=device(a))


def _others_unknown(grid: Grid, axis: int) -> tuple[Any, ...]:
    """The index that keeps the unknowns on all axes but `axis`."""
    return (..., *(slice(None) if k == axis else s for k, s in enumerate(grid.unknown)))


def _inner(a: Any, grid: Grid, axis: int, mean: str) -> Any:
    before, after = a[_at(grid, axis, slice(None, -1))], a[_at(grid, axis, slice(1, None))]
    return _mean(before, after, mean) / grid.spacing[axis] ** 2


def _mean(a: Any, b: Any, mean: str) -> Any:
    return 2.0 * (a * b) / (a + b) if mean == "harmonic" else 0.5 * (a + b)


def _wall(a: Any, grid: Grid, axis: int, side: int) -> tuple[Any, Any]:
    """Edge to the outside and coupling of the face's value, one layer along `axis`; the table in the module's head."""
    kind, h = grid.boundary[axis][side], grid.spacing[axis]
    layer = a[_at(grid, axis, slice(0, 1) if side == 0 else slice(-1, None))]
    if kind == "neumann":
        return 0.0 * layer, 0.0 * layer + 1.0 / h
    if kind == "robin":
        alpha, beta = grid.robin[axis][side]
        if grid.location == "cell":
            e = 2.0 * layer / h**2 * alpha / (alpha + 2.0 * layer * beta / h)
        else:
            e = 0.0 * layer + alpha / (beta * h)
        return e, e
    return 2.0 * layer / h**2, 2.0 * layer / h**2


def _at(grid: Grid, axis: int, index: int | slice) -> tuple[Any, ...]:
    return (..., index, *(slice(None),) * (grid.dim - 1 - axis))
