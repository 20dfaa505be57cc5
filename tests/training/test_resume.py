"""A run that was stopped and resumed ends with the bits of one that was not: weights, moments, generators, history."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from pdekit.errors import BadInput, FormatError
from pdekit.models.bundle import read_bundle
from pdekit.training.train import train


class Stop(Exception):
    """What ends a run in these tests."""


def stop_at(text):
    def progress(done, total, what):
        if what.startswith(text):
            raise Stop

    return progress


def outcome(run):
    """Everything that a run leaves but its seconds: arrays as bytes, state, history."""
    found = {}
    for name in ("best", "last"):
        arrays, text = read_bundle(run / f"{name}.safetensors")
        arrays.pop("generator.python", None)  # beartype, active in tests, draws from it which items to check
        facts = json.loads(text)
        facts.get("state", {}).pop("seconds", None)
        found[name] = ({k: (v.dtype, v.shape, v.tobytes()) for k, v in arrays.items()}, facts)
    lines = [json.loads(line) for line in (run / "history.jsonl").read_text(encoding="utf-8").splitlines()]
    for line in lines:
        assert line.pop("seconds") > 0
    facts = json.loads((run / "run.json").read_text(encoding="utf-8"))
    kept = ("status", "best_epoch", "best_valid_relative_l2", "epochs", "steps", "samples", "augmentation", "threads")
    return {**found, "history": lines, **{k: facts[k] for k in kept}}


KINDS = {
    "batch": {},
    "sample": {"training.augmentation": "sample"},
    "tfno": {"solver": "tfno"},
    "noise": {"training.noise": 0.3},
    "adam, cosine, h1": {
        "training.optimizer.name": "adam",
        "training.schedule.name": "cosine",
        "training.loss": "h1",
        "training.augmentation": False,
    },
}


@pytest.mark.parametrize("kind", KINDS)
def test_two_and_two_epochs_are_four(darcy, tiny, tmp_path, kind):
    settings = {**tiny, **KINDS[kind]}
    solver = settings.pop("solver", "fno")
    options = {"overrides": settings, "seed": 1, "device": "cpu"}
    whole = train(solver, darcy, out=tmp_path / "whole", **options)
    with pytest.raises(Stop):
        train(solver, darcy, out=tmp_path / "parts", **options, progress=stop_at("epoch 2/4"))
    lines = (tmp_path / "parts" / "history.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 2
    parts = train(solver, darcy, out=tmp_path / "parts", **options, resume=True)
    assert outcome(parts) == outcome(whole)


def test_streamed_data_too(darcy, tiny, tmp_path, monkeypatch):
    from pdekit.data import windows

    real = windows.open_samples
    options = {"overrides": tiny, "seed": 1, "device": "cpu"}
    whole = train("fno", darcy, out=tmp_path / "whole", **options)
    monkeypatch.setattr(
        "pdekit.training.network.open_samples", lambda s, d, *, budget, **more: real(s, d, budget=0, **more)
    )
    with pytest.raises(Stop):
        train("fno", darcy, out=tmp_path / "parts", **options, progress=stop_at("epoch 2/4"))
    parts = train("fno", darcy, out=tmp_path / "parts", **options, resume=True)
    assert json.loads((parts / "run.json").read_text(encoding="utf-8"))["data"] == "streamed"
    assert outcome(parts) == outcome(whole)


def test_stopped_before_the_first_epoch(darcy, tiny, tmp_path):
    options = {"overrides": tiny, "device": "cpu"}
    with pytest.raises(Stop):
        train("fno", darcy, out=tmp_path / "parts", **options, progress=stop_at("reading"))
    parts = train("fno", darcy, out=tmp_path / "parts", **options, resume=True)
    assert outcome(parts) == outcome(train("fno", darcy, out=tmp_path / "whole", **options))


def test_killed_between_history_and_checkpoint(darcy, tiny, tmp_path):
    """A line too many, the last one torn: the epoch is done again, and stands there once."""
    options = {"overrides": tiny, "device": "cpu"}
    with pytest.raises(Stop):
        train("fno", darcy, out=tmp_path / "parts", **options, progress=stop_at("epoch 2/4"))
    with (tmp_path / "parts" / "history.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"epoch": 3, "step": 15, "train_loss": 9.9}\n{"epoch": 4, "st')
    parts = train("fno", darcy, out=tmp_path / "parts", **options, resume=True)
    assert outcome(parts) == outcome(train("fno", darcy, out=tmp_path / "whole", **options))


PROGRAM = """
import sys
from pathlib import Path
from pdekit.training.train import train
out, file, settings, resume = sys.argv[1:]
train("fno", file, out=out, overrides=eval(settings), device="cpu", resume=resume == "resume")
"""


@pytest.mark.parametrize("kills", [(3,), pytest.param((2, 5, 8, 11), marks=pytest.mark.slow)])
def test_killed_in_the_middle_of_an_epoch(darcy, tiny, tmp_path, kills):
    """SIGKILL from outside at an arbitrary step, once or several times over one run."""
    settings = {**tiny, "training.epochs": 6 if len(kills) == 1 else 14}
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}

    def start(out, resume):
        arguments = [sys.executable, "-c", PROGRAM, str(out), str(darcy), repr(settings), resume]
        return subprocess.Popen(arguments, env=environment, stderr=subprocess.PIPE, text=True)

    out, history = tmp_path / "parts", tmp_path / "parts" / "history.jsonl"
    killed = 0
    for kill, after in enumerate(kills):
        process = start(out, "resume" if kill else "new")
        while process.poll() is None:
            done = len(history.read_text(encoding="utf-8").splitlines()) if history.is_file() else 0
            if done >= after:
                time.sleep(0.01 * (1 + kill))
                process.send_signal(signal.SIGKILL)
                break
            time.sleep(0.002)
        killed += process.wait() == -signal.SIGKILL
    assert killed == len(kills)
    train("fno", darcy, out=out, overrides=settings, device="cpu", resume=True)
    whole = train("fno", darcy, out=tmp_path / "whole", overrides=settings, device="cpu")
    assert outcome(out) == outcome(whole)
    assert [line["epoch"] for line in outcome(out)["history"]] == list(range(1, settings["training.epochs"] + 1))
    assert not list(out.glob("*.tmp"))


def test_a_finished_run_is_left_as_it_is(darcy, tiny, tmp_path):
    run = train("fno", darcy, out=tmp_path / "run", overrides=tiny, device="cpu")
    before = {p.name: (p.read_bytes(), p.stat().st_mtime_ns) for p in run.iterdir()}
    assert train("fno", darcy, out=run, overrides=tiny, device="cpu", resume=True) == run
    assert {p.name: (p.read_bytes(), p.stat().st_mtime_ns) for p in run.iterdir()} == before


def test_seconds_go_on_from_those_before(darcy, tiny, tmp_path):
    options = {"overrides": tiny, "device": "cpu"}
    with pytest.raises(Stop):
        train("fno", darcy, out=tmp_path / "run", **options, progress=stop_at("epoch 2/4"))
    run = train("fno", darcy, out=tmp_path / "run", **options, resume=True)
    lines = [json.loads(line) for line in (run / "history.jsonl").read_text(encoding="utf-8").splitlines()]
    assert np.all(np.diff([line["seconds"] for line in lines]) > 0)
    assert json.loads((run / "run.json").read_text(encoding="utf-8"))["seconds"] >= lines[-1]["seconds"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 2}, r"began with another seed[\s\S]*seed = 2[\s\S]*seed = 1"),
        ({"overrides": "other"}, r"began with another card"),
        ({"solver": "tfno"}, r"began with another card"),
    ],
)
def test_another_seed_or_card_is_refused(darcy, tiny, tmp_path, change, message):
    run = train("fno", darcy, out=tmp_path / "run", overrides=tiny, seed=1, device="cpu")
    options = {"solver": "fno", "overrides": tiny, "seed": 1, **change}
    if options["overrides"] == "other":
        options["overrides"] = {**tiny, "training.epochs": 5}
    with pytest.raises(BadInput, match=message):
        train(options.pop("solver"), darcy, out=run, **options, device="cpu", resume=True)


def test_a_folder_that_is_no_run_is_refused(darcy, tmp_path):
    (tmp_path / "note.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(BadInput, match=r"not a run that could be resumed"):
        train("fno", darcy, out=tmp_path, resume=True)


def test_a_damaged_checkpoint_is_said_not_ignored(darcy, tiny, tmp_path):
    options = {"overrides": tiny, "device": "cpu"}
    with pytest.raises(Stop):
        train("fno", darcy, out=tmp_path / "run", **options, progress=stop_at("epoch 2/4"))
    path = tmp_path / "run" / "last.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(FormatError, match="not a checkpoint of pdekit"):
        train("fno", darcy, out=tmp_path / "run", **options, resume=True)
