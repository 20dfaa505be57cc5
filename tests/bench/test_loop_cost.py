"""What our training loop costs beside the bare one, and what reading from the file costs beside memory.

    bare      forward, relative L2, backward, torch's Adam, on tensors in memory
    ours      the same network by `run_epoch`: Fabric, augmentation, clipping, schedule, AdamW, a look at the loss
    streamed  the same, batches read from the HDF5 file by a worker process

Runs alternate in one process, started without the tests' type checks; the ratio of each round is taken, then the median.
Times are processor time (the machine may be shared), for `streamed` that of the worker too, so that its ratio holds even
where the worker finds no free core.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from copy import deepcopy
from pathlib import Path

import pytest

ROUNDS, BATCH, SAMPLES, POINTS = 5, 16, 320, 32


@pytest.mark.bench
def test_our_step_costs_what_a_bare_one_does():
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    out = subprocess.run([sys.executable, __file__], env=environment, capture_output=True, text=True, check=False)
    assert out.returncode == 0, out.stderr
    times = json.loads(out.stdout.splitlines()[-1])
    steps = SAMPLES // BATCH
    print(f"\n{POINTS} x {POINTS}, batch {BATCH}, the fno card, one thread; milliseconds of processor time per step")
    for name, rounds in times.items():
        print(f"  {name:9}", " ".join(f"{1e3 * t / steps:6.1f}" for t in rounds))
    ours = statistics.median(a / b for a, b in zip(times["ours"], times["bare"], strict=True))
    streamed = statistics.median(a / b for a, b in zip(times["streamed"], times["ours"], strict=True))
    print(f"  ours / bare {ours:.3f} (at most 1.05), streamed / ours {streamed:.3f} (at most 1.10)")
    assert ours <= 1.05
    assert streamed <= 1.10


def measure():
    """Seconds of each round: {"bare": [..], "ours": [..], "streamed": [..]}."""
    import numpy as np
    import torch
    from lightning_fabric import Fabric

    from pdekit.data.generate import generate
    from pdekit.data.windows import open_samples
    from pdekit.registry import read_card, solver_class
    from pdekit.training.augment import Augmentation
    from pdekit.training.loop import Step, run_epoch, shuffled
    from pdekit.training.losses import make_loss
    from pdekit.training.optim import make_optimizer, make_rates
    from pdekit.training.settings import check_card
    from pdekit.training.source import read_source

    torch.set_num_threads(1)
    folder = tempfile.TemporaryDirectory()
    overrides = {"grid.points": [POINTS, POINTS], "splits.train": SAMPLES, "splits.valid": 2, "splits.test": 2}
    file = generate("darcy-2d-small", Path(folder.name) / "d.h5", overrides=overrides)
    card = read_card("fno")
    cls = solver_class(card)
    tables = check_card(card, cls, "fno")
    source = read_source(file, card, tables)
    settings, device = tables.training, torch.device("cpu")
    per_epoch = SAMPLES // BATCH
    torch.manual_seed(0)
    network = cls(tables.model, source.channels, source.grid, source.problem).network
    kept = open_samples(source.train, device, budget=2**30)
    streamed = open_samples(source.train, device, budget=0, workers=1)

    def bare():
        net = deepcopy(network)
        optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
        x, y, order = kept.x, kept.y, torch.randperm(SAMPLES).split(BATCH)
        begin = time.process_time()
        for rows in order:
            u, v = x[rows], y[rows]
            loss = ((net(u) - v).flatten(1).norm(dim=1) / v.flatten(1).norm(dim=1)).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return time.process_time() - begin

    fabric = Fabric(accelerator="cpu", devices=1, precision="32-true")
    fabric.launch()

    def ours(data):
        net = deepcopy(network)
        wrapped, optimizer = fabric.setup(net, make_optimizer(settings.optimizer, net.parameters()))
        rate = settings.optimizer.learning_rate
        rates = make_rates(settings.schedule, rate, settings.epochs * per_epoch)
        loss = make_loss(settings.loss, source.grid, device)
        step = Step(wrapped, optimizer, loss, rates, rate, settings.clip, None, fabric.backward, list(net.parameters()))
        augmentation = Augmentation(source.symmetries, source.channels.inputs, source.channels.outputs)
        begin = time.process_time() + children()
        order = shuffled(SAMPLES, BATCH, 0, 1)
        drawn = augmentation.draw(np.random.default_rng(0), order)
        run_epoch(step, data, order, augmentation=augmentation, drawn=drawn)
        return time.process_time() + children() - begin

    runs = {"bare": bare, "ours": lambda: ours(kept), "streamed": lambda: ours(streamed)}
    for run in runs.values():
        run()  # warmed up
    times = {name: [] for name in runs}
    for _ in range(ROUNDS):
        for name, run in runs.items():
            times[name].append(run())
    streamed.close()
    return times


def children():
    """Processor seconds of the processes that this one has started and that still live."""
    total = 0.0
    for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


if __name__ == "__main__":
    print(json.dumps(measure()))
