"""The grid on which frames are advanced: no stored mode lost, no point too many, sizes that transforms like."""

import numpy as np
import pytest

from pdekit.data.frames import FrameGrid, points_for
from pdekit.problems.burgers import Burgers
from pdekit.space.grid import Grid


@pytest.mark.parametrize(
    ("stored", "solved", "degree", "points"),
    [
        ((1024,), (2048,), 2, (1536,)),  # 1534 = 2 * 13 * 59 keep the modes too
        ((64, 64), (96, 96), 2, (96, 96)),  # 94 = 2 * 47
        ((64, 64), (95, 95), 2, (95, 95)),  # never more than solved
        ((80, 80), (128, 128), 2, (120, 120)),
        ((128,), (64,), 2, (64,)),  # solved on fewer points than are stored
        ((64,), (256,), 1, (64,)),
        ((64,), (256,), 3, (128,)),
    ],
)
def test_points(stored, solved, degree, points):
    assert points_for(stored, solved, degree) == points


@pytest.mark.parametrize("degree", [2, 3])
@pytest.mark.parametrize("m", range(8, 200, 7))
def test_every_stored_mode_is_kept(m, degree):
    (n,) = points_for((m,), (10_000,), degree)
    assert -(-n // (degree + 1)) - 1 >= (m - 1) // 2
    assert n <= 1.2 * (degree + 1) * m / 2 + 4


def test_a_frame_comes_back_and_knows_its_samples():
    grid = Grid.make((32,), (1.0,), location="vertex", boundary="periodic")
    where = FrameGrid(Burgers(), grid, (64,))
    u = np.random.default_rng(0).normal(size=(3, 32))
    u -= (u @ (-1.0) ** np.arange(32))[:, None] / 32 * (-1.0) ** np.arange(32)  # no Nyquist mode
    frame = where.frame({"u": u}, {"nu": np.array([1.0, 2.0, 3.0])}, 0.25)
    assert where.grid.points == (48,)
    assert where.at_stored(frame.state)["u"] == pytest.approx(u, abs=1e-14)
    some = frame[np.array([2, 0])]
    assert some.rows.tolist() == [2, 0]
    assert some.cases.parameters["nu"].tolist() == [3.0, 1.0]
    assert np.array_equal(some.state, frame.state[[2, 0]])
    assert some.quantities["energy"] == pytest.approx((u[[2, 0]] ** 2).mean(axis=1) / 2, rel=1e-13)
