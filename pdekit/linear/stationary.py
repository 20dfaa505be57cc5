"""Cycles repeated until the residual is small: x += M (b - A x). What multigrid and AMG do without CG."""

from __future__ import annotations

import math
from time import perf_counter
from typing import Any

import numpy as np

from pdekit.linear.cg import BLOW_UP, PATIENCE
from pdekit.linear.stop import Stop
from pdekit.linear.system import System
from pdekit.solution import Solution, Status


def stationary(
    system: System, cycle: Any, *, stop: Stop, x0: np.ndarray | None = None, project_rhs: bool = False
) -> Solution:
    """Repeat a cycle with apply(r, out, norm), which need not be symmetric. The test is on |b - A x|, always true."""
    started = perf_counter()
    b = system.b
    x = np.zeros_like(b) if x0 is None else x0.astype(b.dtype, copy=True)
    norm_b = float(np.linalg.norm(b.ravel()))
    history, steps = [norm_b], 0
    status: Status | None = None
    if not (math.isfinite(norm_b) and system.finite() and np.isfinite(x).all()):
        x[...], status = math.nan, Status.NONFINITE_INPUT
    elif norm_b == 0.0:
        x[...], status = 0.0, Status.CONVERGED_ZERO_RHS
    elif not system.compatible():
        if project_rhs:
            system.b = b.copy()
            system.project(system.b)
        else:
            status = Status.INCOMPATIBLE_RHS
    r, z = np.empty_like(b), np.empty_like(b)
    limit = stop.limit(b.size)
    if status is None:
        history = [system.residual(x, r)]
        scale = norm_b if stop.relative_to == "b" else history[0]
        target = max(stop.rtol * scale, stop.atol)
        best, best_step = math.inf, 0
        while True:
            norm = history[-1]
            if norm <= target:
                status = Status.CONVERGED if norm <= stop.rtol * scale else Status.CONVERGED_ATOL
            elif not math.isfinite(norm):
                status = Status.NONFINITE
            elif norm > BLOW_UP * max(history[0], scale):
                status = Status.DIVERGED
            elif steps >= limit:
                status = Status.MAX_STEPS
            elif steps - best_step >= PATIENCE:
                status = Status.STAGNATED
            if status is not None:
                break
            if norm < best:
                best, best_step = norm, steps
            cycle.apply(r, z, norm)
            if system.singular:
                system.project(z)
            x += z
            steps += 1
            history.append(system.residual(x, r))
    if system.singular and np.isfinite(x).all():
        system.centre(x)
    return Solution(
        values=x,
        status=status,
        steps=steps,
        residuals=np.array(history),
        true_residual=math.nan if status is Status.NONFINITE_INPUT else system.true_residual(x),
        seconds=perf_counter() - started,
        n_matvec=steps + 1,
        n_precond=steps,
        info={"method": cycle.name, "preconditioner": cycle.name, "incompatible": system.incompatible()},
    )
