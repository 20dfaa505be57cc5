"""Gray and Scott: what lives, what dies and how one knows; both against the point system without diffusion."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from pdekit.problems.gray_scott import GrayScott


def square(grid, size=0.1):
    """u = 1, v = 0, but for a square in the middle, with a little noise."""
    x, y = (np.abs(x - ell / 2) < size for x, ell in zip(grid.mesh, grid.length, strict=True))
    near = x & y
    rng = np.random.default_rng(0)
    return np.where(near, 0.5, 1.0), np.where(near, 0.25 + 0.02 * rng.standard_normal(grid.points), 0.0)


def test_without_diffusion_every_point_is_its_own_system(periodic, trajectory):
    problem, grid = GrayScott(diffusion_u=0.0, diffusion_v=0.0, feed=0.03, kill=0.06), periodic(8, 1.0)
    found = trajectory(problem, grid, [np.full(8, 0.6), np.full(8, 0.3)], [0.0, 30.0], dt=0.25).values

    def rate(t, y):
        return [-y[0] * y[1] ** 2 + 0.03 * (1 - y[0]), y[0] * y[1] ** 2 - 0.09 * y[1]]

    exact = solve_ivp(rate, (0, 30), [0.6, 0.3], rtol=1e-11, atol=1e-12).y[:, -1]
    assert np.abs(found["u"][0, 1] - exact[0]).max() < 1e-6
    assert np.abs(found["v"][0, 1] - exact[1]).max() < 1e-6


def test_diffusions_belong_to_their_fields(periodic, trajectory):
    """Where v = 0 food alone spreads and is fed; where u = 0 and feed = 0, v spreads and is killed."""
    grid = periodic(16, 2 * np.pi)
    wave, flat = 0.2 * np.cos(grid.mesh[0]), np.zeros(16)
    problem = GrayScott(diffusion_u=0.3, diffusion_v=0.1, feed=0.2, kill=0.05)
    u = trajectory(problem, grid, [1 + wave, flat], [0.0, 2.0], dt=0.1).values["u"][0, 1]
    assert np.abs(u - 1 - wave * np.exp(-0.5 * 2)).max() < 1e-12
    starving = GrayScott(diffusion_u=0.3, diffusion_v=0.1, feed=0.0, kill=0.05)
    v = trajectory(starving, grid, [flat, 0.5 + wave], [0.0, 2.0], dt=0.1).values["v"][0, 1]
    assert np.abs(v - 0.5 * np.exp(-0.1) - wave * np.exp(-0.3)).max() < 1e-12


def test_the_dead_are_told_from_the_living(periodic, trajectory):
    """In two neighbouring media the same square lives in one and dies in the other; below feed + kill v never recovers."""
    grid = periodic([48, 48], [0.6, 0.6])
    starts = [np.stack([field, field]) for field in square(grid)]
    pairs = {"feed": np.array([0.04, 0.01]), "kill": np.array([0.06, 0.07])}
    problem = GrayScott()
    solution = trajectory(problem, grid, starts, [0.0, 300.0, 1500.0], pairs, dt=2.0)
    space = problem.space(grid)
    bound = problem.bind(type_of(solution, grid, starts, pairs))
    frames = [space.forward(np.stack([solution.values[c][:, i] for c in "uv"], axis=1)) for i in range(3)]
    largest = bound.quantities(frames[1], 0.0, space)["largest v"]
    assert ((largest < pairs["feed"] + pairs["kill"]) == [False, True]).all()
    largest = bound.quantities(frames[2], 0.0, space)["largest v"]
    assert largest[0] > 0.2
    assert largest[1] < 1e-10
    assert np.abs(solution.values["u"][1, 2] - 1).max() < 1e-3


def type_of(solution, grid, starts, pairs):
    from pdekit.solver import Instances

    return Instances(grid, dict(zip(("initial_u", "initial_v"), starts, strict=True)), pairs)


@pytest.mark.slow
def test_spots_divide(periodic, trajectory):
    """(.028, .056) on a small box: one square has become several spots by t = 2000, and they live on."""
    grid = periodic([64, 64], [0.9, 0.9])
    problem = GrayScott(feed=0.028, kill=0.056)
    v = trajectory(problem, grid, square(grid), [0.0, 1000.0, 2000.0], dt=2.0).values["v"][0]
    covered = (v > 0.15).mean(axis=(1, 2))
    assert covered[2] > 2 * covered[0]
    assert v[2].max() > 0.2
