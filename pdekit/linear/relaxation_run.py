"""One solve by relaxation sweeps: the stopping test, the ways to end, the iterate that is handed back.

Sweeps run in compiled blocks; the norm after each comes with them, so that the history is complete. CONVERGED is said of
|b - A x| of the x that is handed back, evaluated once more; where that does not meet the test, sweeps go on with a lower aim,
while that helps. What a failed solve hands back is the iterate of the least norm: the block that met it is swept once more,
from a copy.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from time import perf_counter

import numpy as np

from pdekit.errors import BadInput
from pdekit.linear.attainable import attainable, note_on_tolerance
from pdekit.linear.cg import BLOW_UP, DENIALS, FALSE, HELPED
from pdekit.linear.magnitude import at_ordinary_size
from pdekit.linear.relaxation_sweeper import Sweeper
from pdekit.linear.stop import Stop
from pdekit.linear.system import System
from pdekit.linear.vector_kernels import norm
from pdekit.solution import Solution, Status

BLOCK = 16  # sweeps in one compiled call
PATIENCE = 200  # sweeps without a new least norm, at least, before a run is suspected of stagnation
TRANSIENT = 10.0  # of them per 1 / (2 - omega): powers k rho^k, rho = omega - 1, make the norm swing for as long
FLAT = 1e-10  # relative change of the norm over PATIENCE sweeps that is none
FLOOR = 10.0  # a norm of fewer attainable ones is rounding
GROWTH = 1.25  # a suspicion that was not confirmed waits longer by this


@at_ordinary_size
def relax(  # noqa: PLR0913
    system: System,
    ready: Sweeper,
    *,
    method: str,
    omega: float,
    stop: Stop,
    symmetric: bool = False,
    every: int = 1,
    x0: np.ndarray | None = None,
    project_rhs: bool = False,
    callback: Callable[[int, float], None] | None = None,
) -> Solution:
    """Sweep until the residual is small. A step is one sweep, of a symmetric method one there and back.

    ready      of the system's operator, in the type of b
    every      look at the norm after every so many sweeps only; the others are NaN in `residuals`
    callback   called with (step, norm) of each sweep, after the block that holds it
    The rest as in `cg`. Raises BadInput where another norm than that of the residual is asked for.
    """
    if stop.norm != "residual":
        raise BadInput.of("relaxation tests the residual only.", found=f"norm = {stop.norm!r}")
    started = perf_counter()
    run = _Run(system, ready, omega, stop, symmetric, every)
    status = run.start(x0, project_rhs)
    while status is None:
        begin = run.step
        status = run.block()
        if callback is not None:
            for k in range(begin + 1, run.step + 1):
                callback(k, float(run.norms[k]))
    x = run.finish(status)
    return Solution(
        values=x,
        status=status,
        steps=run.step,
        residuals=run.norms[: run.step + 1].copy(),
        true_residual=math.nan if status is Status.NONFINITE_INPUT else system.true_residual(x),
        seconds=perf_counter() - started,
        n_matvec=run.products + run.step * (2 if symmetric else 1),
        n_precond=run.step,
        info={"method": method, "preconditioner": method, "incompatible": run.incompatible, "omega": omega}
        | note_on_tolerance(system, stop, status, x),
    )


class _Run:
    """The state of one iteration."""

    def __init__(self, system: System, ready: Sweeper, omega: float, stop: Stop, symmetric: bool, every: int) -> None:
        self.system, self.ready, self.omega, self.stop = system, ready, omega, stop
        self.symmetric, self.every = symmetric, every
        self.length = every * max(1, BLOCK // every)  # a block ends with a norm that was asked for
        self.step = self.products = 0
        self.incompatible = 0.0
        self.best, self.best_step = math.inf, 0
        self.kept_step = 0
        self.moved = False  # x and b lie as the sweeps want them
        self.patience = max(PATIENCE, TRANSIENT / (2.0 - omega), 2 * every)

    def start(self, x0: np.ndarray | None, project_rhs: bool) -> Status | None:
        system, b = self.system, self.system.b
        norm_b = norm(b.ravel())
        self.norms = np.array([norm_b])
        x = np.zeros_like(b) if x0 is None else np.array(x0, b.dtype, order="C").reshape(b.shape)
        self.x = x
        size = 0.0 if x0 is None else norm(x.ravel())
        if not (math.isfinite(norm_b) and system.finite and math.isfinite(size)):
            x[...] = math.nan
            return Status.NONFINITE_INPUT
        if norm_b == 0.0 or not self.ready.definite:
            x[...] = 0.0
            return Status.CONVERGED_ZERO_RHS if norm_b == 0.0 else Status.INDEFINITE_OPERATOR
        self.incompatible = system.incompatible()
        if not system.compatible():
            if not project_rhs:
                x[...] = 0.0
                return Status.INCOMPATIBLE_RHS
            system.project_rhs()
            norm_b = norm(system.b.ravel())
        r = system.b if size == 0.0 else np.empty_like(b)
        first = norm_b if size == 0.0 else system.residual(x, r)
        self.products = 0 if size == 0.0 else 1
        self.limit = self.stop.limit(b.size)
        self.norms = np.full(min(self.limit, 64 * self.length) + 1, first)
        self.scale = norm_b if self.stop.relative_to == "b" else first
        self.target = self.aim = max(self.stop.rtol * self.scale, self.stop.atol)
        self.denied, self.least_true = 0, math.inf
        self.ceiling = BLOW_UP * max(first, self.scale)
        self.best = first
        self.b, self.x, self.moved = self.ready.inward(system.b), self.ready.inward(x), True
        self.before, self.kept = np.empty_like(self.x), self.x.copy()
        kept = self.ready.residual_kept()
        if kept is not None:
            kept[...] = self.ready.inward(r)
        return self._ended(first)

    def block(self) -> Status | None:
        """Some BLOCK sweeps, less where the test is met; the status they ask for, None to go on."""
        begin, last = self.step, min(self.step + self.length, self.limit)
        if last >= len(self.norms):
            self.norms = np.concatenate([self.norms, np.empty(min(len(self.norms), self.limit + 1 - len(self.norms)))])
        np.copyto(self.before, self.x)
        self._advance(self.x, begin, last)
        new = self.norms[begin + 1 : self.step + 1]
        least = int(np.argmin(np.where(np.isnan(new), math.inf, new)))
        if new[least] < self.best:
            self.best, self.best_step = float(new[least]), begin + 1 + least
            self.before, self.kept, self.kept_step = self.kept, self.before, begin
        return self._ended(float(self.norms[self.step]))

    def _advance(self, x: np.ndarray, step: int, last: int) -> None:
        self.step = self.ready.advance(
            *(x, self.b, self.omega, step, last, self.norms),
            target=self.aim,
            ceiling=self.ceiling,
            symmetric=self.symmetric,
            every=self.every,
        )

    def _ended(self, now: float) -> Status | None:
        if not math.isfinite(now) and self.step % self.every == 0:
            return Status.NONFINITE
        if now <= self.aim:
            status = self._confirmed(now)
            if status is not None:
                return status
        if now > self.ceiling:
            return Status.DIVERGED
        if self.step >= self.limit:
            return Status.MAX_STEPS
        return Status.STAGNATED if self._stagnated(now) else None

    def _stagnated(self, now: float) -> bool:
        """True where nothing is gained any more: the norm is level, or what rounding leaves.

        A new least norm alone says nothing: on rough coefficients it may stand above |b| for all of 20000 sweeps, while the
        error falls in each of them.
        """
        if self.step - self.best_step < self.patience:
            return False
        window = self.norms[max(self.step - max(PATIENCE, 2 * self.every), 0) : self.step + 1]
        if np.nanmax(window) <= (1.0 + FLAT) * np.nanmin(window):
            return True
        floor = attainable(self.system, self.ready.outward(self.x, self.system.b.shape))
        if floor is not None and now <= FLOOR * floor * norm(self.system.b.ravel()):
            return True
        self.patience = GROWTH * (self.step - self.best_step)
        return False

    def _confirmed(self, now: float) -> Status | None:
        """CONVERGED if b - A x meets the test too; far off, FALSE_CONVERGENCE; else None, to go on with a lower aim."""
        system = self.system
        self.answer = self.ready.outward(self.x, system.b.shape).copy()
        r = np.empty_like(self.answer)
        value = system.confirm(self.answer, r, self.target, now if self.step == 0 else None)
        self.products += self.step > 0 or value != now
        if value <= self.target:
            return Status.CONVERGED if value <= self.stop.rtol * self.scale else Status.CONVERGED_ATOL
        if not value <= FALSE * self.target:
            return Status.FALSE_CONVERGENCE
        self.aim = min(now * self.target / value, 0.99 * self.aim)
        kept = self.ready.residual_kept()
        if kept is not None:
            kept[...] = self.ready.inward(r)
        self.denied = 0 if value < HELPED * self.least_true else self.denied + 1
        self.least_true = min(self.least_true, value)
        return Status.STAGNATED if self.denied >= DENIALS else None

    def finish(self, status: Status) -> np.ndarray:
        """The solution in the shape of b, without its null-space part; after a failure the iterate of the least norm."""
        shape = self.system.b.shape
        if not self.moved:
            return self.x
        if status.converged:
            return self.answer
        if status.failed and self.best_step < self.step:
            end, norms = self.step, self.norms
            self.norms, self.aim = self.norms.copy(), -math.inf
            kept = self.ready.residual_kept()
            if kept is not None:
                x = self.ready.outward(self.kept, shape)
                r = np.empty_like(x)
                self.system.residual(x, r)
                kept[...] = self.ready.inward(r)
            self._advance(self.kept, self.kept_step, self.best_step)
            self.x, self.step, self.norms = self.kept, end, norms
        x = self.ready.outward(self.x, shape)
        self.system.centre(x)
        return x
