"""The same training on a GPU: skipped where there is none. `pytest tests/training/test_on_a_gpu.py` on a machine that has one."""

import json

import numpy as np
import pytest
import torch

from pdekit.data.read import read_instances
from pdekit.data.trajectory_windows import Trajectories, fixed_windows, random_windows
from pdekit.data.windows import open_samples
from pdekit.problems.burgers import Burgers
from pdekit.registry import load_solver
from pdekit.training.train import train

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")

WAYS = {
    "fno-markov": {"time.horizon": 3, "time.curriculum": 1.0, "training.noise": 0.01},
    "fno-recurrent": {"time.history": 3, "time.horizon": 2},
    "fno-spacetime": {"time.history": 2, "time.horizon": 3},
}


@pytest.mark.parametrize("card", WAYS)
def test_it_trains_there_and_answers_as_on_the_cpu(heat_file, quick, tmp_path, card):
    settings = {**quick, "training.epochs": 10, **WAYS[card]}
    run = train(card, heat_file, out=tmp_path / "run", overrides=settings, device="cuda")
    lines = [json.loads(line) for line in (run / "history.jsonl").read_text(encoding="utf-8").splitlines()]
    assert lines[-1]["valid_relative_l2"] < lines[0]["valid_relative_l2"]
    assert json.loads((run / "run.json").read_text(encoding="utf-8"))["data"] == "device"
    solver = load_solver(run)
    _, cases, outputs = read_instances(heat_file, "test")
    given = solver.given(cases, outputs)
    here = solver.solve(given).values["u"]
    there = solver.to("cuda").solve(given).values["u"]
    np.testing.assert_allclose(there, here, rtol=1e-3, atol=1e-4 * np.abs(here).max())


def test_windows_and_shifts_on_the_device_are_those_of_the_cpu(heat_file):
    from pdekit.models.channels import Channel
    from pdekit.space.grid import Grid
    from pdekit.training.augment import Augmentation

    frames = lambda values: np.stack([values["u"]], axis=2).astype("f4")  # noqa: E731
    samples = lambda: Trajectories(heat_file, "train", range(20), lambda given: None, frames, {"u": "initial"})  # noqa: E731
    order = [
        *random_windows(20, 6, 3, per_trajectory=2, batch=8, seed=0, epoch=1),
        *fixed_windows(20, 6, 3, stride=2, batch=8),
    ]
    symmetries = Burgers().symmetries(Grid.make([16], 2 * np.pi, location="vertex"))
    maps = Augmentation(symmetries, (), (Channel(name="u"),), "sample")
    drawn = maps.draw(np.random.default_rng(0), order)
    answers = []
    for device in ("cpu", "cuda"):
        data = open_samples(samples(), torch.device(device), budget=2**30)
        moved = []
        for (a, u), d in zip(data.batches(order), drawn, strict=True):
            torch.cuda.set_sync_debug_mode("error")  # nothing here waits for the device
            try:
                moved.append(maps(a, u, d)[1])
            finally:
                torch.cuda.set_sync_debug_mode("default")
        answers.append([u.cpu() for u in moved])
    assert all(torch.equal(one, other) for one, other in zip(*answers, strict=True))


def test_a_step_does_not_wait_for_the_device(heat_file, quick, tmp_path):
    """Any copy back to the host inside the steps would raise."""
    real = torch.cuda.set_sync_debug_mode
    settings = {**quick, "training.epochs": 1, "time.horizon": 2, "training.noise": 0.01}
    from pdekit.training import network

    run_epoch = network.run_epoch

    def watched(step, data, order, **options):
        inner = step.__class__.__call__

        def call(self, *given):
            real("error")
            try:
                return inner(self, *given)
            finally:
                real("default")

        step.__class__.__call__ = call
        try:
            return run_epoch(step, data, order, **options)
        finally:
            step.__class__.__call__ = inner

    network.run_epoch = watched
    try:
        train("fno-markov", heat_file, out=tmp_path / "run", overrides=settings, device="cuda")
    finally:
        network.run_epoch = run_epoch
