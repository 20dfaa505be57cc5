"""The null space of a domain in pieces: one constant for each room that nothing holds, found from the operator."""

import numpy as np
import pytest
import scipy.sparse as sp

from pdekit.linear import Stop, solve
from pdekit.linear.multigrid import MultigridCycle
from pdekit.linear.solvers import CG, Direct, PCGMultigrid
from pdekit.linear.system import System, rooms
from pdekit.problems.obstructed_poisson import ObstructedPoisson
from pdekit.solution import Status
from pdekit.solver import Instances
from pdekit.space.diffusion import control_volumes, diffusion
from pdekit.space.grid import Grid
from pdekit.space.obstacles import obstruct
from pdekit.space.stencils import StencilOperator

CLOSED = "neumann"
WARM = {"x_low": "dirichlet", "x_high": "neumann", "y_low": "neumann", "y_high": "neumann"}
WALL = 11  # the row of solid cells: rooms of 11 and 20 rows
PAIRS = [("auto", "auto"), ("direct", "auto"), ("multigrid", "auto"), ("amg", "auto"), ("sor", "auto")]
PAIRS += [("cg", p) for p in ("none", "jacobi", "ssor", "ic0", "ilu", "chebyshev", "block-jacobi", "fast-poisson")]
PAIRS += [("cg", p) for p in ("multigrid", "amg", "smoothed-aggregation")]
PAIRS += [("minres", p) for p in ("auto", "none", "multigrid", "amg")]


def two_rooms(boundary, points=(32, 16)):
    """-Laplace in two rooms that a wall without flux parts, and which cells are wall."""
    grid = Grid.make(points, boundary=boundary)
    solid = np.zeros(points, dtype=bool)
    solid[WALL] = True
    return obstruct(diffusion(grid, 1.0)[0], solid, "neumann"), solid


def halves():
    return (slice(0, WALL), slice(WALL + 1, None))


def balanced(operator, solid, seed=0):
    """A random b, 0 in the wall, that sums to zero in each closed room."""
    b = np.where(solid, 0.0, np.random.default_rng(seed).normal(size=operator.shape))
    z = operator.nullspace
    return b - (z @ (z.T @ b.ravel())).reshape(b.shape)


def alone(b, part, boundary):
    """The answer of one room as a box of its own, by the single-room code."""
    points = b[part].shape
    grid = Grid.make(points, (points[0] / 32, 1.0), boundary=boundary)
    return solve(diffusion(grid, 1.0)[0], np.ascontiguousarray(b[part]), method="direct").require_converged().values


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("method", "precond"), PAIRS)
def test_two_closed_rooms_are_two_boxes(method, precond):
    operator, solid = two_rooms(CLOSED)
    b = balanced(operator, solid)
    s = solve(operator, b, method=method, precond=precond)
    assert s.status is Status.CONVERGED
    assert s.true_residual <= 1e-8
    for part in halves():
        own = alone(b, part, CLOSED)
        assert abs(own.mean()) < 1e-14
        np.testing.assert_allclose(s.values[part], own, rtol=0, atol=1e-6 * np.abs(own).max())
        assert abs(s.values[part].mean()) < 1e-14
    assert np.abs(s.values[WALL]).max() < 1e-8 * np.abs(s.values).max()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("method", "precond"), PAIRS)
def test_a_closed_room_beside_a_warm_one(method, precond):
    operator, solid = two_rooms(WARM)
    assert rooms(operator).shape == (512, 1)
    b = balanced(operator, solid)
    assert abs(b[halves()[0]].sum()) > 1.0  # the warm room takes any b
    s = solve(operator, b, method=method, precond=precond)
    assert s.status is Status.CONVERGED
    warm, closed = halves()
    for part, boundary in ((warm, WARM), (closed, CLOSED)):
        own = alone(b, part, boundary)
        np.testing.assert_allclose(s.values[part], own, rtol=0, atol=1e-6 * np.abs(own).max())
    assert abs(s.values[closed].mean()) < 1e-14


@pytest.mark.parametrize(("method", "precond"), PAIRS)
def test_what_one_room_cannot_balance_is_refused_though_the_sum_is_zero(method, precond):
    operator, solid = two_rooms(CLOSED)
    b = balanced(operator, solid)
    low, high = halves()
    b[low] += 1e-6 * b[high].size / b[low].size
    b[high] -= 1e-6
    assert abs(b.sum()) < 1e-12
    s = solve(operator, b, method=method, precond=precond)
    assert s.status is Status.INCOMPATIBLE_RHS
    assert s.steps == 0
    assert s.info["incompatible"] == pytest.approx(1e-6 * (320 * (1 + 320 / 176)) ** 0.5 / np.linalg.norm(b), rel=1e-3)
    projected = solve(operator, b, method=method, precond=precond, project_rhs=True)
    exact = solve(operator, balanced(operator, solid), method="direct").values
    np.testing.assert_allclose(projected.values, exact, rtol=0, atol=1e-6 * np.abs(exact).max())


