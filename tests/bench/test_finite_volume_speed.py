"""Cells times steps per second of the finite-volume kernels beside the literal NumPy form, one core, taking turns."""

import numpy as np
import pytest

from pdekit.problems import DamBreakBasin, DamBreakChannel, InviscidBurgers
from pdekit.solver import Instances
from pdekit.space.grid import Grid
from pdekit.volumes.solver import FiniteVolume

CASES = [
    (InviscidBurgers(), (1024,), "weno5", 0.1),
    (InviscidBurgers(), (1024,), "van-leer", 0.1),
    (InviscidBurgers(), (256, 256), "weno5", 0.01),
    (DamBreakChannel(), (1024,), "weno5", 0.05),
    (DamBreakBasin(), (128, 128), "weno5", 0.02),
    (DamBreakBasin(), (128, 128), "van-leer", 0.02),
]


@pytest.mark.bench
@pytest.mark.parametrize(("law", "points", "reconstruction", "stop"), CASES)
def test_speed(law, points, reconstruction, stop):
    grid = Grid.make(points, (1.0,) * len(points))
    u = 1.5 + sum(np.sin(2 * np.pi * x) for x in grid.mesh) / 3 * np.ones(points)
    fields = {spec.name: ((i == 0) * u)[None] for i, spec in enumerate(law.inputs)}
    given = Instances(grid, fields, {}, np.array([0.0, stop]))
    kinds = [FiniteVolume(reconstruction=reconstruction, compiled=c).prepare(law) for c in (True, False)]
    kinds[0].solve(given)
    seconds: list[list[float]] = [[], []]
    for _ in range(3):
        for taken, solver in zip(seconds, kinds, strict=True):
            solution = solver.solve(given)
            taken.append(float(solution.seconds[0]))
    fast, slow = (np.prod(points) * int(solution.steps[0]) / min(taken) for taken in seconds)
    print(
        f"\n{law.name:18} {'x'.join(map(str, points)):8} {reconstruction:8} {fast:.2e} cell steps/s, literal {slow:.2e}"
    )
    assert fast > 4 * slow
