"""The law of columns: what it draws, and what it refuses."""

import numpy as np
import pytest

from pdekit.errors import BadInput
from pdekit.space.grid import Grid
from pdekit.space.law_checks import check_law
from pdekit.space.random_fields import draw

LAW = {"law": "column", "low": 1.0, "high": 2.0, "narrow": 0.1, "wide": 0.2, "outside": 0.5, "spread": 0.1}


def test_columns_have_the_heights_radii_and_centres_that_were_asked():
    grid = Grid.make((200, 100), (4.0, 2.0), boundary="neumann")
    x, y = np.broadcast_arrays(*grid.mesh)
    heights, radii, left = [], [], []
    for seed in range(200):
        h = draw(LAW, grid, np.random.default_rng(seed))
        inside = h != 0.5
        assert len(np.unique(h)) == 2
        heights.append(h.max())
        radii.append(np.sqrt(inside.sum() * 0.02**2 / np.pi))
        left.append((x[inside].mean(), y[inside].mean()))
    centres = np.array(left)
    assert pytest.approx((min(heights), max(heights)), abs=0.03) == (1.0, 2.0)
    assert pytest.approx((min(radii), max(radii)), abs=0.02) == (0.2, 0.4)
    assert np.allclose(centres.min(0), [1.6, 0.8], atol=0.05)
    assert np.allclose(centres.max(0), [2.4, 1.2], atol=0.05)


def test_a_column_does_not_depend_on_the_grid():
    coarse, fine = Grid.make(50, 2.0, boundary="neumann"), Grid.make(250, 2.0, boundary="neumann")
    one, two = (draw(LAW, grid, np.random.default_rng(3)) for grid in (coarse, fine))
    assert np.array_equal(two[2::5], one)


def test_wrong_columns_are_refused():
    with pytest.raises(BadInput, match=r"(?s)law 'column' needs narrow <= wide.*narrow = 0.3, wide = 0.2"):
        check_law({**LAW, "narrow": 0.3}, "fields.initial")
    with pytest.raises(BadInput, match=r"(?s)spread of law 'column'.*0 to 0.5"):
        check_law({**LAW, "spread": 0.6}, "fields.initial")
    with pytest.raises(BadInput, match="draws fields; one number was asked for"):
        draw(LAW, None, np.random.default_rng(0))
