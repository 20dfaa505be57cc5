"""Boundary value problems with exact solutions: all pairs of faces, geometric convergence, solvability, resonance, refusals."""

import itertools
import math

import numpy as np
import pytest

from pdekit.errors import BadInput
from pdekit.linear.spectral_box import SpectralBox
from pdekit.problems.darcy import Darcy
from pdekit.problems.helmholtz import Helmholtz
from pdekit.problems.poisson import Poisson
from pdekit.problems.screened_poisson import ScreenedPoisson
from pdekit.solution import Status
from pdekit.space import legendre
from pdekit.space.grid import Grid

HELD, FREE = ("dirichlet", "dirichlet"), ("neumann", "neumann")
PAIRS = list(itertools.product(("dirichlet", "neumann"), repeat=2))
OMEGA, PHASE, LENGTH = (1.3, 2.1, 0.9), (0.3, 0.5, 0.7), (1.5, 0.7, 1.1)


def factor(axis, x, d=0):
    """cos(omega x + phase) or its derivative, along one axis."""
    angle = OMEGA[axis] * x + PHASE[axis]
    return np.cos(angle) if d == 0 else -OMEGA[axis] * np.sin(angle)


def product(points, along=None):
    out = 1.0
    for axis, x in enumerate(points):
        out = out * factor(axis, x, int(axis == along))
    return out


def face_data(axis, side, kind, a):
    """u or the outward flux a du/dn of `product` on a face, as a function of the other coordinates."""
    end, sign = (0.0, -1) if side == "low" else (LENGTH[axis], 1)

    def known(*others):
        points = [*others[:axis], end, *others[axis:]]
        return product(points) if kind == "dirichlet" else sign * a * product(points, along=axis)

    return known


def manufactured(pairs, degree, a, c):
    """(box, solution, largest error off the nodes, exact) of -a Laplace u + c u = f with u = `product`."""
    dim = len(pairs)
    box = SpectralBox(degree, LENGTH[:dim], pairs, diffusivity=a, reaction=c)
    faces = {
        f"{'xyz'[axis]}_{side}": face_data(axis, side, kind, a)
        for axis, pair in enumerate(pairs)
        for side, kind in zip(("low", "high"), pair, strict=True)
    }
    scale = a * sum(w**2 for w in OMEGA[:dim]) + c
    solution = box.solve(lambda *x: scale * product(x), faces)
    points = [np.linspace(0, ell, 6 + k) for k, ell in enumerate(LENGTH[:dim])]
    exact = product(np.meshgrid(*points, indexing="ij"))
    difference = box.at(solution.values, *points) - exact
    if box.singular:
        difference = difference - difference.mean()
    return box, solution, np.abs(difference).max(), exact


@pytest.mark.parametrize("c", [0.0, 7.0, -30.0])
@pytest.mark.parametrize("pairs", list(itertools.product(PAIRS, repeat=2)))
def test_every_pair_of_faces_in_two_dimensions_to_rounding(pairs, c):
    """Different degrees and lengths per axis: a transposed product, a forgotten 2/L or 1/a would show."""
    _, solution, error, _ = manufactured(pairs, (19, 22), 2.5, c)
    assert solution.status is Status.EVALUATED
    assert error < 5e-12
    assert solution.true_residual < 1e-10
    assert solution.info["corner_defect"] < 1e-11


@pytest.mark.parametrize("c", [0.0, -30.0])
@pytest.mark.parametrize("pair", PAIRS)
def test_one_dimension_to_rounding(pair, c):
    assert manufactured((pair,), (18,), 2.5, c)[2] < 5e-12


@pytest.mark.parametrize("pairs", [(HELD,) * 3, (FREE,) * 3, (HELD, FREE, ("dirichlet", "neumann"))])
def test_three_dimensions_to_rounding(pairs):
    assert manufactured(pairs, (15, 16, 14), 0.5, 0.0)[2] < 5e-12


def test_convergence_is_faster_than_geometric_for_an_entire_function():
    errors = [manufactured((HELD, FREE), (n, n), 1.0, 0.0)[2] for n in (4, 6, 8, 10)]
    assert all(new < old / 30 for old, new in itertools.pairwise(errors)), errors


def sine(x, y):
    return np.sin(np.pi * x) * np.sin(np.pi * y)


