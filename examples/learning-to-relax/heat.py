"""Study 2: the heat equation with a conductivity that swings, SSOR-CG step by step; and what it takes to beat it.

    python examples/learning-to-relax/heat.py --out runs/learning-to-relax --intervals 25 100 128

Iterations are those of --steps steps, one run each (bandits: SEEDS seeds). Times are of the first --timed-steps (1000: one swing
of kappa), assembly and set-up included: REPEATS rounds in orders drawn anew, each run after a few steps that do not count,
one thread, medians. A bandit's time thus holds its early exploring, which the rest of a long run does not have. Entries that
cannot serve a size are found by asking, and left out. Writes heat-<intervals>.json and heat-<intervals>.png below --out, and
prints the table of README.md. Source: Khodak et al. 2024, arXiv:2310.02246, sec. 4.2.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import figures
import numpy as np
from threadpoolctl import threadpool_limits

from pdekit.errors import BadInput
from pdekit.linear.choice import PRECONDITIONERS
from pdekit.linear.implicit import CrankNicolson
from pdekit.metrics.machine import machine
from pdekit.problems.heat import Heat
from pdekit.solver import Instances
from pdekit.space.grid import Grid
from pdekit.space.random_fields import bump

DT, SEEDS, REPEATS, WARM_UP = 1e-3, 3, 3, 5  # WARM_UP: steps
BEST = "best of the five, step by step"
FIXED = (1.0, 1.3, 1.5, 1.75, 1.95)
BANDITS = {
    "Tsallis-INF, importance weighted": {"policy": "tsallis-inf", "estimator": "iw"},
    "Tsallis-INF, reduced variance": {"policy": "tsallis-inf", "estimator": "rv"},
    "Tsallis-INF, 6 bins": {"policy": "tsallis-inf-binned", "bins": 6},
    "ChebCB": {"policy": "chebcb"},
    "Surface": {"policy": "surface"},
}
OTHERS: dict[str, dict] = {
    "CG": {"method": "cg"},
    "SSOR-CG 1.50, extrapolated start": {"omega": 1.5, "start": "extrapolated"},
    "multigrid-PCG (geometric)": {"method": "pcg-multigrid"},
    "multigrid-PCG (algebraic)": {"method": "pcg-amg"},
    "fast Poisson": {"method": "pcg-fast-poisson"},
    "sparse direct": {"method": "direct"},
}


def case(intervals: int, steps: int) -> Instances:
    """The published one: a bump in the middle, a lamp on a circle."""
    grid = Grid.make([intervals + 1] * 2, 1.0, location="vertex", boundary="dirichlet")
    return Instances(grid, {"initial": bump(grid, [0.5, 0.5], 0.25)[None]}, {}, np.array([0.0, steps * DT]))


def entries(one: Instances) -> dict[str, list[dict]]:
    """{name: settings of its members}: bandits have one for each seed. Those that cannot serve the size are told and left out."""
    every: dict[str, list[dict]] = {f"omega = {w:.2f}": [{"omega": w}] for w in FIXED}
    every |= {name: [{"tuner": {**table, "seed": seed}} for seed in range(SEEDS)] for name, table in BANDITS.items()}
    every |= {name: [settings] for name, settings in OTHERS.items()}
    reasons = {name: reason_against(members[0].get("method", ""), one) for name, members in every.items()}
    for name, reason in reasons.items():
        if reason:
            told(f"left out: {name}: {reason}")
    return {name: members for name, members in every.items() if not reasons[name]}


def reason_against(method: str, one: Instances) -> str:
    """Why the preconditioner of a method cannot be set up on this grid, else empty. CG would put another one in its place."""
    kind = PRECONDITIONERS.get(method.removeprefix("pcg-"))
    try:
        if kind is not None:
            kind().setup(Heat().operator(one, DT))
    except BadInput as error:
        return " ".join(str(error).split())
    return ""


def run(one: Instances, settings: dict) -> dict:
    """{"costs", "omega": (steps,), "seconds", "cpu_seconds"} of all steps together."""
    solver = CrankNicolson(dt=DT, **settings).prepare(Heat())
    wall, cpu = time.perf_counter(), time.process_time()
    solution = solver.solve(one)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    notes = solution.require_converged().info["telemetry"]
    return {
        "costs": notes["step_iterations"][0],
        "omega": notes["step_parameter"][0],
        "seconds": wall,
        "cpu_seconds": cpu,
    }


def study(intervals: int, steps: int, timed_steps: int) -> dict:
    """{name: {"costs", "omega": (members, steps), "seconds", "cpu_seconds": (REPEATS,) of timed_steps}}."""
    one, short, first = (case(intervals, n) for n in (steps, timed_steps, WARM_UP))
    taking_part, found = entries(one), {}
    for name, members in taking_part.items():
        rows = [run(one, settings) for settings in members]
        found[name] = {key: np.array([r[key] for r in rows]) for key in ("costs", "omega")}
        told(f"{intervals} intervals, {name}: {found[name]['costs'].sum(axis=1).mean():.0f} iterations")
    clocks: dict[str, list[dict]] = {name: [] for name in taking_part}
    rng = np.random.default_rng(0)
    for turn in range(REPEATS):
        for name in rng.permutation(list(taking_part)).tolist():
            settings = taking_part[name][turn % len(taking_part[name])]
            run(first, settings)
            clocks[name].append(run(short, settings))
        told(f"{intervals} intervals, timed round {turn + 1} of {REPEATS}")
    for name, rows in clocks.items():
        found[name] |= {key: np.array([r[key] for r in rows]) for key in ("seconds", "cpu_seconds")}
    return found


def told(text: str) -> None:
    """Progress, on stderr."""
    print(text, file=sys.stderr, flush=True)


def table(found: dict, timed_steps: int) -> dict[str, dict]:
    """{name: totals, ratio to the best of the fixed omegas chosen anew for each step, milliseconds a step}, fewest first."""
    fixed = np.array([found[f"omega = {w:.2f}"]["costs"][0] for w in FIXED])
    best = float(fixed.min(axis=0).sum())
    rows: dict[str, dict] = {BEST: {"iterations": best, "over the best": 1.0, "ms": None, "wall ms": None}}
    for name, part in found.items():
        total = float(part["costs"].sum(axis=1).mean())
        ms, wall = (1e3 * float(np.median(part[key])) / timed_steps for key in ("cpu_seconds", "seconds"))
        rows[name] = {"iterations": total, "over the best": total / best, "ms": ms, "wall ms": wall}
    return dict(sorted(rows.items(), key=lambda item: item[1]["iterations"]))


def side_by_side(tables: dict[int, dict[str, dict]]) -> list[dict]:
    """Rows of README's table: all sizes beside each other, in the order of the last one; "-" for those left out at a size."""
    last = list(tables.values())[-1]
    names = [*last, *dict.fromkeys(n for t in tables.values() for n in t if n not in last)]
    rows = []
    for name in names:
        row: dict = {"solver": name}
        for size, rows_of in tables.items():
            own = rows_of.get(name, {})
            total, ratio = own.get("iterations"), own.get("over the best")
            row[f"{size}: iterations"] = None if total is None else f"{total:,.0f}"
            row[f"{size}: over the best"] = None if ratio is None else f"{ratio:.3f}"
            row[f"{size}: ms a step"] = None if own.get("ms") is None else f"{own['ms']:.2f}"
        rows.append(row)
    return rows


def main() -> None:
    """The study of each size, its figure, and one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--intervals", type=int, nargs="+", default=[25])
    parser.add_argument("--steps", type=int, default=5000)
    parser.add_argument("--timed-steps", type=int, default=1000)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    tables = {}
    for intervals in options.intervals:
        started = time.perf_counter()
        with threadpool_limits(1):
            found = study(intervals, options.steps, options.timed_steps)
        tables[intervals] = table(found, options.timed_steps)
        figures.heat(found, DT, options.out / f"heat-{intervals}.png")
        facts = {
            "intervals": intervals,
            "steps": options.steps,
            "timed_steps": options.timed_steps,
            "repeats": REPEATS,
            "seeds": SEEDS,
            "machine": machine(1),
            "table": [{"solver": name, **row} for name, row in tables[intervals].items()],
            "wall_seconds": time.perf_counter() - started,
        }
        (options.out / f"heat-{intervals}.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    print(f"{options.steps} steps; processor time of the first {options.timed_steps}\n")
    print(figures.text(side_by_side(tables)))


if __name__ == "__main__":
    main()
