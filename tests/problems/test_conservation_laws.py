"""Conservation laws: their fluxes and speeds belong together, exact solutions obey them, what they refuse."""

import numpy as np
import pytest

from pdekit.errors import BadInput
from pdekit.problems import DamBreakBasin, DamBreakChannel, InviscidBurgers
from pdekit.solver import Instances
from pdekit.space.grid import Grid

LAWS = [InviscidBurgers(), DamBreakChannel(g=3.0), DamBreakBasin(g=3.0)]


def states(law, n=50, seed=0):
    rng = np.random.default_rng(seed)
    u = rng.standard_normal((len(law.outputs), n))
    if law.name != "inviscid-burgers":
        u[0] = np.exp(u[0])
    return u


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.name)
def test_speed_is_the_largest_eigenvalue_of_the_jacobian(law):
    u, c = states(law), len(law.outputs)
    for axis in range(max(law.dims)):
        jacobian = np.empty((50, c, c))
        for k in range(c):
            step = np.zeros((c, 1))
            step[k] = 1e-6
            jacobian[:, :, k] = ((law.flux(u + step, axis) - law.flux(u - step, axis)) / 2e-6).T
        largest = np.abs(np.linalg.eigvals(jacobian)).max(1)
        assert np.allclose(law.speed(u, axis), largest, rtol=1e-5)


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.name)
def test_every_flux_is_consistent_and_turns_around_in_a_mirror(law):
    left, right = states(law), states(law, seed=1)
    for axis in range(max(law.dims)):
        signs = -np.ones(1) if law.name == "inviscid-burgers" else law.mirror(axis)
        for name in law.fluxes:
            assert np.allclose(law.riemann(name, left, left, axis), law.flux(left, axis), rtol=1e-12)
            here = law.riemann(name, left, right, axis)
            there = law.riemann(name, signs[:, None] * right, signs[:, None] * left, axis)
            assert np.allclose(there, here if len(signs) == 1 else -signs[:, None] * here, rtol=1e-12), name


def test_godunovs_flux_is_the_least_or_largest_flux_between_two_states():
    left, right = states(LAWS[0]), states(LAWS[0], seed=1)
    for a, b, f in zip(left[0], right[0], LAWS[0].riemann("godunov", left, right, 0)[0], strict=True):
        between = 0.5 * np.linspace(a, b, 100_001) ** 2
        assert f == pytest.approx(between.min() if a <= b else between.max(), abs=1e-8)


def test_a_flux_between_water_and_dry_ground():
    law = DamBreakChannel(g=1.0)
    wet, dry = np.array([[1.0], [0.0]]), np.zeros((2, 1))
    for name in law.fluxes:
        out = law.riemann(name, wet, dry, 0)
        assert out[0, 0] > 0
        assert not law.riemann(name, dry, dry, 0).any()
    away = np.array([[1.0], [-3.0]])
    assert law.riemann("hll", away, dry, 0)[0, 0] == 0.0, "it runs away faster than it spreads"


@pytest.mark.parametrize(("high", "low"), [(1.0, 0.4), (2.0, 0.01), (1.5, 0.0)])
def test_stoker_and_ritter_obey_the_equations(high, low):
    """Inside the fan by differences, across the bore by Rankine and Hugoniot; mass by quadrature."""
    law = DamBreakChannel(g=9.81)
    x, t, d = np.linspace(-3, 4, 200_001), 0.3, 1e-4
    h = law.exact(x, t, high, low)[0]
    c = np.sqrt(9.81 * high)
    inside = np.linspace(-0.95 * c * t, -0.2 * c * t, 50)
    later, before = law.exact(inside, t + d, high, low), law.exact(inside, t - d, high, low)
    ahead, behind = law.exact(inside + d, t, high, low), law.exact(inside - d, t, high, low)
    assert np.allclose((later - before) / d, -(law.flux(ahead, 0) - law.flux(behind, 0)) / d, atol=1e-4)
    assert h.sum() * (x[1] - x[0]) == pytest.approx(3 * high + 4 * low, rel=1e-4)
    if low:
        jump = int(np.argmax(np.abs(np.diff(h))))
        one, two = law.exact(x[[jump]], t, high, low), law.exact(x[[jump + 1]], t, high, low)
        s = x[jump] / t
        assert np.allclose(s * (one - two), law.flux(one, 0) - law.flux(two, 0), rtol=1e-3)
    else:
        front = x[np.flatnonzero(h > 1e-9)[-1]]
        assert front == pytest.approx(2 * c * t, rel=1e-3)


