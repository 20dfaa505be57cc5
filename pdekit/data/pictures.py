"""Draws fields of one sample: lines in 1D, images in 2D, three middle planes in 3D, frames of a trajectory in a row.

A trajectory in 1D is drawn twice, as lines over one another and as an image over space and time.

Arrays are in `ij` order, so images are transposed: x to the right, y upward.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from pdekit.data.panel import SEQUENTIAL, TIME, Panel

EVEN = 1e-6  # relative: frames whose spacings differ by less are evenly spaced
FRAMES = 5  # in a row of a still picture
COLUMNS = 4
IMAGE, TALLEST, LINE = 1.9, 3.0, (2.5, 1.6)  # inches: width of an image, its largest height, size of a line plot
LABELS, BARS, GAP, ABOVE, BELOW = 0.62, 0.85, 0.14, 0.42, 0.5  # inches around a panel
TITLE_WIDTH = 36  # characters
SMALL, TINY = 8, 7  # points


@dataclass(frozen=True)
class Cell:
    """One place of the figure: an image of `values` on the axes `names` of the panel, or lines (values, label, colour)."""

    panel: Panel
    title: str
    values: np.ndarray
    names: tuple[int, int] = (0, 1)
    lines: tuple[tuple[np.ndarray, str, Any], ...] = ()
    labelled: bool = True
    bar: bool = True

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of the drawn box in inches; images keep the aspect of the box."""
        if len(self.panel.axes) == 1:
            return LINE
        if TIME in self.panel.axes:
            return LINE
        right, up = (self.panel.window[k][1] - self.panel.window[k][0] for k in self.names)
        height = IMAGE * up / right
        return (IMAGE, height) if height <= TALLEST else (TALLEST * right / up, TALLEST)

    @property
    def margins(self) -> tuple[float, float]:
        """Inches kept free to the left and right."""
        bar = self.bar and len(self.panel.axes) > 1
        return (LABELS if self.labelled else GAP, BARS if bar else GAP)


def still(panels: Sequence[Panel], title: str, caption: str) -> Figure:
    """All panels as one figure: steady fields in rows, then one row of frames for each trajectory."""
    flat = [_cell(p) for p in panels if p.time is None and len(p.axes) < 3]
    rows = [flat[i : i + COLUMNS] for i in range(0, len(flat), COLUMNS)]
    rows += [_planes(p) for p in panels if p.time is None and len(p.axes) == 3]
    rows += [_frames(p) for p in panels if p.time is not None]
    return _compose(rows, title, caption)[0]


def moving(panels: Sequence[Panel], title: str, caption: str) -> tuple[Figure, Any, int]:
    """(figure, update, frames): one panel for each field; `update(k)` shows frame k of all trajectories."""
    cells = [_cell(p, _moment(p, 0)) for p in panels]
    rows = [cells[i : i + COLUMNS] for i in range(0, len(cells), COLUMNS)]
    figure, drawn = _compose(rows, title, caption)

    def update(k: int) -> list[Any]:
        for panel, (axis, artist) in zip(panels, drawn, strict=True):
            if panel.time is None:
                continue
            values = _middle(panel, panel.values[k])
            if len(panel.axes) == 1:
                artist.set_ydata(values)
            else:
                artist.set_data(values.T)
            axis.set_title(_heading(panel, _moment(panel, k)), fontsize=SMALL)
        return [artist for _, artist in drawn]

    return figure, update, max(len(p.time) for p in panels if p.time is not None)


def _cell(panel: Panel, moment: str = "") -> Cell:
    values = _middle(panel, panel.values if panel.time is None else panel.values[0])
    return Cell(panel, _heading(panel, moment), values, lines=((values, "", "C0"),))


def _planes(panel: Panel) -> list[Cell]:
    """Three planes through the middle, with one colour bar."""
    cells = []
    for across in (2, 1, 0):
        k = len(panel.points[across]) // 2
        place = f"{panel.axes[across]} = {panel.points[across][k]:.3g} {_unit(panel.length_unit)}".rstrip()
        names = tuple(a for a in range(3) if a != across)
        heading = _heading(panel, place) if across == 2 else place
        cells.append(Cell(panel, heading, np.take(panel.values, k, axis=across), (names[0], names[1]), bar=across == 0))
    return cells


def _frames(panel: Panel) -> list[Cell]:
    """Frames from the first to the last; in 1D the lines lie over one another, coloured by time."""
    count = len(panel.values)
    chosen = sorted({round(float(v)) for v in np.linspace(0, count - 1, min(FRAMES, count))})
    if len(panel.axes) == 1:
        colours = mpl.colormaps[SEQUENTIAL](np.linspace(0, 0.92, len(chosen)))
        lines = [(panel.values[k], _moment(panel, k), c) for k, c in zip(chosen, colours, strict=True)]
        return [Cell(panel, _heading(panel, ""), panel.values[0], lines=tuple(lines)), *_space_time(panel)]
    return [
        Cell(
            panel,
            _heading(panel, _moment(panel, k)) if k == chosen[0] else _moment(panel, k),
            _middle(panel, panel.values[k]),
            labelled=k == chosen[0],
            bar=k == chosen[-1],
        )
        for k in chosen
    ]


