"""How well an answer satisfies its equation. A residual is not an error: it says nothing about |u - u_exact| by itself.

Report the same figure for the reference: that is its floor.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from array_api_compat import array_namespace
from jaxtyping import Float

from pdekit.metrics.fields import Field, Table, by_samples, is_degenerate, mean, ratio
from pdekit.space.grid import Grid


def residual(problem: Any, instances: Any, values: Mapping[str, Any]) -> Float[np.ndarray, " n"]:
    """|b - A u| / |b| of given outputs by the problem's own operator on the grid of `instances`, whoever solved it.

    problem     a Problem; values {output name: (n, *x)}
    +inf where the outputs are not finite.
    """
    out = np.asarray(problem.residual(instances, values), dtype=np.float64)
    finite = np.ones(len(out), dtype=bool)
    for array in values.values():
        finite &= np.isfinite(np.asarray(array)).reshape(len(out), -1).all(axis=1)
    return np.where(finite, out, np.inf)


def relative_residual(image: Field, source: Field, grid: Grid, *, scale: Any = None) -> Table:
    """||L u - f|| / ||f|| in L2 from two arrays: image = L u by one fixed operator, source = f; dimensionless.

    Not in METRICS: it needs L u, where `residual`, which is, needs the problem. Called by hand, its table is for `reduce`.

    scale   (n, t, c), a bound of ||L|| ||u||: what divides where f is zero; without it such entries are NaN
    """
    finite, square, reference = by_samples(
        lambda xp, p, r: (mean(xp, (p - r) ** 2, grid), mean(xp, r * r, grid)), image, source, grid
    )
    size = reference**0.5
    if scale is not None:
        xp = array_namespace(size)
        size = xp.where(is_degenerate(size), xp.astype(scale, xp.float64), size)
    return ratio(square**0.5, size, finite)
