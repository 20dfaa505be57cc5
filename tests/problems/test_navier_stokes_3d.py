import math

import numpy as np
import pytest

from pdekit.problems.navier_stokes_3d import NavierStokes3D, curl, project
from pdekit.solver import Instances
from pdekit.space.grid import Grid
from pdekit.steppers.spectral import PseudoSpectral

TAU = 2 * math.pi


def cube(n, length=TAU):
    return Grid.make((n,) * 3, (length,) * 3, location="vertex")


def instances(grid, u, T, parameters=None):
    fields = {f"initial_velocity_{a}": u[:, c] for c, a in enumerate("xyz")}
    return Instances(grid, fields, parameters or {}, np.array([0.0, T]))


def run(problem, u, T, dt, scheme="etdrk4", length=TAU, parameters=None):
    """Velocities (n, 3, *points) at T from u (n, 3, *points)."""
    cases = instances(cube(u.shape[-1], length), u, T, parameters)
    values = PseudoSpectral(scheme=scheme, dt=dt).prepare(problem).solve(cases).values
    return np.stack([values[f"velocity_{a}"][:, -1] for a in "xyz"], axis=1)


def eddies(n, seed=0, low=3):
    """A random divergence-free start (1, 3, *points) with a mean, of modes up to `low`, of size 1."""
    problem, grid = NavierStokes3D(), cube(n)
    space, rng = problem.space(grid), np.random.default_rng(seed)
    coarse = problem.space(cube(3 * low + 1))
    v = space.forward(rng.normal(size=(1, 3, n, n, n)))
    u = space.backward(project(coarse.move(space.move(v, coarse), space), space))
    return u / np.sqrt(np.mean(u**2)) + np.array([0.3, -0.2, 0.1]).reshape(1, 3, 1, 1, 1)


def state(u):
    problem, grid = NavierStokes3D(nu=0.02), cube(u.shape[-1])
    return problem.start(instances(grid, u, 1.0), problem.space(grid)), problem, problem.space(grid)


@pytest.mark.parametrize("length", [TAU, 1.0])
def test_beltrami_flow_decays_exactly(length):
    problem, grid = NavierStokes3D(nu=0.05), cube(16, length)
    T = 1.0 if length > 1 else 0.2
    found = run(problem, problem.abc(grid, 0.0)[None], T, T / 20, length=length)
    np.testing.assert_allclose(found[0], problem.abc(grid, T), rtol=0, atol=1e-13)


def test_the_nonlinear_term_is_advection_less_its_gradient_part():
    """Literally (u . grad) u on twice the points, projected mode by mode with k k^T/|k|^2."""
    u = eddies(16)
    v, problem, space = state(u)
    fine = problem.space(cube(32))
    w = space.move(v, fine)
    values = fine.backward(w)
    slopes = [[fine.backward(fine.derivative(j) * w[:, i]) for j in range(3)] for i in range(3)]
    advection = np.stack([sum(values[:, j] * slopes[i][j] for j in range(3)) for i in range(3)], axis=1)
    hat = fine.move(fine.forward(advection), space)
    k = np.stack(np.broadcast_arrays(*(space.modes.wavenumbers(a) for a in range(3))))
    kk = np.where((k**2).sum(0) == 0, 1, (k**2).sum(0))
    matrix = np.eye(3)[:, :, None, None, None] - k[:, None] * k[None] / kk
    expected = -np.einsum("ijxyz,njxyz->nixyz", matrix, hat)
    found = problem.nonlinear(v, 0.0, space)
    assert np.abs(found - expected).max() <= 1e-13 * np.abs(expected).max()


def test_divergence_stays_zero_and_the_mean_as_it_is():
    u = eddies(16)
    after = run(NavierStokes3D(nu=0.02), u, 1.0, 0.02)
    v, problem, space = state(after)
    raw = space.forward(after)
    divergence = sum(space.derivative(a) * raw[:, a] for a in range(3))
    assert np.abs(divergence).max() <= 1e-13
    np.testing.assert_allclose(after.mean(axis=(2, 3, 4)), u.mean(axis=(2, 3, 4)), atol=1e-13)
    assert problem.quantities(v, 0.0, space)["divergence"] <= 1e-13


