"""A trajectory of 200 frames on 512 x 512 points is made and checked in less memory than four times its values in float64."""

import json
import subprocess
import sys

import h5py
import pytest

LIMIT = 1.5e9
FRAMES, POINTS = 200, 512
PROGRAM = """
import json, resource, sys
from pdekit.data.generate import generate
from pdekit.data.recipe import recipe_from
from pdekit.data.check import check

def peak():
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

recipe = recipe_from(open(sys.argv[1]).read(), where="r.toml")
generate(recipe, sys.argv[2])
made = peak()
report = check(sys.argv[2])
print(json.dumps({"made": made, "checked": peak(), "faults": [str(f) for f in report.findings]}))
"""
RECIPE = f"""
format = 1
title = "Many large frames"
problem = "diffusion"
solver = "etdrk2"
solver_settings = {{ dt = 0.01 }}
[grid]
points = [{POINTS}, {POINTS}]
location = "vertex"
boundary = "periodic"
[time]
stop = 1.99
frames = {FRAMES}
[parameters]
nu_x = 1e-3
nu_y = 1e-3
[fields.initial]
law = "fno-2020"
[reference_error]
method = "step"
samples = 1
[splits]
train = 1
"""


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_large_trajectory_takes_little_memory_and_a_chunk_per_frame(tmp_path):
    """It is 419 MB in float64. Measured 1.09 GB, with its reference error; a reader of whole strips of 16 needs 7 GB."""
    (tmp_path / "r.toml").write_text(RECIPE)
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "r.toml"), str(tmp_path / "a.h5")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1700, check=False)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    print(f"\nmade in {said['made'] / 1e6:.0f} MB, checked in {said['checked'] / 1e6:.0f} MB")
    assert said["faults"] == []
    assert said["checked"] < LIMIT
    with h5py.File(tmp_path / "a.h5") as file:
        (name,) = (n for n in file["train"] if file["train"][n].attrs.get("role") == "output")
        u = file["train"][name]
        assert u.shape == (1, FRAMES, POINTS, POINTS)
        assert u.chunks == (1, 1, POINTS, POINTS), "one snapshot a chunk where a sample exceeds 16 MiB"
        assert file["train/frame_error"].chunks == (1, FRAMES)
