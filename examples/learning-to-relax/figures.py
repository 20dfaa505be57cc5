"""Tables and figures of the two studies."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import matplotlib as mpl
import numpy as np
from scipy import stats

from pdekit.comparison.plots import COLOURS, STYLE
from pdekit.linear.tuning import ShiftedSystems, Trial
from pdekit.linear.tuning.streams import ShiftedSystem
from pdekit.problems.heat import Heat

mpl.use("Agg")
from matplotlib import pyplot as plt

BROKEN = ((1, 1.2), (4, 1.2, 1, 1.2), (2.5, 1.2))  # told apart without colour
YOUNG = "Young's omega of each system"


def half_width(values: np.ndarray) -> float:
    """Half of the 95 % Student interval of the mean over streams."""
    n = len(values)
    return math.nan if n < 2 else float(stats.t.ppf(0.975, n - 1) * values.std(ddof=1) / math.sqrt(n))


def text(rows: list[dict]) -> str:
    """Rows as a table in Markdown."""

    def cell(value) -> str:
        if isinstance(value, list):
            return f"{value[0]:.3f} +- {value[1]:.3f}"
        if isinstance(value, float):
            return f"{value:.4g}" if abs(value) < 1000 else f"{value:.0f}"
        return "-" if value is None else str(value)

    lines = [list(rows[0]), ["---"] * len(rows[0]), *([cell(v) for v in row.values()] for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def race(found: dict, law: str, path: Path) -> None:
    """Cumulated sweeps against systems solved, mean over streams with its range."""
    shown = [n for n in found["costs"] if not n.startswith("omega")] + [found["best"]]
    with mpl.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(7.0, 4.2), layout="constrained")
        order = sorted(shown, key=lambda n: -found["costs"][n].sum(axis=1).mean())
        for k, name in enumerate(order):
            total = np.cumsum(found["costs"][name], axis=1) / 1e3
            rounds = np.arange(1, total.shape[1] + 1)
            style = {"color": "black", "ls": "--"} if name == YOUNG else {"color": COLOURS[k % len(COLOURS)]}
            label = f"{name} (best fixed)" if name == found["best"] else name
            axes.plot(rounds, total.mean(axis=0), lw=1.4, label=label, **style)
            axes.fill_between(rounds, total.min(axis=0), total.max(axis=0), color=style["color"], alpha=0.15, lw=0)
        axes.set(xlabel="systems solved", ylabel="sweeps so far (thousands)", xlim=(0, None), ylim=(0, None))
        top = np.cumsum(found["costs"]["Tsallis-INF, importance weighted"], axis=1).mean(axis=0)[-1] / 1e3
        axes.set_ylim(top=1.25 * top)
        axes.set_title(
            f"shifted systems, {law} variance: {len(found['shifts'])} streams, exploration charged",
            loc="left",
            fontsize=9,
        )
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=8)
        figure.savefig(path, dpi=150)
        plt.close(figure)


def chosen(found: dict, law: str, path: Path) -> None:
    """The omega that was chosen against the shift, in the second half of the first stream; Young's as a line."""
    names = ("ChebCB", "Surface", "adaptive Young")
    half = found["shifts"].shape[1] // 2
    shift = found["shifts"][0][half:]
    line = np.linspace(shift.min(), shift.max(), 300)
    with mpl.rc_context(STYLE):
        figure, every = plt.subplots(1, len(names), figsize=(9.0, 3.0), layout="constrained", sharey=True)
        for axes, name, colour in zip(every, names, COLOURS, strict=False):
            axes.plot(shift, found["settings"][name][0][half:], ".", ms=2, alpha=0.4, color=colour)
            axes.plot(line, [ShiftedSystems(1, law).young(c) for c in line], "k--", lw=1, label="Young's omega")
            axes.set_title(name, loc="left", fontsize=9)
            axes.set(xlabel="shift c")
        every[0].set(ylabel="omega")
        every[0].legend(fontsize=8)
        figure.savefig(path, dpi=150)
        plt.close(figure)


