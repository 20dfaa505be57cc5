"""From a file of trajectories to a solver that answers them: exact heat as the oracle, resuming, refusals."""

import json

import h5py
import numpy as np
import pytest
from heat_trajectories import SPACING, grid, heat, write

from pdekit.data.read import read_instances
from pdekit.data.write import write_dataset
from pdekit.errors import BadInput
from pdekit.models.bundle import read_bundle
from pdekit.problems.burgers import Burgers
from pdekit.registry import load_solver
from pdekit.training.train import train

RECURRENT = {"time.history": 3, "time.horizon": 2}


def history(run):
    return [json.loads(line) for line in (run / "history.jsonl").read_text(encoding="utf-8").splitlines()]


def record(run):
    return json.loads((run / "run.json").read_text(encoding="utf-8"))


def errors(run, file, split="test"):
    """Relative L2 of each frame, over the samples together."""
    solver = load_solver(run)
    _, instances, outputs = read_instances(file, split)
    (name,) = outputs
    answer, wanted = solver.solve(solver.given(instances, outputs)).values[name], outputs[name]
    axes = (0, *range(2, wanted.ndim))
    return np.sqrt(((answer - wanted) ** 2).sum(axis=axes) / (wanted**2).sum(axis=axes))


def test_a_markov_step_learns_heat_and_rolls_on_beyond_the_frames_it_saw(tmp_path):
    """Linear, exact in Fourier space: one step below 1e-2, and twice as many frames as were stored."""
    file = write(tmp_path / "heat.h5", {"train": 40, "valid": 5, "test": 5})
    quick = {"model.n_modes": 8, "model.width": 8, "model.depth": 1, "training.epochs": 25, "training.batch": 16}
    run = train("fno-markov", file, out=tmp_path / "run", overrides={**quick, "training.threads": 1}, device="cpu")
    assert record(run)["best_valid_relative_l2"] < 5e-3
    found = errors(run, file)
    assert found[0] == 0
    assert found[1] < 1e-2
    u = heat(3, 12, seed=9)
    solver = load_solver(run)
    _, cases, _ = read_instances(file, "test", 3)
    longer = type(cases)(cases.grid, {"initial": u[:, 0]}, {}, SPACING * np.arange(12))
    answer = solver.solve(longer).values["u"]
    assert np.linalg.norm(answer[:, 11] - u[:, 11]) < 0.2 * np.linalg.norm(u[:, 11])
    assert np.linalg.norm(answer[:, 11] - u[:, 11]) < 0.1 * np.linalg.norm(u[:, 0] - u[:, 11])


@pytest.mark.parametrize(
    ("card", "changes"),
    [
        ("fno-recurrent", RECURRENT),
        ("fno-recurrent", {"time.history": 2, "time.horizon": "all", "time.predict": "delta"}),
        ("fno-spacetime", {"time.history": 2, "time.horizon": 4, "model.n_modes": [8, 4]}),
    ],
)
def test_the_other_ways_learn_it_too(heat_file, quick, tmp_path, card, changes):
    """No frame of the history is scored; every other one is far better than after an epoch."""
    settings = {
        **quick,
        "training.optimizer.learning_rate": 1e-2,
        "training.epochs": 30,
        "training.batch": 5,
        **changes,
    }
    run = train(card, heat_file, out=tmp_path / "run", overrides=settings, device="cpu")
    found, k = errors(run, heat_file), settings["time.history"]
    assert (found[:k] == 0).all()
    assert (found[k:] > 0).all()
    assert found[k] < 0.15
    lines = history(run)
    assert len(lines[-1]["valid_by_step"]) == {2: 2, "all": 4, 4: 4}[settings["time.horizon"]]
    assert lines[-1]["valid_relative_l2"] == pytest.approx(np.mean(lines[-1]["valid_by_step"]), rel=1e-6)
    assert lines[-1]["valid_relative_l2"] < 0.25 * lines[0]["valid_relative_l2"]


def test_a_file_of_two_frames_is_a_map_from_the_start_to_the_end(tmp_path, quick):
    file = write(tmp_path / "two.h5", {"train": 30, "valid": 5, "test": 5}, 2, times=[0.0, 1.0], spacing=1.0)
    fast = {**quick, "training.epochs": 40, "training.optimizer.learning_rate": 1e-2}
    run = train("fno-flow-map", file, out=tmp_path / "run", overrides=fast, device="cpu")
    assert record(run)["steps"] == 40 * 4
    assert errors(run, file)[1] < 0.1
    assert record(run)["best_valid_relative_l2"] == pytest.approx(min(x["valid_relative_l2"] for x in history(run)))


