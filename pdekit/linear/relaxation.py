"""Jacobi, Gauss-Seidel, SOR and SSOR as methods for A x = b: set up once for an operator, run for each right-hand side.

With A = D + L + L^T, L what a sweep visits before a point, one step is

    jacobi         x += omega D^-1 (b - A x)                                                                (1)
    sor            x += (D / omega + L)^-1 (b - A x);  gauss-seidel: omega = 1                              (2)
    ssor           (2), then x += (D / omega + L^T)^-1 (b - A x): there and back, with the same omega       (3)

A symmetric positive definite: (2) and (3) converge for every omega in (0, 2). Two orders of one matrix need different
counts; 5- and 7-point operators have the same best omega in all of them. Singular A: the part of x that A does not see is
taken out at the end. Source: Young, Iterative Solution of Large Linear Systems, 1971; Saad, Iterative Methods for Sparse
Linear Systems, 2nd ed. 2003, sec. 4.1.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Real
from typing import Any

import numpy as np
import scipy.sparse as sp

from pdekit.errors import BadInput, unknown_name
from pdekit.linear.relaxation_run import relax
from pdekit.linear.relaxation_sweeper import ORDERINGS, Sweeper, sweeper
from pdekit.linear.relaxation_young import young_omega
from pdekit.linear.stop import Stop
from pdekit.linear.system import System, operator_size
from pdekit.linear.vector_kernels import norm
from pdekit.solution import Solution

__all__ = ["SOR", "SSOR", "GaussSeidel", "JacobiIteration", "relaxation_factor", "sweeps", "young_omega"]


class JacobiIteration:
    """(1): all unknowns at once. omega in (0, 2) is the damping; 1 does not converge where the spectrum of D^-1 A reaches 2
    (a singular 5-point operator), and no omega where it goes beyond 2 / omega."""

    name, symmetric, ordering, check_every = "jacobi", False, "jacobi", 1

    def __init__(self, omega: Any = 1.0) -> None:
        self.omega: Any = relaxation_factor(omega, self.name)

    def setup(self, operator: Any, system: System | None = None) -> JacobiIteration:
        """Make the operator ready, once for many right-hand sides. `system`: one of those, for its type.

        Raises BadInput on a matrix that is not symmetric, on an operator without entries, and where the ordering cannot
        serve.
        """
        if sp.issparse(operator):
            (System(operator, np.zeros(operator_size(operator))) if system is None else system).check_symmetric()
        self.ready = sweeper(operator, np.float64 if system is None else system.b.dtype, self.ordering)
        null = None if system is None else "constant" if system.constant else system.basis
        self.factor, self.note = self._factor(operator, null)
        return self

    def _factor(self, operator: Any, nullspace: Any) -> tuple[float, str]:
        """omega as a number, and a note where Young's could not be had: the run then says by its status what is wrong."""
        if self.omega != "young":
            return self.omega, ""
        try:
            return young_omega(operator, nullspace), ""
        except BadInput as error:
            return 1.0, f"omega = 1 in place of Young's: {str(error).splitlines()[-1].strip()}"

    def run(
        self,
        system: System,
        *,
        stop: Stop,
        x0: np.ndarray | None = None,
        project_rhs: bool = False,
        callback: Callable[[int, float], None] | None = None,
    ) -> Solution:
        """Solve one system of the operator that was set up; see `relax`. Never raises on what the numbers do."""
        if self.ready.diagonal.dtype != system.b.dtype:
            self.ready = sweeper(self.ready.operator, system.b.dtype, self.ordering)
        solution = relax(
            system,
            self.ready,
            method=self.name,
            omega=self.factor,
            stop=stop,
            symmetric=self.symmetric,
            every=self.check_every,
            x0=x0,
            project_rhs=project_rhs,
            callback=callback,
        )
        solution.info.update({"ordering": self.ordering} | ({"note": self.note} if self.note else {}))
        return solution


