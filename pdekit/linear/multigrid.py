"""Geometric multigrid: one V(1,1) cycle as a preconditioner, and cycles repeated as a method of its own.

Smoother: red-black Gauss-Seidel. As a preconditioner red, black before and black, red after (symmetric); stand-alone the
same order before and after, which converges faster. The cycle runs in one compiled call; a preconditioner in float32 halves
its traffic and leaves the iteration count of a float64 CG as it is (r is scaled to norm 1 before the cast).
Source: Trottenberg, Oosterlee & Schueller, Multigrid, 2001, sec. 2.4 and 2.5; Tatebe 1993 for the symmetric order.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pdekit.errors import BadInput
from pdekit.linear.hierarchy import all_unknowns, grids
from pdekit.linear.multigrid_levels import Levels, shape3
from pdekit.space.stencils import StencilOperator

# Unknowns of a dense coarsest level; in 2D the inverse of 25 x 25 costs more than all of pyamg's set-up.
LARGEST_COARSEST = {2: 256, 3: 1024}


class MultigridCycle:
    """z = M r by one V(1,1) cycle from zero, in 2D and 3D. Linear; symmetric positive definite where `symmetric`.

    dtype       of the cycle: float64, or float32 inside a float64 iteration
    symmetric   mirrored order of the colours after the coarse correction
    """

    name = "multigrid"
    linear = True

    def __init__(self, dtype: Any = "float32", *, symmetric: bool = True) -> None:
        self.dtype = np.dtype(dtype)
        if self.dtype not in (np.dtype("float32"), np.dtype("float64")):
            raise BadInput.of("precond_dtype of multigrid.", found=str(dtype), allowed="float32, float64")
        self.symmetric = symmetric

    @staticmethod
    def reason_against(operator: Any) -> str | None:
        """Why geometric multigrid cannot serve this operator, in words; None where it can."""
        if not isinstance(operator, StencilOperator):
            return "it is a matrix without a grid"
        if operator.dim == 1:
            return "the grid has one axis, where a direct solve costs as little"
        if not operator.compiled:
            return "it is not one NumPy system of a single floating type"
        coarsest = grids(operator.grid)[-1]
        if all_unknowns(coarsest) > LARGEST_COARSEST[operator.dim]:
            return (
                f"{operator.grid.intervals} intervals leave {all_unknowns(coarsest)} unknowns on the coarsest grid, too many "
                "for a dense inverse; intervals of 2^k m with m <= 15 serve"
            )
        return None

    def setup(self, operator: Any) -> MultigridCycle:
        """Build the hierarchy. Raises BadInput where the grid cannot be halved far enough."""
        reason = self.reason_against(operator)
        if reason is not None:
            raise BadInput.of(
                "geometric multigrid cannot serve this operator.", found=reason, hint="use pcg-amg or direct"
            )
        self._levels = Levels.of(operator, self.dtype)
        self._shape = shape3(operator.shape)
        self.depth = self._levels.depth
        return self

    def apply(self, r: np.ndarray, out: np.ndarray, norm: float = 1.0) -> float:
        """out = M r; returns r . out. `norm` is |r|, by which r is scaled for the cast. Both in C order."""
        scale = norm if norm > 0.0 and math.isfinite(norm) else 1.0
        return self._levels.cycle(r.reshape(self._shape), out.reshape(self._shape), scale, 1 if self.symmetric else 0)
