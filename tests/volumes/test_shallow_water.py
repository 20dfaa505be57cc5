"""Shallow water: Stoker and Ritter, still water, walls, dry ground, symmetry, what is conserved."""

import numpy as np
import pytest

from pdekit.problems import DamBreakBasin, DamBreakChannel
from pdekit.space.grid import Grid

LAW = DamBreakChannel()
HOW = ["minmod", "van-leer", "weno5", "weno-z"]


def dam(n, high, low, boundary="neumann"):
    grid = Grid.make(n, 2.0, boundary=boundary)
    h = np.where(grid.coordinates[0] < 1.0, high, low)
    return grid, np.stack([h, 0 * h])


def exact_means(law, n, t, high, low):
    fine = (np.arange(32 * n) + 0.5) * 2.0 / (32 * n) - 1.0
    return law.exact(fine, t, high, low).reshape(2, n, 32).mean(-1)


@pytest.mark.parametrize("reconstruction", HOW)
@pytest.mark.parametrize("flux", ["hll", "llf"])
@pytest.mark.parametrize("low", [0.5, 0.1, 0.0])
def test_a_dam_breaks_as_stoker_and_ritter_say(solve, orders, reconstruction, flux, low):
    """First order in L1; a bore for low > 0, dry ground for low = 0. g and the heights are not 1, so that units count."""
    law = DamBreakChannel(g=9.81)

    def error(n):
        grid, u = dam(n, 1.5, 1.5 * low)
        last = solve(law, grid, u, [0.0, 0.09], reconstruction=reconstruction, flux=flux)[-1]
        return (np.abs(last - exact_means(law, n, 0.09, 1.5, 1.5 * low)).mean(-1) / [1.5, 4.0]).max()

    found = orders(error, [100, 200, 400])
    assert 0.75 < found.mean() < 1.35, found
    assert error(400) < 2.5e-3


@pytest.mark.parametrize("reconstruction", HOW)
def test_the_plateau_behind_a_bore_does_not_ring(solve, reconstruction):
    grid, u = dam(400, 1.0, 0.1)
    h = solve(LAW, grid, u, [0.0, 0.4], reconstruction=reconstruction)[-1, 0]
    h_m = LAW.exact(np.array([0.2]), 0.4, 1.0, 0.1)[0, 0]
    assert h.max() < 1.0 + 2e-4
    assert np.abs(h[245:255] - h_m).max() < 2e-3
    x = grid.coordinates[0] - 1.0
    bore = x[np.flatnonzero(h > 0.5 * (h_m + 0.1))[-1]]
    v_m = LAW.exact(np.array([0.2]), 0.4, 1.0, 0.1)[1, 0] / h_m
    assert bore == pytest.approx(h_m * v_m / (h_m - 0.1) * 0.4, abs=0.01)


@pytest.mark.parametrize("reconstruction", ["constant", *HOW])
@pytest.mark.parametrize("flux", ["hllc", "hll", "llf"])
@pytest.mark.parametrize("boundary", ["periodic", "neumann", "dirichlet"])
def test_still_water_stays_still_to_the_last_bit(solve, reconstruction, flux, boundary):
    law, grid = DamBreakBasin(g=9.81), Grid.make((12, 9), (1.0, 0.7), boundary=boundary)
    u = np.stack([np.full((12, 9), 0.7321), np.zeros((12, 9)), np.zeros((12, 9))])
    last = solve(law, grid, u, [0.0, 0.4], reconstruction=reconstruction, flux=flux)[-1]
    assert np.array_equal(last, u)


def test_dry_ground_stays_dry_and_still_water_beside_a_dry_wall_stays(solve):
    grid = Grid.make(20, 1.0, boundary="dirichlet")
    nothing = solve(LAW, grid, np.zeros((2, 20)), [0.0, 1.0])
    assert not nothing.any()


