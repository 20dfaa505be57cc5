"""Every classical solver on one grid: algebraic error against time, set-up included.

    python examples/poisson-who-wins/work_precision.py --out runs/poisson-who-wins --dim 2     # 256 x 256
    python examples/poisson-who-wins/work_precision.py --out runs/poisson-who-wins --dim 3     # 48 x 48 x 48

Poisson's equation with random sources on cells, zero walls. Each card of `solvers/` that serves it is run at tolerances from
1e-2 to 1e-10; the error is the relative L2 distance to the exact solution of the discrete system (`truth.py`). All solvers
take turns (`contest.py`), one thread, each solve by a solver made anew; one that needs more than --longest seconds of processor
time for a solve is left at that tolerance and tighter. Medians over all runs, the worst status of all.
Writes work-precision-<dim>d.json and .png below --out and prints the table of README.md.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path

import drawing
import numpy as np
from contest import Entry, contest
from threadpoolctl import threadpool_limits
from truth import refined

from pdekit.comparison.entrants import serves
from pdekit.metrics.machine import machine, versions
from pdekit.problems.poisson import Poisson
from pdekit.registry import build_solver, read_card, solver_names
from pdekit.solver import Instances
from pdekit.space.grid import Grid

TOLERANCES = (1e-2, 1e-4, 1e-6, 1e-8, 1e-10)
SHOWN = 1e-8  # the tolerance of the printed table
SAMPLES, LONGEST = 3, 6.0
POINTS = {2: 256, 3: 48}
SMALL = 16  # points a side of the grid on which every solver is compiled
GAUSS = {"variance_factor": 9.0, "tau": 3.0, "alpha": 2.0, "boundary": "neumann"}
PANELS = {
    "direct, multigrid, FFT": ("fast-poisson", "direct", "multigrid", "amg", "pcg-multigrid", "pcg-fast-poisson", "pcg-amg",
                               "pcg-smoothed-aggregation"),
    "CG, its preconditioners": ("cg", "pcg-jacobi", "pcg-block-jacobi", "pcg-chebyshev", "pcg-ssor", "pcg-ic0", "pcg-ilu"),
    "others": ("minres", "gmres", "bicgstab", "sor", "ssor", "gauss-seidel", "jacobi"),
}  # fmt: skip


def panels() -> dict[str, tuple[str, ...]]:
    """PANELS less the cards that do not serve the problem; cards that are not named there join the last one."""
    able = [name for name in solver_names() if serves(read_card(name), Poisson())]
    found = {label: tuple(n for n in names if n in able) for label, names in PANELS.items()}
    named = {n for names in found.values() for n in names}
    found["others"] += tuple(n for n in able if n not in named)
    return found


def cases(dim: int, points: int) -> Instances:
    """SAMPLES random sources, seeds 0, 1, ..."""
    grid = Grid.make([points] * dim, 1.0, boundary="dirichlet")
    laws = {"source": {"law": "gaussian", "gauss": GAUSS}}
    drawn = [Poisson().sample(grid, np.random.default_rng(k), laws)["source"] for k in range(SAMPLES)]
    return Instances(grid, {"source": np.stack(drawn)})


def entries(names: tuple[str, ...]) -> list[Entry]:
    """Each solver at each tolerance, loosest first; those without one at the first."""

    def entry(name: str, rtol: float | None) -> Entry:
        card = read_card(name)
        changed = card if rtol is None else card.model_copy(update={"settings": {**card.settings, "rtol": rtol}})
        return Entry(name, rtol, lambda: build_solver(changed, name).prepare(Poisson()))

    able = {name: TOLERANCES if "rtol" in read_card(name).settings else (None,) for name in names}
    return [entry(n, r) for k in range(len(TOLERANCES)) for n, own in able.items() for r in own[k : k + 1]]


def study(dim: int, points: int, longest: float) -> tuple[list[Entry], list[float]]:
    """(entries with their runs, estimated relative errors of the exact solutions)."""

    def told(text: str) -> None:
        print(f"{time.perf_counter() - begin:6.0f} s  {text}", file=sys.stderr, flush=True)

    begin, problem, every = time.perf_counter(), Poisson(), cases(dim, points)
    taking_part, small = entries(tuple(n for names in panels().values() for n in names)), cases(dim, SMALL)
    with threadpool_limits(1):
        pairs = [refined(*problem.assemble(case)) for case in every.cases()]
        told("exact solutions known to " + ", ".join(f"{estimate:.0e}" for _, estimate in pairs))
        for entry in taking_part:
            entry.make().solve(small.case(0))
        told("all compiled")
        contest(taking_part, every, np.stack([x for x, _ in pairs]), longest, told)
    return taking_part, [estimate for _, estimate in pairs]


def facts(entry: Entry) -> dict:
    """What the JSON says of an entry: medians, the worst status, and every run."""
    medians = {k: entry.median(k) for k in ("seconds", "setup_seconds", "cpu_seconds", "error", "steps") if entry.runs}
    runs = [{**asdict(run), "status": run.status.name} for run in entry.runs]
    status = None if entry.status is None else entry.status.name
    return {"solver": entry.name, "rtol": entry.rtol, "left": entry.left, "status": status, **medians, "runs": runs}


def main() -> None:
    """The study of one dimension."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--dim", type=int, default=2, choices=(2, 3))
    parser.add_argument("--points", type=int, help="cells a side; 256 in 2D and 48 in 3D where left out")
    parser.add_argument("--longest", type=float, default=LONGEST, help="seconds that one solve may take")
    options = parser.parse_args()
    points = POINTS[options.dim] if options.points is None else options.points
    options.out.mkdir(parents=True, exist_ok=True)
    begin = time.perf_counter()
    done, estimates = study(options.dim, points, options.longest)
    size = " x ".join([str(points)] * options.dim)
    stem = options.out / f"work-precision-{options.dim}d"
    drawing.figure(done, panels(), f"Poisson, {size} cells, {SAMPLES} random sources", stem.with_suffix(".png"))
    record = {
        "points": points,
        "dim": options.dim,
        "samples": SAMPLES,
        "longest_seconds": options.longest,
        "error_of_truth": estimates,
        "machine": machine(1),
        "versions": versions(("pdekit", "numpy", "scipy", "numba", "pyamg")),
        "wall_seconds": time.perf_counter() - begin,
        "entries": [facts(entry) for entry in done],
    }
    stem.with_suffix(".json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(f"{size} cells, relative residual {SHOWN:.0e}; exact solutions known to {max(estimates):.0e}\n")
    print(drawing.table(done, panels(), SHOWN))
    print(f"\nwall clock over processor time: {drawing.busy(done):.2f} (median over runs)")


if __name__ == "__main__":
    main()
