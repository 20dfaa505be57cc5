"""The pseudo-spectral solver as a solver: batches, precision of the answer, where memory goes."""

import subprocess
import sys

import numpy as np
import pytest

from pdekit.errors import BadInput
from pdekit.problems.burgers import Burgers
from pdekit.problems.navier_stokes import NavierStokes
from pdekit.solver import Instances
from pdekit.space.grid import Grid
from pdekit.steppers import spectral
from pdekit.steppers.spectral import PseudoSpectral


def cases(points, n, frames=3):
    grid = Grid.make(points, (2 * np.pi,) * len(points), location="vertex")
    x = grid.mesh[0]
    u = np.stack([np.broadcast_to(np.sin(x + i) * np.cos(grid.mesh[-1]), points) for i in range(n)])
    return Instances(grid, {"initial": u}, {}, np.linspace(0, 0.1, frames))


@pytest.mark.parametrize(
    ("points", "n", "sizes"), [((1024,), 70, [32, 32, 6]), ((64, 64), 11, [8, 3]), ((256, 256), 2, [1, 1])]
)
def test_batches_fill_the_cache_and_change_no_answer(points, n, sizes, monkeypatch):
    seen = []
    run = spectral.Run.solution
    monkeypatch.setattr(spectral.Run, "solution", lambda self: (seen.append(len(self.cases)), run(self))[1])
    problem = Burgers() if len(points) == 1 else NavierStokes()
    given = cases(points, n)
    small = PseudoSpectral(dt=0.05).prepare(problem).solve(given)
    assert seen == sizes
    whole = PseudoSpectral(dt=0.05, batch=n).prepare(problem).solve(given)
    assert seen == [*sizes, n]
    for name, values in whole.values.items():
        np.testing.assert_allclose(small.values[name], values, rtol=0, atol=1e-12)


def test_the_answer_may_be_single_precision_while_the_run_is_double():
    given = cases((64,), 2)
    solver = PseudoSpectral(dt=0.05).prepare(Burgers())
    double, single = solver.solve(given).values["u"], solver.solve(given, dtype="float32").values["u"]
    assert single.dtype == np.float32
    np.testing.assert_array_equal(single, double.astype(np.float32))
    with pytest.raises(BadInput, match="precision of an answer"):
        solver.solve(given, dtype="float16")


PROGRAM = """
import resource, numpy as np
from pdekit.problems.navier_stokes import NavierStokes
from pdekit.solver import Instances
from pdekit.space.grid import Grid
from pdekit.steppers.spectral import PseudoSpectral
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
grid = Grid.make((512, 512), (2 * np.pi,) * 2, location="vertex")
solver = PseudoSpectral(scheme="cn-euler", dt=1.0).prepare(NavierStokes(nu=0.1))
w = NavierStokes().taylor_green(grid, 0.0)[None]
solver.solve(Instances(grid, {"initial": w}, {}, np.array([0.0, 0.1])))
before = peak()
values = solver.solve(Instances(grid, {"initial": w}, {}, np.linspace(0, 0.1, 201)), dtype="float32").values["vorticity"]
print(peak() - before, values.nbytes / 2**20)
"""


@pytest.mark.slow
def test_two_hundred_frames_of_512_squared_take_their_own_memory_and_little_more():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    grown, own = map(float, done.stdout.split())
    assert own == pytest.approx(201, abs=0.1)
    assert grown < own + 40, grown  # MB; the same frames in float64 would add 201, a copy another


@pytest.mark.parametrize(
    ("scheme", "calls"), [("etdrk4", 4 * 20), ("etdrk2", 2 * 20), ("etdab4", 3 * 5 + 17), ("exact", 0)]
)
def test_right_hand_sides_are_counted_and_not_reckoned(scheme, calls):
    """Schemes with memory take more of them at the start; one more call looks at the start, to know what growth is natural."""
    from pdekit.problems.advection import Advection

    problem = Advection() if scheme == "exact" else Burgers()
    solution = PseudoSpectral(scheme=scheme, dt=0.005).prepare(problem).solve(cases((32,), 3))
    assert solution.n_matvec.tolist() == [calls + (scheme != "exact")] * 3


@pytest.mark.parametrize("factor", [0.375, 0.75, 0.5])
def test_a_coarser_grid_is_that_grid_and_the_answer_its_interpolation(factor):
    given, m = cases((64,), 2), int(64 * factor)
    found = PseudoSpectral(dt=0.005, grid_factor=factor).prepare(Burgers(nu=0.05)).solve(given)
    low = Grid.make((m,), (2 * np.pi,), location="vertex")
    start = np.stack([np.sin(low.mesh[0] + i) * np.cos(low.mesh[0]) for i in range(2)])
    coarse = Instances(low, {"initial": start}, {}, given.times)
    own = PseudoSpectral(dt=0.005).prepare(Burgers(nu=0.05)).solve(coarse, points=(64,))
    np.testing.assert_allclose(found.values["u"], own.values["u"], rtol=0, atol=1e-13)


def test_grid_factors_that_leave_no_whole_points_are_refused():
    with pytest.raises(BadInput, match=r"(?s)whole number of points.*found: 0.3 of 64 x 64"):
        PseudoSpectral(dt=0.1, grid_factor=0.3).prepare(NavierStokes()).solve(cases((64, 64), 1))
    for wrong in (0.0, 1.5, -0.5, float("nan")):
        with pytest.raises(BadInput, match=r"(?s)grid_factor of a solver.*allowed: 0 < grid_factor <= 1"):
            PseudoSpectral(dt=0.1, grid_factor=wrong)
