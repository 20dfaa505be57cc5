"""Cycles repeated until the residual is small: x += M (b - A x). What multigrid and AMG do without CG."""

from __future__ import annotations

import math
from time import perf_counter
from typing import Any

import numpy as np

from pdekit.errors import BadInput
from pdekit.linear.attainable import note_on_tolerance
from pdekit.linear.cg import BLOW_UP, DENIALS, HELPED
from pdekit.linear.lanczos import PATIENCE
from pdekit.linear.magnitude import at_ordinary_size
from pdekit.linear.stop import Stop
from pdekit.linear.system import System
from pdekit.linear.vector_kernels import norm
from pdekit.solution import Solution, Status


@at_ordinary_size
def stationary(
    system: System, cycle: Any, *, stop: Stop, x0: np.ndarray | None = None, project_rhs: bool = False
) -> Solution:
    """Repeat a cycle with apply(r, out, norm), which need not be symmetric. The test is on |b - A x|, always true; where it
    is met in float32, or so low that rounding in b - A x might decide, it is asked again one type wider.

    After a failure `values` is the iterate of the least residual. Raises BadInput where another norm is asked for.
    """
    if stop.norm != "residual":
        raise BadInput.of("cycles without CG test the residual only.", found=f"norm = {stop.norm!r}")
    method = cycle.name
    started = perf_counter()
    b = system.b
    x = np.zeros_like(b) if x0 is None else np.array(x0, b.dtype, order="C").reshape(b.shape)
    norm_b = norm(b.ravel())
    history, steps = [norm_b], 0
    least, least_x = math.inf, None
    extra = denied = 0
    least_true = math.inf
    incompatible, status = system.incompatible(), before(system, norm_b, x, project_rhs)
    if status is None:
        r, z, last = np.empty_like(b), np.empty_like(b), np.empty_like(b)
        history = [system.residual(x, r)]
        scale = norm(system.b.ravel()) if stop.relative_to == "b" else history[0]
        target, limit = max(stop.rtol * scale, stop.atol), stop.limit(b.size)
        best, best_step = history[0], 0
        while status is None:
            now = history[-1]
            if now <= target:
                history[-1] = system.confirm(x, r, target, now)
                extra, now = extra + (history[-1] != now), history[-1]
                if not now <= target:
                    denied = 0 if now < HELPED * least_true else denied + 1
                    least_true = min(least_true, now)
            if now < best:
                best, best_step = now, steps
            if now <= target:
                status = Status.CONVERGED if now <= stop.rtol * scale else Status.CONVERGED_ATOL
            elif not math.isfinite(now):
                status = Status.NONFINITE
            elif now > BLOW_UP * max(history[0], scale):
                status = Status.DIVERGED
            elif steps >= limit:
                status = Status.MAX_STEPS
            elif steps - best_step >= PATIENCE or denied >= DENIALS:
                status = Status.STAGNATED
            else:
                cycle.apply(r, z, now)
                if system.singular:
                    system.project(z)
                last, x = x, np.add(x, z, out=last)
                steps += 1
                history.append(system.residual(x, r))
                if now < least and not history[-1] <= now:
                    least, least_x = now, last.copy()
    if least_x is not None and not status.converged and not history[-1] <= least:
        x = least_x
    if not status.converged:
        system.centre(x)
    return Solution(
        values=x,
        status=status,
        steps=steps,
        residuals=np.array(history),
        true_residual=math.nan if status is Status.NONFINITE_INPUT else system.true_residual(x),
        seconds=perf_counter() - started,
        n_matvec=steps + 1 + extra if steps else extra,
        n_precond=steps,
        info={"method": method, "preconditioner": method, "incompatible": incompatible}
        | note_on_tolerance(system, stop, status, x),
    )


def before(system: System, norm_b: float, x: np.ndarray, project_rhs: bool) -> Status | None:
    """The status of what needs no iteration, x set to it; None to go on, b projected where that was asked."""
    if not (math.isfinite(norm_b) and system.finite and math.isfinite(norm(x.ravel()))):
        x[...] = math.nan
        return Status.NONFINITE_INPUT
    if norm_b == 0.0:
        x[...] = 0.0
        return Status.CONVERGED_ZERO_RHS
    if not system.compatible():
        if not project_rhs:
            x[...] = 0.0
            return Status.INCOMPATIBLE_RHS
        system.project_rhs()
    return None