def test_characteristics_carry_their_value():
    x, t = np.linspace(0, 6, 100), 0.7
    u = InviscidBurgers().characteristics(x, t)
    assert np.allclose(u, np.sin(x - u * t), atol=1e-13)


def test_jumps():
    law, x = InviscidBurgers(), np.array([-1.0, -0.2, 0.2, 1.0])
    assert law.riemann_problem(x, 1.0, 1.0, -0.5).tolist() == [1.0, 1.0, 1.0, -0.5]
    assert law.riemann_problem(x, 0.5, -1.0, 1.0).tolist() == [-1.0, -0.4, 0.4, 1.0]
    assert law.riemann_problem(x, 0.0, -1.0, 1.0).tolist() == [-1.0, -1.0, 1.0, 1.0]


def test_grids_that_a_law_does_not_know_are_refused_in_words():
    channel = DamBreakChannel()
    with pytest.raises(
        BadInput, match=r"(?s)cannot hold what is asked of face x_low.*'robin'.*\"neumann\" \(outflow\)"
    ):
        channel.check_grid(Grid.make(8, boundary={"x_low": "robin", "x_high": "neumann"}))
    with pytest.raises(BadInput, match=r"(?s)face x_high.*'dirichlet', value 1.0.*\"dirichlet\" \(a wall\).*are 0"):
        channel.check_grid(Grid.make(8, boundary="dirichlet", boundary_value={"x_high": 1.0}))
    with pytest.raises(BadInput, match=r"(?s)'dam-break-channel' is not defined on 2 axes.*allowed: 1"):
        channel.check_grid(Grid.make((8, 8), boundary="dirichlet"))
    with pytest.raises(BadInput, match=r"(?s)'dam-break-basin' is not defined on 1 axes.*allowed: 2"):
        DamBreakBasin().check_grid(Grid.make(8, boundary="dirichlet"))
    with pytest.raises(BadInput, match=r"(?s)location 'vertex'.*allowed: location = \"cell\""):
        InviscidBurgers().check_grid(Grid.make(8, location="vertex"))
    with pytest.raises(BadInput, match=r"(?s)needs more cells.*4 or more"):
        InviscidBurgers().check_grid(Grid.make(3))
    InviscidBurgers().check_grid(Grid.make(8, boundary="dirichlet", boundary_value=2.0))


def test_parameters_and_heights_are_checked():
    with pytest.raises(BadInput, match=r"(?s)nu of problem 'inviscid-burgers'.*>= 0"):
        InviscidBurgers(nu=-1e-3)
    with pytest.raises(BadInput, match=r"(?s)dry of problem 'dam-break-basin'.*> 0"):
        DamBreakBasin(dry=0.0)
    grid, h = Grid.make(8, boundary="dirichlet"), np.ones((2, 8))
    h[0, 0], h[1, 4] = 0.0, -0.5
    fields = {"initial_height": h, "initial_momentum_x": np.zeros((2, 8))}
    with pytest.raises(BadInput, match=r"(?s)'initial_height' .* must not be negative.*-0.5 in sample 1"):
        DamBreakChannel().check(Instances(grid, fields))
    DamBreakChannel().check(Instances(grid, {k: v[:1] for k, v in fields.items()}))


def test_dry_cells_lose_their_momentum_and_rounding_its_sign():
    law = DamBreakChannel(dry=1e-3)
    u = law.settle(np.array([[1.0, 1e-4, -1e-14, -1e-3], [2.0, 3.0, 4.0, 5.0]]))
    assert u.tolist() == [[1.0, 1e-4, 0.0, -1e-3], [2.0, 0.0, 0.0, 0.0]]
    assert not law.admissible(u)
    assert law.admissible(u[:, :3])


def test_regrid_keeps_means_and_comes_back():
    grid = Grid.make((8, 6), (1.0, 2.0), boundary="dirichlet")
    rng = np.random.default_rng(0)
    given = Instances(
        grid, {s.name: rng.uniform(size=(2, 8, 6)) for s in DamBreakBasin.inputs}, {}, np.array([0.0, 1.0])
    )
    fine = DamBreakBasin().regrid(given, 2)
    assert fine.grid.points == (16, 12)
    assert np.array_equal(fine.times, given.times)
    back = DamBreakBasin().regrid(fine, 0.5)
    for name in given.fields:
        assert np.allclose(back.fields[name], given.fields[name], atol=1e-15)
        assert not np.array_equal(fine.fields[name][..., ::2, ::2], given.fields[name])
