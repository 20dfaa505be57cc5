"""Points, spacing, weights, faces and refusals of a Grid, against positions written out by hand."""

import importlib.util
import math
import sys

import numpy as np
import pytest

from pdekit.errors import BadInput
from pdekit.space import grid as grid_module
from pdekit.space.grid import Grid

ONE = {
    ("cell", "periodic"): ([0.25, 0.75, 1.25, 1.75], 0.5, [0.5, 0.5, 0.5, 0.5]),
    ("cell", "dirichlet"): ([0.25, 0.75, 1.25, 1.75], 0.5, [0.5, 0.5, 0.5, 0.5]),
    ("vertex", "periodic"): ([0.0, 0.5, 1.0, 1.5], 0.5, [0.5, 0.5, 0.5, 0.5]),
    ("vertex", "dirichlet"): ([0.0, 2 / 3, 4 / 3, 2.0], 2 / 3, [1 / 3, 2 / 3, 2 / 3, 1 / 3]),
    ("vertex", "neumann"): ([0.0, 2 / 3, 4 / 3, 2.0], 2 / 3, [1 / 3, 2 / 3, 2 / 3, 1 / 3]),
    ("vertex", "robin"): ([0.0, 2 / 3, 4 / 3, 2.0], 2 / 3, [1 / 3, 2 / 3, 2 / 3, 1 / 3]),
}


@pytest.mark.parametrize(("location", "kind"), ONE)
def test_four_points_on_a_length_of_two(location, kind):
    points, spacing, weights = ONE[location, kind]
    grid = Grid.make(4, 2.0, location=location, boundary=kind)
    np.testing.assert_allclose(grid.coordinates[0], points, rtol=1e-15)
    assert grid.spacing == pytest.approx((spacing,), rel=1e-15)
    np.testing.assert_allclose(grid.weights, weights, rtol=1e-15)
    assert grid.intervals == (3 if location == "vertex" and kind != "periodic" else 4,)


MIXED = {"x_low": "periodic", "x_high": "periodic", "y_low": "neumann", "z_high": "robin"}


@pytest.mark.parametrize("location", ["cell", "vertex"])
def test_axes_of_different_kinds_in_three_dimensions(location):
    grid = Grid.make((4, 5, 7), (1.0, 0.5, 3.0), location=location, boundary=MIXED, robin={"z_high": (2.0, 0.5)})
    assert grid.dim == 3
    assert grid.axes == ("x", "y", "z")
    assert grid.periodic == (True, False, False)
    assert grid.boundary == (("periodic", "periodic"), ("neumann", "dirichlet"), ("dirichlet", "robin"))
    assert grid.faces == ("y_low", "y_high", "z_low", "z_high")
    assert grid.kind("y_low") == "neumann"
    assert grid.kind("z_high") == "robin"
    assert grid.robin[2] == ((1.0, 1.0), (2.0, 0.5))
    assert grid.face_shape("x_low") == (5, 7)
    assert grid.face_shape("y_high") == (4, 7)
    assert grid.face_shape("z_low") == (4, 5)
    assert grid.weights.shape == (4, 5, 7)
    assert grid.weights.sum() == pytest.approx(grid.volume, rel=1e-14)
    assert grid.volume == pytest.approx(1.5, rel=1e-15)
    assert [w.sum() for w in grid.axis_weights] == pytest.approx(grid.length, rel=1e-14)
    assert [m.shape for m in grid.mesh] == [(4, 1, 1), (1, 5, 1), (1, 1, 7)]


@pytest.mark.parametrize("location", ["cell", "vertex"])
@pytest.mark.parametrize("kind", ["periodic", "dirichlet", "neumann", "robin"])
def test_the_weights_integrate_a_linear_function_exactly(location, kind):
    """Midpoint and trapezoidal rules are exact for it; the periodic vertex rule sees x as a saw and is not."""
    grid = Grid.make((6, 5), (2.0, 3.0), location=location, boundary=kind)
    x, y = grid.mesh
    integral = (grid.weights * (1 + 2 * x + 4 * y)).sum()
    if location == "vertex" and kind == "periodic":
        assert integral == pytest.approx(6 * (1 + 2 * (1 - 2 / 12) + 4 * (1.5 - 3 / 10)), rel=1e-14)
    else:
        assert integral == pytest.approx(6 * (1 + 2 + 6), rel=1e-14)


