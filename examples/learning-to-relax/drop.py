"""Study 3: the drop tolerance of incomplete factors, tuned by what set-up and solve take together.

    python examples/learning-to-relax/drop.py --out runs/learning-to-relax

CG preconditioned by incomplete factors (SuperLU's, made symmetric) on A + s I, A two-phase Darcy (12/3) on 97 x 97 vertices,
edges of length 1, s log-uniform in [0.001, 100] and known before the solve: every system is factorised anew. Small
tolerances make the set-up dear and save iterations. The cost is processor time; all entrants meet a system one after the
other, in an order drawn anew, so that what else the machine does hits all alike. Writes drop.json and drop.png below --out.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import figures
import matplotlib as mpl
import numpy as np

from pdekit.comparison.plots import COLOURS, STYLE
from pdekit.linear.cg import cg
from pdekit.linear.incomplete_lu import IncompleteLU
from pdekit.linear.stop import Stop
from pdekit.linear.system import System
from pdekit.linear.tuning import ChebCB, Fixed, Interval, Outcome, Random, Surface, Tsallis, Tuner, grid, race
from pdekit.metrics.machine import machine
from pdekit.space.diffusion import diffusion
from pdekit.space.grid import Grid
from pdekit.space.random_fields import draw
from pdekit.space.stencils import StencilOperator

mpl.use("Agg")
from matplotlib import pyplot as plt

GRID = grid("drop_tol", 1e-4, 0.5, 10, scale="log")
LOW, HIGH, EDGES = 0.001, 100.0, 96
TWO_PHASE = {
    "law": "two-phase",
    "low": 3.0,
    "high": 12.0,
    "gauss": {"variance_factor": 9.0, "tau": 3.0, "alpha": 2.0, "boundary": "neumann"},
}


class Solve:
    """CG on one shifted system; milliseconds of processor time, set-up included."""

    def __init__(self) -> None:
        unit = Grid.make([EDGES + 1] * 2, location="vertex", boundary="dirichlet")
        box = Grid.make([EDGES + 1] * 2, float(EDGES), location="vertex", boundary="dirichlet")
        self.darcy = diffusion(box, draw(TWO_PHASE, unit, np.random.default_rng(1)))[0]
        self.iterations = 0

    def __call__(self, system, trial) -> Outcome:
        """`system`: (shift, right-hand side)."""
        shift, b = system
        operator = StencilOperator(self.darcy.edges, self.darcy.grid, np.full(b.shape, shift))
        started = time.process_time()
        precond = IncompleteLU(trial.params["drop_tol"]).setup(operator)
        solution = cg(System(operator, b), stop=Stop(rtol=1e-8), precond=precond)
        spent = 1e3 * (time.process_time() - started)
        self.iterations = solution.steps
        return Outcome(spent, solution.status)


def stream(solve: Solve, rounds: int, seed: int) -> list[tuple[float, np.ndarray]]:
    """(shift, right-hand side) of each system."""
    rng = np.random.default_rng(seed)
    shifts = np.exp(rng.uniform(np.log(LOW), np.log(HIGH), rounds))
    return [(float(s), rng.normal(size=solve.darcy.shape)) for s in shifts]


def entrants(seed: int) -> dict[str, Tuner]:
    """Everybody who takes part."""

    def tuner(policy, contextual=False) -> Tuner:
        context = Interval(LOW, HIGH, scale="log") if contextual else None
        return Tuner(GRID, policy, context=context, seed=seed, cost_offset=0.0)

    return {
        "ChebCB": tuner(ChebCB(), True),
        "Surface": tuner(Surface(), True),
        "Tsallis-INF": tuner(Tsallis("rv")),
        "random": tuner(Random()),
        **{f"drop_tol = {arm['drop_tol']:.2g}": tuner(Fixed(arm)) for arm in GRID.arms},
    }


def table(costs: dict[str, np.ndarray]) -> list[dict]:
    """Mean milliseconds per system; ratio to the best fixed tolerance of the same streams, with 95 % intervals."""
    fixed = {n: c for n, c in costs.items() if n.startswith("drop_tol")}
    best = min(fixed, key=lambda n: fixed[n].mean())
    rows = []
    for name, c in costs.items():
        ratios = c.mean(axis=1) / costs[best].mean(axis=1)
        last = c[:, -c.shape[1] // 5 :].mean(axis=1) / costs[best][:, -c.shape[1] // 5 :].mean(axis=1)
        rows.append(
            {
                "policy": name + (" (best fixed)" if name == best else ""),
                "ms": float(c.mean()),
                "over best fixed": [float(ratios.mean()), float(figures.half_width(ratios))],
                "last fifth": [float(last.mean()), float(figures.half_width(last))],
            }
        )
    return sorted(rows, key=lambda r: r["ms"])


def picture(solve: Solve, shifts: np.ndarray, settings: dict[str, np.ndarray], path: Path) -> None:
    """Left: time against drop tolerance for three shifts. Right: what was chosen in the second half of a stream."""
    rng = np.random.default_rng(0)
    with mpl.rc_context(STYLE):
        figure, (left, right) = plt.subplots(1, 2, figsize=(9.0, 3.6), layout="constrained")
        values = [arm["drop_tol"] for arm in GRID.arms]
        for shift, colour in zip((0.001, 1.0, 100.0), COLOURS, strict=False):
            b = rng.normal(size=solve.darcy.shape)
            rows = [[solve((shift, b), _setting(v)).cost for v in values] for _ in range(7)]
            left.plot(values, np.median(rows, axis=0), "o-", ms=3, color=colour, label=f"s = {shift:g}")
        left.set(xscale="log", xlabel="drop tolerance", ylabel="set-up and solve / ms", ylim=(0, None))
        left.legend(fontsize=8)
        half = len(shifts) // 2
        for (name, chosen), colour in zip(settings.items(), COLOURS[3:], strict=False):
            right.plot(shifts[half:], chosen[half:], ".", ms=4, alpha=0.6, color=colour, label=name)
        right.set(xscale="log", yscale="log", xlabel="shift s", ylabel="drop tolerance chosen")
        right.legend(fontsize=8, loc="center right")
        figure.savefig(path, dpi=150)
        plt.close(figure)


def _setting(value: float):
    return Tuner(GRID, Fixed({"drop_tol": value})).ask()


def main() -> None:
    """The study, its table and its figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    solve, costs, first = Solve(), {}, None
    race({"warm": entrants(0)["random"]}, stream(solve, 12, 99), solve, context=lambda system: system[0])
    for seed in range(options.seeds):
        systems = stream(solve, options.rounds, seed)
        done = race(entrants(seed), systems, solve, context=lambda system: system[0], shuffle=seed)
        assert not done.failed.any()
        for name, row in zip(done.names, done.costs, strict=True):
            costs.setdefault(name, []).append(row)
        first = first or (np.array([s for s, _ in systems]), done)
        print(f"stream {seed + 1} of {options.seeds}", flush=True)
    rows = table({name: np.array(c) for name, c in costs.items()})
    print(f"\nprocessor time per system, {options.seeds} streams of {options.rounds}")
    print(figures.text(rows))
    shifts, done = first
    settings = {n: done.settings["drop_tol"][done.names.index(n)] for n in ("ChebCB", "Surface")}
    picture(solve, shifts, settings, options.out / "drop.png")
    facts = {"rounds": options.rounds, "seeds": options.seeds, "machine": machine(1), "table": rows}
    (options.out / "drop.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