def test_the_sine_of_the_square_at_24_is_below_1e_12():
    box = SpectralBox((24, 24), (1.0, 1.0), (HELD, HELD))
    solution = box.solve(lambda x, y: 2 * np.pi**2 * sine(x, y))
    x = np.linspace(0, 1, 33)
    assert np.abs(box.at(solution.values, x, x) - sine(x[:, None], x)).max() < 1e-12
    np.testing.assert_allclose(solution.values, sine(box.nodes[0][:, None], box.nodes[1]), rtol=0, atol=1e-12)
    assert np.all(np.diff(box.nodes[0]) < 0)


def test_constant_source_on_the_square_is_algebraic_only():
    """u(centre) = 0.0736713533: the corners cost the geometric rate; twice the degree divides the error by less than 2^9."""
    errors = []
    for n in (8, 16, 32):
        box = SpectralBox((n, n), (1.0, 1.0), (HELD, HELD))
        half = np.array([0.5])
        errors.append(abs(box.at(box.solve(1.0).values, half, half).item() - 0.0736713532815))
    assert errors[-1] < 1e-9
    ratios = [old / new for old, new in itertools.pairwise(errors)]
    assert all(2**4 < ratio < 2**9 for ratio in ratios), errors


def test_pure_neumann_asks_for_a_balanced_source_and_gives_mean_zero():
    box = SpectralBox((16, 16), (1.0, 2.0), (FREE, FREE), diffusivity=3.0)
    source = lambda x, y: np.cos(np.pi * x) + 0.0 * y + 1.0  # noqa: E731
    refused = box.solve(source)
    assert refused.status is Status.INCOMPATIBLE_RHS
    assert np.isnan(refused.values).all()
    assert refused.info["incompatible"] == pytest.approx(math.sqrt(2 / 3), rel=1e-12)
    exact = np.cos(np.pi * box.nodes[0])[:, None] / (3 * np.pi**2) + 0 * box.nodes[1]
    # all that comes in, 1 over the area of 2, leaves through the two faces of length 2: an outward flux of -1/2 on each
    for solution in (box.solve(source, {"x_low": -0.5, "x_high": -0.5}), box.solve(source, project_rhs=True)):
        assert solution.status is Status.EVALUATED
        assert solution.true_residual < 1e-11
    np.testing.assert_allclose(solution.values, exact, rtol=0, atol=1e-13)
    bent = box.solve(source, {"x_low": -0.5, "x_high": -0.5}).values - exact
    x = box.nodes[0][:, None]
    np.testing.assert_allclose(bent, -(x**2 - x + 1 / 6) / 6 + 0 * exact, rtol=0, atol=1e-13)


def test_near_a_resonance_the_amplification_is_reported_and_at_it_the_solve_breaks_down():
    """2 pi^2 is the lowest eigenvalue of the square. The error grows like the distance shrinks, and no faster."""
    for gap in (1e-2, 1e-5, 1e-8):
        square = 2 * np.pi**2 * (1 + gap)
        box = SpectralBox((20, 20), (1.0, 1.0), (HELD, HELD), reaction=-square)
        solution = box.solve(lambda x, y, square=square: (2 * np.pi**2 - square) * sine(x, y) + 0.0)
        amplification = solution.info["amplification"]
        assert amplification == pytest.approx(1 / (2 * np.pi**2 * gap), rel=1e-5)
        error = np.abs(solution.values - sine(box.nodes[0][:, None], box.nodes[1])).max()
        assert error < 1e-15 * square * amplification * 10 + 1e-13
    box = SpectralBox((20, 20), (1.0, 1.0), (HELD, HELD), reaction=-2 * np.pi**2)
    solution = box.solve(1.0)
    assert solution.status is Status.BREAKDOWN
    assert np.isnan(solution.values).all()


def test_faces_that_disagree_at_a_corner_are_told():
    box = SpectralBox((12, 12), (1.0, 1.0), (HELD, HELD))
    assert box.solve(0.0, {"x_low": 1.0}).info["corner_defect"] > 0.5
    agreed = box.solve(0.0, {"x_high": lambda y: y, "y_high": lambda x: x})
    assert agreed.info["corner_defect"] < 1e-14
    np.testing.assert_allclose(agreed.values, np.outer(*box.nodes), rtol=0, atol=1e-13)