def test_unknowns_leave_out_the_stored_dirichlet_ends_of_vertex_axes_only():
    mixed = {"x_low": "dirichlet", "x_high": "neumann", "y_low": "robin", "y_high": "dirichlet"}
    vertex = Grid.make((5, 6), 1.0, location="vertex", boundary=mixed)
    index = np.arange(30).reshape(5, 6)
    np.testing.assert_array_equal(index[vertex.unknown], index[1:, :-1])
    cell = Grid.make((5, 6), 1.0, location="cell", boundary=mixed)
    np.testing.assert_array_equal(index[cell.unknown], index)
    ring = Grid.make((5, 6), 1.0, location="vertex", boundary="periodic")
    np.testing.assert_array_equal(index[ring.unknown], index)


def test_values_are_kept_by_face():
    grid = Grid.make((3, 3), 1.0, boundary="dirichlet", boundary_value={"x_high": 2.5, "y_low": -1.0})
    assert [grid.value(f) for f in grid.faces] == [0.0, 2.5, -1.0, 0.0]


@pytest.mark.parametrize("location", ["cell", "vertex"])
def test_scaled_keeps_the_box_and_nests_the_vertices(location):
    boundary = {"x_low": "periodic", "x_high": "periodic"}
    grid = Grid.make((4, 5), (1.0, 2.0), location=location, boundary=boundary, unit="m")
    fine = grid.scaled(2)
    assert fine.points == ((8, 10) if location == "cell" else (8, 9))
    assert (fine.length, fine.boundary, fine.unit) == (grid.length, grid.boundary, "m")
    assert fine.spacing == tuple(h / 2 for h in grid.spacing)
    assert fine.scaled(0.5) == grid
    if location == "vertex":
        for coarse, finer in zip(grid.coordinates, fine.coordinates, strict=True):
            np.testing.assert_array_equal(finer[::2], coarse)


def test_with_intervals_sets_each_axis():
    grid = Grid.make((5, 4), 1.0, location="vertex", boundary={"y_low": "periodic", "y_high": "periodic"})
    assert grid.with_intervals((8, 6)).points == (9, 6)


@pytest.mark.parametrize(
    ("points", "length", "expected"),
    [(8, (1.0, 2.0), ((8, 8), (1.0, 2.0))), ((3, 4, 5), 2.0, ((3, 4, 5), (2.0, 2.0, 2.0))), (7, 1.0, ((7,), (1.0,)))],
)
def test_one_number_stands_for_all_axes(points, length, expected):
    grid = Grid.make(points, length)
    assert (grid.points, grid.length) == expected


