"""Errors on the faces of the box, and of conserved quantities. Tables (n, t, c), in units of the field.

On vertex grids the points of a face lie on it; on cell-centred grids they are the centres of the cells that touch it, half
a mesh width inside. Periodic axes have no face.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device

from pdekit.errors import unknown_name
from pdekit.metrics.fields import Field, Table, by_samples, mark_failures, mean
from pdekit.space.grid import Grid


def boundary_rmse(pred: Field, ref: Field, grid: Grid, *, face: str | None = None) -> Table:
    """sqrt( sum_B b e^2 / sum_B b ) over the points of all faces, or of one: "x_low", ...; NaN on a fully periodic box.

    b is the quadrature weight of a point on the boundary: a corner counts once, with the shares of all faces it ends.
    """
    if face is not None and face not in grid.faces:
        raise unknown_name("face that carries a boundary", face, grid.faces)
    faces = grid.faces if face is None else (face,)
    finite, square = by_samples(lambda xp, p, r: (_face_square(xp, p - r, grid, faces),), pred, ref, grid)
    if not faces:
        return array_namespace(square).full_like(square, math.nan)
    return mark_failures(square**0.5, finite)


def conserved_error(pred: Field, ref: Field, grid: Grid) -> Table:
    """|q_pred - q_ref| / V with q = the integral of u over the box; reduced over n by its root mean square ("rms").

    Says something only about channels that the equation conserves or whose total its data prescribe.
    """
    finite, total = by_samples(lambda xp, p, r: (xp.abs(mean(xp, p - r, grid)),), pred, ref, grid)
    return mark_failures(total, finite)


def _face_square(xp: Any, e: Any, grid: Grid, faces: tuple[str, ...]) -> Any:
    """Mean of e^2 over faces by area: (n, t, *x, c) -> (n, t, c)."""
    n, t, c = e.shape[0], e.shape[1], e.shape[-1]
    total = xp.zeros((n, t, c), dtype=e.dtype, device=device(e))
    area = 0.0
    for face in faces:
        axis, side = grid.axes.index(face[0]), 0 if face.endswith("low") else -1
        w = np.ones(())
        for j, axis_weights in enumerate(grid.axis_weights):
            if j != axis:
                w = np.multiply.outer(w, axis_weights)
        layer = xp.reshape(e[(slice(None),) * (axis + 2) + (side,)], (n, t, w.size, c))
        weights = xp.asarray(w.reshape(-1, 1), device=device(e))
        total = total + xp.sum(layer**2 * weights, axis=2)
        area += float(w.sum())
    return total / (area or 1.0)
