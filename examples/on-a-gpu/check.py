"""What a GPU does to the spectral solvers: the same answers, and how many steps a second.

python examples/on-a-gpu/check.py OUT.json
"""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pdekit.problems import PROBLEMS
from pdekit.problems.navier_stokes import NavierStokes
from pdekit.problems.semilinear import Linear, Semilinear
from pdekit.solver import Instances
from pdekit.space.fourier import Fourier
from pdekit.space.gaussian import gaussian_field
from pdekit.space.grid import Grid
from pdekit.steppers.spectral import PseudoSpectral

GAUSS = {"variance_factor": 2.0 * 7.0**3, "tau": 7.0, "alpha": 2.5, "boundary": "periodic"}
POINTS = {1: 64, 2: 32, 3: 16}
SPEEDS = [(n, batch, kind) for kind in ("float64", "float32") for n in (64, 128, 256, 512) for batch in (1, 32, 128)]


def starts(problem: Semilinear, grid: Grid, n: int) -> dict[str, np.ndarray]:
    """Random smooth starts, positive and small enough for every equation."""
    rng = np.random.default_rng(0)
    fields = {}
    for spec in problem.inputs:
        u = np.stack([gaussian_field(GAUSS, grid, rng) for _ in range(n)])
        fields[spec.name] = 1.0 + 0.1 * u if spec.positive else 0.5 * u
    return fields


def agreement() -> dict[str, float]:
    """{problem: largest relative difference of a GPU's float64 trajectory from NumPy's} over 20 steps of ETDRK4."""
    found = {}
    for name, kind in sorted(PROBLEMS.items()):
        if not issubclass(kind, Semilinear):
            continue
        problem, dim = kind(), min(d for d in kind.dims)
        grid = Grid.make((POINTS[dim],) * dim, (2 * math.pi,) * dim, location="vertex", boundary="periodic")
        fields, times = starts(problem, grid, 2), np.array([0.0, 0.01, 0.02])
        scheme = "exact" if isinstance(problem, Linear) else "etdrk4"
        solver = PseudoSpectral(scheme=scheme, dt=1e-3).prepare(problem)
        here = solver.solve(Instances(grid, fields, {}, times)).values
        on_device = PseudoSpectral(scheme=scheme, dt=1e-3, device="cuda").prepare(problem)
        there = on_device.solve(Instances(grid, fields, {}, times)).values
        found[name] = max(float(np.abs(np.asarray(there[key]) - u).max() / np.abs(u).max()) for key, u in here.items())
    return found


def speeds(budget: float) -> list[dict[str, Any]]:
    """Steps times samples a second of 2D Navier-Stokes, Crank-Nicolson and Heun, whole solves with the copy of the answer."""
    rows = []
    for n, batch, kind in SPEEDS:
        grid = Grid.make((n, n), (1.0, 1.0), location="vertex", boundary="periodic")
        problem = NavierStokes(nu=1e-3, forcing="fno")
        coarse = Grid.make((64, 64), (1.0, 1.0), location="vertex", boundary="periodic")
        field = Fourier.of(coarse)
        smooth = field.values(field.forward(starts(problem, coarse, 1)["initial"]), grid.points)
        fine = np.repeat(smooth, batch, axis=0).astype(kind)
        solver = PseudoSpectral(scheme="cn-heun", dt=1e-3, batch=batch, device="cuda", precision=kind).prepare(problem)
        fields = {"initial": fine}
        seconds, steps = [], 20
        for _ in range(2):
            solver.solve(Instances(grid, fields, {}, np.array([0.0, steps * 1e-3])))
        while len(seconds) < 5 and sum(seconds) < budget:
            begin = time.perf_counter()
            solution = solver.solve(Instances(grid, fields, {}, np.array([0.0, 200 * 1e-3])))
            seconds.append(time.perf_counter() - begin)
        median = float(np.median(seconds))
        assert not any(s.failed for s in solution.statuses), (n, batch, kind)
        rows.append({"points": n, "batch": batch, "precision": kind, "ms_per_step": 1e3 * median / 200,
                     "sample_steps_per_second": 200 * batch / median})  # fmt: skip
        print(rows[-1], flush=True)
    return rows


def main() -> None:
    """Both, as JSON with the names of the machine."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    chosen = parser.parse_args()
    name = torch.cuda.get_device_name()
    found = {
        "device": name,
        "torch": torch.__version__,
        "agreement": agreement(),
        "navier_stokes": speeds(budget=2.0),
    }
    print(json.dumps(found["agreement"], indent=1))
    chosen.out.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
