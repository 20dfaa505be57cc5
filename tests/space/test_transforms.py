"""Transforms against their definitions written as dense matrices, and against a sparse direct solve."""

import itertools

import numpy as np
import pytest
import scipy.fft
import scipy.sparse.linalg as spla

from pdekit.errors import BadInput
from pdekit.space import transforms
from pdekit.space.diffusion import control_volumes, diffusion
from pdekit.space.grid import Grid

PAIRS = {
    "periodic": ("periodic", "periodic"),
    "dirichlet": ("dirichlet", "dirichlet"),
    "neumann": ("neumann", "neumann"),
    "dirichlet-neumann": ("dirichlet", "neumann"),
    "neumann-dirichlet": ("neumann", "dirichlet"),
}
LOCATIONS = ("cell", "vertex")


def box(names, location, intervals, length):
    faces = {}
    for axis, name in zip("xyz", names, strict=False):
        faces |= {f"{axis}_low": PAIRS[name][0], f"{axis}_high": PAIRS[name][1]}
    return Grid.make((4,) * len(names), length, location=location, boundary=faces).with_intervals(intervals)


def unknowns(grid):
    return control_volumes(grid).shape


def modes(grid, axis):
    """phi_k(x_j) of one axis as columns, sampled at the unknowns, k as the table of transforms.py says."""
    x, length, n = grid.coordinates[axis][grid.unknown[axis]], grid.length[axis], grid.intervals[axis]
    name = next(k for k, pair in PAIRS.items() if pair == grid.boundary[axis])
    cells = grid.location == "cell"
    if name == "periodic":
        return np.exp(2j * np.pi * np.outer(x, np.fft.fftfreq(n, 1 / n)) / length)
    if name == "dirichlet":
        return np.sin(np.pi * np.outer(x, np.arange(1, n + cells)) / length)
    if name == "neumann":
        return np.cos(np.pi * np.outer(x, np.arange(n + (not cells))) / length)
    half = np.pi * np.outer(x, np.arange(n) + 0.5) / length
    return np.sin(half) if name == "dirichlet-neumann" else np.cos(half)


@pytest.mark.parametrize("location", LOCATIONS)
@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("n", [8, 9])
def test_series_gives_the_coefficients_of_the_modes(name, location, n, rng):
    """u = Phi a, so a = Phi^-1 u: this fixes the factor 2 and the halved ends, whatever the transform leaves in."""
    grid = box((name,), location, (n,), 1.7)
    phi = modes(grid, 0)
    u = rng.standard_normal((3, phi.shape[0]))
    got = transforms.series(u, transforms.transform_of(grid, 0))
    if name == "periodic" and location == "cell":  # the plain FFT takes its points from 0 on
        phi = np.exp(2j * np.pi * np.outer(np.arange(n) / n, np.fft.fftfreq(n, 1 / n)))
    np.testing.assert_allclose(got, np.linalg.solve(phi, u.T.astype(phi.dtype)).T, rtol=0, atol=1e-13)


@pytest.mark.parametrize("location", LOCATIONS)
@pytest.mark.parametrize("name", PAIRS)
def test_series_along_an_inner_axis(name, location, rng):
    kind = transforms.transform_of(box((name,), location, (6,), 1.0), 0)
    u = rng.standard_normal((2, 6, 3))
    inner = np.stack([transforms.series(u[:, :, k], kind) for k in range(3)], axis=-1)
    np.testing.assert_array_equal(transforms.series(u, kind, axis=1), inner)


@pytest.mark.parametrize("location", LOCATIONS)
@pytest.mark.parametrize("name", PAIRS)
def test_modes_are_orthogonal_under_the_control_volumes(name, location):
    grid = box((name,), location, (9,), 1.3)
    phi = modes(grid, 0)
    gram = phi.conj().T @ (control_volumes(grid)[:, None] * phi)
    off = gram - np.diag(np.diag(gram))
    assert np.abs(off).max() < 1e-13 * np.abs(gram).max()


