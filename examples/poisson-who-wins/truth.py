"""The exact solution of a discrete system, by a route that no contestant takes, and better than float64 can hold.

Iterative refinement: multigrid-CG solves for a correction in float64, the residual of what has been found so far is taken in
extended precision (np.longdouble, 64 bits of mantissa on x86), where the solution is kept too. Each round wins ten digits until
the size of a correction is that of rounding: the size of the last one is the estimate of the error, whatever the inner solver
is. Chosen over a source made from a known solution (b = A u, rounded) because the source stays as it was drawn.
The system is the one that the operator's edges define: a matrix assembled from them in float64 has rounded diagonals, and a
solver that uses it (direct, incomplete factors) answers for that rounding.
Source: Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., 2002, ch. 12.
"""

from __future__ import annotations

import numpy as np

from pdekit.linear.solve import solve
from pdekit.linear.stop import Stop
from pdekit.space.stencils import StencilOperator

ROUNDS = 12  # three serve; more are never needed but by a matrix that the inner solver cannot solve to 1e-10


def refined(operator: StencilOperator, b: np.ndarray) -> tuple[np.ndarray, float]:
    """(x, estimate): A x = b in np.longdouble, shape of b, and the relative error of x in the 2-norm, as estimated.

    Where np.longdouble is no wider than float64 the estimate says so: it is some 1e-13 then. Raises SolveError where the inner
    solver fails.
    """
    wide, right = operator.astype(np.longdouble), b.astype(np.longdouble)
    x, size = np.zeros(b.shape, np.longdouble), np.inf
    for _ in range(ROUNDS):
        residual = (right - wide.slices(x)).astype(np.float64)
        found = solve(operator, residual, method="cg", precond="multigrid", stop=Stop(rtol=1e-10)).require_converged()
        x = x + found.values
        last, size = size, distance(found.values, np.zeros_like(x), x)
        if size >= 0.5 * last or size == 0.0:
            break
    return x, size


def distance(a: np.ndarray, b: np.ndarray, scale: np.ndarray) -> float:
    """|a - b| / |scale| in the 2-norm, the difference taken in extended precision."""
    off = np.asarray(a, np.longdouble) - b
    return float(np.sqrt(np.sum(off * off) / np.sum(np.asarray(scale, np.longdouble) ** 2)))
