"""The script beside learn-in-time: its table is of the right frames, everybody starts from the same one."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

import pdekit
from pdekit.problems import Burgers
from pdekit.solver import Instances
from pdekit.space.grid import Grid

SCRIPT = Path(__file__).parents[2] / "examples" / "learn-in-time" / "rollout.py"
GRID = Grid.make(32, 2 * np.pi, location="vertex")
TIMES = np.arange(0.0, 7.0)  # one apart, as far as the script's steps must divide
TINY = {
    "model.n_modes": 8,
    "model.width": 4,
    "model.depth": 1,
    "training.epochs": 1,
    "training.batch": 4,
    "training.threads": 1,
    "training.hold_out": 1,
}


@pytest.fixture(scope="module")
def rollout():
    spec = importlib.util.spec_from_file_location("rollout", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A file of Burgers trajectories, solved at a fortieth of the script's smallest step, and a network barely trained."""
    out, rng, x = tmp_path_factory.mktemp("rollout"), np.random.default_rng(0), GRID.coordinates[0]
    splits = {}
    for name in ("train", "test"):
        start = rng.normal(size=(3, 1)) * np.cos(x + rng.uniform(0, 6, size=(3, 1)))
        cases = Instances(GRID, {"initial": start}, times=TIMES)
        solver = pdekit.load_solver("etdrk4", {"settings.dt": 0.0125}).prepare(Burgers(nu=0.2))
        splits[name] = {"initial": start, "u": solver.solve(cases).values["u"]}
    file = pdekit.write_dataset(out / "b.h5", splits, grid=GRID, problem=Burgers(nu=0.2), time=TIMES, dtype="float64")
    pdekit.train("fno-markov", file, out=out / "run", overrides=TINY, device="cpu")
    return out


def test_errors_are_of_the_frames_named_and_means_of_ratios(rollout):
    """Sample 0 is wrong by a tenth a frame, sample 1 is exact, a hundred times larger."""
    truth = np.ones((2, 42, 4))
    truth[1] *= 100.0
    answer = truth.copy()
    answer[0] *= 1 + 0.1 * np.arange(42)[:, None]
    np.testing.assert_allclose(rollout.errors(answer, truth), 0.05 * np.array([1, 5, 10, 20, 41]))


def test_all_start_from_the_given_frame_and_the_solver_converges(rollout, folder, monkeypatch, capsys):
    monkeypatch.setattr(rollout, "FRAMES", (1, 5, -1))
    truth, found = rollout.answers(str(folder / "run"), str(folder / "b.h5"))
    assert set(found) == {"persistence", "network", *(f"etdrk4, dt {dt}" for dt in rollout.STEPS)}
    for who, (answer, seconds) in found.items():
        assert answer.shape == truth.shape, who
        np.testing.assert_allclose(answer[:, 0], truth[:, 0], atol=1e-6 if who == "network" else 1e-13, err_msg=who)
        assert (seconds == 0.0) == (who == "persistence")
    assert np.ptp(found["persistence"][0], axis=1).max() == 0.0
    error = {who: rollout.errors(answer, truth)[-1] for who, (answer, _) in found.items()}
    halved = error["etdrk4, dt 0.1"] / error["etdrk4, dt 0.05"]
    assert 8 < halved < 32, halved  # of fourth order
    assert error["etdrk4, dt 0.1"] < 1e-3 * error["network"]
    rollout.main(str(folder / "run"), str(folder / "b.h5"))
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split()[3:6] == ["1", "5", "6"]
    assert [row[:17].rstrip() for row in rows] == list(found)
