"""Moving arrays between grids: exact where it can be, conserving where it says so, right at the walls."""

import itertools

import numpy as np
import pytest

from pdekit.errors import BadInput
from pdekit.space.grid import Grid
from pdekit.space.transfer import coarsen, interpolate, refine

LENGTH = (1.0, 2.0, 0.5)
POINTS = {1: (8,), 2: (8, 6), 3: (4, 6, 8)}


def box(dim, location, kind, value=0.0, points=None):
    points = points or POINTS[dim]
    grid = Grid.make(points, LENGTH[:dim], location=location, boundary=kind, boundary_value=value)
    return grid.with_intervals(points)


def linear(grid):
    return np.broadcast_to(0.7 + sum((2.0 + a) * x for a, x in enumerate(grid.mesh)), grid.points)


def lead(u):
    """Leading axes of samples and channels."""
    return np.stack([np.stack([u, 2 * u]), np.stack([-u, u + 1])])


@pytest.mark.parametrize("kind", ["neumann", "robin"])
@pytest.mark.parametrize("dim", [1, 2, 3])
@pytest.mark.parametrize("pair", list(itertools.product(["cell", "vertex"], repeat=2)))
def test_linear_functions_are_interpolated_exactly(pair, dim, kind):
    """To cells and vertices, to more and to fewer points, between and beyond the outermost centres."""
    grid = box(dim, pair[0], kind)
    for points in ((16, 18, 12)[:dim], (5, 4, 3)[:dim], (8, 6, 8)[:dim]):
        target = box(dim, pair[1], kind, points=points)
        got = interpolate(lead(linear(grid)), grid, target)
        np.testing.assert_allclose(got, lead(linear(target)), rtol=0, atol=1e-13)


@pytest.mark.parametrize("location", ["cell", "vertex"])
@pytest.mark.parametrize("dim", [1, 2])
def test_dirichlet_walls_hold_the_constant_value(location, dim):
    """Along x a line from the value at the wall to the first centre: exact for a line that meets the walls' values."""
    grid = Grid.make((8,) * dim, LENGTH[:dim], location="cell", boundary="neumann")
    faces = {f: "neumann" for f in grid.faces} | {"x_low": "dirichlet", "x_high": "dirichlet"}
    walls = Grid.make(
        (8,) * dim, LENGTH[:dim], location="cell", boundary=faces, boundary_value={"x_low": 2.0, "x_high": -1.0}
    )
    target = Grid.make((33,) * dim, LENGTH[:dim], location=location, boundary=faces)
    u = np.broadcast_to(2.0 - 3.0 * walls.mesh[0], walls.points)
    np.testing.assert_allclose(
        interpolate(u, walls, target), np.broadcast_to(2 - 3 * target.mesh[0], target.points), rtol=0, atol=1e-13
    )


def test_a_dirichlet_wall_by_hand():
    """Centres at 1/4 and 3/4 with values 1 and 3, walls 0 and 8: at 1/8 half way to 0, at 7/8 half way to 8."""
    grid = Grid.make(2, 1.0, boundary="dirichlet", boundary_value={"x_high": 8.0})
    got = interpolate(np.array([1.0, 3.0]), grid, grid.scaled(2))
    np.testing.assert_allclose(got, [0.5, 1.5, 2.5, 5.5], rtol=1e-15)
    free = interpolate(np.array([1.0, 3.0]), grid, grid.scaled(2), varying=["x_high"])
    np.testing.assert_allclose(free, [0.5, 1.5, 2.5, 3.5], rtol=1e-15)


def test_periodic_axes_wrap_by_hand():
    cells = Grid.make(2, 1.0, boundary="periodic")
    np.testing.assert_allclose(interpolate(np.array([1.0, 3.0]), cells, cells.scaled(2)), [1.5, 1.5, 2.5, 2.5])
    ring = Grid.make(2, 1.0, boundary="periodic", location="vertex")
    np.testing.assert_allclose(interpolate(np.array([1.0, 3.0]), ring, ring.scaled(2)), [1.0, 2.0, 3.0, 2.0])


@pytest.mark.parametrize("pair", list(itertools.product(["cell", "vertex"], repeat=2)))
@pytest.mark.parametrize("kind", ["periodic", "dirichlet", "neumann"])
def test_interpolation_is_of_second_order(pair, kind):
    errors = []
    for n in (32, 64, 128, 256):
        grid, target = box(2, pair[0], kind, points=(n, n)), box(2, pair[1], kind, points=(3 * n, 5 * n))

        def function(g):
            x, y = g.mesh
            if kind == "neumann":
                return np.cos(np.pi * x) * np.cos(np.pi * y)
            return np.sin(2 * np.pi * x) * np.sin(np.pi * y)

        errors.append(np.sqrt(np.mean((interpolate(function(grid), grid, target) - function(target)) ** 2)))
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert np.all((orders > 1.9) & (orders < 2.1)), orders


