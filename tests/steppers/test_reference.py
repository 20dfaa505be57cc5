"""The error that a refined run gives is the true one, to a third of it; what refines what, and what cannot be refined."""

import numpy as np
import pytest

from pdekit.errors import BadInput
from pdekit.problems.advection import Advection
from pdekit.problems.burgers import Burgers
from pdekit.solver import Instances
from pdekit.space.grid import Grid
from pdekit.steppers.reference import estimate, padded, refined
from pdekit.steppers.spectral import PseudoSpectral

TIMES = np.array([0.0, 0.25, 0.5, 1.0])


def cases(points, n=1):
    grid = Grid.make((points,), (2 * np.pi,), location="vertex", boundary="periodic")
    return Instances(grid, {"initial": np.sin(grid.coordinates[0])[None].repeat(n, 0)}, {}, TIMES)


def run(points, method, **settings):
    """(true relative error over all frames, true error per frame, the estimate) for nu = 0.1 from sin x."""
    solver = PseudoSpectral(**settings).prepare(Burgers(nu=0.1))
    asked = cases(points)
    values = solver.solve(asked).values
    x = asked.grid.coordinates[0]
    exact = np.stack([np.sin(x), *(Burgers(nu=0.1).exact(x, t) for t in TIMES[1:])])
    gap, size = (values["u"][0] - exact) ** 2, exact**2
    truth = np.sqrt(gap.sum() / size.sum()), np.sqrt(gap.sum(axis=1) / size.sum(axis=1))
    return *truth, estimate(solver, asked, values, method, (points,))


@pytest.mark.parametrize(
    ("scheme", "dt", "accuracy"),
    [("etdrk4", 0.05, 0.1), ("etdrk2", 0.025, 0.1), ("cn-euler", 0.01, 0.05), ("ars443", 0.05, 0.15)],
)
def test_half_the_step_gives_the_error_of_the_step(scheme, dt, accuracy):
    """Without the factor 2^p/(2^p - 1) the first-order scheme would claim half its error."""
    whole, frames, found = run(256, "step", scheme=scheme, dt=dt)
    assert found.whole[0] == pytest.approx(whole, rel=accuracy)
    assert found.frames[0, 1:] == pytest.approx(frames[1:], rel=2 * accuracy)
    assert found.frames[0, 0] < 1e-14


def test_a_step_that_is_cut_to_fit_is_halved_as_it_was_taken():
    """dt = 0.11 becomes 1/12 between frames 1/4 apart; half of 0.11 would become 1/20."""
    solver = PseudoSpectral(dt=0.11).prepare(Burgers())
    assert refined(solver, "step", TIMES).dt == 0.25 / 3 / 2


def test_twice_the_points_give_the_error_of_the_grid():
    whole, _, found = run(32, "refine", scheme="etdrk4", dt=2e-3)
    assert found.whole[0] == pytest.approx(whole, rel=0.1)
    _, _, blind = run(32, "step", scheme="etdrk4", dt=2e-3)
    assert blind.whole[0] < 1e-3 * whole


@pytest.mark.parametrize(("points", "dt"), [(32, 2e-3), (256, 0.1)])
def test_both_give_whichever_is_larger(points, dt):
    whole, _, found = run(points, "both", scheme="etdrk4", dt=dt)
    assert found.whole[0] == pytest.approx(whole, rel=0.15)


def test_steps_chosen_by_a_rule_are_refined_by_it():
    chosen = PseudoSpectral(scheme="etdrk2", dt=0.1, cfl=0.5).prepare(Burgers())
    assert (refined(chosen, "step", TIMES).dt, refined(chosen, "step", TIMES).cfl) == (0.05, 0.25)
    embedded = PseudoSpectral(scheme="rk54", dt=0.1, rtol=1e-6).prepare(Burgers())
    assert refined(embedded, "step", TIMES).rtol == pytest.approx(1e-6 / 2**5)
    assert refined(embedded, "tighten", TIMES).rtol == pytest.approx(1e-8)
    assert embedded.rtol == 1e-6
    assert refined(embedded, "refine", TIMES).rtol == 1e-6


def test_padding_keeps_the_polynomial_and_its_nyquist_mode():
    rng = np.random.default_rng(0)
    grid = Grid.make((8, 6), (1.0, 2.0), location="vertex", boundary="periodic")
    u = rng.standard_normal((2, 8, 6))
    fine = padded(Instances(grid, {"initial": u}))
    assert fine.grid.points == (16, 12)
    assert np.allclose(fine.fields["initial"][:, ::2, ::2], u, atol=1e-14)


def test_a_lost_sample_has_no_estimate_and_the_other_keeps_its_own():
    asked = cases(64, n=2)
    asked.fields["initial"][1] = np.nan
    solver = PseudoSpectral(dt=0.05).prepare(Burgers())
    found = estimate(solver, asked, solver.solve(asked).values, "step", (64,))
    alone = estimate(solver, asked[0:1], solver.solve(asked[0:1]).values, "step", (64,))
    assert np.isnan(found.whole[1])
    assert np.isnan(found.frames[1]).all()
    assert found.whole[0] == alone.whole[0] > 0


def test_a_field_that_is_zero_has_no_relative_error():
    asked = cases(32)
    asked.fields["initial"][:] = 0.0
    solver = PseudoSpectral(dt=0.05).prepare(Burgers())
    assert np.isnan(estimate(solver, asked, solver.solve(asked).values, "both", (32,)).whole[0])


def test_what_cannot_be_refined_is_refused():
    solver = PseudoSpectral(scheme="exact", dt=1.0).prepare(Advection())
    with pytest.raises(BadInput, match=r"(?s)no step to halve: its scheme is exact.*refine"):
        refined(solver, "step", TIMES)
    assert refined(solver, "both", TIMES).scheme == "exact"
    with pytest.raises(BadInput, match="'tighten' needs a solver with rtol"):
        refined(solver, "tighten", TIMES)
    with pytest.raises(BadInput, match="method of a reference error"):
        refined(solver, "guess", TIMES)
