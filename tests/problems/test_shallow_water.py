import math
from itertools import pairwise

import numpy as np
import pytest
import torch

from pdekit.problems.shallow_water import ShallowWater
from pdekit.solver import Instances
from pdekit.space.grid import Grid
from pdekit.steppers.spectral import PseudoSpectral

TAU = 2 * math.pi
NAMES = ("height", "velocity_x", "velocity_y")


def box(n=32, length=(TAU, TAU)):
    return Grid.make((n, n), length, location="vertex")


def bumps(grid, size=0.3, seed=0):
    """Smooth waves on depth 1 (1, 3, *points): a few low modes of random phase in each field."""
    rng = np.random.default_rng(seed)
    x, y = (TAU * c / ell for c, ell in zip(grid.mesh, grid.length, strict=True))
    modes = [(1, 0), (0, 1), (1, 1), (1, -1), (2, 1)]
    u = np.stack([sum(np.cos(a * x + b * y + TAU * rng.random()) for a, b in modes) / 5 for _ in range(3)])
    return (size * u + np.array([1.0, 0, 0]).reshape(3, 1, 1))[None]


def cases(grid, u, T, parameters=None):
    return Instances(grid, {f"initial_{n}": u[:, c] for c, n in enumerate(NAMES)}, parameters or {}, np.array([0.0, T]))


def run(problem, grid, u, T, dt, scheme="etdrk4", parameters=None):
    values = PseudoSpectral(scheme=scheme, dt=dt).prepare(problem).solve(cases(grid, u, T, parameters)).values
    return np.stack([values[n][:, -1] for n in NAMES], axis=1)


def state(problem, grid, u):
    space = problem.space(grid)
    return space.forward(u), space


def test_the_equations_as_they_are_written():
    """Literally, each derivative of each product by itself, on twice the points."""
    grid = box(16, (TAU, 3.0))
    p = ShallowWater(gravity=2.0, coriolis=0.7, hyperviscosity=0.0)
    v, space = state(p, grid, bumps(grid))
    fine = p.space(box(32, (TAU, 3.0)))
    w = space.move(v, fine)
    h, a, b = (fine.backward(w[:, c]) for c in range(3))
    d = lambda axis, c: fine.backward(fine.derivative(axis) * w[:, c])  # noqa: E731
    literal = (
        -(h * (d(0, 1) + d(1, 2)) + a * d(0, 0) + b * d(1, 0)),
        -(a * d(0, 1) + b * d(1, 1)) + 0.7 * b - 2 * d(0, 0),
        -(a * d(0, 2) + b * d(1, 2)) - 0.7 * a - 2 * d(1, 0),
    )
    expected = fine.move(fine.forward(np.stack(literal, axis=1)), space)
    assert np.abs(p.nonlinear(v, 0.0, space) - expected).max() <= 1e-14


@pytest.mark.parametrize("m", [(1, 1), (-2, 3), (0, 0)])
def test_small_waves_have_their_frequencies(m):
    """omega^2 = f^2 + g H k^2 and 0: eigenvalues of the equations about rest on depth H, found mode by mode."""
    grid, depth = box(16, (TAU, 3.0)), 0.8
    p = ShallowWater(gravity=2.0, coriolis=0.7, hyperviscosity=0.0)
    space = p.space(grid)
    rest = np.zeros((1, 3, *space.shape), complex)
    rest[0, 0, 0, 0] = depth
    matrix = np.zeros((3, 3), complex)
    for c in range(3):
        small = np.zeros_like(rest)
        small[0, c, m[0], m[1]] = 0.1
        both = p.nonlinear(rest + small, 0.0, space) - p.nonlinear(rest - small, 0.0, space)
        matrix[:, c] = both[0, :, m[0], m[1]] / 0.2
    k2 = m[0] ** 2 + (TAU / 3 * m[1]) ** 2
    omega = math.sqrt(0.49 + 1.6 * k2)
    found = np.linalg.eigvals(matrix)
    assert np.abs(found.real).max() <= 1e-13
    np.testing.assert_allclose(np.sort(found.imag), [-omega, 0, omega], atol=1e-13)


@pytest.mark.parametrize("coriolis", [0.0, 1.3])
def test_small_waves_run_as_the_exact_ones(coriolis):
    grid = box(16)
    p = ShallowWater(coriolis=coriolis, hyperviscosity=0.0)

    def gap(size):
        u = bumps(grid, size)
        v, space = state(p, grid, u)
        return np.abs(run(p, grid, u, 2.0, 0.02) - space.backward(p.waves(v, 2.0, space))).max() / size

    assert gap(1e-5) < 1e-4
    assert gap(1e-4) / gap(1e-5) == pytest.approx(10, rel=0.05)  # of second order in the size: all that is not linear


def test_exact_waves_compose():
    grid = box(16)
    p = ShallowWater(coriolis=0.5)
    v, space = state(p, grid, bumps(grid))
    np.testing.assert_allclose(p.waves(p.waves(v, 0.7, space), 1.6, space), p.waves(v, 2.3, space), rtol=0, atol=1e-14)


