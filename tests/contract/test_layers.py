"""`import pdekit` is quick and light, and every room below the learned ones works where torch is not installed."""

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

import pdekit

PACKAGE = Path(pdekit.__file__).parent
WITH_TORCH = (
    *("pdekit.models", "pdekit.training"),
    *("pdekit.data.windows", "pdekit.data.trajectory_windows", "pdekit.data.formats.pt"),
)
HEAVY = ("torch", "neuralop", "lightning_fabric", "safetensors")
WITHOUT = f"""
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {HEAVY!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Missing())
"""


def fresh(code):
    """What a fresh interpreter prints, as JSON."""
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE.parent)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def modules():
    """All modules but those that may import torch."""
    names = []
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = list(path.relative_to(PACKAGE.parent).with_suffix("").parts)
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if not any(name == room or name.startswith(f"{room}.") for room in WITH_TORCH):
            names.append(name)
    return names


def test_import_is_under_a_second_and_without_torch():
    code = """
import json, sys, time
started = time.perf_counter()
import pdekit
print(json.dumps([time.perf_counter() - started, sorted(sys.modules)]))
"""
    runs = [fresh(code) for _ in range(3)]
    seconds = statistics.median(run[0] for run in runs)
    assert seconds < 1.0, runs
    for name in (*HEAVY, "numpy", "numba", "h5py"):
        assert name not in runs[0][1], name


def test_the_package_lists_its_doors_and_refuses_other_names():
    for name in pdekit.__all__:
        assert name in dir(pdekit)
        assert getattr(pdekit, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'generat'"):
        pdekit.generat  # noqa: B018
    assert pdekit.__version__.count(".") == 2


def test_every_room_below_the_learned_ones_imports_where_torch_cannot_be():
    names = modules()
    assert len(names) > 60
    code = f"""
import importlib, json, sys
{WITHOUT}
failed = {{}}
for name in {names!r}:
    try:
        importlib.import_module(name)
    except BaseException as error:
        failed[name] = repr(error)
print(json.dumps(failed))
"""
    assert fresh(code) == {}


def test_classical_work_needs_no_torch(tmp_path):
    """Recipe to file to check to answer, with torch made impossible to import."""
    out = tmp_path / "small.h5"
    code = f"""
import json, sys
{WITHOUT}
import pdekit
from pdekit.data.check import check
changes = {{"grid.points": 16, "splits.train": 2, "splits.valid": 1, "splits.test": 1, "reference_error.samples": 0}}
pdekit.generate("darcy-2d-small", {str(out)!r}, overrides=changes)
problem, instances, outputs = pdekit.read_instances({str(out)!r})
solution = pdekit.load_solver("pcg-multigrid").prepare(problem).solve(instances)
print(json.dumps([check({str(out)!r}).passed, solution.converged]))
"""
    assert fresh(code) == [True, True]


def test_the_learned_rooms_are_the_only_ones_that_name_torch():
    """Beside import-linter: also imports inside functions count."""
    allowed = ("models", "training", "data/windows.py", "data/trajectory_windows.py", "data/formats/pt.py")
    found = []
    for path in PACKAGE.rglob("*.py"):
        where = path.relative_to(PACKAGE).as_posix()
        lines = [line.split("#")[0].strip() for line in path.read_text().splitlines()]
        if where.startswith(allowed):
            continue
        found += [
            where for line in lines if line.startswith(tuple(f"{v} {h}" for v in ("import", "from") for h in HEAVY))
        ]
    assert found == []
