"""The matrix-free product against the sparse matrix, the kernels against slices, and both against a loop by hand."""

import itertools

import numpy as np
import pytest

from pdekit.space.diffusion import diffusion
from pdekit.space.grid import Grid
from pdekit.space.stencils import StencilOperator

SHAPES = {
    1: [(7,), (2,), (12,)],
    2: [(6, 9), (2, 2), (3, 2), (9, 4)],
    3: [(4, 5, 6), (2, 2, 2), (5, 3, 2), (3, 2, 7)],
}
CASES = [
    (shape, periodic)
    for dim, shapes in SHAPES.items()
    for shape in shapes
    for periodic in itertools.product((False, True), repeat=dim)
]


def ring(shape, periodic):
    faces = {
        f"{axis}_{side}": "periodic" if p else "neumann"
        for axis, p in zip("xyz", periodic, strict=False)
        for side in ("low", "high")
    }
    return Grid.make(shape, (1.0,) * len(shape), boundary=faces)


def random_operator(shape, periodic, rng, *, shift=True, dtype=np.float64, batch=()):
    """Edges with nothing in common, as any problem could give them."""
    edges = []
    for axis, p in enumerate(periodic):
        size = (*batch, *(n + (k == axis) for k, n in enumerate(shape)))
        e = np.moveaxis(rng.uniform(0.1, 5.0, size), axis - len(shape), 0)
        if p:
            e[-1] = e[0]
        edges.append(np.ascontiguousarray(np.moveaxis(e, 0, axis - len(shape)).astype(dtype)))
    extra = rng.uniform(0.0, 2.0, (*batch, *shape)).astype(dtype) if shift else None
    return StencilOperator(tuple(edges), ring(shape, periodic), extra)


def by_hand(operator, u):
    """The docstring's formula, unknown by unknown."""
    out = np.zeros(u.shape)
    for at in np.ndindex(u.shape):
        total = 0.0 if operator.shift is None else float(operator.shift[at]) * u[at]
        for axis, n in enumerate(u.shape):
            e = operator.edges[axis]
            for step, edge in ((-1, at[axis]), (1, at[axis] + 1)):
                place = at[axis] + step
                inside = 0 <= place < n or operator.grid.periodic[axis]
                other = u[(*at[:axis], place % n, *at[axis + 1 :])] if inside else 0.0
                total += e[(*at[:axis], edge, *at[axis + 1 :])] * (u[at] - other)
        out[at] = total
    return out


def near(got, want, rtol, scale=1.0):
    assert got.shape == want.shape
    assert np.abs(got - want).max() <= rtol * np.abs(want).max() * scale


@pytest.mark.parametrize("shift", [False, True])
@pytest.mark.parametrize(("shape", "periodic"), CASES)
def test_every_way_to_apply_it_gives_the_formula(shape, periodic, shift, rng):
    operator = random_operator(shape, periodic, rng, shift=shift)
    u = rng.standard_normal(shape)
    wanted = by_hand(operator, u)
    near((operator.to_csr() @ u.ravel()).reshape(shape), wanted, 1e-14)
    near(operator @ u, wanted, 1e-14)
    near(operator.slices(u), wanted, 1e-14)
    near(operator.as_linear_operator().matvec(u.ravel()).reshape(shape), wanted, 1e-14)
    assert operator.compiled is (len(shape) > 1)


@pytest.mark.parametrize("size", [(1,), (5, 1), (1, 4), (4, 4, 1), (1, 3, 1), (1, 1, 5)])
def test_one_unknown_along_an_axis(size, rng):
    """Three vertices with both ends known leave one unknown: it must not be counted twice."""
    points = tuple(n + 2 for n in size)
    grid = Grid.make(points, (1.0,) * len(size), location="vertex", boundary="dirichlet")
    operator, _ = diffusion(grid, rng.uniform(1.0, 3.0, points))
    u = rng.standard_normal(size)
    near(operator @ u, by_hand(operator, u), 1e-14)
    near((operator.to_csr() @ u.ravel()).reshape(size), by_hand(operator, u), 1e-14)


