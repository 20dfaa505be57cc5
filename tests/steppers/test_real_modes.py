"""Steps that are set right between: schemes with memory must not take the corrected state for a fresh start."""

import numpy as np
import pytest

from pdekit.problems.allen_cahn import AllenCahn
from pdekit.space.dealiased import Dealiased
from pdekit.steppers import STEPPERS
from pdekit.steppers.real_modes import RealModes
from pdekit.steppers.runge_kutta import DP54

SPACE = Dealiased((16, 16), (1.0, 1.0), 3)


def start():
    return SPACE.forward(np.random.default_rng(0).normal(size=(2, 1, 16, 16)))


def unreal(v):
    return abs(v[..., 0] - np.conj(np.roll(v[..., ::-1, 0], 1, axis=-1))).max()


@pytest.mark.parametrize("name", ["etdrk4", "sbdf2", "etdab4"])
def test_every_step_ends_on_a_real_field(name):
    L = np.full((1, 1, *SPACE.shape), 3.0)
    v = start()
    v[..., 1, 0] += 1e-10j  # what rounding would leave, made large
    plain, kept = STEPPERS[name]().prepare(L, 0.1), RealModes(STEPPERS[name]().prepare(L, 0.1), SPACE)
    a = b = v
    for i in range(12):
        a, b = plain.step(a, 0.1 * i, lambda v, t: 0 * v), kept.step(b, 0.1 * i, lambda v, t: 0 * v)
    assert unreal(a) > 1e-9
    assert unreal(b) == 0


@pytest.mark.parametrize("name", ["sbdf2", "sbdf4", "cnab2", "etdab4"])
def test_a_scheme_with_memory_goes_on(name):
    problem, count = AllenCahn(), []
    L = problem.linear(SPACE)

    def N(v, t):
        count.append(t)
        return problem.nonlinear(v, t, SPACE)

    kept, plain = (RealModes(STEPPERS[name]().prepare(L, 1e-3), SPACE), STEPPERS[name]().prepare(L, 1e-3))
    a = b = start()
    for i in range(8):
        b = plain.step(b, 1e-3 * i, lambda v, t: problem.nonlinear(v, t, SPACE))
    for i in range(8):
        count.clear()
        a = kept.step(a, 1e-3 * i, N)
    assert len(count) == 1, "the past was forgotten: the starter takes its place at every step"
    np.testing.assert_allclose(a, b, rtol=0, atol=1e-14)


def test_an_embedded_pair_keeps_its_error():
    L = np.full((1, 1, *SPACE.shape), 0.5)
    v = start()
    v[..., 1, 0] += 1e-10j
    new, gap = RealModes(DP54().prepare(L, 0.1), SPACE).step_with_error(v, 0.0, lambda v, t: 0 * v)
    assert unreal(new) == 0
    np.testing.assert_array_equal(gap, DP54().prepare(L, 0.1).step_with_error(v, 0.0, lambda v, t: 0 * v)[1])


def test_a_solver_marches_with_it():
    """Growth on a plane: `PseudoSpectral` puts it round its stepper, and the answer stays that of the equation."""
    from pdekit.solver import Instances
    from pdekit.space.grid import Grid
    from pdekit.steppers.spectral import PseudoSpectral

    grid = Grid.make((16, 16), (1.0, 1.0), location="vertex", boundary="periodic")
    start = {"initial": 0.1 * np.random.default_rng(0).normal(size=(2, 16, 16))}
    cases = Instances(grid, start, {}, np.array([0.0, 0.5, 1.0]))
    frames = {
        name: PseudoSpectral(scheme=name, dt=dt).prepare(AllenCahn()).solve(cases).values["u"]
        for name, dt in (("etdrk4", 0.01), ("sbdf4", 0.005), ("rk54", 0.005))
    }
    for name in ("sbdf4", "rk54"):
        np.testing.assert_allclose(frames[name], frames["etdrk4"], rtol=0, atol=1e-7)
