"""A trained step against persistence and against ETDRK4 on the same grid, roll-out for roll-out.

python examples/learn-in-time/rollout.py runs/ns runs/ns.h5
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from time import perf_counter
from typing import Any

import numpy as np

from pdekit import load_solver, read_instances

FRAMES = (1, 5, 10, 20, -1)
STEPS = (0.5, 0.2, 0.1, 0.05)
SAMPLES = 20


def errors(answer: np.ndarray, truth: np.ndarray) -> list[float]:
    """Mean over samples of the relative L2 error at FRAMES, the given frame not counted."""
    axes = tuple(range(2, truth.ndim))
    ratio = np.sqrt(((answer - truth) ** 2).sum(axes) / (truth**2).sum(axes))
    return [float(ratio[:, t].mean()) for t in FRAMES]


def answers(run: str, file: str) -> tuple[np.ndarray, Mapping[str, tuple[np.ndarray, float]]]:
    """(truth, {who: (answer, seconds a sample)}) on the test split, one sample at a time."""
    problem, instances, outputs = read_instances(file, "test", SAMPLES)
    name = problem.outputs[0].name
    truth = np.asarray(outputs[name], dtype=np.float64)
    found = {"persistence": (np.broadcast_to(truth[:, :1], truth.shape), 0.0)}
    solvers: dict[str, Any] = {
        f"etdrk4, dt {dt}": load_solver("etdrk4", {"settings.dt": dt, "settings.batch": 1}) for dt in STEPS
    }
    for who, solver in {**solvers, "network": load_solver(run)}.items():
        solver.prepare(problem)
        solver.solve(instances[:1])
        begin = perf_counter()
        values = [solver.solve(case).values[name] for case in instances.cases()]
        found[who] = (np.concatenate(values), (perf_counter() - begin) / len(instances))
    return truth, found


def main(run: str, file: str) -> None:
    """Print the table."""
    truth, found = answers(run, file)
    print("relative L2 after", *(f"{t if t > 0 else truth.shape[1] - 1:>7d}" for t in FRAMES), "frames;  ms a sample")
    for who, (answer, seconds) in found.items():
        print(f"{who:17s}", *(f"{e:7.1e}" for e in errors(answer, truth)), f"{1e3 * seconds:20.1f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
