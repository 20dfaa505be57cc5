"""The spectral solvers of cards: samples in, samples out; faces, levels, resonances, refusals, and what samples cost."""

from dataclasses import replace
from itertools import pairwise, product

import numpy as np
import pytest

from pdekit.errors import BadInput, SolveError
from pdekit.linear.spectral_cases import cases_of
from pdekit.linear.spectral_legendre import LegendreGalerkin
from pdekit.linear.spectral_nodal import ChebyshevCollocation
from pdekit.linear.spectral_ultraspherical import Ultraspherical
from pdekit.problems.darcy import Darcy
from pdekit.problems.helmholtz import Helmholtz
from pdekit.problems.poisson import Poisson
from pdekit.problems.screened_poisson import ScreenedPoisson
from pdekit.solution import Status
from pdekit.solver import Instances
from pdekit.space.grid import Grid

PAIRS = list(product(("dirichlet", "neumann"), repeat=2))


def grid_of(pairs, points, location="vertex"):
    length = (1.0, 0.8, 1.2)[: len(pairs)]
    faces = {
        f"{'xyz'[k]}_{s}": kind for k, pair in enumerate(pairs) for s, kind in zip(("low", "high"), pair, strict=True)
    }
    return Grid.make(points, length, location=location, boundary=faces)


def error(problem, grid, solver):
    instances, exact = problem.manufactured(grid)
    solution = solver.prepare(problem).solve(instances)
    assert solution.statuses == [Status.CONVERGED]
    difference = solution.values[problem.outputs[0].name] - exact
    floating = problem.name == "poisson" and all(kind == "neumann" for pair in grid.boundary for kind in pair)
    return float(np.abs(difference - difference.mean() if floating else difference).max())


@pytest.mark.parametrize("problem", [Poisson(2.5), ScreenedPoisson(30.0), Helmholtz(7.0)])
@pytest.mark.parametrize("pair", PAIRS)
def test_every_pair_of_faces_from_samples(problem, pair):
    """Varying faces, other sizes per axis, a diffusivity: a flux without its 1/a, or a swapped face, would show."""
    grid = grid_of((pair, ("dirichlet", "neumann")), (41, 49))
    assert error(problem, grid, LegendreGalerkin(blending=7)) < 5e-7


def test_what_samples_cost_falls_like_h_to_the_blending_plus_one():
    """At walls where u is given; two-sided, so neither the polynomials nor the walls limit it."""
    grids = [grid_of((PAIRS[0],) * 2, (n + 1, n + 1)) for n in (48, 96, 192)]
    errors = [error(Poisson(), grid, LegendreGalerkin(blending=3)) for grid in grids]
    orders = [np.log2(old / new) for old, new in pairwise(errors)]
    assert all(3.7 < order < 4.3 for order in orders), (orders, errors)


def test_cells_and_one_and_three_axes():
    assert error(Poisson(), grid_of(PAIRS[1:2], (64,), "cell"), LegendreGalerkin(blending=7)) < 1e-10
    assert error(Poisson(), grid_of(PAIRS[:1] * 3, (20, 22, 24), "cell"), LegendreGalerkin()) < 1e-4


def test_a_batch_is_its_samples_each_with_its_own_screening():
    grid, rng = grid_of(PAIRS[:1] * 2, (17, 15), "cell"), np.random.default_rng(0)
    x, y = grid.mesh
    source = np.stack([np.cos(k * x + y) for k in range(4)])
    batch = Instances(grid, {"source": source}, {"screening": np.array([0.0, 1.0, 50.0, 900.0])})
    solver = LegendreGalerkin().prepare(ScreenedPoisson())
    together = solver.solve(batch)
    for k, case in enumerate(batch.cases()):
        alone = solver.solve(case)
        np.testing.assert_allclose(together.values["potential"][k], alone.values["potential"][0], rtol=0, atol=1e-13)
    field = rng.standard_normal(source.shape)
    flipped = Instances(grid, {"source": field[::-1]}, {"screening": batch.parameters["screening"][::-1].copy()})
    whole = solver.solve(Instances(grid, {"source": field}, batch.parameters)).values["potential"]
    np.testing.assert_allclose(solver.solve(flipped).values["potential"], whole[::-1], rtol=0, atol=1e-13)


