"""What every learned card in `solvers/` owes: a bundle that gives the same bits back, and, for networks, gradients in
every parameter, eight samples learned by heart, one function on any grid; with a table [time], trajectories in one and two
dimensions.

A new card is found here by its file; nothing in this file names one.
"""

import inspect
import pickle
import warnings

import numpy as np
import pytest
import torch

from pdekit.errors import FormatError
from pdekit.models.channels import Channel, Channels
from pdekit.models.clock import Clock
from pdekit.models.network import NetworkSolver
from pdekit.models.rollout import roll_out
from pdekit.models.solver import LearnedSolver
from pdekit.registry import read_card, solver_class, solver_names
from pdekit.solver import Instances
from pdekit.space.grid import Grid
from pdekit.training.losses import make_loss
from pdekit.training.optim import make_optimizer, make_rates, set_rates
from pdekit.training.settings import Optimizer, Schedule, check_card

CPU = torch.device("cpu")
DIMENSIONS = [Grid.make([24], location="vertex"), Grid.make([24, 20], location="vertex")]
LEARNED = [name for name in solver_names() if read_card(name).learned]
IN_TIME = [name for name in LEARNED if read_card(name).time]
NETWORKS = [name for name in LEARNED if issubclass(solver_class(read_card(name)), NetworkSolver)]


def settings(name, **changes):
    """The card's own [model], with what a test changes; a key that the model does not know is left out."""
    cls = solver_class(read_card(name))
    known = cls.Config.model_fields
    changes = {f"model.{k}": v for k, v in changes.items() if k in known}
    return check_card(read_card(name, changes), cls, name)


def make(name, grid, channels=(1, 1), seed=0, **changes):
    cls, config = solver_class(read_card(name)), settings(name, **changes).model
    torch.manual_seed(seed)
    names = (
        tuple(Channel(name=f"{kind}{i}", scale=2.0) for i in range(n)) for kind, n in zip("au", channels, strict=True)
    )
    return cls(config, Channels(inputs=next(names), outputs=next(names)), grid)


def smooth(n, samples, seed, k_max=3):
    """(samples, 1, n, n): sums of waves up to k_max, the same functions at every n, endpoint left out."""
    rng = np.random.default_rng(seed)
    x = 2 * np.pi * np.arange(n) / n
    waves = np.stack([f(k * x) for k in range(k_max + 1) for f in (np.cos, np.sin)])
    a = rng.standard_normal((samples, 1, len(waves), len(waves)))
    return torch.tensor(np.einsum("scij,ix,jy->scxy", a, waves, waves) / k_max**2, dtype=torch.float32)


def test_there_are_networks_and_closed_forms():
    assert NETWORKS
    assert set(NETWORKS) < set(LEARNED)


@pytest.mark.parametrize("name", LEARNED)
def test_a_bundle_gives_the_same_bits_back(name, tmp_path):
    grid = Grid.make([16, 16], boundary="periodic")
    solver = make(name, grid)
    rng = np.random.default_rng(0)
    x, y = (rng.standard_normal((12, 1, 16, 16)).astype(np.float32) for _ in range(2))
    if solver.closed_form:
        blocks = lambda: [(x[:8], y[:8]), (x[8:], y[8:])]  # noqa: E731
        solver.fit(blocks, blocks)
    solver.save(tmp_path / "best.safetensors")
    loaded = type(solver).load(tmp_path)
    cases = Instances(grid, {"a0": x[:, 0]})
    assert loaded.solve(cases).values["u0"].tobytes() == solver.solve(cases).values["u0"].tobytes()
    for key, array in solver.arrays().items():
        assert loaded.arrays()[key].tobytes() == array.tobytes(), key
        assert loaded.arrays()[key].dtype == array.dtype, key


@pytest.mark.parametrize("name", LEARNED)
def test_a_pickled_bundle_is_refused_unread(name, tmp_path):
    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("a pickle was loaded",))

    (tmp_path / "best.safetensors").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(FormatError, match="pickled checkpoints are never loaded"):
        solver_class(read_card(name)).load(tmp_path)


@pytest.mark.parametrize("name", LEARNED)
def test_a_model_takes_a_small_set_of_settings_by_name(name):
    cls = solver_class(read_card(name))
    assert issubclass(cls, LearnedSolver)
    assert len(cls.Config.model_fields) <= 10
    kinds = {p.kind for p in inspect.signature(cls.__init__).parameters.values()}
    assert inspect.Parameter.VAR_KEYWORD not in kinds


@pytest.mark.parametrize("channels", [(1, 1), (2, 3)])
@pytest.mark.parametrize("name", NETWORKS)
def test_every_parameter_of_the_card_s_network_receives_a_gradient(name, channels):
    network = make(name, Grid.make([32, 32]), channels).network
    torch.manual_seed(1)
    network(torch.randn(2, channels[0], 32, 32)).square().sum().backward()
    silent = [n for n, p in network.named_parameters() if p.grad is None or not bool(p.grad.abs().max() > 0)]
    assert silent == []


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_is_dimensionless_float32_in_and_out(name):
    network = make(name, Grid.make([16, 16]), (2, 3)).network
    answer = network(torch.randn(4, 2, 16, 16))
    assert answer.shape == (4, 3, 16, 16)
    assert answer.dtype == torch.float32


