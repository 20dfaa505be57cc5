"""Conjugate gradients, plain and preconditioned, for symmetric positive (semi)definite A.

    r = b - A x; z = M r; p = z; rz = r.z
    loop: q = A p; pq = p.q; a = rz/pq; x += a p; r -= a q; z = M r; rz' = r.z; p = z + (rz'/rz) p

What differs from the textbook: r is recomputed from x every 50 steps and whenever the test is met, one type wider where
rounding might decide (a recurrence in float32 claims 1e-8 where the truth is 1e-2). CONVERGED is said of that residual
only. Where it is not met: within ten targets CG goes on from it, until it comes down no more (STAGNATED); above, one restart
from it, then FALSE_CONVERGENCE. Every scalar is tested. A run that fails hands back the iterate of the least residual, not
its last one.
Source: Hestenes & Stiefel 1952; Saad, Iterative Methods for Sparse Linear Systems, 2nd ed. 2003, alg. 9.1; semidefinite A:
Kaasschieter 1988, doi:10.1016/0377-0427(88)90358-5.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np

from pdekit.linear.attainable import note_on_tolerance
from pdekit.linear.lanczos import Patience, spectrum
from pdekit.linear.magnitude import at_ordinary_size
from pdekit.linear.stop import Stop
from pdekit.linear.system import System
from pdekit.linear.vector_kernels import advance, dot, norm, turn
from pdekit.solution import Solution, Status
from pdekit.space import buffers

RECOMPUTE = 50  # steps between recomputations of r
AGREES = 1e-2  # relative change of |r| by a recomputation up to which the scalars still tell the spectrum
FALSE = 10.0  # a true residual above this many targets contradicts the recurrence
HELPED = 0.99  # a true residual above this share of the least one so far has not come down
DENIALS = 3  # times in a row that the test was met by the recurrence only, and the true residual has not come down
SUSPICIOUS = 1e6  # a step this much longer than the first is tested against rounding: p . A p may be zero
BLOW_UP = 1e5  # growth of the residual that is called divergence


@at_ordinary_size
def cg(
    system: System,
    *,
    stop: Stop,
    precond: Any = None,
    x0: np.ndarray | None = None,
    project_rhs: bool = False,
    callback: Callable[[int, float], None] | None = None,
) -> Solution:
    """Solve one system; see `Stop` for the test and `Status` for the ways to end. Never raises on what the numbers do.

    precond       set up already: apply(r, out, norm) -> r . out, an approximation of the inverse, symmetric; None: identity
    x0            start, shape of b; None: zero
    project_rhs   singular A: take from b what A cannot produce, rather than answer INCOMPATIBLE_RHS; residuals are then
                  those of the projected b
    callback      called with (step, norm) after each step
    """
    run = _Run(system, stop, precond, project_rhs)
    started = perf_counter()
    status = run.start(x0)
    while status is None:
        status = run.step()
        if callback is not None:
            callback(run.steps, run.history[-1])
    x, true_residual = run.finish(status)
    info = {
        "method": "cg" if precond is None else f"pcg-{precond.name}",
        "preconditioner": "none" if precond is None else precond.name,
        "incompatible": run.incompatible,
        "spectrum": spectrum(run.alphas, run.betas),
    }
    note = note_on_tolerance(system, stop, status, x)
    return Solution(
        values=x,
        status=status,
        steps=run.steps,
        residuals=np.array(run.history),
        true_residual=true_residual,
        seconds=perf_counter() - started,
        n_matvec=run.n_matvec,
        n_precond=run.n_precond,
        norm_type=stop.norm,
        info=info | note,
    )


class _Run:
    """The state of one iteration: vectors, scalars, counts."""

    def __init__(self, system: System, stop: Stop, precond: Any, project_rhs: bool) -> None:
        self.system, self.stop, self.precond, self.project_rhs = system, stop, precond, project_rhs
        self.steps = self.n_matvec = self.n_precond = 0
        self.history: list[float] = []
        self.alphas: list[float] = []
        self.betas: list[float] = []
        self.incompatible = 0.0
        self.restarted = self.turned = False
        self.denied, self.least_true = 0, math.inf
        self.sound = True  # the recurrence has told the truth: its scalars belong to one Lanczos process
        self.known: float | None = None  # |b - A x| of the x that is handed back, where it was just computed
        self.best, self.best_step, self.patience = math.inf, 0, Patience()
        self.least, self.least_x = math.inf, None  # smallest |r| that a step led away from, and its x

    def start(self, x0: np.ndarray | None) -> Status | None:
        system, b = self.system, self.system.b
        norm_b = norm(b.ravel())
        self.history.append(norm_b)
        self.x = buffers.zeros(b.shape, b.dtype) if x0 is None else np.array(x0, b.dtype, order="C").reshape(b.shape)
        start_norm = 0.0 if x0 is None else norm(self.x.ravel())
        if not (math.isfinite(norm_b) and system.finite and math.isfinite(start_norm)):
            self.x[...] = math.nan
            return Status.NONFINITE_INPUT
        if norm_b == 0.0:
            self.x[...] = 0.0
            return Status.CONVERGED_ZERO_RHS
        if not system.definite:
            self.x[...] = 0.0
            return Status.INDEFINITE_OPERATOR
        self.incompatible = system.incompatible()
        if not system.compatible():
            if not self.project_rhs:
                self.x[...] = 0.0
                return Status.INCOMPATIBLE_RHS
            system.project_rhs()
            norm_b = norm(system.b.ravel())
        self.limit = self.stop.limit(b.size)
        self.r, self.q, self.p = (buffers.empty(b.shape, b.dtype) for _ in range(3))
        self.z = self.r if self.precond is None else buffers.empty(b.shape, b.dtype)
        self.scale = self._scale(norm_b) if self.stop.relative_to == "b" else 0.0
        self._residual(zero=start_norm == 0.0)
        np.copyto(self.p, self.z)
        self.history = [self._measure()]
        if self.stop.relative_to == "r0":
            self.scale = self.history[0]
        self.target = max(self.stop.rtol * self.scale, self.stop.atol)
        self.first = max(self.history[0], self.scale)
        return self._checked()

    def _scale(self, norm_b: float) -> float:
        """The measure of b itself."""
        if self.stop.norm == "residual" or self.precond is None:
            return norm_b
        z = np.empty_like(self.system.b)
        rz = self.precond.apply(self.system.b, z, norm_b)
        self.n_precond += 1
        return math.sqrt(max(rz, 0.0)) if self.stop.norm == "natural" else norm(z.ravel())

    def _residual(self, *, zero: bool = False) -> None:
        """r = b - A x, z = M r, rz; no product where x is zero."""
        if zero:
            self.r[...] = self.system.b
            self.norm_r = norm(self.r.ravel())
        else:
            self.norm_r = self.system.residual(self.x, self.r)
            self.n_matvec += 1
        self._precondition()

    def _precondition(self) -> None:
        if self.precond is None:
            self.rz = self.norm_r**2
            return
        self.rz = self.precond.apply(self.r, self.z, self.norm_r)
        self.n_precond += 1
        if self.system.singular:
            self.system.project(self.z)
            self.rz = dot(self.r.ravel(), self.z.ravel())

    def _measure(self) -> float:
        if self.stop.norm == "natural":
            return math.sqrt(max(self.rz, 0.0)) if math.isfinite(self.rz) else math.nan
        return norm(self.z.ravel()) if self.stop.norm == "preconditioned" else self.norm_r

    def _checked(self) -> Status | None:
        """The status that the newest norm asks for, None to go on. Recomputes r where the test is met."""
        now = self.history[-1]
        if not math.isfinite(now):
            return Status.NONFINITE
        if self.stop.norm == "natural" and self.rz < 0.0:
            return Status.INDEFINITE_PRECONDITIONER
        if now <= self.target:
            status = self._confirmed()
            if status is not None:
                return status
            now = self.history[-1]
        if not math.isfinite(self.rz):
            return Status.NONFINITE
        if now < self.best:
            self.best, self.best_step = now, self.steps
        if now > BLOW_UP * self.first:
            return Status.DIVERGED
        if self.rz <= 0.0:
            return Status.INDEFINITE_PRECONDITIONER
        if self.steps >= self.limit:
            return Status.MAX_STEPS
        if self.patience.ends(self.steps - self.best_step, self.alphas, self.betas):
            return Status.STAGNATED
        return None

    def _confirmed(self) -> Status | None:
        """CONVERGED if b - A x meets the test too; else None, to go on from it, while that helps."""
        if self.steps > 0 or self.norm_r > 0.0:
            known = None if self.steps > 0 else self.norm_r
            self.norm_r = self.known = self.system.confirm(self.x, self.r, self.target, known)
            self.n_matvec += self.norm_r != known
            if self.stop.norm != "residual" or not self.norm_r <= self.target:
                self._precondition()
        now = self._measure()
        if now <= self.target:
            relative = self.stop.rtol * self.scale >= self.stop.atol or now <= self.stop.rtol * self.scale
            return Status.CONVERGED if relative else Status.CONVERGED_ATOL
        self.history[-1], self.sound = now, False
        if self.norm_r < self.least:
            self.least, self.least_x = self.norm_r, self.x.copy()
        if not now <= FALSE * self.target:
            if self.restarted:
                return Status.FALSE_CONVERGENCE
            self.restarted, self.turned = True, True
            np.copyto(self.p, self.z)
        self.denied = 0 if now < HELPED * self.least_true else self.denied + 1
        self.least_true = min(self.least_true, now)
        return Status.STAGNATED if self.denied >= DENIALS else None

    def step(self) -> Status | None:
        p, q = self.p, self.q
        pq = self.system.product(p, q)
        self.n_matvec += 1
        if not math.isfinite(pq):
            return self._abandoned(Status.NONFINITE)
        alpha = self.rz / pq if pq > 0 else math.inf
        if not self.alphas or alpha > SUSPICIOUS * self.alphas[0]:
            floor = float(np.finfo(self.x.dtype).eps) * norm(p.ravel()) * norm(q.ravel())
            if pq <= floor:
                return self._abandoned(Status.INDEFINITE_OPERATOR if pq < 0 or floor > 0 else Status.BREAKDOWN)
        before, old = self.norm_r, self.rz
        rr = advance(self.x.ravel(), self.r.ravel(), p.ravel(), q.ravel(), self.x.dtype.type(alpha))
        self.steps += 1
        self.norm_r = math.sqrt(rr) if rr >= 0 else math.nan
        if before < self.least and not self.norm_r <= before:
            self.least, self.least_x = before, self.x - self.x.dtype.type(alpha) * p
        if self.steps % RECOMPUTE == 0:
            recurrence = self.norm_r
            self._residual()
            self.sound = self.sound and abs(self.norm_r - recurrence) <= AGREES * self.norm_r
        else:
            self._precondition()
        self.history.append(self._measure())
        if self.sound:
            self.alphas.append(alpha)
            self.betas.append(self.rz / old)
        status = self._checked()
        if status is None and not self.turned:
            turn(p.ravel(), self.z.ravel(), self.x.dtype.type(self.rz / old))
        self.turned = False
        return status

    def _abandoned(self, status: Status) -> Status:
        """A step was begun and not finished; it counts, with the norm as it was."""
        self.steps += 1
        self.history.append(self.history[-1])
        return status

    def finish(self, status: Status) -> tuple[np.ndarray, float]:
        """The solution without its null-space part, and |b - A x| / |b| in float64; after a failure the better of the
        last iterate and the one of the least recurrence residual."""
        system = self.system
        if status is Status.NONFINITE_INPUT:
            return self.x, math.nan
        if status.converged and self.known is not None:
            return self.x, self.known / norm(system.b.ravel())
        choice = [self.x] if status.converged or self.least_x is None else [self.x, self.least_x]
        for x in choice:
            system.centre(x)
        residuals = [system.true_residual(x) for x in choice]
        best = min(range(len(choice)), key=lambda i: (not math.isfinite(residuals[i]), residuals[i]))
        return choice[best], residuals[best]