def test_the_residual_is_that_of_the_system_and_the_tail_tells_what_the_degree_cannot_hold():
    """sin 12 pi x has 6 waves: degree 16 does not hold them, degree 64 does; both systems are solved to rounding."""
    grid = grid_of(PAIRS[:1], (65,))
    u = np.sin(12 * np.pi * grid.coordinates[0])[None]
    case = Instances(grid, {"source": (12 * np.pi) ** 2 * u})
    few, many = (LegendreGalerkin(degree_factor=k, blending=9).prepare(Poisson()).solve(case) for k in (0.25, 1.0))
    assert few.true_residual[0] < 1e-13
    assert many.true_residual[0] < 1e-13
    assert few.info["tail"][0] > 0.1
    assert many.info["tail"][0] < 1e-8
    assert np.abs(few.values["potential"] - u).max() > 0.1
    assert np.abs(many.values["potential"] - u).max() < 1e-3


@pytest.mark.parametrize(
    ("kind", "folds"), [(LegendreGalerkin, False), (Ultraspherical, False), (ChebyshevCollocation, True)]
)
def test_waves_that_the_degree_cannot_hold_are_left_out_and_not_folded(kind, folds):
    """sin 41 pi x at degree 16, whose answer is 6e-5: integrated at more nodes than the degree has, it leaves as little. At
    its own nodes it looks like a slow wave, a thousand times larger in the answer; the card of collocation says so."""
    grid = grid_of(PAIRS[:1], (257,))
    case = Instances(grid, {"source": np.sin(41 * np.pi * grid.coordinates[0])[None]})
    largest = np.abs(kind(degree_factor=1 / 16).prepare(Poisson()).solve(case).values["potential"]).max()
    assert (largest > 1e-2) if folds else (largest < 5e-4)


def test_balance_counts_what_flows_through_the_faces():
    """The sums of the grid balance with the outward flux on one face, the integral only to h^2."""
    grid = Grid.make((16, 20), (1.0, 0.8), boundary="neumann")
    x, y = grid.mesh
    ramp = np.broadcast_to(np.exp(x) + 0 * y, grid.points)
    fields = {"source": ramp[None], "boundary_x_low": np.full((1, 20), -ramp.mean())}
    solution = LegendreGalerkin().prepare(Poisson()).solve(Instances(grid, fields))
    assert solution.statuses == [Status.CONVERGED]
    assert 1e-6 < solution.info["incompatible"][0] < 1e-2


def test_at_an_eigenvalue_to_the_bit_nothing_is_divided_by_zero():
    grid = grid_of(PAIRS[:1] * 2, (9, 9))
    case = Instances(grid, {"source": np.ones((2, 9, 9))})
    solver = LegendreGalerkin().prepare(Poisson())
    solver.solve(case)
    ready = solver._kept[1]
    at = -float(ready.equations.eigenvalues[2, 3])
    found = solver.answer(replace(cases_of(Poisson(), case), c=np.array([at, 1.0])), ready)
    assert found.status == [Status.BREAKDOWN, None]
    assert np.isfinite(found.values).all()


def test_balance_is_asked_of_the_grid_s_sums_or_of_the_interpolant_and_the_level_is_zero_mean():
    grid = grid_of((PAIRS[3],) * 2, (24, 24), "cell")
    x, y = grid.mesh
    ramp = np.broadcast_to(np.exp(x) + 0 * y, grid.points)
    even = ramp - ramp.mean()  # balanced in the sums of the grid, to h^2 in the integral
    solver = LegendreGalerkin().prepare(Poisson())
    refused = solver.solve(Instances(grid, {"source": np.stack([ramp, even])}))
    assert refused.statuses == [Status.INCOMPATIBLE_RHS, Status.CONVERGED]
    assert np.isnan(refused.values["potential"][0]).all()
    assert abs(refused.values["potential"][1].mean()) < 1e-3 * np.abs(refused.values["potential"][1]).max()
    projected = LegendreGalerkin(project_rhs=True).prepare(Poisson()).solve(Instances(grid, {"source": ramp[None]}))
    assert projected.converged
    difference = projected.values["potential"][0] - refused.values["potential"][1]
    assert np.abs(difference).max() < 1e-12


