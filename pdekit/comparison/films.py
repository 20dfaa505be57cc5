"""A film of one trajectory: truth, prediction, error; a GIF of at most 40 frames, so that a report stays small."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from pdekit.comparison.conduct import Comparison
from pdekit.comparison.pictures import lead, sample_of
from pdekit.comparison.plots import STYLE
from pdekit.data.animation import write_film
from pdekit.files import whole

MOST = 40  # frames
TRUTH, ANSWER, WRONG = "#888888", "#D55E00", "#0072B2"


def film(comparison: Comparison, out: Path) -> str | None:
    """Write the film of the best learned solver (else the best other one) on its sample of median error; its caption.

    None where no solver answered. Raises StorageError.
    """
    outcome, frames = lead(comparison), comparison.frames
    if outcome is None or frames is None:
        return None
    i = sample_of(comparison, outcome)["median"]
    if i < 0:
        return None
    solver, row = outcome.point.solvers[0], slice(i, i + 1)
    answer = solver.solve(comparison.truth.asked(solver, comparison.cases.instances, row)).values
    pred, ref = (u[0, ..., 0] for u in comparison.truth.beside(solver, answer, row))  # (t, *x) of the first output
    name = next(iter(answer))
    label = f"{name} [{comparison.cases.facts['units'].get(name, '1')}]"
    grid, unit = comparison.cases.instances.grid, "" if frames.unit == "1" else f" {frames.unit}"
    times = frames.times[frames.given :]
    with mpl.rc_context({**STYLE, "font.size": 8}):
        if grid.dim == 1:
            figure, update = _lines(grid.coordinates[0], f"x [{grid.unit}]", ref, pred, label, outcome.first_name)
        else:
            extent = (0.0, grid.length[0], 0.0, grid.length[1])
            figure, update = _images(extent, grid.unit, _flat(ref), _flat(pred), label, outcome.first_name)

        def titled(k: int) -> list[Any]:
            figure.suptitle(f"t = {times[k]:.4g}{unit}", fontsize=9)
            return update(k)

        with whole(out) as scratch:
            shown = write_film(figure, titled, len(times), scratch, dpi=90, most=MOST)
    every = "every frame" if shown == len(times) else f"{shown} of {len(times)} frames"
    return f"Sample {i}, of median error of {outcome.first_name}: {name}, {every}"


def _flat(u: np.ndarray) -> np.ndarray:
    """(t, x, y): of 3D fields the middle plane."""
    return u[..., u.shape[-1] // 2] if u.ndim == 4 else u


def _lines(x: np.ndarray, across: str, ref: np.ndarray, pred: np.ndarray, label: str, name: str) -> tuple[Figure, Any]:
    """Truth and prediction above, their difference below."""
    figure = Figure(figsize=(5.2, 3.8), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    (true,) = above.plot(x, ref[0], color=TRUTH, lw=4, alpha=0.5, label="truth")
    (answer,) = above.plot(x, pred[0], color=ANSWER, lw=1.3, label=name)
    (wrong,) = below.plot(x, pred[0] - ref[0], color=WRONG, lw=1.2)
    below.axhline(0.0, color="#BBBBBB", lw=0.6, zorder=0)
    low, high = float(ref.min()), float(ref.max())
    pad = 0.08 * (high - low) or 0.5
    above.set(ylim=(low - pad, high + pad), ylabel=label)
    most = _largest(pred - ref)
    below.set(ylim=(-1.08 * most, 1.08 * most), ylabel="error", xlabel=across, xlim=(float(x[0]), float(x[-1])))
    above.legend(loc="upper right", fontsize=7)

    def update(k: int) -> list[Any]:
        true.set_ydata(ref[k])
        answer.set_ydata(pred[k])
        wrong.set_ydata(pred[k] - ref[k])
        return [true, answer, wrong]

    return figure, update


def _images(
    extent: tuple[float, ...], unit: str, ref: np.ndarray, pred: np.ndarray, label: str, name: str
) -> tuple[Figure, Any]:
    """Truth, prediction and error side by side; the first two share their colours."""
    ratio = extent[3] / extent[1]
    figure = Figure(figsize=(7.6, min(1.15 + 2.1 * ratio, 5.0)), layout="constrained")
    axes = figure.subplots(1, 3)
    low, high, most = float(ref.min()), float(ref.max()), _largest(pred - ref)
    how: list[dict[str, Any]] = [{"vmin": low, "vmax": high, "cmap": "viridis"}] * 2
    how.append({"vmin": -most, "vmax": most, "cmap": "RdBu_r"})
    images = []
    for axis, u, title, colours in zip(axes, (ref, pred, pred - ref), ("truth", name, "error"), how, strict=True):
        images.append(axis.imshow(u[0].T, origin="lower", extent=extent, interpolation="nearest", **colours))
        axis.set_title(title, fontsize=8)
        axis.set(xticks=[0, extent[1]], yticks=[0, extent[3]], xlabel=f"x [{unit}]")
        axis.xaxis.set_major_formatter("{x:.3g}")
        axis.yaxis.set_major_formatter("{x:.3g}")
    axes[0].set_ylabel(f"y [{unit}]")
    figure.colorbar(images[1], ax=list(axes[:2]), shrink=0.8, aspect=25, label=label)
    figure.colorbar(images[2], ax=axes[2], shrink=0.8, aspect=25)

    def update(k: int) -> list[Any]:
        for image, u in zip(images, (ref[k], pred[k], pred[k] - ref[k]), strict=True):
            image.set_data(u.T)
        return images

    return figure, update


def _largest(error: np.ndarray) -> float:
    finite = np.abs(error[np.isfinite(error)])
    return float(finite.max(initial=0.0)) or 1.0