def test_a_bore_comes_back_from_a_wall(solve):
    """Water of height 1 and speed -v at the wall x = 0, as the mirror of itself: the same as two streams that collide."""
    n, v = 200, 0.8
    wall = Grid.make(n, 1.0, boundary={"x_low": "dirichlet", "x_high": "neumann"})
    u = np.stack([np.ones(n), np.full(n, -v)])
    got = solve(LAW, wall, u, [0.0, 0.3])[-1]
    both = Grid.make(2 * n, 2.0, boundary="neumann")
    pair = np.stack([np.ones(2 * n), np.concatenate([np.full(n, v), np.full(n, -v)])])
    twice = solve(LAW, both, pair, [0.0, 0.3])[-1]
    assert np.allclose(got, twice[:, n:], atol=1e-12)
    h = np.linspace(1.01, 4, 400_000)  # behind the bore: v = (h - 1) sqrt((h + 1)/(2 h))
    h = h[np.abs((h - 1) * np.sqrt((h + 1) / (2 * h)) - v).argmin()]
    assert got[0, 5:40].mean() == pytest.approx(h, abs=2e-3)
    assert np.abs(got[0, 5:40] - h).max() < 0.025, "bores leave ripples of 2 %: fields are taken one by one"
    assert np.abs(got[1, 5:40]).max() < 0.03


@pytest.mark.parametrize("reconstruction", HOW)
@pytest.mark.parametrize("low", [0.2, 0.0])
def test_walls_keep_the_water_and_push_back(solve, reconstruction, low):
    grid, u = dam(100, 1.0, low, "dirichlet")
    run = solve(LAW, grid, u, np.linspace(0, 6.0, 13), reconstruction=reconstruction)
    mass = run[:, 0].sum(-1)
    assert np.abs(mass - mass[0]).max() < 1e-11 * mass[0]
    assert run[:, 0].min() >= 0
    energy = (0.5 * run[:, 0] ** 2 + 0.5 * run[:, 1] ** 2 / np.maximum(run[:, 0], 1e-6)).sum(-1)
    assert np.all(np.diff(energy) < 1e-10), "bores lose energy, nothing gains any"
    assert np.abs(run[1:, 1].sum(-1)).max() > 1.0


def test_momentum_is_conserved_on_a_circle_and_heights_that_leave_are_gone(solve):
    rng = np.random.default_rng(1)
    h = rng.uniform(0.5, 1.5, 60)
    u = np.stack([h, h * rng.uniform(-1, 1, 60)])
    run = solve(LAW, Grid.make(60, 1.0), u, [0.0, 0.2, 1.0])
    assert np.allclose(run.sum(-1), u.sum(-1), atol=1e-11)
    grid, u = dam(100, 1.1, 1.0)
    left = solve(LAW, grid, u, [0.0, 12.0])[-1]
    assert np.abs(left[0] - left[0].mean()).max() < 1e-3
    assert np.abs(left[0] - 1.05).max() < 0.01


@pytest.mark.parametrize("boundary", ["periodic", "dirichlet", "neumann"])
@pytest.mark.parametrize("reconstruction", ["van-leer", "weno5"])
def test_mirrors_shifts_and_turns_take_answers_to_answers(solve, boundary, reconstruction):
    law, grid = DamBreakBasin(), Grid.make((20, 15), (1.0, 0.75), boundary=boundary)
    rng = np.random.default_rng(7)
    h = rng.uniform(0.2, 1.0, (20, 15))
    h[3:9, 4:11] = 0.0
    u = np.stack([h, h * rng.uniform(-1, 1, (20, 15)), h * rng.uniform(-1, 1, (20, 15))])
    run = solve(law, grid, u, [0.0, 0.1], reconstruction=reconstruction)[-1]
    for symmetry in law.symmetries(grid):
        image = np.stack([symmetry.apply(s.name, u[c]) for c, s in enumerate(law.inputs)])
        moved = solve(law, grid, np.ascontiguousarray(image), [0.0, 0.1], reconstruction=reconstruction)[-1]
        expected = np.stack([symmetry.apply(s.name, run[c]) for c, s in enumerate(law.outputs)])
        assert np.allclose(moved, expected, atol=1e-9), symmetry.name
    turned = np.ascontiguousarray(u[[0, 2, 1]].transpose(0, 2, 1))
    other = solve(law, Grid.make((15, 20), (0.75, 1.0), boundary=boundary), turned, [0.0, 0.1],
                  reconstruction=reconstruction)[-1]  # fmt: skip
    assert np.allclose(other[[0, 2, 1]].transpose(0, 2, 1), run, atol=1e-9)
    names = [s.name for s in law.symmetries(grid)]
    assert names == ["identity", *(["shift"] if boundary == "periodic" else []), "mirror x", "mirror y"]


