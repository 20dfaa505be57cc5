"""The figures of a report show the right values at the right places."""

import numpy as np
import pytest
from matplotlib import pyplot as plt

from pdekit.comparison.pictures import Answer, Picture
from pdekit.comparison.plots import sample_figure

X, Y = np.array([0.25, 0.75, 1.25, 1.75]), np.array([0.25, 0.75])


def plane(f):
    return f(*np.meshgrid(X, Y, indexing="ij"))


def drawn(axes, x, y):
    """The value of the pixel under the point (x, y) of the axes, as a reader who points there would find it."""
    image = axes.images[0]
    left, right, bottom, top = image.get_extent()
    rows, columns = image.get_array().shape
    row = int((y - bottom) / (top - bottom) * rows)
    return float(
        image.get_array()[
            row if image.origin == "lower" else rows - 1 - row, int((x - left) / (right - left) * columns)
        ]
    )


def test_pictures_show_x_to_the_right_and_y_upward():
    truth, given = plane(lambda x, y: 10 * x + y), plane(lambda x, y: x - 10 * y)
    answer = Answer("fno", truth + plane(lambda x, y: 0.1 * y), plane(lambda x, y: 0.1 * y), 0.01)
    picture = Picture("sample 0", "source", given, "u", truth, [answer], (X, Y), (2.0, 1.0), "m", "u [Pa]")
    figure = sample_figure(picture)
    (top, answered), (below, error) = np.array(figure.axes[:4]).reshape(2, 2)
    for x in X:
        for y in Y:
            assert drawn(top, x, y) == pytest.approx(10 * x + y)
            assert drawn(below, x, y) == pytest.approx(x - 10 * y)
            assert drawn(answered, x, y) == pytest.approx(10 * x + 1.1 * y)
            assert drawn(error, x, y) == pytest.approx(0.1 * y)
    assert top.get_xlabel() == "x [m]"
    assert top.get_ylabel() == "y [m]"
    assert top.images[0].get_clim() == answered.images[0].get_clim() == (truth.min(), truth.max())
    plt.close(figure)


def test_a_line_is_drawn_against_its_coordinate():
    answer = Answer("fno", X + 1, X**0, 0.1)
    figure = sample_figure(Picture("sample 0", "source", X, "u", X**2, [answer], (X,), (2.0,), "m", "u"))
    lines = [axes.lines[0].get_xydata() for axes in figure.axes]
    for line, values in zip(lines, (X**2, X + 1, X, X**0), strict=True):
        assert np.array_equal(line, np.stack([X, values], axis=1))
    plt.close(figure)
