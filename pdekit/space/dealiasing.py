"""Which modes a product leaves exact: the cut in place (2/3 rule) and the padded grid (3/2 rule), for any degree.

A product of p fields reaches n = p K where its factors reach K. Sampled on M points, it folds n onto n - M; modes |n| <= K
stay exact where p K - M < -K, that is K < M/(p + 1). With M = N this is the cut |n| < N/(p + 1), strictly: keep
|n| = N/3 of a product of two and its square folds onto -N/3. With K < N/2 it is the padded grid M >= (p + 1) N/2.

Source   Orszag 1971, doi:10.1175/1520-0469(1971)028<1074:OTEOAI>2.0.CO;2
"""

from __future__ import annotations

import numpy as np
import scipy.fft

from pdekit.errors import BadInput, unknown_name

KINDS = ("box", "radial")
RULES = ("truncate", "pad")


def kept(
    modes: list[np.ndarray], points: tuple[int, ...], length: tuple[float, ...], degree: int, kind: str
) -> np.ndarray:
    """True at the modes that the cut keeps, of the shape that `modes` broadcast to.

    modes    whole mode numbers n per axis, each broadcastable
    degree   p, the number of factors of the product
    kind     "box": |n| < N/(p + 1) on every axis by its own N; "radial": |k| below the least of those cuts in rad/length
    """
    _check_degree(degree)
    if kind == "box":
        out = np.ones((), dtype=bool)
        for n, count in zip(modes, points, strict=True):
            out = out & ((degree + 1) * np.abs(n) < count)
        return out
    if kind != "radial":
        raise unknown_name("cut", kind, KINDS)
    cut = min(count / ell for count, ell in zip(points, length, strict=True)) / (degree + 1)
    square = sum(((n / ell) ** 2 for n, ell in zip(modes, length, strict=True)), start=np.zeros(()))
    return square < cut**2 * (1.0 - 1e-12)  # a mode on the circle stays outside whatever its rounding


def padded(points: tuple[int, ...], degree: int) -> tuple[int, ...]:
    """Points per axis on which a product of `degree` fields is exact: at least (p + 1) N/2, a size that FFTs like."""
    _check_degree(degree)
    return tuple(scipy.fft.next_fast_len(((degree + 1) * n + 1) // 2, True) or 0 for n in points)


def check_product(degree: int, rule: str) -> None:
    """Raise BadInput on a rule that does not exist, and on a product of nothing."""
    _check_degree(degree)
    if rule not in RULES:
        raise unknown_name("rule of dealiasing", rule, RULES)


def _check_degree(degree: int) -> None:
    if isinstance(degree, bool) or degree < 1:
        raise BadInput.of("the degree of a product cannot be used.", found=repr(degree), allowed="an integer >= 1")
