import numpy as np
import pytest

from pdekit.models.channels import Channel, Channels
from pdekit.solver import Instances
from pdekit.space.grid import Grid


@pytest.fixture
def box():
    """A 16 x 16 grid of cells, periodic."""
    return Grid.make([16, 16], 1.0, boundary="periodic")


@pytest.fixture
def channels():
    return Channels(
        inputs=(Channel(name="source", shift=0.5, scale=2.0),),
        outputs=(Channel(name="potential", shift=0.0, scale=3.0),),
    )


@pytest.fixture
def cases(box):
    rng = np.random.default_rng(0)
    return Instances(box, {"source": rng.standard_normal((5, 16, 16)).astype(np.float32)})
