"""Windows lie within one trajectory of one split; kept in memory or streamed, they are the same."""

import numpy as np
import pytest
import torch
from heat_trajectories import grid

from pdekit.data.read import DataFile
from pdekit.data.trajectory_windows import (
    ResidentTrajectories,
    Trajectories,
    Windows,
    fixed_windows,
    random_windows,
)
from pdekit.data.windows import Streamed, open_samples
from pdekit.data.write import write_dataset

CPU = torch.device("cpu")
FRAMES = 9


def told(rows, start, points=8):
    """Values that say where they are: 1000 row + frame, the same at all points; frame 0 says - 1000 row - 1."""
    u = 1000.0 * (start + np.arange(rows))[:, None, None] + np.arange(FRAMES)[:, None] + np.zeros(points)
    return u


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    splits = {}
    for name, n, start in (("train", 12, 0), ("valid", 4, 500)):
        u = told(n, start)
        splits[name] = {"initial": -u[:, 0] - 1, "u": u, "v": -u, "depth": u[:, 0] + 0.5, "nu": u[:, 0, 0] + 0.25}
    roles = {"initial": "input", "u": "output", "v": "output", "depth": "geometry", "nu": "parameter"}
    path = tmp_path_factory.mktemp("told") / "told.h5"
    return write_dataset(path, splits, grid=grid(8), roles=roles, time=np.arange(FRAMES))


def trajectories(file, split="train", rows=range(12)):
    def encode(given):
        return np.stack([given.fields["depth"], given.parameters["nu"][:, None] + np.zeros(8)], axis=1).astype("f4")

    def frames(values):
        return np.stack([values["u"]], axis=2).astype("f4")

    return Trajectories(file, split, rows, encode, frames, {"u": "initial"})


def order(epoch=1, seed=0, length=4, per=3):
    return random_windows(12, FRAMES, length, per_trajectory=per, batch=5, seed=seed, epoch=epoch)


def opened(file, budget, **how):
    return open_samples(trajectories(file, **how), CPU, budget=budget, workers=0)


@pytest.mark.parametrize("budget", [0, 2**30])
def test_a_window_is_frames_in_a_row_of_the_trajectory_that_it_names(file, budget):
    data = opened(file, budget)
    assert isinstance(data, ResidentTrajectories if budget else Streamed)
    count = 0
    for windows, (a, u) in zip(order(), data.batches(order()), strict=True):
        assert u.shape == (len(windows), 4, 1, 8)
        for i, (row, start) in enumerate(zip(windows.rows, windows.starts, strict=True)):
            wanted = [1000.0 * row + start + j for j in range(4)]
            wanted[0] = -1000.0 * row - 1 if start == 0 else wanted[0]  # the start field is the first frame
            assert u[i, :, 0, 3].tolist() == wanted
            assert a[i, :, 5].tolist() == [1000.0 * row + 0.5, 1000.0 * row + 0.25]
            count += 1
    assert count == 36
    data.close()


@pytest.mark.parametrize("workers", [0, 1])
def test_streamed_windows_are_those_in_memory(file, workers):
    kept, streamed = opened(file, 2**30), open_samples(trajectories(file), CPU, budget=0, workers=workers)
    for epoch in (1, 2):
        pairs = zip(kept.batches(order(epoch)), streamed.batches(order(epoch)), strict=True)
        assert all(torch.equal(x, y) for one, other in pairs for x, y in zip(one, other, strict=True))
    streamed.close()


def test_rows_held_out_are_no_part_of_the_others(file):
    data = opened(file, 2**30, rows=range(8))
    seen = {int(v) // 1000 for _, u in data.batches(random_windows(8, FRAMES, 2, per_trajectory=9, batch=9, seed=0, epoch=1))
            for v in u[:, 1, 0, 0]}  # fmt: skip
    assert seen == set(range(8))
    tail = opened(file, 2**30, rows=range(8, 12))
    assert tail.y[:, 1, 0, 0].tolist() == [8001.0, 9001.0, 10001.0, 11001.0]


def test_streaming_reads_a_trajectory_once_a_batch_and_no_frame_outside_its_windows(file, monkeypatch):
    real, seen = DataFile.read_frames, []
    monkeypatch.setattr(DataFile, "read_frames", lambda self, *what: (seen.append(what), real(self, *what))[1])
    windows = Windows(np.array([7, 2, 7, 7]), np.array([3, 5, 4, 1]), 2)
    trajectories(file)[windows]
    assert seen == [("train", "u", 2, slice(5, 7)), ("train", "u", 7, slice(1, 6))]


def test_outputs_that_nothing_starts_and_the_start_fields_are_not_read_as_channels(file, monkeypatch):
    real, seen = DataFile.read, []
    monkeypatch.setattr(
        DataFile, "read", lambda self, split, name, *r: (seen.append(name), real(self, split, name, *r))[1]
    )
    trajectories(file)[slice(0, 3)]
    assert sorted(seen) == ["depth", "initial", "nu", "u"]


def test_random_windows_depend_on_seed_and_epoch_alone():
    for other, same in ((order(), True), (order(epoch=2), False), (order(seed=1), False)):
        for part in ("rows", "starts"):
            one, two = (np.concatenate([getattr(w, part) for w in windows]) for windows in (order(), other))
            assert np.array_equal(one, two) is same


def test_every_trajectory_comes_equally_often_and_every_start_that_fits_comes():
    windows = random_windows(12, FRAMES, 4, per_trajectory=200, batch=64, seed=0, epoch=1)
    assert [len(w) for w in windows] == [64] * 37 + [32]
    assert np.bincount(np.concatenate([w.rows for w in windows])).tolist() == [200] * 12
    starts = np.bincount(np.concatenate([w.starts for w in windows]))
    assert len(starts) == FRAMES - 4 + 1
    assert abs(starts - 400).max() < 5 * 20
    assert not np.array_equal(windows[0].rows, np.sort(windows[0].rows))


def test_fixed_windows_end_to_end_answer_each_frame_once():
    """History 2, horizon 3 of 9 frames: starts 0 and 3; the frames 2 to 7 are answered once each."""
    (windows,) = fixed_windows(2, FRAMES, 5, stride=3, batch=64)
    assert windows.rows.tolist() == [0, 0, 1, 1]
    assert windows.starts.tolist() == [0, 3, 0, 3]
    assert [w.starts.tolist() for w in fixed_windows(1, FRAMES, 5, stride=1, batch=3)] == [[0, 1, 2], [3, 4]]
