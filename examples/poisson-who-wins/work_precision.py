"""Every classical solver on one grid: algebraic error against time, set-up included.

    python examples/poisson-who-wins/work_precision.py --out runs/poisson-who-wins --dim 2 --points 256
    python examples/poisson-who-wins/work_precision.py --out runs/poisson-who-wins --dim 3 --points 32

Poisson's equation with a random source on cells, zero walls. Each card of `solvers/` that serves it is run at tolerances from
1e-2 to 1e-10; the error is the relative L2 distance to the exact solution of the discrete system (fast Poisson, residual 1e-13).
Times are medians over samples and repeats of one thread. Writes work-precision-<dim>d.json and .png below --out.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import matplotlib as mpl
import numpy as np

from pdekit.comparison.entrants import serves
from pdekit.comparison.plots import COLOURS, STYLE
from pdekit.metrics.machine import machine
from pdekit.problems import PROBLEMS
from pdekit.registry import build_solver, read_card, solver_names
from pdekit.solver import Instances
from pdekit.space.grid import Grid

mpl.use("Agg")
from matplotlib import pyplot as plt

TOLERANCES = (1e-2, 1e-4, 1e-6, 1e-8, 1e-10)
SAMPLES, REPEATS, LONGEST = 3, 3, 4.0  # seconds of one solve after which a solver is asked for no more
ROUNDING = 2.2e-16  # what an error of zero is drawn as
GAUSS = {"variance_factor": 9.0, "tau": 3.0, "alpha": 2.0, "boundary": "neumann"}
PANELS = {
    "direct, multigrid, FFT": ("fast-poisson", "direct", "multigrid", "amg", "pcg-multigrid", "pcg-fast-poisson", "pcg-amg",
                               "pcg-smoothed-aggregation"),
    "CG, its preconditioners": ("cg", "pcg-jacobi", "pcg-block-jacobi", "pcg-chebyshev", "pcg-ssor", "pcg-ic0", "pcg-ilu"),
    "others": ("minres", "gmres", "bicgstab", "sor", "ssor", "gauss-seidel", "jacobi"),
}  # fmt: skip


def cases(dim: int, points: int) -> Instances:
    """SAMPLES random sources."""
    grid = Grid.make([points] * dim, 1.0, boundary="dirichlet")
    laws = {"source": {"law": "gaussian", "gauss": GAUSS}}
    drawn = [PROBLEMS["poisson"]().sample(grid, np.random.default_rng(k), laws)["source"] for k in range(SAMPLES)]
    return Instances(grid, {"source": np.stack(drawn)})


def solver(name: str, rtol: float | None):
    """The card's solver at a tolerance; SOR at Young's omega."""
    card = read_card(name)
    changes = {} if rtol is None else {"rtol": rtol}
    if name == "sor":
        changes["omega"] = "young"
    return build_solver(card.model_copy(update={"settings": {**card.settings, **changes}}), name)


def study(dim: int, points: int) -> list[dict]:
    """One row per run: solver, rtol, median seconds, error, steps, status; solvers that take too long stop early."""
    problem, every = PROBLEMS["poisson"](), cases(dim, points)
    exact = solver("fast-poisson", None).prepare(problem).solve(every).values["potential"]
    rows = []
    for name in (n for names in PANELS.values() for n in names):
        card = read_card(name)
        if not serves(card, problem):
            continue
        for rtol in TOLERANCES if "rtol" in card.settings else (None,):
            seconds, setup, errors = [], [], []
            for k in range(REPEATS * SAMPLES):
                i, made = k % SAMPLES, solver(name, rtol).prepare(problem)  # a new one each time: nothing is set up yet
                begin = time.perf_counter()
                solution = made.solve(every.case(i))
                seconds.append(time.perf_counter() - begin)
                setup.append(float(solution.setup_seconds[0]))
                off = np.linalg.norm(solution.values["potential"][0] - exact[i]) / np.linalg.norm(exact[i])
                errors.append(max(float(off), ROUNDING))
                if sum(seconds) > LONGEST:
                    break
            if len(seconds) > 1:  # the first holds the compilation
                seconds, setup = seconds[1:], setup[1:]
            rows.append(
                {
                    "solver": name,
                    "rtol": rtol,
                    "seconds": float(np.median(seconds)),
                    "setup_seconds": float(np.median(setup)),
                    "error": float(np.mean(errors)),
                    "steps": int(solution.steps[0]),
                    "status": solution.statuses[0].name,
                }
            )
            print(
                f"{name:26s} {rtol or 0:8.0e} {1e3 * rows[-1]['seconds']:10.2f} ms  error {rows[-1]['error']:.1e}",
                flush=True,
            )
            if rows[-1]["seconds"] > LONGEST or solution.statuses[0].failed:
                break
    return rows


def figure(rows: list[dict], title: str, path: Path) -> None:
    """Error against time in three panels; the best of all in each panel as a grey line."""
    good = [r for r in rows if r["status"] == "CONVERGED"]
    front, least = [], np.inf
    for row in sorted(good, key=lambda r: r["seconds"]):
        if row["error"] < least:
            front.append(row)
            least = row["error"]
    with mpl.rc_context(STYLE):
        drawn, every = plt.subplots(1, len(PANELS), figsize=(11.0, 5.0), layout="constrained", sharex=True, sharey=True)
        for axes, (label, names) in zip(every, PANELS.items(), strict=True):
            axes.plot(
                [1e3 * r["seconds"] for r in front], [r["error"] for r in front], color="#888888", lw=5, alpha=0.35
            )
            for name, colour in zip(names, COLOURS, strict=False):
                own = [r for r in good if r["solver"] == name]
                if own:
                    times, errors = [1e3 * r["seconds"] for r in own], [r["error"] for r in own]
                    axes.plot(times, errors, "o-", ms=3.5, lw=1.1, color=colour, label=name)
            axes.set(xscale="log", yscale="log", xlabel="time, set-up included (ms)")
            axes.set_title(label, loc="left", fontsize=9)
            axes.grid(alpha=0.25, lw=0.5)
            axes.legend(fontsize=7, ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.2))
        every[0].set(ylabel="relative error of the discrete solution")
        drawn.suptitle(title, fontsize=9)
        drawn.savefig(path, dpi=150)
        plt.close(drawn)


def main() -> None:
    """The study of one dimension."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--dim", type=int, default=2, choices=(2, 3))
    parser.add_argument("--points", type=int, default=256)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    rows = study(options.dim, options.points)
    size = " x ".join([str(options.points)] * options.dim)
    stem = options.out / f"work-precision-{options.dim}d"
    figure(rows, f"Poisson, {size} cells, random source; grey: the best of all", stem.with_suffix(".png"))
    facts = {
        "points": options.points,
        "dim": options.dim,
        "samples": SAMPLES,
        "machine": machine(1),
        "known": solver_names(),
    }
    stem.with_suffix(".json").write_text(json.dumps({**facts, "runs": rows}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