def test_values_at_the_nodes_are_as_good_as_the_function():
    box = SpectralBox((12, 14), (1.0, 2.0), (HELD, FREE))
    f = lambda x, y: np.exp(x) * np.cos(y)  # noqa: E731
    given = f(box.nodes[0][:, None], box.nodes[1])
    by_values, by_function = box.solve(given), box.solve(f)
    np.testing.assert_allclose(by_values.values, by_function.values, rtol=0, atol=1e-14)


def test_what_the_nodes_cannot_see_shows_in_the_residual_of_a_function():
    """P_13 is zero at all 13 nodes: the solve answers f = 1, the residual between the nodes is P_13."""
    box = SpectralBox((12,), (1.0,), (HELD,))
    solution = box.solve(lambda x: 1.0 + legendre.polynomials(13, x, 0.0, 1.0)[:, 13])
    x = box.nodes[0]
    np.testing.assert_allclose(solution.values, x * (1 - x) / 2, rtol=0, atol=1e-14)
    assert solution.true_residual == pytest.approx(math.sqrt(1 / 28), rel=1e-10)
    assert box.solve(1.0).true_residual < 1e-12


def test_data_that_are_not_finite_are_a_status():
    box = SpectralBox((6, 6), (1.0, 1.0), (HELD, HELD))
    assert box.solve(np.nan).status is Status.NONFINITE_INPUT
    assert box.solve(1.0, {"y_low": np.inf}).status is Status.NONFINITE_INPUT


@pytest.mark.parametrize("problem", [Poisson(2.5), Helmholtz(5.0), ScreenedPoisson(40.0)])
def test_a_problem_s_own_manufactured_case_on_the_box_of_a_grid(problem):
    """Coefficients, lengths and constant faces come from problem and Grid."""
    grid = Grid.make((8, 8), (1.0, 0.6), boundary={"x_low": "neumann"}, boundary_value={"y_high": 0.4})
    box = SpectralBox.of(problem, grid, 14)
    case_a = {"poisson": 2.5}.get(problem.name, 1.0)
    c = {"helmholtz": -25.0, "screened-poisson": 40.0}.get(problem.name, 0.0)
    u = lambda x, y: (1 - x**2) * y / 1.5 + 0 * y  # noqa: E731
    faces = {"x_high": 0.0, "y_high": lambda x: 0.4 * (1 - x**2)}
    solution = box.solve(lambda x, y: case_a * 2 * y / 1.5 + c * u(x, y), faces)
    np.testing.assert_allclose(solution.values, u(box.nodes[0][:, None], box.nodes[1]), rtol=0, atol=1e-12)
    only = SpectralBox.of(problem, Grid.make(8, 1.0, boundary="dirichlet", boundary_value=0.4), 8)
    assert only.at(only.solve(1.0).values, np.array([0.0, 1.0])) == pytest.approx([0.4, 0.4], abs=1e-13)


def test_samples_of_a_uniform_grid_are_refused():
    box = SpectralBox((12, 12), (1.0, 1.0), (HELD, HELD))
    with pytest.raises(BadInput, match=r"(?s)source.*shape \(64, 64\).*\(13, 13\) at `nodes`.*fast-poisson"):
        box.solve(np.zeros((64, 64)))
    with pytest.raises(BadInput, match=r"shape \(13,\)"):
        box.solve(np.zeros(13))
    with pytest.raises(BadInput, match="x_low of a spectral solve"):
        box.solve(0.0, {"x_low": np.zeros(5)})


def test_wrong_boxes_are_refused():
    with pytest.raises(BadInput, match="1 degrees, 2 lengths"):
        SpectralBox((8,), (1.0, 1.0), (HELD,))
    with pytest.raises(BadInput, match="diffusivity > 0"):
        SpectralBox((8,), (1.0,), (HELD,), diffusivity=-1.0)
    with pytest.raises(BadInput, match=r"(?s)two kinds of ends.*'periodic'"):
        SpectralBox.of(Poisson(), Grid.make(8), 8)
    with pytest.raises(BadInput, match=r"(?s)cannot serve problem 'darcy'.*allowed: poisson, helmholtz"):
        SpectralBox.of(Darcy(), Grid.make(8, boundary="dirichlet"), 8)
    with pytest.raises(BadInput, match=r"(?s)no face named 'z_low'.*x_low"):
        SpectralBox((8,), (1.0,), (HELD,)).solve(0.0, {"z_low": 0.0})