@pytest.mark.parametrize("location", LOCATIONS)
@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("n", [8, 9])
def test_each_mode_is_an_eigenvector_of_the_stencil_with_its_eigenvalue(name, location, n):
    grid = box((name,), location, (n,), 1.3)
    operator, _ = diffusion(grid, 1.0)
    phi = modes(grid, 0)
    if name == "periodic":
        phi = np.concatenate([phi.real[:, : n // 2 + 1]], axis=1)
    values = transforms.eigenvalues(grid)
    assert values.shape == (phi.shape[1],)
    for k, value in enumerate(values):
        left = operator.to_csr() @ phi[:, k] / control_volumes(grid)
        np.testing.assert_allclose(left, value * phi[:, k], rtol=0, atol=1e-11 * max(value, 1.0))


def spectrum(grid):
    """Eigenvalues of -Laplace of the stencil, rows over their control volumes."""
    volumes = control_volumes(grid).ravel()
    matrix = diffusion(grid, 1.0)[0].to_csr().toarray() / np.sqrt(np.outer(volumes, volumes))
    return np.sort(np.linalg.eigvalsh(matrix))


@pytest.mark.parametrize("location", LOCATIONS)
@pytest.mark.parametrize("names", list(itertools.product(["dirichlet", "neumann", "neumann-dirichlet"], repeat=2)))
def test_eigenvalues_in_two_dimensions_are_those_of_the_matrix(names, location):
    grid = box(names, location, (6, 5), (1.0, 1.4))
    values = np.sort(transforms.eigenvalues(grid).ravel())
    np.testing.assert_allclose(values, spectrum(grid), rtol=1e-12, atol=1e-11)


@pytest.mark.parametrize("location", LOCATIONS)
@pytest.mark.parametrize("names", list(itertools.product(PAIRS, repeat=2)))
def test_the_transform_solves_the_five_point_system_exactly(names, location, rng):
    solves(box(names, location, (8, 9), (1.0, 0.7)), rng)


@pytest.mark.parametrize("location", LOCATIONS)
@pytest.mark.parametrize("name", PAIRS)
def test_the_transform_solves_the_three_point_system_exactly(name, location, rng):
    solves(box((name,), location, (31,), 2.0), rng)


@pytest.mark.parametrize("location", LOCATIONS)
@pytest.mark.parametrize("first", PAIRS)
@pytest.mark.parametrize("names", [("periodic", "dirichlet"), ("neumann", "periodic"), ("neumann", "dirichlet")])
def test_the_transform_solves_the_seven_point_system_exactly(first, names, location, rng):
    solves(box((first, *names), location, (5, 6, 7), (1.0, 0.7, 1.2)), rng)


def solves(grid, rng):
    operator, _ = diffusion(grid, 1.0)
    volumes = control_volumes(grid)
    matrix = operator.to_csr().tocsc()
    f = rng.standard_normal(volumes.shape)
    values = transforms.eigenvalues(grid)
    if operator.singular:
        f -= (f * volumes).sum() / volumes.sum()
        matrix[0, 0] += matrix[0, 0]  # fixes the constant; taken out again below
    direct = spla.spsolve(matrix, (f * volumes).ravel()).reshape(f.shape)
    inverse = np.divide(1.0, values, out=np.zeros_like(values), where=values > 1e-12 * values.max())
    fast = transforms.backward(transforms.forward(f, grid) * inverse, grid)
    if operator.singular:
        direct = direct - (direct * volumes).sum() / volumes.sum()
        fast = fast - (fast * volumes).sum() / volumes.sum()
    assert np.abs(fast - direct).max() < 1e-12 * np.abs(direct).max()


@pytest.mark.parametrize("location", LOCATIONS)
@pytest.mark.parametrize("names", [*itertools.product(PAIRS, repeat=2)])
def test_backward_undoes_forward_and_keeps_leading_axes(names, location, rng):
    grid = box(names, location, (8, 7), (1.0, 2.0))
    u = rng.standard_normal((2, *unknowns(grid)))
    back = transforms.backward(transforms.forward(u, grid), grid)
    np.testing.assert_allclose(back, u, rtol=0, atol=1e-14 * 20)
    np.testing.assert_array_equal(transforms.forward(u[1], grid), transforms.forward(u, grid)[1])


@pytest.mark.parametrize("location", LOCATIONS)
@pytest.mark.parametrize("names", [*itertools.product(PAIRS, repeat=2), ("neumann", "periodic", "dirichlet-neumann")])
def test_torch_tensors_are_answered_by_the_same_numbers(names, location, rng):
    """Forward, backward and a whole fast Poisson solve; leading axes; NumPy stays with NumPy."""
    torch = pytest.importorskip("torch")
    grid = box(names, location, (8, 7, 5)[: len(names)], (1.0, 2.0, 0.7)[: len(names)])
    u = rng.standard_normal((2, *unknowns(grid)))
    wanted, got = transforms.forward(u, grid), transforms.forward(torch.from_numpy(u), grid)
    assert isinstance(wanted, np.ndarray)
    np.testing.assert_allclose(got.numpy(), wanted, rtol=0, atol=1e-13 * np.abs(wanted).max())
    shifted = torch.from_numpy(1.0 + transforms.eigenvalues(grid))
    one = transforms.backward(wanted / (1.0 + transforms.eigenvalues(grid)), grid)
    two = transforms.backward(got / shifted, grid)
    np.testing.assert_allclose(two.numpy(), one, rtol=0, atol=1e-14 * 20)
    kind = transforms.transform_of(grid, 0)
    a, b = transforms.series(u, kind, axis=1), transforms.series(torch.from_numpy(u), kind, axis=1)
    np.testing.assert_allclose(b.numpy(), a, rtol=0, atol=1e-13)


def test_one_normalisation_forward_is_unnormalised_as_scipy_backward(rng):
    """A sum over the points: the mode of wavenumber zero of ones is N (FFT), 2N (DCT-II), 2(N) with ends halved (DCT-I)."""
    ones = {
        ("periodic", "cell"): 8,
        ("periodic", "vertex"): 8,
        ("neumann", "cell"): 16,
        ("neumann", "vertex"): 16,
    }
    for (name, location), value in ones.items():
        grid = box((name,), location, (8,), 1.0)
        got = transforms.forward(np.ones(unknowns(grid)), grid)
        assert got[0] == pytest.approx(value, rel=1e-15)
    u = rng.standard_normal((8, 8))
    grid = box(("dirichlet", "periodic"), "cell", (8, 8), (1.0, 1.0))
    wanted = scipy.fft.rfft(scipy.fft.dst(u, 2, axis=0, norm="backward"), axis=1, norm="backward")
    np.testing.assert_allclose(transforms.forward(u, grid), wanted, rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("n", [8, 9])
def test_parseval_weights(n, rng):
    grid = box(("periodic", "periodic"), "vertex", (6, n), (1.0, 1.0))
    u = rng.standard_normal((6, n))
    hat = transforms.forward(u, grid)
    total = (transforms.parseval_weights(grid) * np.abs(hat) ** 2).sum() / u.size**2
    assert total == pytest.approx((u**2).mean(), rel=1e-14)


@pytest.mark.parametrize("location", LOCATIONS)
@pytest.mark.parametrize("name", PAIRS)
def test_continuous_eigenvalues_are_the_limit_of_the_finite_difference_ones(name, location):
    """sin^2 below k^2, and equal to it up to (k h)^2/12: the second order of the stencil, with its constant."""
    grid = box((name,), location, (64,), 1.5)
    discrete, exact = transforms.eigenvalues(grid), transforms.eigenvalues(grid, scheme="continuous")
    low = (exact > 0) & (exact < (0.3 / grid.spacing[0]) ** 2)
    defect = (exact - discrete)[low] / (exact[low] ** 2 * grid.spacing[0] ** 2 / 12)
    assert low.sum() >= 3
    assert np.all((defect > 0.99) & (defect < 1.0 + 1e-9)), defect


def test_the_square_is_spectral_only_under_the_reflection():
    """f = 1 in 1D, DST-I with continuous eigenvalues, N = 64 and 128: 2.0e-5 and 5.1e-6 in L2, algebraic of order 2."""
    errors = []
    for n in (64, 128):
        grid = box(("dirichlet",), "vertex", (n,), 1.0)
        x = grid.coordinates[0][grid.unknown[0]]
        values = transforms.eigenvalues(grid, scheme="continuous")
        u = transforms.backward(transforms.forward(np.ones_like(x), grid) / values, grid)
        errors.append(float(np.sqrt(np.mean((u - x * (1 - x) / 2) ** 2))))
    assert 1.9e-5 < errors[0] < 2.2e-5, errors
    assert 4.9e-6 < errors[1] < 5.4e-6, errors


def test_robin_and_missing_periodic_axes_are_refused():
    grid = Grid.make((8, 8), (1.0, 1.0), boundary={"y_low": "robin"})
    with pytest.raises(
        BadInput, match=r"(?s)axis y has no sine or cosine transform.*'robin', 'dirichlet'.*iterative or"
    ):
        transforms.forward(np.zeros((8, 8)), grid)
    with pytest.raises(BadInput, match="Parseval weights belong to a periodic axis"):
        transforms.parseval_weights(grid)


@pytest.fixture
def rng():
    return np.random.default_rng(3)
