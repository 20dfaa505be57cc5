"""Collocation against the dense equations with boundary rows, exact solutions, torch; the card for samples."""

import numpy as np
import pytest

from pdekit.errors import BadInput
from pdekit.linear.spectral_collocation import Collocation, Line
from pdekit.linear.spectral_nodal import ChebyshevCollocation
from pdekit.problems.helmholtz import Helmholtz
from pdekit.problems.poisson import Poisson
from pdekit.problems.screened_poisson import ScreenedPoisson
from pdekit.solution import Status
from pdekit.solver import Instances
from pdekit.space import chebyshev
from pdekit.space.grid import Grid


def sine(x, y):
    return np.sin(np.pi * x) * np.sin(np.pi * y)


def test_it_is_the_dense_system_with_rows_of_the_walls():
    """The literal way: D^2 by Kronecker products, rows of wall nodes replaced by u = known."""
    box, c, rng = Collocation.make((5, 7), (1.0, 1.7)), 3.0, np.random.default_rng(0)
    one, two = (chebyshev.differentiation_matrix(n, 0.0, ell) for n, ell in ((5, 1.0), (7, 1.7)))
    matrix = c * np.eye(48) - np.kron(one @ one, np.eye(8)) - np.kron(np.eye(6), two @ two)
    wall = np.ones((6, 8), dtype=bool)
    wall[1:-1, 1:-1] = False
    known, f = np.where(wall, rng.standard_normal((6, 8)), 0.0), rng.standard_normal((6, 8))
    matrix[wall.ravel()] = np.eye(48)[wall.ravel()]
    wanted = np.linalg.solve(matrix, np.where(wall, known, f).ravel()).reshape(6, 8)
    u, b = box.solve(f, known, c)
    np.testing.assert_allclose(u, wanted, rtol=0, atol=1e-12)
    np.testing.assert_allclose(box.operator(u, c), f[1:-1, 1:-1], rtol=0, atol=1e-11)
    assert b.shape == (4, 6)


def test_the_smooth_square_at_24_is_below_1e_12_and_its_middle_value_of_a_constant_source_is_known():
    box = Collocation.make((24, 24), (1.0, 1.0))
    x = box.lines[0].nodes
    exact = sine(x[:, None], x)
    u, _ = box.solve(2 * np.pi**2 * exact, np.zeros_like(exact))
    assert np.abs(u - exact).max() < 1e-12
    u, _ = Collocation.make((48, 48), (1.0, 1.0)).solve(np.ones((49, 49)), np.zeros((49, 49)))
    assert u[24, 24] == pytest.approx(0.0736713533, abs=1e-9)


def test_eigenvalues_are_real_distinct_positive_and_the_lowest_are_those_of_the_interval():
    line = Line.make(32, 1.5)
    assert np.all(np.diff(line.eigenvalues) > 0)
    np.testing.assert_allclose(line.eigenvalues[:6], (np.pi * np.arange(1, 7) / 1.5) ** 2, rtol=1e-10)
    left = -line.second[1:-1, 1:-1] @ line.vectors - line.vectors * line.eigenvalues
    assert np.abs(left).max() < 1e-9 * line.eigenvalues[-1]


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_a_batch_with_its_own_c_and_torch(dim):
    torch = pytest.importorskip("torch")
    box, rng = Collocation.make((6, 7, 5)[:dim], (1.0, 0.8, 1.2)[:dim]), np.random.default_rng(1)
    shape = (3, *(line.nodes.size for line in box.lines))
    f, walls = rng.standard_normal(shape), rng.standard_normal(shape)
    walls[(slice(None), *(slice(1, -1),) * dim)] = 0.0
    c = np.array([0.0, 4.0, -3.0]).reshape(-1, *(1,) * dim)
    before = walls.copy()
    u, b = box.solve(f, walls, c)
    np.testing.assert_array_equal(walls, before)
    for k in range(3):
        np.testing.assert_allclose(box.solve(f[k], walls[k], float(c[k].item()))[0], u[k], rtol=0, atol=1e-12)
    got = box.solve(*(torch.from_numpy(v) for v in (f, walls, c)))
    for one, other in zip(got, (u, b), strict=True):
        assert isinstance(one, torch.Tensor)
        np.testing.assert_allclose(one.numpy(), other, rtol=0, atol=1e-11 * np.abs(other).max())


@pytest.mark.parametrize("location", ["vertex", "cell"])
@pytest.mark.parametrize("problem", [Poisson(2.5), ScreenedPoisson(30.0), Helmholtz(7.0)])
def test_walls_that_vary_from_samples(problem, location):
    grid = Grid.make((49, 56), (1.0, 0.8), location=location, boundary="dirichlet")
    instances, exact = problem.manufactured(grid)
    solution = ChebyshevCollocation(blending=7).prepare(problem).solve(instances)
    assert solution.statuses == [Status.CONVERGED]
    assert solution.true_residual[0] < 1e-10
    np.testing.assert_allclose(solution.values[problem.outputs[0].name], exact, rtol=0, atol=1e-6)


@pytest.mark.parametrize("dim", [1, 3])
def test_one_and_three_axes_from_samples(dim):
    problem = Poisson()
    instances, exact = problem.manufactured(
        Grid.make((25,) * dim, 1.0 if dim == 1 else (1.0,) * 3, boundary="dirichlet")
    )
    solution = ChebyshevCollocation().prepare(problem).solve(instances)
    np.testing.assert_allclose(solution.values["potential"], exact, rtol=0, atol=5e-5)


def test_resonance_nothing_and_free_faces():
    grid = Grid.make((24, 24), 1.0, boundary="dirichlet")
    case = Instances(grid, {"source": np.ones((2, 24, 24))}, {"wavenumber": np.sqrt([2 * np.pi**2, 30.0])})
    solution = ChebyshevCollocation().prepare(Helmholtz()).solve(case)
    assert solution.statuses == [Status.BREAKDOWN, Status.CONVERGED]
    assert np.isnan(solution.values["amplitude"][0]).all()
    assert solution.info["nearest"][1] == pytest.approx(30 - 2 * np.pi**2, rel=1e-8)
    solver = ChebyshevCollocation(name="chebyshev-collocation").prepare(Poisson())
    nothing = solver.solve(Instances(grid, {"source": np.zeros((1, 24, 24))}))
    assert nothing.statuses == [Status.CONVERGED_ZERO_RHS]
    with pytest.raises(BadInput, match=r"(?s)'chebyshev-collocation'.*'neumann'.*allowed: dirichlet"):
        solver.solve(Instances(Grid.make(8, boundary="neumann"), {"source": np.zeros((1, 8))}))
