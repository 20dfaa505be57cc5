"""Solid cells: the operator between obstacles against a loop over cells, its parts, shapes, what is refused."""

import numpy as np
import pytest

from pdekit.errors import BadInput
from pdekit.linear import solve
from pdekit.solution import Status
from pdekit.space.diffusion import diffusion
from pdekit.space.grid import Grid
from pdekit.space.obstacles import discs, l_shape, obstruct
from pdekit.space.stencils import StencilOperator

BOXES = [
    ("cell", {"boundary": "dirichlet"}),
    ("cell", {"boundary": "neumann"}),
    ("cell", {"boundary": "periodic"}),
    ("cell", {"boundary": {"x_low": "periodic", "x_high": "periodic", "y_low": "robin"}}),
    ("vertex", {"boundary": "dirichlet"}),
    ("vertex", {"boundary": "periodic"}),
    ("vertex", {"boundary": {"x_low": "periodic", "x_high": "periodic"}}),
]


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def make(points, location, boundary, rng):
    grid = Grid.make(points, (1.0, 0.7, 1.3)[: len(points)], location=location, **boundary)
    a = rng.uniform(0.5, 4.0, grid.points)
    operator, _ = diffusion(grid, a)
    return operator, a[grid.unknown], rng.random(operator.shape) < 0.35


def by_hand(operator, a, solid, wall, u):
    """What leaves each fluid unknown: to fluid neighbours, through walls of obstacles, to the outside of the box."""
    out, grid = np.zeros(u.shape), operator.grid
    for at in np.ndindex(u.shape):
        if solid[at]:
            continue
        for axis, n in enumerate(u.shape):
            for step, edge in ((-1, at[axis]), (1, at[axis] + 1)):
                place = at[axis] + step
                e = operator.edges[axis][(*at[:axis], edge, *at[axis + 1 :])]
                other = (*at[:axis], place % n, *at[axis + 1 :])
                if not (0 <= place < n or grid.periodic[axis]):
                    out[at] += e * u[at]
                elif not solid[other]:
                    out[at] += e * (u[at] - u[other])
                elif wall == "dirichlet":
                    out[at] += (e if grid.location == "vertex" else 2 * a[at] / grid.spacing[axis] ** 2) * u[at]
    return out


@pytest.mark.parametrize("points", [(7, 6), (4, 5, 6), (9,)])
@pytest.mark.parametrize("wall", ["dirichlet", "neumann"])
@pytest.mark.parametrize(("location", "boundary"), BOXES)
def test_every_fluid_row_is_the_balance_of_its_cell(location, boundary, wall, points, rng):
    if wall == "neumann" and location == "vertex":
        return
    if len(points) == 1 and isinstance(boundary["boundary"], dict):
        boundary = {"boundary": "neumann" if location == "cell" else "dirichlet"}
    operator, a, solid = make(points, location, boundary, rng)
    got = obstruct(operator, solid, wall, a)
    u = np.where(solid, 0.0, rng.standard_normal(solid.shape))
    wanted = by_hand(operator, a, solid, wall, u)
    scale = np.abs(wanted).max()
    for product in (got @ u, got.slices(u), (got.to_csr() @ u.ravel()).reshape(u.shape)):
        np.testing.assert_allclose(product, wanted, rtol=0, atol=1e-14 * scale)
    inside = np.where(solid, rng.standard_normal(solid.shape), 0.0)
    assert np.abs((got @ inside)[~solid]).max() < 1e-25 * scale  # nothing comes out of the obstacles
    dense = got.to_csr().toarray()
    np.testing.assert_array_equal(dense, dense.T)
    assert np.linalg.eigvalsh(dense)[0] > -1e-12 * scale
    assert (
        np.linalg.eigvalsh(dense[np.ix_(solid.ravel(), solid.ravel())])[0] > 1e-3
    )  # solid parts are held by their walls
    assert got.spd
    assert got.compiled is (len(points) > 1)
    assert got.least_diagonal > 0


