"""Reaction and diffusion on the unit interval: the parts in closed form, nu per sample, Lie's first order against Strang's."""

import numpy as np
import pytest

from pdekit.problems.reaction_diffusion import ReactionDiffusion


def starts(grid, n=3):
    """Between 0 and 1, both touched, as the benchmark's law has it."""
    rng, x = np.random.default_rng(2), 2 * np.pi * grid.mesh[0]
    u = sum(rng.normal(size=(n, 1)) * np.cos(k * x + rng.uniform(0, 6, (n, 1))) / k for k in (1, 2, 3))
    low, high = u.min(axis=1, keepdims=True), u.max(axis=1, keepdims=True)
    return (u - low) / (high - low)


def test_each_part_alone_is_exact_in_one_step(periodic, trajectory):
    grid = periodic(128, 1.0)
    wave = 0.5 + 0.3 * np.cos(4 * np.pi * grid.mesh[0])
    heat = trajectory(ReactionDiffusion(nu=0.02, rho=0.0), grid, [wave], [0.0, 0.5], scheme="lie", dt=0.5).values["u"][
        0, 1
    ]
    assert (
        np.abs(heat - 0.5 - 0.3 * np.exp(-0.02 * (4 * np.pi) ** 2 * 0.5) * np.cos(4 * np.pi * grid.mesh[0])).max()
        < 1e-14
    )
    grown = trajectory(ReactionDiffusion(nu=0.0), grid, [wave], [0.0, 0.2], scheme="strang", dt=0.2).values["u"][0, 1]
    assert np.abs(grown - wave * np.e / (1 - wave + wave * np.e)).max() < 1e-13


@pytest.mark.parametrize(("scheme", "order"), [("lie", 1), ("strang", 2)])
def test_the_published_splitting_is_of_first_order(periodic, trajectory, scheme, order):
    """Its error at dt = 1/4096 is what no claim of accuracy on that data can go below."""
    grid, nu = periodic(96, 1.0), {"nu": np.array([0.005, 0.01, 0.1])}
    u0 = [starts(grid)]
    exact = trajectory(ReactionDiffusion(), grid, u0, [0.0, 1.0], nu, dt=1 / 512).values["u"][:, 1]

    def error(n):
        u = trajectory(ReactionDiffusion(), grid, u0, [0.0, 1.0], nu, scheme=scheme, dt=1 / n).values["u"][:, 1]
        return np.linalg.norm(u - exact, axis=1) / np.linalg.norm(exact, axis=1)

    errors = [error(n) for n in (64, 128, 256)]
    found = np.log2(np.divide(errors[:-1], errors[1:]))
    assert np.all(abs(found - order) < 0.15), found
    if scheme == "lie":
        published = errors[-1] * 256 / 4096
        assert np.all((published > 1e-7) & (published < 1e-4)), published


def test_details_are_lost_sooner_the_larger_nu(periodic, trajectory):
    grid = periodic(128, 1.0)
    u0 = np.repeat(starts(grid, 1), 3, axis=0)
    nu = {"nu": np.array([0.005, 0.02, 0.1])}
    u = trajectory(ReactionDiffusion(), grid, [u0], [0.0, 0.2, 1.0], nu, dt=5e-3).values["u"]
    assert np.all(np.diff(u[:, 1].std(axis=1)) < 0)
    assert np.all(u[:, 2].mean(axis=1) > 0.9)
    assert u.min() > -1e-3
    assert u.max() < 1 + 1e-3
