"""Kept in memory or streamed by workers: the same batches."""

import numpy as np
import pytest
import torch

from pdekit.data.read import open_file
from pdekit.data.windows import Resident, Samples, Streamed, open_samples
from pdekit.errors import FormatError
from pdekit.models.channels import Channels, Scaling
from pdekit.training import network
from pdekit.training.loop import shuffled
from pdekit.training.train import train

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def channels(darcy):
    with open_file(darcy) as file:
        kinds = {"permeability": "field", "source": "field"}
        outputs = {n: file.statistics(n) for n in file.names("train", "output")}
        return Channels.fit(Scaling(), {n: file.statistics(n) for n in kinds}, outputs, kinds)


@pytest.fixture
def samples(darcy, channels):
    return lambda split="train", rows=range(24): Samples(darcy, split, rows, channels.encode, channels.encode_outputs)


def taken(data, order):
    return [(x.clone(), y.clone()) for x, y in data.batches(order)]


def equal(one, other):
    return len(one) == len(other) and all(
        torch.equal(a, b) for pair in zip(one, other, strict=True) for a, b in zip(*pair, strict=True)
    )


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_streamed_batches_are_those_in_memory_epoch_by_epoch(samples, workers):
    kept, streamed = open_samples(samples(), CPU, budget=2**30), open_samples(samples(), CPU, budget=0, workers=workers)
    assert isinstance(kept, Resident)
    assert isinstance(streamed, Streamed)
    assert (kept.where, streamed.where) == ("memory", "streamed")
    assert len(kept) == len(streamed) == 24
    for epoch in (1, 2, 3):
        order = shuffled(24, 5, seed=0, epoch=epoch)
        batches = taken(kept, order)
        assert [len(x) for x, _ in batches] == [5, 5, 5, 5, 4]
        assert equal(batches, taken(streamed, order))
    streamed.close()


def test_a_batch_holds_the_scaled_fields_of_its_rows(samples, darcy, channels):
    with open_file(darcy) as file:
        rows = np.array([7, 2, 2, 23])
        a, u = (
            np.asarray(file.read("train", n, slice(0, 24)))[rows] for n in ("permeability", channels.outputs[0].name)
        )
    ((x, y),) = taken(open_samples(samples(), CPU, budget=2**30), [rows])
    scale = channels.inputs[0]
    np.testing.assert_allclose(x[:, 0].numpy(), (a - scale.shift) / scale.scale, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(y[:, 0].numpy(), u / channels.outputs[0].scale, rtol=1e-5)
    assert x.dtype == y.dtype == torch.float32


def test_rows_held_out_are_the_last_ones(samples):
    whole = open_samples(samples(), CPU, budget=2**30)
    front, back = (open_samples(samples(rows=r), CPU, budget=2**30) for r in (range(20), range(20, 24)))
    assert torch.equal(torch.cat((front.x, back.x)), whole.x)
    streamed = open_samples(samples(rows=range(20, 24)), CPU, budget=0)
    assert equal(taken(streamed, [np.arange(4)]), [(back.x, back.y)])
    streamed.close()


def test_no_batches_of_an_empty_order(samples):
    for budget in (0, 2**30):
        data = open_samples(samples(), CPU, budget=budget)
        assert taken(data, []) == []
        data.close()


def test_blocks_read_at_once_do_not_change_what_is_kept(samples, monkeypatch):
    whole = open_samples(samples(), CPU, budget=2**30)
    monkeypatch.setattr("pdekit.data.windows.BLOCK", 5 * 2 * 4 * 16 * 16)  # five samples
    seen = []
    parts = open_samples(
        samples(), CPU, budget=2**30, progress=lambda done, total, what: seen.append((done, total, what))
    )
    assert torch.equal(parts.x, whole.x)
    assert torch.equal(parts.y, whole.y)
    assert [done for done, _, _ in seen] == [5, 10, 15, 20, 24]
    assert {(total, what) for _, total, what in seen} == {(24, "reading train")}


def test_a_closed_stream_says_so(samples):
    data = open_samples(samples(), CPU, budget=0)
    data.close()
    with pytest.raises(RuntimeError, match="closed"):
        taken(data, [np.arange(3)])


@pytest.mark.parametrize("workers", [0, 1])
def test_a_damaged_chunk_is_named_without_the_trace_of_a_worker(darcy, channels, workers):
    def encode(given):
        raise FormatError("stored values are damaged.\n  in 'd.h5', /train/u")

    whole = Samples(darcy, "train", range(24), channels.encode, channels.encode_outputs)
    data = open_samples(whole, CPU, budget=0, workers=workers)
    whole.encode = encode
    with pytest.raises(FormatError) as error:
        taken(data, [np.arange(3)])
    assert str(error.value) == "stored values are damaged.\n  in 'd.h5', /train/u"
    data.close()


@pytest.mark.parametrize(("free", "kind"), [(2 * 24 * 2048, Resident), (2 * 24 * 2048 - 2, Streamed)])
def test_on_a_gpu_half_of_what_is_free_is_the_budget_whatever_the_card_says(samples, monkeypatch, free, kind):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (free, 2**40))
    monkeypatch.setattr("pdekit.data.windows.torch.empty", lambda *a, device, real=torch.empty, **k: real(*a, **k))
    monkeypatch.setattr(torch.Tensor, "to", lambda self, *a, **k: self)
    data = open_samples(samples(), torch.device("cuda"), budget=2**30, workers=0)
    assert type(data) is kind
    data.close()


@pytest.mark.parametrize(("limit", "kinds"), [(65_536, [Resident, Resident]), (65_535, [Resident, Streamed])])
def test_both_splits_share_the_memory_of_the_card(darcy, tiny, tmp_path, monkeypatch, limit, kinds):
    """24 and 8 samples of 2048 bytes are 65536; neither alone reaches the limit that is one byte less."""
    real, opened, budgets = network.open_samples, [], []

    def spy(one, device, *, budget, **options):
        data = real(one, device, budget=budget - 2**20 + limit, **options)
        opened.append(type(data))
        budgets.append(budget)
        return data

    monkeypatch.setattr(network, "open_samples", spy)
    train(
        "fno", darcy, out=tmp_path / "run", overrides={**tiny, "training.epochs": 1, "training.memory": 1}, device="cpu"
    )
    assert opened == kinds
    assert budgets == [2**20, 2**20 - 24 * 2048]
