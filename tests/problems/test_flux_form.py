"""What Darcy and Poisson share: residual, symmetries, moving to other grids, checks, drawing."""

import itertools

import numpy as np
import pytest

from pdekit.errors import BadInput
from pdekit.linear.solvers import Direct
from pdekit.problems import Darcy, Poisson
from pdekit.solver import Instances
from pdekit.space.diffusion import control_volumes
from pdekit.space.grid import Grid

LOCATIONS = ("cell", "vertex")
OUTPUT = {"darcy": "pressure", "poisson": "potential"}


def rng(seed=0):
    return np.random.default_rng(seed)


def cases(problem, grid, n=2, seed=0):
    """n random cases; where the operator is singular, with sources that sum to zero over the control volumes."""
    fields = {}
    if isinstance(problem, Darcy):
        fields["permeability"] = rng(seed).uniform(0.5, 8.0, (n, *grid.points))
    f = rng(seed + 1).standard_normal((n, *grid.points))
    if {k for pair in grid.boundary for k in pair} <= {"periodic", "neumann"}:
        f -= ((f * grid.weights).sum(tuple(range(1, 1 + grid.dim)), keepdims=True)) / grid.volume
    return Instances(grid, {**fields, "source": f})


def solved(problem, instances):
    return Direct().prepare(problem).solve(instances).require_converged().values[OUTPUT[problem.name]]


@pytest.mark.parametrize("problem", [Poisson(diffusivity=2.0), Darcy(), Darcy(face_mean="arithmetic")])
@pytest.mark.parametrize("location", LOCATIONS)
def test_the_residual_is_of_b_minus_a_u_over_b(problem, location):
    faces = {"x_low": "dirichlet", "x_high": "neumann", "y_low": "robin"}
    grid = Grid.make(
        (6, 5), (1.0, 0.7), location=location, boundary=faces, boundary_value={"x_low": 1.5, "y_low": -1.0}
    )
    instances = cases(problem, grid, 3)
    u = rng(5).standard_normal((3, *grid.points))
    if location == "vertex":
        u[:, 0], u[:, :, -1] = 1.5, 0.0  # the known ends
    got = problem.residual(instances, {OUTPUT[problem.name]: u})
    for i in range(3):
        operator, b = problem.assemble(instances.case(i))
        r = b.ravel() - operator.to_csr() @ u[i][grid.unknown].ravel()
        assert got[i] == pytest.approx(np.linalg.norm(r) / np.linalg.norm(b), rel=1e-12)
    answer = solved(problem, instances)
    assert problem.residual(instances, {OUTPUT[problem.name]: answer}).max() < 1e-13
    assert got.dtype == np.float64


def test_the_residual_sees_stored_dirichlet_ends():
    """Literal: each wrong end enters as e (u - known), e the mean edge of the nearest unknown."""
    faces = {"x_low": "dirichlet", "x_high": "neumann", "y_low": "neumann", "y_high": "dirichlet"}
    values = {"x_low": 1.5}
    grid = Grid.make((6, 5), (1.0, 0.7), location="vertex", boundary=faces, boundary_value=values)
    problem = Darcy()
    instances = cases(problem, grid, 1)
    u = solved(problem, instances)
    operator, b = problem.assemble(instances)
    edge = operator.to_csr().diagonal().reshape(5, 4) / 4
    for at, row in (((0, 2), (0, 2)), ((3, -1), (2, -1)), ((0, -1), (0, -1))):  # two walls and the corner between them
        for step in (100.0, -1e-6):
            wrong = u.copy()
            wrong[(0, *at)] += step
            wanted = edge[row] * abs(step) / np.linalg.norm(b)
            assert problem.residual(instances, {"pressure": wrong})[0] == pytest.approx(wanted, rel=1e-6)
    wrong = u.copy()
    wrong[0, 0, 2] = np.nan
    assert np.isnan(problem.residual(instances, {"pressure": wrong})[0])


def test_a_wrong_end_shows_where_nothing_drives_the_problem():
    """b = 0 and u = 0 inside: only the stored end is wrong, and the residual must not be 0."""
    grid = Grid.make(5, 1.0, location="vertex", boundary="dirichlet")
    instances = Instances(grid, {"source": np.zeros((1, 5))})
    u = np.zeros((1, 5))
    assert Poisson().residual(instances, {"potential": u})[0] == 0.0
    u[0, 0] = 100.0
    assert Poisson().residual(instances, {"potential": u})[0] == pytest.approx(0.25, rel=1e-14)


