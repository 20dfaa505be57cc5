import sys
from pathlib import Path

import pytest

from pdekit.data.generate import generate

sys.path.insert(0, str(Path(__file__).parent))  # for heat_trajectories: `--import-mode=importlib` does not

from heat_trajectories import write


@pytest.fixture(scope="session")
def darcy(tmp_path_factory):
    """24 / 8 / 8 samples of Darcy on 16 x 16 cells."""
    path = tmp_path_factory.mktemp("data") / "darcy.h5"
    overrides = {"grid.points": [16, 16], "splits.train": 24, "splits.valid": 8, "splits.test": 8}
    return generate("darcy-2d-small", path, overrides=overrides)


@pytest.fixture
def tiny():
    """Overrides with which an FNO trains in a second."""
    return {
        "model.n_modes": [6, 6],
        "model.width": 8,
        "model.depth": 2,
        "training.epochs": 4,
        "training.batch": 5,  # leaves a short last batch
        "training.threads": 1,
    }


@pytest.fixture(scope="session")
def heat_file(tmp_path_factory):
    """20 / 5 / 5 trajectories of heat on a circle, 6 frames of 16 points."""
    return write(tmp_path_factory.mktemp("heat") / "heat.h5", {"train": 20, "valid": 5, "test": 5})


@pytest.fixture
def quick():
    """Overrides with which an FNO of one axis trains on `heat_file` in a second."""
    return {
        "model.n_modes": 8,
        "model.width": 6,
        "model.depth": 1,
        "training.epochs": 4,
        "training.batch": 8,
        "training.threads": 1,
    }
