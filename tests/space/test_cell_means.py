"""Cell means on halved cells and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pdekit.errors import BadInput
from pdekit.space.cell_means import rescale, split
from pdekit.space.grid import Grid

VALUES = st.floats(-100, 100)


@given(u=arrays(float, (2, 6, 5), elements=VALUES), boundary=st.sampled_from(["periodic", "neumann", "dirichlet"]))
def test_halves_have_the_mean_of_the_whole_and_lie_between_neighbours(u, boundary):
    grid = Grid.make((6, 5), boundary=boundary)
    halves = split(u, grid)
    assert halves.shape == (2, 12, 10)
    assert np.allclose(rescale(halves, grid.scaled(2), 0.5), u, atol=1e-11)
    assert halves.max() <= u.max() + 1e-12
    assert halves.min() >= u.min() - 1e-12


def test_lines_are_exact_and_smooth_fields_of_second_order():
    grid = Grid.make(8, 8.0, boundary="neumann")
    assert split(3.0 * grid.coordinates[0], grid)[2:-2].tolist() == [3 * (1.25 + 0.5 * k) for k in range(12)]
    errors = []
    for n in (32, 64, 128):
        coarse, fine = (np.diff(np.sin(np.linspace(0, 2 * np.pi, k + 1))) * k / (2 * np.pi) for k in (n, 2 * n))
        errors.append(np.abs(split(coarse, Grid.make(n, 2 * np.pi)) - fine).mean())
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert np.all(np.abs(orders - 2) < 0.2), orders


def test_periodic_axes_wrap():
    u = np.array([0.0, 1.0, 2.0, 1.0])
    assert split(u, Grid.make(4))[:2].tolist() == [0.0, 0.0]
    assert split(np.array([1.0, 2.0, 3.0, 0.0]), Grid.make(4))[:2].tolist() == [0.75, 1.25]
    assert split(np.array([1.0, 2.0, 3.0, 0.0]), Grid.make(4, boundary="neumann"))[:2].tolist() == [1.0, 1.0]


def test_factors():
    grid, u = Grid.make(8), np.arange(8.0)
    assert rescale(u, grid, 1) is u
    assert rescale(u, grid, 0.25).tolist() == [1.5, 5.5]
    assert rescale(u, grid, 4).shape == (32,)
    with pytest.raises(BadInput, match=r"(?s)cells are halved.*found: 3"):
        rescale(u, grid, 3)
    with pytest.raises(BadInput, match="cannot be scaled"):
        rescale(u, grid, 1 / 3)