def test_the_residual_scales_with_the_error_and_sees_every_sample():
    problem, grid = Darcy(), Grid.make((8, 8), (1.0, 1.0), boundary="dirichlet")
    instances = cases(problem, grid, 3)
    u = solved(problem, instances)
    one = problem.residual(instances, {"pressure": 1.001 * u})
    np.testing.assert_allclose(one, 0.001, rtol=1e-9)  # b - A 1.001 u = -0.001 b
    broken = u.copy()
    broken[1, 2, 3] += 1e-3
    residual = problem.residual(instances, {"pressure": broken})
    assert residual[1] > 1e-6
    assert max(residual[0], residual[2]) < 1e-13
    broken[2, 0, 0] = np.nan
    assert np.isnan(problem.residual(instances, {"pressure": broken})).tolist() == [False, False, True]
    single = problem.residual(instances, {"pressure": u.astype(np.float32)})
    assert np.all((single > 1e-9) & (single < 1e-4))


def test_the_residual_where_nothing_drives_the_solution():
    problem, grid = Poisson(), Grid.make((8, 8), (1.0, 1.0), boundary="periodic")
    instances = Instances(grid, {"source": np.zeros((2, 8, 8))})
    wave = np.broadcast_to(np.cos(2 * np.pi * grid.mesh[0]), (8, 8))
    residual = problem.residual(instances, {"potential": np.stack([np.full((8, 8), 3.0), wave])})
    assert residual[0] < 1e-15
    h = 1 / 8
    eigenvalue = (2 / h * np.sin(np.pi * h)) ** 2
    assert residual[1] == pytest.approx(eigenvalue / (2 * 4 / h**2), rel=1e-12)


BOXES = {
    "square": (Grid.make((7, 7), (1.0, 1.0), boundary="dirichlet"), 8),
    "square, vertices": (Grid.make((7, 7), (1.0, 1.0), boundary="dirichlet", location="vertex"), 8),
    "ring of vertices": (Grid.make((6, 6), (1.0, 1.0), boundary="periodic", location="vertex"), 8),
    "ring of cells": (Grid.make((6, 6), (1.0, 1.0), boundary="periodic"), 8),
    "neumann vertices": (Grid.make((6, 6), (1.0, 1.0), boundary="neumann", location="vertex"), 8),
    "oblong": (Grid.make((7, 7), (1.0, 2.0), boundary="dirichlet"), 4),
    "other points": (Grid.make((6, 7), (1.0, 1.0), boundary="dirichlet"), 4),
    "robin": (Grid.make((6, 6), (1.0, 1.0), boundary="robin", boundary_value=0.7), 8),
    "one wall warm": (Grid.make((6, 6), (1.0, 1.0), boundary="dirichlet", boundary_value={"x_low": 1.0}), 2),
    "two walls warm": (
        Grid.make((6, 6), (1.0, 1.0), boundary="dirichlet", boundary_value={"x_low": 1.0, "y_low": 1.0}),
        2,
    ),
    "one wall open": (Grid.make((6, 6), (1.0, 1.0), boundary={"y_high": "neumann"}), 2),
    "another robin wall": (
        Grid.make((6, 6), (1.0, 1.0), boundary="robin", robin={"x_low": (2.0, 1.0)}, boundary_value=1.0),
        2,
    ),
    "channel": (
        Grid.make((6, 6), (1.0, 1.0), location="vertex", boundary={"x_low": "periodic", "x_high": "periodic"}),
        4,
    ),
    "cube": (Grid.make((4, 4, 4), (1.0, 1.0, 1.0), boundary="dirichlet"), 48),
    "cube of vertices, x periodic": (
        Grid.make((4, 4, 4), (1.0, 1.0, 1.0), location="vertex", boundary={"x_low": "periodic", "x_high": "periodic"}),
        16,
    ),
}


@pytest.mark.parametrize("problem", [Poisson(), Darcy(), Darcy(face_mean="arithmetic")])
@pytest.mark.parametrize("name", BOXES)
def test_symmetries_take_solutions_to_solutions(name, problem):
    grid, count = BOXES[name]
    instances = cases(problem, grid)
    u = solved(problem, instances)
    found = problem.symmetries(grid)
    assert len(found) == count
    assert found[0].name == "identity"
    assert len({s.name for s in found}) == count
    images = []
    for symmetry in found:
        moved = Instances(grid, {k: np.ascontiguousarray(symmetry.apply(k, a)) for k, a in instances.fields.items()})
        image = symmetry.apply(OUTPUT[problem.name], u)
        np.testing.assert_allclose(solved(problem, moved), image, rtol=0, atol=1e-11 * np.abs(u).max())
        images.append(np.ascontiguousarray(image).tobytes())
    assert len(set(images)) == count  # no two of them are the same map


