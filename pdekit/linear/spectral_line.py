"""-a u'' + c u = f on an interval, by the ultraspherical method: Chebyshev series of any degree, almost banded, well
conditioned, where collocation's condition number grows like N^4.

    u'' in C2 (ultraspherical polynomials of index 2)   T_n -> 2 n C2_{n-2}
    u and f in C2   T_n = (U_n - U_{n-2})/2, then U_n = (C2_n - C2_{n-2})/(n+1)
    two dense rows  what the ends know: T_n(+-1) = (+-1)^n, T_n'(+-1) = (+-1)^(n+1) n^2

Unknowns are scaled by n^-p and the inner rows by n^(p-1), p = 1 between two dirichlet ends, else 3: the rows of the ends are
then in l2, and the condition number stays O(1) in N. With p = 1 a neumann end makes it grow like N^2 (measured).
Like `spectral_box` it wants the source as a function or at the nodes of `chebyshev.nodes`; the card `ultraspherical`
(`spectral_ultraspherical`) brings samples there first.
Source: Olver & Townsend 2013, doi:10.1137/120865458, sec. 2 and 3.
"""

from __future__ import annotations

import math
from time import perf_counter
from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import LinearOperator, norm, onenormest, splu

from pdekit.errors import BadInput
from pdekit.linear.spectral_basis import KINDS
from pdekit.linear.spectral_data import Data, at_nodes
from pdekit.solution import Solution, Status
from pdekit.space import chebyshev
from pdekit.space.series import check_degree, half_length

SINGULAR = 1e12  # condition number at which a float64 solve keeps fewer than four digits