def test_balanced_flow_of_small_size_stays():
    """f u = -g h_y, f v = g h_x: the slow wave, omega = 0."""
    grid = box(16)
    p = ShallowWater(hyperviscosity=0.0)
    x, y = grid.mesh
    h = 1e-7 * np.cos(x) * np.cos(2 * y)
    u = np.stack([1 + h, 2e-7 * np.cos(x) * np.sin(2 * y), -1e-7 * np.sin(x) * np.cos(2 * y)])[None]
    assert np.abs(run(p, grid, u, 3.0, 0.05) - u).max() < 1e-12


def test_mass_is_exact_and_the_drift_of_energy_is_that_of_the_step():
    p, grid = ShallowWater(hyperviscosity=0.0), box(48)
    u = bumps(grid, 0.1)

    def drift(dt):
        after = run(p, grid, u, 1.0, dt, "rk4")
        (a, space), (b, _) = state(p, grid, u), state(p, grid, after)
        assert abs(after[0, 0].mean() - u[0, 0].mean()) <= 1e-14
        first, last = (p.quantities(v, 0.0, space)["energy"][0] for v in (a, b))
        return abs(last / first - 1)

    found = [drift(dt) for dt in (0.04, 0.02, 0.01)]
    assert found[-1] < 1e-10
    assert all(a > 14 * b for a, b in pairwise(found)), found


def test_the_energy_and_its_rate():
    p, grid = ShallowWater(gravity=2.0, hyperviscosity=1e-3), box(48)
    u = bumps(grid)
    v, space = state(p, grid, u)
    energy = (0.5 * u[:, 0] * (u[:, 1] ** 2 + u[:, 2] ** 2) + u[:, 0] ** 2).mean()
    assert p.quantities(v, 0.0, space)["energy"] == pytest.approx(energy, rel=1e-13)
    h = 1e-5
    rate = p.tendency(v, 0.0, space)
    ahead, back = (p.quantities(v + s * h * rate, 0.0, space)["energy"][0] for s in (1, -1))
    assert p.rates(v, 0.0, space)["energy"][0] == pytest.approx((ahead - back) / (2 * h), rel=1e-6)
    assert p.rates(v, 0.0, space)["mean height"] == 0
    assert p.speed(v, space) == pytest.approx([(np.abs(u[0, 1]) + np.abs(u[0, 2]) + np.sqrt(4 * u[0, 0])).max()])


def test_symmetries_take_solutions_to_solutions():
    p, grid = ShallowWater(), box(16)
    u = bumps(grid)
    after = run(p, grid, u, 1.0, 0.05)
    maps = p.symmetries(grid)
    assert [m.name for m in maps] == ["identity", "half turn", "shift"]
    for m in maps:
        move = lambda w, m=m, t="": np.stack([m.apply(t + n, w[:, c]) for c, n in enumerate(NAMES)], 1)  # noqa: E731
        np.testing.assert_allclose(run(p, grid, move(u, t="initial_"), 1.0, 0.05), move(after), rtol=0, atol=1e-12)


def test_a_batch_with_its_own_parameters_is_its_samples():
    grid = box(16)
    u = np.concatenate([bumps(grid, 0.1, s) for s in range(2)])
    own = {"gravity": [1.0, 2.0], "coriolis": [0.0, 1.5], "hyperviscosity": [1e-4, 1e-5]}
    together = run(ShallowWater(), grid, u, 1.0, 0.05, parameters={k: np.array(v) for k, v in own.items()})
    for i in range(2):
        p = ShallowWater(**{k: v[i] for k, v in own.items()})
        np.testing.assert_allclose(together[i : i + 1], run(p, grid, u[i : i + 1], 1.0, 0.05), rtol=0, atol=1e-12)


def test_exact_waves_never_leave_the_device():
    """Tensors in, the same numbers out; on a device whose numbers cannot be read, as on a GPU's, it runs all the same."""
    grid, p = box(16), ShallowWater()
    v, space = state(p, grid, bumps(grid, 0.1, 0))
    np.testing.assert_allclose(
        p.waves(torch.asarray(v), 0.7, space).numpy(), p.waves(v, 0.7, space), rtol=0, atol=1e-14
    )
    assert p.waves(torch.empty(v.shape, dtype=torch.complex64, device="meta"), 0.7, space).dtype == torch.complex64


def test_vorticity_and_divergence():
    grid = box(16)
    p = ShallowWater()
    x, y = grid.mesh
    u = np.stack([1 + 0 * x * y, np.sin(y) + np.sin(2 * x), np.cos(x) + 0 * y])[None]
    v, space = state(p, grid, u)
    spin, spread = (space.backward(p.extra(n, v, 0.0, space))[0] for n in ("vorticity", "divergence"))
    np.testing.assert_allclose(spin, -np.sin(x) - np.cos(y), atol=1e-14)
    np.testing.assert_allclose(spread, 2 * np.cos(2 * x) + 0 * y, atol=1e-14)
