"""What a run leaves behind where it cannot go on."""

import json

import h5py
import numpy as np
import pytest

from pdekit.errors import FormatError, SolveError
from pdekit.training import history, network
from pdekit.training.train import train


def record(run):
    return json.loads((run / "run.json").read_text(encoding="utf-8"))


def damaged_in(monkeypatch, epoch):
    """From that epoch on, reading fails as a chunk with a wrong checksum does."""
    real = network.run_epoch

    def run_epoch(*given, **options):
        if options["epoch"] == epoch:
            raise FormatError("stored values are damaged.")
        return real(*given, **options)

    monkeypatch.setattr(network, "run_epoch", run_epoch)


def test_a_read_error_late_in_a_run_leaves_its_checkpoints_and_the_run_goes_on(darcy, tiny, tmp_path, monkeypatch):
    whole = train("fno", darcy, out=tmp_path / "whole", overrides=tiny, device="cpu")
    run = tmp_path / "run"
    with monkeypatch.context() as patch:
        damaged_in(patch, 3)
        with pytest.raises(FormatError, match="damaged"):
            train("fno", darcy, out=run, overrides=tiny, device="cpu")
    assert record(run)["status"] == "failed"
    assert "damaged" in record(run)["reason"]
    train("fno", darcy, out=run, overrides=tiny, device="cpu", resume=True)
    assert record(run)["status"] == "finished"
    assert "reason" not in record(run)
    assert (run / "last.safetensors").read_bytes()[-4000:] == (whole / "last.safetensors").read_bytes()[-4000:]
    assert (run / "best.safetensors").read_bytes() == (whole / "best.safetensors").read_bytes()


def test_a_read_error_before_any_checkpoint_leaves_nothing(darcy, tiny, tmp_path, monkeypatch):
    damaged_in(monkeypatch, 1)
    with pytest.raises(FormatError, match="damaged"):
        train("fno", darcy, out=tmp_path / "run", overrides=tiny, device="cpu")
    assert not (tmp_path / "run").exists()


def with_targets(darcy, path, value, rows=1):
    """The file with the outputs of its first validation samples overwritten."""
    path.write_bytes(darcy.read_bytes())
    with h5py.File(path, "r+") as file:
        (name,) = (n for n, d in file["valid"].items() if d.attrs.get("role") in ("output", b"output"))
        file["valid"][name][:rows] = value
    return path


@pytest.mark.parametrize("solver", ["fno", "mean-field"])
def test_nan_in_a_selection_target_stops_a_run_instead_of_ending_it_without_weights(darcy, tiny, tmp_path, solver):
    file = with_targets(darcy, tmp_path / "d.h5", np.nan)
    run = tmp_path / "run"
    with pytest.raises(SolveError, match=r"weights are chosen by is not finite[\s\S]*1 of 8"):
        train(solver, file, out=run, overrides=tiny if solver == "fno" else None, device="cpu")
    assert record(run)["status"] == "failed"
    assert not list(run.glob("*.safetensors"))


@pytest.mark.parametrize("solver", ["fno", "mean-field"])
def test_zero_targets_are_left_out_and_counted(darcy, tiny, tmp_path, solver):
    file = with_targets(darcy, tmp_path / "d.h5", 0.0, rows=3)
    run = train(solver, file, out=tmp_path / "run", overrides=tiny if solver == "fno" else None, device="cpu")
    assert (run / "best.safetensors").is_file()
    lines = [json.loads(line) for line in (run / "history.jsonl").read_text(encoding="utf-8").splitlines()]
    assert {line["valid_zero_references"] for line in lines} == {3}
    assert all(0 < line["valid_relative_l2"] < 10 for line in lines)


def test_weights_that_overflow_in_a_last_step_are_not_kept(darcy, tiny, tmp_path, monkeypatch):
    """The loss before the step is finite; what the step leaves behind is seen by validation alone."""
    run, real = tmp_path / "run", network.run_epoch

    def run_epoch(step, *given, **options):
        losses = real(step, *given, **options)
        if options["epoch"] == 3:
            step.parameters[0].data.fill_(float("nan"))
        return losses

    with monkeypatch.context() as patch:
        patch.setattr(network, "run_epoch", run_epoch)
        with pytest.raises(SolveError, match="not finite"):
            train("fno", darcy, out=run, overrides=tiny, device="cpu")
    train("fno", darcy, out=run, overrides=tiny, device="cpu", resume=True)
    assert record(run)["epochs"] == 4


def test_what_is_not_finite_is_null_in_the_history(tmp_path):
    path = tmp_path / "history.jsonl"

    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    history.append(path, {"epoch": 1, "a": float("nan"), "b": 0.1 + 0.2})
    history.append(path, {"epoch": 2, "a": float("inf"), "b": 1e-300})
    first, second = (json.loads(line, parse_constant=refuse) for line in path.read_text().splitlines())
    assert first == {"epoch": 1, "a": None, "b": 0.1 + 0.2}
    assert second == {"epoch": 2, "a": None, "b": 1e-300}
    path.write_text('{"epoch": 1, "a": NaN}\n')  # of an earlier version
    history.cut(path, 1)
    assert json.loads(path.read_text(), parse_constant=refuse) == {"epoch": 1, "a": None}