class SpectralLine:
    """The equation on [0, length]; `matrix` is factorised once, O(N).

    boundary     (low, high) of "dirichlet" (u given) | "neumann" (outward flux a du/dn given); with two neumann ends c != 0
    diffusivity  a > 0
    reaction     c; -wavenumber^2 for Helmholtz

    Raises BadInput on others.
    """

    name = "ultraspherical"

    def __init__(
        self,
        degree: int,
        length: float,
        boundary: tuple[str, str],
        *,
        diffusivity: float = 1.0,
        reaction: float = 0.0,
    ) -> None:
        started = perf_counter()
        check_degree(degree, least=2)
        half = half_length(0.0, length)
        if not set(boundary) <= set(KINDS) or (boundary == ("neumann",) * 2 and reaction == 0):
            raise BadInput.of(
                "an ultraspherical solve needs two ends that fix its solution.",
                found=f"{boundary[0]!r}, {boundary[1]!r}, reaction {reaction!r}",
                allowed='"dirichlet", "neumann"; not two "neumann" with reaction 0',
                hint="SpectralBox and legendre-galerkin solve pure neumann problems",
            )
        if not (math.isfinite(diffusivity) and diffusivity > 0 and math.isfinite(reaction)):
            raise BadInput.of(
                "diffusivity of an ultraspherical solve.", found=repr(diffusivity), allowed="a number > 0"
            )
        self.degree, self.length, self.boundary = degree, float(length), boundary
        self.a, self.c = float(diffusivity), float(reaction)
        n = np.arange(degree + 1)
        shape = (degree + 1, degree + 1)
        bend = sp.diags_array(2.0 * n[2:], offsets=2, shape=shape)
        self.to_c2 = conversion(degree)
        inner = sp.csr_array(self.c * half**2 / self.a * self.to_c2 - bend)[: degree - 1]
        known = {"dirichlet": np.ones(degree + 1), "neumann": 1.0 * n**2}
        ends = np.stack([(-1.0) ** n * known[boundary[0]], known[boundary[1]]])
        power = 1 if "neumann" not in boundary else 3
        self.column = 1.0 / np.maximum(n, 1.0) ** power
        self.row = np.array([1.0 if kind == "dirichlet" else half / self.a for kind in boundary])
        self.scale = half**2 / self.a * (n[: degree - 1] + 2.0) ** (power - 1)
        weights = sp.diags_array((n[: degree - 1] + 2.0) ** (power - 1))
        self.matrix = sp.csc_array(sp.vstack([sp.csr_array(ends), weights @ inner]) @ sp.diags_array(self.column))
        self.factor, self.condition = _factor(self.matrix)
        self.setup_seconds = perf_counter() - started

    @property
    def nodes(self) -> np.ndarray:
        """Gauss-Lobatto nodes (N+1,), DESCENDING from `length` to 0."""
        return chebyshev.nodes(self.degree, 0.0, self.length)

    def solve(self, source: Data, low: float = 0.0, high: float = 0.0) -> Solution:
        """values = u at the `nodes` (N+1,); `chebyshev.interpolate` takes them anywhere. low, high: u or a du/dn at the ends.

        Status EVALUATED; BREAKDOWN at a resonance; NONFINITE_INPUT. true_residual: of the scaled linear system, over its
        right-hand side. info: condition, its condition number in the 1-norm as estimated: large near a resonance.
        """
        started, info = perf_counter(), {"method": self.name, "condition": self.condition}
        f = at_nodes(source, [self.nodes], "source")
        if not (np.isfinite(f).all() and math.isfinite(low) and math.isfinite(high)):
            return Solution(np.full(f.shape, math.nan), Status.NONFINITE_INPUT, info=info)
        if self.resonant:
            return Solution(np.full(f.shape, math.nan), Status.BREAKDOWN, info=info)
        a, residual, _ = self.series(chebyshev.coefficients(f)[None], np.array([[low, high]]))
        return Solution(
            chebyshev.values(a[0]),
            Status.EVALUATED,
            true_residual=float(residual[0]),
            seconds=perf_counter() - started,
            setup_seconds=self.setup_seconds,
            info=info,
        )

    @property
    def resonant(self) -> bool:
        """True where a float64 solve keeps fewer than four digits, or none."""
        return self.factor is None or not self.condition < SINGULAR

    def series(self, f: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(u, residual, size): Chebyshev coefficients (n, N+1) of n solutions at once; the relative residual of the scaled
        linear system and the norm of its right-hand side, both (n,).

        f   (n, N+1) Chebyshev coefficients;  ends   (n, 2) u or a du/dn at the low and the high end
        The line must not be `resonant`.
        """
        inner = (self.to_c2 @ f.T)[: self.degree - 1] * self.scale[:, None]
        b = np.concatenate([self.row[:, None] * ends.T, inner])
        x = self.factor.solve(b)
        size = np.linalg.norm(b, axis=0)
        residual = np.linalg.norm(b - self.matrix @ x, axis=0) / np.where(size > 0, size, 1.0)
        return (self.column[:, None] * x).T, residual, size


def _factor(matrix: sp.csc_array) -> tuple[Any, float]:
    """(LU, condition number in the 1-norm); (None, inf) where SuperLU meets a zero pivot."""
    try:
        factor = splu(sp.csc_matrix(matrix))
    except RuntimeError:  # "Factor is exactly singular"
        return None, math.inf
    estimate: Any = onenormest(_Inverse(factor))
    return factor, float(estimate) * float(norm(matrix, 1))


class _Inverse(LinearOperator):
    def __init__(self, factor: Any) -> None:
        super().__init__(np.dtype(np.float64), factor.shape)
        self.factor = factor

    def _matvec(self, x: np.ndarray) -> np.ndarray:
        return self.factor.solve(x)

    def _rmatvec(self, x: np.ndarray) -> np.ndarray:
        return self.factor.solve(x, trans="T")


def conversion(degree: int) -> sp.csr_array:
    """(N+1, N+1): coefficients in C2 from those in T, for series of that degree."""
    n = np.arange(degree + 1)
    first = np.where(n == 0, 1.0, 0.5)
    shape = (degree + 1, degree + 1)
    to_u = sp.diags_array(first) - sp.diags_array(0.5 * np.ones(degree - 1), offsets=2, shape=shape)
    to_c2 = sp.diags_array(1.0 / (n + 1)) - sp.diags_array(1.0 / (n[2:] + 1), offsets=2, shape=shape)
    return sp.csr_array(to_c2 @ to_u)