@pytest.mark.parametrize(("shape", "periodic"), CASES)
def test_the_product_returns_u_dot_a_u(shape, periodic, rng):
    operator = random_operator(shape, periodic, rng)
    u, out = rng.standard_normal(shape), np.full(shape, np.nan)
    dot = operator.product(u, out)
    near(out, operator.slices(u), 1e-14)
    assert dot == pytest.approx(float((u * operator.slices(u)).sum()), rel=1e-13)


@pytest.mark.parametrize(("shape", "periodic"), CASES)
def test_diagonal_and_symmetry(shape, periodic, rng):
    operator = random_operator(shape, periodic, rng)
    dense = operator.to_csr().toarray()
    np.testing.assert_array_equal(dense, dense.T)
    if not any(p and n == 2 for p, n in zip(periodic, shape, strict=True)):
        wanted = np.diag(dense)
    else:  # both edges of a ring of two couple the same pair; the diagonal holds them all the same
        wanted = np.array(
            [
                by_hand(operator, np.eye(operator.to_csr().shape[0])[k].reshape(shape)).flat[k]
                for k in range(np.prod(shape))
            ]
        )
    near(operator.diagonal(), wanted.reshape(shape), 1e-15)


@pytest.mark.parametrize(("shape", "periodic"), CASES)
def test_positive_edges_make_it_positive_definite(shape, periodic, rng):
    dense = random_operator(shape, periodic, rng).to_csr().toarray()
    assert np.linalg.eigvalsh(dense).min() > 0


@pytest.mark.parametrize("dim", [1, 2, 3])
@pytest.mark.parametrize("kind", ["periodic", "neumann", "dirichlet", "robin"])
@pytest.mark.parametrize("location", ["cell", "vertex"])
def test_constants_are_the_null_space_where_it_says_so(dim, kind, location, rng):
    grid = Grid.make((5,) * dim, (1.0,) * dim, location=location, boundary=kind)
    operator, _ = diffusion(grid, rng.uniform(1.0, 2.0, grid.points))
    values = np.linalg.eigvalsh(operator.to_csr().toarray())
    nothing = np.abs(operator @ np.ones(operator.shape)).max() < 1e-11
    assert operator.singular is (kind in ("periodic", "neumann"))
    assert operator.singular is bool(nothing)
    assert operator.singular is bool(values[0] < 1e-12 * values[-1])
    assert values[1] > 1e-6 * values[-1]
    lifted, _ = diffusion(grid, rng.uniform(1.0, 2.0, grid.points), shift=np.full(operator.shape, 0.5))
    assert not lifted.singular


def test_a_shift_of_zeros_is_no_shift(rng):
    grid = Grid.make((4, 4), (1.0, 1.0))
    operator, _ = diffusion(grid, 1.0, shift=np.zeros((4, 4)))
    assert operator.singular


@pytest.mark.parametrize(("shape", "periodic"), [c for c in CASES if min(c[0]) > 2])
def test_torch_tensors_go_through_the_same_code(shape, periodic, rng):
    torch = pytest.importorskip("torch")
    operator = random_operator(shape, periodic, rng)
    u = rng.standard_normal(shape)
    tensors = StencilOperator(
        tuple(torch.from_numpy(e) for e in operator.edges), operator.grid, torch.from_numpy(operator.shift)
    )
    assert not tensors.compiled
    assert tensors.singular is operator.singular
    got = tensors @ torch.from_numpy(u)
    assert isinstance(got, torch.Tensor)
    near(got.numpy(), operator @ u, 1e-14)
    near(tensors.diagonal().numpy(), operator.diagonal(), 1e-15)
    single = tensors.astype(torch.float32)
    assert (single @ torch.from_numpy(u).float()).dtype == torch.float32


@pytest.mark.parametrize("kind", ["dirichlet", "neumann", "periodic", "robin"])
@pytest.mark.parametrize("location", ["cell", "vertex"])
def test_torch_coefficients_make_the_same_operator(kind, location, rng):
    torch = pytest.importorskip("torch")
    grid = Grid.make((5, 6), (1.0, 2.0), location=location, boundary=kind)
    a = rng.uniform(1.0, 9.0, grid.points)
    shift = rng.uniform(0.0, 1.0, a[grid.unknown].shape)
    wanted, walls = diffusion(grid, a, shift=shift)
    got, tensors = diffusion(grid, torch.from_numpy(a), shift=torch.from_numpy(shift))
    assert tensors.keys() == walls.keys()
    pairs = [*zip(got.edges, wanted.edges, strict=True), (got.shift, wanted.shift)]
    for e, f in [*pairs, *((tensors[face], walls[face]) for face in walls)]:
        assert isinstance(e, torch.Tensor)
        np.testing.assert_allclose(e.numpy(), f, rtol=1e-14)


