"""PDEBench's metrics (Takamoto et al. 2022, arXiv:2210.07182, appendix B; `metric_func` of its models/metrics.py).

Different from ours:
- nRMSE has no guard: a reference of zero gives inf or NaN.
- max is the maximum over space and over the batch, then the mean over batches: it grows with the batch size.
- bRMSE is a plain mean over the 2d faces, corners and edges counted once per face; in 3-D the channels are *summed*
  inside the root; periodic boxes are scored too.
- cRMSE is the root mean square over the batch, of plain sums over points.
- fRMSE in 2-D and 3-D looks at modes with no negative index only and at whole-number floors of |m|; the bands
  (< 4, 4..11, >= 12) do not follow the resolution; the mean is over shells, of roots of batch means; it carries a factor V.
- Batches count alike in the final mean, the short last one too.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from array_api_compat import device

from pdekit.metrics.fields import Field, namespace, space_axes
from pdekit.space.grid import Grid

NAMES = ("RMSE", "nRMSE", "cRMSE", "max", "bRMSE", "fRMSE")


def pdebench(
    pred: Field, ref: Field, grid: Grid, *, batch: int | None = None, low: int = 4, high: int = 12
) -> dict[str, np.ndarray]:
    """{name of NAMES: value}, means over batches, channels and times; fRMSE (3,): its low, middle and high band.

    batch       samples per batch, in the order given; None: all at once
    low, high   first shells of the middle and the high band
    Frames given to the model as history must be cut off before. A band without modes is NaN, as there.
    """
    n = ref.shape[0]
    size = n if batch is None else batch
    parts = [_one_batch(pred[i : i + size, ...], ref[i : i + size, ...], grid, low, high) for i in range(0, n, size)]
    return {name: np.asarray(np.mean([part[name] for part in parts], axis=0)) for name in NAMES}


def _one_batch(pred: Any, ref: Any, grid: Grid, low: int, high: int) -> dict[str, np.ndarray]:
    xp = namespace(pred, ref, grid)
    axes = space_axes(grid)
    p, r = xp.astype(pred, xp.float64), xp.astype(ref, xp.float64)
    e = p - r
    rmse = xp.mean(e**2, axis=axes) ** 0.5
    sums = xp.mean(e, axis=axes)
    with np.errstate(divide="ignore", invalid="ignore"):
        nrmse = rmse / xp.mean(r**2, axis=axes) ** 0.5
    tables = {
        "RMSE": rmse,
        "nRMSE": nrmse,
        "cRMSE": xp.mean(sums**2, axis=0) ** 0.5,
        "max": xp.max(xp.abs(e), axis=(0, *axes)),
        "bRMSE": _faces(xp, e, grid),
    }
    out = {name: np.asarray(float(xp.mean(table))) for name, table in tables.items()}
    return out | {"fRMSE": _bands(xp, e, grid, low, high)}


def _faces(xp: Any, e: Any, grid: Grid) -> Any:
    n, t, c = e.shape[0], e.shape[1], e.shape[-1]
    total, count = 0.0, 0
    for axis in space_axes(grid):
        for side in (0, -1):
            layer = xp.reshape(e[(slice(None),) * axis + (side,)], (n, t, -1, c))
            total = total + xp.sum(layer**2, axis=2)
            count += layer.shape[2]
    if grid.dim == 3:
        total = xp.sum(total, axis=-1)
    return (total / count) ** 0.5


def _bands(xp: Any, e: Any, grid: Grid, low: int, high: int) -> np.ndarray:
    """(3,): mean over shells of sqrt( batch mean of the energy of e in the shell ) V / P, then over channels and times."""
    if grid.dim == 1:
        shells = xp.abs(xp.fft.rfftn(e, axes=(2,))) ** 2  # (n, t, m, c): one shell per mode
        labels = np.arange(grid.points[0] // 2 + 1)
        count = len(labels)
    else:
        half = tuple(slice(0, n // 2) for n in grid.points)
        power = xp.abs(xp.fft.fftn(e, axes=space_axes(grid)))[(slice(None), slice(None), *half)] ** 2
        shells = xp.reshape(power, (power.shape[0], power.shape[1], -1, power.shape[-1]))
        index = np.meshgrid(*(np.arange(n // 2) for n in grid.points), indexing="ij")
        labels = np.floor(np.sqrt(sum(i.astype(np.float64) ** 2 for i in index))).astype(int).ravel()
        count = min(n // 2 for n in grid.points)
    scale = grid.volume / float(np.prod(grid.points))
    roots = []
    for s in range(count):
        chosen = xp.asarray(np.flatnonzero(labels == s), device=device(shells))
        energy = xp.sum(xp.take(shells, chosen, axis=2), axis=2)  # (n, t, c)
        roots.append(float(xp.mean(xp.mean(energy, axis=0) ** 0.5)) * scale)
    bands = (roots[:low], roots[low:high], roots[high:])
    return np.array([np.mean(b) if b else np.nan for b in bands])
