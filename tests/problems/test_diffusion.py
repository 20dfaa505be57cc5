"""Diffusion by a tensor against decaying waves; advection-diffusion, dispersion and hyper-diffusion beside it."""

import numpy as np
import pytest

from pdekit.errors import BadInput
from pdekit.problems.advection_diffusion import AdvectionDiffusion
from pdekit.problems.diffusion import Diffusion
from pdekit.problems.dispersion import Dispersion
from pdekit.problems.hyper_diffusion import HyperDiffusion
from pdekit.solver import Instances

WAVE = (2.0, -3.0, 1.0)
PROBLEMS = [
    Diffusion(nu_x=0.03, nu_y=0.05, nu_z=0.02, nu_xy=0.02, nu_xz=-0.01, nu_yz=0.005),
    AdvectionDiffusion(velocity_x=0.7, velocity_y=-1.3, velocity_z=0.4, nu=0.02),
    Dispersion(xi_x=0.1, xi_y=-0.2, xi_z=0.3),
    HyperDiffusion(mu=0.003),
]


@pytest.mark.parametrize("dim", [1, 2, 3])
@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda p: p.name)
def test_a_wave_does_what_the_formula_says(periodic, trajectory, problem, dim):
    grid = periodic([12, 13, 11][:dim], [2 * np.pi] * dim)
    start = np.cos(sum(k * x for k, x in zip(WAVE, grid.mesh, strict=False)))
    u = trajectory(problem, grid, [start], [0.0, 0.5, 2.0], scheme="exact", dt=1.0).values["u"][0]
    for i, t in enumerate((0.0, 0.5, 2.0)):
        assert np.abs(u[i] - problem.exact(WAVE[:dim], grid.mesh, t)).max() < 1e-13


def test_the_formulas_solve_their_equations():
    """By central differences in x and t: the formula and the symbol could share a wrong sign."""
    h, x, t, k = 1e-3, 0.3, 0.4, 2.0

    def slopes(f, order):
        stencil = {1: [0, -0.5, 0, 0.5, 0], 2: [0, 1, -2, 1, 0], 3: [-0.5, 1, 0, -1, 0.5], 4: [1, -4, 6, -4, 1]}[order]
        return sum(c * f(x + (i - 2) * 10 * h) for i, c in enumerate(stencil)) / (10 * h) ** order

    def rate(f):
        return (f(t + h) - f(t - h)) / (2 * h)

    found = [
        (Diffusion(nu_x=0.3), lambda f: 0.3 * slopes(f, 2)),
        (AdvectionDiffusion(velocity_x=0.7, nu=0.3), lambda f: 0.3 * slopes(f, 2) - 0.7 * slopes(f, 1)),
        (Dispersion(xi_x=0.2), lambda f: 0.2 * slopes(f, 3)),
        (HyperDiffusion(mu=0.1), lambda f: -0.1 * slopes(f, 4)),
    ]
    for problem, right in found:
        left = rate(lambda s, p=problem: p.exact((k,), (np.array([x]),), s))
        assert left == pytest.approx(right(lambda s, p=problem: p.exact((k,), (np.array([s]),), t)), rel=5e-3)


def test_a_tensor_that_lets_waves_grow_is_refused():
    with pytest.raises(
        BadInput, match=r"(?s)tensor of problem 'diffusion' lets short waves grow.*least eigenvalue -0.04"
    ):
        Diffusion(nu_x=0.01, nu_y=0.01, nu_xy=0.05)
    Diffusion(nu_x=0.01, nu_y=0.01, nu_xy=0.01)
    with pytest.raises(BadInput, match="nu_x of problem 'diffusion'"):
        Diffusion(nu_x=-0.1)


def test_a_skew_tensor_has_no_mirror_of_one_axis(periodic):
    grid = periodic([8, 8], [1.0, 1.0])
    for problem in (Diffusion(nu_xy=0.005), Diffusion()):  # a sample of either may bring its own nu_xy
        assert [s.name for s in problem.symmetries(grid)] == ["identity", "mirror x, y", "shift"]


def test_the_tensor_of_a_sample_is_judged_as_a_whole(periodic):
    """Each entry beside the defaults 0.01 would pass in the first case and fail in the second."""
    grid = periodic([8, 8], [1.0, 1.0])

    def check(**entries):
        given = {name: np.array([0.01, value]) for name, value in entries.items()}
        Diffusion().check(Instances(grid, {"initial": np.zeros((2, 8, 8))}, given))

    with pytest.raises(
        BadInput, match=r"(?s)lets short waves grow.*the parameters 'nu_x', 'nu_y', 'nu_xy' of sample 1"
    ):
        check(nu_x=0.001, nu_y=0.001, nu_xy=0.009)
    check(nu_x=0.1, nu_y=0.1, nu_xy=0.05)
    with pytest.raises(
        BadInput, match=r"(?s)nu_y of problem 'diffusion'.*in the parameters 'nu_x', 'nu_y' of sample 1"
    ):
        check(nu_x=0.1, nu_y=-0.1)


def test_dispersion_comes_back(periodic, trajectory):
    """After L^3/(4 pi^2 xi) every wave has turned whole times."""
    grid = periodic(64, 3.0)
    start = np.exp(np.sin(2 * np.pi * grid.mesh[0] / 3))
    period = 27 / (4 * np.pi**2 * 0.5)
    u = trajectory(Dispersion(xi_x=0.5), grid, [start], [0.0, 0.4 * period, period], scheme="exact", dt=1.0).values[
        "u"
    ][0]
    assert np.abs(u[2] - u[0]).max() < 1e-10
    assert np.abs(u[1] - u[0]).max() > 0.1
