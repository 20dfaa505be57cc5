"""What every semilinear equation owes: its budgets, its symmetries, parameters per sample, batches, torch, resolutions.

Those of PROBLEMS are found, each on a small box that it is defined on.
"""

from dataclasses import fields

import numpy as np
import pytest
import torch

from pdekit.errors import BadInput
from pdekit.problems import PROBLEMS
from pdekit.problems.semilinear import Linear, Semilinear, channels, per_sample
from pdekit.solver import Instances
from pdekit.space.dealiased import Dealiased
from pdekit.space.grid import Grid
from pdekit.steppers.spectral import PseudoSpectral

NAMES = [name for name in sorted(PROBLEMS) if issubclass(PROBLEMS[name], Semilinear)]


@pytest.fixture(params=NAMES)
def problem(request):
    return PROBLEMS[request.param]()


COUPLED = {"wave", "shallow-water"}  # by linear terms that turn one field into another and back


def box(problem, n=16, dim=None):
    """Sides of different lengths, where the equation has more than one."""
    dim = dim or next(d for d in (2, 1, 3) if d in problem.dims)
    n = n if dim < 3 else min(n, 12)
    return Grid.make((n, n + 2, n)[:dim], (5.0, 6.0, 7.0)[:dim], location="vertex", boundary="periodic")


def cases(problem, grid, n=3, modes=2, seed=0):
    """Smooth positive fields of a few modes: what fires, grows or decays does so, and products do not fill the grid."""
    rng, out = np.random.default_rng(seed), {}
    for spec in problem.inputs:
        u = np.full((n, *grid.points), 0.6)
        for _ in range(4):
            k = rng.integers(-modes, modes + 1, (n, grid.dim))
            phase = sum(
                2 * np.pi * k[:, i].reshape(-1, *(1,) * grid.dim) * x / ell
                for i, (x, ell) in enumerate(zip(grid.mesh, grid.length, strict=True))
            )
            u = u + 0.1 * np.cos(phase + rng.uniform(0, 6, n).reshape(-1, *(1,) * grid.dim))
        out[spec.name] = u
    return out


def state(problem, grid, **kwargs):
    space = problem.space(grid)
    return problem.start(Instances(grid, cases(problem, grid, **kwargs)), space), space


def numbers(problem):
    """Its parameters that are numbers, each with three values that it may have."""
    own = {f.name: getattr(problem, f.name) for f in fields(problem)}
    plain = {k: v for k, v in own.items() if isinstance(v, int | float) and not isinstance(v, bool)}
    return {k: np.array([v, 1.1 * v, 1.2 * v]) for k, v in plain.items() if isinstance(v, float)}


def run(problem, instances, **settings):
    settings = {"scheme": "etdrk4", "dt": 1e-3} | settings
    return PseudoSpectral(**settings).prepare(problem).solve(instances)


def test_every_rate_is_the_slope_of_its_quantity_along_the_equation(problem):
    """Q(v + e u_t) by central differences: a sign, a weight or a factor 2 that is wrong anywhere is seen here."""
    v, space = state(problem, box(problem))
    slope = problem.tendency(v, 0.0, space)
    e = 1e-4 / max(1.0, float(np.abs(slope).max()))
    up, down = (problem.quantities(v + s * slope, 0.0, space) for s in (e, -e))
    now, rates = problem.quantities(v, 0.0, space), problem.rates(v, 0.0, space)
    assert set(rates) <= set(now)
    assert set(problem.quantities(v, 0.0, space)) >= {f"mean {name}" for name in problem.conserved}
    for name, rate in rates.items():
        found = (up[name] - down[name]) / (2 * e)
        assert rate.shape == now[name].shape == (3,)
        size = np.abs(rate).max() + 1e-6 * np.abs(now[name]).max() / e**0.5
        assert np.abs(found - rate).max() < 2e-6 * size + 1e-11 * np.abs(now[name]).max() / e, (name, found, rate)


def test_means_that_are_conserved_have_no_tendency(problem):
    v, space = state(problem, box(problem))
    slope = problem.tendency(v, 0.0, space)
    names = [spec.name for spec in problem.outputs]
    for name in problem.conserved:
        mean = space.mean(slope[:, names.index(name)])
        if "drag" not in {f.name for f in fields(problem)}:
            assert np.abs(mean).max() == 0.0, "mode 0 is multiplied by 0, not cancelled"


def test_symmetries_take_tendencies_to_tendencies(problem):
    grid = box(problem)
    v, space = state(problem, grid)
    slope = space.backward(problem.tendency(v, 0.0, space))
    u = space.backward(v)
    names = [spec.name for spec in problem.outputs]
    found = problem.symmetries(grid)
    assert found[0].name == "identity"
    assert len({s.name for s in found}) == len(found)
    for symmetry in found:
        moved, image = (
            np.stack([symmetry.apply(name, a[:, c]) for c, name in enumerate(names)], axis=1) for a in (u, slope)
        )
        own = space.backward(problem.tendency(space.forward(moved), 0.0, space))
        assert np.abs(own - image).max() < 1e-11 * np.abs(slope).max(), symmetry.name


