"""Screened Poisson: the layer beside a wall, its special case, parameters by sample, what it refuses."""

import math

import numpy as np
import pytest

from pdekit.errors import BadInput
from pdekit.linear.solvers import CG, Direct, PCGFastPoisson, PCGMultigrid
from pdekit.problems import Poisson, ScreenedPoisson
from pdekit.solver import Instances
from pdekit.space.grid import Grid


def beside_a_wall(points, location="cell", others="neumann"):
    faces = {f"{a}_{s}": others for a in "yz"[: len(points) - 1] for s in ("low", "high")}
    return Grid.make(points, (1.0, 0.5, 0.8)[: len(points)], location=location, boundary=faces | {"x_high": "neumann"})


@pytest.mark.parametrize("others", ["neumann", "periodic"])
@pytest.mark.parametrize("location", ["cell", "vertex"])
@pytest.mark.parametrize("dim", [1, 2, 3])
def test_the_layer_of_the_scheme_is_a_cosh_too(dim, location, others):
    """The discrete layer has the rate m with (2/h sinh(m h/2))^2 = screening: exact to rounding on vertices."""
    problem = ScreenedPoisson(screening=30.0)
    grid = beside_a_wall((17, 4, 5)[:dim], location, others)
    instances, u = problem.layer(grid)
    got = Direct().prepare(problem).solve(instances).require_converged().values["potential"]
    assert 1e-5 < np.abs(got - u).max() < 0.02
    h = grid.spacing[0]
    rate = 2 / h * math.asinh(h * math.sqrt(30.0) / 2)
    x = grid.mesh[0]
    scheme = np.cosh(rate * (1 - x)) / math.cosh(rate)
    if location == "vertex":
        np.testing.assert_allclose(got[0], np.broadcast_to(scheme, grid.points), rtol=0, atol=1e-13)
    else:
        ratio = got[0] / scheme
        np.testing.assert_allclose(ratio, ratio.flat[0], rtol=1e-12)


def test_the_layer_at_strong_screening_does_not_overflow():
    instances, u = ScreenedPoisson(screening=1e8).layer(beside_a_wall((32, 4)))
    assert np.isfinite(u).all()
    assert u.max() < 1e-60
    assert ScreenedPoisson(screening=0.0).layer(beside_a_wall((8, 4)))[1].tolist() == np.ones((1, 8, 4)).tolist()
    assert len(instances) == 1


def test_no_screening_is_poisson():
    grid = Grid.make((9, 8), (1.0, 0.7), boundary={"y_low": "robin", "x_high": "neumann"}, boundary_value=0.4)
    instances = Instances(grid, {"source": np.random.default_rng(1).standard_normal((1, 9, 8))})
    one, two = (
        Direct().prepare(p).solve(instances).values["potential"] for p in (ScreenedPoisson(screening=0.0), Poisson())
    )
    np.testing.assert_allclose(one, two, rtol=1e-13)


def test_constants_far_from_any_wall():
    """Between walls without flux, f = const has u = f/screening: no face holds the level, and none has to."""
    grid = Grid.make((8, 6), (1.0, 1.0), boundary="neumann", location="vertex")
    instances = Instances(grid, {"source": np.full((1, 8, 6), 3.0)}, {"screening": np.array([12.0])})
    for solver in (Direct(), CG(), PCGMultigrid(), PCGFastPoisson()):
        got = solver.prepare(ScreenedPoisson()).solve(instances).require_converged().values["potential"]
        np.testing.assert_allclose(got, 0.25, rtol=1e-6)


def test_the_screening_may_differ_by_sample():
    grid = Grid.make((8, 8), (1.0, 1.0), boundary="dirichlet")
    source = np.random.default_rng(2).standard_normal((1, 8, 8))
    batch = Instances(grid, {"source": source.repeat(2, 0)}, {"screening": np.array([1.0, 400.0])})
    both = Direct().prepare(ScreenedPoisson()).solve(batch).values["potential"]
    for i, c in enumerate((1.0, 400.0)):
        own = (
            Direct()
            .prepare(ScreenedPoisson(screening=c))
            .solve(Instances(grid, {"source": source}))
            .values["potential"]
        )
        np.testing.assert_allclose(both[i], own[0], rtol=1e-12)
    assert ScreenedPoisson().residual(batch, {"potential": both}).max() < 1e-13
    assert ScreenedPoisson().residual(batch, {"potential": both[::-1].copy()}).min() > 0.1


def test_the_residual_where_nothing_drives_it():
    """b = 0: |A u| over |u| times the largest row sum; of a constant between Neumann walls A u = screening u."""
    grid = Grid.make((8, 8), (1.0, 1.0), boundary="neumann")
    instances = Instances(grid, {"source": np.zeros((1, 8, 8))})
    got = ScreenedPoisson(screening=10.0).residual(instances, {"potential": np.ones((1, 8, 8))})
    assert got[0] == pytest.approx(10.0 / (2 * 4 * 64 + 10.0), rel=1e-12)


@pytest.mark.parametrize("box", [{"boundary": "dirichlet"},
                                 {"boundary": {"x_high": "neumann", "y_low": "neumann", "y_high": "robin"}},
                                 {"boundary": {"x_high": "neumann", "y_low": "neumann", "y_high": "neumann"},
                                  "boundary_value": {"y_low": 1.0}}])  # fmt: skip
def test_the_layer_is_refused_between_other_walls(box):
    with pytest.raises(BadInput, match=r"(?s)beside one wall across x.*x_low \"dirichlet\""):
        ScreenedPoisson().layer(Grid.make((4, 4), 1.0, **box))


@pytest.mark.parametrize("value", [-1.0, math.nan, math.inf, True])
def test_screenings_that_cannot_be(value):
    with pytest.raises(BadInput, match=r"(?s)screening of ScreenedPoisson.*found: .*allowed: a number >= 0"):
        ScreenedPoisson(screening=value)
