"""Gaussian random fields of covariance factor (-Laplace + tau^2)^-alpha, drawn mode by mode.

u(x) = sum_k sqrt(lambda_k) xi_k phi_k(x), lambda_k = factor (|kappa_k|^2 + tau^2)^-alpha, phi_k orthonormal in L2 of the
box: exp(i kappa x) with kappa = 2 pi n/L (periodic), cos (neumann) or sin (dirichlet) with kappa = pi k/L. The numbers xi
are drawn in shells of max_i |n_i|/N_i, so that twice the points extend the draw: the common modes stay as they were.
On periodic axes the Nyquist modes are left empty (noise.py). The mode of wavenumber zero is left out (zero mean) unless
zero_mean = false. unit_box = true takes the Laplacian in x/L: the same field on a box of any length.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import scipy.fft

from pdekit.errors import BadInput, unknown_name
from pdekit.space.grid import Grid
from pdekit.space.noise import mode_normals, periodic_values, shells, wavenumbers

BOUNDARIES = ("periodic", "neumann", "dirichlet")
KEYS = ("variance_factor", "tau", "alpha", "boundary", "zero_mean", "unit_box")


def check_gauss(gauss: Any, where: str, dim: int = 1) -> None:
    """Raise BadInput where the table of a Gaussian field is not whole or out of range, or where the field has infinite
    variance at every point in `dim` dimensions: sum (|kappa|^2 + tau^2)^-alpha needs alpha > dim/2."""
    if not isinstance(gauss, Mapping):
        raise BadInput.of("a Gaussian field is a table.", where=where, found=repr(gauss), allowed="{ tau = ..., ... }")
    for key in gauss:
        if key not in KEYS:
            raise unknown_name("key of a Gaussian field", key, KEYS, where=where)
    for key in ("variance_factor", "tau", "alpha"):
        value = gauss.get(key)
        if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value) or value <= 0:
            raise BadInput.of(f"{key} of a Gaussian field.", where=where, found=repr(value), allowed="a number > 0")
    _check_exponent(gauss["alpha"], dim, where)
    if gauss.get("boundary") not in BOUNDARIES:
        raise unknown_name("boundary of a Gaussian field", str(gauss.get("boundary")), BOUNDARIES, where=where)
    for key in ("zero_mean", "unit_box"):
        if not isinstance(gauss.get(key, True), bool):
            raise BadInput.of(f"{key} of a Gaussian field.", where=where, found=repr(gauss[key]), allowed="true, false")


def _check_exponent(alpha: float | int, dim: int, where: str = "") -> None:
    if alpha <= dim / 2:
        raise BadInput.of(
            f"alpha of a Gaussian field in {dim}D: its variance at a point is infinite, and grows with the grid.",
            where=where,
            found=repr(alpha),
            allowed=f"a number > {dim / 2:g}, half the dimension",
        )


def gaussian_field(gauss: Mapping[str, Any], grid: Grid, rng: np.random.Generator) -> np.ndarray:
    """One field at the stored points of a grid, float64 (*points)."""
    coefficients = mode_coefficients(gauss, grid, rng)
    if gauss["boundary"] == "periodic":
        return periodic_values(coefficients, grid)
    return _box_values(coefficients, gauss["boundary"], grid)


def mode_coefficients(gauss: Mapping[str, Any], grid: Grid, rng: np.random.Generator) -> np.ndarray:
    """sqrt(lambda_k) xi_k by mode. Neumann: k = 0..N-1 per axis; Dirichlet: k = 1..N-1;
    periodic: complex, n = 0..N/2 on the last axis, full axes in FFT order, E|xi|^2 = 1."""
    _check_exponent(gauss["alpha"], grid.dim)
    law = _law(gauss, grid.length)
    if gauss["boundary"] == "periodic":
        return mode_normals(grid.intervals, rng) * _periodic_amplitude(*law, grid.intervals)
    amplitude, order = _box_plan(*law, grid.intervals)
    out = np.empty(amplitude.shape)
    out.ravel()[order] = rng.standard_normal(order.size)
    return out * amplitude


def _law(
    gauss: Mapping[str, Any], length: tuple[float, ...]
) -> tuple[float, float, float, str, bool, tuple[float, ...]]:
    """What the eigenvalues depend on."""
    if gauss.get("unit_box", False):
        length = (1.0,) * len(length)
    zero_mean = gauss.get("zero_mean", True)
    return gauss["variance_factor"], gauss["tau"], gauss["alpha"], gauss["boundary"], zero_mean, length


@lru_cache(maxsize=4)
def _periodic_amplitude(
    factor: float,
    tau: float,
    alpha: float,
    boundary: str,
    zero_mean: bool,
    length: tuple[float, ...],
    n: tuple[int, ...],
) -> np.ndarray:
    """sqrt(lambda_k phi_k^2) in the layout of `mode_normals`."""
    amplitude = _amplitude(factor, tau, alpha, wavenumbers(n, length), length)
    if zero_mean:
        amplitude.ravel()[0] = 0.0
    return amplitude


@lru_cache(maxsize=4)  # a plan of 256^3 modes holds 270 MB
def _box_plan(
    factor: float,
    tau: float,
    alpha: float,
    boundary: str,
    zero_mean: bool,
    length: tuple[float, ...],
    n: tuple[int, ...],
) -> tuple[np.ndarray, np.ndarray]:
    """Amplitudes of cosines or sines, and the flat places of the drawn numbers in the order of the draw."""
    first = 1 if boundary == "dirichlet" else 0
    k = np.meshgrid(*(np.arange(first, m) for m in n), indexing="ij", sparse=True)
    kappa = [math.pi * kk / ell for kk, ell in zip(k, length, strict=True)]
    amplitude = _amplitude(factor, tau, alpha, kappa, length)
    for kk in k:
        amplitude = amplitude * np.where(kk > 0, math.sqrt(2.0), 1.0)
    if first == 0 and zero_mean:
        amplitude.ravel()[0] = 0.0
    return amplitude, shells(k, n)


def _amplitude(
    factor: float, tau: float, alpha: float, kappa: Sequence[np.ndarray], length: tuple[float, ...]
) -> np.ndarray:
    square = sum((k**2 for k in kappa), start=np.zeros(()))
    return np.sqrt(factor / math.prod(length)) * (square + tau**2) ** (-alpha / 2.0)


def _box_values(a: np.ndarray, boundary: str, grid: Grid) -> np.ndarray:
    """sum_k a_k prod_i cos or sin(pi k_i x_i/L_i) at the stored points, by DCT or DST along each axis."""
    for axis, (n, stored) in enumerate(zip(grid.intervals, grid.points, strict=True)):
        b = np.moveaxis(a, axis, -1)
        if grid.location == "cell" and boundary == "neumann":
            values: Any = scipy.fft.dct(np.concatenate([b[..., :1], b[..., 1:] * 0.5], axis=-1), 3)
        elif grid.location == "cell":
            values = scipy.fft.dst(np.concatenate([b * 0.5, 0.0 * b[..., :1]], axis=-1), 3)
        elif boundary == "neumann":
            values = scipy.fft.dct(np.concatenate([b[..., :1], b[..., 1:] * 0.5, 0.0 * b[..., :1]], axis=-1), 1)
        else:
            inner = np.asarray(scipy.fft.dst(b * 0.5, 1))
            ends = np.zeros((*inner.shape[:-1], 1))
            values = np.concatenate([ends, inner, ends], axis=-1)
        values = np.asarray(values)
        a = np.moveaxis(values[..., :stored], -1, axis)
        assert values.shape[-1] in (n, n + 1)
    return np.ascontiguousarray(a)


@lru_cache(maxsize=64)
def _total_variance(
    factor: float, tau: float, alpha: float, boundary: str, zero_mean: bool, length: tuple[float, ...]
) -> float:
    top = {1: 4096, 2: 512, 3: 96}[len(length)]
    first, unit = (1 if boundary == "dirichlet" else 0), (2 * math.pi if boundary == "periodic" else math.pi)
    axes = np.arange(-top, top + 1) if boundary == "periodic" else np.arange(first, top + 1)
    k = np.meshgrid(*(unit * axes / ell for ell in length), indexing="ij", sparse=True)
    square = _amplitude(factor, tau, alpha, list(k), length) ** 2
    if boundary != "dirichlet" and zero_mean:
        square.ravel()[square.argmax()] = 0.0
    return float(square.sum())


def mean_std(gauss: Mapping[str, Any], grid: Grid) -> float:
    """Root of the pointwise variance averaged over the box: sqrt(sum lambda_k / |box|), over the first 512 modes per axis
    (4096 in 1D, 96 in 3D), whatever the number of points."""
    return math.sqrt(_total_variance(*_law(gauss, grid.length)))
