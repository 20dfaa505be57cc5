"""The solver around the method: times, samples, parameters, failures, other grids, and what it refuses."""

from dataclasses import dataclass

import numpy as np
import pytest

from pdekit.errors import BadInput, SolveError
from pdekit.problems import DamBreakChannel, Heat, InviscidBurgers
from pdekit.solution import Status
from pdekit.solver import Instances, Solver
from pdekit.space.grid import Grid
from pdekit.volumes.literal import Method
from pdekit.volumes.solver import FiniteVolume

LAW = InviscidBurgers()


def noise(n, cells, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (n, 1, cells))


def prepared(law=LAW, **settings):
    return FiniteVolume(**settings).prepare(law)


def test_it_is_a_solver():
    assert isinstance(FiniteVolume(), Solver)
    assert FiniteVolume(name="mine").name == "mine"


def test_the_first_frame_is_the_start_and_frames_lie_at_their_times(instances, line):
    u, grid = noise(2, 20), line(20)
    answer = prepared().solve(instances(LAW, grid, u, [1.0, 1.1, 1.3])).values["u"]
    assert answer.shape == (2, 3, 20)
    assert np.array_equal(answer[:, 0], u[:, 0])
    later = prepared().solve(instances(LAW, grid, answer[:, 1:2], [0.0, 0.2])).values["u"]
    assert np.allclose(later[:, 1], answer[:, 2], atol=1e-12), "a run goes on from a stored frame as if never stopped"


@pytest.mark.parametrize("compiled", [True, False])
def test_the_end_of_an_interval_is_met_exactly(line, compiled):
    """Steps are taken down: they sum to the interval, and nothing is added to the last one."""
    taken = []

    @dataclass(frozen=True)
    class Counting(Method):
        def step(self, u, dt):
            taken.append(dt)
            return Method.step(self, u, dt)

    eps = np.array([1e-6])
    u = noise(1, 16)[0]
    last, why, steps, again, got = Counting(LAW, line(16), "minmod", "godunov", eps, 0.4).advance(u, 1 / 3)
    assert (why, again, got) == (0, 0, 1 / 3)
    assert len(taken) == steps
    assert sum(taken) == pytest.approx(1 / 3, rel=1e-14)
    assert min(taken) > 0.5 * (0.4 / 16), "no sliver is left for the end"
    given = Instances(line(16), {"initial": u}, {}, np.array([0, 1 / 3]))
    solution = prepared(reconstruction="minmod", compiled=compiled).solve(given)
    assert np.allclose(solution.values["u"][0, -1], last[0], atol=1e-13)
    assert solution.steps[0] == steps


def test_the_largest_step_is_dt_or_what_cfl_allows(instances, line):
    given = instances(LAW, line(32), np.ones((1, 1, 32)), [0.0, 1.0])
    assert prepared(cfl=0.5).solve(given).steps[0] == 64
    assert prepared(cfl=0.5, dt=0.01).solve(given).steps[0] == 100
    assert prepared(cfl=0.5, dt=0.5).solve(given).steps[0] == 64
    assert prepared(cfl=0.5).solve(given).n_matvec[0] == 3 * 64
    assert prepared(dt=0.3).check_times(np.array([0.0, 0.3, 1.0])).tolist() == [1, 3]
    assert prepared().check_times(np.array([0.0, 0.3, 1.0])).tolist() == [1, 1]
    viscous = prepared(InviscidBurgers(nu=1.0), cfl=1.0).solve(given).steps[0]
    assert viscous == pytest.approx(32 + 8 / 3 * 32**2, abs=1)


def test_samples_and_their_parameters_do_not_see_each_other(instances, line):
    u = noise(3, 24)
    nu = [0.0, 0.01, 0.1]
    together = prepared().solve(instances(LAW, line(24), u, [0.0, 0.1], nu=nu))
    for i in range(3):
        alone = prepared(InviscidBurgers(nu=nu[i])).solve(instances(LAW, line(24), u[i : i + 1], [0.0, 0.1]))
        assert np.array_equal(alone.values["u"][0], together.values["u"][i])
        assert alone.steps[0] == together.steps[i]
    assert np.abs(np.diff(together.values["u"][2, -1])).max() < np.abs(np.diff(together.values["u"][0, -1])).max()