def _space_time(panel: Panel) -> list[Cell]:
    """A trajectory in 1D as an image, x to the right and t upward; none where the frames are not evenly spaced."""
    assert panel.time is not None
    steps = np.diff(panel.time)
    if not len(steps) or np.ptp(steps) > EVEN * steps.mean():
        return []
    half = 0.5 * float(steps.mean())
    span = (float(panel.time[0]) - half, float(panel.time[-1]) + half)
    image = replace(
        panel,
        axes=(*panel.axes, TIME),
        edges=(*panel.edges, span),
        window=(*panel.window, span),
        points=(*panel.points, panel.time),
        values=panel.values.T,
        time=None,
    )
    return [Cell(image, "over space and time", image.values)]


def _compose(rows: Sequence[Sequence[Cell]], title: str, caption: str) -> tuple[Figure, list[tuple[Any, Any]]]:
    """A figure with every row centred, the title above and the caption below; [(axes, image or line)] in order."""
    widths = [sum(c.size[0] + sum(c.margins) for c in row) for row in rows]
    heights = [max(c.size[1] for c in row) + ABOVE + BELOW for row in rows]
    foot = 0.15 * (caption.count("\n") + 1) + 0.1
    width, height = max([*widths, 5.2]), sum(heights) + foot + 0.3
    figure = Figure(figsize=(width, height), dpi=150)
    figure.text(0.5, 1 - 0.18 / height, title, ha="center", va="center", fontsize=9, fontweight="bold", wrap=True)
    figure.text(0.5, foot / 2 / height, caption, ha="center", va="center", fontsize=TINY)
    drawn, top = [], height - 0.3
    for row, own, tall in zip(rows, widths, heights, strict=True):
        left = (width - own) / 2
        for cell in row:
            (w, h), (before, after) = cell.size, cell.margins
            left += before
            base = top - tall + BELOW + (tall - ABOVE - BELOW - h) / 2
            axis = figure.add_axes((left / width, base / height, w / width, h / height))
            drawn.append((axis, _draw(axis, cell)))
            left += w + after
        top -= tall
    return figure, drawn


def _draw(axis: Any, cell: Cell) -> Any:
    """The lines or the image of one cell, with labels and colour bar; returns the last line, or the image."""
    panel = cell.panel
    low, high, colours = panel.limits()
    axis.set_title(cell.title, fontsize=SMALL)
    axis.tick_params(labelsize=TINY)
    axis.xaxis.set_major_locator(MaxNLocator(4))
    if len(panel.axes) == 1:
        line = None
        for values, label, colour in cell.lines:
            (line,) = axis.plot(panel.points[0], values, lw=1.2, color=colour, label=label)
        pad = 0.05 * (high - low)
        axis.set(xlim=panel.window[0], ylim=(low - pad, high + pad))
        axis.set_xlabel(panel.axis_label(panel.axes[0]), fontsize=SMALL)
        axis.set_ylabel(panel.label, fontsize=SMALL)
        if len(cell.lines) > 1:
            axis.legend(fontsize=6, frameon=False)
        return line
    i, j = cell.names
    image = axis.imshow(
        cell.values.T,
        origin="lower",
        extent=(*panel.edges[i], *panel.edges[j]),
        aspect="auto" if TIME in panel.axes else "equal",
        interpolation="nearest",
        cmap=colours,
        vmin=low,
        vmax=high,
    )
    axis.set(xlim=panel.window[i], ylim=panel.window[j])
    axis.set_xlabel(panel.axis_label(panel.axes[i]), fontsize=SMALL)
    axis.yaxis.set_major_locator(MaxNLocator(4))
    if cell.labelled:
        axis.set_ylabel(panel.axis_label(panel.axes[j]), fontsize=SMALL)
    else:
        axis.tick_params(labelleft=False)
    if cell.bar:
        _bar(axis, image, panel)
    return image


def _bar(axis: Any, image: Any, panel: Panel) -> None:
    """A colour bar as high as the image, with name and unit; ticks on the values themselves where there are only two."""
    bar = axis.figure.colorbar(image, cax=axis.inset_axes((1.04, 0.0, 0.05, 1.0)))
    bar.set_label(panel.label, fontsize=SMALL)
    bar.ax.tick_params(labelsize=TINY)
    kinds = np.unique(panel.values)
    if len(kinds) <= 2:
        bar.set_ticks([float(k) for k in kinds])
        return
    bar.locator = MaxNLocator(5)
    bar.formatter.set_powerlimits((-3, 4))
    bar.ax.yaxis.get_offset_text().set_fontsize(TINY)
    bar.update_ticks()


def _heading(panel: Panel, place: str) -> str:
    """The title of a panel in at most two lines, and below it where or when."""
    lines = textwrap.wrap(panel.title, TITLE_WIDTH, max_lines=1 if place else 2, placeholder=" ...")
    return "\n".join([*lines, *([place] if place else [])])


def _middle(panel: Panel, values: np.ndarray) -> np.ndarray:
    """The middle plane across z of a 3D array; other arrays as they are."""
    return values[..., values.shape[-1] // 2] if len(panel.axes) == 3 else values


def _moment(panel: Panel, k: int) -> str:
    return "" if panel.time is None else f"t = {panel.time[k]:.4g} {_unit(panel.time_unit)}".rstrip()


def _unit(unit: str) -> str:
    return "" if unit in ("1", "unknown") else unit
