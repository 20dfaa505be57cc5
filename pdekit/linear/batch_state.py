"""The iteration of `batched.py`: arrays (n, *unknowns) and (n,) on one device, slices and masks, no loop over samples.

A sample that is done or has failed is frozen by zero steps; when fewer than half are left, the batch is compacted, once.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from array_api_compat import array_namespace

from pdekit.linear.cg import AGREES, BLOW_UP, DENIALS, FALSE, HELPED, RECOMPUTE
from pdekit.linear.lanczos import Patience
from pdekit.linear.stop import Stop
from pdekit.solution import Status
from pdekit.space.stencils import StencilOperator

CHECK_EVERY = 8  # steps between two looks at the device's convergence flags: each look waits for the device
BATCHED = (
    *("b", "x", "r", "z", "p", "rz", "norm", "scale", "target", "first"),
    *("best", "best_step", "count", "products", "applied", "sound", "code", "confirmed", "restarted"),
    *("least", "least_x", "denied", "least_true"),
)
RUNNING = -1  # the code of a sample that is still worked on; else the number of its Status
WHOLE = (
    "x",
    "least_x",
    "code",
    "count",
    "products",
    "applied",
)  # what is put together again after the batch was compacted


class Batch:
    """The state: arrays (n, *unknowns) and (n,) on the device, of the samples `index` once the batch was compacted."""

    def __init__(self, operator: StencilOperator, b: Any, x0: Any, stop: Stop, atol: Any, precond: str) -> None:
        self.xp, self.operator, self.stop, self.b = array_namespace(b), operator, stop, b
        self.b_whole = b
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
        # smallest |r| that a step led away from, and its x
        self.least, self.least_x = math.inf * xp.ones_like(norm_b), self.x + 0.0
        self.code = xp.where(bad, int(Status.NONFINITE_INPUT), xp.where(zero, int(Status.CONVERGED_ZERO_RHS), RUNNING))
        self.alphas, self.betas = [], []
        self.patience = [Patience() for _ in range(self.n)]
        self.confirmed, self.restarted = self.code != RUNNING, self.code != self.code
        self.r = xp.where(self._wide(self.confirmed), xp.zeros_like(b), b - operator @ self.x)
        self._precondition()
        self.p = self.z + 0.0
        first = xp.where(self.confirmed, norm_b, self.norm)
        self.denied, self.least_true = xp.zeros_like(first), math.inf * xp.ones_like(first)
        self.history = [first]
        self.scale = norm_b if stop.relative_to == "b" else first
        self.target = xp.maximum(stop.rtol * self.scale, atol + 0.0 * self.scale)
        self.first, self.best, self.best_step = xp.maximum(first, self.scale), first, xp.zeros_like(first)
        self.count = xp.zeros_like(first)
        self.products, self.applied = self.count + 1, self.count + 1  # with A and with M, of each sample
        # steps before the recurrence was found to lie: their scalars tell the spectrum
        self.sound = math.inf + self.count
        self._test()

    def advance(self) -> bool:
        """One step; False where nothing is left to do. Asks the host every CHECK_EVERY steps."""
        xp = self.xp
        if self.k % CHECK_EVERY == 0 and not self._look():
            return False
        alive = self.code == RUNNING
        q = self.operator @ self.p
        pq = self._dot(self.p, q)
        self.count, self.products = self.count + self._ones(alive), self.products + self._ones(alive)
        floor = float(xp.finfo(pq.dtype).eps) * self._norm(self.p) * self._norm(q)
        self._end(alive & ~xp.isfinite(pq + floor), Status.NONFINITE)
        self._end(alive & (pq <= floor), Status.INDEFINITE_OPERATOR)
        moving = self.code == RUNNING
        alpha, old = self._ratio(moving, self.rz, pq), self.rz
        before, start = self.norm, self.x
        self.x = self.x + self._wide(alpha) * self.p
        self.r = self.r - self._wide(alpha) * q
        self.k += 1
        if self.k % RECOMPUTE == 0:
            recurrence = self._norm(self.r)
            self.products = self.products + self._ones(moving)
            self.r = xp.where(self._wide(moving), self.b - self.operator @ self.x, self.r)
            gap = xp.abs(self._norm(self.r) - recurrence)
            self.sound = xp.where(gap > AGREES * recurrence, xp.minimum(self.sound, self.count - 1), self.sound)
        self._precondition()
        away = moving & (before < self.least) & ~(self.norm <= before)
        self.least = xp.where(away, before, self.least)
        self.least_x = xp.where(self._wide(away), start, self.least_x)
        self.applied = self.applied + self._ones(moving)
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
        running = host(self.code) == RUNNING
        waited = self.k - host(self.best_step)
        tired = [i for i in np.flatnonzero(running) if waited[i] >= self.patience[i].steps]
        scalars = [host(self.xp.stack(part)) for part in (self.alphas, self.betas)] if tired else []
        for i in tired:
            sound = int(min(self.k, host(self.sound)[i]))
            if self.patience[i].ends(int(waited[i]), *(list(part[:sound, i].astype(float)) for part in scalars)):
                self.code[int(i)] = int(Status.STAGNATED)
                running[i] = False
        if 0 < 2 * running.sum() < len(running) and self.whole is None:
            self._compact(np.flatnonzero(running))
        return bool(running.any())

    def _confirm(self) -> None:
        """Where the test was just met: does b - A x meet it? Else begin again from that residual, while it helps.

        Evaluated in float64; `cg` goes on along its direction instead, and in long double, so near what rounding allows the
        two may differ in steps and in who stagnates.
        """
        xp, new = self.xp, (self.code != RUNNING) & ~self.confirmed
        if not bool(xp.any(new)):
            return
        r = self._true()
        now = self._norm(r)
        self.products = self.products + self._ones(new)
        met = (self.code == int(Status.CONVERGED)) | (self.code == int(Status.CONVERGED_ATOL))
        denied = new & met & ~(now <= self.target)
        far = denied & ~(now <= FALSE * self.target)
        helped = now < HELPED * self.least_true
        self.denied = xp.where(denied, xp.where(helped, 0 * self.denied, self.denied + 1), self.denied)
        self.least_true = xp.where(denied, xp.minimum(now, self.least_true), self.least_true)
        late = denied & (self.count >= self.limit)
        vain = denied & ~late & ~far & (self.denied >= DENIALS)
        false = denied & ~late & far & self.restarted
        again = denied & ~late & ~vain & ~false
        self.restarted = self.restarted | far
        self.sound = xp.where(again, xp.minimum(self.sound, self.count), self.sound)
        self.code = xp.where(false, int(Status.FALSE_CONVERGENCE) + 0 * self.code, self.code)
        self.code = xp.where(vain, int(Status.STAGNATED) + 0 * self.code, self.code)
        self.code = xp.where(late, int(Status.MAX_STEPS) + 0 * self.code, self.code)
        self.code = xp.where(again, RUNNING + 0 * self.code, self.code)
        self.confirmed = self.confirmed | (new & ~again)
        self.r = xp.where(self._wide(again), r, self.r)
        self._precondition()
        self.p = xp.where(self._wide(again), self.z, self.p)

    def _true(self) -> Any:
        """b - A x, evaluated in float64, in the type of the iteration."""
        xp = self.xp
        if self.b.dtype == xp.float64:
            return self.b - self.operator @ self.x
        wide = self.operator.astype(xp.float64)
        return xp.astype(xp.astype(self.b, xp.float64) - wide @ xp.astype(self.x, xp.float64), self.b.dtype)

    def _compact(self, index: np.ndarray) -> None:
        """Go on with the samples `index` only; the whole batch waits in `whole`."""
        take = self.xp.asarray(index) if isinstance(self.b, np.ndarray) else self.b.new_tensor(index).long()
        self.whole = (take, {name: getattr(self, name) for name in WHOLE})
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

    def finish(self) -> None:
        """Put the batch together again; what is per sample comes to the host."""
        if self.whole is not None:
            take, whole = self.whole
            for name in WHOLE:
                whole[name][take] = getattr(self, name)
                setattr(self, name, whole[name])
        self.code, self.steps = host(self.code), host(self.count).astype(int)
        self.products, self.applied = host(self.products).astype(int), host(self.applied).astype(int)

    def residuals(self) -> np.ndarray:
        """(steps + 1, n) norms. A sample that was started again was frozen for some steps: those rows are taken out."""
        rows = np.stack([host(h).astype(np.float64) for h in self.history])
        rows = np.take_along_axis(rows, np.argsort(np.isnan(rows), axis=0, kind="stable"), axis=0)
        return rows[: int(self.steps.max(initial=0)) + 1]

    def _ones(self, where: Any) -> Any:
        return self.xp.astype(where, self.norm.dtype)

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


def host(array: Any) -> np.ndarray:
    """The array in the memory of the host."""
    return np.asarray(array.cpu() if hasattr(array, "cpu") else array)