@pytest.mark.parametrize("compiled", [True, False])
def test_lost_samples_have_a_status_and_a_time_and_spoil_no_other(instances, line, compiled):
    u = noise(3, 16)
    u[1, 0, 5] = np.nan
    u[2] *= 1e200
    solution = prepared(compiled=compiled).solve(instances(LAW, line(16), u, [0.5, 0.6, 0.7]))
    assert solution.statuses == [Status.EVALUATED, Status.NONFINITE_INPUT, Status.BREAKDOWN]
    assert np.isnan(solution.info["lost_at"][0])
    assert solution.info["lost_at"][1] == 0.5
    assert solution.info["lost_at"][2] == 0.5, "speeds of 1e200 ask for steps that no time is long enough for"
    values = solution.values["u"]
    assert np.isfinite(values[0]).all()
    assert np.isnan(values[1]).all()
    assert np.isfinite(values[2, 0]).all()
    assert np.isnan(values[2, 1:]).all()
    alone = prepared(compiled=compiled).solve(instances(LAW, line(16), u[:1], [0.5, 0.6, 0.7]))
    assert np.array_equal(alone.values["u"][0], values[0])
    with pytest.raises(SolveError, match=r"(?s)weno5, godunov, SSP-RK3 failed on 2 of 3 samples"):
        solution.require_converged()


def test_a_state_that_breaks_on_its_way_is_lost_there(instances, line):
    """A law whose flux is not a number above 0.5: the shock of the first sample never reaches that, the second one does."""

    @dataclass(frozen=True)
    class Brittle(InviscidBurgers):
        def riemann(self, name, left, right, axis):
            return np.where(left > 0.5, np.nan, super().riemann(name, left, right, axis))

    grid = Grid.make(16, 1.0, boundary={"x_low": "dirichlet", "x_high": "neumann"}, boundary_value={"x_low": 0.5})
    u = np.full((2, 1, 16), 0.4)
    u[1, 0, 8] = 0.51
    law = Brittle()
    solution = prepared(law, reconstruction="constant").solve(instances(law, grid, u, [0.0, 0.1, 0.5]))
    assert solution.statuses == [Status.EVALUATED, Status.NONFINITE]
    assert solution.info["lost_at"][1] == 0.0
    assert np.isnan(solution.values["u"][1, 1:]).all()


@pytest.mark.parametrize("compiled", [True, False])
def test_a_height_below_zero_is_a_status(instances, line, compiled):
    law, h = DamBreakChannel(), np.ones((2, 16))
    h[1, 3] = -0.1
    solution = prepared(law, compiled=compiled).solve(
        instances(law, line(16), np.stack([h, 0 * h], axis=1), [0.0, 0.1])
    )
    assert solution.statuses == [Status.EVALUATED, Status.BREAKDOWN]
    assert solution.info["lost_at"][1] == 0.0
    assert np.isnan(solution.values["height"][1]).all()


def test_where_no_step_is_short_enough_the_sample_is_lost(instances, line):
    """A law that takes every state but the first for inadmissible: twelve halvings, then BREAKDOWN at the start."""

    @dataclass(frozen=True)
    class Never(InviscidBurgers):
        def admissible(self, u):
            return bool(abs(u[0, 0] - 0.25) < 1e-15)

    u = noise(1, 16)
    u[0, 0, 0] = 0.25
    solution = prepared(Never()).solve(instances(Never(), line(16), u, [0.0, 0.1]))
    assert solution.statuses == [Status.BREAKDOWN]
    assert solution.info["lost_at"][0] == 0.0
    assert solution.info["again"][0] == 12
    assert solution.steps[0] == 0
    assert np.isnan(solution.values["u"][0, 1]).all()


