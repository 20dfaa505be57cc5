"""10,000 samples of 256 x 256: generated, then read for training, below 1.5 GB of resident memory in every process."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

LIMIT = 1.5e9  # bytes
SAMPLES = 10_000
READER = """
import sys
import numpy as np, torch
from pathlib import Path
from pdekit.data.windows import Samples, Streamed, open_samples
torch.set_num_threads(1)
encode = lambda given: np.stack([given.fields["permeability"], given.fields["source"]], axis=1)
answers = lambda outputs: outputs["pressure"][:, None]
samples = Samples(Path(sys.argv[1]), "train", range(int(sys.argv[2])), encode, answers)
batches = open_samples(samples, torch.device("cpu"), budget=2**28)
assert isinstance(batches, Streamed)
order = np.random.default_rng(0).permutation(int(sys.argv[2]))
seen, total = 0, 0.0
for x, y in batches.batches(np.array_split(order, int(sys.argv[2]) // 16)):
    assert x.shape[1:] == (2, 256, 256) and y.shape[1:] == (1, 256, 256)
    seen, total = seen + len(x), total + float(y.double().mean()) * len(y)
batches.close()
print(seen, total / seen)
"""


class Watch:
    """Samples the resident memory of a process and of all its descendants; the largest of each is kept."""

    def __init__(self, command):
        self.peak: dict[str, int] = {}
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.thread = threading.Thread(target=self._look, daemon=True)
        self.thread.start()

    def _look(self):
        top = psutil.Process(self.process.pid)
        while self.process.poll() is None:
            try:
                for process in (top, *top.children(recursive=True)):
                    name = "main" if process == top else f"worker {process.pid}"
                    self.peak[name] = max(self.peak.get(name, 0), private(process))
            except psutil.Error:
                pass  # it ended between two looks
            time.sleep(0.2)

    def finish(self, timeout):
        out, errors = self.process.communicate(timeout=timeout)
        self.thread.join()
        assert self.process.returncode == 0, errors
        return out


def private(process) -> int:
    """Resident bytes; pages of the data file that the system keeps mapped count too."""
    return process.memory_info().rss


def show(what, peak, seconds):
    print(f"\n{what}: {seconds:.0f} s; " + ", ".join(f"{name} {size / 1e6:.0f} MB" for name, size in peak.items()))


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_ten_thousand_samples_are_made_and_read_in_little_memory(tmp_path: Path):
    """Real Darcy samples; 8 GB are read in a random order by a worker process. A reader that keeps them needs 8 GB."""
    free = os.statvfs(tmp_path)
    if free.f_bavail * free.f_frsize < 18e9:
        pytest.skip("the shards and the file of 10,000 samples take 16 GB of disk")
    target = tmp_path / "a.h5"
    command = [sys.executable, "-m", "pdekit.cli.main", "generate", "darcy-2d", "--out", str(target), "--workers", "2"]
    sizes = {"train": SAMPLES, "valid": 1, "test": 1, "test_contrast.samples": 1}
    command += ["--set", "reference_error.samples=0", *(f"--set=splits.{k}={v}" for k, v in sizes.items())]
    started = time.perf_counter()
    made = Watch(command)
    made.finish(2400)
    show(f"{SAMPLES} samples generated", made.peak, time.perf_counter() - started)
    try:
        started = time.perf_counter()
        read = Watch([sys.executable, "-c", READER, str(target), str(SAMPLES)])
        seen, mean = read.finish(1200).split()
        show("read for training", read.peak, time.perf_counter() - started)
        assert int(seen) == SAMPLES
        from pdekit.data.read import open_file

        with open_file(target) as file:
            assert float(mean) == pytest.approx(file.statistics("pressure")["mean"], rel=1e-6)
    finally:
        target.unlink()
    assert len(made.peak) >= 3
    assert len(read.peak) >= 2
    assert max(*made.peak.values(), *read.peak.values()) < LIMIT
