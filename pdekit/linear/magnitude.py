"""Systems of any size of b: beyond the ordinary range a solve is done on b times a power of two, which is exact.

Without it |b|^2 or r . M r leave the range of floating-point numbers, in float32 long before b does, and a solve would end
with a status that is about the number format, not about the system.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Any

import numpy as np

from pdekit.linear.stop import Stop
from pdekit.linear.system import System
from pdekit.linear.vector_kernels import norm
from pdekit.solution import Solution, Status

COARSE = 1e-2  # share of x that its number format may lose where it is nearly zero
ORDINARY = {np.dtype("float64"): 1e60, np.dtype("float32"): 1e6}  # largest |b|, and 1 / smallest, left as they are


def exponent(size: float, dtype: Any) -> int:
    """k with size * 2^-k in [0.5, 1); 0 for 0, for what is not finite, and for sizes in the ordinary range."""
    bound = ORDINARY[np.dtype(dtype)]
    if size == 0.0 or not math.isfinite(size) or 1.0 / bound <= size <= bound:
        return 0
    return math.frexp(size)[1]


def largest(b: np.ndarray) -> float:
    """|b| where it is an ordinary number, which costs one pass; else the largest entry, which no square can spoil."""
    size = norm(b.ravel())
    return size if exponent(size, b.dtype) == 0 and 0.0 < size < math.inf else float(np.abs(b).max())


def times_power(number: float, k: int) -> float:
    """number * 2^k, infinity as the largest float."""
    try:
        return math.ldexp(number, k)
    except OverflowError:
        return math.copysign(sys.float_info.max, number)


def at_ordinary_size(method: Callable[..., Solution]) -> Callable[..., Solution]:
    """Wrap method(system, ..., stop=, x0=, callback=): it sees b, x0 and atol scaled, the caller all as it was."""

    @wraps(method)
    def scaled(system: System, *arguments: Any, **options: Any) -> Solution:
        k = exponent(largest(system.b), system.b.dtype)
        if k == 0:
            return method(system, *arguments, **options)
        stop, x0, callback = options.get("stop"), options.get("x0"), options.get("callback")
        if isinstance(stop, Stop):
            options["stop"] = replace(stop, atol=times_power(stop.atol, -k))
        if x0 is not None:
            options["x0"] = np.ldexp(np.asarray(x0, dtype=np.float64), -k)
        if callback is not None:
            options["callback"] = lambda step, norm: callback(step, times_power(norm, k))
        solution = method(system.scaled(-k), *arguments, **options)
        with np.errstate(over="ignore"):
            x, residuals = np.ldexp(solution.values, k), np.ldexp(solution.residuals, k)
        out = replace(solution, values=x, residuals=residuals)
        lost = np.isfinite(solution.values).all() and not np.isfinite(x).all()
        if lost:
            return replace(out, status=Status.NONFINITE, true_residual=math.nan)
        if solution.status.converged and k < 0:  # x may be too small a number, or none but 0
            gap = np.abs(np.ldexp(x, -k) - solution.values).max()  # no squares: they would vanish where x does
            if gap > COARSE * np.abs(solution.values).max():
                return replace(out, status=Status.FALSE_CONVERGENCE, true_residual=math.nan)
        return out

    return scaled
