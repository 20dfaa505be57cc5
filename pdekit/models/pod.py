"""Proper orthogonal decomposition of inputs and outputs with ridge regression between the coefficients: the linear
baseline that a network has to beat.

    a = Phi (x - mean x) / s           input coefficients, unit variance
    b = W a,   W = argmin |B - A W|^2 + n lambda |W|^2
    y = mean y + Psi b

Source   POD by the method of snapshots: Sirovich 1987, doi:10.1090/qam/910462. As an operator surrogate: Bhattacharya,
         Hosseini, Kovachki, Stuart 2021, arXiv 2005.03180 (PCA on both sides), here with a linear map between.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from pdekit.models.closed_form import Blocks, ClosedForm
from pdekit.settings import Settings
from pdekit.space.grid import Grid
from pdekit.space.transfer import interpolate

Count = Annotated[int, Field(ge=1, strict=True)]
ROUNDING = 1e-12  # of the largest eigenvalue: what float32 values leave of modes that are not there
Ridge = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class PODRidgeConfig(Settings):
    """The validation split chooses one of `input_modes` and one of `ridge`."""

    input_modes: Annotated[tuple[Count, ...], Field(min_length=1)] = (16, 32, 64, 128, 256, 512)
    output_modes: Count = 128
    ridge: Annotated[tuple[Ridge, ...], Field(min_length=1)] = (1e-6, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
    snapshots: Count = 2000  # samples that the two bases are made from; all are used for the regression


class PODRidge(ClosedForm):
    """Linear in its scaled input. On another number of points, input and output are interpolated linearly."""

    Config = PODRidgeConfig

    def fit(self, train: Blocks, valid: Blocks) -> dict[str, Any]:
        """Bases from the snapshots, coefficients of all samples, one ridge regression per choice."""
        root = np.sqrt(self.grid.weights / self.grid.volume)
        x, y = (np.concatenate(part) for part in zip(*_first(train(), self.config.snapshots), strict=True))
        self.x_mean, phi, x_scale = _basis(x, root, max(self.config.input_modes))
        self.y_mean, psi, _ = _basis(y, root, self.config.output_modes)
        del x, y
        self.x_basis = phi * (root**2) / x_scale.reshape(-1, *(1,) * (1 + self.grid.dim))
        y_dual = psi * root**2

        a, b, _ = self._coefficients(train, y_dual, root)
        a_valid, b_valid, y_norms = self._coefficients(valid, y_dual, root)
        best = (np.inf, 0, 0.0, np.zeros((0, 0)))
        for modes in sorted({min(m, len(phi)) for m in self.config.input_modes}):
            u, s, vt = np.linalg.svd(a[:, :modes], full_matrices=False)
            for ridge in self.config.ridge:
                weights = vt.T @ ((s / (s**2 + len(a) * ridge))[:, None] * (u.T @ b))
                error = _relative_error(a_valid[:, :modes] @ weights, b_valid, y_norms)
                if error < best[0]:
                    best = (error, modes, ridge, weights)
        _, modes, ridge, self.weights = best
        self.x_basis, self.y_basis = self.x_basis[:modes], psi
        for name, array in self.arrays().items():
            setattr(self, name, array.astype(np.float32))
        return {"input_modes": modes, "output_modes": len(psi), "ridge": ridge}

    def _coefficients(self, blocks: Blocks, y_dual: np.ndarray, root: np.ndarray) -> tuple[np.ndarray, ...]:
        """a (n, p), b (n, q), and per sample (|y|^2, |y - mean y|^2) (n, 2), with the quadrature of the grid."""
        a, b, norms = [], [], []
        axes = tuple(range(1, 2 + self.grid.dim))
        for x, y in blocks():
            centred = y - self.y_mean
            a.append(_project(x - self.x_mean, self.x_basis))
            b.append(_project(centred, y_dual))
            norms.append(np.stack([((v * root) ** 2).sum(axis=axes) for v in (y + self.shift, centred)], axis=1))
        return np.concatenate(a), np.concatenate(b), np.concatenate(norms)

    @property
    def shift(self) -> np.ndarray:
        """What makes a scaled output comparable in relative error: shift / scale, (c, 1, ...)."""
        return np.reshape(self.channels.shifts, (-1, *(1,) * self.grid.dim))

    def arrays(self) -> dict[str, np.ndarray]:
        """Means, bases and the map between the coefficients."""
        return {name: getattr(self, name) for name in ("x_mean", "x_basis", "weights", "y_mean", "y_basis")}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take them back."""
        for name in ("x_mean", "x_basis", "weights", "y_mean", "y_basis"):
            setattr(self, name, arrays[name])

    def predict(self, x: np.ndarray, grid: Grid) -> np.ndarray:
        """(b, c, *x)."""
        elsewhere = grid.points != self.grid.points
        if elsewhere:
            x = interpolate(x, grid, self.grid)
        b = _project(x - self.x_mean, self.x_basis) @ self.weights
        y = self.y_mean + np.tensordot(b, self.y_basis, axes=1)
        return (interpolate(y, self.grid, grid) if elsewhere else y).astype(np.float32, copy=False)


def _first(blocks: Any, limit: int) -> list[tuple[np.ndarray, np.ndarray]]:
    kept, count = [], 0
    for x, y in blocks:
        kept.append((x[: limit - count], y[: limit - count]))
        count += len(kept[-1][0])
        if count >= limit:
            break
    return kept


def _basis(u: np.ndarray, root: np.ndarray, modes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean (c, *x), leading modes (p, c, *x), orthonormal in the grid's quadrature, and the coefficients' rms (p,)."""
    mean = u.mean(axis=0, dtype=np.float64).astype(np.float32)
    flat = ((u - mean) * root.astype(np.float32)).reshape(len(u), -1)
    short = flat if len(flat) <= flat.shape[1] else flat.T
    values, vectors = np.linalg.eigh(_gram(short))
    keep = np.flatnonzero(values > ROUNDING * values[-1])[::-1][:modes]
    s = np.sqrt(values[keep])
    rows = (vectors[:, keep] / s).T.astype(np.float32) @ flat if short is flat else vectors[:, keep].T
    return mean, (rows.reshape(len(keep), *mean.shape) / root), s / np.sqrt(len(u))


def _gram(rows: np.ndarray) -> np.ndarray:
    """rows @ rows.T in float64, a few columns at a time: float32 sums would hide all modes below 1e-3 of the first."""
    gram = np.zeros((len(rows), len(rows)))
    for start in range(0, rows.shape[1], 4096):
        part = rows[:, start : start + 4096].astype(np.float64)
        gram += part @ part.T
    return gram


def _project(u: np.ndarray, dual: np.ndarray) -> np.ndarray:
    return u.reshape(len(u), -1) @ dual.reshape(len(dual), -1).T


def _relative_error(b: np.ndarray, b_true: np.ndarray, norms: np.ndarray) -> float:
    """Mean relative L2 error of the fields, from coefficients: what the basis cannot hold counts too."""
    outside = np.maximum(norms[:, 1] - (b_true**2).sum(axis=1), 0.0)
    return float(np.sqrt((((b - b_true) ** 2).sum(axis=1) + outside) / norms[:, 0]).mean())
