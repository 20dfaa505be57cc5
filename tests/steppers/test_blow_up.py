"""What counts as lost: what the equation could not have made; growth that it asks for is no fault."""

import numpy as np
import pytest

from pdekit.errors import BadInput
from pdekit.problems.allen_cahn import AllenCahn
from pdekit.problems.burgers import Burgers
from pdekit.problems.kuramoto_sivashinsky import KuramotoSivashinskyConservative
from pdekit.problems.navier_stokes import NavierStokes
from pdekit.problems.shallow_water import ShallowWater
from pdekit.solution import Status
from pdekit.solver import Instances
from pdekit.space.grid import Grid
from pdekit.steppers.spectral import PseudoSpectral


def box(points, length):
    return Grid.make(points, (length,) * len(points), location="vertex", boundary="periodic")


def statuses(problem, grid, fields, times, **settings):
    solver = PseudoSpectral(**settings).prepare(problem)
    return solver.solve(Instances(grid, fields, {}, np.array(times))).statuses


@pytest.mark.parametrize(
    ("problem", "length", "times", "dt"),
    [
        (KuramotoSivashinskyConservative(), 60.0, [0.0, 50.0, 100.0], 0.25),
        (AllenCahn(), 1.0, [0.0, 20.0], 0.05),
    ],
)
def test_an_instability_of_the_equation_is_no_blow_up(problem, length, times, dt):
    small = 1e-6 * np.random.default_rng(0).standard_normal((1, 64))
    grid = box((64,), length)
    assert statuses(problem, grid, {problem.inputs[0].name: small}, times, dt=dt) == [Status.EVALUATED]


def test_a_forcing_from_almost_nothing_is_no_blow_up():
    small = 1e-12 * np.random.default_rng(0).standard_normal((1, 32, 32))
    problem = NavierStokes(forcing="fno")
    assert statuses(problem, box((32, 32), 1.0), {"initial": small}, [0.0, 1.0], dt=0.05) == [Status.EVALUATED]


def test_a_step_that_is_too_large_is():
    grid = box((64,), 1.0)
    steep = 1e4 * np.sin(2 * np.pi * grid.coordinates[0])[None]
    (status,) = statuses(Burgers(), grid, {"initial": steep}, [0.0, 1.0], dt=0.5)
    assert status in (Status.NONFINITE, Status.DIVERGED)


def test_steps_by_a_cfl_number_do_not_depend_on_the_batch_and_survive_a_lost_sample():
    grid, rng = box((16, 16), 1.0), np.random.default_rng(0)
    names = [spec.name for spec in ShallowWater.inputs]
    fields = {name: 0.1 * np.cos(2 * np.pi * grid.mesh[0]) * rng.uniform(0.5, 1.0, (3, 1, 1)) for name in names}
    fields = {name: np.broadcast_to(u, (3, 16, 16)).copy() for name, u in fields.items()}
    fields[names[0]] += 1.0
    fields[names[0]][1, 0, 0] = np.nan
    parameters, times = {"gravity": np.array([1.0, 2.0, 3.0])}, np.array([0.0, 0.1])
    solver = PseudoSpectral(scheme="rk4", dt=0.05, cfl=0.5).prepare(ShallowWater())
    together = Instances(grid, fields, parameters, times)
    solution = solver.solve(together)
    assert solution.statuses == [Status.EVALUATED, Status.NONFINITE_INPUT, Status.EVALUATED]
    for i in (0, 2):
        alone = solver.solve(together.case(i))
        assert all(np.array_equal(alone.values[k][0], solution.values[k][i]) for k in alone.values)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"scheme": "exact", "rtol": 1e-3}, "'exact' takes no steps that rtol could choose"),
        ({"scheme": "exact", "cfl": 0.5}, "'exact' takes no steps that cfl could choose"),
        ({"scheme": "etdrk4", "dt": 0.1, "rtol": 1e-3}, "'etdrk4' has no embedded pair"),
        ({"scheme": "etdrk4", "dt": 0.1, "cfl": 0.5, "batch": 4}, "advance one by one"),
        ({"scheme": "etdrk4"}, "'etdrk4' needs a time step"),
    ],
)
def test_settings_that_a_scheme_cannot_honour_are_refused(settings, message):
    with pytest.raises(BadInput, match=message):
        PseudoSpectral(**settings)


def test_a_cfl_number_without_a_speed_is_refused_before_work():
    with pytest.raises(BadInput, match="'allen-cahn' names no speed"):
        PseudoSpectral(scheme="rk4", dt=0.1, cfl=0.5).prepare(AllenCahn())
