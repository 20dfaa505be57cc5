"""Convection and diffusion: the outflow layer, wiggles and their absence, flows, given velocities, what it refuses."""

import math

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.sparse.linalg import spsolve

from pdekit.errors import BadInput
from pdekit.problems import ConvectionDiffusion, Poisson
from pdekit.solver import Instances
from pdekit.space.diffusion import control_volumes
from pdekit.space.grid import Grid


def answer(problem, case):
    matrix, b = problem.assemble(case)
    return problem.embed(case, spsolve(sp.csc_matrix(matrix), b.ravel()).reshape(b.shape))[None]


def channel(points, location="cell", others="neumann"):
    faces = {f"{a}_{s}": others for a in "yz"[: len(points) - 1] for s in ("low", "high")}
    return Grid.make(points, (1.0, 0.5, 0.8)[: len(points)], location=location, boundary=faces | {"x_low": "dirichlet"})


@pytest.mark.parametrize("others", ["neumann", "periodic"])
@pytest.mark.parametrize("dim", [1, 2, 3])
def test_the_layer_of_the_scheme_on_vertices(dim, others):
    """Central: u_j = x_j - (rho^j - 1)/(rho^N - 1), rho = (2 + Pe)/(2 - Pe); upwind: rho = 1 + Pe. Exact to rounding."""
    grid = channel((17, 4, 5)[:dim], "vertex", others)
    for scheme, a in (("central", 0.05), ("central", 0.02), ("upwind", 0.05), ("upwind", 0.002)):
        problem = ConvectionDiffusion(diffusivity=a, angle=0.0, scheme=scheme)
        instances, u = problem.layer(grid)
        peclet = problem.peclet(instances)
        assert peclet == pytest.approx(1 / 16 / a)
        rho = (2 + peclet) / (2 - peclet) if scheme == "central" else 1 + peclet
        j = np.arange(17.0).reshape(-1, *(1,) * (dim - 1))
        wanted = j / 16 - (rho**j - 1) / (rho**16 - 1)
        got = answer(problem, instances)[0]
        np.testing.assert_allclose(got, np.broadcast_to(wanted, grid.points), rtol=0, atol=1e-12)
        assert problem.residual(instances, {"concentration": got[None]})[0] < 1e-13
        assert np.abs(got - u[0]).max() > 1e-3


def test_central_differences_oscillate_and_upwind_ones_do_not():
    grid = channel((32, 3))
    for scheme, wiggles in (("central", True), ("upwind", False)):
        problem = ConvectionDiffusion(diffusivity=0.002, angle=0.0, scheme=scheme)
        instances, u = problem.layer(grid)
        assert problem.peclet(instances) > 10
        got = answer(problem, instances)[0, :, 1]
        assert bool((got > u.max() + 0.05).any()) is wiggles
        assert bool((np.diff(got)[:-2] < 0).any()) is wiggles


def test_both_schemes_converge_to_the_layer():
    for scheme, order in (("central", 2), ("upwind", 1)):
        problem, errors = ConvectionDiffusion(diffusivity=0.1, angle=0.0, scheme=scheme), []
        for n in (64, 128, 256, 512):
            instances, u = problem.layer(channel((n, 2)))
            errors.append(np.sqrt(((answer(problem, instances) - u) ** 2).mean()))
        orders = np.log2(np.array(errors[:-1]) / errors[1:])
        assert np.all(abs(orders - order) < 0.1), orders


def test_layers_that_are_thin_do_not_overflow():
    instances, u = ConvectionDiffusion(diffusivity=1e-6, angle=0.0).layer(channel((16, 2)))
    np.testing.assert_allclose(u[0], np.broadcast_to(instances.grid.mesh[0], (16, 2)), atol=1e-12)


