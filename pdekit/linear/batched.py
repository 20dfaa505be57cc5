"""CG on a batch of systems at once, for GPUs: array slices, scalars per sample, and the host asked only now and then.

Runs on any array namespace (torch in practice, NumPy in tests). A sample that is done or has failed is frozen by zero
steps, never dropped, so that one hard sample does not alter the others. On a CPU the loop over compiled single solves is
several times faster; `solve` takes this path for torch tensors only.
"""

from __future__ import annotations

import math
from time import perf_counter
from typing import Any

import numpy as np
from array_api_compat import array_namespace

from pdekit.errors import BadInput
from pdekit.linear.stop import Stop
from pdekit.solution import Solution, Status
from pdekit.space.stencils import StencilOperator

CHECK_EVERY = 8  # steps between two looks at the device's convergence flags: each look waits for the device


def batched_cg(
    operator: StencilOperator, b: Any, *, x0: Any = None, stop: Stop | None = None, precond: str = "jacobi"
) -> Solution:
    """Solve n systems A_i x_i = b_i, b (n, *unknowns); edges per sample (n, ...) or shared. See `solve`.

    precond   "none" or "jacobi"
    Status per sample: CONVERGED, CONVERGED_ZERO_RHS, MAX_STEPS, INDEFINITE_OPERATOR, NONFINITE, NONFINITE_INPUT,
    FALSE_CONVERGENCE. Steps are counted per sample; `residuals` is (steps + 1, n), NaN after a sample froze.
    """
    stop = Stop() if stop is None else stop
    if not isinstance(operator, StencilOperator):
        raise BadInput.of("batched CG needs a StencilOperator.", found=type(operator).__name__)
    if precond not in ("none", "jacobi"):
        raise BadInput.of("preconditioner of batched CG.", found=repr(precond), allowed='"none", "jacobi"')
    if stop.norm != "residual" or operator.singular:
        raise BadInput.of(
            "batched CG tests |r| and needs operators that are not singular.", found=f"norm = {stop.norm!r}, singular"
        )
    xp, dim = array_namespace(b), operator.dim
    single = b.ndim == dim
    if single:
        b, x0 = b[None], None if x0 is None else x0[None]
    n = b.shape[0]
    started = perf_counter()

    def dots(u: Any, v: Any) -> Any:
        return xp.sum(xp.reshape(u * v, (n, -1)), axis=1)

    def wide(scalar: Any) -> Any:
        return xp.reshape(scalar, (n, *(1,) * dim))

    inverse = 1.0 / operator.diagonal() if precond == "jacobi" else None
    norm_b = xp.sqrt(dots(b, b))
    x = xp.zeros_like(b) if x0 is None else x0 + 0.0
    zero, bad = norm_b == 0, ~xp.isfinite(norm_b)
    x = xp.where(wide(zero), 0.0 * xp.ones_like(x), x)
    r = b - operator @ x
    r = xp.where(wide(bad), 0.0 * xp.ones_like(r), r)
    z = r if inverse is None else inverse * r
    p, rz = z, dots(r, z)
    norm = xp.sqrt(dots(r, r))
    scale = norm_b if stop.relative_to == "b" else norm
    target = xp.where(bad, xp.zeros_like(norm), xp.maximum(stop.rtol * scale, stop.atol + 0.0 * scale))
    alive = ~(zero | bad) & (norm > target)
    indefinite = xp.zeros_like(alive)
    steps = xp.zeros_like(norm)
    history, limit, k = [norm], stop.limit(int(np.prod(b.shape[1:]))), 0
    while k < limit and (k % CHECK_EVERY or bool(xp.any(alive))):
        q = operator @ p
        pq = dots(p, q)
        indefinite = indefinite | (alive & (pq <= 0))
        alive = alive & (pq > 0)
        steps = steps + xp.astype(alive, norm.dtype)
        alpha = xp.where(alive, rz / xp.where(pq > 0, pq, xp.ones_like(pq)), xp.zeros_like(pq))
        x = x + wide(alpha) * p
        r = r - wide(alpha) * q
        z = r if inverse is None else inverse * r
        new, norm = dots(r, z), xp.sqrt(dots(r, r))
        history.append(xp.where(alive, norm, math.nan * xp.ones_like(norm)))
        beta = xp.where(alive & (rz > 0), new / xp.where(rz > 0, rz, xp.ones_like(rz)), xp.zeros_like(rz))
        p = xp.where(wide(alive), z + wide(beta) * p, p)
        rz = xp.where(alive, new, rz)
        alive = alive & (norm > target)
        k += 1
    true = xp.sqrt(dots(b - operator @ x, b - operator @ x)) / xp.where(zero, xp.ones_like(norm_b), norm_b)
    facts = [_host(a) for a in (zero, bad, indefinite, alive, true, steps, norm_b, target)]
    status = [_status(*(f[i] for f in facts[:5]), facts[7][i] / facts[6][i] if facts[6][i] else 0.0) for i in range(n)]
    out = Solution(
        values=x,
        status=status,
        steps=facts[5].astype(int),
        residuals=np.stack([_host(h) for h in history[: int(facts[5].max(initial=0)) + 1]]),
        true_residual=facts[4].astype(np.float64),
        seconds=np.full(n, (perf_counter() - started) / n),
        setup_seconds=np.zeros(n),
        n_matvec=facts[5].astype(int) + 2,
        n_precond=facts[5].astype(int) + 1,
        info={"method": "cg" if inverse is None else "pcg-jacobi", "preconditioner": precond, "batch": n},
    )
    return _first(out) if single else out


def _status(zero: bool, bad: bool, indefinite: bool, alive: bool, true: float, rtol: float) -> Status:
    if bad:
        return Status.NONFINITE_INPUT
    if zero:
        return Status.CONVERGED_ZERO_RHS
    if indefinite:
        return Status.INDEFINITE_OPERATOR
    if not math.isfinite(true):
        return Status.NONFINITE
    if alive:
        return Status.MAX_STEPS
    return Status.CONVERGED if true <= 10.0 * rtol else Status.FALSE_CONVERGENCE


def _host(array: Any) -> np.ndarray:
    return np.asarray(array.cpu() if hasattr(array, "cpu") else array)


def _first(batch: Solution) -> Solution:
    return Solution(
        values=batch.values[0],
        status=batch.status[0],
        steps=int(batch.steps[0]),
        residuals=batch.residuals[:, 0],
        true_residual=float(batch.true_residual[0]),
        seconds=float(batch.seconds[0]),
        n_matvec=int(batch.n_matvec[0]),
        n_precond=int(batch.n_precond[0]),
        info=batch.info,
    )
