"""Gaussian random fields of covariance factor (-Laplace + tau^2)^-alpha, drawn mode by mode.

u(x) = sum_k sqrt(lambda_k) xi_k phi_k(x), lambda_k = factor (|kappa_k|^2 + tau^2)^-alpha, phi_k orthonormal in L2 of the
box: exp(i kappa x) with kappa = 2 pi n/L (periodic), cos (neumann) or sin (dirichlet) with kappa = pi k/L. The numbers xi
are drawn in shells of max_i |n_i|/N_i, so that twice the points extend the draw: the common modes stay as they were.
On periodic axes the Nyquist modes are left empty (they are self-conjugate at N and not at 2N).
The mode of wavenumber zero is left out (zero mean) unless zero_mean = false.
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

BOUNDARIES = ("periodic", "neumann", "dirichlet")
KEYS = ("variance_factor", "tau", "alpha", "boundary", "zero_mean")


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
    if not isinstance(gauss.get("zero_mean", True), bool):
        raise BadInput.of(
            "zero_mean of a Gaussian field.", where=where, found=repr(gauss["zero_mean"]), allowed="true, false"
        )


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
        return _periodic_values(coefficients, grid)
    return _box_values(coefficients, gauss["boundary"], grid)


def mode_coefficients(gauss: Mapping[str, Any], grid: Grid, rng: np.random.Generator) -> np.ndarray:
    """sqrt(lambda_k) xi_k by mode. Neumann: k = 0..N-1 per axis; Dirichlet: k = 1..N-1;
    periodic: complex, n = 0..N/2 on the last axis, full axes in FFT order, E|xi|^2 = 1."""
    _check_exponent(gauss["alpha"], grid.dim)
    key = (gauss["variance_factor"], gauss["tau"], gauss["alpha"], gauss["boundary"], gauss.get("zero_mean", True))
    amplitude, order, mirror, mirrored, zero = _plan(*key, grid.intervals, grid.length)
    if gauss["boundary"] != "periodic":
        out = np.empty(amplitude.shape)
        out.ravel()[order] = rng.standard_normal(order.size)
        return out * amplitude
    pairs = rng.standard_normal((order.size, 2))
    xi = (pairs[:, 0] + 1j * pairs[:, 1]) / math.sqrt(2.0)
    if zero is not None:
        xi[zero] = pairs[zero, 0]
    out = np.zeros(amplitude.shape, dtype=np.complex128)
    out.ravel()[order] = xi
    out.ravel()[mirror] = xi[mirrored].conj()
    return out * amplitude


@lru_cache(maxsize=4)  # a plan of 256^3 modes holds 270 MB
def _plan(
    factor: float,
    tau: float,
    alpha: float,
    boundary: str,
    zero_mean: bool,
    n: tuple[int, ...],
    length: tuple[float, ...],
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, int | None]:
    """Amplitudes by mode, the flat places of the drawn numbers in the order of the draw, and (periodic) which places of
    the half spectrum are conjugates of which draws, and which draw is the mean."""
    if boundary != "periodic":
        first = 1 if boundary == "dirichlet" else 0
        k = np.meshgrid(*(np.arange(first, m) for m in n), indexing="ij", sparse=True)
        amplitude = _amplitude(
            factor, tau, alpha, [math.pi * kk / ell for kk, ell in zip(k, length, strict=True)], length
        )
        for kk in k:
            amplitude = amplitude * np.where(kk > 0, math.sqrt(2.0), 1.0)
        if first == 0 and zero_mean:
            amplitude.ravel()[0] = 0.0
        empty = np.zeros(0, dtype=np.intp)
        return amplitude, _shells(k, n), empty, empty, None
    # all n of one half space, one of each pair +-n, the mean first: its numbers come in shells too
    axes = [np.arange(-((m - 1) // 2), (m - 1) // 2 + 1) for m in n]
    k = np.meshgrid(*axes, indexing="ij", sparse=True)
    flat = [np.broadcast_to(kk, tuple(len(a) for a in axes)).ravel() for kk in k]
    leading = np.zeros(flat[0].size, dtype=int)
    for kk in reversed(flat):
        leading = np.where(leading == 0, np.sign(kk), leading)
    order = _shells(k, n)
    order = order[leading[order] >= 0]
    chosen = [kk[order] for kk in flat]
    half = (*n[:-1], n[-1] // 2 + 1)
    place = np.ravel_multi_index(tuple(c % m for c, m in zip(chosen, n, strict=True)), half)
    mirrored = np.flatnonzero((chosen[-1] == 0) & np.any([c != 0 for c in chosen], axis=0))
    opposite = [(-c[mirrored]) % m for c, m in zip(chosen, n, strict=True)]
    mirror = np.ravel_multi_index(tuple(opposite), half)
    kappa = [2 * math.pi * scipy.fft.fftfreq(m, 1 / m) / ell for m, ell in zip(n[:-1], length[:-1], strict=True)]
    kappa.append(2 * math.pi * np.arange(half[-1]) / length[-1])
    amplitude = _amplitude(factor, tau, alpha, list(np.meshgrid(*kappa, indexing="ij", sparse=True)), length)
    if zero_mean:
        amplitude.ravel()[0] = 0.0
    zero = int(np.flatnonzero(np.all([c == 0 for c in chosen], axis=0))[0])
    return amplitude, place, mirror, mirrored, zero


def _amplitude(
    factor: float, tau: float, alpha: float, kappa: Sequence[np.ndarray], length: tuple[float, ...]
) -> np.ndarray:
    square = sum((k**2 for k in kappa), start=np.zeros(()))
    return np.sqrt(factor / math.prod(length)) * (square + tau**2) ** (-alpha / 2.0)


def _shells(k: Sequence[np.ndarray], n: tuple[int, ...]) -> np.ndarray:
    """Flat indices sorted by max_i |k_i|/N_i, then by the k_i themselves: an order that twice the points extend."""
    total = math.prod(n)
    shell = np.zeros((), dtype=np.int64)
    for kk, m in zip(k, n, strict=True):
        shell = np.maximum(shell, np.abs(kk).astype(np.int64) * (total // m))
    shape = np.broadcast_shapes(*(kk.shape for kk in k))
    keys = [np.broadcast_to(kk, shape).ravel() for kk in reversed(k)]
    return np.lexsort((*keys, np.broadcast_to(shell, shape).ravel()))


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


def _periodic_values(coefficients: np.ndarray, grid: Grid) -> np.ndarray:
    n = grid.intervals
    if grid.location == "cell":
        for axis, m in enumerate(n):
            k = np.arange(coefficients.shape[axis]) if axis == grid.dim - 1 else scipy.fft.fftfreq(m, 1 / m)
            phase = np.exp(1j * math.pi * k / m)
            coefficients = coefficients * phase.reshape([-1 if i == axis else 1 for i in range(grid.dim)])
    values = np.asarray(scipy.fft.irfftn(coefficients, s=n)) * math.prod(n)
    wrap = [(0, stored - m) for stored, m in zip(grid.points, n, strict=True)]
    return np.pad(values, wrap, mode="wrap") if any(after for _, after in wrap) else values


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
    return math.sqrt(
        _total_variance(
            gauss["variance_factor"],
            gauss["tau"],
            gauss["alpha"],
            gauss["boundary"],
            gauss.get("zero_mean", True),
            grid.length,
        )
    )
