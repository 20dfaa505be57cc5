"""The figures of trajectories for paper: error against time of the flow, and spectra at the last frame. PNG and PDF."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import numpy as np

mpl.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from pdekit.comparison.conduct import Comparison
from pdekit.comparison.plots import STYLE, colours
from pdekit.comparison.run import Outcome
from pdekit.comparison.table import LEARNED, shown
from pdekit.metrics.rollout import QUANTILES, curve
from pdekit.metrics.spectral import last_shell

DASHES = ("-", (0, (5, 2)), (0, (2, 1.5)), (0, (1, 1)))  # of one solver's runs, the most exact first
LOW, HIGH = QUANTILES.index(0.25), QUANTILES.index(0.75)
EMPTY = 1e-16  # part of the largest energy below which a spectrum is rounding


def runs_in_time(comparison: Comparison) -> list[Outcome]:
    """The runs that figures and tables of trajectories show: of a classical solver its most exact one and its fastest."""
    out: list[Outcome] = []
    for name in dict.fromkeys(o.entrant.name for o in shown(comparison)):
        mine = [o for o in shown(comparison) if o.entrant.name == name and o.rollouts]
        out += [*mine[-1:], *mine[:1]] if len(mine) > 1 else mine
    return out


def error_frames(comparison: Comparison) -> Figure:
    """Mean relative L2 error of each frame against time; the band of trained solvers holds half of the samples."""
    assert comparison.frames is not None
    frames, colour = comparison.frames, colours(comparison)
    times = frames.times[frames.given :]
    with mpl.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(6.4, 3.8), layout="constrained")
        for outcome, dash in _dashed(runs_in_time(comparison)):
            found = curve(np.concatenate([r.error for r in outcome.rollouts]))
            mark = "o" if len(times) == 1 else None
            axes.plot(
                times, found.mean, color=colour[outcome.entrant.name], ls=dash, lw=1.4, marker=mark, label=outcome.name
            )
            if outcome.entrant.kind in LEARNED:
                band = np.where(np.isfinite(found.quantiles), found.quantiles, np.nan)
                axes.fill_between(times, band[LOW], band[HIGH], color=colour[outcome.entrant.name], alpha=0.18, lw=0)
            lost = np.flatnonzero(found.n_failed)
            if lost.size and lost[0] > 0:
                axes.plot(times[lost[0] - 1], found.mean[lost[0] - 1], "x", color=colour[outcome.entrant.name], ms=6)
        axes.axvline(frames.times[frames.given - 1], color="#BBBBBB", lw=0.8, zorder=0)
        axes.set(yscale="log", xlabel=f"t [{frames.unit}]", ylabel="relative $L^2$ error of the frame (mean)")
        axes.grid(alpha=0.25, which="major", lw=0.5)
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=8)
        return figure


def last_spectra(comparison: Comparison) -> Figure:
    """Energy per shell at the last frame, mean over samples and seeds: the truth as a wide line, the solvers over it."""
    assert comparison.frames is not None
    colour = colours(comparison)
    names, last = list(comparison.truth.values), last_shell(comparison.cases.instances.grid)
    shells = np.arange(1, last + 1)
    with mpl.rc_context(STYLE):
        width = 3.4 * len(names) + 2.6
        figure, row = plt.subplots(1, len(names), figsize=(width, 3.6), layout="constrained", squeeze=False)
        for c, (name, axes) in enumerate(zip(names, row[0], strict=True)):
            runs = runs_in_time(comparison)
            truth = next(
                (r.spectra()[1][-1, c] for o in runs for r in o.rollouts if r.finite[-1] == len(r.error)), None
            )
            if truth is not None:
                axes.plot(shells, truth[1 : last + 1], color="#888888", lw=5, alpha=0.4, label="truth")
            for outcome, dash in _dashed(runs):
                pred = outcome.together.spectra()[0][-1, c]
                pred = np.where(pred > EMPTY * np.nanmax(pred, initial=0.0), pred, np.nan)
                axes.plot(
                    shells, pred[1 : last + 1], color=colour[outcome.entrant.name], ls=dash, lw=1.2, label=outcome.name
                )
            axes.set(xscale="log", yscale="log", xlabel="shell (waves per longest period)", ylabel=f"energy of {name}")
            axes.grid(alpha=0.25, which="major", lw=0.5)
        row[0][-1].legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=8)
        when = f"at t = {comparison.frames.times[-1]:.4g}, {_over(runs_in_time(comparison))}"
        figure.suptitle(when, fontsize=9, x=0.05, ha="left")
        return figure


def _over(runs: list[Outcome]) -> str:
    return "mean over samples" + (" and seeds" if any(len(o.rollouts) > 1 for o in runs) else "")


def _dashed(runs: list[Outcome]) -> list[tuple[Outcome, Any]]:
    """Each run with its line style: solid for a solver's first one."""
    seen: dict[str, int] = {}
    out = []
    for o in runs:
        k = seen.get(o.entrant.name, 0)
        seen[o.entrant.name] = k + 1
        out.append((o, DASHES[k % len(DASHES)]))
    return out