def test_inputs_move_as_their_outputs_do(problem):
    grid = box(problem)
    u = np.random.default_rng(0).standard_normal(grid.points)
    for symmetry in problem.symmetries(grid):
        for given, out in zip(problem.inputs, problem.outputs, strict=False):
            assert np.array_equal(symmetry.apply(given.name, u), symmetry.apply(out.name, u)), symmetry.name
            turned = symmetry.apply(given.name, torch.asarray(u))
            assert np.array_equal(np.asarray(turned), symmetry.apply(given.name, u)), symmetry.name


def test_a_parameter_per_sample_is_the_parameter_of_that_sample(problem):
    grid, times = box(problem), np.array([0.0, 0.004])
    given, drawn = cases(problem, grid), numbers(problem)
    together = run(problem, Instances(grid, given, drawn, times))
    for i in range(3):
        own = type(problem)(
            **{
                **{f.name: getattr(problem, f.name) for f in fields(problem)},
                **{k: float(a[i]) for k, a in drawn.items()},
            }
        )
        alone = run(own, Instances(grid, {k: u[i : i + 1] for k, u in given.items()}, {}, times))
        for name, u in alone.values.items():
            np.testing.assert_allclose(together.values[name][i], u[0], rtol=0, atol=1e-12 * np.abs(u).max())
    if drawn:
        v, space = state(problem, grid)
        bound = problem.bind(Instances(grid, given, drawn), like=v)
        for found in (bound.quantities(v, 0.0, space), bound.rates(v, 0.0, space)):
            assert all(np.shape(a) == (3,) for a in found.values())


def test_a_batch_is_its_samples_one_by_one(problem):
    instances = Instances(box(problem), cases(problem, box(problem)), {}, np.array([0.0, 0.004]))
    together, two = run(problem, instances), run(problem, instances, batch=2)
    for i, case in enumerate(instances.cases()):
        for name, u in run(problem, case).values.items():
            assert np.abs(together.values[name][i] - u[0]).max() <= 1e-12 * np.abs(u).max()
            assert np.abs(two.values[name][i] - u[0]).max() <= 1e-12 * np.abs(u).max()


def test_torch_and_numpy_agree(problem):
    grid, times, drawn = box(problem), np.array([0.0, 0.004]), numbers(problem)
    given = cases(problem, grid)
    scheme = "exact" if isinstance(problem, Linear) else "etdrk4"
    extras = ("tendency", *(spec.name for spec in problem.extras))
    tensors = Instances(grid, {k: torch.asarray(u) for k, u in given.items()}, drawn, times)
    for parameters in ({}, drawn):
        answers = []
        for fields_ in (given, tensors.fields):
            solver = PseudoSpectral(scheme=scheme, dt=1e-3).prepare(problem)
            answers.append(solver.solve(Instances(grid, fields_, parameters, times), extras=extras))
        for name, u in answers[0].values.items():
            assert isinstance(answers[1].values[name], torch.Tensor)
            size = max(np.abs(u).max(), 1e-300)
            assert np.abs(np.asarray(answers[1].values[name]) - u).max() <= 1e-12 * size, name


def test_twice_the_points_give_the_same_field(problem):
    """Two modes and a short time are resolved by both grids: products reach mode 4, and the rest is small."""
    coarse, dim = box(problem, n=64), box(problem).dim
    if dim == 3:
        pytest.skip("the same code as in two dimensions")
    fine = Grid.make(tuple(2 * n for n in coarse.points), coarse.length, location="vertex", boundary="periodic")
    times = np.array([0.0, 0.004])
    answers = [run(problem, Instances(g, cases(problem, g, n=1), {}, times)).values for g in (coarse, fine)]
    for name, u in answers[0].items():
        common = answers[1][name][(..., *(slice(None, None, 2),) * dim)]
        assert np.abs(u - common).max() < 2e-7 * np.abs(u).max(), name


def test_what_is_not_of_a_real_field_does_not_grow(problem):
    """v(-k) = conj v(k) holds to rounding only. What is off is not seen by products: it must not grow by itself either,
    unless by L, which the solver knows of."""
    if max(problem.dims) == 1:
        pytest.skip("one axis: the only such part is the imaginary one of the mean, and transforms leave none")
    grid = box(problem, dim=2 if 2 in problem.dims else 3)
    v, space = state(problem, grid)
    rng = np.random.default_rng(0)
    noise = 1e-3 * (rng.standard_normal(v.shape) + 1j * rng.standard_normal(v.shape))
    off = noise - space.modes.real(noise)
    assert np.abs(off[..., 0]).max() > 1e-3
    assert np.abs(space.backward(off)).max() < 1e-17
    change = problem.nonlinear(v + off, 0.0, space) - problem.nonlinear(v, 0.0, space)
    power = np.sum((np.conj(off) * change).real)
    size = np.sum(np.abs(off) ** 2)
    if problem.name not in COUPLED:
        assert power < 1e-10 * size, "a linear term of N that takes v itself"