@pytest.mark.parametrize("wall", ["dirichlet", "neumann"])
def test_the_answer_is_that_of_the_fluid_alone(wall, rng):
    operator, a, solid = make((10, 9), "cell", {"boundary": "dirichlet"}, rng)
    solid[...] = False
    solid[2:5, 1:4] = solid[7, 7] = solid[6:, 2] = True
    got = obstruct(operator, solid, wall, a)
    assert got.nullspace is None
    b = np.where(solid, 0.0, rng.standard_normal(solid.shape))
    fluid = ~solid.ravel()
    alone = np.linalg.solve(got.to_csr().toarray()[np.ix_(fluid, fluid)], b.ravel()[fluid])
    for method in ("cg", "direct", "amg"):
        x = solve(got, b, method=method).require_converged().values
        np.testing.assert_allclose(x[~solid], alone, rtol=0, atol=1e-7 * np.abs(alone).max())
        np.testing.assert_allclose(x[solid], 0.0, atol=1e-7 * np.abs(alone).max())


@pytest.mark.parametrize("size", [12, 32])
def test_the_l_of_numgrid(size):
    """MATLAB's delsq(numgrid('L', n)): the 5-point matrix over the inner vertices of an L, 4 and -1."""
    grid = Grid.make((size, size), (1.0, 1.0), location="vertex", boundary="dirichlet")
    x, y = np.meshgrid(np.linspace(-1, 1, size), np.linspace(-1, 1, size), indexing="ij")
    keep = ((x < 0) | (y > 0))[1:-1, 1:-1]  # the inner vertices of numgrid's L, turned
    operator = obstruct(diffusion(grid, 1.0)[0], ~keep)
    index = {at: k for k, at in enumerate(zip(*np.nonzero(keep), strict=True))}
    wanted = 4 * np.eye(len(index))
    for (i, j), k in index.items():
        for near in ((i - 1, j), (i + 1, j), (i, j - 1), (i, j + 1)):
            if near in index:
                wanted[k, index[near]] = -1
    fluid = keep.ravel()
    got = operator.to_csr().toarray()[np.ix_(fluid, fluid)] / (size - 1) ** 2
    np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-12)
    assert {12: 75, 32: 675}[size] == len(index)


def test_each_part_that_nothing_holds_has_its_own_null_vector(rng):
    """Three rooms: one with a warm face, two closed. The basis is two constants; CG and LU solve in their complement."""
    grid = Grid.make((12, 8), (1.5, 1.0), boundary={"y_low": "neumann", "y_high": "neumann", "x_high": "neumann"})
    solid = np.zeros(grid.points, dtype=bool)
    solid[[4, 8]] = True
    operator = obstruct(diffusion(grid, 1.0)[0], solid, "neumann")
    basis = operator.nullspace
    assert basis.shape == (96, 2)
    np.testing.assert_allclose(basis.T @ basis, np.eye(2), atol=1e-14)
    assert np.abs(operator.to_csr() @ basis).max() < 1e-12
    rooms = {tuple(np.flatnonzero(z.reshape(grid.points).any(axis=1))) for z in basis.T}
    assert rooms == {(5, 6, 7), (9, 10, 11)}
    assert not operator.singular  # constants of the whole box are not sent to zero: obstacles are held
    b = np.where(solid, 0.0, rng.standard_normal(grid.points))
    assert solve(operator, b, method="cg", precond="amg", nullspace=basis).status is Status.INCOMPATIBLE_RHS
    b -= (basis @ (basis.T @ b.ravel())).reshape(b.shape)
    answers = [solve(operator, b, method=m, precond=p, nullspace=basis).require_converged()
               for m, p in (("cg", "none"), ("cg", "amg"), ("direct", "auto"))]  # fmt: skip
    for answer in answers:
        np.testing.assert_allclose(answer.values, answers[-1].values, atol=1e-6)
        assert np.abs(basis.T @ answer.values.ravel()).max() < 1e-12
        assert np.linalg.norm(b - operator @ answer.values) <= 1e-8 * np.linalg.norm(b)


@pytest.mark.parametrize("kind", ["neumann", "periodic"])
def test_one_part_around_obstacles(kind, rng):
    grid = Grid.make((9, 8), (1.0, 1.0), boundary=kind)
    solid = np.zeros(grid.points, dtype=bool)
    solid[3:5, 2:6] = True
    operator = obstruct(diffusion(grid, 1.0)[0], solid, "neumann")
    basis = operator.nullspace
    np.testing.assert_allclose(basis[:, 0], ~solid.ravel() / np.sqrt((~solid).sum()), atol=1e-15)
    assert basis.shape == (72, 1)
    assert obstruct(diffusion(grid, 1.0)[0], solid, "dirichlet").nullspace is None
    assert isinstance(obstruct(diffusion(grid, 1.0)[0], solid & False, "neumann").nullspace, str)