def test_cards_serve_rooms_in_the_shape_of_the_problem():
    grid = Grid.make((32, 16), boundary=CLOSED)
    solid = np.zeros((1, 32, 16))
    solid[:, WALL] = 1
    operator, _ = two_rooms(CLOSED)
    instances = Instances(grid, {"source": balanced(operator, solid[0] > 0)[None], "solid": solid})
    problem = ObstructedPoisson(wall="neumann")
    answers = [c.prepare(problem).solve(instances).require_converged() for c in (Direct(), CG(), PCGMultigrid())]
    first = answers[0].values["potential"]
    assert answers[0].true_residual[0] < 1e-12
    for answer in answers[1:]:
        np.testing.assert_allclose(answer.values["potential"], first, rtol=0, atol=1e-6 * np.abs(first).max())


def test_float32_in_rooms():
    operator, solid = two_rooms(CLOSED)
    b = balanced(operator, solid).astype(np.float32)
    s = solve(operator.astype(np.float32), b, stop=Stop(rtol=1e-5))
    assert (s.status, s.values.dtype) == (Status.CONVERGED, np.float32)
    assert all(abs(s.values[part].mean()) < 1e-6 * np.abs(s.values).max() for part in halves())


def test_rooms_of_vertices_are_centred_in_their_quadrature():
    """A coefficient that vanishes along a line parts a box of vertices; its outer rows have half volumes."""
    grid = Grid.make((9, 6), (8.0, 5.0), location="vertex", boundary=CLOSED)
    whole = diffusion(grid, 1.0)[0]
    edges = tuple(e.copy() for e in whole.edges)
    edges[0][4] = 0.0
    operator = StencilOperator(edges, grid)
    b = np.random.default_rng(0).normal(size=operator.shape)
    weights = control_volumes(grid)
    for part in (slice(0, 4), slice(4, None)):
        b[part] -= b[part].mean()
    for method, precond in (("cg", "none"), ("direct", "auto")):
        x = solve(operator, b, method=method, precond=precond).require_converged().values
        for part in (slice(0, 4), slice(4, None)):
            assert abs((weights[part] * x[part]).sum()) < 1e-12 * np.abs(x).max()
            assert abs(x[part].mean()) > 1e-6 * np.abs(x).max()


def test_many_rooms_cost_no_more_memory_than_one():
    """Every second row a wall: 64 rooms of 128 cells. A dense basis would hold 16384 x 64 numbers."""
    grid = Grid.make((128, 128), boundary=CLOSED)
    solid = np.zeros(grid.points, dtype=bool)
    solid[1::2] = True
    operator = obstruct(diffusion(grid, 1.0)[0], solid, "neumann")
    b = np.where(solid, 0.0, np.random.default_rng(0).normal(size=grid.points))
    b[::2] -= b[::2].mean(axis=1, keepdims=True)
    system = System(operator, b)
    assert sp.issparse(system.basis)
    assert (system.basis.shape, system.basis.nnz) == ((128 * 128, 64), 64 * 128)
    x = solve(operator, b, method="cg", precond="jacobi").require_converged().values
    assert np.abs(x[::2].mean(axis=1)).max() < 1e-12


def test_unknowns_without_any_edge_are_refused_as_before():
    operator = diffusion(Grid.make((16, 16), boundary="dirichlet"), np.ones((16, 16)))[0]
    edges = tuple(e.copy() for e in operator.edges)
    edges[0][4:6, 3] = edges[1][4, 3:5] = 0.0
    lone = StencilOperator(edges, operator.grid)
    assert System(lone, np.ones(lone.shape)).basis is None
    assert solve(lone, np.ones(lone.shape), method="cg", precond="none").status is Status.INDEFINITE_OPERATOR


def test_where_nothing_floats_nothing_is_searched(monkeypatch):
    """No graph is built, and one room is what it was: "constant", 127 steps on 32 x 32 cells."""
    monkeypatch.setattr(StencilOperator, "to_csr", lambda self: pytest.fail("a matrix was assembled"))
    held = diffusion(Grid.make((32, 32), boundary="dirichlet"), 1.0)[0]
    assert not System(held, np.ones(held.shape)).singular
    assert "floating" not in vars(held)
    closed = diffusion(Grid.make((32, 32), (32.0, 32.0), boundary=CLOSED), 1.0)[0]
    b = np.random.default_rng(0).normal(size=closed.shape)
    b -= b.mean()
    system = System(closed, b)
    assert system.constant
    assert system.basis is None
    assert 121 <= solve(closed, b, method="cg", precond="none").steps <= 133


def test_multigrid_inverts_what_its_coarsest_level_sees():
    """Rooms that no coarse cell mixes with a wall leave a singular coarsest matrix: its pseudo-inverse, not 1e16."""
    grid = Grid.make((16, 16), boundary=CLOSED)
    edges = tuple(e.copy() for e in diffusion(grid, 1.0)[0].edges)
    edges[0][8] = 0.0
    operator = StencilOperator(edges, grid, np.zeros(grid.points))
    r = np.random.default_rng(0).normal(size=grid.points)
    z = np.empty_like(r)
    MultigridCycle("float64").setup(operator).apply(r, z)
    assert np.abs(z).max() < 10.0
