"""Burgers: orders before the shock, shocks and fans, entropy, N-waves, viscosity, bounds, totals, symmetry."""

from dataclasses import dataclass

import numpy as np
import pytest

from pdekit.problems import Burgers, InviscidBurgers
from pdekit.space.grid import Grid

LAW = InviscidBurgers()
TAU = 2 * np.pi


def sine_means(n, t):
    """Exact cell means of u_t + u u_x = 0 from sin x, before t = 1: with x = xi + t sin xi the integral of u over x is
    -cos xi + t sin(xi)^2/2."""
    edges = np.linspace(0.0, TAU, n + 1)
    u = LAW.characteristics(edges, t)
    integral = -np.cos(edges - u * t) + 0.5 * t * u**2
    return np.diff(integral) / (TAU / n)


@pytest.mark.parametrize(
    ("reconstruction", "order", "margin", "cells"),
    [
        ("constant", 1.0, 0.15, [64, 128, 256, 512]),
        ("van-leer", 2.0, 0.15, [64, 128, 256, 512]),
        ("minmod", 1.95, 0.1, [128, 256, 512, 1024]),  # clips two extrema: 2 in L1 only in the limit
        ("weno-z", 5.0, 0.2, [64, 128, 256]),
    ],
)
@pytest.mark.parametrize("flux", ["godunov", "llf"])
def test_order_before_the_shock(solve, line, orders, reconstruction, order, margin, cells, flux):
    def error(n):
        dt = 0.4 * (TAU / n) ** (5 / 3) if reconstruction == "weno-z" else None
        u = solve(
            LAW, line(n, TAU), sine_means(n, 0.0)[None], [0, 0.4], reconstruction=reconstruction, flux=flux, dt=dt
        )
        return np.abs(u[-1, 0] - sine_means(n, 0.4)).mean()

    found = orders(error, cells)
    assert np.all(np.abs(found - order) < margin), found


def test_weno5_of_jiang_and_shu_comes_to_its_fifth_order_late(solve, line, orders):
    """At the two extrema its weights are off: 4.3, 4.8 and above, as Borges et al. 2008 explain."""

    def error(n):
        u = solve(LAW, line(n, TAU), sine_means(n, 0.0)[None], [0, 0.4], dt=0.4 * (TAU / n) ** (5 / 3))
        return np.abs(u[-1, 0] - sine_means(n, 0.4)).mean()

    found = orders(error, [64, 128, 256])
    assert np.all((found > 4.1) & (found < 5.3)), found
    assert error(128) < 1.2e-7


def test_the_time_step_is_of_third_order(solve, line, orders):
    u0 = sine_means(64, 0.0)[None]

    def run(dt):
        return solve(LAW, line(64, TAU), u0, [0, 0.4], reconstruction="weno-z", dt=dt, cfl=1.0)[-1, 0]

    exact = run(0.4 / 512)
    found = orders(lambda k: np.abs(run(0.4 / k) - exact).max(), [8, 16, 32])
    assert np.all(np.abs(found - 3) < 0.25), found


@pytest.mark.parametrize("reconstruction", ["minmod", "van-leer", "weno5", "weno-z"])
@pytest.mark.parametrize("flux", ["godunov", "llf"])
@pytest.mark.parametrize(
    ("left", "right"), [(1.0, 0.0), (0.5, -1.0), (-0.3, -1.0), (-1.0, 1.0), (0.2, 1.0), (-1.0, 0.0)]
)
def test_one_jump_becomes_a_shock_or_a_fan(solve, line, reconstruction, flux, left, right):
    """A transonic fan (-1, 1) among them. In L1 within one cell of the exact means, times the jump, at every resolution."""

    def error(n):
        grid = line(n, 2.0, "neumann")
        x = grid.coordinates[0] - 1.0
        u = solve(LAW, grid, np.where(x < 0, left, right)[None], [0, 0.5], reconstruction=reconstruction, flux=flux)
        fine = (np.arange(16 * n) + 0.5) * 2.0 / (16 * n) - 1.0
        exact = LAW.riemann_problem(fine, 0.5, left, right).reshape(n, 16).mean(1)
        return np.abs(u[-1, 0] - exact).mean()

    errors = {n: n * error(n) / abs(right - left) for n in (50, 100, 200)}
    assert max(errors.values()) < 1.0, errors


