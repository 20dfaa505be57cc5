"""One step of torch-cfd's RK2-CN is one of ours, as long as no mode comes near its cut, which is not symmetric."""

import numpy as np
import pytest
import torch

from pdekit.problems.navier_stokes import NavierStokes
from pdekit.space.grid import Grid
from pdekit.steppers import STEPPERS

pytest.importorskip("torch_cfd")
TAU = 2 * np.pi


@pytest.mark.parametrize("steps", [1, 5])
def test_same_steps(steps):
    from torch_cfd.grids import Grid as TheirGrid
    from torch_cfd.spectral import IMEXStepper, NavierStokes2DSpectral

    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        n, dt = 64, 0.01
        x = TAU * np.arange(n) / n
        X, Y = np.meshgrid(x, x, indexing="ij")
        w = np.cos(X) * np.sin(2 * Y) + 0.5 * np.sin(2 * X - Y)
        equation = NavierStokes2DSpectral(
            0.01, TheirGrid((n, n), domain=((0, TAU), (0, TAU))), drag=0.1, step_fn=IMEXStepper()
        )
        theirs = torch.fft.rfft2(torch.asarray(w))
        for _ in range(steps):
            theirs = equation.step_fn(theirs, dt, equation)
        problem, grid = NavierStokes(nu=0.01, drag=0.1), Grid.make((n, n), (TAU, TAU), location="vertex")
        space = problem.space(grid)
        v, stepper = space.forward(w[None, None]), STEPPERS["cn-heun"]().prepare(problem.linear(space), dt)
        for _ in range(steps):
            v = stepper.step(v, 0.0, lambda v, t: problem.nonlinear(v, t, space))
        np.testing.assert_allclose(space.backward(v)[0, 0], torch.fft.irfft2(theirs), rtol=0, atol=1e-12)
    finally:
        torch.set_default_dtype(before)
