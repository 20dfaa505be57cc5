"""The metrics by name, and `score`: several of them at once, one value per sample."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from array_api_compat import array_namespace

from pdekit.errors import BadInput, unknown_name
from pdekit.metrics import boundary, distribution, physics, pointwise, sobolev, spectral
from pdekit.metrics.fields import namespace
from pdekit.metrics.reduce import per_sample
from pdekit.space.grid import Grid

VERSION = 1  # goes into every result; raised by any change that moves a number


@dataclass(frozen=True)
class Metric:
    """One metric: what it computes and how it reads.

    function    f(pred, ref, grid) -> (n, t, c); f(problem, instances, values) -> (n,) where `needs_problem`
    title       one line
    unit        "1", or what becomes of the unit u of the field: "u", "u^2"
    reduction   name in reduce.REDUCTIONS of how its table becomes one figure: "mean", "max_mean" (times by their
                maximum) or "rms" (samples by their root mean square); belongs into every result
    part        which entry of a last axis to take, where one function gives several tables (n, t, c, parts)
    statistic   of a long run, blind to when: of trajectories it wants the frames after the transient only
    """

    function: Callable[..., Any]
    title: str
    unit: str = "1"
    lower_is_better: bool = True
    reduction: str = "mean"
    part: int | None = None
    needs_problem: bool = False
    statistic: bool = False

    @property
    def over_time(self) -> str:
        """How `score` reduces times before channels: "mean" or "max"."""
        return "max" if self.reduction == "max_mean" else "mean"


METRICS: dict[str, Metric] = {
    "relative_l2": Metric(pointwise.relative_l2, "root mean squared error over root mean square of the reference"),
    "relative_l2_trajectory": Metric(
        pointwise.relative_l2_trajectory, "the same with squares summed over times first: one ratio per trajectory"
    ),
    "vrmse": Metric(pointwise.vrmse, "root mean squared error over the reference's standard deviation in space"),
    "relative_max": Metric(pointwise.relative_max, "largest error over largest reference", reduction="max_mean"),
    "mse": Metric(pointwise.mse, "mean squared error", "u^2"),
    "rmse": Metric(pointwise.rmse, "root mean squared error", "u"),
    "mae": Metric(pointwise.mae, "mean absolute error", "u"),
    "max_error": Metric(pointwise.max_error, "largest error", "u", reduction="max_mean"),
    "boundary_rmse": Metric(boundary.boundary_rmse, "root mean squared error on the faces that are not periodic", "u"),
    "conserved_error": Metric(
        boundary.conserved_error, "error of the integral over the box, per volume", "u", reduction="rms"
    ),
    "relative_h1": Metric(sobolev.relative_h1, "relative error of values and gradients together, L0 = 1"),
    "low_band": Metric(spectral.relative_band_rmse, "relative error of shells below S/8 (long waves)", part=0),
    "mid_band": Metric(spectral.relative_band_rmse, "relative error of shells from S/8 to S/2", part=1),
    "high_band": Metric(spectral.relative_band_rmse, "relative error of shells from S/2 to S (short waves)", part=2),
    "low_band_rmse": Metric(spectral.band_rmse, "root of the squared error in shells below S/8", "u", part=0),
    "mid_band_rmse": Metric(spectral.band_rmse, "root of the squared error in shells from S/8 to S/2", "u", part=1),
    "high_band_rmse": Metric(spectral.band_rmse, "root of the squared error in shells from S/2 to S", "u", part=2),
    "energy_error": Metric(physics.energy_error, "error of the mean square over that of the reference, frame by frame"),
    "value_distance": Metric(
        distribution.value_distance,
        "Wasserstein-1 distance of the values taken over space and time",
        "u",
        statistic=True,
    ),
    "residual": Metric(physics.residual, "residual of the equation over its right-hand side", needs_problem=True),
    "correlation": Metric(pointwise.correlation, "centred correlation over space", lower_is_better=False),
}


def check_names(names: Sequence[str], *, where: str = "") -> None:
    """Raise BadInput on a name that is no metric, with the nearest known ones."""
    for name in names:
        if name not in METRICS:
            raise unknown_name("metric", name, METRICS, where=where, hint="`pdekit list metrics` shows all")


def score(names: Sequence[str], pred: Any, ref: Any, grid: Grid) -> dict[str, np.ndarray]:
    """Per-sample values (n,) of the named metrics: mean over times (max for largest errors), then over channels.

    pred, ref   (n, *x) for one static field, or (n, t, *x, c)
    +inf where the prediction is not finite, NaN where the metric is not defined; `summarise` counts both. Raises
    BadInput on unknown names, wrong shapes, a reference that is not finite, and metrics that need the problem.
    """
    check_names(names)
    for name in names:
        if METRICS[name].needs_problem:
            raise BadInput.of(
                f"metric {name!r} needs the problem and its inputs, not only two fields.",
                hint=f"pdekit.metrics.{METRICS[name].function.__name__}(problem, instances, values)",
            )
    if len(pred.shape) == grid.dim + 1 and len(ref.shape) == grid.dim + 1:
        pred, ref = (array_namespace(a).reshape(a, (a.shape[0], 1, *a.shape[1:], 1)) for a in (pred, ref))
    namespace(pred, ref, grid)
    tables: dict[Callable[..., Any], Any] = {}
    out = {}
    for name in names:
        metric = METRICS[name]
        if metric.function not in tables:
            tables[metric.function] = metric.function(pred, ref, grid)
        table = tables[metric.function]
        out[name] = per_sample(table if metric.part is None else table[..., metric.part], over_time=metric.over_time)
    return out
