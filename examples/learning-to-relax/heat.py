"""Study 2: the heat equation with a conductivity that swings, SSOR-CG step by step; and what it takes to beat it.

    python examples/learning-to-relax/heat.py --out runs/learning-to-relax --intervals 25 --steps 5000
    python examples/learning-to-relax/heat.py --out runs/learning-to-relax --intervals 100 --steps 5000

Writes heat-<intervals>.json and heat-<intervals>.png below --out. Source: Khodak et al. 2024, arXiv:2310.02246, sec. 4.2.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import figures
import numpy as np

from pdekit.linear.implicit import CrankNicolson
from pdekit.metrics.machine import machine
from pdekit.problems.heat import Heat
from pdekit.solver import Instances
from pdekit.space.grid import Grid
from pdekit.space.random_fields import bump

DT, SEEDS = 1e-3, 3
FIXED = (1.0, 1.3, 1.5, 1.75, 1.95)
BANDITS = {
    "Tsallis-INF, importance weighted": {"policy": "tsallis-inf", "estimator": "iw"},
    "Tsallis-INF, reduced variance": {"policy": "tsallis-inf", "estimator": "rv"},
    "Tsallis-INF, 6 bins": {"policy": "tsallis-inf-binned", "bins": 6},
    "ChebCB": {"policy": "chebcb"},
    "Surface": {"policy": "surface"},
}
OTHERS = {
    "CG": {"method": "cg"},
    "SSOR-CG 1.50, extrapolated start": {"omega": 1.5, "start": "extrapolated"},
    "multigrid-PCG (algebraic)": {"method": "pcg-amg"},  # 25 and 100 intervals cannot be halved down to a small grid
    "fast Poisson": {"method": "pcg-fast-poisson"},
    "sparse direct": {"method": "direct"},
}


def case(intervals: int, steps: int) -> Instances:
    """The published one: a bump in the middle, a lamp on a circle."""
    grid = Grid.make([intervals + 1] * 2, 1.0, location="vertex", boundary="dirichlet")
    return Instances(grid, {"initial": bump(grid, [0.5, 0.5], 0.25)[None]}, {}, np.array([0.0, steps * DT]))


def run(one: Instances, **settings) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(iterations, seconds, omega) of each step."""
    solution = CrankNicolson(dt=DT, **settings).prepare(Heat()).solve(one).require_converged()
    notes = solution.info["telemetry"]
    return notes["step_cost"][0], notes["step_seconds"][0], notes["step_parameter"][0]


def study(intervals: int, steps: int) -> dict:
    """{name: {"costs": (runs, steps), "seconds": (runs,), "omega": (runs, steps)}}; bandits with SEEDS seeds."""
    one, found = case(intervals, steps), {}
    run(case(intervals, 5), omega=1.5)  # compilation
    entries = {f"omega = {w:.2f}": [{"omega": w}] for w in FIXED}
    entries |= {name: [{"tuner": {**table, "seed": seed}} for seed in range(SEEDS)] for name, table in BANDITS.items()}
    entries |= {name: [settings] for name, settings in OTHERS.items()}
    for name, members in entries.items():
        rows = [run(one, **settings) for settings in members]
        found[name] = {
            "costs": np.array([r[0] for r in rows]),
            "seconds": np.array([float(r[1].sum(dtype=np.float64)) for r in rows]),
            "omega": np.array([r[2] for r in rows]),
        }
        print(
            f"{name}: {found[name]['costs'].sum(axis=1).mean():.0f} iterations, {found[name]['seconds'].mean():.2f} s",
            flush=True,
        )
    return found


def table(found: dict) -> list[dict]:
    """Totals; ratio to the best of the fixed omegas chosen anew for each step."""
    fixed = np.array([found[f"omega = {w:.2f}"]["costs"][0] for w in FIXED])
    best = float(fixed.min(axis=0).sum())
    rows = [{"solver": "best of the five, step by step", "iterations": best, "over the best": 1.0, "seconds": None}]
    for name, part in found.items():
        total = part["costs"].sum(axis=1)
        rows.append(
            {
                "solver": name,
                "iterations": float(total.mean()),
                "over the best": float(total.mean() / best),
                "seconds": float(np.median(part["seconds"])),
            }
        )
    return sorted(rows, key=lambda r: r["iterations"])


def main() -> None:
    """The study, its table and its figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--intervals", type=int, default=25)
    parser.add_argument("--steps", type=int, default=5000)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()
    found = study(options.intervals, options.steps)
    rows = table(found)
    print(f"\n{options.intervals} intervals, {options.steps} steps")
    print(figures.text(rows))
    figures.heat(found, DT, options.out / f"heat-{options.intervals}.png")
    facts = {
        "intervals": options.intervals,
        "steps": options.steps,
        "seeds": SEEDS,
        "machine": machine(1),
        "table": rows,
    }
    facts["wall_seconds"] = time.perf_counter() - started
    (options.out / f"heat-{options.intervals}.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
