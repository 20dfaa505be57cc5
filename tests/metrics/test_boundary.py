"""Faces and conserved quantities."""

import math

import numpy as np
import pytest

from pdekit.errors import BadInput
from pdekit.metrics import reduce
from pdekit.metrics.boundary import boundary_rmse, conserved_error
from pdekit.space.grid import Grid


def errors_on(grid, function):
    e = np.zeros((1, 1, *grid.points, 1))
    e[0, 0, ..., 0] = function(*grid.mesh)
    return boundary_rmse(e, 0 * e, grid).item()


@pytest.mark.parametrize("points", [6, (5, 7), (4, 5, 6)])
@pytest.mark.parametrize("location", ["cell", "vertex"])
def test_literal_sum_over_boundary_points(points, location):
    """Each boundary point once, with the sum of the face weights that it carries; the rest does not count."""
    dim = 1 if isinstance(points, int) else len(points)
    grid = Grid.make(points, [1.0, 2.0, 0.5][:dim], location=location, boundary="dirichlet")
    e = np.random.default_rng(0).normal(size=(2, 1, *grid.points, 2))
    over = under = 0.0
    for index in np.ndindex(*grid.points):
        b = 0.0
        for axis, (i, n) in enumerate(zip(index, grid.points, strict=True)):
            if i in (0, n - 1):
                b += math.prod(w[j] for k, (w, j) in enumerate(zip(grid.axis_weights, index, strict=True)) if k != axis)
        over = over + b * e[(slice(None), slice(None), *index)] ** 2
        under += b
    area = 2 * sum(grid.volume / ell for ell in grid.length)
    assert under == pytest.approx(area)
    np.testing.assert_allclose(boundary_rmse(e, 0 * e, grid), np.sqrt(over / under), rtol=1e-12)


def test_one_face_and_units():
    grid = Grid.make((8, 8), (1.0, 2.0), location="vertex", boundary="dirichlet")
    e = np.zeros((1, 1, 8, 8, 1))
    e[:, :, 0] = 2.0
    assert boundary_rmse(e, 0 * e, grid, face="x_low").item() == pytest.approx(2.0)
    assert boundary_rmse(e, 0 * e, grid, face="x_high").item() == 0.0
    assert errors_on(grid, lambda x, y: 0 * x * y + 3.0) == pytest.approx(3.0)
    with pytest.raises(BadInput, match="no face that carries a boundary named 'x_lo'"):
        boundary_rmse(e, 0 * e, grid, face="x_lo")


def test_periodic_axes_have_no_face():
    grid = Grid.make((6, 5), 1.0, boundary={"x_low": "periodic", "x_high": "periodic"})
    assert errors_on(grid, lambda x, y: np.where(y < 0.2, 0.0, 0.0) + np.where(x < 0.2, 1.0, 0.0)) == pytest.approx(
        math.sqrt(1 / 6)
    )
    with pytest.raises(BadInput, match="y_low"):
        boundary_rmse(np.zeros((1, 1, 6, 5, 1)), np.zeros((1, 1, 6, 5, 1)), grid, face="x_low")
    box = Grid.make((6, 5), 1.0)
    assert np.isnan(boundary_rmse(np.ones((2, 1, 6, 5, 1)), np.zeros((2, 1, 6, 5, 1)), box)).all()


def test_conserved_error_sees_totals_only():
    grid = Grid.make((9, 6), (1.0, 2.0), location="vertex", boundary="neumann")
    rng = np.random.default_rng(0)
    ref = rng.normal(size=(4, 2, 9, 6, 3))
    wave = np.cos(np.pi * grid.mesh[0])[None, None, ..., None]  # zero integral by the trapezoid
    assert conserved_error(ref + wave, ref, grid).max() < 1e-15
    shift = rng.normal(size=(4, 1, 1, 1, 1))
    out = conserved_error(ref + shift, ref, grid)
    np.testing.assert_allclose(out, np.broadcast_to(abs(shift[..., 0, 0]), (4, 2, 3)), rtol=1e-12)
    np.testing.assert_allclose(reduce(out, "rms"), math.sqrt((shift**2).mean()), rtol=1e-12)


def test_failures_show():
    grid = Grid.make((5, 5), 1.0, boundary="dirichlet")
    pred = np.zeros((2, 1, 5, 5, 1))
    pred[1, 0, 2, 2, 0] = np.nan  # inside: the sample has failed all the same
    for metric in (boundary_rmse, conserved_error):
        assert metric(pred, 0 * np.nan_to_num(pred), grid).ravel().tolist() == [0.0, math.inf]