class SOR(JacobiIteration):
    """(2): unknown by unknown.

    omega         in (0, 2), or "young": `young_omega` of the operator, found at set-up
    ordering      "lexicographic" (C order; rows of a matrix), "red-black" (grids; all points of one colour, then the other),
                  "multicolour" (any matrix; a greedy colouring)
    check_every   look at the residual after every so many sweeps only: counts are rounded up to that
    """

    name = "sor"

    def __init__(self, omega: Any = 1.0, ordering: str = "lexicographic", check_every: int = 1) -> None:
        self.omega: Any = omega if omega == "young" and self.name == "sor" else relaxation_factor(omega, self.name)
        if ordering not in ORDERINGS:
            raise unknown_name(f"ordering of {self.name}", str(ordering), ORDERINGS)
        if isinstance(check_every, bool) or not isinstance(check_every, int) or check_every < 1:
            raise BadInput.of(f"check_every of {self.name}.", found=repr(check_every), allowed="an integer >= 1")
        self.ordering, self.check_every = ordering, check_every


class GaussSeidel(SOR):
    """(2) with omega = 1."""

    name = "gauss-seidel"

    def __init__(self, ordering: str = "lexicographic", check_every: int = 1) -> None:
        super().__init__(1.0, ordering, check_every)


class SSOR(SOR):
    """(3): a sweep there and one back, both with omega. A step is the two of them. Young's omega is not its best."""

    name, symmetric = "ssor", True


def relaxation_factor(omega: Any, method: str) -> float:
    """omega as a float. Raises BadInput unless it lies in (0, 2), the one range in which sweeps can converge."""
    if isinstance(omega, bool) or not isinstance(omega, Real) or not 0.0 < float(omega) < 2.0:
        more = ', or "young"' if method == "sor" else ""
        raise BadInput.of(
            f"omega of {method} cannot be used.",
            found=repr(omega),
            allowed=f"a number between 0 and 2, both left out{more}",
        )
    return float(omega)


def sweeps(  # noqa: PLR0913
    operator: Any,
    b: np.ndarray,
    omega: Any,
    *,
    rtol: float,
    limit: int,
    relative_to: str = "r0",
    x0: np.ndarray | None = None,
    ordering: str = "lexicographic",
    symmetric: bool = False,
) -> tuple[np.ndarray, int, bool]:
    """SOR in one compiled call, for studies of thousands of small systems: (x, sweeps done, whether the test was met).

    The count is the first k >= 1 with |r_k| < rtol * scale, strictly, scale = |r_0| or |b|; 0 where r_0 is 0, or below the
    test already. Not met within `limit` sweeps, or not finite: (x, sweeps, False).

    operator    as in `SOR.setup`, or what `sweeper(operator, dtype, ordering)` made of it, to be used again
    b           float64 or float32, shape of the unknowns
    Nothing is confirmed, projected or scaled; `SOR.run` does. Raises BadInput on a wrong omega, or a diagonal that is not
    positive.
    """
    ready = operator if isinstance(operator, Sweeper) else sweeper(operator, b.dtype, ordering)
    omega = relaxation_factor(omega, "ssor" if symmetric else "sor")
    if relative_to not in ("b", "r0"):
        raise BadInput.of("relative_to of sweeps.", found=repr(relative_to), allowed='"b", "r0"')
    if not ready.definite:
        raise BadInput.of("sweeps need a positive diagonal.", found="an operator that is not positive definite")
    b = np.ascontiguousarray(b)
    norm_b = norm(b.ravel())
    if norm_b == 0.0:
        return np.zeros_like(b), 0, True
    first = norm_b
    x = np.zeros_like(b)
    if x0 is not None:
        x[...] = x0
        r = b - (ready.operator @ x.ravel()).reshape(b.shape) if sp.issparse(ready.operator) else b - ready.operator @ x
        first = norm(r.ravel())
    target = rtol * (first if relative_to == "r0" else norm_b)
    if first == 0.0 or first < target or not math.isfinite(first):
        return x, 0, first == 0.0 or first < target
    norms = np.empty(limit + 1)
    norms[0] = first
    inner = ready.inward(x)
    below = math.nextafter(target, 0.0) if target > 0.0 else -1.0
    k = ready.advance(inner, ready.inward(b), omega, 0, limit, norms, target=below, symmetric=symmetric)
    return ready.outward(inner, b.shape), k, bool(norms[k] <= below)
