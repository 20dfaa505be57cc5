"""Errors by wavenumber: shells, bands, energy spectra, the distance of spectra.

Coefficients a_m are those of the Fourier series, FFT / P, so that <u^2> = sum |a_m|^2. An axis that is not periodic is
reflected evenly first, which is a cosine transform (DCT-II on cells, DCT-I on vertices; <.> with the weights of the grid):
its modes are half waves, k = pi m / L. A plain FFT of data that do not close would report the jump, not the field.

Shells: s = |k| / k_0 rounded to the nearest integer (halves up), k_0 = 2 pi over the longest period; for a periodic cube
s = |m| rounded. Shells run to S, the last one that every direction resolves; the corner modes beyond go to a bin `rest`,
so that sums stay whole.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device
from jaxtyping import Float

from pdekit.errors import BadInput
from pdekit.metrics.fields import DEGENERATE, Field, by_samples, mark_failures, ratio, space_axes
from pdekit.space.grid import Grid

ROUNDING = 1e-26  # energy over the largest one that amplitudes of 1e-13 have: what float64 leaves in an empty shell


def last_shell(grid: Grid) -> int:
    """S: the largest shell that lies inside the resolved modes along every axis."""
    return modes(grid).last


def energy_spectrum(u: Field, grid: Grid) -> Float[Any, "n t c s"]:
    """E_s = 1/2 sum of |a_m|^2 over shell s = 0..S, then the bin `rest`; sum of all = <u^2> / 2; units of u squared.

    A sum over the shell, not a mean per mode. Energy of a vector field: sum over c.
    """
    edges = list(range(last_shell(grid) + 1))
    return 0.5 * _bands(u, u, grid, edges, error=False)[1]


def band_rmse(
    pred: Field, ref: Field, grid: Grid, *, starts: Sequence[float | int] | None = None
) -> Float[Any, "n t c bands"]:
    """sqrt( sum over a band of |a_pred - a_ref|^2 ) per band, then `rest`: the squares add up to <e^2>. Units of u.

    starts   first shell of each band, from 0, increasing; the last band ends with S. Default: low from 0, mid from S/8,
             high from S/2: the same wavelengths in points whatever the grid
    """
    finite, square, _ = _bands(pred, ref, grid, _starts(starts, grid))
    xp = array_namespace(square)
    parts = [mark_failures(square[..., b] ** 0.5, finite) for b in range(square.shape[-1])]
    return xp.stack(parts, axis=-1)


def relative_band_rmse(
    pred: Field, ref: Field, grid: Grid, *, starts: Sequence[float | int] | None = None
) -> Float[Any, "n t c bands"]:
    """`band_rmse` over the root of the same sum of ref; dimensionless.

    NaN where the reference has no energy in the band beyond the rounding of its own precision: empty, not infinite.
    """
    finite, square, reference = _bands(pred, ref, grid, _starts(starts, grid))
    xp = array_namespace(square)
    size = xp.sum(reference, axis=-1) ** 0.5
    rounding = max(DEGENERATE, 8.0 * float(xp.finfo(ref.dtype).eps))
    parts = [
        ratio(square[..., b] ** 0.5, reference[..., b] ** 0.5, finite, size=size, relative=rounding)
        for b in range(square.shape[-1])
    ]
    return xp.stack(parts, axis=-1)


def log_spectrum_distance(
    pred: Field, ref: Field, grid: Grid, *, dealiased: bool = False, floor: float = 1e-10
) -> Float[Any, " c"]:
    """`spectrum_distance` of the spectra of two fields, averaged over n and t.

    Blind to phases: show it beside an error. +inf where a prediction is not finite.
    """
    edges = list(range(last_shell(grid) + 1))
    finite, power_p, power_r = _bands(pred, ref, grid, edges, error=False)
    xp = array_namespace(power_r)
    ep, er = (xp.mean(e, axis=(0, 1)) for e in (power_p, power_r))
    last = int(last_shell(grid) * 2 / 3) if dealiased else None
    distance = spectrum_distance(ep, er, grid, last=last, floor=floor)
    return xp.where(xp.all(finite, axis=(0, 1)), distance, xp.full_like(distance, math.inf))


def spectrum_distance(
    pred: Float[Any, "*rest s"],
    ref: Float[Any, "*rest s"],
    grid: Grid,
    *,
    last: int | None = None,
    floor: float = 1e-10,
) -> Float[Any, "*rest"]:
    """sqrt( mean_s (log10 E_pred - log10 E_ref)^2 ) of spectra as `energy_spectrum` gives them, in decades.

    Average over samples (and times) before, not after: the logarithm comes last. Over the shells with E_ref > floor times its
    largest, `rest` left out, up to shell `last`: S by default, the last one that is kept where the data were dealiased. +inf
    where a prediction has no energy in such a shell, but for the rounding of float64.
    """
    xp = array_namespace(pred, ref)
    last = last_shell(grid) if last is None else min(last, last_shell(grid))
    ep, er = pred[..., : last + 1], ref[..., : last + 1]
    used = er > floor * xp.max(er, axis=-1, keepdims=True)
    ep = xp.where(ep > ROUNDING * xp.max(er, axis=-1, keepdims=True), ep, xp.zeros_like(ep))
    one = xp.ones_like(er)
    difference = xp.log10(xp.where(used & (ep > 0), ep, one)) - xp.log10(xp.where(used, er, one))
    count = xp.sum(xp.astype(used, xp.float64), axis=-1)
    square = xp.sum(xp.where(used & (ep > 0), difference**2, 0 * one), axis=-1)
    distance = (square / xp.where(count > 0, count, xp.ones_like(count))) ** 0.5
    distance = xp.where(count > 0, distance, distance * math.nan)
    return xp.where(xp.any(used & ~(ep > 0), axis=-1), xp.full_like(distance, math.inf), distance)


@dataclass(frozen=True)
class Modes:
    """The modes of a grid as its half transform lists them, flat, in row order.

    k        wavenumber |k|, rad/length
    shell    integer shell of each mode
    weight   2 where a mode stands for its conjugate as well, else 1
    last     S
    """

    k: np.ndarray
    shell: np.ndarray
    weight: np.ndarray
    last: int


@lru_cache(maxsize=8)
def modes(grid: Grid) -> Modes:
    """Wavenumbers, shells and weights of the coefficients that `coefficients` gives on this grid."""
    periods = [ell if p else 2 * ell for ell, p in zip(grid.length, grid.periodic, strict=True)]
    counts = [n if p else 2 * n for n, p in zip(grid.intervals, grid.periodic, strict=True)]
    unit = max(periods)  # k_0 = 2 pi / unit
    square = np.zeros(())
    for axis, (n, period) in enumerate(zip(counts, periods, strict=True)):
        m = np.fft.rfftfreq(n, 1 / n) if axis == grid.dim - 1 else np.fft.fftfreq(n, 1 / n)
        square = np.add.outer(square, (m * (unit / period)) ** 2)
    weight = np.full(counts[-1] // 2 + 1, 2.0)
    weight[0] = 1.0
    if counts[-1] % 2 == 0:
        weight[-1] = 1.0
    number = np.sqrt(square)
    return Modes(
        k=(2 * np.pi / unit * number).ravel(),
        shell=np.floor(number + 0.5).astype(np.int64).ravel(),
        weight=np.broadcast_to(weight, square.shape).ravel(),
        last=math.floor(min(n / 2 * unit / period for n, period in zip(counts, periods, strict=True)) + 1e-9),
    )


def coefficients(xp: Any, u: Any, grid: Grid) -> Any:
    """a_m of the (reflected) field, flat over the half transform: (n, t, *x, c) -> (n, t, m, c), complex."""
    for axis, (n, p) in enumerate(zip(grid.points, grid.periodic, strict=True)):
        if p:
            continue
        mirror = xp.flip(u, axis=axis + 2)
        if grid.location == "vertex":  # the two ends are not repeated
            mirror = mirror[(slice(None),) * (axis + 2) + (slice(1, n - 1),)]
        u = xp.concat((u, mirror), axis=axis + 2)
    count = math.prod(u.shape[2:-1])
    a = xp.fft.rfftn(u, axes=space_axes(grid)) / count
    return xp.reshape(a, (a.shape[0], a.shape[1], -1, a.shape[-1]))


def growth(grid: Grid) -> int:
    """How much larger the arrays of `coefficients` are than the field."""
    return 2 ** (1 + sum(not p for p in grid.periodic))


def _bands(
    pred: Any, ref: Any, grid: Grid, starts: Sequence[float | int], *, error: bool = True
) -> tuple[Any, Any, Any]:
    """finite (n, t, c); sums of |a_pred - a_ref|^2 (or |a_pred|^2) and of |a_ref|^2 per band and rest (n, t, c, bands)."""
    table = modes(grid)
    band = np.searchsorted(np.asarray(starts, dtype=np.float64), table.shell, side="right") - 1
    band[table.shell > table.last] = len(starts)
    order = np.argsort(band, kind="stable")
    cuts = np.searchsorted(band[order], np.arange(len(starts) + 2))

    def compute(xp: Any, p: Any, r: Any) -> tuple[Any, ...]:
        weight = xp.asarray(table.weight[order][:, None], device=device(r))
        index = xp.asarray(order, device=device(r))

        def sums(u: Any) -> Any:
            power = xp.take(xp.abs(coefficients(xp, u, grid)) ** 2, index, axis=2) * weight
            parts = [xp.sum(power[:, :, low:high, :], axis=2) for low, high in pairwise(cuts)]
            return xp.stack(parts, axis=-1)

        return sums(p - r if error else p), sums(r)

    finite, first, second = by_samples(compute, pred, ref, grid, growth=growth(grid))
    return finite, first, second


def _starts(starts: Sequence[float | int] | None, grid: Grid) -> Sequence[float | int]:
    last = last_shell(grid)
    if starts is None:
        return (0.0, last / 8, last / 2)
    values = list(starts)
    if not values or values[0] != 0 or any(b <= a for a, b in pairwise(values)) or values[-1] > last:
        raise BadInput.of(
            "these bands do not partition the shells.",
            found=str(values),
            allowed=f"first shells in increasing order, the first 0, the last at most {last}",
        )
    return values