def test_still_water_is_poisson():
    grid = Grid.make(
        (7, 6), (1.0, 0.7), location="vertex", boundary={"x_low": "robin", "y_high": "neumann"}, boundary_value=0.4
    )
    case = Instances(grid, {"source": np.random.default_rng(1).standard_normal((1, 7, 6))})
    matrix, b = ConvectionDiffusion(diffusivity=0.3, speed=0.0).assemble(case)
    operator, wanted = Poisson(diffusivity=0.3).assemble(case)
    np.testing.assert_allclose(matrix.toarray(), operator.to_csr().toarray(), rtol=1e-14)
    np.testing.assert_array_equal(b, wanted)
    assert sp.issparse(matrix)
    assert b.shape == control_volumes(grid).shape


def test_the_matrix_is_not_symmetric_and_central_convection_is_skew():
    grid = Grid.make((6, 6), (1.0, 1.0), boundary="dirichlet")
    case = Instances(grid, {"source": np.ones((1, 6, 6))})
    part = (
        ConvectionDiffusion(angle=0.3).assemble(case)[0].toarray()
        - Poisson(diffusivity=0.02).assemble(case)[0].to_csr()
    )
    inner = [k for k in range(36) if k // 6 not in (0, 5) and k % 6 not in (0, 5)]
    inside = np.asarray(part)[np.ix_(inner, inner)]
    np.testing.assert_allclose(inside, -inside.T, atol=1e-13)
    assert np.abs(inside).max() > 1


@pytest.mark.parametrize("speed", [1.5, -1.5])
def test_upwind_differences_add_half_a_peclet_number_of_diffusion(speed):
    grid = Grid.make(8, boundary="dirichlet")
    case = Instances(grid, {"source": np.ones((1, 8))})
    upwind = ConvectionDiffusion(diffusivity=0.1, speed=speed, scheme="upwind").assemble(case)[0].toarray()
    central = ConvectionDiffusion(diffusivity=0.1 + 1.5 / 8 / 2, speed=speed).assemble(case)[0].toarray()
    np.testing.assert_allclose(upwind[1:-1], central[1:-1], atol=1e-12)


@pytest.mark.parametrize("dim", [2, 3])
def test_the_vortex_is_free_of_divergence_and_closed(dim):
    grid = Grid.make((41, 31, 5)[:dim], (1.0, 0.7, 1.0)[:dim], location="vertex", boundary="dirichlet")
    w = ConvectionDiffusion(flow="vortex", speed=2.0).velocity(Instances(grid))
    divergence = sum(
        np.gradient(v, h, axis=k, edge_order=2) for k, (v, h) in enumerate(zip(w, grid.spacing, strict=True))
    )
    assert np.abs(divergence).max() < 0.05 * np.abs(np.gradient(w[0], grid.spacing[0], axis=0)).max()
    for axis in range(2):
        for end in (0, -1):
            assert np.abs(np.take(w[axis], end, axis=axis)).max() < 1e-15
    assert np.abs(w[0]).max() == pytest.approx(2.0)
    assert np.abs(w[1]).max() == pytest.approx(2.0 * 0.7)
    assert len(w) == dim


def test_the_uniform_flow_has_speed_and_angle():
    grid = Grid.make((4, 4, 4), (1.0,) * 3, boundary="dirichlet")
    case = Instances(grid, {"source": np.ones((1, 4, 4, 4))}, {"speed": np.array([3.0]), "angle": np.array([0.4])})
    w = ConvectionDiffusion().velocity(case)
    assert [float(v[1, 2, 3]) for v in w] == pytest.approx([3 * math.cos(0.4), 3 * math.sin(0.4), 0.0])
    line = ConvectionDiffusion(speed=-2.0, angle=1.0).velocity(Instances(Grid.make(4, boundary="dirichlet")))
    assert line[0].tolist() == [-2.0] * 4


def test_given_velocities_take_the_place_of_the_flow():
    grid = Grid.make((6, 5), (1.0, 1.0), boundary="dirichlet")
    rng = np.random.default_rng(3)
    vortex = ConvectionDiffusion(flow="vortex", speed=1.7)
    case = Instances(grid, {"source": rng.standard_normal((1, 6, 5))})
    w = vortex.velocity(case)
    given = Instances(grid, {**case.fields, "velocity_x": w[0][None].copy(), "velocity_y": w[1][None].copy()})
    np.testing.assert_allclose(answer(ConvectionDiffusion(), given), answer(vortex, case), rtol=1e-12)
    assert ConvectionDiffusion().residual(given, {"concentration": answer(vortex, case)})[0] < 1e-13
    assert ConvectionDiffusion().residual(given, {"concentration": answer(ConvectionDiffusion(), case)})[0] > 1e-2


def test_parameters_may_differ_by_sample_and_the_residual_follows():
    grid = Grid.make(
        (8, 8), (1.0, 1.0), location="vertex", boundary={"x_high": "neumann"}, boundary_value={"x_low": 1.0}
    )
    source = np.random.default_rng(2).standard_normal((1, 8, 8)).repeat(2, 0)
    parameters = {"diffusivity": np.array([0.1, 0.3]), "angle": np.array([0.0, 2.0]), "speed": np.array([1.0, 0.5])}
    batch = Instances(grid, {"source": source}, parameters)
    both = np.concatenate([answer(ConvectionDiffusion(), case) for case in batch.cases()])
    for i in range(2):
        own = ConvectionDiffusion(**{k: float(v[i]) for k, v in parameters.items()})
        np.testing.assert_allclose(both[i], answer(own, Instances(grid, {"source": source[:1]}))[0], rtol=1e-12)
    residual = ConvectionDiffusion().residual(batch, {"concentration": both})
    assert residual.max() < 1e-13
    wrong = both.copy()
    wrong[1, 0, 3] += 1e-3  # a stored end that is known
    assert ConvectionDiffusion().residual(batch, {"concentration": wrong})[1] > 1e-4
    ConvectionDiffusion().check(batch)


def test_nothing_moves_it_but_the_identity():
    assert [s.name for s in ConvectionDiffusion().symmetries(Grid.make((4, 4), 1.0, boundary="dirichlet"))] == [
        "identity"
    ]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"diffusivity": 0.0}, r"(?s)diffusivity of ConvectionDiffusion.*found: 0.0.*a number > 0"),
        ({"speed": math.inf}, r"(?s)speed of ConvectionDiffusion.*found: inf.*a number"),
        ({"scheme": "upwnd"}, r"(?s)no scheme of ConvectionDiffusion named 'upwnd'.*'upwind'"),
        ({"flow": "vortices"}, r"(?s)no flow of ConvectionDiffusion named 'vortices'.*'vortex'"),
    ],
)
def test_parameters_that_cannot_be(parameters, message):
    with pytest.raises(BadInput, match=message):
        ConvectionDiffusion(**parameters)


