"""-Laplace u + c u = f on a box in Legendre coefficients, for many right-hand sides at once: one division per mode.

With u = lift + sum x_k phi_k and the bases of `spectral_basis`, the Galerkin equations are

    A x = b,    A = sum_k S_k (x) M_others + c M (x) M (x) M,    b = (phi, f + Laplace lift - c lift)

S the identity, M of five diagonals. The modes turn A into a diagonal: x = V ((V^T b)/(mass (lambda + c))). All samples of a
batch go through each product of matrices together, each with its own c. NumPy arrays and torch tensors alike.
Source: Shen 1994, doi:10.1137/0915089, sec. 2 and 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device

from pdekit.linear.spectral_basis import Basis
from pdekit.space import legendre
from pdekit.space.series import along_axes


@dataclass(frozen=True)
class Galerkin:
    """The equations on a box, one `Basis` per axis. Arrays are (*batch, *axes), axes of N + 1 coefficients or K = N - 1 x_k.

    c is one number, or an array (*batch, 1, .., 1) with one per sample.
    """

    bases: tuple[Basis, ...]

    @cached_property
    def eigenvalues(self) -> np.ndarray:
        """lambda of each mode, (*K), in 1/length^2."""
        total = np.zeros(())
        for b in self.bases:
            total = np.add.outer(total, b.stiffness / b.mass)
        return total

    @cached_property
    def mass(self) -> np.ndarray:
        """(mode, mode), (*K)."""
        total = np.ones(())
        for b in self.bases:
            total = np.multiply.outer(total, b.mass)
        return total

    @property
    def floats(self) -> bool:
        """True where nothing holds the level: with c = 0 the constant is a solution of f = 0."""
        return bool(self.eigenvalues.flat[0] == 0)

    def nearest(self, c: float) -> float:
        """min |lambda + c| over the modes that are solved for: its inverse is the L2 norm of the solution operator."""
        distance = np.abs(self.eigenvalues + c).ravel()
        return float(distance[1:].min() if self.floats and c == 0 else distance.min())

    def operator(self, u: Any, c: Any) -> Any:
        """Coefficients of -Laplace u + c u."""
        dim = len(self.bases)
        bends = [legendre.derivative(u, 2, 0.0, b.length, axis=k - dim) for k, b in enumerate(self.bases)]
        return c * u - sum(bends[1:], bends[0])

    def tested(self, f: Any) -> Any:
        """(phi, f) of coefficients f."""
        return along_axes([b.phi.T * b.squares for b in self.bases], f)

    def series(self, x: Any) -> Any:
        """Coefficients of sum x_k phi_k."""
        return along_axes([b.phi for b in self.bases], x)

    def solve(self, b: Any, c: Any) -> Any:
        """x (*batch, *K) of A x = b. Where nothing holds the level and c = 0 the constant's share of b is left out, and x has
        none. `nearest` of every c must not be 0: a division by it is not caught here."""
        xp = array_namespace(b)
        mass, lam = (xp.asarray(m, dtype=b.dtype, device=device(b)) for m in (self.mass, self.eigenvalues))
        divisor = mass * (lam + c)
        modal = along_axes([basis.vectors.T for basis in self.bases], b)
        if self.floats:
            free = (divisor == 0) & (lam == 0)
            modal = xp.where(free, xp.zeros_like(modal), modal)
            divisor = xp.where(free, xp.ones_like(divisor), divisor)
        return along_axes([basis.vectors for basis in self.bases], modal / divisor)

    def product(self, x: Any, c: Any) -> Any:
        """A x, by the diagonals of the matrices: what the eigenvectors are checked against."""
        dim = len(self.bases)
        out = c * self._weighed(x, range(dim))
        for axis, basis in enumerate(self.bases):
            stiff = _along(basis.stiffness, x, axis - dim)
            out = out + self._weighed(stiff, [k for k in range(dim) if k != axis])
        return out

    def _weighed(self, x: Any, axes: Sequence[int]) -> Any:
        for axis in axes:
            x = banded(self.bases[axis].bands, x, axis - len(self.bases))
        return x

    def lift(self, known: Sequence[Any]) -> tuple[Any, Any]:
        """(u, defect): coefficients (*batch, *N+1) of a polynomial that has what is known on the faces, and (*batch,) the
        largest |u - known| that disagreeing corners leave there, over the largest |known|; the later axis wins.

        known   per axis (*batch, 2, *others) coefficients of u or du/dn on its low and its high face
        """
        xp, dim = array_namespace(known[0]), len(self.bases)
        batch = known[0].shape[: known[0].ndim - dim]
        shape = (*batch, *(b.degree + 1 for b in self.bases))
        u = xp.zeros(shape, dtype=known[0].dtype, device=device(known[0]))
        for axis, b in enumerate(self.bases):
            missing = known[axis] - self._ends(u, axis)
            lift = xp.asarray(b.lift, dtype=u.dtype, device=device(u))
            u = u + xp.moveaxis(xp.tensordot(missing, lift, axes=((len(batch),), (1,))), -1, len(batch) + axis)
        inner = tuple(range(len(batch), len(batch) + dim))
        sizes = [xp.max(xp.abs(g), axis=inner) for g in known]
        gaps = [xp.max(xp.abs(g - self._ends(u, axis)), axis=inner) for axis, g in enumerate(known)]
        size, gap = (xp.max(xp.stack(parts), axis=0) for parts in (sizes, gaps))
        return u, gap / xp.where(size > 0, size, xp.ones_like(size))

    def _ends(self, u: Any, axis: int) -> Any:
        """(*batch, 2, *others) what the low and the high face of an axis know of u."""
        xp, dim = array_namespace(u), len(self.bases)
        at = u.ndim - dim
        ends = xp.asarray(self.bases[axis].ends, dtype=u.dtype, device=device(u))
        return xp.moveaxis(xp.tensordot(u, ends, axes=((at + axis,), (1,))), -1, at)


def banded(bands: np.ndarray, x: Any, axis: int) -> Any:
    """Symmetric matrix times x along an axis; bands (3, K) are its diagonals 0, 1 and 2, filled up with zeros."""
    xp = array_namespace(x)
    d = xp.asarray(bands, dtype=x.dtype, device=device(x))
    x = xp.moveaxis(x, axis, -1)
    out = d[0] * x
    for k in (1, 2):
        out[..., :-k] += d[k][:-k] * x[..., k:]
        out[..., k:] += d[k][:-k] * x[..., :-k]
    return xp.moveaxis(out, -1, axis)


def _along(diagonal: np.ndarray, x: Any, axis: int) -> Any:
    xp = array_namespace(x)
    d = xp.asarray(diagonal, dtype=x.dtype, device=device(x))
    return x * xp.reshape(d, (-1, *(1,) * (-1 - axis)))