@pytest.mark.parametrize("kind", ["dirichlet", "neumann", "periodic", "robin"])
@pytest.mark.parametrize("location", ["cell", "vertex"])
@pytest.mark.parametrize("batch", [(), (2,)])
def test_a_float32_coefficient_makes_a_float32_operator(kind, location, batch, rng):
    grid = Grid.make((5, 6), (1.0, 2.0), location=location, boundary=kind)
    a = rng.uniform(1.0, 9.0, (*batch, *grid.points)).astype(np.float32)
    operator, walls = diffusion(grid, a)
    wanted, _ = diffusion(grid, a.astype(np.float64))
    assert {e.dtype for e in (*operator.edges, *walls.values())} == {np.dtype(np.float32)}
    for e, f in zip(operator.edges, wanted.edges, strict=True):
        np.testing.assert_allclose(e, f, rtol=3e-7)


@pytest.mark.parametrize("shape", [(5,), (4, 5), (3, 4, 5)])
def test_a_batch_of_systems_is_each_system_by_itself(shape, rng):
    batch = random_operator(shape, (True, False, True)[: len(shape)], rng, batch=(3,))
    u = rng.standard_normal((3, *shape))
    got = batch @ u
    for i in range(3):
        own = StencilOperator(tuple(e[i] for e in batch.edges), batch.grid, batch.shift[i])
        near(got[i], own.slices(u[i]), 1e-15)
        assert own.shape == batch.shape == shape


@pytest.mark.parametrize("shape", [(33, 47), (9, 10, 11)])
def test_float32_is_the_rounded_operator(shape, rng):
    operator = random_operator(shape, (False, True, False)[: len(shape)], rng)
    single = operator.astype(np.float32)
    u = rng.standard_normal(shape).astype(np.float32)
    assert single.dtype == np.float32
    assert single.compiled
    got = single @ u
    assert got.dtype == np.float32
    near(got.astype(np.float64), operator @ u.astype(np.float64), 1e-6)
    assert (single @ u.astype(np.float64)).dtype == np.float64


def test_large_grids_keep_fourteen_digits(rng):
    """Rows of many vector registers and their remainders."""
    for shape, periodic in (((65, 130), (False, False)), ((64, 67), (True, True)), ((17, 18, 67), (True, False, True))):
        operator = random_operator(shape, periodic, rng)
        u = rng.standard_normal(shape)
        near(operator @ u, (operator.to_csr() @ u.ravel()).reshape(shape), 1e-14)


def test_nan_goes_through_every_path(rng):
    for shape in ((8, 9), (5, 6, 7)):
        operator = random_operator(shape, (False,) * len(shape), rng)
        u, out = rng.standard_normal(shape), np.empty(shape)
        u[(2,) * len(shape)] = np.nan
        assert np.isnan(operator.product(u, out))
        assert int(np.isnan(out).sum()) == 2 * len(shape) + 1
        np.testing.assert_array_equal(np.isnan(out), np.isnan(operator.slices(u)))


def test_arrays_in_fortran_order_and_columns_are_served(rng):
    operator = random_operator((6, 7), (False, True), rng)
    u = rng.standard_normal((6, 7))
    near(operator @ np.asfortranarray(u), operator @ u, 1e-15)
    column = operator.as_linear_operator() @ u.reshape(-1, 1)
    near(column.reshape(6, 7), operator @ u, 1e-15)
    assert operator.as_linear_operator().dtype == np.float64


@pytest.fixture
def rng():
    return np.random.default_rng(11)


@pytest.mark.parametrize("shift", [False, True])
@pytest.mark.parametrize(("shape", "periodic"), CASES)
def test_the_least_diagonal_is_that_of_the_matrix(shape, periodic, shift):
    op = random_operator(shape, periodic, np.random.default_rng(3), shift=shift)
    expected = float(op.to_csr().diagonal().min())
    assert op.least_diagonal == pytest.approx(expected, rel=1e-14)
    assert type(op.least_diagonal) is float


