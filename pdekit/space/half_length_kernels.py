"""The square of real fields in one dimension, from coefficients to coefficients, by complex transforms of half the length.

    z_m = u_2m + i u_(2m+1), N = 2M     Z_k = p_k X_k + q_k conj X_(M-k)
    s_m = (Re z_m)^2 + i (Im z_m)^2     X_k = (conj p_k S_k + conj q_k conj S_(M-k))/4
    p_k = 1 + i w^k,  q_k = 1 - i w^k   w = exp(2 pi i/N)

X are the coefficients 0..K of a series (dealiased.py), Z and S those of z and s. Eight rows stand side by side, real and
imaginary parts apart, in arrays that stay in the first cache: every innermost loop runs over them, and no row touches another.
The transform is Stockham's, radix 4 and one radix 2 (Van Loan, Computational Frameworks for the FFT, 1992, section 1.7).
All kernels stand in this file: numba does not see a change of what a kernel calls in another one.
"""

from __future__ import annotations

import numba
import numpy as np

ROWS = 8


@numba.njit(cache=True)
def square(v: np.ndarray, w: np.ndarray, factor: np.ndarray, out: np.ndarray) -> None:
    """factor (1 or n, K + 1) times the coefficients of u^2 to out (n, K + 1), of those of u, v; w (N/2,) exp(2 pi i k/N)."""
    rows, kept = v.shape
    half = w.size
    c, d = np.empty(half), np.empty(half)  # exp(-2 pi i k/M)
    for k in range(half):
        turn = w[2 * k] if 2 * k < half else -w[2 * k - half]
        c[k], d[k] = turn.real, -turn.imag
    xr, xi, yr, yi = np.empty(half * ROWS), np.empty(half * ROWS), np.empty(half * ROWS), np.empty(half * ROWS)
    vr, vi = np.zeros(kept * ROWS), np.zeros(kept * ROWS)
    for first in range(0, rows, ROWS):
        count = min(ROWS, rows - first)
        for i in range(count):
            for k in range(kept):
                vr[k * ROWS + i] = v[first + i, k].real
                vi[k * ROWS + i] = v[first + i, k].imag if k > 0 else 0.0  # a real field has a real mean
        _spread(vr, vi, kept, w, xr, xi)
        turned = _transform(half, xi, xr, yi, yr, c, d)  # parts exchanged: the inverse
        if turned:
            _square(yr, yi)
            turned = 1 - _transform(half, yr, yi, xr, xi, c, d)
        else:
            _square(xr, xi)
            turned = _transform(half, xr, xi, yr, yi, c, d)
        if turned:
            _gather(yr, yi, w, kept, vr, vi)
        else:
            _gather(xr, xi, w, kept, vr, vi)
        for i in range(count):
            row = first + i if factor.shape[0] > 1 else 0
            for k in range(kept):
                f, a, b = factor[row, k], vr[k * ROWS + i], vi[k * ROWS + i]
                out[first + i, k] = complex(f.real * a - f.imag * b, f.real * b + f.imag * a)


@numba.njit(cache=True)
def _spread(vr: np.ndarray, vi: np.ndarray, kept: int, w: np.ndarray, zr: np.ndarray, zi: np.ndarray) -> None:
    """Z of X = v, whose modes from `kept` on are zero."""
    half = w.size
    alone = min(kept, half - kept + 1)  # before it conj X_(M - k) is zero, from `kept` on X_k
    zr[kept * ROWS :] = 0.0
    zi[kept * ROWS :] = 0.0
    for k in range(alone):
        pr, pi = 1.0 - w[k].imag, w[k].real
        a, b = zr[k * ROWS : (k + 1) * ROWS], zi[k * ROWS : (k + 1) * ROWS]
        u, v = vr[k * ROWS : (k + 1) * ROWS], vi[k * ROWS : (k + 1) * ROWS]
        for i in range(ROWS):
            a[i] = pr * u[i] - pi * v[i]
            b[i] = pr * v[i] + pi * u[i]
    for k in range(alone, kept):
        j = half - k
        pr, pi, qr, qi = 1.0 - w[k].imag, w[k].real, 1.0 + w[k].imag, -w[k].real
        a, b = zr[k * ROWS : (k + 1) * ROWS], zi[k * ROWS : (k + 1) * ROWS]
        u, v = vr[k * ROWS : (k + 1) * ROWS], vi[k * ROWS : (k + 1) * ROWS]
        x, y = vr[j * ROWS : (j + 1) * ROWS], vi[j * ROWS : (j + 1) * ROWS]
        for i in range(ROWS):
            a[i] = pr * u[i] - pi * v[i] + qr * x[i] + qi * y[i]
            b[i] = pr * v[i] + pi * u[i] + qi * x[i] - qr * y[i]
    for k in range(max(kept, half - kept + 1), half):
        j = half - k
        qr, qi = 1.0 + w[k].imag, -w[k].real
        a, b = zr[k * ROWS : (k + 1) * ROWS], zi[k * ROWS : (k + 1) * ROWS]
        x, y = vr[j * ROWS : (j + 1) * ROWS], vi[j * ROWS : (j + 1) * ROWS]
        for i in range(ROWS):
            a[i] = qr * x[i] + qi * y[i]
            b[i] = qi * x[i] - qr * y[i]


@numba.njit(cache=True)
def _square(u: np.ndarray, v: np.ndarray) -> None:
    for i in range(u.size):
        u[i] *= u[i]
        v[i] *= v[i]