def test_resonance_is_reported_and_breaks_down():
    """2 pi^2 is the lowest eigenvalue of the square; samples beside it in the batch are answered."""
    grid = Grid.make((24, 24), 1.0, boundary="dirichlet")
    k = np.sqrt(2 * np.pi**2 * np.array([1.0, 1.0 + 1e-4, 1.5]))
    case = Instances(grid, {"source": np.ones((3, 24, 24))}, {"wavenumber": k})
    solution = LegendreGalerkin().prepare(Helmholtz()).solve(case)
    assert solution.statuses == [Status.BREAKDOWN, Status.CONVERGED, Status.CONVERGED]
    assert np.isnan(solution.values["amplitude"][0]).all()
    assert solution.info["amplification"][1] == pytest.approx(1 / (2 * np.pi**2 * 1e-4), rel=1e-3)
    assert solution.info["nearest"][2] == pytest.approx(np.pi**2, rel=1e-6)


def test_a_case_without_source_is_its_faces():
    grid = Grid.make((12, 12), 1.0, location="vertex", boundary="dirichlet", boundary_value=0.7)
    solver = LegendreGalerkin().prepare(Poisson())
    solution = solver.solve(Instances(grid, {"source": np.zeros((1, 12, 12))}))
    np.testing.assert_allclose(solution.values["potential"], 0.7, rtol=0, atol=1e-14)
    at_rest = Grid.make((12, 12), 1.0, boundary="dirichlet")
    solution = solver.solve(Instances(at_rest, {"source": np.zeros((1, 12, 12))}))
    assert solution.statuses == [Status.CONVERGED_ZERO_RHS]
    assert not solution.values["potential"].any()


def test_the_constant_source_of_the_square_at_its_centre():
    """0.0736713533: a constant is met by its samples, so only the corners' algebraic rate is left."""
    grid = Grid.make((33, 33), 1.0, location="vertex", boundary="dirichlet")
    solution = LegendreGalerkin().prepare(Poisson()).solve(Instances(grid, {"source": np.ones((1, 33, 33))}))
    assert solution.values["potential"][0, 16, 16] == pytest.approx(0.0736713533, abs=2e-10)


def test_stored_walls_hold_what_is_known_to_the_bit():
    grid = grid_of(PAIRS[:1] * 2, (15, 15))
    instances, _ = Poisson().manufactured(grid)
    u = LegendreGalerkin().prepare(Poisson()).solve(instances).values["potential"][0]
    np.testing.assert_array_equal(u[-1, 1:-1], instances.fields["boundary_x_high"][0][1:-1])


def test_wrong_use_is_refused_before_work():
    for settings, text in (
        ({"degree_factor": 0.0}, r"(?s)degree_factor.*0\.0.*> 0"),
        ({"degree_factor": float("nan")}, r"degree_factor"),
        ({"blending": True}, r"(?s)blending.*True"),
        ({"blending": 10}, r"(?s)blending.*10.*0 to 9"),
    ):
        with pytest.raises(BadInput, match=text):
            LegendreGalerkin(**settings)
    solver = LegendreGalerkin(name="legendre-galerkin")
    with pytest.raises(SolveError, match="before `prepare"):
        solver.solve(Instances(Grid.make(8)))
    with pytest.raises(BadInput, match=r"(?s)cannot serve problem 'darcy'.*not homogeneous"):
        solver.prepare(Darcy())
    solver.prepare(Poisson())
    with pytest.raises(BadInput, match="no samples"):
        solver.solve(Instances(Grid.make(8, boundary="dirichlet"), {"source": np.zeros((0, 8))}))
    with pytest.raises(BadInput, match=r"(?s)between two ends.*'periodic'.*dirichlet, neumann.*fast-poisson"):
        solver.solve(Instances(Grid.make(8), {"source": np.zeros((1, 8))}))
