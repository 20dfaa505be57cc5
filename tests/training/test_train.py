import json
import re

import numpy as np
import pytest

from pdekit.data.read import open_file, read_instances
from pdekit.data.write import write_dataset
from pdekit.errors import BadInput, SolveError
from pdekit.metrics.pointwise import relative_l2
from pdekit.models.fno import FNO
from pdekit.models.mean import MeanField
from pdekit.models.pod import PODRidge
from pdekit.space.grid import Grid
from pdekit.training.train import train


def history(run):
    return [json.loads(line) for line in (run / "history.jsonl").read_text(encoding="utf-8").splitlines()]


def record(run):
    return json.loads((run / "run.json").read_text(encoding="utf-8"))


def scored(solver, file, split):
    _, instances, outputs = read_instances(file, split)
    answer = solver.solve(instances).values
    (name,) = outputs
    return float(
        np.asarray(
            relative_l2(answer[name][:, None, ..., None], np.asarray(outputs[name])[:, None, ..., None], instances.grid)
        ).mean()
    )


@pytest.fixture(scope="module")
def finished(darcy, tmp_path_factory):
    overrides = {"model.n_modes": [6, 6], "model.width": 8, "model.depth": 2, "training.epochs": 4}
    overrides |= {"training.batch": 5, "training.threads": 1}
    seen = []
    run = train(
        "fno",
        darcy,
        out=tmp_path_factory.mktemp("run") / "fno",
        overrides=overrides,
        seed=3,
        device="cpu",
        progress=lambda *said: seen.append(said),
    )
    return run, seen


def test_a_run_folder_holds_what_it_says(finished, darcy):
    run, _ = finished
    assert sorted(p.name for p in run.iterdir()) == [
        "best.safetensors",
        "card.toml",
        "history.jsonl",
        "last.safetensors",
        "run.json",
    ]
    facts = record(run)
    assert facts["status"] == "finished"
    assert facts["solver"] == "fno"
    assert facts["seed"] == 3
    assert facts["epochs"] == 4
    assert facts["steps"] == 20
    assert facts["samples"] == {"train": 24, "valid": 8}
    assert facts["data"] == "memory"
    assert facts["threads"] == facts["machine"]["threads"] == 1
    assert facts["machine"]["device"] == "cpu"
    assert len(facts["augmentation"]) == 8
    assert facts["degrees_of_freedom"] > facts["parameters"] > 0
    assert facts["seconds"] > 0
    assert {"python", "pdekit", "torch", "neuraloperator", "numpy"} <= set(facts["versions"])
    with open_file(darcy) as file:
        assert facts["file_hash"] == file.content_hash
    assert "epochs = 4" in (run / "card.toml").read_text(encoding="utf-8")


def test_the_history_has_a_line_an_epoch(finished):
    run, _ = finished
    lines = history(run)
    assert [line["epoch"] for line in lines] == [1, 2, 3, 4]
    assert [line["step"] for line in lines] == [5, 10, 15, 20]
    assert all(sum(line["augmentation"].values()) == 5 for line in lines)
    assert lines[-1]["learning_rate"] < 1e-7 < lines[0]["learning_rate"]
    assert all(np.diff([line["seconds"] for line in lines]) > 0)
    best, values = 0, []
    for line in lines:
        values.append(line["valid_relative_l2"])
        assert line["best"] == (values[-1] == min(values))
        best = line["epoch"] if line["best"] else best
    assert record(run)["best_epoch"] == best
    assert record(run)["best_valid_relative_l2"] == min(values)


def test_the_best_weights_give_the_best_value_of_the_validation_split(finished, darcy):
    run, _ = finished
    assert scored(FNO.load(run), darcy, "valid") == pytest.approx(record(run)["best_valid_relative_l2"], rel=1e-5)


def test_progress_names_epoch_loss_and_validation(finished):
    _, seen = finished
    assert seen[0] == (24, 24, "reading train")
    last = seen[-1]
    assert last[:2] == (20, 20)
    assert re.fullmatch(r"epoch 4/4, train 0\.\d{4}, valid 0\.\d{4}", last[2])


def test_the_test_split_is_never_read(darcy, tiny, tmp_path, monkeypatch):
    """Not by the best epoch, not by a statistic: every read of samples is of train or valid."""
    from pdekit.data.read import DataFile

    read, splits = DataFile.read, set()
    monkeypatch.setattr(DataFile, "read", lambda self, split, *rest: (splits.add(split), read(self, split, *rest))[1])
    for solver in ("fno", "pod-ridge", "mean-field"):
        train(solver, darcy, out=tmp_path / solver, overrides=tiny if solver == "fno" else None, device="cpu")
        assert splits == {"train", "valid"}
        splits.clear()


@pytest.mark.parametrize("split", ["test", "test_contrast", "train"])
def test_choosing_by_the_test_split_is_refused(darcy, tiny, tmp_path, split):
    with pytest.raises(BadInput, match="never chosen on the test or train split"):
        train("fno", darcy, out=tmp_path / "run", overrides={**tiny, "training.select": split})
    assert not (tmp_path / "run").exists()


def test_held_out_samples_are_not_trained_on(darcy, tiny, tmp_path):
    run = train("fno", darcy, out=tmp_path / "run", overrides={**tiny, "training.hold_out": 6}, device="cpu")
    assert record(run)["samples"] == {"train": 18, "held out of train": 6}
    assert record(run)["steps"] == 4 * 4


def test_augmentation_can_be_switched_off_and_is_then_not_claimed(darcy, tiny, tmp_path):
    run = train("fno", darcy, out=tmp_path / "run", overrides={**tiny, "training.augmentation": False}, device="cpu")
    assert record(run)["augmentation"] == []
    assert all(line["augmentation"] == {} for line in history(run))


