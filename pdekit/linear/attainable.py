"""What no iteration can beat: the residual that rounding leaves, about eps |A| |x| / |b|. A tolerance below it is an error
of the caller, and is said.

CONVERGED is never said of a residual above the tolerance: it is |b - A x| of the x that is handed back (`System.confirm`).
Near the limit a solve ends with STAGNATED or FALSE_CONVERGENCE instead. Two answers have a rule of their own: a method that is
asked for no tolerance (`direct.py`) says CONVERGED within 30 times the limit; and where b is so small that x is subnormal, x may
lose up to a hundredth to its format (`magnitude.py`), so that status and steps do not depend on the size of b.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import scipy.sparse as sp

from pdekit.linear.stop import Stop
from pdekit.linear.system import System
from pdekit.linear.vector_kernels import norm
from pdekit.solution import Status
from pdekit.space.stencils import StencilOperator

TRIED = (Status.MAX_STEPS, Status.STAGNATED, Status.FALSE_CONVERGENCE)


def attainable(system: System, x: np.ndarray) -> float | None:
    """eps |A| |x| / |b| in the type of the iteration, |A| by its row sums; None for a LinearOperator, which has none.

    The residual that CG stops at is a few times this (Greenbaum 1997, doi:10.1137/S0895479895284944).
    """
    a = system.operator
    if isinstance(a, StencilOperator):
        size = 2.0 * float(np.abs(a.diagonal()).max())
    elif sp.issparse(a):
        size = float(abs(a).sum(axis=1).max())
    else:
        return None
    return float(np.finfo(system.b.dtype).eps) * size * norm(x.ravel()) / norm(system.b.ravel())


def note_on_tolerance(system: System, stop: Stop, status: Status, x: np.ndarray) -> dict[str, Any]:
    """{"attainable": floor}, and a warning, where a solve failed because it was asked for less; else nothing.

    Only failed solves are looked at: a test that was met, and confirmed by the true residual, was attainable. Both
    tolerances 0 ask for a number of steps, not for a residual.
    """
    if status not in TRIED or stop.rtol == stop.atol == 0.0:
        return {}
    floor = attainable(system, x)
    if floor is None or max(stop.rtol, stop.atol / norm(system.b.ravel())) >= floor:
        return {}
    warnings.warn(
        f"rtol = {stop.rtol:.0e} lies below what {system.b.dtype} can attain for this system, about {floor:.0e} "
        "(eps |A| |x| / |b|); ask for less",
        stacklevel=3,
    )
    return {"attainable": floor}
