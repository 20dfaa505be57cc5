"""Heat with a conductivity that swings: the operator, the lamp, and decay against the exact solution."""

import math

import numpy as np
import pytest

from pdekit.errors import BadInput
from pdekit.linear.implicit import CrankNicolson
from pdekit.problems.heat import Heat
from pdekit.solver import Instances
from pdekit.space.grid import Grid

DARK = {"power": 0.0}


def case(points=17, times=(0.0, 0.1), initial=None, **parameters):
    grid = Grid.make([points, points], 1.0, location="vertex", boundary="dirichlet")
    x, y = grid.mesh
    u = np.sin(np.pi * x) * np.sin(2 * np.pi * y) if initial is None else initial
    given = {k: np.array([v]) for k, v in parameters.items()}
    return Instances(grid, {"initial": u[None]}, given, np.asarray(times, float))


def test_the_conductivity_swings_between_weak_and_strong():
    heat = Heat(weak=0.1, strong=10.0, period=2.0)
    assert heat.kappa(0.5) == pytest.approx(0.1)
    assert heat.kappa(1.5) == pytest.approx(10.0)
    assert heat.kappa(0.0) == 0.0
    assert heat.kappa(1.0) == pytest.approx(0.0, abs=1e-12)
    assert Heat(period=2.0, phase=1.0).kappa(0.5) == pytest.approx(10.0)
    assert heat.decay(0.0, 2.0) == pytest.approx(2.0 / math.pi * (0.1 + 10.0), rel=1e-6)


def test_the_operator_is_kappa_times_the_five_point_laplacian():
    one, heat = case(9), Heat()
    u = np.random.default_rng(0).standard_normal((7, 7))
    wide = np.pad(u, 1)
    laplace = (4 * u - wide[2:, 1:-1] - wide[:-2, 1:-1] - wide[1:-1, 2:] - wide[1:-1, :-2]) * 8**2
    assert np.allclose(heat.operator(one, 0.3) @ u, heat.kappa(0.3) * laplace, rtol=1e-13)
    drawn = case(9, weak=0.7, strong=3.0)
    assert np.allclose(heat.operator(drawn, 0.75) @ u, 3.0 * laplace, rtol=1e-12), "parameters of the case are used"


@pytest.mark.parametrize(("t", "centre"), [(0.0, (0.75, 0.5)), (1 / 32, (0.5, 0.75)), (1 / 16, (0.25, 0.5))])
def test_the_lamp_runs_around_the_middle(t, centre):
    one, heat = case(33), Heat()
    f = heat.embed(one, heat.forcing(one, t))
    assert f.max() == pytest.approx(32.0)
    peak = np.unravel_index(f.argmax(), f.shape)
    assert (peak[0] / 32, peak[1] / 32) == pytest.approx(centre)
    r = np.hypot(one.grid.mesh[0] - centre[0], one.grid.mesh[1] - centre[1])
    assert (f[r >= 0.125] == 0).all()
    inside = 32.0 * np.exp(1.0 - 1.0 / (1.0 - (r[r < 0.12] / 0.125) ** 2))
    assert np.allclose(f[r < 0.12], inside)


def test_a_mode_decays_as_the_exact_solution_says_to_second_order_in_dt():
    """On one grid the mode is an eigenvector, lambda = 2/h^2 (2 - cos pi h - cos 2 pi h): only the time step errs."""
    h = 1 / 16
    eigenvalue = 2 / h**2 * (2 - math.cos(math.pi * h) - math.cos(2 * math.pi * h))
    heat = Heat(weak=0.1, strong=0.4, **DARK)
    one = case(times=(0.0, 0.4))  # kappa has a kink at half the period, where the order would drop
    exact = math.exp(-eigenvalue * heat.decay(0.0, 0.4)) * one.fields["initial"][0]
    errors = []
    for dt in (0.04, 0.02, 0.01, 0.005):
        u = CrankNicolson(dt=dt, rtol=1e-13).prepare(heat).solve(one).require_converged().values["temperature"][0, -1]
        errors.append(float(np.abs(u - exact).max()))
    orders = np.log2(np.array(errors[:-1]) / np.array(errors[1:]))
    assert np.all(np.abs(orders - 2) < 0.1), orders


def test_the_context_is_the_logarithm_of_kappa_within_its_range():
    one, heat = case(), Heat()
    low, high = heat.context_range(one)
    assert heat.context(one, 0.75) == pytest.approx(math.log(10.0)) == pytest.approx(high)
    assert heat.context(one, 0.25) == pytest.approx(math.log(0.1))
    assert heat.context(one, 0.0) == pytest.approx(low), "kappa = 0 has no logarithm"
    assert heat.context_range(case(strong=50.0))[1] == pytest.approx(math.log(50.0))


def test_wrong_walls_and_parameters_are_refused():
    with pytest.raises(BadInput, match=r"(?s)problem 'heat' holds all walls at 0.*found: boundary.*allowed"):
        Heat().check_grid(Grid.make([8, 8], 1.0, boundary="neumann"))
    with pytest.raises(BadInput, match=r"(?s)period of Heat.*found: 0.*allowed: a number > 0"):
        Heat(period=0)
    with pytest.raises(BadInput, match=r"(?s)strong of Heat.*found: nan"):
        Heat(strong=float("nan"))