@pytest.mark.parametrize("name", NETWORKS)
def test_each_sample_is_answered_for_itself(name):
    network = make(name, Grid.make([16, 16])).network.eval()
    u = torch.randn(4, 1, 16, 16)
    with torch.no_grad():
        whole, one = network(u), network(u[2:3])
    torch.testing.assert_close(one, whole[2:3], rtol=1e-4, atol=1e-5 * float(whole.abs().max()))


@pytest.mark.parametrize("name", NETWORKS)
def test_eight_samples_are_learned_by_heart(name):
    """300 steps at the card's width, with its optimiser and schedule: relative L2 below 0.02 (fno.md, acceptance 8).

    Reached by the card's own learning rate too, so that it is one that the network can learn with.
    """
    grid = Grid.make([16, 16], boundary="dirichlet")
    network = make(name, grid, n_modes=[8, 8]).network
    card = settings(name).training
    x, y = torch.sign(smooth(16, 8, seed=1)), smooth(16, 8, seed=2)
    optimizer = make_optimizer(
        Optimizer(name=card.optimizer.name, learning_rate=card.optimizer.learning_rate), network.parameters()
    )
    rates = make_rates(Schedule(name=card.schedule.name), card.optimizer.learning_rate, 300)
    loss = make_loss("relative_l2", grid, CPU)
    for step in range(300):
        optimizer.zero_grad()
        loss(network(x), y).backward()
        set_rates(optimizer, *rates(step))
        optimizer.step()
    with torch.no_grad():
        assert float(loss(network(x), y)) < 0.02


@pytest.mark.parametrize("fine", [64, 128])
@pytest.mark.parametrize("name", NETWORKS)
def test_the_same_function_on_a_finer_grid_without_coordinates(name, fine):
    """Claimed by every network here. Band-limited input; what differs is the aliasing of the nonlinearities."""
    network = make(name, Grid.make([32, 32], boundary="periodic", location="vertex"), embedding="none").network
    step = fine // 32
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("error")
        coarse, same = network(smooth(32, 2, seed=0)), network(smooth(fine, 2, seed=0))[..., ::step, ::step]
    assert float((same - coarse).norm() / coarse.norm()) < 1e-4


def in_time(name, grid, seed=0):
    """The card's own way in time over two fields and a number that stays; one number of modes serves every dimension."""
    tables, cls = settings(name), solver_class(read_card(name))
    horizon = 3 if tables.time.horizon == "all" else tables.time.horizon
    clock = Clock(settings=tables.time, spacing=0.5, frames=tables.time.history + horizon, horizon=horizon,
                  starts=("initial_u", "initial_v"), increments=(0.1, 0.2), deviations=(1.0, 1.0))  # fmt: skip
    channels = Channels(
        inputs=(Channel(name="nu", kind="parameter"),), outputs=(Channel(name="u", scale=2.0), Channel(name="v"))
    )
    torch.manual_seed(seed)
    return cls(tables.model, channels, grid, clock=clock)


def test_there_are_cards_in_time():
    ways = [(settings(name).time.way, settings(name).time.history > 1) for name in IN_TIME]
    assert {("step", False), ("step", True), ("spacetime", True)} <= set(ways)


@pytest.mark.parametrize("grid", DIMENSIONS, ids=["1d", "2d"])
@pytest.mark.parametrize("name", IN_TIME)
def test_a_card_in_time_answers_trajectories_and_its_bundle_gives_the_same_bits(name, grid, tmp_path):
    solver = in_time(name, grid)
    k, rng = solver.history, np.random.default_rng(0)
    frames = k + 2
    starts = {f"initial_{n}": rng.standard_normal((2, k, *grid.points)).astype(np.float32) for n in "uv"}
    starts = {n: a[:, 0] for n, a in starts.items()} if k == 1 else starts
    cases = Instances(grid, starts, {"nu": np.array([0.5, 1.0])}, 0.5 * np.arange(frames))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        values = solver.prepare(None).solve(cases).values
    solver.save(tmp_path / "best.safetensors")
    again = type(solver).load(tmp_path).solve(cases).values
    for name_of in "uv":
        assert values[name_of].shape == (2, frames, *grid.points)
        assert np.isfinite(values[name_of]).all()
        assert values[name_of].tobytes() == again[name_of].tobytes()


@pytest.mark.parametrize("grid", DIMENSIONS, ids=["1d", "2d"])
@pytest.mark.parametrize("name", IN_TIME)
def test_every_parameter_of_a_card_in_time_receives_a_gradient_from_its_roll_out(name, grid):
    solver = in_time(name, grid)
    u = torch.randn(2, solver.history, 2, *grid.points)
    roll_out(solver.network, u, torch.randn(2, 1, *grid.points), 2).square().sum().backward()
    silent = [n for n, p in solver.network.named_parameters() if p.grad is None or not bool(p.grad.abs().max() > 0)]
    assert silent == []
