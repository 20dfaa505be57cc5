"""States at random, and runs of one sample by one method."""

import numpy as np
import pytest

from pdekit.solver import Instances
from pdekit.space.grid import Grid
from pdekit.volumes.solver import FiniteVolume


@pytest.fixture(scope="session")
def instances():
    """instances(law, grid, states, times, **parameters): states (n, c, *x) as the law's inputs."""

    def make(law, grid, states, times, **parameters):
        fields = {spec.name: np.ascontiguousarray(states[:, c]) for c, spec in enumerate(law.inputs)}
        return Instances(
            grid, fields, {k: np.asarray(v, float) for k, v in parameters.items()}, np.asarray(times, float)
        )

    return make


@pytest.fixture(scope="session")
def solve(instances):
    """solve(law, grid, u, times, **settings): (t, c, *x) of one sample, which must not be lost."""

    def run(law, grid, u, times, **settings):
        solution = FiniteVolume(**settings).prepare(law).solve(instances(law, grid, u[None], times))
        assert not solution.failed.any(), solution.statuses
        return np.stack([solution.values[spec.name][0] for spec in law.outputs], axis=1)

    return run


@pytest.fixture(scope="session")
def orders():
    """orders(error, cells): observed order between each number of cells and the next, which is twice as large."""

    def observed(error, cells):
        errors = np.array([error(n) for n in cells])
        return np.log2(errors[:-1] / errors[1:])

    return observed


@pytest.fixture(scope="session")
def line():
    """line(n, length, boundary, **more): a grid of one axis."""

    def make(n, length=1.0, boundary="periodic", **more):
        return Grid.make(n, length, boundary=boundary, **more)

    return make