def test_a_step_taken_again_is_half_as_long_and_the_next_one_is_not(line):
    """A method that takes no step above 0.006 for good, where cfl asks for 0.01 and more."""
    taken = []

    @dataclass(frozen=True)
    class Careful(Method):
        def step(self, u, dt):
            taken.append(dt)
            return Method.step(self, u, dt)[0], dt <= 0.006

    u = np.ones((1, 40))
    _, why, _, _, got = Careful(LAW, line(40), "minmod", "godunov", np.array([1e-6]), 0.4).advance(u, 0.05)
    assert (why, got) == (0, 0.05)
    assert taken[:4] == pytest.approx([0.01, 0.005, 0.009, 0.0045])
    taken.clear()
    _, why, _, again, got = Careful(LAW, line(40), "minmod", "godunov", np.array([1e-6]), 0.4).advance(u, 0.008)
    assert (why, again, got) == (0, 1, 0.008)
    assert taken == pytest.approx([0.008, 0.004, 0.004]), "the one step that was left is no longer the last"
    taken.clear()
    _, _, steps, again, _ = Careful(LAW, line(40), "minmod", "godunov", np.array([1e-6]), 0.4).advance(u, 0.05)
    good = [dt for dt in taken if dt <= 0.006]
    assert len(good) == steps
    assert len(taken) == steps + again
    assert sum(good) == pytest.approx(0.05, rel=1e-14)


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_other_grids(instances, line, factor):
    """On half the cells it is a run of the coarse means; on twice as many it is nearer to the exact answer."""
    grid = line(64, 2 * np.pi)
    edges = np.linspace(0, 2 * np.pi, 65)
    u = (np.diff(-np.cos(edges)) / grid.spacing[0])[None, None]
    times = [0.0, 0.5, 0.8]
    got = prepared(grid_factor=factor).solve(instances(LAW, grid, u, times)).values["u"]
    given = instances(LAW, grid, u, times)
    own = prepared().solve(LAW.regrid(given, factor)).values["u"]
    assert np.array_equal(got[:, 0], u[:, 0])
    assert np.allclose(got.sum(-1), u.sum(), atol=1e-12)
    means = lambda v, k: v.reshape(*v.shape[:-1], -1, k).mean(-1)  # noqa: E731
    if factor < 1:
        assert np.allclose(means(got[:, 1:], 2), own[:, 1:], atol=1e-13)
    else:
        assert np.allclose(got[:, 1:], means(own[:, 1:], 2), atol=1e-13)


def test_wrong_use_is_refused_in_words(instances, line):
    with pytest.raises(BadInput, match=r"(?s)no reconstruction of values at faces named 'weno'.*did you mean 'weno"):
        FiniteVolume(reconstruction="weno")
    for cfl in (0.0, 1.5, True, float("nan")):
        with pytest.raises(BadInput, match=r"(?s)cfl of a finite-volume step.*at most 1"):
            FiniteVolume(cfl=cfl)
    for dt in (0.0, -1.0, float("inf")):
        with pytest.raises(BadInput, match=r"(?s)dt of a time step.*> 0"):
            FiniteVolume(dt=dt)
    with pytest.raises(BadInput, match=r"(?s)grid_factor of a solver.*found: 0.3"):
        FiniteVolume(grid_factor=0.3)
    with pytest.raises(BadInput, match=r"(?s)no flux of problem 'inviscid-burgers' named 'hllc'.*godunov, llf"):
        prepared(flux="hllc")
    with pytest.raises(BadInput, match=r"(?s)cannot serve problem 'heat'.*is not a conservation law"):
        prepared(Heat())
    with pytest.raises(SolveError, match="before `prepare"):
        FiniteVolume().solve(instances(LAW, line(8), noise(1, 8), [0.0, 1.0]))
    with pytest.raises(BadInput, match="needs two times or more"):
        prepared().solve(instances(LAW, line(8), noise(1, 8), [0.0]))
    with pytest.raises(BadInput, match="needs more cells"):
        prepared(grid_factor=0.25).solve(instances(LAW, line(8), noise(1, 8), [0.0, 1.0]))
    vertices = Grid.make(8, 1.0, location="vertex", boundary="periodic")
    with pytest.raises(BadInput, match=r"(?s)a law for means over cells.*found: location 'vertex'"):
        prepared().solve(instances(LAW, vertices, noise(1, 8), [0.0, 1.0]))
