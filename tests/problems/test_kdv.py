"""Korteweg and de Vries: solitons as tabled, invariants, and two solitons that pass through one another."""

import numpy as np
import pytest

from pdekit.problems.kdv import KdV


@pytest.mark.parametrize(
    ("dt", "tabled", "drift"), [(8e-3, 7.5e-5, 1e-4), (4e-3, 3.4e-6, 1e-5), (2e-3, 1.8e-7, 1.8e-8)]
)
def test_a_soliton_as_tabled(periodic, trajectory, watched, dt, tabled, drift):
    problem, grid = KdV(), periodic(256, 40.0)
    x = grid.mesh[0]
    solution = trajectory(problem, grid, [problem.exact(x, 0.0)], [0.0, 2.0], scheme="etdrk4", dt=dt)
    exact = problem.exact(x, 2.0)
    found = np.linalg.norm(solution.values["u"][0, 1] - exact) / np.linalg.norm(exact)
    assert tabled / 1.5 < found < 1.5 * tabled, found
    q = watched(problem, grid, solution)
    assert abs(q["mean u"][0, 1] - q["mean u"][0, 0]) < 1e-15
    assert abs(q["energy"][0, 1] / q["energy"][0, 0] - 1) < 1.5 * drift


def test_invariants_drift_by_the_error_of_time_alone(periodic, trajectory, watched):
    """Products without aliases keep energy and Hamiltonian of the truncated system exactly: the drift is of the scheme."""
    problem, grid = KdV(), periodic(64, 20.0)
    start = np.exp(np.sin(2 * np.pi * grid.mesh[0] / 20))

    def drift(dt, dealias=True):
        solution = trajectory(problem, grid, [start], [0.0, 1.0], dt=dt, dealias=dealias)
        return {name: abs(a[0, 1] - a[0, 0]) for name, a in watched(problem, grid, solution).items()}

    coarse, fine, aliased = drift(2e-3), drift(1e-3), drift(1e-3, dealias=False)
    for name in ("energy", "hamiltonian"):
        assert fine[name] < 2e-7
        assert coarse[name] > 12 * fine[name], "falls with the step, by its fourth power and more"
        assert aliased[name] > 5e-6, "what aliases make stays"


def test_mass_is_kept_to_rounding_over_a_thousand_steps(periodic, trajectory):
    problem, grid = KdV(), periodic(128, 40.0)
    u = trajectory(problem, grid, [problem.exact(grid.mesh[0], 0.0)], [0.0, 2.0], dt=2e-3).values["u"][0]
    assert abs(u[1].mean() - u[0].mean()) < 1e-13


def test_a_soliton_of_any_parameters(periodic, trajectory):
    """u_t + a u u_x + b u_xxx = 0: height 3 c/a, width 2 sqrt(b/c), speed c."""
    problem, grid = KdV(convection=2.0, dispersion=0.5), periodic(256, 40.0)
    x = grid.mesh[0]
    u = trajectory(problem, grid, [problem.exact(x, 0.0, c=2.0)], [0.0, 3.0], dt=2e-3).values["u"][0, 1]
    assert np.abs(u - problem.exact(x, 3.0, c=2.0)).max() < 2e-6
    assert problem.exact(np.array([10.0]), 0.0, c=2.0)[0] == pytest.approx(3.0)


def test_the_fast_soliton_passes_the_slow_one_and_both_come_out_whole(periodic, trajectory):
    problem, grid = KdV(), periodic(256, 40.0)
    x = grid.mesh[0]
    start = problem.exact(x, 0.0, c=9.0, start=6.0) + problem.exact(x, 0.0, c=2.0, start=16.0)
    u = trajectory(problem, grid, [start], [0.0, 1.5, 3.0], dt=1e-3).values["u"][0]
    fast = np.argmax(u[2])
    assert u[2].max() == pytest.approx(4.5, rel=0.02)
    # Both are moved by the encounter, the fast one forward by (2/k1) ln((k1 + k2)/(k1 - k2)), k = sqrt(c)
    shift = 2 / 3 * np.log((3 + np.sqrt(2)) / (3 - np.sqrt(2)))
    assert x[fast] == pytest.approx(6 + 27 + shift, abs=0.2)
    slow = np.argmax(np.where(np.abs(x - x[fast]) > 4, u[2], 0))
    assert u[2][slow] == pytest.approx(1.0, rel=0.02)
    assert x[slow] == pytest.approx(16 + 6 - np.sqrt(2) * np.log((3 + np.sqrt(2)) / (3 - np.sqrt(2))), abs=0.2)


def test_hyper_diffusion_takes_energy(periodic, trajectory, watched):
    problem, grid = KdV(hyper_diffusion=0.01), periodic(128, 40.0)
    q = watched(
        problem, grid, trajectory(problem, grid, [problem.exact(grid.mesh[0], 0.0)], np.linspace(0, 1, 6), dt=4e-3)
    )
    assert np.all(np.diff(q["energy"][0]) < -1e-5)
