"""One step of ETDRK2 as exponax takes it, with the same modes kept: two programs that share nothing but the formula."""

import numpy as np
import pytest

from pdekit.problems.burgers import Burgers
from pdekit.problems.navier_stokes import NavierStokes
from pdekit.space.grid import Grid
from pdekit.steppers import STEPPERS

jax = pytest.importorskip("jax")
ex = pytest.importorskip("exponax")
jax.config.update("jax_enable_x64", True)
TAU = 2 * np.pi


def ours(problem, u, dt, steps, length=TAU):
    """u (*points) after some steps, what is beyond the cut dropped first."""
    space = problem.space(Grid.make(u.shape, (length,) * u.ndim, location="vertex"))
    stepper, v = STEPPERS["etdrk2"]().prepare(problem.linear(space), dt), space.forward(u[None, None])
    for i in range(steps):
        v = stepper.step(v, i * dt, lambda v, t: problem.nonlinear(v, t, space))
    return space.backward(v)[0, 0]


def cut(u):
    """The modes |n| < N/3: exponax keeps all in its state, and its products alone are cut."""
    space = Burgers().space(Grid.make(u.shape, (TAU,), location="vertex")) if u.ndim == 1 else None
    space = space or NavierStokes().space(Grid.make(u.shape, (TAU,) * 2, location="vertex"))
    return space.backward(space.forward(u))


@pytest.mark.parametrize("steps", [1, 20])
def test_burgers(steps):
    x = TAU * np.arange(128) / 128
    u, dt = cut(np.exp(np.sin(x)) - 1), 0.01
    theirs = jax.numpy.asarray(u[None])
    step = ex.stepper.Burgers(1, TAU, 128, dt, diffusivity=0.05, order=2)
    for _ in range(steps):
        theirs = step(theirs)
    np.testing.assert_allclose(ours(Burgers(nu=0.05), u, dt, steps), theirs[0], rtol=0, atol=1e-10)


@pytest.mark.parametrize("steps", [1, 20])
def test_vorticity(steps):
    """exponax's Laplace psi = w with the velocity (psi_y, -psi_x) turns the other way round: its w is minus ours."""
    x = TAU * np.arange(64) / 64
    X, Y = np.meshgrid(x, x, indexing="ij")
    u, dt = cut(np.cos(X) * np.sin(2 * Y) + 0.5 * np.sin(3 * X - Y) + np.exp(np.cos(X + Y))), 0.01
    u = u - u.mean()
    theirs = jax.numpy.asarray(u[None])
    step = ex.stepper.NavierStokesVorticity(2, TAU, 64, dt, diffusivity=0.01, drag=-0.1, order=2)
    for _ in range(steps):
        theirs = step(theirs)
    found = -ours(NavierStokes(nu=0.01, drag=0.1), -u, dt, steps)
    np.testing.assert_allclose(found, theirs[0], rtol=0, atol=1e-10)


def test_kolmogorov():
    """Their forcing -k cos(k y) is a force along -x where vorticity has the other sign: ours with amplitude -1."""
    x = TAU * np.arange(64) / 64
    X, Y = np.meshgrid(x, x, indexing="ij")
    u, dt = cut(np.cos(X) * np.sin(2 * Y) + 0.5 * np.sin(3 * X - Y)), 0.01
    step = ex.stepper.KolmogorovFlowVorticity(
        2, TAU, 64, dt, diffusivity=0.01, drag=-0.1, order=2, injection_mode=4, injection_scale=1.0
    )
    theirs = jax.numpy.asarray(u[None])
    for _ in range(20):
        theirs = step(theirs)
    for amplitude, same in ((-1.0, True), (1.0, False)):
        problem = NavierStokes(nu=0.01, drag=0.1, forcing="kolmogorov", amplitude=amplitude)
        gap = np.abs(theirs[0] + ours(problem, -u, dt, 20)).max()
        assert (gap < 1e-10) == same, gap
