"""Many right-hand sides at once: the batch against single solves and dense matrices, NumPy against torch, lifts of faces."""

import numpy as np
import pytest

from pdekit.linear.spectral_basis import basis
from pdekit.linear.spectral_galerkin import Galerkin, banded
from pdekit.space import legendre
from pdekit.space.series import along_axes

HELD, FREE, MIXED = ("dirichlet", "dirichlet"), ("neumann", "neumann"), ("dirichlet", "neumann")
BOXES = {1: (MIXED,), 2: (HELD, MIXED), 3: (FREE, HELD, MIXED)}


def system(dim, degrees=(7, 9, 6)):
    return Galerkin(tuple(basis(degrees[k], 1.0 + 0.3 * k, kinds) for k, kinds in enumerate(BOXES[dim])))


def dense(g, c):
    """(K, K) (grad phi_i, grad phi_j) + c (phi_i, phi_j), by products of one-dimensional integrals of coefficients."""
    pairs = []
    for b in g.bases:
        slope = legendre.derivative(b.phi, 1, 0.0, b.length, axis=0)
        w = b.squares[:, None]
        pairs.append((b.phi.T @ (w * b.phi), slope.T @ (w * slope)))
    out = 0.0
    for axis in range(len(pairs) + 1):
        part = np.ones((1, 1))
        for k, (mass, stiff) in enumerate(pairs):
            part = np.kron(part, stiff if k == axis else mass)
        out = out + (part if axis < len(pairs) else c * part)
    return out


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_solve_and_product_are_those_of_the_dense_matrix_with_a_c_for_each_sample(dim):
    g, rng = system(dim), np.random.default_rng(0)
    c = np.array([0.0, 3.0, -2.0]).reshape(-1, *(1,) * dim)
    b = rng.standard_normal((3, *(basis.degree - 1 for basis in g.bases)))
    x = g.solve(b, c)
    for k in range(3):
        matrix = dense(g, float(c[k].item()))
        np.testing.assert_allclose(matrix @ x[k].ravel(), b[k].ravel(), rtol=0, atol=1e-10)
        np.testing.assert_allclose(g.product(b, c)[k].ravel(), matrix @ b[k].ravel(), rtol=0, atol=1e-12)
        np.testing.assert_allclose(g.solve(b[k], c[k]), x[k], rtol=0, atol=1e-12 * np.abs(x[k]).max())


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_torch_tensors_are_answered_by_the_same_numbers(dim):
    torch = pytest.importorskip("torch")
    g, rng = system(dim), np.random.default_rng(1)
    f = rng.standard_normal((2, *(b.degree + 1 for b in g.bases)))
    known = [rng.standard_normal((2, 2, *(b.degree + 1 for k, b in enumerate(g.bases) if k != j))) for j in range(dim)]

    def answer(f, known):
        lifted, defect = g.lift(known)
        b = g.tested(f - g.operator(lifted, 2.0))
        x = g.solve(b, 2.0)
        return g.series(x) + lifted, g.product(x, 2.0) - b, defect

    wanted = answer(f, known)
    got = answer(torch.from_numpy(f), [torch.from_numpy(v) for v in known])
    for one, other in zip(got, wanted, strict=True):
        assert isinstance(one, torch.Tensor)
        np.testing.assert_allclose(one.numpy(), other, rtol=0, atol=1e-11 * max(np.abs(other).max(), 1.0))


def test_gradients_flow_through_a_solve_on_torch():
    """(phi, f) -> x is symmetric: the gradient of <x, y> by b is A^-1 y."""
    torch = pytest.importorskip("torch")
    g, rng = system(2), np.random.default_rng(2)
    b, y = (torch.from_numpy(rng.standard_normal((1, 6, 8))) for _ in range(2))
    b.requires_grad_(True)
    (g.solve(b, 1.5) * y).sum().backward()
    np.testing.assert_allclose(b.grad.numpy(), g.solve(y, 1.5).numpy(), rtol=0, atol=1e-12)


def test_where_nothing_holds_the_level_the_constant_is_left_out():
    g = Galerkin((basis(6, 1.0, FREE), basis(5, 2.0, FREE)))
    assert g.floats
    b = np.random.default_rng(3).standard_normal((2, 5, 4))
    x = g.solve(b, np.array([0.0, 1.0]).reshape(2, 1, 1))
    left = b - g.product(x, np.array([0.0, 1.0]).reshape(2, 1, 1))
    assert x[0, 0, 0] == 0.0
    assert left[0, 0, 0] == b[0, 0, 0]
    left[0, 0, 0] = 0.0
    assert np.abs(left).max() < 1e-12
    assert g.nearest(0.0) == pytest.approx((np.pi / 2) ** 2, rel=1e-3)
    assert g.nearest(1.0) == pytest.approx(1.0)


def test_lifts_of_a_batch_have_the_faces_and_tell_where_corners_disagree():
    g = Galerkin((basis(4, 1.0, HELD), basis(5, 1.0, HELD)))
    agreed = np.zeros((2, 5, 6))
    agreed[:, 0, 0] = agreed[:, 1, 1] = 1.0
    agreed[1] *= 3.0
    known = [np.stack([g.bases[0].ends @ u for u in agreed]), np.stack([g.bases[1].ends @ u.T for u in agreed])]
    u, defect = g.lift(known)
    np.testing.assert_allclose(u, agreed, rtol=0, atol=1e-14)
    assert np.all(defect < 1e-14)
    known[0][1, 0, 0] += 5.0
    assert g.lift(known)[1].tolist() == [pytest.approx(0.0, abs=1e-14), pytest.approx(5 / 8)]


@pytest.mark.parametrize("size", [1, 2, 3, 6])
def test_banded_is_the_symmetric_matrix_of_its_diagonals(size):
    rng = np.random.default_rng(4)
    bands = np.stack([np.pad(rng.standard_normal(max(size - k, 0)), (0, min(k, size))) for k in range(3)])
    matrix = np.diag(bands[0])
    for k in (1, 2):
        if size > k:
            matrix += np.diag(bands[k][:-k], k) + np.diag(bands[k][:-k], -k)
    x = rng.standard_normal((2, size, 3))
    np.testing.assert_allclose(banded(bands, x, -2), np.einsum("ij,bjk->bik", matrix, x), rtol=0, atol=1e-13)


def test_along_axes_is_one_matrix_per_axis():
    rng = np.random.default_rng(5)
    a, b, u = rng.standard_normal((3, 4)), rng.standard_normal((2, 5)), rng.standard_normal((7, 4, 5))
    np.testing.assert_allclose(along_axes([a, b], u), np.einsum("ij,kl,njl->nik", a, b, u), rtol=0, atol=1e-13)
