import numpy as np
import pytest
import torch

from pdekit.metrics.pointwise import relative_l2
from pdekit.metrics.sobolev import relative_h1
from pdekit.models import fno
from pdekit.space.grid import Grid
from pdekit.training.losses import derivative, l2_norm, make_loss

fno._library()
from neuralop.losses import LpLoss  # noqa: E402 - filters put back by _library

CPU = torch.device("cpu")
GRIDS = {
    "cells": Grid.make([12, 10], [1.0, 2.0], boundary="dirichlet", location="cell"),
    "periodic cells": Grid.make([12, 10], [1.0, 2.0], boundary="periodic", location="cell"),
    "periodic vertices, odd": Grid.make([11, 9], [1.0, 2.0], boundary="periodic", location="vertex"),
    "vertices": Grid.make([12, 10], [1.0, 2.0], boundary="dirichlet", location="vertex"),
    "one periodic axis": Grid.make(
        [12, 10],
        [1.0, 2.0],
        boundary={"x_low": "periodic", "x_high": "periodic", "y_low": "neumann", "y_high": "dirichlet"},
        location="vertex",
    ),
    "1d": Grid.make(16, 3.0, boundary="dirichlet"),
    "3d periodic": Grid.make([6, 5, 8], [1.0, 2.0, 0.5], boundary="periodic", location="vertex"),
}


def fields(grid, b=4, c=2, seed=0):
    torch.manual_seed(seed)
    return torch.randn(b, c, *grid.points), torch.randn(b, c, *grid.points)


def as_metric_field(u):
    """(b, c, *x) -> (n, t, *x, c) in float64."""
    return np.moveaxis(u.double().numpy(), 1, -1)[:, None]


@pytest.mark.parametrize("name", GRIDS)
@pytest.mark.parametrize(("loss", "metric"), [("relative_l2", relative_l2), ("h1", relative_h1)])
def test_a_loss_is_the_mean_of_the_metric_of_its_name(name, loss, metric):
    """Two programs, written apart: quadrature weights, one-sided differences, the Nyquist mode."""
    grid = GRIDS[name]
    p, y = fields(grid)
    expected = np.asarray(metric(as_metric_field(p), as_metric_field(y), grid)).mean()
    assert float(make_loss(loss, grid, CPU)(p, y)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", ["cells", "periodic vertices, odd", "1d", "3d periodic"])
def test_relative_l2_is_the_library_s_over_batch_and_channels(name):
    grid = GRIDS[name]
    p, y = fields(grid)
    theirs = LpLoss(d=grid.dim, p=2, reduction="sum")(p, y) / (4 * 2)
    assert float(make_loss("relative_l2", grid, CPU)(p, y)) == pytest.approx(float(theirs), rel=1e-6)


def test_ten_percent_error_is_a_tenth_whatever_channels_and_scales():
    grid = GRIDS["cells"]
    _, y = fields(grid)
    y = y * torch.tensor([1.0, 1e4])[:, None, None] * torch.tensor([1.0, 10.0, 0.1, 3.0])[:, None, None, None]
    for name in ("relative_l2", "h1"):
        assert float(make_loss(name, grid, CPU)(1.1 * y, y)) == pytest.approx(0.1, rel=1e-4)


def test_h1_of_one_wave_on_a_periodic_grid():
    """e = 0.1 sin(3 x), ref = sin(x), on length 2 pi: ratio 0.1 sqrt(1 + 9) / sqrt(1 + 1)."""
    grid = Grid.make(32, 2 * np.pi, boundary="periodic", location="vertex")
    x = torch.arange(32) * (2 * np.pi / 32)
    ref = torch.sin(x)[None, None]
    loss = make_loss("h1", grid, CPU)(ref + 0.1 * torch.sin(3 * x), ref)
    assert float(loss) == pytest.approx(0.1 * np.sqrt(10 / 2), rel=1e-5)


@pytest.mark.parametrize("periodic", [False, True])
def test_differences_are_second_order_at_the_ends_too(periodic):
    errors = []
    for n in (32, 64, 128):
        h = 1 / n if periodic else 1 / (n - 1)
        x = torch.arange(n).double() * h
        errors.append(
            float(
                (derivative((2 * np.pi * x).sin(), -1, h, periodic) / (2 * np.pi) - (2 * np.pi * x).cos()).abs().max()
            )
        )
    orders = np.log2(np.array(errors[:-1]) / np.array(errors[1:]))
    assert np.all((orders > 1.9) & (orders < 2.1)), orders


def test_vertices_on_the_boundary_weigh_half():
    grid = Grid.make(5, boundary="dirichlet", location="vertex")
    norm = l2_norm(grid, CPU)
    inner, end = (float(norm(torch.eye(5)[i][None, None])) ** 2 for i in (2, 0))
    assert end == pytest.approx(inner / 2, rel=1e-6)
