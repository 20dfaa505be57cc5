"""Networks that answer trajectories: what is given comes back untouched, times and histories are looked at, bits survive."""

import numpy as np
import pytest
import torch

from pdekit.errors import BadInput
from pdekit.models.channels import Channel, Channels
from pdekit.models.clock import Clock, Time
from pdekit.models.fno import FNO, FNOConfig
from pdekit.solution import Status
from pdekit.solver import Instances, Solver
from pdekit.space.grid import Grid

GRID = Grid.make([12, 10], 2.0, location="vertex")
WAYS = {
    "markov": Time(),
    "recurrent": Time(history=3, horizon=2, predict="value"),
    "spacetime": Time(way="spacetime", history=2, horizon=3, predict="value", padding=0.4),
}


def make(way="markov", names=("u", "v"), static=True, grid=GRID):
    settings = WAYS[way]
    starts = tuple(f"initial_{name}" for name in names)
    clock = Clock(settings=settings, spacing=0.5, frames=9, horizon=settings.horizon, starts=starts,
                  increments=(0.1,) * len(names), deviations=(1.0,) * len(names))  # fmt: skip
    inputs = (Channel(name="nu", kind="parameter", shift=1.0, scale=0.5),) if static else ()
    outputs = tuple(Channel(name=name, scale=2.0 + i) for i, name in enumerate(names))
    torch.manual_seed(0)
    config = FNOConfig(n_modes=6, width=6, depth=1, embedding="none")
    return FNO(config, Channels(inputs=inputs, outputs=outputs), grid, clock=clock)


def cases(n=4, history=1, frames=8, seed=0, static=True, grid=GRID):
    rng = np.random.default_rng(seed)
    shape = (n, *grid.points) if history == 1 else (n, history, *grid.points)
    fields = {f"initial_{name}": rng.standard_normal(shape).astype(np.float32) for name in "uv"}
    return Instances(grid, fields, {"nu": rng.uniform(0.5, 1.5, n)} if static else {}, 1 + 0.5 * np.arange(frames))


@pytest.mark.parametrize("way", WAYS)
def test_trajectories_begin_with_the_frames_that_were_given_and_go_on(way):
    solver = make(way)
    k = solver.history
    given = cases(history=k)
    solution = solver.prepare(None).solve(given)
    assert isinstance(solver, Solver)
    assert solution.status == [Status.EVALUATED] * 4
    assert (solution.seconds > 0).all()
    for name in "uv":
        values = solution.values[name]
        assert values.shape == (4, 8, 12, 10)
        start = given.fields[f"initial_{name}"].reshape(4, k, 12, 10)
        assert values[:, :k].tobytes() == start.tobytes()
        assert all((values[:, k:] != values[:, [k - 1]]).reshape(4, -1).any(axis=1))


def test_given_frames_in_double_precision_come_back_to_the_last_bit():
    given = cases()
    fields = {name: a + 1e-12 for name, a in given.fields.items() for a in [a.astype(np.float64)]}
    values = make().solve(Instances(GRID, fields, given.parameters, given.times)).values
    assert values["u"].dtype == np.float64
    assert values["u"][:, 0].tobytes() == fields["initial_u"].tobytes()


