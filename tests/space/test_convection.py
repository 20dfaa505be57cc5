"""w . grad u against a loop over points in which the value beyond each face is solved for from the boundary condition."""

import itertools

import numpy as np
import pytest

from pdekit.errors import BadInput
from pdekit.space.convection import convection
from pdekit.space.diffusion import control_volumes
from pdekit.space.grid import Grid

A, ALPHA, BETA = 0.3, 1.7, 0.6
KINDS = ("dirichlet", "neumann", "robin", "periodic")


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def box(pairs, location, intervals):
    faces = {
        f"{a}_{s}": k for a, pair in zip("xyz", pairs, strict=False) for s, k in zip(("low", "high"), pair, strict=True)
    }
    robin = {f: (ALPHA, BETA) for f, kind in faces.items() if kind == "robin"}
    grid = Grid.make((4,) * len(pairs), (1.0, 0.7, 1.9)[: len(pairs)], location=location, boundary=faces, robin=robin)
    return grid.with_intervals(intervals)


def beyond(grid, axis, side, inner, g):
    """The value one point outside, from the condition on the face: alpha u + beta a du/dn = g and its special cases."""
    h, cell, kind = grid.spacing[axis], grid.location == "cell", grid.boundary[axis][side]
    alpha, beta = {"dirichlet": (1.0, 0.0), "neumann": (0.0, 1.0), "robin": (ALPHA, BETA)}[kind]
    if kind == "dirichlet" and not cell:
        return g
    at_face = (0.5, 0.5) if cell else (1.0, 0.0)  # shares of (inner, outer) in the face's value
    known = alpha * at_face[0] * inner - beta * A * inner / h
    return (g - known) / (alpha * at_face[1] + beta * A / h)


def literal(grid, w, u, faces, scheme):
    out = np.zeros(u.shape)
    for at in np.ndindex(u.shape):
        for axis, n in enumerate(u.shape):
            near = []
            for step, side in ((-1, 0), (1, -1)):
                place = at[axis] + step
                if 0 <= place < n or grid.periodic[axis]:
                    near.append(u[(*at[:axis], place % n, *at[axis + 1 :])])
                else:
                    stored = [k + (s.start or 0) for k, s in zip(at, grid.unknown, strict=True)]
                    g = faces[f"{'xyz'[axis]}_{'low' if side == 0 else 'high'}"][(*stored[:axis], *stored[axis + 1 :])]
                    near.append(beyond(grid, axis, side, u[at], g))
            h, v = grid.spacing[axis], w[axis][at]
            if scheme == "central":
                out[at] += v * (near[1] - near[0]) / (2 * h)
            else:
                out[at] += v * ((u[at] - near[0]) if v > 0 else (near[1] - u[at])) / h
    return out * control_volumes(grid)


PAIRS = [*((k, k) for k in KINDS), ("dirichlet", "neumann"), ("robin", "dirichlet"), ("neumann", "robin")]
BOXES = [
    *(((pair,), (6,)) for pair in PAIRS),
    *((pairs, (4, 5)) for pairs in itertools.product(PAIRS[2:6], repeat=2)),
    *(((pair, PAIRS[4], PAIRS[5]), (3, 4, 3)) for pair in PAIRS),
]


@pytest.mark.parametrize("scheme", ["central", "upwind"])
@pytest.mark.parametrize("location", ["cell", "vertex"])
@pytest.mark.parametrize(("pairs", "intervals"), BOXES)
def test_every_row_is_the_difference_of_its_neighbours(pairs, intervals, location, scheme, rng):
    grid = box(pairs, location, intervals)
    shape = control_volumes(grid).shape
    w = [rng.standard_normal(shape) for _ in range(grid.dim)]
    faces = {face: rng.standard_normal(grid.face_shape(face)) for face in grid.faces}
    u = rng.standard_normal(shape)
    matrix, known = convection(grid, w, A, scheme, faces)
    wanted = literal(grid, w, u, faces, scheme)
    got = (matrix @ u.ravel()).reshape(shape) - known
    np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-13 * np.abs(wanted).max())


@pytest.mark.parametrize("scheme", ["central", "upwind"])
@pytest.mark.parametrize("location", ["cell", "vertex"])
def test_a_plane_is_carried_exactly(location, scheme):
    """u = 1 + 2x - 3y between walls of every kind: both schemes are exact, w . grad u = 2 w_x - 3 w_y."""
    grid = box((("dirichlet", "neumann"), ("robin", "dirichlet")), location, (5, 6))
    (x, y), ly = grid.coordinates, grid.length[1]
    u = 1 + 2 * grid.mesh[0] - 3 * grid.mesh[1]
    faces = {
        "x_low": 1 - 3 * y,
        "x_high": 0 * y + 2 * A,
        "y_low": ALPHA * (1 + 2 * x) + BETA * A * 3,
        "y_high": 1 + 2 * x - 3 * ly,
    }
    matrix, known = convection(grid, [0.7, -1.1], A, scheme, faces)
    inside = u[grid.unknown]
    got = (matrix @ inside.ravel()).reshape(inside.shape) - known
    np.testing.assert_allclose(got, (2 * 0.7 + 3 * 1.1) * control_volumes(grid), rtol=0, atol=1e-12)


def test_upwind_gives_an_m_matrix_and_central_does_not():
    grid = box((("dirichlet", "dirichlet"), ("dirichlet", "neumann")), "cell", (6, 5))
    for scheme, wanted in (("upwind", True), ("central", False)):
        dense = convection(grid, [2.0, -1.0], A, scheme, {})[0].toarray()
        off = dense - np.diag(np.diag(dense))
        assert bool((off <= 0).all() and (np.diag(dense) >= 0).all()) is wanted


def test_constant_values_of_the_grid_are_fields_of_one_value(rng):
    grid = Grid.make((5, 4), (1.0, 1.0), boundary={"x_low": "neumann"}, boundary_value=1.3)
    fields = {face: np.full(grid.face_shape(face), 1.3) for face in grid.faces}
    one, two = convection(grid, [1.0, 2.0], A, "central", {}), convection(grid, [1.0, 2.0], A, "central", fields)
    np.testing.assert_array_equal(one[1], two[1])
    assert np.abs(one[1]).max() > 1


def test_still_water_carries_nothing():
    matrix, known = convection(
        Grid.make((4, 4), 1.0, boundary="dirichlet", boundary_value=1.0), [0.0, 0.0], A, "central", {}
    )
    assert matrix.nnz == 0
    assert not known.any()


def test_an_unknown_scheme_is_refused():
    with pytest.raises(BadInput, match=r"(?s)no scheme of convection named 'upwnd'.*did you mean 'upwind'"):
        convection(Grid.make(4), [1.0], A, "upwnd", {})
