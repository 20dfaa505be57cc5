"""Runs of an interval: the same as the solver's, coefficients made once, integrals by Simpson's rule."""

import numpy as np
import pytest

from pdekit.data.reruns import Reruns, parts_of, simpson
from pdekit.problems.allen_cahn import AllenCahn
from pdekit.problems.burgers import Burgers
from pdekit.problems.diffusion import Diffusion
from pdekit.solver import Instances
from pdekit.space.grid import Grid
from pdekit.steppers.etdrk import ETDRK4
from pdekit.steppers.spectral import PseudoSpectral


def box(*points):
    return Grid.make(points, (2 * np.pi,) * len(points), location="vertex", boundary="periodic")


def smooth(grid, n, seed=0):
    rng = np.random.default_rng(seed)
    waves = [np.cos(k * x + p) for x in grid.mesh for k, p in zip((1, 2, 3), rng.uniform(0, 6, 3), strict=True)]
    return np.stack([sum(a * w for a, w in zip(rng.normal(size=len(waves)), waves, strict=True)) for _ in range(n)])


CASES = {
    "burgers": (Burgers(), box(48), {"nu": np.array([0.05, 0.2, 0.1, 0.3])}, "etdrk4"),
    "one-nu": (Burgers(nu=0.1), box(48), {}, "etdrk4"),
    "growing-2d": (AllenCahn(), box(16, 12), {}, "etdrk4"),
    "linear": (Diffusion(), box(32), {"nu_x": np.array([0.05, 0.2, 0.1, 0.3])}, "exact"),
}


@pytest.mark.parametrize("name", CASES)
def test_they_are_those_of_the_solver(name, monkeypatch):
    """In batches of 3 of 4 samples, and for samples in another order than that of the parameters."""
    problem, grid, parameters, scheme = CASES[name]
    space, fields = problem.space(grid), {"initial": smooth(grid, 4)}
    runs = Reruns(problem, space, grid, parameters)
    monkeypatch.setattr(runs, "batch", 3)
    cases = Instances(grid, fields, parameters, np.array([0.5, 1.0]))
    solver = PseudoSpectral(scheme=scheme, dt=0.125).prepare(problem)
    truth = solver.solve(cases).values[problem.outputs[0].name][:, -1]
    state = problem.start(cases, space)
    for rows in (np.arange(4), np.array([3, 0]), np.array([2, 3, 1, 0])):
        ends = space.backward(runs.run(state[rows], rows, (0.5, 1.0), 4).ends)[:, 0]
        assert np.abs(ends - truth[rows]).max() <= 1e-13 * np.abs(truth).max()


def test_where_L_grows_ends_are_coefficients_of_real_fields_to_the_last_bit():
    problem, grid, _, _ = CASES["growing-2d"]
    runs = Reruns(problem, problem.space(grid), grid, {})
    state = problem.start(Instances(grid, {"initial": smooth(grid, 2)}), runs.space)
    ends = runs.run(state, np.arange(2), (0.0, 1.0), 16).ends
    assert np.array_equal(runs.space.modes.real(ends), ends)


def test_coefficients_are_made_once_for_a_sample_and_a_step(monkeypatch):
    made, own = [], ETDRK4.coefficients

    def counted(self, z):
        made.append(len(z))
        return own(self, z)

    monkeypatch.setattr(ETDRK4, "coefficients", counted)
    grid = box(32)
    runs = Reruns(Burgers(), Burgers().space(grid), grid, {"nu": np.array([0.05, 0.2, 0.1])})
    state = Burgers().start(Instances(grid, {"initial": smooth(grid, 3)}), runs.space)
    runs.run(state[:2], np.arange(2), (0.0, 1.0), 8)
    runs.run(state, np.arange(3), (1.0, 2.0), 8)
    runs.run(state, np.arange(3), (2.1, 3.1), 8)  # the same step but for rounding
    assert made == [2, 1]
    runs.run(state, np.arange(3), (2.0, 3.0), 4)
    assert made == [2, 1, 3]


@pytest.mark.parametrize("parts", [2, 3, 4, 5, 6, 7, 10, 16])
def test_the_rule_is_exact_for_cubics_and_of_fourth_order(parts):
    t = np.linspace(1.0, 3.0, parts + 1)
    cubic = np.stack([t**3, 2 - t**2], axis=1)
    assert simpson(cubic, (1.0, 3.0)) == pytest.approx([20.0, 4 - 26 / 3], rel=1e-13)
    quartic = simpson((t**4)[:, None], (1.0, 3.0))[0]
    assert abs(quartic - 242 / 5) > 1e-6, "no rule of another kind"


def test_one_part_is_a_trapezoid():
    assert simpson(np.array([[1.0], [3.0]]), (0.0, 0.5)) == pytest.approx([1.0])


@pytest.mark.parametrize(
    ("count", "parts"), [(2, 2), (6, 6), (10, 10), (16, 16), (24, 12), (28, 14), (32, 16), (96, 16), (18, 6), (36, 12)]
)
def test_parts_are_even_and_divide_the_steps(count, parts):
    assert parts_of(count) == parts
    assert count % parts == 0
    assert parts % 2 == 0


def test_integrals_are_those_of_the_rates():
    """d(mean u^2/2)/dt of the heat equation, per sample, by 8 parts and by 4."""
    grid, problem = box(32), Diffusion(nu_x=0.3)
    runs = Reruns(problem, problem.space(grid), grid, {})
    state = problem.start(Instances(grid, {"initial": smooth(grid, 2)}), runs.space)
    run = runs.run(state, np.arange(2), (0.0, 0.5), 8, watch=True)
    for name, both in run.integrals.items():
        first, last = (np.asarray(problem.quantities(v, 0.0, runs.space)[name]) for v in (state, run.ends))
        assert both.shape == (2, 2)
        assert both[:, 0] == pytest.approx(last - first, rel=1e-4, abs=1e-12)
        if np.abs(last - first).max() > 1e-6:
            assert (np.abs(both[:, 1] - (last - first)) > 5 * np.abs(both[:, 0] - (last - first))).all()