def test_a_flux_without_dissipation_keeps_a_jump_that_must_open(solve, line):
    """Roe's flux takes the jump (-1, 1) for a standing shock, which breaks entropy: what the test above would catch."""

    @dataclass(frozen=True)
    class Roe(InviscidBurgers):
        fluxes = ("roe",)
        compiled = ""

        def riemann(self, name, left, right, axis):
            return 0.25 * (left**2 + right**2) - 0.25 * np.abs(left + right) * (right - left)

    grid = line(50, 2.0, "neumann")
    x = grid.coordinates[0] - 1.0
    u0 = np.sign(x)[None]
    stuck = solve(Roe(), grid, u0, [0, 0.5], reconstruction="constant")[-1, 0]
    opened = solve(LAW, grid, u0, [0, 0.5], reconstruction="constant")[-1, 0]
    exact = np.clip(x / 0.5, -1, 1)
    assert np.abs(stuck - exact).max() > 0.8
    assert np.abs(opened - exact).max() < 0.25


def test_an_n_wave_decays_as_it_must(solve, line):
    """u = x/(1 + t) inside |x| < sqrt(1 + t), 0 outside: two shocks, total 0, height falls like t^(-1/2)."""
    grid = line(400, 8.0, "neumann")
    x = grid.coordinates[0] - 4.0
    u = solve(LAW, grid, np.where(np.abs(x) < 1, x, 0.0)[None], [0, 3.0, 8.0], reconstruction="weno5")
    for i, t in ((1, 3.0), (2, 8.0)):
        exact = np.where(np.abs(x) < np.sqrt(1 + t), x / (1 + t), 0.0)
        assert np.abs(u[i, 0] - exact).mean() < 0.004
        assert abs(u[i, 0].max() - (1 + t) ** -0.5) < 0.02
    assert np.allclose(u[:, 0].sum(-1), u[0, 0].sum(), atol=1e-10)


def test_two_shocks_meet_and_go_on_as_one(solve, line):
    """(1, 0, -2): shocks at +1/2 and -1, they meet at t = 0.4 and run on at -1/2."""
    grid = line(400, 2.0, "neumann")
    x = grid.coordinates[0] - 1.0
    u0 = np.where(x < -0.2, 1.0, np.where(x < 0.4, 0.0, -2.0))
    u = solve(LAW, grid, u0[None], [0, 0.8], reconstruction="weno5")[-1, 0]
    assert np.abs(u - np.where(x < -0.2, 1.0, -2.0)).mean() < 0.01


def test_small_viscosity_against_cole_and_hopf(solve, line, orders):
    """nu = 0.05 to t = 1.5, cell means of the exact solution by three Gauss points; order 5 falls to 4 with nu u_x."""
    law, exact = InviscidBurgers(nu=0.05), Burgers(nu=0.05)
    nodes, weights = np.polynomial.legendre.leggauss(3)

    def error(n):
        grid = line(n, TAU)
        h = grid.spacing[0]
        mean = sum(
            0.5 * w * exact.exact(grid.coordinates[0] + 0.5 * h * q, 1.5) for q, w in zip(nodes, weights, strict=True)
        )
        u = solve(law, grid, sine_means(n, 0.0)[None], [0, 1.5], reconstruction="weno-z")
        return np.abs(u[-1, 0] - mean).mean()

    found = orders(error, [64, 128, 256])
    assert np.all((found > 3.4) & (found < 5.5)), found
    assert error(256) < 3e-6


def test_viscosity_alone_is_of_fourth_order_and_stable_at_its_largest_step(solve, line):
    """u small: heat flow. A mode decays by the symbol of the stencil, and noise does not grow at cfl = 1."""
    nu, n = 0.3, 32
    grid = line(n, TAU)
    u0 = 1e-9 * sine_means(n, 0.0)[None]
    u = solve(InviscidBurgers(nu=nu), grid, u0, [0, 0.5], reconstruction="weno5", dt=1e-3)
    h = grid.spacing[0]
    symbol = (2.5 - 8 / 3 * np.cos(h) + np.cos(2 * h) / 6) / h**2
    assert np.allclose(u[-1], np.exp(-nu * symbol * 0.5) * u0, rtol=0, atol=1e-16)
    noise = 1e-9 * np.random.default_rng(0).standard_normal((1, n))
    v = solve(InviscidBurgers(nu=nu), grid, noise, [0, 2.0], cfl=1.0)
    assert np.abs(v[-1]).max() < np.abs(noise).max()


@pytest.mark.parametrize("reconstruction", ["constant", "minmod", "van-leer"])
@pytest.mark.parametrize("flux", ["godunov", "llf"])
def test_no_new_extrema_and_no_more_variation(solve, line, reconstruction, flux):
    rng = np.random.default_rng(2)
    u0 = np.repeat(rng.uniform(-1, 1, 16), 8)[None]
    u = solve(LAW, line(128), u0, np.linspace(0, 0.5, 21), reconstruction=reconstruction, flux=flux, cfl=0.5)[:, 0]
    variation = np.abs(np.diff(u, axis=1, append=u[:, :1])).sum(1)
    assert np.all(np.diff(variation) < 1e-12)
    assert u.max() <= u0.max() + 1e-13
    assert u.min() >= u0.min() - 1e-13


