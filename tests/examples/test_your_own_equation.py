"""The equation that the README adds: what is printed there is what runs, and what runs is a sound data set."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from pdekit.errors import BadInput
from pdekit.problems import PROBLEMS, register
from pdekit.problems.burgers import Burgers

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "examples" / "your-own-equation" / "fitzhugh_nagumo.py"


def test_the_readme_prints_the_file():
    text = SCRIPT.read_text()
    equation = text[text.index("@register") : text.index("RECIPE = ")].rstrip()
    assert textwrap.indent(equation, "    ", lambda line: bool(line.strip())) in (ROOT / "README.md").read_text()


def test_it_makes_the_data_set_that_it_promises(tmp_path):
    out = tmp_path / "waves.h5"
    code = (
        "import sys, runpy; sys.argv = ['x', sys.argv[1]];"
        f"runpy.run_path({str(SCRIPT)!r}, run_name='__main__');"
        "from pdekit.data.check import check; report = check(sys.argv[1]);"
        "print(report.findings); assert report.passed"
    )
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(out)], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    import h5py

    with h5py.File(out) as file:
        assert [len(file[split]["u"]) for split in ("train", "valid", "test")] == [8, 2, 2]
        u, w = file["train/u"][...], file["train/w"][...]
    assert u.shape == w.shape == (8, 21, 64, 64)
    assert np.isfinite(u).all()
    assert 0.4 < u[:, -1].std() < 1.2, "an excitable medium does not come to rest"
    assert [p.name for p in tmp_path.iterdir()] == ["waves.h5"]


def test_a_name_that_is_taken_is_refused():
    class Other(Burgers):
        name = "burgers"

    with pytest.raises(BadInput, match="there is a problem 'burgers' already"):
        register(Other)
    assert PROBLEMS["burgers"] is Burgers
    assert register(Burgers) is Burgers
