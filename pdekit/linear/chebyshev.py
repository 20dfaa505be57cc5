"""A polynomial in A as a preconditioner: products and nothing else, so it runs wherever A does, also without entries.

M = p(D^-1 A) D^-1 with 1 - t p(t) the Chebyshev polynomial that is least on [low, high], normalised to 1 at 0. The numbers of
the recurrence are fixed at set-up: M is the same linear map at every step.
Source: Saad, Iterative Methods, 2nd ed. 2003, alg. 12.1; the interval [high / 30, high]: Adams et
al. 2003, doi:10.1016/S0021-9991(03)00194-3.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.sparse as sp

from pdekit.errors import BadInput
from pdekit.linear.cg import cg
from pdekit.linear.preconditioners import Jacobi
from pdekit.linear.stop import Stop
from pdekit.linear.system import System, as_csr
from pdekit.linear.vector_kernels import dot
from pdekit.space.stencils import StencilOperator

LANCZOS = 20  # steps of CG from a random vector, whose scalars tell the spectrum of D^-1 A
SAFETY = 1.1  # the largest Ritz value lies below the largest eigenvalue; beyond `high` p may turn negative


class Chebyshev:
    """z = M r by `degree` products. Linear and symmetric; positive definite while the spectrum of D^-1 A lies in (0, high].

    degree   of p, >= 1: products with A per application; the steps of CG fall about like 1 / (degree + 1)
    ratio    high / low, > 1; eigenvalues below low are damped less, none are amplified
    After `setup`: `bounds` (low, high), high = 1.1 times the largest of 20 Ritz values, at most what row sums prove.
    """

    name = "chebyshev"
    linear = symmetric = True

    def __init__(self, degree: int = 4, ratio: float = 30.0) -> None:
        if isinstance(degree, bool) or not isinstance(degree, int) or degree < 1:
            raise BadInput.of("degree of chebyshev.", found=repr(degree), allowed="an integer >= 1")
        if isinstance(ratio, bool) or not isinstance(ratio, int | float) or not 1 < ratio < math.inf:
            raise BadInput.of("ratio of chebyshev.", found=repr(ratio), allowed="a number > 1")
        self.degree, self.ratio = degree, float(ratio)

    def setup(self, operator: Any) -> Chebyshev:
        """Diagonal and bounds, by 20 products."""
        known = isinstance(operator, StencilOperator) or sp.issparse(operator)
        self._jacobi = Jacobi().setup(operator) if known else None
        shape = operator.shape if isinstance(operator, StencilOperator) else operator.shape[:1]
        b = np.random.default_rng(0).normal(size=shape)
        self._system = System(operator, b)
        if self._system.singular:
            self._system.project_rhs()
        probe = cg(self._system, stop=Stop(rtol=0.0, max_steps=LANCZOS), precond=self._jacobi)
        ritz = probe.info["spectrum"]
        high = min(SAFETY * ritz[1] if ritz else 1.0, row_bound(operator) if known else math.inf)
        self.bounds = (high / self.ratio, high)
        self._work: tuple[np.ndarray, ...] | None = None
        return self

    def _scaled(self, r: np.ndarray, out: np.ndarray) -> None:
        """out = D^-1 r."""
        if self._jacobi is None:
            np.copyto(out, r)
        else:
            np.multiply(r, self._jacobi.inverse.reshape(r.shape), out=out)

    def apply(self, r: np.ndarray, out: np.ndarray, norm: float = 1.0) -> float:
        """out = M r, both in C order; returns r . out."""
        low, high = self.bounds
        centre, half = 0.5 * (high + low), 0.5 * (high - low)
        if self._work is None or self._work[0].dtype != r.dtype:
            self._work = tuple(np.empty(r.shape, r.dtype) for _ in range(3))
        rest, d, q = (w.reshape(r.shape) for w in self._work)
        self._scaled(r, rest)
        np.multiply(rest, 1.0 / centre, out=d)
        np.copyto(out, d)
        sigma = centre / half
        rho = 1.0 / sigma
        for _ in range(self.degree):
            self._system.product(d, q)
            self._scaled(q, q)
            rest -= q
            rho, old = 1.0 / (2.0 * sigma - rho), rho
            d *= rho * old
            np.multiply(rest, 2.0 * rho / half, out=q)
            d += q
            out += d
        return dot(r.ravel(), out.ravel())


def row_bound(operator: Any) -> float:
    """max over rows of sum |a_ij| / a_ii: no eigenvalue of D^-1 A lies above (Gershgorin); infinity where that says nothing."""
    matrix = as_csr(operator)
    with np.errstate(divide="ignore", invalid="ignore"):
        bound = float((abs(matrix).sum(axis=1) / matrix.diagonal()).max())
    return bound if 0.0 < bound < math.inf else math.inf