@pytest.mark.parametrize("shape", [(20, 24), (6, 8, 10)])
def test_the_dot_product_in_float32_is_summed_from_products_in_float64(shape):
    """A field of size 1e-25 has squares that float32 does not hold."""
    op = random_operator(shape, (False,) * len(shape), np.random.default_rng(3), dtype=np.float32)
    u = (1e-25 * np.random.default_rng(4).normal(size=shape)).astype(np.float32)
    out = np.empty_like(u)
    value = op.product(u, out)
    assert value == pytest.approx(float((u.astype(float) * out.astype(float)).sum()), rel=1e-12)


@pytest.mark.parametrize("dim", [1, 2, 3])
@pytest.mark.parametrize("kind", ["periodic", "neumann", "dirichlet", "robin"])
@pytest.mark.parametrize("location", ["cell", "vertex"])
def test_the_null_space_is_constants_or_nothing_on_a_box(dim, kind, location, rng):
    grid = Grid.make((5,) * dim, (1.0,) * dim, location=location, boundary=kind)
    operator, _ = diffusion(grid, rng.uniform(1.0, 2.0, grid.points))
    assert operator.nullspace == ("constant" if kind in ("periodic", "neumann") else None)
    lifted, _ = diffusion(grid, rng.uniform(1.0, 2.0, grid.points), shift=np.full(operator.shape, 0.5))
    assert lifted.nullspace is None
    single, _ = diffusion(grid, rng.uniform(1.0, 2.0, (2, *grid.points)))
    assert single.nullspace == operator.nullspace


def test_the_null_space_of_edges_that_are_zero():
    """A line of six cut in two: the left part is free, the right one held at its end, or by a shift at one point."""
    grid = Grid.make(6, 6.0, boundary={"x_low": "neumann"})
    operator, _ = diffusion(grid, 1.0)
    edges = operator.edges[0].copy()
    edges[2] = 0.0
    left = np.array([1, 1, 0, 0, 0, 0])[:, None] / np.sqrt(2)
    np.testing.assert_allclose(StencilOperator((edges,), grid).nullspace, left, atol=1e-15)
    edges[6] = 0.0
    both = StencilOperator((edges,), grid)
    np.testing.assert_allclose(both.nullspace, np.c_[left[:, 0], [0, 0, 0.5, 0.5, 0.5, 0.5]], atol=1e-15)
    assert both.singular
    held = StencilOperator((edges,), grid, np.array([0, 0, 0, 1e-3, 0, 0]))
    np.testing.assert_allclose(held.nullspace, left, atol=1e-15)
    assert not held.singular


@pytest.mark.parametrize(("shape", "periodic"), CASES)
def test_spd_is_what_the_eigenvalues_say(shape, periodic, rng):
    operator = random_operator(shape, periodic, rng)
    assert operator.spd
    assert np.linalg.eigvalsh(operator.to_csr().toarray())[0] > -1e-12
    negative = StencilOperator(operator.edges, operator.grid, operator.shift - 50.0)
    assert not negative.spd
    assert negative.nullspace is None
    edges = tuple(e.copy() for e in operator.edges)
    edges[-1].flat[0] = -0.1
    assert not StencilOperator(edges, operator.grid, operator.shift).spd


def test_as_linear_operator_serves_scipy(rng):
    """Columns, blocks, transpose and CG of scipy see the same symmetric operator."""
    from scipy.sparse.linalg import cg

    operator = random_operator((6, 5), (False, True), rng)
    linear, dense = operator.as_linear_operator(), operator.to_csr().toarray()
    block = rng.standard_normal((30, 3))
    for got, wanted in ((linear @ block, dense @ block), (linear.T @ block[:, 0], dense.T @ block[:, 0])):
        np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-13)
    x, info = cg(linear, dense @ block[:, 0], rtol=1e-12)
    assert info == 0
    np.testing.assert_allclose(x, block[:, 0], atol=1e-9)
    assert linear.shape == (30, 30)
    single = operator.astype(np.float32).as_linear_operator()
    assert single.dtype == np.float32
