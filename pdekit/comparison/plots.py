"""The figures of a report for paper: error against time, and pictures of samples. PNG and PDF."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

mpl.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pdekit.comparison.bootstrap import Draws, interval
from pdekit.comparison.conduct import Comparison
from pdekit.comparison.pictures import Picture
from pdekit.comparison.refusal import classical_front
from pdekit.comparison.run import Outcome
from pdekit.comparison.table import LEARNED, on_front
from pdekit.files import whole
from pdekit.metrics.cost import front, hull
from pdekit.metrics.reduce import FLOOR_FACTOR

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7A5195", "#5C5C5C", "#A05A2C", "#2F4B7C")
MARKERS = {"classical": "o", "learned": "D", "hybrid": "^", "trivial": "s"}
STYLE: dict[Any, Any] = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "pdf.fonttype": 42,
    "legend.frameon": False,
}
FRONT = "#888888"
FAR = 1e-2  # the truth's floor is drawn where it lies above this part of the smallest error: below, it concerns nobody


def colours(comparison: Comparison) -> dict[str, str]:
    """One colour for each solver, the same in all figures."""
    names = dict.fromkeys(o.entrant.name for o in comparison.outcomes)
    return {name: COLOURS[k % len(COLOURS)] for k, name in enumerate(names)}


def error_time(comparison: Comparison, batch: int | str) -> Figure:
    """Mean error against median time per sample, both logarithmic: runs, fronts, 95 % intervals, the truth's floor."""
    with mpl.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
        axes.set(xscale="log", yscale="log")  # before anything asks for the limits
        family = hull(classical_front(comparison.outcomes, comparison.metric, batch))
        if family.seconds:
            axes.plot(
                [1e3 * t for t in family.seconds], family.errors, color=FRONT, lw=5, alpha=0.35, zorder=1,
                solid_capstyle="round", label="classical front",
            )  # fmt: skip
        for name, colour in colours(comparison).items():
            _family(axes, comparison, [o for o in comparison.outcomes if o.entrant.name == name], batch, colour)
        _levels(axes, comparison)
        axes.set(xlabel="time per sample (ms)", ylabel=_label(comparison.metric))
        how = "one sample a call" if batch == 1 else "best batch"
        threads = comparison.plan.timing.threads
        facts = comparison.cases.facts
        points = " x ".join(map(str, facts["points"]))
        title = f"{facts['file'].removesuffix('.h5')}, {points}, {facts['samples']} samples; {how}, {threads} thread"
        axes.set_title(title + ("s" if threads > 1 else ""), loc="left", fontsize=9)
        axes.grid(alpha=0.25, which="major", lw=0.5)
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=8)
        return figure


def _label(metric: str) -> str:
    known = {"relative_l2": "relative $L^2$ error", "relative_l2_trajectory": "relative $L^2$ error of the trajectory"}
    if metric in known:
        return f"{known[metric]} (mean)"
    return f"{metric.replace('_', ' ')} (mean)"


def _family(axes: Axes, comparison: Comparison, runs: list[Outcome], batch: int | str, colour: str) -> None:
    good = [o for o in runs if not o.refused and np.isfinite(o.mean(comparison.metric))]
    if not good:
        return
    draws = Draws.of(len(comparison.cases.instances))
    seconds = [float(np.median(o.seconds(batch))) for o in good]
    errors = [o.mean(comparison.metric) for o in good]
    kind, members = good[0].entrant.kind, len(good[0].point.solvers)
    label = good[0].entrant.name + (
        f" ({members} seeds)" if members > 1 else " (single seed)" if kind in LEARNED else ""
    )
    size = 4 if kind == "classical" else 6
    if kind == "classical":
        own = front(seconds, errors)
        axes.plot([1e3 * t for t in own.seconds], own.errors, color=colour, lw=1, zorder=2)
        axes.plot([1e3 * t for t in seconds], errors, MARKERS[kind], ms=2.5, color=colour, alpha=0.35, zorder=2)
    for outcome in on_front(good, comparison.metric, batch):
        k, key = good.index(outcome), comparison.outcomes.index(outcome)
        low, high = interval(draws.errors(outcome.errors[comparison.metric], key))
        fast, slow = interval(draws.times(outcome.seconds(batch), key))
        axes.errorbar(
            1e3 * seconds[k], errors[k],
            xerr=[[1e3 * max(seconds[k] - fast, 0)], [1e3 * max(slow - seconds[k], 0)]],
            yerr=[[max(errors[k] - low, 0)], [max(high - errors[k], 0)]],
            fmt=MARKERS[kind], ms=size, color=colour, elinewidth=0.8, zorder=3,
        )  # fmt: skip
    axes.plot(
        [], [], MARKERS[kind], ms=size, color=colour, ls="-" if kind == "classical" else "none", lw=1, label=label
    )