def test_symmetries_in_one_dimension():
    assert [s.name for s in Poisson().symmetries(Grid.make(8, boundary="dirichlet"))] == ["identity", "flip x"]
    assert len(Poisson().symmetries(Grid.make(8, boundary={"x_low": "neumann"}))) == 1


@pytest.mark.parametrize("name", ["ring of vertices", "square", "cube of vertices, x periodic"])
def test_symmetries_act_on_tensors_and_any_leading_axes_alike(name):
    torch = pytest.importorskip("torch")
    grid, _ = BOXES[name]
    u = rng(3).standard_normal((2, 3, *grid.points))
    for symmetry in Poisson().symmetries(grid):
        wanted = symmetry.apply("potential", u)
        np.testing.assert_array_equal(symmetry.apply("potential", torch.from_numpy(u)).numpy(), wanted)
        np.testing.assert_array_equal(symmetry.apply("potential", u[1, 2]), wanted[1, 2])


@pytest.mark.parametrize(("mean", "average"), [("harmonic", "harmonic"), ("arithmetic", "arithmetic")])
def test_regrid_keeps_cells_on_their_parts_and_averages_back(mean, average):
    problem, grid = Darcy(face_mean=mean), Grid.make((4, 6), (1.0, 2.0), boundary="dirichlet")
    instances = cases(problem, grid, 3)
    instances = Instances(grid, {**instances.fields, "boundary_x_low": rng(4).random((3, 6))})
    fine = problem.regrid(instances, 2)
    assert fine.grid == grid.scaled(2)
    for name in ("permeability", "source"):
        np.testing.assert_array_equal(fine.fields[name], instances.fields[name].repeat(2, 1).repeat(2, 2))
    np.testing.assert_array_equal(fine.fields["boundary_x_low"], instances.fields["boundary_x_low"].repeat(2, 1))
    back = problem.regrid(fine, 0.5)
    assert back.grid == grid
    for name, a in instances.fields.items():
        np.testing.assert_allclose(back.fields[name], a, rtol=1e-14)
    coarse = problem.regrid(instances, 0.5)
    blocks = instances.fields["permeability"].reshape(3, 2, 2, 3, 2)
    wanted = 1 / (1 / blocks).mean((2, 4)) if average == "harmonic" else blocks.mean((2, 4))
    np.testing.assert_allclose(coarse.fields["permeability"], wanted, rtol=1e-14)
    np.testing.assert_allclose(
        coarse.fields["source"], instances.fields["source"].reshape(3, 2, 2, 3, 2).mean((2, 4)), rtol=1e-13, atol=1e-15
    )
    np.testing.assert_allclose(
        coarse.fields["boundary_x_low"], instances.fields["boundary_x_low"].reshape(3, 3, 2).mean(2), rtol=1e-14
    )


@pytest.mark.parametrize("factor", [0.5, 2, 4])
@pytest.mark.parametrize("dim", [1, 2, 3])
def test_regrid_conserves_the_source(factor, dim):
    grid = Grid.make((4, 8, 4)[:dim], (1.0, 2.0, 0.5)[:dim], boundary="neumann")
    instances = cases(Poisson(), grid)
    instances.fields["source"][:] += 1.0
    other = Poisson().regrid(instances, factor)
    space = tuple(range(1, 1 + dim))
    before = (instances.fields["source"] * grid.weights).sum(space)
    after = (other.fields["source"] * other.grid.weights).sum(space)
    np.testing.assert_allclose(after, before, rtol=1e-13)


def test_regrid_keeps_parameters_and_vertices():
    grid = Grid.make((5, 5), (1.0, 1.0), location="vertex", boundary="dirichlet")
    instances = Instances(grid, {"source": rng().random((2, 5, 5))}, {"diffusivity": np.array([1.0, 2.0])})
    coarse = Poisson().regrid(instances, 0.5)
    np.testing.assert_array_equal(coarse.fields["source"], instances.fields["source"][:, ::2, ::2])
    np.testing.assert_array_equal(coarse.parameters["diffusivity"], [1.0, 2.0])
    point = Instances(Grid.make(8, boundary="dirichlet"), {"source": np.ones((1, 8)), "boundary_x_low": np.ones(1)})
    assert Poisson().regrid(point, 2).fields["boundary_x_low"].shape == (1,)


