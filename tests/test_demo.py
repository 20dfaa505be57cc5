"""`make demo`'s job: ends well, within five minutes, with the figures that its plan expects."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LIMIT = 300.0  # seconds on two cores


@pytest.mark.slow
def test_the_demo_ends_well_and_in_time(tmp_path):
    begin = time.perf_counter()
    command = [
        sys.executable,
        "-m",
        "pdekit.cli.main",
        "compare",
        "examples/demo/plan.toml",
        "--out",
        str(tmp_path / "demo"),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - begin
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[-1] == f"report: {tmp_path / 'demo' / 'report.html'}"
    assert any(line.startswith("fno, single seed") for line in lines)
    results = json.loads((tmp_path / "demo" / "results.json").read_text())
    assert results["baselines"]["sentence"] == ""
    assert results["expect"]
    assert all(e["met"] for e in results["expect"]), results["expect"]
    assert seconds < LIMIT, f"{seconds:.0f} s"
