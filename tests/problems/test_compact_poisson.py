"""Compact differences: sin 6x cos 100x at both orders, stencils by hand, exactness, sources on the walls, finer grids."""

import math

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.sparse.linalg import spsolve

from pdekit.errors import BadInput
from pdekit.problems import CompactPoisson, Poisson
from pdekit.solver import Instances
from pdekit.space.grid import Grid
from pdekit.space.random_fields import draw


def line(n, dim=1, length=math.pi):
    return Grid.make((n + 1,) * dim, (length,) * dim, location="vertex", boundary="dirichlet")


def answer(problem, case):
    matrix, b = problem.assemble(case)
    return problem.embed(case, spsolve(sp.csc_matrix(matrix), b.ravel()).reshape(b.shape))[None]


@pytest.mark.parametrize("order", [2, 4])
def test_sin_6x_cos_100x(order):
    """Errors as the docstring predicts them for the wave of number 106, half of u: (106 h)^2/24 and (106 h)^4/480."""
    errors = []
    for n in (1024, 2048, 4096, 8192):
        problem, grid = CompactPoisson(order=order), line(n)
        instances, u = problem.waves(grid)
        errors.append(np.abs(answer(problem, instances) - u).max())
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert np.all(abs(orders - order) < 0.06), orders
    waves = (106**order + 94**order) * (math.pi / 2048) ** order / {2: 24, 4: 480}[order]
    assert 0.9 * waves < errors[1] < 1.05 * waves
    print(f"\nsin 6x cos 100x, order {order}: largest error {errors[0]:.1e} at 1024, {errors[3]:.1e} at 8192 intervals")


@pytest.mark.parametrize("order", [2, 4])
def test_its_kin_in_two_dimensions(order):
    """sin 2x cos 10x in x and y: waves of number 12 and 8."""
    errors = []
    for n in (64, 128, 256):
        problem = CompactPoisson(order=order)
        instances, u = problem.waves(line(n, 2), slow=2, fast=10)
        errors.append(np.abs(answer(problem, instances) - u).max())
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert np.all(abs(orders - order) < 0.1), orders


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_band_limited_sources_are_solved_exactly(dim):
    problem, grid = CompactPoisson(), line(24, dim, 1.3)
    instances, u = problem.waves(grid, slow=3, fast=12)
    np.testing.assert_allclose(problem.band_limited(instances), u, rtol=0, atol=1e-12)
    law = {"law": "multi-frequency", "slow": 4, "fast": 12, "terms": 4}
    sources = np.stack([draw(law, grid, np.random.default_rng(s)) for s in range(3)])
    exact = problem.band_limited(Instances(grid, {"source": sources}))
    fine = draw(law, line(48, dim, 1.3), np.random.default_rng(1))
    twice = problem.band_limited(Instances(line(48, dim, 1.3), {"source": fine[None]}))
    np.testing.assert_allclose(twice[(0, *(slice(None, None, 2),) * dim)], exact[1], rtol=0, atol=1e-12)


def test_the_nine_points_of_collatz():
    """On a square mesh (1/6h^2) [[-1 -4 -1] [-4 20 -4] [-1 -4 -1]] u = (1/12) [[0 1 0] [1 8 1] [0 1 0]] f."""
    grid = Grid.make((6, 6), (5.0, 5.0), location="vertex", boundary="dirichlet")
    f = np.random.default_rng(0).standard_normal((6, 6))
    matrix, b = CompactPoisson().assemble(Instances(grid, {"source": f[None]}))
    centre = matrix.toarray()[5].reshape(4, 4)  # the row of inner point (1, 1)
    np.testing.assert_allclose(centre[:3, :3] * 6, [[-1, -4, -1], [-4, 20, -4], [-1, -4, -1]], atol=1e-13)
    assert not centre[3].any()
    assert not centre[:, 3].any()
    for i in range(4):
        for j in range(4):
            near = f[i, j + 1] + f[i + 2, j + 1] + f[i + 1, j] + f[i + 1, j + 2]
            assert b[i, j] == pytest.approx((8 * f[i + 1, j + 1] + near) / 12, rel=1e-12)


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_order_2_is_poisson(dim):
    grid = Grid.make(
        (6, 7, 5)[:dim], (1.0, 0.7, 1.3)[:dim], location="vertex", boundary="dirichlet", boundary_value=0.6
    )
    rng = np.random.default_rng(2)
    fields = {
        "source": rng.standard_normal((1, *grid.points)),
        "boundary_x_high": rng.standard_normal((1, *grid.face_shape("x_high"))),
    }
    case = Instances(grid, fields)
    matrix, b = CompactPoisson(order=2).assemble(case)
    operator, wanted = Poisson().assemble(case)
    np.testing.assert_allclose(matrix.toarray(), operator.to_csr().toarray(), rtol=0, atol=1e-11)
    np.testing.assert_allclose(b, wanted, rtol=1e-12)


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_polynomials_of_degree_five_are_exact(dim):
    """u = prod p(x_i) of degree 3, on unequal meshes: -Laplace u is cubic, all differences are exact. Walls are not 0."""
    grid = Grid.make((6, 8, 5)[:dim], (1.0, 0.7, 1.3)[:dim], location="vertex", boundary="dirichlet")
    u, f = np.ones((1,) * dim), 0.0
    for x in grid.mesh:
        u = u * (1 + x - 2 * x**2 + x**3)
    for axis in range(dim):
        term = -(6 * grid.mesh[axis] - 4)
        for other in range(dim):
            term = (
                term
                if other == axis
                else term * (1 + grid.mesh[other] - 2 * grid.mesh[other] ** 2 + grid.mesh[other] ** 3)
            )
        f = f + term
    fields = {"source": np.broadcast_to(f, grid.points)[None].copy()}
    for face in grid.faces:
        axis = grid.axes.index(face[0])
        fields[f"boundary_{face}"] = np.take(
            np.broadcast_to(u, grid.points), 0 if face.endswith("low") else -1, axis=axis
        )[None].copy()
    case = Instances(grid, fields)
    got = answer(CompactPoisson(), case)
    np.testing.assert_allclose(got[0], np.broadcast_to(u, grid.points), rtol=0, atol=1e-12)
    assert CompactPoisson().residual(case, {"potential": got})[0] < 1e-12
    got[(0,) * (dim + 1)] += 1.0  # a stored end
    assert CompactPoisson().residual(case, {"potential": got})[0] > 1e-2


