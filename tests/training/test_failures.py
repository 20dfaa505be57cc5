"""What a run leaves behind where it cannot go on."""

import json

import pytest

from pdekit.errors import FormatError
from pdekit.training import network
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
