import pytest

from pdekit.data.generate import generate


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