REFUSALS = {
    "four axes": (
        {"points": (4, 4, 4, 4)},
        ["do not describe a box in 1 to 3 dimensions", "points = (4, 4, 4, 4)", "1 to 3 entries each"],
    ),
    "no axis": ({"points": ()}, ["do not describe a box", "points = ()"]),
    "two lengths, three points": (
        {"points": (4, 4, 4), "length": (1.0, 1.0)},
        ["do not describe a box", "length = (1.0, 1.0)", "the same number in both"],
    ),
    "one point": ({"points": (8, 1)}, ["points along y cannot be used", "found: 1", "an integer >= 2"]),
    "half a point": ({"points": 8.5}, ["points along x cannot be used", "found: 8.5"]),
    "true as points": ({"points": (True, 8)}, ["points along x cannot be used", "found: True"]),
    "points as text": ({"points": "64"}, ["points along x cannot be used", "found: '64'"]),
    "zero length": ({"points": 8, "length": 0.0}, ["length along x cannot be used", "found: 0.0", "a number > 0"]),
    "negative length": ({"points": (8, 8), "length": (1.0, -2.0)}, ["length along y cannot be used", "found: -2.0"]),
    "infinite length": ({"points": 8, "length": math.inf}, ["length along x cannot be used", "found: inf"]),
    "NaN length": ({"points": 8, "length": math.nan}, ["length along x cannot be used", "found: nan"]),
    "length as text": ({"points": 8, "length": "1 m"}, ["length along x cannot be used", "found: '1 m'"]),
    "location": (
        {"points": 8, "location": "cells"},
        ["no grid location named 'cells'", "did you mean 'cell'?", "vertex"],
    ),
    "kind": (
        {"points": 8, "boundary": "dirichlett"},
        ["no boundary type (face x_low) named 'dirichlett'", "did you mean 'dirichlet'?", "neumann, periodic, robin"],
    ),
    "kind on one face": (
        {"points": (8, 8), "boundary": {"y_high": "wall"}},
        ["no boundary type (face y_high) named 'wall'"],
    ),
    "face": (
        {"points": 8, "boundary": {"y_low": "neumann"}},
        ["no face in boundary named 'y_low'", "did you mean 'x_low'?", "x_high, x_low"],
    ),
    "face of a value": (
        {"points": (8, 8), "boundary_value": {"left": 1.0}},
        ["no face in boundary_value named 'left'", "x_high, x_low, y_high, y_low"],
    ),
    "periodic on one side": (
        {"points": 8, "boundary": {"x_low": "periodic"}},
        ["axis x is periodic on one face only", "x_low = 'periodic', x_high = 'dirichlet'", "or neither"],
    ),
    "NaN value": (
        {"points": 8, "boundary": "dirichlet", "boundary_value": {"x_high": math.nan}},
        ["boundary value on face x_high cannot be used", "found: nan", "a finite number", "{ law = ... }"],
    ),
    "text value": (
        {"points": 8, "boundary": "dirichlet", "boundary_value": "warm"},
        ["boundary value on face x_low cannot be used", "found: 'warm'"],
    ),
    "true as value": (
        {"points": 8, "boundary": "dirichlet", "boundary_value": True},
        ["boundary value on face x_low cannot be used", "found: True"],
    ),
    "robin without alpha": (
        {"points": 8, "boundary": "robin", "robin": {"x_low": (0.0, 1.0)}},
        ["the robin pair on face x_low cannot be used", "(0.0, 1.0)", "alpha = 0 is neumann, beta = 0 is dirichlet"],
    ),
    "robin of one number": (
        {"points": 8, "boundary": "robin", "robin": {"x_high": (1.0,)}},
        ["the robin pair on face x_high cannot be used", "found: (1.0,)", "both finite and > 0"],
    ),
    "robin without end": (
        {"points": 8, "boundary": "robin", "robin": {"x_high": (1.0, math.inf)}},
        ["the robin pair on face x_high cannot be used", "found: (1.0, inf)"],
    ),
    "robin pair of another kind": (
        {"points": 8, "boundary": "dirichlet", "robin": {"x_low": (1.0, 1.0)}},
        ["face x_low has a robin pair and is not robin", "boundary 'dirichlet', robin (1.0, 1.0)", 'x_low = "robin"'],
    ),
    "robin pair on a ring": (
        {"points": (8, 8), "robin": {"y_high": (2.0, 1.0)}},
        ["face y_high has a robin pair and is not robin", "boundary 'periodic'"],
    ),
    "value on a ring": (
        {"points": 8, "boundary_value": 3.0},
        ["face x_low is periodic and has no boundary value", "boundary_value 3.0", "dirichlet, neumann and robin"],
    ),
    "value named for a periodic face": (
        {"points": (8, 8), "boundary": {"y_low": "periodic", "y_high": "periodic"}, "boundary_value": {"y_high": 1.5}},
        ["face y_high is periodic and has no boundary value", "boundary_value 1.5"],
    ),
    "face of robin": (
        {"points": 8, "boundary": "robin", "robin": {"x_hi": (1.0, 1.0)}},
        ["no face in robin named 'x_hi'", "did you mean 'x_high'"],
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_refusals_say_what_where_found_and_allowed(case):
    arguments, parts = REFUSALS[case]
    with pytest.raises(BadInput) as error:
        refused(**arguments)
    for part in parts:
        assert part in str(error.value)


def refused(points, length=1.0, **arguments):
    """Under its annotations `make` would stop at the first wrong type; outside the tests nothing but its own checks does."""
    spec = importlib.util.spec_from_file_location("grid_without_annotation_checks", grid_module.__file__)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.Grid.make(points, length, **arguments)


def test_refusals_of_methods():
    grid = Grid.make((6, 9), 1.0)
    with pytest.raises(BadInput, match=r"no face named 'z_low'"):
        grid.kind("z_low")
    with pytest.raises(BadInput, match=r"no face named 'x_left'"):
        grid.face_shape("x_left")
    with pytest.raises(BadInput, match=r"(?s)cannot be scaled by 0.5.*\(6, 9\) intervals.*a whole number of intervals"):
        grid.scaled(0.5)
    with pytest.raises(BadInput, match=r"(?s)fewer than 2 points along an axis.*\(1, 4\)"):
        grid.with_intervals((1, 4))


def test_one_value_for_all_faces_leaves_periodic_axes_alone():
    """What has no effect must not tell two equal boxes apart."""
    ring = {"x_low": "periodic", "x_high": "periodic"}
    grid = Grid.make((4, 4), 1.0, boundary=ring, boundary_value=3.0)
    assert grid.boundary_value == ((0.0, 0.0), (3.0, 3.0))
    same = Grid.make((4, 4), 1.0, boundary=ring, boundary_value={"x_low": 0.0, "y_low": 3.0, "y_high": 3.0})
    assert grid == same
    assert hash(grid) == hash(same)


def test_grids_are_values():
    assert Grid.make(8, 1.0) == Grid.make((8,), (1.0,))
    assert Grid.make(8, 1.0) != Grid.make(8, 1.0, location="vertex")
    assert len({Grid.make(8), Grid.make(8), Grid.make(9)}) == 2
