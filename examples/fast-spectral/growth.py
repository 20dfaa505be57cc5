"""What a step of two-dimensional Navier-Stokes costs against the number of points, beside the line N^2 log N.

python examples/fast-spectral/growth.py [--points 64 128 256 512 1024] [--out growth.png]
"""

import argparse
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from pdekit.problems.navier_stokes import NavierStokes
from pdekit.solver import Instances
from pdekit.space.grid import Grid
from pdekit.steppers.spectral import PseudoSpectral

STEPS, DT, ROUNDS = 4, 1e-3, 3


def prepared(n: int, seed: int = 0) -> Callable[[], float]:
    """A run of STEPS steps of CN + Heun on n x n points, from random vortices of modes up to 8: processor seconds of a step."""
    grid = Grid.make((n, n), (2 * math.pi, 2 * math.pi), location="vertex")
    problem, rng = NavierStokes(nu=1e-3), np.random.default_rng(seed)
    x, y = grid.mesh
    modes = rng.integers(-8, 9, size=(20, 2))
    w = sum(np.cos(a * x + b * y + 2 * math.pi * rng.random()) for a, b in modes)
    solver = PseudoSpectral(scheme="cn-heun", dt=DT).prepare(problem)
    start = {"initial": np.asarray(w)[None]}

    def run() -> float:
        spent = []
        for steps in (STEPS, 3 * STEPS):  # the difference leaves out what a run costs before its first step
            begin = time.process_time()
            solver.solve(Instances(grid, start, {}, np.array([0.0, steps * DT])))
            spent.append(time.process_time() - begin)
        return (spent[1] - spent[0]) / (2 * STEPS)

    return run


def measure(points: Sequence[int]) -> list[float]:
    """Seconds of a step at each number of points: the sizes take turns, of each the median round."""
    runs = [prepared(n) for n in points]
    for run in runs:
        run()
    rounds = [[run() for run in runs] for _ in range(ROUNDS)]
    return [float(np.median(column)) for column in zip(*rounds, strict=True)]


def line(points: Sequence[int], seconds: Sequence[float]) -> list[float]:
    """c N^2 log N with the c that fits the logarithms best."""
    shape = np.array([n**2 * math.log(n) for n in points])
    return list(shape * np.exp(np.mean(np.log(np.asarray(seconds) / shape))))


def draw(points: Sequence[int], seconds: Sequence[float], path: Path) -> None:
    """The figure."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(5.5, 3.8), layout="constrained")
    axes.loglog(points, seconds, "o-", label="Navier-Stokes, CN + Heun")
    axes.loglog(points, line(points, seconds), "k--", lw=0.8, label="N$^2$ log N")
    axes.set(
        xlabel="N, points per axis",
        ylabel="processor seconds a step",
        xticks=points,
        xticklabels=[str(n) for n in points],
    )
    axes.minorticks_off()
    axes.legend(frameon=False)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print the table, draw the figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, nargs="+", default=[64, 128, 256, 512, 1024])
    parser.add_argument("--out", type=Path, default=Path("growth.png"))
    given = parser.parse_args(arguments)
    seconds = measure(given.points)
    print("N      ms a step   of the line N^2 log N")
    for n, spent, fit in zip(given.points, seconds, line(given.points, seconds), strict=True):
        print(f"{n:<6} {1e3 * spent:<11.3f} {spent / fit:.2f}")
    draw(given.points, seconds, given.out)


if __name__ == "__main__":
    main()