@pytest.mark.parametrize("location", LOCATIONS)
def test_a_coarser_solve_keeps_varying_boundary_values(location):
    """u = 1 + 2x + 3y under varying Dirichlet values is exact on every grid: so is the answer interpolated back."""
    grid = Grid.make((4, 4), (1.0, 1.0), location=location, boundary="dirichlet").with_intervals((8, 8))
    x, y = grid.mesh
    plane = np.broadcast_to(1 + 2 * x + 3 * y, grid.points)
    walls = {"x_low": 1 + 3 * y[0], "x_high": 3 + 3 * y[0], "y_low": 1 + 2 * x[:, 0], "y_high": 4 + 2 * x[:, 0]}
    fields = {f"boundary_{face}": value[None] for face, value in walls.items()}
    instances = Instances(grid, {"source": np.zeros((1, *grid.points)), **fields})
    for factor in (1.0, 0.5):
        got = Direct(grid_factor=factor).prepare(Poisson()).solve(instances).values["potential"]
        np.testing.assert_allclose(got[0], plane, rtol=0, atol=1e-12)


def test_embedding_puts_the_known_ends_back():
    faces = {"x_low": "dirichlet", "x_high": "neumann"}
    grid = Grid.make(
        (4, 5), (1.0, 1.0), location="vertex", boundary=faces, boundary_value={"x_low": 2.0, "y_high": 3.0}
    )
    fields = {"source": np.zeros((1, 4, 5)), "boundary_y_low": rng(2).random((1, 4))}
    case = Instances(grid, fields)
    x = rng(3).random(control_volumes(grid).shape)
    u = Poisson().embed(case, x)
    np.testing.assert_array_equal(u[grid.unknown], x)
    np.testing.assert_array_equal(u[0, 1:-1], 2.0)
    np.testing.assert_array_equal(u[1:, 0], fields["boundary_y_low"][0, 1:])
    np.testing.assert_array_equal(u[1:, -1], 3.0)


@pytest.mark.parametrize("location", LOCATIONS)
@pytest.mark.parametrize("kind", ["periodic", "dirichlet", "neumann", "robin"])
@pytest.mark.parametrize("dim", [1, 2, 3])
def test_a_manufactured_case_is_consistent_with_the_scheme(dim, kind, location):
    """The exact u leaves a residual that falls with h: a source or wall value that is wrong would not let it."""
    problem = Poisson(diffusivity=0.7) if dim == 1 else Darcy()
    length = (1.0, 0.7, 1.3)[:dim]
    errors = []
    for n in (8, 16, 32):
        grid = Grid.make((4,) * dim, length, location=location, boundary=kind).with_intervals((n,) * dim)
        instances, u = problem.manufactured(grid)
        problem.check(instances)
        errors.append(problem.residual(instances, {problem.outputs[0].name: u})[0])
    ratios = np.array(errors[:-1]) / errors[1:]
    assert np.all(ratios > 1.3), errors  # consistent: truncation falls, at walls of cells by order 1/2 in this norm


GOOD = {"permeability": np.ones((2, 4, 4)), "source": np.zeros((2, 4, 4))}
GRID = Grid.make((4, 4), (1.0, 1.0), boundary="dirichlet")


def spoiled(name, value):
    fields = {k: v.copy() for k, v in GOOD.items()}
    fields[name][1, 2, 3] = value
    return Instances(GRID, fields)


@pytest.mark.parametrize(
    ("instances", "message"),
    [
        (
            Instances(GRID, {"source": GOOD["source"]}),
            r"(?s)'darcy' needs the input field 'permeability'.*found: source",
        ),
        (Instances(GRID, {}), r"(?s)'darcy' needs the input field 'permeability'.*found: no fields"),
        (
            spoiled("source", np.nan),
            r"(?s)input field 'source' of problem 'darcy' is not finite.*in sample 1 \(1 samples",
        ),
        (spoiled("permeability", np.inf), r"(?s)input field 'permeability' .* is not finite.*sample 1"),
        (
            spoiled("permeability", -2.5),
            r"(?s)'permeability' of problem 'darcy' must be positive.*-2.5 in sample 1.*units",
        ),
        (spoiled("permeability", 0.0), r"(?s)'permeability' of problem 'darcy' must be positive.*found: 0 in sample 1"),
        (
            Instances(GRID, {**GOOD, "boundary_x_low": np.full((2, 4), np.nan)}),
            r"(?s)input field 'boundary_x_low' .* is not finite.*sample 0 \(2 samples",
        ),
        (Instances(Grid.make(4), {"source": np.zeros((1, 4))}), "needs a grid with 2 or 3 axes"),
    ],
)
def test_check_says_what_is_wrong_and_where(instances, message):
    with pytest.raises(BadInput, match=message):
        Darcy().check(instances)