@pytest.mark.parametrize("order", [2, 4])
@pytest.mark.parametrize("dim", [1, 2, 3])
def test_the_matrix_is_positive_definite_and_diagonal_in_sines(dim, order):
    grid = Grid.make((6, 5, 7)[:dim], (1.0, 0.8, 1.3)[:dim], location="vertex", boundary="dirichlet")
    matrix, _ = CompactPoisson(order=order).assemble(Instances(grid, {"source": np.ones((1, *grid.points))}))
    dense = matrix.toarray()
    np.testing.assert_allclose(dense, dense.T, atol=1e-11)
    parts = [
        (2 / h * np.sin(np.pi * np.arange(1, n - 1) / (2 * (n - 1)))) ** 2
        for n, h in zip(grid.points, grid.spacing, strict=True)
    ]
    mesh = np.meshgrid(*parts, indexing="ij")
    values = sum(mesh)
    if order == 4:
        h = grid.spacing
        values = values - sum((h[i] ** 2 + h[j] ** 2) / 12 * mesh[i] * mesh[j] for i in range(dim) for j in range(i))
    np.testing.assert_allclose(np.linalg.eigvalsh(dense), np.sort(values.ravel()), rtol=1e-10)
    assert values.min() > 0


@pytest.mark.parametrize("dim", [1, 2])
def test_sources_on_finer_grids_keep_order_4(dim):
    """Moved to twice the intervals, a source is off by far less than the scheme: `refine` then estimates the true error."""
    problem, grid = CompactPoisson(), line(64, dim)
    instances, u = problem.waves(grid, slow=2, fast=6)
    fine = problem.regrid(instances, 2)
    exact = problem.waves(line(128, dim), slow=2, fast=6)[0].fields["source"]
    assert np.abs(fine.fields["source"] - exact).max() < 2e-4 * np.abs(exact).max()
    error = np.abs(answer(problem, instances) - u).max()
    estimate = np.abs(
        answer(problem, instances) - answer(problem, fine)[(slice(None), *(slice(None, None, 2),) * dim)]
    ).max()
    assert 0.9 * error < estimate < 1.1 * error
    np.testing.assert_array_equal(problem.regrid(fine, 0.5).fields["source"].shape, instances.fields["source"].shape)
    np.testing.assert_allclose(problem.regrid(fine, 0.5).fields["source"], instances.fields["source"], atol=1e-9)


def test_walls_move_to_finer_grids_along_themselves():
    grid = Grid.make((9, 8), (1.0, 1.0), location="vertex", boundary="dirichlet")
    instances = Instances(grid, {"source": np.ones((1, 9, 8)), "boundary_x_low": (grid.coordinates[1] ** 3)[None]})
    fine = CompactPoisson().regrid(instances, 2)
    np.testing.assert_allclose(fine.fields["boundary_x_low"][0], fine.grid.coordinates[1] ** 3, atol=1e-14)
    np.testing.assert_allclose(fine.fields["source"], 1.0, atol=1e-13)
    small = Instances(Grid.make(5, location="vertex", boundary="dirichlet"), {"source": np.ones((1, 5))})
    assert CompactPoisson().regrid(small, 2).fields["source"].shape == (1, 9)


@pytest.mark.parametrize("order", [3, 0, True])
def test_orders_that_cannot_be(order):
    with pytest.raises(BadInput, match=r"(?s)order of CompactPoisson.*allowed: 2, 4"):
        CompactPoisson(order=order)


@pytest.mark.parametrize("box", [{}, {"location": "vertex"}, {"location": "vertex", "boundary": {"x_low": "neumann"}},
                                 {"boundary": "dirichlet"}])  # fmt: skip
def test_other_boxes_are_refused(box):
    with pytest.raises(
        BadInput, match=r"(?s)needs vertices between walls that hold known values.*problem 'poisson' has"
    ):
        CompactPoisson().check_grid(Grid.make((6, 6), 1.0, **box))


def test_walls_that_hold_values_have_no_sine_series():
    grid = Grid.make((6, 6), 1.0, location="vertex", boundary="dirichlet", boundary_value=1.0)
    with pytest.raises(BadInput, match=r"(?s)between walls held at 0.*boundary_value = 0.0"):
        CompactPoisson().band_limited(Instances(grid, {"source": np.ones((1, 6, 6))}))
