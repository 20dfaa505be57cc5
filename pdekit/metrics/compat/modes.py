"""All figures of another project at once, by its name: `score("the_well", pred, ref, grid)`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from array_api_compat import array_namespace

from pdekit.errors import unknown_name
from pdekit.metrics.compat import neuralop, pdebench, the_well
from pdekit.metrics.fields import namespace
from pdekit.metrics.reduce import as_numpy
from pdekit.space.grid import Grid

WELL = ("mse", "mae", "nmse", "nrmse", "vmse", "vrmse", "nmae", "linf", "pearson")


def score(mode: str, pred: Any, ref: Any, grid: Grid) -> dict[str, Any]:
    """{name there: figure} as the other project reduces it, with its own defaults; for options call its module.

    mode        "pdebench" (all samples as one batch; fRMSE (3,), all else one number), "the_well" (plain means over
                samples, times and channels) or "neuraloperator" (LpLoss and H1Loss summed over the batch and channels)
    pred, ref   (n, *x) for one static field, or (n, t, *x, c)

    These are not `pdekit.metrics.score`, which gives one value per sample. Raises BadInput on an unknown mode and wrong
    shapes.
    """
    if mode not in MODES:
        raise unknown_name("project to score like", mode, MODES)
    if len(pred.shape) == grid.dim + 1 and len(ref.shape) == grid.dim + 1:
        pred, ref = (array_namespace(a).reshape(a, (a.shape[0], 1, *a.shape[1:], 1)) for a in (pred, ref))
    namespace(pred, ref, grid)
    return MODES[mode](pred, ref, grid)


def _the_well(pred: Any, ref: Any, grid: Grid) -> dict[str, Any]:
    return {name: float(as_numpy(getattr(the_well, name)(pred, ref, grid)).mean()) for name in WELL}


def _neuraloperator(pred: Any, ref: Any, grid: Grid) -> dict[str, Any]:
    return {"LpLoss": neuralop.lp_loss(pred, ref, grid), "H1Loss": neuralop.h1_loss(pred, ref, grid)}


MODES: dict[str, Callable[[Any, Any, Grid], dict[str, Any]]] = {
    "pdebench": pdebench.pdebench,
    "the_well": _the_well,
    "neuraloperator": _neuraloperator,
}