def test_check_lets_sound_cases_pass():
    Darcy().check(Instances(GRID, GOOD))
    Poisson().check(Instances(GRID, {"source": GOOD["source"] - 1}))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"diffusivty": [1.0, 1.0]}, r"(?s)no parameter of problem 'poisson' named 'diffusivty'.*did you mean 'diffusivity'"),
        ({"diffusivity": [1.0, -1.0]}, r"(?s)diffusivity of Poisson.*found: -1.0.*a number > 0.*'diffusivity' of sample 1"),
        ({"diffusivity": [np.nan, 1.0]}, r"(?s)diffusivity of Poisson.*found: nan.*'diffusivity' of sample 0"),
    ],
)  # fmt: skip
def test_check_looks_at_parameters_per_sample(parameters, message):
    fields = {"source": GOOD["source"]}
    Poisson().check(Instances(GRID, fields, {"diffusivity": np.array([0.5, 2.0])}))
    with pytest.raises(BadInput, match=message):
        Poisson().check(Instances(GRID, fields, {k: np.array(v) for k, v in parameters.items()}))


def test_samples_are_drawn_in_the_order_of_the_laws_on_their_own_grids():
    grid = Grid.make((4, 6), (1.0, 2.0), boundary="dirichlet")
    uniform = {"law": "uniform", "low": 1.0, "high": 2.0}
    laws = {"permeability": uniform, "source": uniform, "boundary_x_low": uniform, "boundary_y_high": uniform}
    case = Darcy().sample(grid, rng(1), laws)
    numbers = rng(1).uniform(1.0, 2.0, 4)
    assert [a.shape for a in case.values()] == [(4, 6), (4, 6), (6,), (4,)]
    assert [float(a.flat[0]) for a in case.values()] == numbers.tolist()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Darcy.make({"facemean": "harmonic"}),
            r"(?s)no parameter of problem 'darcy' named 'facemean'.*'face_mean'",
        ),
        (
            lambda: Poisson.make({"face_mean": "harmonic"}),
            r"(?s)no parameter of problem 'poisson' named 'face_mean'.*all: diff|allowed: diff",
        ),
    ],
)
def test_make_refuses_unknown_parameters(make, message):
    with pytest.raises(BadInput, match=message):
        make()


def test_one_solve_with_mixed_faces_is_the_dense_solve():
    """One Darcy case with a different kind on every face, against a dense solve of its own matrix."""
    for location, mean in itertools.product(LOCATIONS, ("harmonic", "arithmetic")):
        grid = Grid.make((5, 6), (1.0, 1.0), location=location, boundary={"x_high": "neumann", "y_low": "robin"})
        problem = Darcy(face_mean=mean)
        instances = cases(problem, grid, 1)
        operator, b = problem.assemble(instances)
        dense = np.linalg.solve(operator.to_csr().toarray(), b.ravel())
        np.testing.assert_allclose(solved(problem, instances)[0][grid.unknown].ravel(), dense, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("location", LOCATIONS)
@pytest.mark.parametrize("kind", ["periodic", "dirichlet"])
def test_a_flip_is_the_reflection_and_not_one_shifted(kind, location):
    """On a ring every shift of a flip takes solutions to solutions too; the map called "flip x" is x to L - x."""
    grid = Grid.make((6, 6), (1.0, 1.0), boundary=kind, location=location)
    x, y = grid.mesh

    def wave(x, y):
        return np.cos(2 * np.pi * x + 0.4) + np.sin(2 * np.pi * y) * np.cos(4 * np.pi * x + 1.0)

    maps = {s.name: s.apply("potential", wave(x, y)) for s in Poisson().symmetries(grid)}
    np.testing.assert_allclose(maps["flip x"], wave(1 - x, y), rtol=0, atol=1e-13)
    np.testing.assert_allclose(maps["flip xy"], wave(1 - x, 1 - y), rtol=0, atol=1e-13)
    np.testing.assert_allclose(maps["transpose yx"], wave(y, x), rtol=0, atol=1e-13)
