"""One solve by cycles of scipy's Krylov methods, ended by us.

Each run of scipy is a cycle on the correction equation A d = r / |r|, x += |r| d, ended from its callback, on the true |b - A x|
of every step (for MINRES and BiCGStab one product a step more; GMRES tells its norm, M being applied on the right, and is
tested again after each restart). A run that scipy ends before the test is met is taken up from its best iterate, while that
helps. CONVERGED is said of |b - A x| of what is handed back, in the type of b, evaluated one type wider where rounding might
decide; where that does not meet the test, the run goes on with a lower aim, while that helps.
Where rounding in A or M leaves scipy's absolute thresholds (eps, eps^2) without meaning, both are scaled by powers of two.
The iteration is in float64 whatever the type of b.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np
from scipy.sparse.linalg import LinearOperator

from pdekit.linear.attainable import note_on_tolerance
from pdekit.linear.cg import BLOW_UP, DENIALS, FALSE, HELPED
from pdekit.linear.magnitude import at_ordinary_size
from pdekit.linear.stationary import before
from pdekit.linear.stop import Stop
from pdekit.linear.system import System
from pdekit.linear.vector_kernels import norm
from pdekit.solution import Solution, Status
from pdekit.space.stencils import StencilOperator

IDLE = 2  # cycles in a row that left more than HELPED of the residual before a run is given up
WAIT = (200, 2000)  # steps without a residual 1 % lower before STAGNATED: as many as unknowns, within these


class Ended(Exception):
    """Carries a run out of scipy once its status is known."""


class Run:
    """x, its residual, the steps and the history, over all cycles."""

    def __init__(self, system: System, precond: Any, stop: Stop, x: np.ndarray, callback: Any) -> None:
        self.system, self.precond, self.stop, self.callback = system, precond, stop, callback
        wide = system.operator
        self.wide = wide.astype(np.float64) if isinstance(wide, StencilOperator) and wide.dtype != np.float64 else wide
        self.right = system.b.astype(np.float64, copy=False)
        self.steps = self.n_matvec = self.n_precond = 0
        self.x, self.status, self.blamed = x, None, Status.STAGNATED
        self.r = self.right - self.product(x)
        self.norm = norm(self.r.ravel())
        self.scale = norm(self.right.ravel()) if stop.relative_to == "b" else self.norm
        self.target = self.aim = max(stop.rtol * self.scale, stop.atol)
        self.denied, self.least_true, self.answer = 0, math.inf, x
        self.limit, self.first = stop.limit(x.size), max(self.norm, self.scale)
        self.patience = min(max(WAIT[0], x.size), WAIT[1])
        self.history = [self.norm]
        self.best, self.best_x, self.mark, self.marked = self.norm, x, self.norm, 0
        self.status = self._checked(self.norm)

    @property
    def left(self) -> int:
        """Steps that may still be done."""
        return self.limit - self.steps

    def product(self, v: np.ndarray) -> np.ndarray:
        """A v in float64, shape of v."""
        self.n_matvec += 1
        return self.wide @ v if isinstance(self.wide, StencilOperator) else (self.wide @ v.ravel()).reshape(v.shape)

    def begin(self) -> bool:
        """Prepare a cycle from the best iterate; False, with the status, where A sends its residual to zero."""
        self.start, self.start_norm = self.best_x, self.norm
        self.b = (self.r / self.norm).ravel()
        shape, size = self.right.shape, self.b.size
        z = self.b if self.precond is None else self._applied(self.b)
        km = _exponent(z)
        w = self.product(z.reshape(shape)).ravel()
        kw = _exponent(w)
        if not (np.isfinite(w).all() and np.isfinite(z).all()):
            self.status = Status.NONFINITE
        elif not w.any():
            self.status = Status.BREAKDOWN
        if self.status is not None:
            return False
        self.back = kw - km
        build: Any = LinearOperator  # its stubs describe __new__, which takes the subclass' arguments
        self.a = build(
            (size, size), lambda v: _times(self.product(v.reshape(shape)).ravel(), km - kw), dtype=np.float64
        )
        self.m = (
            None
            if self.precond is None
            else build((size, size), lambda v: _times(self._applied(v.ravel()), -km), dtype=np.float64)
        )
        return True

    def _applied(self, v: np.ndarray) -> np.ndarray:
        self.n_precond += 1
        out = np.empty(self.right.shape)
        self.precond.apply(np.ascontiguousarray(v).reshape(self.right.shape), out, norm(np.ascontiguousarray(v)))
        if self.system.singular:  # factors of a singular A send rounding far into its null space
            self.system.project(out)
        return out.ravel()

    def record(self, value: float) -> None:
        """One step more, with this norm."""
        self.steps += 1
        self.history.append(float(value))
        if self.callback is not None:
            self.callback(self.steps, self.history[-1])

    def tell(self, d: np.ndarray) -> None:
        """A step led to x = start + |r| d (in the scaling of the cycle): its norm, and what it says. Raises Ended."""
        self._move(d)
        self.record(self.norm)
        self.status = self._checked(self.norm)
        if self.status is not None:
            raise Ended

    def last(self, d: np.ndarray) -> None:
        """The answer of scipy, which may be one more step than it told."""
        if not np.array_equal(self.start + self._correction(d), self.x):
            self.tell(d)

    def _correction(self, d: np.ndarray) -> np.ndarray:
        return _times(d, -self.back).reshape(self.right.shape) * self.start_norm

    def _move(self, d: np.ndarray) -> None:
        self.x = self.start + self._correction(d)
        self.r = self.right - self.product(self.x)
        self.norm = norm(self.r.ravel())
        if not math.isfinite(norm(self.x.ravel())):  # in a part that A does not see
            self.norm = math.nan

    def _checked(self, now: float) -> Status | None:
        if now < self.best:
            self.best, self.best_x = now, self.x
        if not math.isfinite(now):
            return Status.NONFINITE
        if now <= self.aim:
            status = self._confirmed(now)
            if status is not None:
                return status
        if now > BLOW_UP * self.first:
            return Status.DIVERGED
        if self.steps >= self.limit:
            return Status.MAX_STEPS
        if now < HELPED * self.mark:
            self.mark, self.marked = now, self.steps
        return Status.STAGNATED if self.steps - self.marked >= self.patience else None

    def _confirmed(self, now: float) -> Status | None:
        """CONVERGED if the answer, centred and in the type of b, meets the test; else None, with a lower aim."""
        system, kind = self.system, self.system.b.dtype
        with np.errstate(over="ignore"):
            self.answer = self.x.astype(kind)
        value = system.confirm(
            self.answer, np.empty_like(self.answer), self.target, now if kind == np.float64 else None
        )
        self.n_matvec += value != now
        if value <= self.target:
            return Status.CONVERGED if value <= self.stop.rtol * self.scale else Status.CONVERGED_ATOL
        self.aim = min(now * self.target / value, 0.5 * self.aim)
        self.denied = 0 if value < HELPED * self.least_true else self.denied + 1
        self.least_true = min(self.least_true, value)
        if self.denied < DENIALS:
            return None
        return Status.STAGNATED if value <= FALSE * self.target else Status.FALSE_CONVERGENCE

    def rewind(self) -> None:
        """Back to the best iterate."""
        if self.x is not self.best_x:
            self.x = self.best_x
            self.r = self.right - self.product(self.x)
            self.norm = norm(self.r.ravel())


def _exponent(v: np.ndarray) -> int:
    size = float(np.abs(v).max(initial=0.0))
    return math.frexp(size)[1] if 0.0 < size < math.inf else 0


def _times(v: np.ndarray, k: int) -> np.ndarray:
    """v * 2^k."""
    return v if k == 0 else np.ldexp(v, k)


def _iterate(run: Run, cycle: Callable[[Run], bool]) -> None:
    """Cycles until there is a status."""
    idle = 0
    while run.status is None and run.begin():
        before_it = run.best
        run.blamed = Status.STAGNATED
        try:
            sound = cycle(run)
        except Ended:
            return
        if not sound and run.blamed is Status.STAGNATED:
            run.blamed = Status.BREAKDOWN
        idle = 0 if run.best < HELPED * before_it else idle + 1
        if idle >= (1 if not sound else IDLE):
            run.status = run.blamed
        run.rewind()


@at_ordinary_size
def solve_by_cycles(
    system: System,
    name: str,
    cycle: Callable[[Run], bool],
    precond: Any,
    *,
    stop: Stop,
    x0: np.ndarray | None,
    project_rhs: bool,
    callback: Callable[[int, float], None] | None,
) -> Solution:
    """Solve one system; `cycle` is one call of scipy on run.a, run.b, run.m, False where it broke down. See `Method.run`."""
    started = perf_counter()
    b = system.b
    x = np.zeros(b.shape) if x0 is None else np.array(x0, np.float64, order="C").reshape(b.shape)
    norm_b = norm(b.ravel())
    history, counts = [norm_b], (0, 0, 0)
    incompatible, status = system.incompatible(), before(system, norm_b, x, project_rhs)
    if status is None:
        with np.errstate(all="ignore"):
            run = Run(system, precond, stop, x, callback)
            _iterate(run, cycle)
        assert run.status is not None
        status, history = run.status, run.history
        x = run.answer if status.converged else run.best_x
        counts = (run.steps, run.n_matvec, run.n_precond)
    if not status.converged:
        system.centre(x)
    with np.errstate(over="ignore"):
        x = x.astype(b.dtype, copy=False)
    residual = math.nan if status is Status.NONFINITE_INPUT else system.true_residual(x)
    return Solution(
        values=x,
        status=status,
        steps=counts[0],
        residuals=np.array(history),
        true_residual=residual,
        seconds=perf_counter() - started,
        n_matvec=counts[1],
        n_precond=counts[2],
        info={
            "method": name if precond is None else f"{name}-{precond.name}",
            "preconditioner": "none" if precond is None else precond.name,
            "incompatible": incompatible,
        }
        | note_on_tolerance(system, stop, status, x),
    )
