"""Cells behind the faces of a box, three on each side: what a stencil of five cells finds there."""

from __future__ import annotations

import numpy as np

from pdekit.problems.conservation_law import ConservationLaw
from pdekit.space.grid import Grid

WIDTH = 3
CODES = {"wrap": 0, "copy": 1, "hold": 2, "mirror": 3}


def widened(u: np.ndarray, law: ConservationLaw, grid: Grid, axis: int) -> np.ndarray:
    """(c, *others, m + 6): the state with the axis moved last and its ghost cells.

    wrap: the other end; copy: the outermost cell; hold: the boundary value; mirror: the cells turned around, signs changed
    """
    v = np.moveaxis(u, 1 + axis, -1)
    signs = law.mirror(axis).reshape(-1, *(1,) * (v.ndim - 1))
    sides = []
    for side, (kind, value) in enumerate(zip(grid.boundary[axis], grid.boundary_value[axis], strict=True)):
        inner, outer = (v[..., :WIDTH], v[..., -WIDTH:]) if side == 0 else (v[..., -WIDTH:], v[..., :WIDTH])
        last = inner[..., :1] if side == 0 else inner[..., -1:]
        behind = law.ghosts[kind]
        if behind == "wrap":
            sides.append(outer)
        elif behind == "mirror":
            sides.append(signs * inner[..., ::-1])
        else:
            sides.append(np.repeat(np.full_like(last, value) if behind == "hold" else last, WIDTH, axis=-1))
    return np.concatenate([sides[0], v, sides[1]], axis=-1)


def codes(law: ConservationLaw, grid: Grid) -> np.ndarray:
    """(dim, 2) the same as numbers, for the kernels."""
    return np.array([[CODES[law.ghosts[kind]] for kind in pair] for pair in grid.boundary])
