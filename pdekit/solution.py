"""What a solver gives back: the values, why it stopped, and what it cost. One type for all solvers."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

import numpy as np

from pdekit.errors import SolveError


class Status(IntEnum):
    """Why a solve stopped. The integer is what files store; the sentence is for people.

    Names follow PETSc's KSPConvergedReason where it has one; `petsc` gives that number.
    """

    CONVERGED = 0
    CONVERGED_ATOL = 1
    CONVERGED_ZERO_RHS = 2
    EVALUATED = 3
    MAX_STEPS = 4
    STAGNATED = 5
    DIVERGED = 6
    INDEFINITE_OPERATOR = 7
    INDEFINITE_PRECONDITIONER = 8
    BREAKDOWN = 9
    NONFINITE_INPUT = 10
    NONFINITE = 11
    INCOMPATIBLE_RHS = 12
    FALSE_CONVERGENCE = 13

    @property
    def converged(self) -> bool:
        """True where a stopping test was asked and met."""
        return self in (Status.CONVERGED, Status.CONVERGED_ATOL, Status.CONVERGED_ZERO_RHS)

    @property
    def failed(self) -> bool:
        """True where a test was asked and not met. EVALUATED is neither converged nor failed."""
        return not self.converged and self is not Status.EVALUATED

    @property
    def sentence(self) -> str:
        """The likely cause, in one sentence."""
        return _SENTENCES[self]

    @property
    def petsc(self) -> int:
        """The KSPConvergedReason of the same meaning: positive converged, negative not; -2 where PETSc names no reason."""
        return _PETSC[self]


_SENTENCES = {
    Status.CONVERGED: "the residual met the relative tolerance",
    Status.CONVERGED_ATOL: "the residual met the absolute tolerance",
    Status.CONVERGED_ZERO_RHS: "the right-hand side is zero, so the solution is zero",
    Status.EVALUATED: "the answer was computed without a stopping test",
    Status.MAX_STEPS: "the step limit was reached before the tolerance",
    Status.STAGNATED: "the residual stopped improving: the tolerance may lie below the attainable accuracy",
    Status.DIVERGED: "the residual, or the state of a time step, grew 1e5 times beyond what it started from",
    Status.INDEFINITE_OPERATOR: "the operator is not positive definite; if it is negative definite, negate A and b",
    Status.INDEFINITE_PRECONDITIONER: "the preconditioner is not positive definite, nor may be the operator it was made from",
    Status.BREAKDOWN: "a division by zero inside the method: the matrix is singular or nearly so",
    Status.NONFINITE_INPUT: "the operator, right-hand side or start holds NaN or infinity",
    Status.NONFINITE: "NaN or infinity arose during the iteration",
    Status.INCOMPATIBLE_RHS: "the operator is singular and the right-hand side has a part that it cannot produce",
    Status.FALSE_CONVERGENCE: "the recurrence residual met the test but the true residual did not",
}
_PETSC = {
    Status.CONVERGED: 2,
    Status.CONVERGED_ATOL: 3,
    Status.CONVERGED_ZERO_RHS: 3,
    Status.EVALUATED: 4,
    Status.MAX_STEPS: -3,
    Status.DIVERGED: -4,
    Status.BREAKDOWN: -5,
    Status.INDEFINITE_PRECONDITIONER: -8,
    Status.NONFINITE: -9,
    Status.NONFINITE_INPUT: -9,
    Status.INDEFINITE_OPERATOR: -10,
    Status.STAGNATED: -2,
    Status.INCOMPATIBLE_RHS: -2,
    Status.FALSE_CONVERGENCE: -2,
}


@dataclass(frozen=True)
class Solution:
    """The answer of one method to one linear system A x = b, or of one Solver to n instances of a problem.

    field            one system                               n instances
    values           (*shape of b)                            {output name: (n, [t], *x)}, physical units
    status           Status                                   list of n Status
    steps            int                                      (n,) int
    residuals        (steps + 1,) norms with the first one    list of n such arrays
    true_residual    |b - A x| / |b| in float64, at the end   (n,)
    seconds          without set-up                           (n,) without set-up
    setup_seconds    assembly, hierarchy, factorisation       (n,)
    n_matvec, n_precond   int                                 (n,) int
    norm_type        "residual" | "preconditioned" | "natural": what `residuals` measures
    info             what a method wants to say: method, preconditioner, removed null-space component, spectrum estimate
    """

    values: Any
    status: Any
    steps: Any = 0
    residuals: Any = field(default_factory=lambda: np.zeros(0))
    true_residual: Any = np.nan
    seconds: Any = 0.0
    setup_seconds: Any = 0.0
    n_matvec: Any = 0
    n_precond: Any = 0
    norm_type: str = "residual"
    info: dict[str, Any] = field(default_factory=lambda: {})

    @property
    def statuses(self) -> list[Status]:
        """The status of each sample; one entry for a single system."""
        return [self.status] if isinstance(self.status, Status) else list(self.status)

    @property
    def converged(self) -> bool:
        """True where every sample met the test that was asked."""
        return all(s.converged for s in self.statuses)

    @property
    def failed(self) -> np.ndarray:
        """(n,) bool: samples whose test was not met."""
        return np.array([s.failed for s in self.statuses])

    def require_converged(self) -> Solution:
        """Return self, or raise SolveError naming the first failed sample, its residual and what to try."""
        bad = np.flatnonzero(self.failed)
        if bad.size == 0:
            return self
        i = int(bad[0])
        status = self.statuses[i]
        residual = float(np.atleast_1d(self.true_residual)[i])
        steps = int(np.atleast_1d(self.steps)[i])
        method = self.info.get("method", "the solver")
        raise SolveError(
            f"{method} failed on {bad.size} of {len(self.statuses)} samples; the first is sample {i}: {status.name}\n"
            f"  after {steps} steps, true relative residual {residual:.3g}: {status.sentence}\n"
            f"  next: more steps, a looser rtol, or another solver (`pdekit list solvers`)"
        )


def scipy_info(solution: Solution) -> int | list[int]:
    """The `info` of scipy.sparse.linalg.cg: 0 converged, steps > 0 not converged, < 0 unusable input or breakdown.

    One integer for one system, a list for a batch. Negative numbers are PETSc's, which tell apart what scipy does not.
    """
    steps = np.atleast_1d(solution.steps)
    info = [_scipy_info(s, int(k)) for s, k in zip(solution.statuses, steps, strict=True)]
    return info[0] if isinstance(solution.status, Status) else info


def _scipy_info(status: Status, steps: int) -> int:
    if not status.failed:
        return 0
    tried = (Status.MAX_STEPS, Status.STAGNATED, Status.DIVERGED, Status.FALSE_CONVERGENCE)
    return max(steps, 1) if status in tried else status.petsc
