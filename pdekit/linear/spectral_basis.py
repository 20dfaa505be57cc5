"""Polynomials that meet the boundary conditions of one axis whatever their coefficients, as modes of its mass matrix.

    phi_k = P_k + a_k P_{k+1} + b_k P_{k+2}, k = 0..N-2       dirichlet: P_k - P_{k+2}; neumann: b_k = -k(k+1)/((k+2)(k+3))

scaled so that the stiffness matrix (phi_i', phi_j'), which is diagonal, is the identity; the mass matrix (phi_i, phi_j) has
five diagonals, and only even couplings where both ends are alike. Its eigenvectors turn -a Laplace u + c u = f on a box into
one division per mode. Between two neumann ends phi_0 = 1 has no stiffness, and no coupling to the others.
`recombined` asks only what the ends know of the polynomials, so that it makes the bases of Chebyshev too: T_k - T_{k+2}, and
T_k - (k/(k+2))^2 T_{k+2}.
Source: Shen 1994, doi:10.1137/0915089, lemma 2.1 and sec. 3.1; mixed ends by the same two conditions. Chebyshev: Shen 1995,
doi:10.1137/0916006.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pdekit.errors import BadInput
from pdekit.space import legendre
from pdekit.space.series import check_degree, half_length

KINDS = ("dirichlet", "neumann")


@dataclass(frozen=True)
class Basis:
    """One axis [0, length] of polynomials of degree N with K = N - 1 modes. Arrays are shared: not written to.

    phi         (N+1, K) Legendre coefficients of phi_k, homogeneous at both ends
    vectors     (K, K) the modes in terms of phi_k: orthogonal
    mass        (K,) (mode, mode), in length^2; 1 of the constant between two neumann ends
    bands       (3, K) diagonals 0, 1 and 2 of (phi_i, phi_j), filled up with zeros
    stiffness   (K,) (mode', mode'): 1, of that constant 0; two different modes have neither mass nor stiffness in common
    ends        (2, N+1) what the low and the high end know of a Legendre series: value, or outward derivative (1/length)
    lift        (N+1, 2) two polynomials of degree 2 or less that have 1 in one of `ends` and 0 in the other
    squares     (N+1,) (P_k, P_k), in length
    """

    length: float
    phi: np.ndarray
    vectors: np.ndarray
    mass: np.ndarray
    bands: np.ndarray
    stiffness: np.ndarray
    ends: np.ndarray
    lift: np.ndarray
    squares: np.ndarray

    @property
    def degree(self) -> int:
        """N."""
        return self.phi.shape[0] - 1

    @property
    def modes(self) -> np.ndarray:
        """(N+1, K) Legendre coefficients of the modes."""
        return self.phi @ self.vectors


def basis(degree: int, length: float, kinds: tuple[str, str]) -> Basis:
    """Build the basis for (low, high) of "dirichlet" | "neumann"; degree >= 2. O(N^3). Raises BadInput."""
    check_degree(degree, least=2)
    if not set(kinds) <= set(KINDS):
        raise BadInput.of(
            "the Legendre basis knows two kinds of ends.", found=f"{kinds[0]!r}, {kinds[1]!r}", allowed=", ".join(KINDS)
        )
    half, squares = half_length(0.0, length), legendre.squares(degree, 0.0, length)
    n = np.arange(degree + 1)
    known = [np.ones(degree + 1) if kind == "dirichlet" else n * (n + 1) / (2.0 * half) for kind in kinds]
    ends = np.stack([(-1.0) ** n * known[0], known[1]])
    phi = recombined(*known)
    slopes = legendre.derivative(phi, 1, 0.0, length, axis=0)
    stiffness = squares @ slopes**2
    held = stiffness > 0
    phi = phi / np.sqrt(np.where(held, stiffness, length))
    full = phi.T @ (squares[:, None] * phi)
    bands = np.stack([np.pad(np.diagonal(full, k), (0, min(k, degree - 1))) for k in range(3)])
    mass, vectors = np.ones(degree - 1), np.eye(degree - 1)
    mass[held], vectors[np.ix_(held, held)] = np.linalg.eigh(full[np.ix_(held, held)])
    return Basis(length, phi, vectors, mass, bands, held.astype(np.float64), ends, lifts(ends), squares)


def lifts(ends: np.ndarray) -> np.ndarray:
    """(N+1, 2) coefficients of two polynomials of least degree that have 1 in one of the rows `ends` (2, N+1), 0 in the other."""
    first = 0 if ends[:, 0].any() else 1  # the constant has no slope: it cannot lift two slopes
    lift = np.zeros(ends.shape[::-1])
    lift[first : first + 2] = np.linalg.inv(ends[:, first : first + 2])
    return lift


def recombined(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """(N+1, N-1) coefficients of phi_k, from what the ends know of P_n (or T_n), (-1)^n low_n and high_n, by Cramer's rule."""
    degree = low.size - 1
    k = np.arange(degree - 1)
    determinant = -(low[k + 1] * high[k + 2] + low[k + 2] * high[k + 1])
    phi = np.zeros((degree + 1, degree - 1))
    phi[k, k] = 1.0
    phi[k + 1, k] = (low[k + 2] * high[k] - low[k] * high[k + 2]) / determinant
    phi[k + 2, k] = (low[k + 1] * high[k] + low[k] * high[k + 1]) / determinant
    return phi