def test_a_basin_that_does_not_depend_on_y_is_a_channel(solve):
    grid, u = dam(80, 1.0, 0.0, "dirichlet")
    channel = solve(LAW, grid, u, [0.0, 0.4])[-1]
    wide = Grid.make((80, 6), (2.0, 1e13), boundary="dirichlet")
    basin = solve(DamBreakBasin(), wide, np.stack([*np.repeat(u[:, :, None], 6, 2), np.zeros((80, 6))]), [0.0, 0.4])[-1]
    assert np.allclose(basin[:2], channel[:, :, None], atol=1e-12)
    assert not basin[2].any()


def test_shear_stays_sharp_with_hllc_and_spreads_with_hll(solve):
    """A river beside a river that runs the other way, both carried slowly across the cells by nothing: v_x = 0."""
    law, grid = DamBreakBasin(), Grid.make((40, 4), (1.0, 0.1), boundary={
        "x_low": "neumann", "x_high": "neumann", "y_low": "periodic", "y_high": "periodic"})  # fmt: skip
    side = np.where(grid.mesh[0] < 0.5, 1.0, -1.0) * np.ones((40, 4))
    u = np.stack([np.ones((40, 4)), np.zeros((40, 4)), side])
    sharp = solve(law, grid, u, [0.0, 0.5], flux="hllc")[-1]
    spread = solve(law, grid, u, [0.0, 0.5], flux="hll")[-1]
    assert np.array_equal(sharp, u)
    assert np.abs(spread[2] - u[2]).max() > 0.1


def test_a_round_column_falls_into_a_round_ring(solve):
    law, grid = DamBreakBasin(), Grid.make((64, 64), 2.0, boundary="neumann")
    x, y = grid.mesh
    r = np.hypot(x - 1, y - 1)
    h = np.where(r < 0.4, 1.0, 0.3)
    run = solve(law, grid, np.stack([h, 0 * h, 0 * h]), [0.0, 0.3])[-1]
    assert np.allclose(run[0], run[0].T, atol=1e-12)
    along, across = run[0][32:, 32], np.diagonal(run[0])[32:]
    diagonal = np.interp(r[32:, 32], np.diagonal(r)[32:], across)
    assert np.abs(along - diagonal).mean() < 0.02


def test_noise_with_dry_holes_and_fast_streams_is_survived(solve):
    """Vacuum opens and closes in every second cell; steps are taken again, none is lost, no height is below 0."""
    rng = np.random.default_rng(11)
    law, grid = DamBreakBasin(), Grid.make((24, 24), 1.0, boundary="periodic")
    h = np.exp(rng.standard_normal((24, 24)))
    h[rng.random((24, 24)) < 0.4] = 0.0
    u = np.stack([h, h * 3 * rng.standard_normal((24, 24)), h * 3 * rng.standard_normal((24, 24))])
    for reconstruction in ("constant", *HOW):
        run = solve(law, grid, u, [0.0, 0.02, 0.1], reconstruction=reconstruction)
        assert run[:, 0].min() >= 0
        assert np.allclose(run[:, 0].sum((1, 2)), h.sum(), rtol=1e-12)