def test_the_same_seed_gives_the_same_bits_and_another_does_not(darcy, tiny, tmp_path, finished):
    again = train("fno", darcy, out=tmp_path / "again", overrides=tiny, seed=3, device="cpu")
    other = train("fno", darcy, out=tmp_path / "other", overrides=tiny, seed=4, device="cpu")
    first, same, differs = ((r / "best.safetensors").read_bytes() for r in (finished[0], again, other))
    assert first == same
    assert first != differs


def test_streaming_from_the_file_changes_no_bit(darcy, tiny, tmp_path, finished, monkeypatch):
    monkeypatch.setattr("pdekit.training.network.open_samples", streamed(monkeypatch))
    run = train("fno", darcy, out=tmp_path / "run", overrides=tiny, seed=3, device="cpu")
    assert record(run)["data"] == "streamed"
    assert (run / "best.safetensors").read_bytes() == (finished[0] / "best.safetensors").read_bytes()


def streamed(monkeypatch):
    from pdekit.data import windows

    real = windows.open_samples
    return lambda samples, device, *, budget, **options: real(samples, device, budget=0, **options)


@pytest.mark.parametrize(("solver", "cls"), [("pod-ridge", PODRidge), ("mean-field", MeanField)])
def test_closed_forms_fill_the_same_folder(darcy, tmp_path, solver, cls):
    run = train(solver, darcy, out=tmp_path / "run")
    facts = record(run)
    assert facts["status"] == "finished"
    assert facts["samples"] == {"train": 24, "valid": 8}
    assert [line["epoch"] for line in history(run)] == [1]
    assert scored(cls.load(run), darcy, "valid") == pytest.approx(facts["best_valid_relative_l2"], rel=1e-5)
    assert train(solver, darcy, out=run, resume=True) == run


def test_h1_trains_too(darcy, tiny, tmp_path):
    run = train("fno", darcy, out=tmp_path / "run", overrides={**tiny, "training.loss": "h1"}, device="cpu")
    assert history(run)[-1]["train_loss"] > history(run)[-1]["valid_relative_l2"]  # gradients are harder


def test_a_loss_that_is_not_finite_is_a_failed_run_that_keeps_its_best(darcy, tiny, tmp_path):
    run = tmp_path / "run"
    wild = {
        **tiny,
        "training.optimizer.learning_rate": 1e30,
        "training.clip": 1e9,
        "training.schedule.name": "constant",
    }
    with pytest.raises(SolveError, match=r"loss is not finite in epoch \d, step \d+, at learning rate"):
        train("fno", darcy, out=run, overrides=wild, device="cpu")
    assert record(run)["status"] == "failed"
    assert "not finite" in record(run)["reason"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"device": "tpu"}, r"no such device[\s\S]*'tpu'[\s\S]*\"auto\", \"cpu\", \"cuda\""),
        ({"devices": 2}, r"several devices is not part of this version[\s\S]*devices = 2, nodes = 1"),
        ({"nodes": 2}, r"several devices is not part of this version"),
        ({"seed": -1}, r"seed cannot be used[\s\S]*-1"),
        ({"overrides": {"training.epochs": 0}}, r"training.epochs"),
        ({"overrides": {"training.batch": 2.5}}, r"training.batch"),
        ({"overrides": {"training.noise": -0.1}}, r"training.noise"),
        ({"overrides": {"training.loss": "l1"}}, r"training.loss"),
        ({"overrides": {"training.hold_out": 24}}, r"hold_out leaves nothing to train on[\s\S]*24 of 24"),
        ({"overrides": {"training.select": "valdi"}}, r"no split 'valdi'[\s\S]*hold_out=50"),
        ({"overrides": {"model.n_modes": [4]}}, r"n_modes does not fit"),
        ({"overrides": {"model.width": -1, "training.clip": 0.0}}, r"model.width[\s\S]*training.clip"),
    ],
)
def test_wrong_use_is_refused_before_any_work(darcy, tmp_path, options, message):
    with pytest.raises(BadInput, match=message):
        train("fno", darcy, out=tmp_path / "run", **options)


def test_a_classical_solver_has_nothing_to_train(darcy, tmp_path):
    with pytest.raises(BadInput, match=r"nothing to train[\s\S]*pdekit compare"):
        train("pcg-multigrid", darcy, out=tmp_path / "run")


def test_a_run_folder_is_not_overwritten(darcy, finished):
    with pytest.raises(BadInput, match=r"exists already[\s\S]*--resume"):
        train("fno", darcy, out=finished[0])


def test_a_split_without_spread_is_named_before_training(tmp_path, tiny):
    a = np.random.default_rng(0).standard_normal((6, 8, 8)).astype(np.float32)
    split = {"a": a, "u": np.zeros_like(a)}
    path = write_dataset(
        tmp_path / "d.h5", {"train": split, "valid": split}, grid=Grid.make([8, 8]), roles={"a": "input", "u": "output"}
    )
    with pytest.raises(BadInput, match=r"output 'u' has no spread over the train split"):
        train("fno", path, out=tmp_path / "run", overrides=tiny)
    assert not (tmp_path / "run").exists()


def test_own_arrays_without_a_problem_train_without_augmentation(tmp_path, tiny):
    a = np.random.default_rng(0).standard_normal((8, 8, 8)).astype(np.float32)
    split = {"a": a, "u": np.roll(a, 1, axis=1)}
    path = write_dataset(
        tmp_path / "d.h5", {"train": split, "valid": split}, grid=Grid.make([8, 8]), roles={"a": "input", "u": "output"}
    )
    run = train("fno", path, out=tmp_path / "run", overrides=tiny, device="cpu")
    assert record(run)["problem"] == ""
    assert record(run)["augmentation"] == []