def test_one_step_written_out():
    """In units of the scales, the increment is 0.1 of what the network says to (u, v, nu), u and v divided by 2 and 3."""
    solver, given = make(), cases(frames=2)
    u, v = (given.fields[f"initial_{name}"] for name in "uv")
    nu = np.broadcast_to((given.parameters["nu"][:, None, None] - 1) / 0.5, u.shape)
    x = torch.tensor(np.stack([u / 2, v / 3, nu], axis=1), dtype=torch.float32)
    with torch.no_grad():
        said = solver.network.network(x).numpy()
    values = solver.solve(given).values
    np.testing.assert_allclose(values["u"][:, 1], u + 0.1 * 2 * said[:, 0], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(values["v"][:, 1], v + 0.1 * 3 * said[:, 1], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("way", WAYS)
def test_a_longer_roll_out_begins_as_a_shorter_one(way):
    solver = make(way)
    k = solver.history
    short, long = (solver.solve(cases(history=k, frames=f)).values["u"] for f in (5, 9))
    np.testing.assert_allclose(short, long[:, :5], rtol=1e-5, atol=1e-6)
    none = solver.solve(cases(history=k, frames=max(k, 1))).values["u"]
    assert none.shape[1] == k


@pytest.mark.parametrize("way", WAYS)
def test_going_on_from_the_answer_is_going_on(way):
    """The last k frames of an answer as a history give the frames after it: no memory but the frames, no clock."""
    solver = make(way)
    k, m = solver.history, solver.clock.block
    given = cases(history=k, frames=k + 2 * m)
    whole = solver.solve(given)
    tail = {f"initial_{n}": whole.values[n][:, m : m + k] for n in "uv"}
    if k == 1:
        tail = {name: a[:, 0] for name, a in tail.items()}
    again = Instances(GRID, tail, given.parameters, 0.5 * np.arange(k + m))
    np.testing.assert_allclose(
        solver.solve(again).values["v"][:, k:], whole.values["v"][:, k + m :], rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("way", WAYS)
def test_save_and_load_give_equal_bits(way, tmp_path):
    solver, given = make(way), cases(history=WAYS[way].history)
    solver.save(tmp_path / "best.safetensors")
    loaded = FNO.load(tmp_path)
    assert loaded.facts() == solver.facts()
    assert loaded.history == WAYS[way].history
    for name in "uv":
        assert loaded.solve(given).values[name].tobytes() == solver.solve(given).values[name].tobytes()


def test_batches_are_answered_case_by_case():
    solver, given = make("recurrent"), cases(history=3)
    whole = solver.solve(given).values["u"]
    solver.batch = 3
    np.testing.assert_allclose(solver.solve(given).values["u"], whole, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(solver.solve(given[[2]]).values["u"], whole[[2]], rtol=1e-4, atol=1e-5)
    assert solver.solve(given[0:0]).values["u"].shape == (0, 8, 12, 10)


def test_a_finer_grid_is_answered_too():
    fine = Grid.make([24, 20], 2.0, location="vertex")
    assert make("spacetime").solve(cases(history=2, grid=fine)).values["u"].shape == (4, 8, 24, 20)


def test_nan_is_a_status_of_its_sample():
    given = cases()
    given.fields["initial_v"][1, 3, 3] = np.nan
    solver = make()
    assert [s.name for s in solver.solve(given).status] == ["EVALUATED", "NONFINITE_INPUT", "EVALUATED", "EVALUATED"]
    solver.restore({name: np.full_like(a, np.nan) for name, a in solver.arrays().items()})
    assert solver.solve(cases()).status == [Status.NONFINITE] * 4


def test_a_history_that_is_missing_or_short_is_refused_and_the_stored_frames_are_one():
    solver = make("recurrent")
    message = r"needs 3 frames to start from[\s\S]*'initial_u' of shape \(4, {}12, 10\)[\s\S]*\(n, 3, 12, 10\)[\s\S]*solver.given"
    for history, shape in ((1, ""), (2, "2, ")):
        with pytest.raises(BadInput, match=message.format(shape)):
            solver.solve(cases(history=history))
    stored = {name: np.random.default_rng(3).standard_normal((4, 8, 12, 10)).astype(np.float32) for name in "uv"}
    ready = solver.given(cases(), stored)
    np.testing.assert_array_equal(ready.fields["initial_v"], stored["v"][:, :3])
    np.testing.assert_array_equal(solver.solve(ready).values["v"][:, :3], stored["v"][:, :3])
    assert make("markov").given(cases(), stored).fields["initial_u"].ndim == 3


def test_more_history_than_is_needed_is_cut():
    solver, given = make(), cases(history=3)
    first = {name: a[:, 0] for name, a in given.fields.items()}
    alone = solver.solve(Instances(GRID, first, given.parameters, given.times)).values["u"]
    np.testing.assert_array_equal(solver.solve(given).values["u"], alone)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"times": None}, "asked for no times"),
        ({"times": 0.25 * np.arange(8)}, r"one spacing of frames only[\s\S]*0.25[\s\S]*allowed: 0.5"),
        ({"fields": {}}, "needs the input 'initial_u'"),
        ({"parameters": {}}, "needs the input 'nu'"),
    ],
)
def test_cases_of_another_kind_are_refused(change, message):
    given = cases()
    parts = {"fields": given.fields, "parameters": given.parameters, "times": given.times, **change}
    with pytest.raises(BadInput, match=message):
        make().solve(Instances(GRID, **parts))


def test_a_steady_solver_has_no_history():
    channels = Channels(inputs=(Channel(name="a"),), outputs=(Channel(name="u"),))
    assert FNO(FNOConfig(n_modes=4, width=4, depth=1), channels, GRID).history == 0
