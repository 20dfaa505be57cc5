"""Poisson: eigenfunctions of the scheme, the square, lines under constant values, parameters, data without a solution."""

import math

import numpy as np
import pytest

from pdekit.errors import BadInput
from pdekit.linear.solvers import CG, Direct, FastPoisson, PCGMultigrid
from pdekit.problems import Poisson
from pdekit.solution import Status
from pdekit.solver import Instances
from pdekit.space.grid import Grid


@pytest.mark.parametrize("location", ["cell", "vertex"])
@pytest.mark.parametrize(("k", "points"), [((3,), (17,)), ((2, 5), (12, 16)), ((1, 2, 3), (6, 8, 10))])
def test_a_mode_of_the_box_is_a_mode_of_the_scheme(k, points, location):
    """Answer = exact u times (pi k)^2 over its discrete counterpart, to rounding."""
    length = (1.0, 0.7, 2.0)[: len(k)]
    grid = Grid.make(points, length, location=location, boundary="dirichlet")
    problem = Poisson(diffusivity=0.3)
    instances, u = problem.mode(grid, k)
    exact = sum((math.pi * m / ell) ** 2 for m, ell in zip(k, length, strict=True))
    discrete = sum(
        (2 / h * math.sin(math.pi * m * h / ell / 2)) ** 2 for m, ell, h in zip(k, length, grid.spacing, strict=True)
    )
    got = FastPoisson().prepare(problem).solve(instances).values["potential"]
    np.testing.assert_allclose(got, u * exact / discrete, rtol=0, atol=1e-13)
    assert exact / discrete > 1.001


@pytest.mark.parametrize("box", [{"boundary": "periodic"}, {"boundary": {"y_low": "neumann"}},
                                 {"boundary": "dirichlet", "boundary_value": {"x_low": 1.0}}])  # fmt: skip
def test_a_mode_is_refused_between_other_walls(box):
    with pytest.raises(BadInput, match=r"(?s)walls are held at 0.*on every face, values 0"):
        Poisson().mode(Grid.make((4, 4), 1.0, **box), (1, 1))


def test_the_square_at_its_centre():
    grid = Grid.make((5, 5), (1.0, 1.0), location="vertex", boundary="dirichlet")
    u = Poisson().square(grid)
    assert u[2, 2] == pytest.approx(0.0736713533, abs=3e-9)
    assert np.abs(u[[0, -1]]).max() < 1e-16
    np.testing.assert_allclose(u, u.T, rtol=0, atol=1e-15)


@pytest.mark.parametrize("location", ["cell", "vertex"])
def test_the_scheme_converges_to_the_series_of_the_square(location, answer):
    problem, errors = Poisson(diffusivity=2.0), []
    for n in (16, 32, 64, 128):
        grid = Grid.make((4, 4), (1.0, 1.5), location=location, boundary="dirichlet").with_intervals((n, n))
        instances = Instances(grid, {"source": np.full((1, *grid.points), 2.0)})
        difference = answer(problem, instances)[0] - problem.square(grid)
        errors.append(np.sqrt((grid.weights * difference**2).sum()))
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert np.all((orders > 1.9) & (orders < 2.1)), orders


D = 2.5
LINES = {  # boundary and constant values that u = 1 + 2 x meets; outward fluxes are D du/dn
    "dirichlet": ("dirichlet", "dirichlet", 1.0, 1.0 + 2 * 1.5),
    "dirichlet, neumann": ("dirichlet", "neumann", 1.0, 2 * D),
    "neumann, dirichlet": ("neumann", "dirichlet", -2 * D, 4.0),
    "robin": ("robin", "robin", 1.7 * 1.0 - 0.6 * 2 * D, 1.7 * 4.0 + 0.6 * 2 * D),
    "robin, neumann": ("robin", "neumann", 1.7 * 1.0 - 0.6 * 2 * D, 2 * D),
    "neumann": ("neumann", "neumann", -2 * D, 2 * D),
}