def cost_against_omega(solve, path: Path, samples: int = 40, points: int = 10) -> None:
    """Sweeps on one system (c = 0) against omega: mean and range over right-hand sides, and the surrogate bound.

    U(omega) = 1 + log eps / log(rho + tau (1 - rho)), rho the spectral radius of SOR, tau the least that makes it hold for the
    mean: sor-bandit, sec. 1.5.
    """
    stream, omegas = ShiftedSystems(samples, "low", seed=1), np.linspace(1.0, 1.95, 96)
    counts = np.array(
        [[solve(ShiftedSystem(0.0, s.rhs), Trial(0, {"omega": float(w)}, 1.0)).cost for s in stream] for w in omegas]
    )
    beta = math.cos(math.pi / (points + 1))
    best = 2.0 / (1.0 + math.sqrt(1.0 - beta**2))
    inner = np.maximum(omegas**2 * beta**2 - 4.0 * (omegas - 1.0), 0.0)
    rho = np.where(omegas <= best, 0.25 * (omegas * beta + np.sqrt(inner)) ** 2, omegas - 1.0)
    needed = np.exp(math.log(1e-8) / np.maximum(counts.max(axis=1) - 1.0, 1.0))  # the factor a step that K = U asks for
    tau = float(np.clip(((needed - rho) / (1.0 - rho)).max(), 0.0, 0.999))
    bound = 1.0 + math.log(1e-8) / np.log(rho + tau * (1.0 - rho))
    with mpl.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(5.6, 3.8), layout="constrained")
        axes.fill_between(
            omegas, counts.min(axis=1), counts.max(axis=1), alpha=0.25, lw=0, color=COLOURS[0], label="range"
        )
        axes.plot(omegas, counts.mean(axis=1), color=COLOURS[0], label=f"sweeps, mean of {samples} right-hand sides")
        axes.plot(omegas, bound, "--", color=COLOURS[1], label=f"surrogate bound, tau = {tau:.2f}")
        axes.plot(omegas, 1.0 + math.log(1e-8) / np.log(rho), ":", color="#555555", label="asymptotic rate, tau = 0")
        axes.axvline(best, color="black", lw=0.8)
        axes.set(xlabel="omega", ylabel="sweeps to 1e-8", yscale="log", ylim=(25, 1500))
        axes.set_title(f"one system, c = 0, 10 x 10; Young's omega {best:.4f}", loc="left", fontsize=9)
        axes.legend(fontsize=8, loc="upper left")
        figure.savefig(path, dpi=150)
        plt.close(figure)


def heat(found: dict, dt: float, path: Path) -> None:
    """Above: iterations so far, fixed omegas broken and from dark to light. Below: the omega that ChebCB chose, and kappa."""
    fixed = [n for n in found if n.startswith("omega")]
    bandits = [n for n in found if n.startswith(("Tsallis", "ChebCB", "Surface"))]
    best = np.min([found[n]["costs"][0] for n in fixed], axis=0)
    curves = {"best of the five, step by step": (best[None], {"color": "black", "ls": (0, (6, 2))})}
    shades = mpl.colormaps["cividis"](np.linspace(0.0, 0.9, len(fixed)))
    for name, shade, dots in zip(fixed, shades, itertools.cycle(BROKEN), strict=False):
        curves[name] = (found[name]["costs"], {"color": shade, "ls": (0, dots)})
    for name, colour in zip(bandits, (COLOURS[1], COLOURS[3], COLOURS[2], COLOURS[0], COLOURS[4]), strict=True):
        curves[name] = (found[name]["costs"], {"color": colour, "ls": "-"})
    t = dt * np.arange(1, len(best) + 1)
    with mpl.rc_context(STYLE):
        figure, (above, below) = plt.subplots(
            2, 1, figsize=(8.0, 5.6), layout="constrained", sharex=True, height_ratios=[3, 2]
        )
        for name, (costs, style) in sorted(curves.items(), key=lambda item: -item[1][0].sum(axis=1).mean()):
            total = np.cumsum(costs, axis=1).mean(axis=0)
            above.plot(t, total / 1e3, lw=1.4, label=f"{name}: {total[-1]:,.0f}", **style)
        above.set(ylabel="iterations so far (thousands)", ylim=(0, None), xlim=(0, t[-1]))
        above.legend(loc="center left", bbox_to_anchor=(1.02, 0.5), fontsize=8, title="iterations in all")
        below.plot(t, found["ChebCB"]["omega"][0], ".", ms=1.5, alpha=0.5, color=COLOURS[0])
        below.set(xlabel="time (units of the period of kappa)", ylabel="omega of ChebCB, seed 0")
        below.yaxis.label.set_color(COLOURS[0])
        other = below.twinx()
        other.plot(t, [Heat().kappa(v) for v in t], color="#888888", lw=0.8)
        other.spines["right"].set_visible(True)
        other.set(ylabel="kappa (length$^2$ / time)", yscale="log", ylim=(1e-3, 20))
        other.yaxis.label.set_color("#666666")
        figure.savefig(path, dpi=150)
        plt.close(figure)