@numba.njit(cache=True)
def _gather(sr: np.ndarray, si: np.ndarray, w: np.ndarray, kept: int, vr: np.ndarray, vi: np.ndarray) -> None:
    """X of S = s, over v; the transforms were not divided by their length, which is done here."""
    half = w.size
    scale = 0.25 / half
    for k in range(kept):
        j = half - k if k > 0 else 0
        pr, pi, qr, qi = 1.0 - w[k].imag, w[k].real, 1.0 + w[k].imag, -w[k].real
        a, b = sr[k * ROWS : (k + 1) * ROWS], si[k * ROWS : (k + 1) * ROWS]
        c, d = sr[j * ROWS : (j + 1) * ROWS], si[j * ROWS : (j + 1) * ROWS]
        u, v = vr[k * ROWS : (k + 1) * ROWS], vi[k * ROWS : (k + 1) * ROWS]
        for i in range(ROWS):
            u[i] = scale * (pr * a[i] + pi * b[i] + qr * c[i] - qi * d[i])
            v[i] = scale * (pr * b[i] - pi * a[i] - qi * c[i] - qr * d[i])


@numba.njit(cache=True)
def _transform(
    n: int, xr: np.ndarray, xi: np.ndarray, yr: np.ndarray, yi: np.ndarray, c: np.ndarray, d: np.ndarray
) -> int:
    """Sums of exp(-2 pi i jk/n) x_k, n a power of two, to y where 1 is returned, else to x; c + i d (n,) are the twiddles."""
    left, done, turned = n, 1, 0
    while left > 1:
        radix = 4 if left % 4 == 0 else 2
        if radix == 4 and turned == 0:
            _by_four(left, done, n // left, xr, xi, yr, yi, c, d)
        elif radix == 4:
            _by_four(left, done, n // left, yr, yi, xr, xi, c, d)
        elif turned == 0:
            _by_two(left, done, n // left, xr, xi, yr, yi, c, d)
        else:
            _by_two(left, done, n // left, yr, yi, xr, xi, c, d)
        left, done, turned = left // radix, done * radix, 1 - turned
    return turned


@numba.njit(cache=True, fastmath={"contract"})
def _by_two(
    left: int, done: int, step: int,
    xr: np.ndarray, xi: np.ndarray, yr: np.ndarray, yi: np.ndarray, c: np.ndarray, d: np.ndarray,
) -> None:  # fmt: skip
    m, w = left // 2, done * ROWS
    for p in range(m):
        c1, d1 = c[p * step], d[p * step]
        at, to = p * w, 2 * p * w
        ar, ai, br, bi = (
            xr[at : at + w],
            xi[at : at + w],
            xr[at + m * w : at + m * w + w],
            xi[at + m * w : at + m * w + w],
        )
        r0, i0, r1, i1 = yr[to : to + w], yi[to : to + w], yr[to + w : to + 2 * w], yi[to + w : to + 2 * w]
        for q in range(w):
            sr, si = ar[q] - br[q], ai[q] - bi[q]
            r0[q] = ar[q] + br[q]
            i0[q] = ai[q] + bi[q]
            r1[q] = sr * c1 - si * d1
            i1[q] = sr * d1 + si * c1


@numba.njit(cache=True, fastmath={"contract"})
def _by_four(
    left: int, done: int, step: int,
    xr: np.ndarray, xi: np.ndarray, yr: np.ndarray, yi: np.ndarray, c: np.ndarray, d: np.ndarray,
) -> None:  # fmt: skip
    m, w = left // 4, done * ROWS
    for p in range(m):
        c1, d1, c2, d2, c3, d3 = (
            c[p * step],
            d[p * step],
            c[2 * p * step],
            d[2 * p * step],
            c[3 * p * step],
            d[3 * p * step],
        )
        at0, at1, at2, at3, to = p * w, (p + m) * w, (p + 2 * m) * w, (p + 3 * m) * w, 4 * p * w
        ar, br, er, fr = xr[at0 : at0 + w], xr[at1 : at1 + w], xr[at2 : at2 + w], xr[at3 : at3 + w]
        ai, bi, ei, fi = xi[at0 : at0 + w], xi[at1 : at1 + w], xi[at2 : at2 + w], xi[at3 : at3 + w]
        r0, r1, r2, r3 = (
            yr[to : to + w],
            yr[to + w : to + 2 * w],
            yr[to + 2 * w : to + 3 * w],
            yr[to + 3 * w : to + 4 * w],
        )
        i0, i1, i2, i3 = (
            yi[to : to + w],
            yi[to + w : to + 2 * w],
            yi[to + 2 * w : to + 3 * w],
            yi[to + 3 * w : to + 4 * w],
        )
        for q in range(w):
            sr, si, tr, ti = ar[q] + er[q], ai[q] + ei[q], ar[q] - er[q], ai[q] - ei[q]
            ur, ui, vr, vi = br[q] + fr[q], bi[q] + fi[q], br[q] - fr[q], bi[q] - fi[q]
            r0[q] = sr + ur
            i0[q] = si + ui
            gr, gi = sr - ur, si - ui
            r2[q] = gr * c2 - gi * d2
            i2[q] = gr * d2 + gi * c2
            gr, gi = tr + vi, ti - vr
            r1[q] = gr * c1 - gi * d1
            i1[q] = gr * d1 + gi * c1
            gr, gi = tr - vi, ti + vr
            r3[q] = gr * c3 - gi * d3
            i3[q] = gr * d3 + gi * c3
