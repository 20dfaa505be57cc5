"""The flux form written the slow, literal way, volume by volume and face by face, for every boundary and location.

Here the balance of each control volume is set up from fluxes between neighbours and through walls; nothing is taken from
the module's table but the physics: a wall of cells lies h/2 away, a vertex on a face owns half a volume.
"""

import itertools
import math

import numpy as np
import pytest

from pdekit.errors import BadInput
from pdekit.space.diffusion import boundary_source, control_volumes, diffusion
from pdekit.space.grid import Grid

KINDS = ("dirichlet", "neumann", "robin", "periodic")
PAIRS = [*((k, k) for k in KINDS), ("dirichlet", "neumann"), ("robin", "dirichlet"), ("neumann", "robin")]
ALPHA, BETA = 1.7, 0.6
LENGTH = (1.0, 0.7, 1.9)


def box(pairs, location, intervals, value=0.0):
    faces = {
        f"{a}_{s}": k for a, pair in zip("xyz", pairs, strict=False) for s, k in zip(("low", "high"), pair, strict=True)
    }
    robin = {f: (ALPHA, BETA) for f, kind in faces.items() if kind == "robin"}
    grid = Grid.make(
        (4,) * len(pairs), LENGTH[: len(pairs)], location=location, boundary=faces, boundary_value=value, robin=robin
    )
    return grid.with_intervals(intervals)


def mean_of(a, b, mean):
    return 2 / (1 / a + 1 / b) if mean == "harmonic" else (a + b) / 2


def fraction(grid, at, skip=None):
    """How much of a full volume (of its face, without the axis `skip`) the point owns."""
    out = 1.0
    for axis, j in enumerate(at):
        if axis != skip and grid.location == "vertex" and not grid.periodic[axis] and j in (0, grid.points[axis] - 1):
            out /= 2
    return out


def literal(grid, a, f, faces, mean):
    """(A, b) dense over the unknowns: outflow of each volume = source in it, all divided by a full volume."""
    index = np.arange(math.prod(grid.points)).reshape(grid.points)
    unknown = index[grid.unknown].ravel()
    A, b = np.zeros((index.size, index.size)), np.zeros(index.size)
    for at in np.ndindex(grid.points):
        row = index[at]
        b[row] += f[at] * fraction(grid, at)
        for axis, n in enumerate(grid.points):
            h, area = grid.spacing[axis], fraction(grid, at, skip=axis)
            for step, side in ((-1, "low"), (1, "high")):
                j = at[axis] + step
                if 0 <= j < n or grid.periodic[axis]:
                    other = (*at[:axis], j % n, *at[axis + 1 :])
                    conductance = area * mean_of(a[at], a[other], mean) / h / h
                    A[row, row] += conductance
                    A[row, index[other]] -= conductance
                    continue
                value = faces[f"{grid.axes[axis]}_{side}"][(*at[:axis], *at[axis + 1 :])]
                kind = grid.boundary[axis][0 if side == "low" else 1]
                if kind == "neumann":  # what flows in through the wall
                    b[row] += area * value / h
                elif grid.location == "vertex" and kind == "robin":  # inflow (g - alpha u)/beta at the vertex itself
                    A[row, row] += area * ALPHA / BETA / h
                    b[row] += area * value / BETA / h
                elif kind == "robin":  # inflow q with q = (g - alpha w)/beta = 2a/h (w - u), w at the wall
                    w_of_u = (2 * a[at] / h) / (2 * a[at] / h + ALPHA / BETA)
                    w_of_g = (value / BETA) / (2 * a[at] / h + ALPHA / BETA)
                    A[row, row] += area * 2 * a[at] / h / h * (1 - w_of_u)
                    b[row] += area * 2 * a[at] / h / h * w_of_g
                elif grid.location == "cell":
                    A[row, row] += area * 2 * a[at] / h / h
                    b[row] += area * 2 * a[at] / h / h * value
    known = np.zeros(grid.points)  # stored Dirichlet ends of vertex axes
    if grid.location == "vertex":
        for face in grid.faces:
            if grid.kind(face) == "dirichlet":
                axis, end = grid.axes.index(face[0]), 0 if face.endswith("low") else -1
                known[(*(slice(None),) * axis, end)] = faces[face]
    b = b - A @ known.ravel()
    return A[np.ix_(unknown, unknown)], b[unknown]


def compare(grid, mean, rng):
    a = rng.uniform(0.5, 8.0, grid.points)
    f = rng.standard_normal(grid.points)
    faces = {face: rng.standard_normal(grid.face_shape(face)) for face in grid.faces}
    consistent_corners(grid, faces)
    A, b = literal(grid, a, f, faces, mean)
    operator, walls = diffusion(grid, a, mean=mean)
    got = operator.to_csr().toarray()
    np.testing.assert_allclose(got, A, rtol=0, atol=1e-13 * np.abs(A).max())
    right = f[grid.unknown] * control_volumes(grid) + boundary_source(grid, walls, faces)
    np.testing.assert_allclose(right.ravel(), b, rtol=0, atol=1e-13 * max(np.abs(b).max(), 1.0))