def test_a_start_with_a_divergence_is_projected_and_a_drawn_one_has_none():
    problem, grid = NavierStokes3D(), cube(16)
    law = {"law": "gaussian", "gauss": {"variance_factor": 9.0, "tau": 3.0, "alpha": 3.0, "boundary": "periodic"}}
    drawn = problem.sample(grid, np.random.default_rng(0), {spec.name: law for spec in problem.inputs})
    space = problem.space(grid)
    v = space.forward(np.stack([drawn[spec.name] for spec in problem.inputs])[None])
    divergence = sum(space.derivative(a) * v[:, a] for a in range(3))
    assert np.abs(divergence).max() <= 1e-14 < 1e-3 < np.abs(v).max()
    x, y, _ = grid.mesh
    potential = np.stack([np.cos(x) + 0 * y, np.cos(y) + 0 * x, 0 * x * y])[None] * np.ones(16)
    assert np.abs(problem.start(instances(grid, potential, 1.0), space)).max() <= 1e-15


def test_budgets_are_those_of_the_tendency():
    v, problem, space = state(eddies(16))
    rate, found = problem.tendency(v, 0.0, space), problem.rates(v, 0.0, space)
    total = lambda a, b: sum(space.inner(a[:, c], b[:, c]) for c in range(3))  # noqa: E731
    assert found["energy"] == pytest.approx(total(v, rate), rel=1e-12)
    assert found["helicity"] == pytest.approx(2 * total(curl(v, space), rate), rel=1e-10)
    assert "divergence" not in found
    w = space.backward(np.stack([problem.extra(f"vorticity_{a}", v, 0.0, space) for a in "xyz"], 1))
    q = problem.quantities(v, 0.0, space)
    assert q["helicity"] == pytest.approx((space.backward(v) * w).sum(1).mean(), rel=1e-12)
    assert q["energy"] == pytest.approx(0.5 * (space.backward(v) ** 2).sum(1).mean(), rel=1e-12)
    assert problem.speed(v, space) == pytest.approx([np.abs(space.backward(v)).sum(1).max()])


def test_energy_and_helicity_are_kept_without_viscosity():
    u = eddies(16)

    def drift(dt):
        (a, problem, space), (b, *_) = state(u), state(run(NavierStokes3D(nu=0.0), u, 0.5, dt, "rk4"))
        first, last = (problem.quantities(v, 0.0, space) for v in (a, b))
        return [abs(last[k][0] - first[k][0]) / first["energy"][0] for k in ("energy", "helicity")]

    coarse, fine = drift(0.02), drift(0.01)
    assert coarse[0] < 1e-6
    assert all(a > 14 * b for a, b in zip(coarse, fine, strict=True)), (coarse, fine)


def test_symmetries_take_solutions_to_solutions():
    problem, u = NavierStokes3D(nu=0.02), eddies(12)
    after = run(problem, u, 0.5, 0.05)
    names = [spec.name for spec in problem.inputs]
    maps = problem.symmetries(cube(12))
    assert [m.name for m in maps] == ["identity", "point reflection", "shift"]
    for m in maps:
        move = lambda w, m=m: np.stack([m.apply(name, w[:, c]) for c, name in enumerate(names)], axis=1)  # noqa: E731
        np.testing.assert_allclose(run(problem, move(u), 0.5, 0.05), move(after), rtol=0, atol=1e-12)


def test_a_batch_with_its_own_viscosity_is_its_samples():
    u = np.concatenate([eddies(12, 0), eddies(12, 1)])
    together = run(NavierStokes3D(), u, 0.5, 0.05, parameters={"nu": np.array([0.01, 0.1])})
    for i, nu in enumerate((0.01, 0.1)):
        alone = run(NavierStokes3D(nu=nu), u[i : i + 1], 0.5, 0.05)
        np.testing.assert_allclose(together[i : i + 1], alone, rtol=0, atol=1e-12)


def test_a_quarter_turn_about_z_turns_the_solution():
    problem, u = NavierStokes3D(nu=0.02), eddies(12)

    def turn(w):  # (x, y) -> (-y, x) about point 0
        moved = np.roll(np.rot90(w, axes=(2, 3)), 1, axis=2)
        return np.stack([-moved[:, 1], moved[:, 0], moved[:, 2]], axis=1)

    np.testing.assert_allclose(run(problem, turn(u), 0.5, 0.05), turn(run(problem, u, 0.5, 0.05)), rtol=0, atol=1e-12)
