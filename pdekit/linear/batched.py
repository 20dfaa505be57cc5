"""CG on a batch of systems at once, for GPUs: array slices, scalars per sample, and the host asked only now and then.

Runs on any array namespace (torch in practice, NumPy in tests). A sample that is done or has failed is frozen by zero steps;
when fewer than half are left, the batch is compacted, once, so that one hard sample neither alters the others nor pays for
them. On a CPU the loop over compiled single solves is several times faster; `solve` takes this path for tensors only.
"""

from __future__ import annotations

import math
from dataclasses import replace
from time import perf_counter
from typing import Any

import numpy as np
from array_api_compat import array_namespace

from pdekit.errors import BadInput
from pdekit.linear.cg import AGREES, BLOW_UP, FALSE, RECOMPUTE
from pdekit.linear.lanczos import Patience
from pdekit.linear.stop import Stop
from pdekit.solution import Solution, Status
from pdekit.space.stencils import StencilOperator

CHECK_EVERY = 8  # steps between two looks at the device's convergence flags: each look waits for the device
BATCHED = (
    *("b", "x", "r", "z", "p", "rz", "norm", "scale", "target", "first"),
    *("best", "best_step", "count", "sound", "code", "confirmed", "restarted"),
)
RUNNING = -1  # the code of a sample that is still worked on; else the number of its Status


def batched_cg(operator: Any, b: Any, *, x0: Any = None, stop: Stop | None = None, precond: str = "jacobi") -> Solution:
    """Solve n systems A_i x_i = b_i, b (n, *unknowns); edges per sample (n, ...) or shared. See `solve`.

    precond   "none" or "jacobi"
    Status per sample, as CG on one system gives it; `values` are the last iterates, also where a sample failed. Steps are
    counted per sample; `residuals` is (steps + 1, n), NaN after a sample froze. Raises BadInput on other norms than
    "residual", on singular operators, on shapes that do not fit.
    """
    stop = Stop() if stop is None else stop
    _check(operator, b, x0, stop, precond)
    single = b.ndim == operator.dim
    if single:
        b, x0 = b[None], None if x0 is None else x0[None]
    started = perf_counter()
    run = _Batch(operator, b, x0, stop, precond)
    while run.advance():
        pass
    true = run.finish(operator, b)
    n, steps = b.shape[0], run.steps
    out = Solution(
        values=run.x[0] if single else run.x,
        status=[Status(int(code)) for code in run.code],
        steps=steps,
        residuals=np.stack([_host(h).astype(np.float64) for h in run.history[: int(steps.max(initial=0)) + 1]]),
        true_residual=true,
        seconds=np.full(n, (perf_counter() - started) / n),
        setup_seconds=np.zeros(n),
        n_matvec=steps + 2 + steps // RECOMPUTE,
        n_precond=steps + 1 + steps // RECOMPUTE,
        info={"method": "cg" if precond == "none" else "pcg-jacobi", "preconditioner": precond, "batch": n},
    )
    if not single:
        return out
    each = ("status", "steps", "true_residual", "seconds", "setup_seconds", "n_matvec", "n_precond")
    first = {name: getattr(out, name)[0] for name in each}
    return replace(out, **first, residuals=out.residuals[:, 0])


def _check(operator: Any, b: Any, x0: Any, stop: Stop, precond: Any) -> None:
    if not isinstance(operator, StencilOperator):
        raise BadInput.of("batched CG needs a StencilOperator.", found=type(operator).__name__)
    if precond not in ("none", "jacobi"):
        raise BadInput.of("preconditioner of batched CG.", found=repr(precond), allowed='"none", "jacobi"')
    if stop.norm != "residual":
        raise BadInput.of("batched CG tests the residual only.", found=f"norm = {stop.norm!r}")
    if operator.singular:
        raise BadInput.of("batched CG cannot take out a null space.", found="a singular operator")
    if tuple(b.shape) != operator.shape and tuple(b.shape[1:]) != operator.shape:
        raise BadInput.of(
            "the right-hand side does not fit the operator.",
            found=f"shape {tuple(b.shape)}",
            allowed=f"{operator.shape}, or (n, {', '.join(map(str, operator.shape))})",
        )
    if x0 is not None and tuple(x0.shape) != tuple(b.shape):
        raise BadInput.of("x0 does not fit the right-hand side.", found=f"shape {tuple(x0.shape)}")


