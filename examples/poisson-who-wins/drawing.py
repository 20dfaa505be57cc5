"""The figure and the table of the study."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
from contest import Entry

from pdekit.comparison.plots import COLOURS, FRONT, STYLE
from pdekit.metrics.cost import front

mpl.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

MARKERS = "osD^vPX*<>"  # told apart without colour
FFT = "fast-poisson"  # in the names of the solvers that need constant coefficients to be what they are here


def figure(entries: list[Entry], panels: dict[str, tuple[str, ...]], title: str, path: Path) -> None:
    """Error against processor time in one panel for each group of solvers, the fronts of all of them in each."""
    shown = [e for e in entries if e.shown]
    with mpl.rc_context(STYLE):
        drawn, every = plt.subplots(1, len(panels), figsize=(11.0, 5.2), layout="constrained", sharex=True, sharey=True)
        for axes, (label, names) in zip(every, panels.items(), strict=True):
            for k, name in enumerate(names):
                own = [e for e in shown if e.name == name]
                if own:
                    times, errors = [1e3 * e.median("cpu_seconds") for e in own], [e.median("error") for e in own]
                    axes.plot(
                        times, errors, marker=MARKERS[k % len(MARKERS)], ms=4.5, mew=0.0, lw=1.1,
                        color=COLOURS[k % len(COLOURS)], label=name,
                    )  # fmt: skip
            axes.set(xscale="log", yscale="log", xlabel="processor time, set-up included (ms)")
            axes.set_title(label, loc="left", fontsize=9)
            axes.grid(alpha=0.25, lw=0.5)
        for axes in every:
            axes.margins(x=0.08)
        limits = every[0].get_xlim(), every[0].get_ylim()  # of all panels, before the fronts are drawn
        for axes in every:
            _front(axes, shown, limits, "-", 4.0)
            _front(axes, [e for e in shown if FFT not in e.name], limits, "--", 1.6)
            axes.set(xlim=limits[0], ylim=limits[1])
            if axes.get_legend_handles_labels()[0]:
                axes.legend(fontsize=7.5, ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.16))
        every[0].set(ylabel="relative $L^2$ distance to the exact\nsolution of the discrete system")
        drawn.suptitle(f"{title}; medians, one thread; grey: front of all, dashed without the FFT", fontsize=9)
        drawn.savefig(path, dpi=150)
        plt.close(drawn)


def _front(axes: Axes, runs: list[Entry], limits: tuple, style: str, width: float) -> None:
    """The runs that no other beats in both time and error, as stairs on to the upper and the right border."""
    best = front([e.median("cpu_seconds") for e in runs], [e.median("error") for e in runs])
    seconds = [1e3 * t for t in best.seconds]
    axes.step(
        [*seconds[:1], *seconds, limits[0][1]], [limits[1][1], *best.errors, best.errors[-1]], style, where="post",
        color=FRONT, lw=width, alpha=0.5, zorder=1,
    )  # fmt: skip


def table(entries: list[Entry], panels: dict[str, tuple[str, ...]], rtol: float) -> str:
    """README's table: one row for each solver at one tolerance, or where it has none, in Markdown."""
    lines = ["| solver | steps | error | ms | of it set-up | processor ms |", "| --- | --- | --- | --- | --- | --- |"]
    for name in (n for names in panels.values() for n in names):
        (entry,) = (e for e in entries if e.name == name and e.rtol in (rtol, None))
        if not entry.shown:
            why = entry.left or ("" if entry.status is None else entry.status.name)
            lines.append(f"| {name} | not reached: {why} | - | - | - | - |")
            continue
        times = (1e3 * entry.median(k) for k in ("seconds", "setup_seconds", "cpu_seconds"))
        cells = (
            f"{entry.median('steps'):.0f}",
            f"{entry.median('error'):.1e}",
            *(_digits(v) for v in times),
        )
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _digits(value: float) -> str:
    """Two digits, more where the number is larger than 99."""
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}"


def busy(entries: list[Entry]) -> float:
    """Wall clock over processor time: 1 on a machine that has nothing else to do."""
    return float(np.median([r.seconds / r.cpu_seconds for e in entries for r in e.runs]))
