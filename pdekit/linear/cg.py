"""Conjugate gradients, plain and preconditioned, for symmetric positive (semi)definite A.

    r = b - A x; z = M r; p = z; rz = r.z
    loop: q = A p; pq = p.q; a = rz/pq; x += a p; r -= a q; z = M r; rz' = r.z; p = z + (rz'/rz) p

What differs from the textbook: r is recomputed from x every 50 steps and whenever the test is first met (a recurrence in
float32 claims 1e-8 where the truth is 1e-2); then one restart, then FALSE_CONVERGENCE. Every scalar is tested.
Source: Hestenes & Stiefel 1952; Saad, Iterative Methods for Sparse Linear Systems, 2nd ed. 2003, alg. 9.1; semidefinite A:
Kaasschieter 1988, doi:10.1016/0377-0427(88)90358-5.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np
from scipy.linalg import eigvalsh_tridiagonal

from pdekit.linear.stop import Stop
from pdekit.linear.system import System
from pdekit.linear.vector_kernels import advance, dot, turn
from pdekit.solution import Solution, Status

RECOMPUTE = 50  # steps between recomputations of r
PATIENCE = 50  # steps without a new best residual, at least, before STAGNATED
FALSE = 10.0  # a true residual above this many targets contradicts the recurrence
SUSPICIOUS = 1e6  # a step this much longer than the first is tested against rounding: p . A p may be zero
BLOW_UP = 1e5  # growth of the residual that is called divergence


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
    project_rhs   singular A: take from b what A cannot produce, rather than answer INCOMPATIBLE_RHS
    callback      called with (step, norm) after each step
    """
    run = _Run(system, stop, precond, project_rhs)
    started = perf_counter()
    status = run.start(x0)
    while status is None:
        status = run.step()
        if callback is not None:
            callback(run.steps, run.history[-1])
    x = run.finish()
    return Solution(
        values=x,
        status=status,
        steps=run.steps,
        residuals=np.array(run.history),
        true_residual=run.true_residual(status),
        seconds=perf_counter() - started,
        n_matvec=run.n_matvec,
        n_precond=run.n_precond,
        norm_type=stop.norm,
        info={
            "method": "cg" if precond is None else f"pcg-{precond.name}",
            "preconditioner": "none" if precond is None else precond.name,
            "incompatible": run.incompatible,
            "spectrum": run.spectrum(),
        },
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
        self.known: float | None = None  # |b - A x| of the x that is handed back, where it was just computed
        self.best, self.best_step = math.inf, 0
        self.x = np.zeros_like(system.b)
        self.best_x: np.ndarray | None = None

    def start(self, x0: np.ndarray | None) -> Status | None:
        system, b = self.system, self.system.b
        norm_b = float(np.linalg.norm(b.ravel()))
        if x0 is not None:
            self.x[...] = x0
        if not (math.isfinite(norm_b) and system.finite() and np.isfinite(self.x).all()):
            self.x[...] = math.nan
            self.history.append(norm_b)
            return Status.NONFINITE_INPUT
        self.history.append(norm_b)
        if norm_b == 0.0:
            self.x[...] = 0.0
            return Status.CONVERGED_ZERO_RHS
        self.incompatible = system.incompatible()
        if not system.compatible():
            if not self.project_rhs:
                return Status.INCOMPATIBLE_RHS
            system.b = b.copy()
            system.project(system.b)
        self.limit = self.stop.limit(b.size)
        self.r, self.q = np.empty_like(b), np.empty_like(b)
        self.z = self.r if self.precond is None else np.empty_like(b)
        scale = self._scale(norm_b)
        self._residual()
        self.p = self.z.copy() if self.precond is not None else self.r.copy()
        if self.stop.relative_to == "r0":
            scale = self._measure()
        self.target = max(self.stop.rtol * scale, self.stop.atol)
        self.history = [self._measure()]
        self.first = max(self.history[0], scale)
        return self._checked()

    def _scale(self, norm_b: float) -> float:
        """The measure of b itself."""
        if self.stop.norm == "residual" or self.precond is None:
            return norm_b
        z = np.empty_like(self.system.b)
        rz = self.precond.apply(self.system.b, z, norm_b)
        self.n_precond += 1
        return math.sqrt(max(rz, 0.0)) if self.stop.norm == "natural" else float(np.linalg.norm(z.ravel()))

    def _residual(self) -> None:
        """r = b - A x, z = M r, rz."""
        if self.x.any():
            self.norm_r = self.system.residual(self.x, self.r)
            self.n_matvec += 1
        else:
            self.r[...] = self.system.b
            self.norm_r = _norm(self.r)
        self._precondition()

    def _precondition(self) -> None:
        if self.precond is None:
            self.rz = self.norm_r**2
            return
        self.rz = self.precond.apply(self.r, self.z, self.norm_r)
        self.n_precond += 1
        if self.system.singular:
            self.system.project(self.z)
            self.rz = float(dot(self.r.ravel(), self.z.ravel()))

    def _measure(self) -> float:
        if self.stop.norm == "natural":
            return math.sqrt(self.rz) if self.rz >= 0 else math.nan
        if self.stop.norm == "preconditioned":
            return float(np.linalg.norm(self.z.ravel()))
        return self.norm_r

    def _checked(self) -> Status | None:
        """The status that the newest norm asks for, None to go on. Recomputes r where the test is met."""
        norm = self.history[-1]
        if not math.isfinite(norm):
            return Status.NONFINITE
        if norm <= self.target:
            return self._confirmed()
        if norm < self.best:
            self.best, self.best_step = norm, self.steps
        if norm > BLOW_UP * self.first:
            return Status.DIVERGED
        if self.rz <= 0.0:
            return Status.INDEFINITE_PRECONDITIONER
        if self.steps >= self.limit:
            return Status.MAX_STEPS
        waited = self.steps - self.best_step
        if waited >= PATIENCE and waited >= 2.0 * math.sqrt(self._condition()):
            return Status.STAGNATED
        return None

    def _confirmed(self) -> Status | None:
        """CONVERGED if b - A x agrees with the recurrence; else one restart from it, then FALSE_CONVERGENCE."""
        if self.steps > 0:
            self.norm_r = self.system.residual(self.x, self.r)
            self.n_matvec += 1
            self.known = self.norm_r
            if self.stop.norm != "residual" or not self.norm_r <= FALSE * self.target:
                self._precondition()
                if not self._measure() <= FALSE * self.target:
                    if self.restarted:
                        return Status.FALSE_CONVERGENCE
                    self.restarted = True
                    self.history[-1] = self._measure()
                    np.copyto(self.p, self.z)
                    self.turned = True
                    return None if self.steps < self.limit else Status.MAX_STEPS
        relative = self.stop.atol < self.target or self.history[-1] <= self.stop.rtol * self.first
        return Status.CONVERGED if relative else Status.CONVERGED_ATOL

    def step(self) -> Status | None:
        p, q = self.p, self.q
        pq = self.system.product(p, q)
        self.n_matvec += 1
        if not math.isfinite(pq):
            return self._abandoned(Status.NONFINITE)
        alpha = self.rz / pq if pq > 0 else math.inf
        if not self.alphas or alpha > SUSPICIOUS * self.alphas[0]:
            floor = float(np.finfo(self.x.dtype).eps) * _norm(p) * _norm(q)
            if pq <= floor:
                return self._abandoned(Status.INDEFINITE_OPERATOR if pq < 0 or floor > 0 else Status.BREAKDOWN)
        rr = advance(self.x.ravel(), self.r.ravel(), p.ravel(), q.ravel(), self.x.dtype.type(alpha))
        self.steps += 1
        old = self.rz
        self.norm_r = math.sqrt(rr) if rr >= 0 else math.nan
        if self.steps % RECOMPUTE == 0:
            self._residual()
        else:
            self._precondition()
        self.history.append(self._measure())
        beta = self.rz / old if old != 0 else math.nan
        self.alphas.append(alpha)
        self.betas.append(beta)
        status = self._checked()
        if status is None:
            if self.turned:
                self.turned = False
                return None
            if not math.isfinite(beta):
                return Status.NONFINITE
            turn(p.ravel(), self.z.ravel(), self.x.dtype.type(beta))
        return status

    def _abandoned(self, status: Status) -> Status:
        """A step was begun and not finished; it counts, with the norm as it was."""
        self.steps += 1
        self.history.append(self.history[-1])
        return status

    def finish(self) -> np.ndarray:
        """The solution, its null-space part removed."""
        if self.system.singular and np.isfinite(self.x).all():
            self.system.centre(self.x)
        return self.x

    def true_residual(self, status: Status) -> float:
        """|b - A x| / |b| in float64; NaN for input that is not finite."""
        if status is Status.NONFINITE_INPUT:
            return math.nan
        if status.converged and self.known is not None and self.x.dtype == np.float64:
            return self.known / _norm(self.system.b)
        return self.system.true_residual(self.x)

    def _lanczos(self) -> tuple[np.ndarray, np.ndarray]:
        """The tridiagonal matrix that CG builds of M A (Saad, eq. 6.82)."""
        alpha, beta = np.array(self.alphas[-200:]), np.array(self.betas[-200:])
        diagonal = 1.0 / alpha
        diagonal[1:] += beta[:-1] / alpha[:-1]
        return diagonal, np.sqrt(np.abs(beta[:-1])) / alpha[:-1]

    def spectrum(self) -> tuple[float, float] | None:
        """Smallest and largest Ritz value of M A, from the last 200 steps; None before two steps."""
        if len(self.alphas) < 2 or not np.isfinite(self.alphas[-200:] + self.betas[-200:-1]).all():
            return None
        values = eigvalsh_tridiagonal(*self._lanczos())
        return float(values[0]), float(values[-1])

    def _condition(self) -> float:
        ends = self.spectrum()
        return 1.0 if ends is None or ends[0] <= 0 else ends[1] / ends[0]


def _norm(v: np.ndarray) -> float:
    return math.sqrt(dot(v.ravel(), v.ravel()))