def test_tensors_and_batches_are_each_system_by_itself(rng):
    torch = pytest.importorskip("torch")
    grid = Grid.make((6, 5), (1.0, 1.0), boundary={"x_low": "periodic", "x_high": "periodic"})
    a, solid = rng.uniform(1.0, 2.0, (3, 6, 5)), rng.random((3, 6, 5)) < 0.3
    batch = diffusion(grid, torch.from_numpy(a))[0]
    got = obstruct(batch, torch.from_numpy(solid), "dirichlet", torch.from_numpy(a))
    for i in range(3):
        own = obstruct(diffusion(grid, a[i])[0], solid[i], "dirichlet", a[i])
        for e, f in zip((*got.edges, got.shift), (*own.edges, own.shift), strict=True):
            assert isinstance(e, torch.Tensor)
            np.testing.assert_allclose(e[i].numpy(), f, rtol=1e-14)
    with pytest.raises(BadInput, match=r"(?s)null space of a batch.*next: ask each system"):
        _ = got.nullspace


def test_float32_keeps_closed_edges_closed(rng):
    operator, a, solid = make((8, 8), "cell", {"boundary": "neumann"}, rng)
    single = obstruct(operator, solid, "neumann", a).astype(np.float32)
    u = np.where(solid, 0, rng.standard_normal(solid.shape)).astype(np.float32)
    assert np.abs((single @ u)[solid]).max() < 1e-20
    assert single.nullspace.shape == obstruct(operator, solid, "neumann", a).nullspace.shape


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"wall": "neuman"}, r"(?s)no wall of an obstacle named 'neuman'.*did you mean 'neumann'"),
        ({"wall": "neumann"}, r"(?s)obstacles on vertices hold a value.*allowed: \"dirichlet\".*grid of cells"),
        ({"solid": np.zeros((6, 6), dtype=bool)}, r"(?s)do not lie on the unknowns.*\(6, 6\).*\(4, 4\)"),
    ],
)
def test_refusals(arguments, message):
    grid = Grid.make((6, 6), 1.0, location="vertex", boundary="dirichlet")
    with pytest.raises(BadInput, match=message):
        obstruct(diffusion(grid, 1.0)[0], **{"solid": np.zeros((4, 4), dtype=bool), **arguments})


def test_an_l_lacks_one_quarter():
    for points in ((8, 6), (8, 6, 4)):
        grid = Grid.make(points, (2.0, 1.0, 1.0)[: len(points)], boundary="dirichlet")
        wanted = np.zeros(points, dtype=bool)
        wanted[4:, :3] = True
        np.testing.assert_array_equal(l_shape(grid), wanted)
    assert l_shape(Grid.make(6, boundary="dirichlet")).tolist() == [False] * 3 + [True] * 3


def test_discs_are_where_their_centres_are(rng):
    grid = Grid.make((200, 100), (2.0, 1.0), boundary="dirichlet")
    one = discs(grid, 1, 0.2, 0.3, np.random.default_rng(4))
    draw = np.random.default_rng(4)
    centre, radius = (2.0 * draw.random(), draw.random()), draw.uniform(0.2, 0.3)
    x, y = grid.mesh
    np.testing.assert_array_equal(one, (x - centre[0]) ** 2 + (y - centre[1]) ** 2 < radius**2)
    many = discs(grid, 3, 0.2, 0.3, np.random.default_rng(4))
    assert (many & one).sum() == one.sum() < many.sum()
    assert not discs(grid, 0, 0.2, 0.3, rng).any()


def test_a_stencil_operator_is_not_changed(rng):
    operator, a, solid = make((5, 5), "cell", {"boundary": "periodic"}, rng)
    before = [e.copy() for e in operator.edges]
    assert isinstance(obstruct(operator, solid, "neumann", a), StencilOperator)
    for e, f in zip(operator.edges, before, strict=True):
        np.testing.assert_array_equal(e, f)