@pytest.mark.parametrize("others", ["neumann", "periodic"])
@pytest.mark.parametrize("location", ["cell", "vertex"])
@pytest.mark.parametrize("name", LINES)
@pytest.mark.parametrize("dim", [1, 2, 3])
def test_a_line_under_constant_boundary_values_is_exact(dim, name, location, others):
    low, high, at_low, at_high = LINES[name]
    faces = {f"{a}_{s}": others for a in "yz"[: dim - 1] for s in ("low", "high")}
    grid = Grid.make(
        (7, 5, 4)[:dim],
        (1.5, 1.0, 1.0)[:dim],
        location=location,
        boundary={**faces, "x_low": low, "x_high": high},
        boundary_value={"x_low": at_low, "x_high": at_high},
        robin={f: (1.7, 0.6) for f, kind in (("x_low", low), ("x_high", high)) if kind == "robin"},
    )
    problem = Poisson(diffusivity=D)
    instances = Instances(grid, {"source": np.zeros((1, *grid.points))})
    solution = Direct().prepare(problem).solve(instances).require_converged()
    line = np.broadcast_to(1 + 2 * grid.mesh[0], grid.points)
    if name == "neumann":
        line = line - (grid.weights * line).sum() / grid.volume
    np.testing.assert_allclose(solution.values["potential"][0], line, rtol=0, atol=1e-12)
    assert problem.residual(instances, {"potential": line[None]})[0] < 1e-13


@pytest.mark.parametrize("solver", [Direct, CG, FastPoisson, PCGMultigrid])
@pytest.mark.parametrize("kind", ["neumann", "periodic"])
@pytest.mark.parametrize("location", ["cell", "vertex"])
def test_sources_that_nothing_balances_are_refused(solver, kind, location):
    grid = Grid.make((8, 8), (1.0, 1.0), location=location, boundary=kind)
    instances = Instances(grid, {"source": np.ones((2, *grid.points))})
    instances.fields["source"][1] = np.broadcast_to(np.cos(2 * np.pi * grid.mesh[0]), grid.points)
    if kind == "neumann" and location == "vertex":
        instances.fields["source"][1] -= (grid.weights * instances.fields["source"][1]).sum()
    solution = solver().prepare(Poisson()).solve(instances)
    assert solution.statuses[0] is Status.INCOMPATIBLE_RHS
    assert solution.statuses[1].converged
    assert solution.failed.tolist() == [True, False]
    mean = (grid.weights * solution.values["potential"][1]).sum()
    assert abs(mean) < 1e-14


def test_flux_and_source_must_balance():
    """Unit inflow through one wall and a sink of the same strength can be solved; without the sink not."""
    grid = Grid.make((8, 8), (1.0, 1.0), boundary="neumann", boundary_value={"x_low": 1.0})
    instances = Instances(grid, {"source": np.stack([np.full((8, 8), -1.0), np.zeros((8, 8))])})
    solution = Direct().prepare(Poisson()).solve(instances)
    assert [s is Status.INCOMPATIBLE_RHS for s in solution.statuses] == [False, True]
    x = grid.mesh[0]
    wanted = (x - 1) ** 2 / 2
    got = solution.values["potential"][0]
    np.testing.assert_allclose(np.diff(got, axis=0), np.broadcast_to(np.diff(wanted, axis=0), (7, 8)), atol=1e-13)


@pytest.mark.parametrize("location", ["cell", "vertex"])
def test_the_diffusivity_scales_the_answer_and_may_differ_by_sample(location):
    grid = Grid.make((9, 9), (1.0, 1.0), location=location, boundary="dirichlet")
    source = np.random.default_rng(1).standard_normal((1, 9, 9))
    one = Direct().prepare(Poisson()).solve(Instances(grid, {"source": source})).values["potential"]
    four = Direct().prepare(Poisson(diffusivity=4.0)).solve(Instances(grid, {"source": source})).values["potential"]
    np.testing.assert_allclose(four, one / 4, rtol=1e-12)
    batch = Instances(grid, {"source": np.repeat(source, 2, 0)}, {"diffusivity": np.array([2.0, 0.5])})
    for solver in (Direct(), FastPoisson()):
        both = solver.prepare(Poisson()).solve(batch).values["potential"]
        np.testing.assert_allclose(both, np.concatenate([one / 2, one * 2]), rtol=1e-11, atol=1e-15)
    residual = Poisson().residual(batch, {"potential": np.concatenate([one / 2, one * 2])})
    assert residual.max() < 1e-13


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
def test_diffusivities_that_cannot_be(value):
    with pytest.raises(BadInput, match=r"(?s)diffusivity of Poisson.*found: .*allowed: a number > 0"):
        Poisson(diffusivity=value)
