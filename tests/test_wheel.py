"""The wheel, built from this tree and installed into an empty environment, works outside the checkout."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.slow


def run(*command: object, cwd: Path) -> str:
    """Run a command that knows nothing of the checkout, and return what it printed."""
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run([str(c) for c in command], cwd=cwd, env=clean, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--outdir", folder, ROOT, cwd=folder)
    (path,) = folder.glob("pdekit-*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path) -> Path:
    """The `pdekit` of an environment that held nothing before."""
    environment = wheel.parent / "environment"
    run(sys.executable, "-m", "venv", environment, cwd=wheel.parent)
    run(
        environment / "bin" / "pip", "install", "--quiet", "-c", ROOT / "constraints.txt", wheel, cwd=wheel.parent
    )  # fmt: skip
    return environment / "bin" / "pdekit"


def test_the_cards_are_inside(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for kind, pattern in (("datasets", "*/*"), ("solvers", "*.toml"), ("examples", "*/plan.toml")):
        cards = [p for p in (ROOT / kind).glob(pattern) if p.is_file()]
        assert cards
        assert [p for p in cards if f"pdekit/cards/{p.relative_to(ROOT).as_posix()}" not in names] == []
    assert not [n for n in names if n.startswith("tests/") or n.endswith((".h5", ".pyc", ".nbi", ".nbc"))]


def test_it_lists_what_the_checkout_lists(installed, tmp_path):
    listed = json.loads(run(installed, "list", "--json", cwd=tmp_path))
    here = json.loads(run(Path(sys.executable).parent / "pdekit", "list", "--json", cwd=tmp_path))
    assert listed == here


def test_it_generates_the_small_darcy_set(installed, tmp_path):
    where = run(installed.with_name("python"), "-c", "import pdekit; print(pdekit.__file__)", cwd=tmp_path)
    assert str(ROOT) not in where
    run(installed, "generate", "darcy-2d-small", "--out", "darcy.h5", cwd=tmp_path)
    facts = json.loads(run(installed, "info", "darcy.h5", "--json", cwd=tmp_path))
    assert {name: s["samples"] for name, s in facts["splits"].items()} == {"train": 400, "valid": 50, "test": 50}
    assert run(installed, "check", "darcy.h5", cwd=tmp_path).endswith("darcy.h5: passed\n")
    assert [p.name for p in tmp_path.iterdir()] == ["darcy.h5"]