@pytest.mark.parametrize("scheme", ["etdrk4", "sbdf2", "rk54"])
def test_long_runs_with_growth_stay_real(scheme):
    """Rounding times e^60: without the solver's care this run ends in a parasite of size 1e9."""
    problem = PROBLEMS["allen-cahn"](epsilon=0.1)
    grid = box(problem)
    settings = {"rtol": 1e-6} if scheme == "rk54" else {}
    found = run(
        problem, Instances(grid, cases(problem, grid), {}, np.array([0.0, 60.0])), scheme=scheme, dt=0.1, **settings
    )
    assert [s.name for s in found.statuses] == ["EVALUATED"] * 3
    assert np.abs(found.values["u"][:, 1] - 1).max() < 1e-10


def test_speeds_are_one_number_a_sample(problem):
    v, space = state(problem, box(problem))
    try:
        speed = problem.speed(v, space)
    except BadInput as error:
        assert "names no speed, so a CFL number means nothing" in str(error)  # noqa: PT017 - either is right
    else:
        assert speed.shape == (3,)
        assert np.all(speed >= 0)


def test_linear_problems_take_any_step(problem):
    if not isinstance(problem, Linear):
        pytest.skip("it is not linear")
    v, space = state(problem, box(problem))
    once = problem.propagate(v, 0.7, space)
    twice = problem.propagate(problem.propagate(v, 0.5, space), 0.2, space)
    assert np.abs(once - twice).max() < 1e-13 * np.abs(v).max()
    h = 1e-5
    slope = (problem.propagate(v, h, space) - problem.propagate(v, -h, space)) / (2 * h)
    exact = problem.tendency(v, 0.0, space)
    assert np.abs(slope - exact).max() < 1e-7 * np.abs(exact).max()


def test_linear_problems_keep_the_precision_of_the_state(problem):
    if not isinstance(problem, Linear):
        pytest.skip("it is not linear")
    v, space = state(problem, box(problem))
    for narrow in (v.astype(np.complex64), torch.asarray(v.astype(np.complex64))):
        after = problem.propagate(narrow, 0.7, space)
        assert after.dtype == narrow.dtype
        exact = problem.propagate(v, 0.7, space)
        assert np.abs(np.asarray(after) - exact).max() < 1e-5 * np.abs(v).max()


def test_symbols_of_several_fields_are_joined_with_parameters_per_sample():
    space = Dealiased((8, 8), (1.0, 1.0))
    drawn = np.array([1.0, 2.0, 3.0]).reshape(3, 1, 1, 1)
    plain = channels(space, 2.0 * space.laplacian(), np.zeros(space.shape))
    assert plain.shape == (1, 2, *space.shape)
    mixed = channels(space, drawn * space.laplacian(), space.derivative(0, 2))
    assert mixed.shape == (3, 2, *space.shape)
    assert np.array_equal(mixed[1, 0], 2 * space.laplacian())
    assert np.array_equal(mixed[2, 1], np.broadcast_to(space.derivative(0, 2), space.shape))
    assert per_sample(drawn).tolist() == [1.0, 2.0, 3.0]
    assert per_sample(2.0) == 2.0


def test_boxes_that_an_equation_is_not_defined_on_are_refused(problem):
    wall = Grid.make((16,) * box(problem).dim, 1.0, location="vertex", boundary="dirichlet")
    with pytest.raises(BadInput, match="needs periodic axes"):
        problem.check_grid(wall)
    with pytest.raises(BadInput, match="points of this grid are half a spacing off"):
        problem.check_grid(Grid.make((16,) * box(problem).dim, 1.0, location="cell", boundary="periodic"))
    for dim in {1, 2, 3} - set(problem.dims):
        other = Grid.make((16,) * dim, 1.0, location="vertex", boundary="periodic")
        with pytest.raises(BadInput, match=f"(?s)problem '{problem.name}' is not defined on {dim} axes.*allowed: "):
            problem.check_grid(other)
    few = Grid.make((3,) * box(problem).dim, 1.0, location="vertex", boundary="periodic")
    if problem.degree > 1:
        with pytest.raises(BadInput, match="too coarse for these products"):
            problem.check_grid(few)


def test_schemes_that_split_say_what_they_need():
    problem = PROBLEMS["burgers"]()
    instances = Instances(box(problem), cases(problem, box(problem)), {}, np.array([0.0, 0.1]))
    with pytest.raises(
        BadInput, match=r"(?s)cannot serve problem 'burgers'.*not splitting, as scheme 'strang' asks.*etdrk4"
    ):
        run(problem, instances, scheme="strang", dt=0.1)
