"""Edge coefficients between neighbouring cells, compiled: one pass over the coefficient per axis."""

from __future__ import annotations

import numba

FAST = {"reassoc", "contract", "nsz", "arcp"}


@numba.njit(cache=True, fastmath=FAST, error_model="numpy")
def inner_edges(a, stride, harmonic, factor, edges):
    """edges[o, stride + k] = factor times the mean of a[o, k] and a[o, k + stride], for all such pairs.

    a      (outer, points * stride): the axes before the edges' one as one, that axis and those behind it as one
    edges  (outer, (points + 1) * stride); the first and last `stride` entries, the walls, are left as they are
    factor of a's type: 2 / h^2 for harmonic means a b / (a + b), 1 / (2 h^2) for arithmetic ones
    """
    count = a.shape[1] - stride
    for o in range(a.shape[0]):
        before, after, out = a[o], a[o, stride:], edges[o, stride:]
        if harmonic:
            for k in range(count):
                out[k] = factor * (before[k] * after[k]) / (before[k] + after[k])
        else:
            for k in range(count):
                out[k] = factor * (before[k] + after[k])