def _levels(axes: Axes, comparison: Comparison) -> None:
    floor, least = FLOOR_FACTOR * comparison.floor, min(_all_errors(comparison), default=math.nan)
    if floor > FAR * least:
        lowest = 0.5 * min(floor, least)
        axes.axhspan(0.1 * lowest, floor, color="#BBBBBB", alpha=0.35, lw=0, label="below 3 x truth's own error")
        axes.set_ylim(bottom=lowest)
    stored = comparison.stored_error.get(comparison.metric)
    if stored is not None and np.nanmean(stored) > 0:
        axes.axhline(float(np.nanmean(stored)), color="black", lw=0.8, ls=":", label="error of the training data")


def _all_errors(comparison: Comparison) -> list[float]:
    means = [o.mean(comparison.metric) for o in comparison.outcomes if not o.refused]
    return [m for m in means if np.isfinite(m) and m > 0]


def sample_figure(picture: Picture) -> Figure:
    """Truth and answers above, input and errors below; one scale a row. Errors beyond the scale are drawn at its end."""
    with mpl.rc_context({**STYLE, "font.size": 8}):
        columns = len(picture.answers) + 1
        figure, axes = plt.subplots(2, columns, figsize=(2.35 * columns, 4.9), layout="constrained", squeeze=False)
        low, high = float(picture.truth.min()), float(picture.truth.max())
        largest = max((float(np.abs(a.error).max()) for a in picture.answers), default=0.0) or 1.0
        same: dict[str, Any] = {"vmin": low, "vmax": high, "cmap": "viridis"}
        spread: dict[str, Any] = {"vmin": -largest, "vmax": largest, "cmap": "RdBu_r"}
        values = _draw(axes[0, 0], picture, picture.truth, f"{picture.output}: truth", same)
        given = _draw(axes[1, 0], picture, picture.given, f"input: {picture.given_name}", {"cmap": "cividis"})
        errors: Any = None
        for (above, below), answer in zip(axes.T[1:], picture.answers, strict=True):
            _draw(above, picture, answer.values, answer.name, same)
            errors = _draw(below, picture, answer.error, f"its error, relative {answer.relative:.1e}", spread)
        if len(picture.coordinates) > 1 and picture.answers:
            figure.colorbar(values, ax=list(axes[0]), shrink=0.8, aspect=25, pad=0.01, label=picture.label)
            if given is not None:
                figure.colorbar(given, ax=axes[1, 0], shrink=0.8, location="left")
            figure.colorbar(errors, ax=list(axes[1, 1:]), shrink=0.8, aspect=25, pad=0.01, label=picture.label)
        figure.suptitle(picture.title, fontsize=9)
        return figure


def _draw(axes: Axes, picture: Picture, values: np.ndarray, title: str, how: dict[str, Any]) -> Any:
    """An image, which is returned, or a line."""
    axes.set_title(title.replace(" (", "\n(", 1), fontsize=8)
    if values.ndim == 1:
        axes.plot(picture.coordinates[0], values, lw=1.2)
        axes.set_xlabel(f"x [{picture.unit}]")
        if "vmin" in how and how["vmin"] < how["vmax"]:
            axes.set_ylim(how["vmin"], how["vmax"])
        return None
    (left, low), (x, y) = picture.low, picture.extent
    axes.set(xlabel=f"x [{picture.unit}]", ylabel=picture.up or f"y [{picture.unit}]")
    shape: Any = "auto" if picture.up.startswith("t ") else "equal"
    image = axes.imshow(
        values.T, origin="lower", extent=(left, x, low, y), interpolation="nearest", aspect=shape, **how
    )
    ends = picture.coordinates[1][[0, -1]] if shape == "auto" else (low, y)
    axes.set(xticks=[left, x], yticks=list(ends))
    axes.xaxis.set_major_formatter("{x:.3g}")
    axes.yaxis.set_major_formatter("{x:.3g}")
    return image


def save(figure: Figure, stem: Path) -> list[Path]:
    """Write a figure as PNG and PDF and close it. Raises StorageError."""
    paths = [stem.with_name(f"{stem.name}.{ending}") for ending in ("png", "pdf")]
    for path in paths:
        with whole(path) as scratch:
            figure.savefig(scratch, dpi=160)
    plt.close(figure)
    return paths
