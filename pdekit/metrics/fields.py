"""What every metric shares: the layout of its arguments, means over space, ratios, and how failures show in a table.

Layout: `pred`, `ref` (n, t, *x, c) = samples, times, space in `ij` order, channels; static fields have t = 1. Values are
physical, never normalised. NumPy arrays or torch tensors, any float type; sums run in float64. A table is (n, t, c).

    +inf in a table   the prediction is not finite there (or so large that its square overflows): a failure
    NaN in a table    the ratio is not defined there: the denominator is zero to within rounding; degenerate
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device
from jaxtyping import Bool, Float

from pdekit.errors import BadInput
from pdekit.space.grid import Grid

Field = Float[Any, "n t *x c"]
Table = Float[Any, "n t c"]
Mask = Bool[Any, "n t c"]

DEGENERATE = 1e-12
_BLOCK = 2**23


def namespace(pred: Any, ref: Any, grid: Grid) -> Any:
    """The array namespace of two fields. Raises BadInput where they do not lie on the grid, or differ in shape or kind."""
    if type(pred) is not type(ref) or device(pred) != device(ref):
        raise BadInput.of(
            "prediction and reference must be arrays of one library on one device.",
            found=f"{type(pred).__name__} on {device(pred)} and {type(ref).__name__} on {device(ref)}",
        )
    if tuple(pred.shape) != tuple(ref.shape):
        raise BadInput.of(
            "prediction and reference differ in shape.", found=f"{tuple(pred.shape)} and {tuple(ref.shape)}"
        )
    if len(ref.shape) != grid.dim + 3 or tuple(ref.shape[2:-1]) != grid.points:
        raise BadInput.of(
            "these fields do not lie on the grid.",
            found=f"shape {tuple(ref.shape)}",
            allowed=f"(n, t, {', '.join(map(str, grid.points))}, c)",
        )
    if 0 in ref.shape:
        raise BadInput.of("there is nothing to score.", found=f"shape {tuple(ref.shape)}")
    return array_namespace(pred, ref)


def by_samples(
    compute: Callable[..., tuple[Any, ...]], pred: Any, ref: Any, grid: Grid, *, growth: int = 1
) -> tuple[Any, ...]:
    """Run `compute(xp, pred, ref)` in float64 on blocks of samples: (finite, *tables), joined along n.

    growth   how many times the memory of its arguments `compute` needs; blocks are smaller by as much
    finite is (n, t, c): where the prediction is finite at all points; `compute` sees zeros where it is not. Raises
    BadInput where the reference is not finite: a sample without a reference cannot be scored, only left out by name.
    """
    xp = namespace(pred, ref, grid)
    axes = space_axes(grid)
    size = max(1, _BLOCK // (growth * math.prod(ref.shape[1:])))
    parts = []
    for start in range(0, ref.shape[0], size):
        p = xp.astype(pred[start : start + size, ...], xp.float64)
        r = xp.astype(ref[start : start + size, ...], xp.float64)
        bad = ~xp.all(xp.isfinite(r), axis=tuple(range(1, grid.dim + 3)))
        if bool(xp.any(bad)):
            raise BadInput.of(
                "the reference is not finite.",
                found=f"NaN or infinity in sample {start + int(xp.argmax(xp.astype(bad, xp.int8)))}",
                hint="leave out samples whose reference solve failed, and say how many",
            )
        finite = xp.all(xp.isfinite(p), axis=axes)
        if not bool(xp.all(finite)):
            p = xp.where(spread(xp, finite, grid), p, xp.zeros_like(p))
        with np.errstate(over="ignore", invalid="ignore"):
            parts.append((finite, *compute(xp, p, r)))
    return tuple(xp.concat(column, axis=0) for column in zip(*parts, strict=True))


def mark_failures(table: Table, finite: Mask, *, value: float = math.inf) -> Table:
    """The table with `value` where the prediction is not finite, or where its square overflowed."""
    xp = array_namespace(table)
    return xp.where(finite & ~xp.isnan(table), table, xp.full_like(table, value))


def is_degenerate(denominator: Table, size: Table | None = None, *, relative: float = DEGENERATE) -> Mask:
    """Where a denominator is zero to within `relative` times its largest value per channel over all samples and times.

    size   what the denominator was computed from by subtraction (the root mean square of a field whose deviation it
           is): its largest value sets the threshold instead, so that rounding is not taken for a signal
    """
    xp = array_namespace(denominator)
    scale = denominator if size is None else size
    scale = xp.where(xp.isfinite(scale), scale, xp.zeros_like(scale))
    return denominator <= relative * xp.max(scale, axis=(0, 1), keepdims=True)


def ratio(
    numerator: Table,
    denominator: Table,
    finite: Mask,
    *,
    size: Table | None = None,
    relative: float = DEGENERATE,
) -> Table:
    """numerator / denominator; NaN where the denominator is degenerate, +inf where the prediction failed."""
    xp = array_namespace(numerator, denominator)
    degenerate = is_degenerate(denominator, size, relative=relative)
    one = xp.ones_like(denominator)
    out = xp.where(degenerate, one * math.nan, numerator / xp.where(degenerate, one, denominator))
    return xp.where(finite & xp.isfinite(numerator), out, one * math.inf)


def weights_of(xp: Any, like: Any, grid: Grid) -> Any:
    """Quadrature weights over V, (*x, 1), on the device of `like`: their sum is 1."""
    return xp.asarray((grid.weights / grid.volume)[..., None], device=device(like))


def mean(xp: Any, u: Any, grid: Grid) -> Any:
    """Mean over space with the quadrature weights of the grid: (n, t, *x, c) -> (n, t, c)."""
    return xp.sum(u * weights_of(xp, u, grid), axis=space_axes(grid))


def spread(xp: Any, table: Any, grid: Grid) -> Any:
    """A table (n, t, c) with axes of length 1 for space."""
    n, t, c = table.shape
    return xp.reshape(table, (n, t, *(1,) * grid.dim, c))


def space_axes(grid: Grid) -> tuple[int, ...]:
    """The space axes of (n, t, *x, c)."""
    return tuple(range(2, grid.dim + 2))