class _Batch:
    """The state: arrays (n, *unknowns) and (n,) on the device, of the samples `index` once the batch was compacted."""

    def __init__(self, operator: StencilOperator, b: Any, x0: Any, stop: Stop, precond: str) -> None:
        self.xp, self.operator, self.stop, self.b = array_namespace(b), operator, stop, b
        self.inverse = 1.0 / operator.diagonal() if precond == "jacobi" else None
        self.limit, self.k, self.whole = stop.limit(math.prod(operator.shape)), 0, None
        xp, self.n = self.xp, b.shape[0]
        norm_b = self._norm(b)
        x = xp.zeros_like(b) if x0 is None else x0 + 0.0
        bad = ~xp.isfinite(norm_b + self._norm(x))
        for e in (*operator.edges, *(() if operator.shift is None else (operator.shift,))):
            bad = bad | ~xp.isfinite(xp.sum(xp.reshape(e, (e.shape[0] if e.ndim > operator.dim else 1, -1)), axis=1))
        zero = ~bad & (norm_b == 0)
        self.x = xp.where(self._wide(zero), xp.zeros_like(x), xp.where(self._wide(bad), math.nan, x))
        self.code = xp.where(bad, int(Status.NONFINITE_INPUT), xp.where(zero, int(Status.CONVERGED_ZERO_RHS), RUNNING))
        self.alphas, self.betas = [], []
        self.patience = [Patience() for _ in range(self.n)]
        self.confirmed, self.restarted = self.code != RUNNING, self.code != self.code
        self.r = xp.where(self._wide(self.confirmed), xp.zeros_like(b), b - operator @ self.x)
        self._precondition()
        self.p = self.z + 0.0
        first = xp.where(self.confirmed, norm_b, self.norm)
        self.history = [first]
        self.scale = norm_b if stop.relative_to == "b" else first
        self.target = xp.maximum(stop.rtol * self.scale, stop.atol + 0.0 * self.scale)
        self.first, self.best, self.best_step = xp.maximum(first, self.scale), first, xp.zeros_like(first)
        self.count = xp.zeros_like(first)
        self.sound = (
            math.inf + self.count
        )  # steps before the recurrence was found to lie: their scalars tell the spectrum
        self._test()

    def advance(self) -> bool:
        """One step; False where nothing is left to do. Asks the host every CHECK_EVERY steps."""
        xp = self.xp
        if self.k % CHECK_EVERY == 0 and not self._look():
            return False
        alive = self.code == RUNNING
        q = self.operator @ self.p
        pq = self._dot(self.p, q)
        self.count = self.count + xp.astype(alive, self.count.dtype)
        floor = float(xp.finfo(pq.dtype).eps) * self._norm(self.p) * self._norm(q)
        self._end(alive & ~xp.isfinite(pq), Status.NONFINITE)
        self._end(alive & (pq <= floor), Status.INDEFINITE_OPERATOR)
        moving = self.code == RUNNING
        alpha, old = self._ratio(moving, self.rz, pq), self.rz
        self.x = self.x + self._wide(alpha) * self.p
        self.r = self.r - self._wide(alpha) * q
        self.k += 1
        if self.k % RECOMPUTE == 0:
            recurrence = self._norm(self.r)
            self.r = xp.where(self._wide(moving), self.b - self.operator @ self.x, self.r)
            gap = xp.abs(self._norm(self.r) - recurrence)
            self.sound = xp.where(gap > AGREES * recurrence, xp.minimum(self.sound, self.count - 1), self.sound)
        self._precondition()
        self.history.append(self._spread(xp.where(alive, self.norm, math.nan * self.norm)))
        beta = self._ratio(moving, self.rz, old)
        self.alphas.append(alpha)
        self.betas.append(beta)
        self.p = xp.where(self._wide(moving), self.z + self._wide(beta) * self.p, self.p)
        self._test()
        return True

    def _test(self) -> None:
        xp, alive = self.xp, self.code == RUNNING
        self._end(alive & ~xp.isfinite(self.norm + self.rz), Status.NONFINITE)
        met = self.norm <= self.target
        relative = self.norm <= self.stop.rtol * self.scale
        self._end(alive & met & relative, Status.CONVERGED)
        self._end(alive & met & ~relative, Status.CONVERGED_ATOL)
        self._end(alive & (self.norm > BLOW_UP * self.first), Status.DIVERGED)
        self._end(alive & (self.rz <= 0), Status.INDEFINITE_PRECONDITIONER)
        self.best_step = xp.where(self.norm < self.best, self.k + 0.0 * self.best_step, self.best_step)
        self.best = xp.minimum(self.best, self.norm)
        if self.k >= self.limit:
            self._end(self.code == RUNNING, Status.MAX_STEPS)

    def _look(self) -> bool:
        """Waits for the device. True to go on: some sample is running, or was started again."""
        self._confirm()
        running = _host(self.code) == RUNNING
        waited = self.k - _host(self.best_step)
        tired = [i for i in np.flatnonzero(running) if waited[i] >= self.patience[i].steps]
        scalars = [_host(self.xp.stack(part)) for part in (self.alphas, self.betas)] if tired else []
        for i in tired:
            sound = int(min(self.k, _host(self.sound)[i]))
            if self.patience[i].ends(int(waited[i]), *(list(part[:sound, i].astype(float)) for part in scalars)):
                self.code[int(i)] = int(Status.STAGNATED)
                running[i] = False
        if 0 < 2 * running.sum() < len(running) and self.whole is None:
            self._compact(np.flatnonzero(running))
        return bool(running.any())

    def _confirm(self) -> None:
        """Where the test was just met: does b - A x agree? Else one restart from it, then FALSE_CONVERGENCE."""
        xp, new = self.xp, (self.code != RUNNING) & ~self.confirmed
        if not bool(xp.any(new)):
            return
        r = self.b - self.operator @ self.x
        met = (self.code == int(Status.CONVERGED)) | (self.code == int(Status.CONVERGED_ATOL))
        false = new & met & ~(self._norm(r) <= FALSE * self.target)
        again = false & ~self.restarted if self.k < self.limit else false & ~false
        self.code = xp.where(false, int(Status.FALSE_CONVERGENCE) + 0 * self.code, self.code)
        self.code = xp.where(again, RUNNING + 0 * self.code, self.code)
        self.confirmed, self.restarted = self.confirmed | (new & ~again), self.restarted | again
        self.r = xp.where(self._wide(again), r, self.r)
        self._precondition()
        self.p = xp.where(self._wide(again), self.z, self.p)

    def _compact(self, index: np.ndarray) -> None:
        """Go on with the samples `index` only; the whole batch waits in `whole`."""
        take = self.xp.asarray(index) if isinstance(self.b, np.ndarray) else self.b.new_tensor(index).long()
        self.whole = (take, self.x, self.code, self.count)
        for name in BATCHED:
            setattr(self, name, getattr(self, name)[take])
        self.alphas, self.betas = ([v[take] for v in part] for part in (self.alphas, self.betas))
        self.patience = [self.patience[i] for i in index]
        dim = self.operator.dim
        if self.inverse is not None and self.inverse.ndim > dim:
            self.inverse = self.inverse[take]
        edges = tuple(e[take] if e.ndim > dim else e for e in self.operator.edges)
        shift = self.operator.shift
        shift = shift[take] if shift is not None and shift.ndim > dim else shift
        self.operator = replace(self.operator, edges=edges, shift=shift)

    def finish(self, operator: StencilOperator, b: Any) -> np.ndarray:
        """Put the batch together again; (n,) true relative residuals, NaN for input that is not finite."""
        if self.whole is not None:
            take, x, code, count = self.whole
            x[take], code[take], count[take] = self.x, self.code, self.count
            self.x, self.code, self.count = x, code, count
        self.code, self.steps = _host(self.code), _host(self.count).astype(int)
        norm_b, r = _host(self._norm(b)).astype(float), _host(self._norm(b - operator @ self.x)).astype(float)
        out = r / np.where(norm_b > 0, norm_b, 1.0)
        return np.where(self.code == int(Status.NONFINITE_INPUT), np.nan, out)

    def _end(self, which: Any, status: Status) -> None:
        """Those of `which` that are running end with this status."""
        stopped = which & (self.code == RUNNING)
        self.code = self.xp.where(stopped, int(status) + 0 * self.code, self.code)

    def _precondition(self) -> None:
        self.z = self.r if self.inverse is None else self.inverse * self.r
        self.norm, self.rz = self._norm(self.r), self._dot(self.r, self.z)

    def _ratio(self, where: Any, above: Any, below: Any) -> Any:
        """above / below where asked, 0 elsewhere, without a division by zero anywhere."""
        one = self.xp.ones_like(below)
        return self.xp.where(where, above / self.xp.where(where & (below != 0), below, one), 0.0 * one)

    def _spread(self, norms: Any) -> Any:
        """Norms of the samples at work among the whole batch, NaN for the others."""
        if self.whole is None:
            return norms
        out = math.nan * self.history[0]
        out[self.whole[0]] = norms
        return out

    def _dot(self, u: Any, v: Any) -> Any:
        return self.xp.sum(self.xp.reshape(u * v, (u.shape[0], -1)), axis=1)

    def _norm(self, u: Any) -> Any:
        return self.xp.sqrt(self._dot(u, u))

    def _wide(self, scalar: Any) -> Any:
        return self.xp.reshape(scalar, (scalar.shape[0], *(1,) * self.operator.dim))


def _host(array: Any) -> np.ndarray:
    return np.asarray(array.cpu() if hasattr(array, "cpu") else array)
