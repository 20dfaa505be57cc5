"""w . grad u on a Grid as a sparse matrix, by central or upwind differences, and what boundary values put on the right.

Along each axis the differences backward and forward, (u_i - u_{i-1})/h and (u_{i+1} - u_i)/h, reach one value beyond the
outermost unknowns; it is eliminated as r u + s g, with u the outermost unknown and g the face's value (du/dn counted
outward, a the diffusivity):

    cell, dirichlet     r = -1, s = 2                    the line from u to the wall's value, h/2 away, goes on
    vertex, dirichlet   r = 0, s = 1                     the stored end itself
    neumann             r = 1, s = h/a                   u + h du/dn, a du/dn = g
    cell, robin         r = (c - alpha)/(c + alpha), s = 2/(c + alpha), c = 2 a beta/h: wall value eliminated, then as dirichlet
    vertex, robin       r = 1 - h alpha/(a beta), s = h/(a beta): u + h du/dn

central   w/2 (backward + forward): order 2; rows have entries of both signs off the diagonal where |w| h > 2a
upwind    w > 0: backward, w < 0: forward: order 1; never oscillates
Rows carry their control volume's fraction, as those of `diffusion`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp

from pdekit.errors import unknown_name
from pdekit.space.diffusion import control_volumes
from pdekit.space.grid import Grid

SCHEMES = ("central", "upwind")


def convection(
    grid: Grid, velocity: Sequence[Any], diffusivity: float, scheme: str, values: dict[str, Any]
) -> tuple[sp.csr_array, np.ndarray]:
    """(C, c) with C u - c the discrete w . grad u, over the unknowns in C order; c has their shape.

    velocity     w per axis, in length/time: one number, or an array at the unknowns
    diffusivity  a, for neumann and robin faces
    values       {face: number or array of the face's stored points}; a face that is not named has the grid's own value
    Raises BadInput on an unknown scheme.
    """
    if scheme not in SCHEMES:
        raise unknown_name("scheme of convection", scheme, SCHEMES)
    cover = control_volumes(grid)
    shape, size = cover.shape, cover.size
    matrix, known = sp.csr_array((size, size)), np.zeros(shape)
    for axis in range(grid.dim):
        w = np.broadcast_to(np.asarray(velocity[axis], dtype=np.float64), shape) * cover
        if not w.any():
            continue
        for part, share in zip(_differences(grid, axis, diffusivity), _shares(w, scheme), strict=True):
            line, ends = part
            whole = sp.kron(sp.eye_array(int(np.prod(shape[:axis]))), line)
            whole = sp.kron(whole, sp.eye_array(int(np.prod(shape[axis + 1 :]))))
            matrix = matrix + sp.dia_array((share.ravel()[None], [0]), shape=(size, size)) @ whole
            for face, s in ends.items():
                at = (*(slice(None),) * axis, 0 if face.endswith("low") else -1)
                known[at] -= share[at] * s * _on_unknowns(grid, axis, values.get(face, grid.value(face)))
    return sp.csr_array(matrix), known


def _shares(w: np.ndarray, scheme: str) -> tuple[np.ndarray, np.ndarray]:
    """What of w goes with the backward and with the forward difference."""
    return (w / 2, w / 2) if scheme == "central" else (np.maximum(w, 0.0), np.minimum(w, 0.0))


def _differences(grid: Grid, axis: int, a: float) -> list[tuple[sp.csr_array, dict[str, float]]]:
    """Backward and forward difference along an axis: (matrix over its unknowns, {face: factor of that face's value})."""
    n, h = len(range(grid.points[axis])[grid.unknown[axis]]), grid.spacing[axis]
    out = []
    for step, side, name in ((-1, 0, "low"), (1, -1, "high")):
        line = sp.lil_array((n, n))
        line.setdiag(-step / h)
        line.setdiag(step / h, step)
        if grid.periodic[axis]:
            line[side, -1 - side] += step / h  # n = 1 or 2: on top of what is there
            out.append((sp.csr_array(line), {}))
            continue
        r, s = _beyond(grid, axis, side, a)
        line[side, side] += step * r / h
        out.append((sp.csr_array(line), {f"{grid.axes[axis]}_{name}": step * s / h}))
    return out


def _beyond(grid: Grid, axis: int, side: int, a: float) -> tuple[float, float]:
    """r and s of the table in the module's head."""
    kind, h, cell = grid.boundary[axis][side], grid.spacing[axis], grid.location == "cell"
    alpha, beta = grid.robin[axis][side]
    if kind == "dirichlet":
        return (-1.0, 2.0) if cell else (0.0, 1.0)
    if kind == "neumann":
        return 1.0, h / a
    if cell:
        c = 2.0 * a * beta / h
        return (c - alpha) / (c + alpha), 2.0 / (c + alpha)
    return 1.0 - h * alpha / (a * beta), h / (a * beta)


def _on_unknowns(grid: Grid, axis: int, value: Any) -> Any:
    """A face's value at the unknowns along it; numbers as they are."""
    if not isinstance(value, np.ndarray) or not value.shape:
        return value
    return value[tuple(s for k, s in enumerate(grid.unknown) if k != axis)]