def consistent_corners(grid, faces):
    """Where two Dirichlet faces meet, a stored vertex has one value; no unknown sees it."""
    if grid.location == "cell" or grid.dim == 1:
        return
    for face in faces:
        if grid.kind(face) == "dirichlet":
            faces[face][(0,) * (grid.dim - 1)] = 0.0


@pytest.mark.parametrize("mean", ["arithmetic", "harmonic"])
@pytest.mark.parametrize("location", ["cell", "vertex"])
@pytest.mark.parametrize("pair", PAIRS)
def test_1d(pair, location, mean, rng):
    compare(box((pair,), location, (6,)), mean, rng)


@pytest.mark.parametrize("mean", ["arithmetic", "harmonic"])
@pytest.mark.parametrize("location", ["cell", "vertex"])
@pytest.mark.parametrize("pairs", list(itertools.product(PAIRS, repeat=2)))
def test_2d(pairs, location, mean, rng):
    compare(box(pairs, location, (4, 5)), mean, rng)


@pytest.mark.parametrize("mean", ["arithmetic", "harmonic"])
@pytest.mark.parametrize("location", ["cell", "vertex"])
@pytest.mark.parametrize("pair", PAIRS)
def test_3d(pair, location, mean, rng):
    for pairs in ((pair, PAIRS[1], PAIRS[4]), (PAIRS[2], pair, PAIRS[0]), (PAIRS[5], PAIRS[3], pair)):
        compare(box(pairs, location, (3, 4, 3)), mean, rng)


@pytest.mark.parametrize("location", ["cell", "vertex"])
@pytest.mark.parametrize("pair", PAIRS[:3] + PAIRS[4:])
def test_constant_values_of_the_grid_are_fields_of_one_value(pair, location, rng):
    grid = box((pair, PAIRS[4]), location, (4, 5), value=1.3)
    _, walls = diffusion(grid, rng.uniform(1.0, 2.0, grid.points))
    fields = {face: np.full(grid.face_shape(face), 1.3) for face in grid.faces}
    constant = boundary_source(grid, walls)
    assert np.abs(constant).max() > 0
    np.testing.assert_array_equal(constant, boundary_source(grid, walls, fields))
    one = {"x_low": fields["x_low"]}
    np.testing.assert_array_equal(constant, boundary_source(grid, walls, one))


@pytest.mark.parametrize("location", ["cell", "vertex"])
@pytest.mark.parametrize("pair", PAIRS)
def test_a_number_is_a_constant_coefficient(pair, location):
    grid = box((pair, PAIRS[5]), location, (4, 3))
    one, walls = diffusion(grid, 2.5)
    full, others = diffusion(grid, np.full(grid.points, 2.5))
    for e, f in zip(one.edges, full.edges, strict=True):
        np.testing.assert_array_equal(e, f)
    for face in walls:
        np.testing.assert_array_equal(walls[face], others[face])


@pytest.mark.parametrize("location", ["cell", "vertex"])
@pytest.mark.parametrize("pair", PAIRS)
def test_the_shift_counts_by_volume(pair, location, rng):
    grid = box((pair, PAIRS[1]), location, (4, 3))
    s = rng.uniform(0.0, 1.0, control_volumes(grid).shape)
    plain, shifted = diffusion(grid, 1.0)[0], diffusion(grid, 1.0, shift=s)[0]
    np.testing.assert_allclose(shifted.diagonal() - plain.diagonal(), s * control_volumes(grid), rtol=0, atol=1e-12)


@pytest.mark.parametrize("location", ["cell", "vertex"])
@pytest.mark.parametrize("pair", PAIRS)
def test_a_batch_of_coefficients_is_each_by_itself(pair, location, rng):
    grid = box((pair, PAIRS[2]), location, (4, 3))
    a = rng.uniform(1.0, 2.0, (3, *grid.points))
    batch, walls = diffusion(grid, a)
    for i in range(3):
        own, wall = diffusion(grid, a[i])
        for e, f in zip(batch.edges, own.edges, strict=True):
            np.testing.assert_allclose(e[i], f, rtol=1e-15)
        for face in wall:
            np.testing.assert_allclose(walls[face][i], wall[face], rtol=1e-15)


@pytest.mark.parametrize("shape", [(8, 8), (16,), (16, 8), (2, 8, 8)])
def test_a_coefficient_of_another_grid_is_refused(shape):
    with pytest.raises(BadInput, match=r"(?s)coefficient does not lie on the grid.*found: shape.*16, 16"):
        diffusion(Grid.make((16, 16), 1.0), np.ones(shape))


def test_a_numpy_number_is_a_number():
    grid = Grid.make((4, 4), 1.0)
    got, wanted = (diffusion(grid, a)[0].diagonal() for a in (np.float32(0.5), 0.5))
    np.testing.assert_array_equal(got, wanted)


def test_an_unknown_mean_is_refused():
    grid = Grid.make((4, 4), (1.0, 1.0))
    with pytest.raises(BadInput, match=r"(?s)no face mean named 'harmonics'.*did you mean 'harmonic'"):
        diffusion(grid, 1.0, mean="harmonics")


@pytest.fixture
def rng():
    return np.random.default_rng(17)