def test_parameters_per_sample_are_channels(tmp_path, quick):
    """Two diffusivities: a network that is told which one is right for both."""
    splits = {}
    for name, n, seed in (("train", 40, 0), ("valid", 8, 1), ("test", 8, 2)):
        slow, fast = (heat(n // 2, 3, seed=seed + s, nu=nu, spacing=0.5) for s, nu in ((0, 0.05), (10, 0.5)))
        u = np.concatenate([slow, fast])
        splits[name] = {"initial": u[:, 0], "u": u, "nu": np.repeat([0.05, 0.5], n // 2)}
    roles = {"initial": "input", "u": "output", "nu": "parameter"}
    file = write_dataset(tmp_path / "d.h5", splits, grid=grid(), roles=roles, time=0.5 * np.arange(3))
    run = train("fno-markov", file, out=tmp_path / "run", device="cpu",
                overrides={**quick, "model.width": 12, "training.epochs": 30,
                           "training.optimizer.learning_rate": 1e-2})  # fmt: skip
    assert load_solver(run).channels.inputs[0].name == "nu"
    assert errors(run, file)[1] < 0.05
    solver = load_solver(run)
    _, cases, outputs = read_instances(file, "test")
    turned = type(cases)(cases.grid, cases.fields, {"nu": cases.parameters["nu"][::-1].copy()}, cases.times)
    wrong = solver.solve(turned).values["u"][:, 1]
    assert np.linalg.norm(wrong - outputs["u"][:, 1]) > 0.1 * np.linalg.norm(outputs["u"][:, 1])


class Stop(Exception):
    """What ends a run in these tests."""


def stopping(done, total, what):
    if what.startswith("epoch 2/4"):
        raise Stop


def outcome(run):
    """All that a run leaves but its seconds."""
    found = {}
    for name in ("best", "last"):
        arrays, text = read_bundle(run / f"{name}.safetensors")
        arrays.pop("generator.python", None)  # beartype, active in tests, draws from it
        facts = json.loads(text)
        facts.get("state", {}).pop("seconds", None)
        found[name] = ({k: v.tobytes() for k, v in arrays.items()}, facts)
    lines = history(run)
    for line in lines:
        line.pop("seconds")
    return {**found, "history": lines}


KINDS = {
    "random starts": {},
    "curriculum, noise": {"time.horizon": 4, "time.curriculum": 1.0, "training.noise": 0.1},
    "pushforward": {"time.horizon": 3, "time.pushforward": True},
    "recurrent": {**RECURRENT, "time.predict": "value"},
    "spacetime": {"time.way": "spacetime", "time.horizon": 3, "training.loss": "h1"},
}


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_two_and_two_epochs_are_four(heat_file, quick, tmp_path, monkeypatch, kind, streamed):
    """Starts, lengths, noise and weights: the same bits, kept in memory or streamed."""
    from pdekit.data import windows

    options = {"overrides": {**quick, "training.workers": 0, **KINDS[kind]}, "seed": 1, "device": "cpu"}
    whole = train("fno-markov", heat_file, out=tmp_path / "whole", **options)
    if streamed:
        real = windows.open_samples
        monkeypatch.setattr(
            "pdekit.training.network.open_samples", lambda s, d, *, budget, **more: real(s, d, budget=0, **more)
        )
    with pytest.raises(Stop):
        train("fno-markov", heat_file, out=tmp_path / "parts", **options, progress=stopping)
    parts = train("fno-markov", heat_file, out=tmp_path / "parts", **options, resume=True)
    assert record(parts)["data"] == ("streamed" if streamed else "memory")
    assert outcome(parts) == outcome(whole)


def test_shifts_of_each_sample_are_drawn_logged_resumed_and_change_the_training(tmp_path, quick):
    """Burgers offers shifts and a reflection; one of the first and any of the second for each window."""
    splits = {n: {"initial": u[:, 0], "u": u} for n, u in (("train", heat(12, 4)), ("valid", heat(4, 4, seed=1)))}
    times = SPACING * np.arange(4)
    file = write_dataset(tmp_path / "b.h5", splits, grid=grid(), problem=Burgers(), time=times)
    options = {"overrides": quick, "seed": 1, "device": "cpu"}
    whole = train("fno-markov", file, out=tmp_path / "whole", **options)
    names = record(whole)["augmentation"]
    assert names[0] == "identity"
    assert names[-1] == "shift"
    assert all(line["augmentation"]["shift"] == 12 * 3 for line in history(whole))
    with pytest.raises(Stop):
        train("fno-markov", file, out=tmp_path / "parts", **options, progress=stopping)
    assert outcome(train("fno-markov", file, out=tmp_path / "parts", **options, resume=True)) == outcome(whole)
    plain = {**options, "overrides": {**quick, "training.augmentation": False}}
    assert outcome(train("fno-markov", file, out=tmp_path / "plain", **plain))["best"] != outcome(whole)["best"]


def test_an_epoch_of_windows_and_its_steps(heat_file, quick, tmp_path):
    """6 frames hold 5 windows of a Markov step end to end, 20 trajectories 100, 8 a batch: 13 steps; 7 windows are 18."""
    for windows, steps in ((None, 13), (7, 18)):
        changes = {} if windows is None else {"time.windows": windows}
        out = tmp_path / str(windows)
        run = train(
            "fno-markov", heat_file, out=out, overrides={**quick, "training.epochs": 1, **changes}, device="cpu"
        )
        assert record(run)["steps"] == steps
        assert record(run)["samples"] == {"train": 20, "valid": 5}
    assert record(run)["clock"]["spacing"] == pytest.approx(SPACING)


def test_the_clock_holds_what_the_trajectories_say(heat_file, quick, tmp_path):
    run = train("fno-markov", heat_file, out=tmp_path / "run", overrides={**quick, "training.epochs": 1}, device="cpu")
    clock, (channel,) = load_solver(run).clock, load_solver(run).channels.outputs
    u = heat(20, 6).astype(np.float32).astype(np.float64)
    assert channel.shift == 0
    assert channel.scale == pytest.approx(np.sqrt((u**2).mean()), rel=1e-6)
    assert clock.increments[0] == pytest.approx(np.sqrt((np.diff(u, axis=1) ** 2).mean()) / channel.scale, rel=1e-5)
    assert clock.deviations[0] == pytest.approx(u.std() / channel.scale, rel=1e-5)
    assert (clock.frames, clock.starts) == (6, ("initial",))


def test_rows_held_out_choose_the_weights(heat_file, quick, tmp_path):
    changes = {**quick, "training.epochs": 1, "training.hold_out": 4}
    run = train("fno-markov", heat_file, out=tmp_path / "run", overrides=changes, device="cpu")
    assert record(run)["samples"] == {"train": 16, "held out of train": 4}
    u = heat(20, 6)[:16].astype(np.float32).astype(np.float64)
    assert load_solver(run).channels.outputs[0].scale == pytest.approx(np.sqrt((u**2).mean()), rel=1e-6)


def test_a_network_trained_at_one_spacing_refuses_another(heat_file, quick, tmp_path):
    run = train("fno-markov", heat_file, out=tmp_path / "run", overrides={**quick, "training.epochs": 1}, device="cpu")
    other = write(tmp_path / "slow.h5", {"train": 2, "valid": 2, "test": 2}, times=0.2 * np.arange(6))
    _, cases, _ = read_instances(other, "test")
    with pytest.raises(BadInput, match=r"one spacing of frames only[\s\S]*found: 0.2 between[\s\S]*allowed: 0.1\n"):
        load_solver(run).solve(cases)


@pytest.mark.parametrize(
    ("times", "message"),
    [
        (0.3 * np.arange(6), r"one spacing of frames only[\s\S]*found: 0.3 between[\s\S]*split 'valid'"),
        (None, r"trajectories of split 'valid' are shorter than a window[\s\S]*found: 2 frames[\s\S]*3 frames or more"),
    ],
)
def test_a_selection_split_at_other_times_is_refused(heat_file, tmp_path, times, message):
    path = tmp_path / "other.h5"
    path.write_bytes(heat_file.read_bytes())
    with h5py.File(path, "r+") as file:
        if times is not None:
            file["valid/time"][...] = times
    if times is None:
        u, v = heat(4, 6), heat(2, 2, seed=1)
        long, short = (
            write_dataset(tmp_path / f"{n}.h5", {"train": {"initial": a[:, 0], "u": a}, "valid": {"initial": a[:, 0], "u": a}},
                          grid=grid(), roles={"initial": "input", "u": "output"}, time=SPACING * np.arange(a.shape[1]))
            for n, a in (("long", u), ("short", v))
        )  # fmt: skip
        with h5py.File(long, "r+") as file, h5py.File(short) as other:
            del file["valid"]
            other.copy("valid", file)
        path = long
    with pytest.raises(BadInput, match=message):
        train("fno-markov", path, out=tmp_path / "run", overrides={"time.horizon": 2}, device="cpu")


ROLES = {"initial": "input", "u": "output"}


def stored(path, train_times=None, valid_times=None, start=None, roles=None, names=("initial", "u")):
    u, v = heat(4, 6), heat(2, 6, seed=1)
    splits = {"train": {names[0]: u[:, 0] if start is None else start, names[1]: u}}
    times = SPACING * np.arange(6) if train_times is None else train_times
    splits["valid"] = {names[0]: v[:, 0], names[1]: v}
    return write_dataset(path, splits, grid=grid(), roles=roles or ROLES, time=times)


@pytest.mark.parametrize(
    ("options", "changes", "message"),
    [
        ({"train_times": [0, 1, 2, 3, 4, 6.0]}, {}, r"evenly spaced[\s\S]*d.h5[\s\S]*from 1 to 2"),
        ({"start": -heat(4, 1)[:, 0]}, {}, r"'initial' is not the first frame of 'u'[\s\S]*distance of 2 in sample"),
        ({}, {"time.history": 5, "time.horizon": 2}, r"shorter than a window[\s\S]*6 frames; time.history = 5"),
        ({}, {"time.history": 6, "time.horizon": "all"}, r"shorter than a window"),
        ({}, {"scaling.output": "standard"}, r"have no shift[\s\S]*allowed: \"scale\", \"none\""),
        ({}, {"time.histroy": 2}, r"time.histroy[\s\S]*did you mean 'history'"),
        ({}, {"time.pushforward": True, "time.way": "spacetime"}, r"one call: no pushforward"),
        ({"names": ("start", "u"), "roles": {"start": "input", "u": "output"}}, {},
         r"which input starts which trajectory[\s\S]*inputs start; outputs u[\s\S]*'initial_u'"),
    ],
)  # fmt: skip
def test_files_and_cards_that_do_not_fit_are_refused_before_any_work(tmp_path, options, changes, message):
    file = stored(tmp_path / "d.h5", **options)
    with pytest.raises(BadInput, match=message):
        train("fno-markov", file, out=tmp_path / "run", overrides=changes, device="cpu")
    assert not (tmp_path / "run").exists()


def test_fields_and_trajectories_ask_for_cards_of_their_own(tmp_path, heat_file, darcy):
    with pytest.raises(BadInput, match=r"maps fields to fields, and the file stores trajectories[\s\S]*fno-markov"):
        train("fno", heat_file, out=tmp_path / "run", overrides={"model.n_modes": [8]})
    a = np.random.default_rng(0).standard_normal((6, 8, 8)).astype(np.float32)
    split = {"a": a, "u": a}
    path = write_dataset(tmp_path / "d.h5", {"train": split, "valid": split}, grid=grid(8, 2),
                         roles={"a": "input", "u": "output"})  # fmt: skip
    with pytest.raises(BadInput, match=r"learns trajectories, and the file stores none[\s\S]*without a table \[time\]"):
        train("fno-markov", path, out=tmp_path / "run")
    with pytest.raises(BadInput, match=r"problem 'darcy'[\s\S]*problems that are evolution"):
        train("fno-markov", darcy, out=tmp_path / "run")
    with pytest.raises(BadInput, match="closed-form solver learns no trajectories"):
        train("pod-ridge", heat_file, out=tmp_path / "run", overrides={"time.history": 1})


def test_two_fields_start_by_name_and_outputs_that_nothing_starts_are_left_alone(tmp_path, quick):
    splits = {}
    for name, n, seed in (("train", 8, 0), ("valid", 3, 1)):
        u, v = heat(n, 4, seed=seed), heat(n, 4, seed=seed + 5)
        splits[name] = {
            "initial_u": u[:, 0],
            "initial_v": v[:, 0],
            "u": u,
            "v": v,
            "u_tendency": np.gradient(u, axis=1),
        }
    roles = {"initial_u": "input", "initial_v": "input", "u": "output", "v": "output", "u_tendency": "output"}
    file = write_dataset(tmp_path / "d.h5", splits, grid=grid(), roles=roles, time=SPACING * np.arange(4))
    run = train("fno-markov", file, out=tmp_path / "run", overrides={**quick, "training.epochs": 1}, device="cpu")
    solver = load_solver(run)
    assert solver.clock.starts == ("initial_u", "initial_v")
    assert [c.name for c in solver.channels.outputs] == ["u", "v"]