@pytest.mark.parametrize(
    ("problem", "grid", "message"),
    [
        (
            ConvectionDiffusion(),
            Grid.make((4, 4), 1.0, boundary="neumann"),
            r"(?s)needs a face that holds the level.*\"robin\"",
        ),
        (ConvectionDiffusion(flow="vortex"), Grid.make(4, boundary="dirichlet"), r"(?s)a vortex needs 2 or 3 axes"),
    ],
)
def test_grids_that_cannot_be(problem, grid, message):
    with pytest.raises(BadInput, match=message):
        problem.check_grid(grid)


@pytest.mark.parametrize(("problem", "box"), [(ConvectionDiffusion(angle=0.0), {"boundary": "dirichlet"}),
                                              (ConvectionDiffusion(angle=0.5), {}),
                                              (ConvectionDiffusion(angle=0.0, speed=-1.0), {}),
                                              (ConvectionDiffusion(angle=0.0), {"boundary_value": {"x_high": 1.0}})])  # fmt: skip
def test_the_layer_is_refused_elsewhere(problem, box):
    with pytest.raises(BadInput, match=r"(?s)uniform flow along x between two walls held at 0"):
        problem.layer(Grid.make((4, 4), 1.0, **{"boundary": {"y_low": "neumann", "y_high": "neumann"}, **box}))
