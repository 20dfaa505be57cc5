"""-a u'' + c u = f on an interval in Chebyshev series, by Shen's basis: the Galerkin and the tau equations.

    phi_k = T_k + a_k T_{k+1} + b_k T_{k+2}     dirichlet: T_k - T_{k+2}; neumann: T_k - (k/(k+2))^2 T_{k+2}
    "galerkin"   (phi_i, -a u'' + c u - f)_w = 0, i = 0..N-2, w = 1/sqrt(1 - t^2)
    "tau"        the coefficients 0..N-2 of -a u'' + c u - f are 0; the last two stand back for the two ends

Both look for u = lift + sum x_k phi_k, which meets the ends whatever x is; for tau that is the same polynomial as with two
boundary rows in place of the last two. Dense matrices; between dirichlet ends their condition numbers grow like N^2 (Galerkin)
and N^3 (tau; both measured). `SpectralLine` is better conditioned, `SpectralBox` serves more axes: these are what the textbooks
compare them with.
Source: Shen 1995, doi:10.1137/0916006, sec. 2; Canuto et al., Spectral Methods: Fundamentals, Springer 2006, sec. 3.4 (tau).
"""

from __future__ import annotations

import math
from time import perf_counter

import numpy as np
from scipy.linalg import lu_factor, lu_solve

from pdekit.errors import BadInput, unknown_name
from pdekit.linear.spectral_basis import KINDS, lifts, recombined
from pdekit.linear.spectral_data import Data, at_nodes
from pdekit.linear.spectral_line import SINGULAR
from pdekit.solution import Solution, Status
from pdekit.space import chebyshev
from pdekit.space.series import check_degree, half_length

METHODS = ("galerkin", "tau")


def chebyshev_ends(degree: int, length: float, kinds: tuple[str, str]) -> np.ndarray:
    """(2, N+1) what the low and the high end of [0, length] know of T_k: value, or outward derivative."""
    n, half = np.arange(degree + 1), half_length(0.0, length)
    low, high = (np.ones(degree + 1) if kind == "dirichlet" else n**2 / half for kind in kinds)
    return np.stack([(-1.0) ** n * low, high])


class ChebyshevLine:
    """The equation on [0, length], factorised once, O(N^3).

    boundary     (low, high) of "dirichlet" (u given) | "neumann" (outward flux a du/dn given); with two neumann ends c != 0
    diffusivity  a > 0
    reaction     c; -wavenumber^2 for Helmholtz
    method       "galerkin" | "tau"

    Raises BadInput on others.
    """

    def __init__(
        self,
        degree: int,
        length: float,
        boundary: tuple[str, str],
        *,
        diffusivity: float = 1.0,
        reaction: float = 0.0,
        method: str = "galerkin",
    ) -> None:
        started = perf_counter()
        check_degree(degree, least=2)
        if method not in METHODS:
            raise unknown_name("method of a Chebyshev line", method, METHODS)
        if not set(boundary) <= set(KINDS) or (boundary == ("neumann",) * 2 and reaction == 0):
            raise BadInput.of(
                "a Chebyshev line needs two ends that fix its solution.",
                found=f"{boundary[0]!r}, {boundary[1]!r}, reaction {reaction!r}",
                allowed='"dirichlet", "neumann"; not two "neumann" with reaction 0',
            )
        if not (math.isfinite(diffusivity) and diffusivity > 0 and math.isfinite(reaction)):
            raise BadInput.of("diffusivity of a Chebyshev line.", found=repr(diffusivity), allowed="a number > 0")
        self.degree, self.length, self.boundary, self.method = degree, float(length), boundary, method
        self.a, self.c = float(diffusivity), float(reaction)
        ends = chebyshev_ends(degree, length, boundary)
        self.lift, n = lifts(ends), np.arange(degree + 1)
        self.phi = recombined(np.abs(ends[0]), ends[1])
        weight = np.where(n == 0, math.pi, 0.5 * math.pi)  # (T_k, T_k)_w
        self.rows = self.phi.T * weight if method == "galerkin" else np.eye(degree - 1, degree + 1)
        matrix = self.rows @ self._operator(self.phi)
        self.matrix, self.factor = matrix, lu_factor(matrix, check_finite=False)
        self.condition = float(np.linalg.cond(matrix, 1)) if self.factor[0].diagonal().all() else math.inf
        self.setup_seconds = perf_counter() - started

    @property
    def nodes(self) -> np.ndarray:
        """Gauss-Lobatto nodes (N+1,), DESCENDING from `length` to 0."""
        return chebyshev.nodes(self.degree, 0.0, self.length)

    def _operator(self, u: np.ndarray) -> np.ndarray:
        return self.c * u - self.a * chebyshev.derivative(u, 2, 0.0, self.length, axis=0)

    def series(self, f: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(u, residual): coefficients (n, N+1) of n solutions at once, and the relative residual (n,) of their systems.

        f   (n, N+1) coefficients;  ends   (n, 2) u or a du/dn at the low and the high end
        """
        scale = np.array([1.0 if kind == "dirichlet" else 1.0 / self.a for kind in self.boundary])
        lifted = self.lift @ (ends * scale).T
        b = self.rows @ (f.T - self._operator(lifted))
        x = lu_solve(self.factor, b)
        size = np.linalg.norm(b, axis=0)
        residual = np.linalg.norm(b - self.matrix @ x, axis=0) / np.where(size > 0, size, 1.0)
        return (self.phi @ x + lifted).T, residual

    def solve(self, source: Data, low: float = 0.0, high: float = 0.0) -> Solution:
        """values = u at the `nodes` (N+1,). low, high: u or a du/dn at the ends.

        Status EVALUATED; BREAKDOWN at a resonance; NONFINITE_INPUT. info: condition, in the 1-norm.
        """
        started, info = perf_counter(), {"method": f"chebyshev-{self.method}", "condition": self.condition}
        f = at_nodes(source, [self.nodes], "source")
        if not (np.isfinite(f).all() and math.isfinite(low) and math.isfinite(high)):
            return Solution(np.full(f.shape, math.nan), Status.NONFINITE_INPUT, info=info)
        if not self.condition < SINGULAR:
            return Solution(np.full(f.shape, math.nan), Status.BREAKDOWN, info=info)
        u, residual = self.series(chebyshev.coefficients(f)[None], np.array([[low, high]]))
        return Solution(
            chebyshev.values(u[0]),
            Status.EVALUATED,
            true_residual=float(residual[0]),
            seconds=perf_counter() - started,
            setup_seconds=self.setup_seconds,
            info=info,
        )