def test_the_same_points_are_left_alone():
    grid = box(2, "cell", "dirichlet")
    u = np.random.default_rng(1).random(grid.points)
    np.testing.assert_array_equal(interpolate(u, grid, grid), u)


def test_different_boxes_are_refused():
    with pytest.raises(BadInput, match=r"(?s)only between grids of one box.*\(1.0,\), \(2.0,\)"):
        interpolate(np.zeros(4), Grid.make(4, 1.0), Grid.make(8, 2.0))


@pytest.mark.parametrize("factor", [2, 3, 4])
@pytest.mark.parametrize("dim", [1, 2, 3])
def test_cells_keep_their_value_on_their_parts_and_their_sum(dim, factor):
    grid = box(dim, "cell", "neumann")
    u = lead(np.random.default_rng(2).random(grid.points))
    fine = refine(u, grid, factor)
    wanted = u
    for axis in range(dim):
        wanted = np.repeat(wanted, factor, axis=axis - dim)
    np.testing.assert_array_equal(fine, wanted)
    space = tuple(range(-dim, 0))
    np.testing.assert_allclose(
        (fine * grid.scaled(factor).weights).sum(space), (u * grid.weights).sum(space), rtol=1e-13
    )
    np.testing.assert_allclose(coarsen(fine, grid.scaled(factor), factor), u, rtol=1e-15)
    np.testing.assert_allclose(coarsen(fine, grid.scaled(factor), factor, "harmonic"), u, rtol=1e-15)


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_means_over_cells(dim):
    grid = box(dim, "cell", "neumann")
    u = np.random.default_rng(3).uniform(1.0, 5.0, (2, *grid.points))
    coarse = grid.scaled(0.5)
    sums, inverses = np.zeros((2, *coarse.points)), np.zeros((2, *coarse.points))
    for at in np.ndindex(grid.points):
        sums[(slice(None), *(j // 2 for j in at))] += u[(slice(None), *at)]
        inverses[(slice(None), *(j // 2 for j in at))] += 1 / u[(slice(None), *at)]
    np.testing.assert_allclose(coarsen(u, grid, 2), sums / 2**dim, rtol=1e-14)
    np.testing.assert_allclose(coarsen(u, grid, 2, "harmonic"), 2**dim / inverses, rtol=1e-14)
    space = tuple(range(-dim, 0))
    np.testing.assert_allclose(
        (coarsen(u, grid, 2) * coarse.weights).sum(space), (u * grid.weights).sum(space), rtol=1e-14
    )


@pytest.mark.parametrize("kind", ["dirichlet", "periodic"])
def test_vertices_keep_every_second_value(kind):
    grid = box(2, "vertex", kind)
    u = np.random.default_rng(4).random(grid.points)
    np.testing.assert_array_equal(coarsen(u, grid, 2), u[::2, ::2])
    assert coarsen(u, grid, 2).shape == grid.scaled(0.5).points
    np.testing.assert_array_equal(coarsen(refine(u, grid, 2), grid.scaled(2), 2), u)
    np.testing.assert_array_equal(coarsen(refine(u, grid, 3), grid.scaled(3), 3), u)


def test_vertices_by_hand():
    """The nearest vertex, the left one where two are equally near; on a ring the last points belong to the first."""
    line = Grid.make(3, 1.0, location="vertex", boundary="neumann")
    u = np.array([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(refine(u, line, 2), [1, 1, 2, 2, 3])
    np.testing.assert_array_equal(refine(u, line, 3), [1, 1, 2, 2, 2, 3, 3])
    ring = Grid.make(3, 1.0, location="vertex", boundary="periodic")
    np.testing.assert_array_equal(refine(u, ring, 2), [1, 1, 2, 2, 3, 3])
    np.testing.assert_array_equal(refine(u, ring, 3), [1, 1, 2, 2, 2, 3, 3, 3, 1])


@pytest.mark.parametrize("location", ["cell", "vertex"])
def test_refining_linearly_is_interpolating(location):
    grid = box(2, location, "neumann")
    np.testing.assert_allclose(refine(linear(grid), grid, 2, "linear"), linear(grid.scaled(2)), rtol=0, atol=1e-13)


def test_factors_that_do_not_divide_are_refused():
    with pytest.raises(BadInput, match="cannot be scaled by"):
        coarsen(np.zeros((8, 6)), box(2, "cell", "neumann"), 4)
