"""Study 1: SOR on 5000 diagonally shifted systems; all policies on the same streams, exploration charged.

    python examples/learning-to-relax/shifted.py --out runs/learning-to-relax

Writes shifted.json (the table), shifted-{high,low}.png, omega-{high,low}.png and cost.png below --out.
Source: Khodak et al. 2024, arXiv:2310.02246, sec. 4.1.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import figures
import numpy as np

from pdekit.linear.relaxation_sweeper import sweeper
from pdekit.linear.tuning import (
    AdaptiveYoung,
    Binned,
    ChebCB,
    Fixed,
    Formula,
    Outcome,
    Random,
    ShiftedSystems,
    Surface,
    Tsallis,
    Tuner,
    grid,
    race,
)
from pdekit.metrics.machine import machine
from pdekit.solution import Status
from pdekit.space.diffusion import diffusion
from pdekit.space.grid import Grid
from pdekit.space.stencils import StencilOperator

EPS, LIMIT = 1e-8, 10_000
GRID = grid("omega", 1.0, 1.95, 20)
LAWS = ("high", "low")


class Sor:
    """Solves one shifted system from zero; the operator is made once for all who meet it."""

    def __init__(self, points: int = 10) -> None:
        box = Grid.make([points + 2] * 2, float(points + 1), location="vertex", boundary="dirichlet")  # h = 1: 4 and -1
        self.laplace, self.shift, self.ready = diffusion(box, 1.0)[0], None, None

    def __call__(self, system, trial) -> Outcome:
        """Sweeps until the residual is below 1e-8 of the first, and the factor of the last one."""
        if self.shift != system.shift:
            shape = self.laplace.shape
            operator = StencilOperator(self.laplace.edges, self.laplace.grid, np.full(shape, system.shift))
            self.shift, self.ready = system.shift, sweeper(operator, np.float64, "lexicographic")
        b = system.rhs.reshape(self.laplace.shape)
        target = float(np.nextafter(EPS * np.linalg.norm(b), 0.0))
        x, norms = self.ready.inward(np.zeros_like(b)), np.empty(LIMIT + 1)
        k = self.ready.advance(x, self.ready.inward(b), trial.params["omega"], 0, LIMIT, norms, target=target)
        reached = norms[k] <= target
        factor = norms[k] / norms[k - 1] if k > 1 else None
        return Outcome(float(k), Status.CONVERGED if reached else Status.MAX_STEPS, factor)


def entrants(stream: ShiftedSystems, seed: int) -> dict[str, Tuner]:
    """Everybody who takes part, by the name in the table."""

    def tuner(policy, contextual=False) -> Tuner:
        return Tuner(GRID, policy, context=stream.interval if contextual else None, seed=seed)

    return {
        "Young's omega of each system": tuner(Formula(lambda c: {"omega": stream.young(c)}, name="young"), True),
        "Surface": tuner(Surface(), True),
        "ChebCB": tuner(ChebCB(), True),
        "ChebCB, literal": tuner(ChebCB.literal(), True),
        "adaptive Young": tuner(AdaptiveYoung(), True),
        "Tsallis-INF, 5 bins": tuner(Binned(Tsallis("rv")), True),
        "Tsallis-INF, reduced variance": tuner(Tsallis("rv")),
        "Tsallis-INF, importance weighted": tuner(Tsallis("iw")),
        "random": tuner(Random()),
        **{f"omega = {w:.2f}": tuner(Fixed({"omega": float(w)})) for w in GRID.values},
    }


def study(law: str, rounds: int, seeds: int) -> dict:
    """Costs of all entrants on `seeds` streams: {"costs": {name: (seeds, rounds)}, "settings", "shifts"}."""
    solve, costs, settings, shifts = Sor(), {}, {}, []
    for seed in range(seeds):
        stream = ShiftedSystems(rounds, law, seed=seed)
        done = race(entrants(stream, seed), stream, solve, context=lambda system: system.shift)
        for name, row, chosen in zip(done.names, done.costs, done.settings["omega"], strict=True):
            costs.setdefault(name, []).append(row)
            settings.setdefault(name, []).append(chosen)
        shifts.append(stream.shifts)
        print(f"{law} variance, stream {seed + 1} of {seeds}", flush=True)
    costs = {name: np.array(rows) for name, rows in costs.items()}
    fixed = {name: rows for name, rows in costs.items() if name.startswith("omega")}
    best = min(fixed, key=lambda name: fixed[name].mean())
    return {"costs": costs, "settings": settings, "shifts": np.array(shifts), "best": best}


def table(found: dict) -> list[dict]:
    """Mean sweeps per system; ratios to Young's omega and to the best fixed omega on the same streams, with 95 % intervals."""
    costs, young = found["costs"], found["costs"]["Young's omega of each system"]
    rows = []
    for name, each in costs.items():
        if name.startswith("omega") and name != found["best"] and name not in ("omega = 1.00", "omega = 1.40"):
            continue
        row = {"policy": name + (" (best fixed)" if name == found["best"] else ""), "mean": float(each.mean())}
        last = max(1, each.shape[1] // 5)
        row["last fifth"] = float(each[:, -last:].mean())
        for key, rival in (("over Young", young), ("over best fixed", costs[found["best"]])):
            ratios = each.mean(axis=1) / rival.mean(axis=1)
            row[key] = [float(ratios.mean()), float(figures.half_width(ratios))]
        rows.append(row)
    return sorted(rows, key=lambda r: r["mean"])


def main() -> None:
    """The study, its table and its figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=5000)
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()
    facts = {"rounds": options.rounds, "seeds": options.seeds, "machine": machine(1), "tables": {}}
    for law in LAWS:
        found = study(law, options.rounds, options.seeds)
        facts["tables"][law] = table(found)
        print(f"\n{law} variance: mean sweeps per system over {options.seeds} streams of {options.rounds}")
        print(figures.text(facts["tables"][law]))
        figures.race(found, law, options.out / f"shifted-{law}.png")
        figures.chosen(found, law, options.out / f"omega-{law}.png")
    figures.cost_against_omega(Sor(), options.out / "cost.png")
    facts["seconds"] = time.perf_counter() - started
    (options.out / "shifted.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