@pytest.mark.parametrize("reconstruction", ["van-leer", "weno5", "weno-z"])
def test_what_is_inside_is_conserved_and_translation_and_mirror_pass_through(solve, line, reconstruction):
    rng = np.random.default_rng(3)
    grid = line(60)
    u0 = np.repeat(rng.uniform(-1, 1, 12), 5)
    u = solve(LAW, grid, u0[None], [0, 0.1, 0.4], reconstruction=reconstruction)[:, 0]
    assert np.allclose(u.sum(1), u0.sum(), atol=1e-12)
    moved = solve(LAW, grid, np.roll(u0, 7)[None], [0, 0.1, 0.4], reconstruction=reconstruction)[:, 0]
    assert np.allclose(moved, np.roll(u, 7, axis=1), atol=1e-12)
    for symmetry in LAW.symmetries(grid):
        image = solve(LAW, grid, symmetry.apply("initial", u0)[None], [0, 0.1, 0.4], reconstruction=reconstruction)[
            :, 0
        ]
        assert np.allclose(image, symmetry.apply("u", u), atol=1e-12), symmetry.name
    assert [s.name for s in LAW.symmetries(grid)] == ["identity", "shift", "point mirror"]


def test_scaling_speed_and_time(solve, line):
    """u -> k u, t -> t/k: the same picture."""
    u0 = np.random.default_rng(4).uniform(-1, 1, 40)
    one = solve(LAW, line(40), u0[None], [0, 0.3])
    fast = solve(LAW, line(40), 1000 * u0[None], [0, 0.3e-3])
    assert np.allclose(fast, 1000 * one, rtol=0, atol=1e-9)


def test_a_value_held_outside_flows_in_and_an_outflow_lets_out(solve):
    grid = Grid.make(80, 1.0, boundary={"x_low": "dirichlet", "x_high": "neumann"}, boundary_value={"x_low": 1.0})
    u = solve(LAW, grid, np.full((1, 80), 0.2), [0, 0.5, 3.0])[:, 0]
    x = grid.coordinates[0]
    assert np.abs(u[1] - np.where(x < 0.6 * 0.5, 1.0, 0.2)).mean() < 0.01
    assert np.allclose(u[2], 1.0, atol=1e-6), "the shock has left, nothing came back"


def test_in_two_dimensions_along_the_diagonal_as_along_the_axes(solve):
    """u(x + y) obeys u_t + 2 (u^2/2)_s = 0: twice as fast as in one dimension. Transposed data, transposed answer."""
    n = 64
    grid = Grid.make((n, n), TAU)
    x, y = grid.mesh
    h = grid.spacing[0]
    u0 = (np.sin(x + y) * (np.sin(h / 2) / (h / 2)) ** 2)[None]
    u = solve(LAW, grid, u0, [0, 0.2], reconstruction="weno-z")[-1, 0]
    exact = LAW.characteristics((x + y).ravel(), 0.4).reshape(n, n)
    assert np.abs(u - exact).max() < 4e-3
    rng = np.random.default_rng(5)
    grid = Grid.make((24, 18), (1.0, 0.6))
    v0 = rng.uniform(-1, 1, (1, 24, 18))
    v = solve(LAW, grid, v0, [0, 0.1])[-1, 0]
    turned = solve(LAW, Grid.make((18, 24), (0.6, 1.0)), v0.transpose(0, 2, 1), [0, 0.1])[-1, 0]
    assert np.allclose(turned, v.T, atol=1e-13)
    assert abs(v.sum() - v0.sum()) < 1e-11
    column = np.repeat(v0[:, :, :1], 8, axis=2)
    wide = solve(LAW, Grid.make((24, 8), (1.0, 1e13)), column, [0, 0.1])[-1, 0]
    assert np.allclose(wide, solve(LAW, Grid.make(24, 1.0), v0[:, :, 0], [0, 0.1])[-1, 0][:, None], atol=1e-12)


def test_two_dimensional_smooth_flows_are_of_second_order(solve, orders):
    """Said in `literal`: one value for a whole face. Against the diagonal wave's exact cell means."""

    def error(n):
        grid = Grid.make((n, n), TAU)
        h = grid.spacing[0]
        nodes, weights = np.polynomial.legendre.leggauss(4)

        def mean(f):
            x, y = grid.mesh
            return sum(
                0.25 * a * b * f(x + 0.5 * h * p + y + 0.5 * h * q)
                for p, a in zip(nodes, weights, strict=True)
                for q, b in zip(nodes, weights, strict=True)
            )

        u = solve(LAW, grid, mean(np.sin)[None], [0, 0.2], reconstruction="weno-z")[-1, 0]
        return np.abs(u - mean(lambda s: LAW.characteristics(s, 0.4))).mean()

    found = orders(error, [32, 64, 128])
    assert np.all(np.abs(found - 2) < 0.3), found
