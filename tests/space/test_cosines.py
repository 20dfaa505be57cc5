"""Sine and cosine transforms by FFT (torch) against scipy's, by their sums, with gradients; inverses."""

import numpy as np
import pytest
import scipy.fft

from pdekit.space.cosines import INVERSE, inverse, transformed

CASES = [(name, kind) for name in ("dct", "dst") for kind in INVERSE]


def matrix(name, kind, n):
    return transformed(np.eye(n), name, kind, axis=0)


@pytest.mark.parametrize("n", [2, 3, 8, 13])
@pytest.mark.parametrize(("name", "kind"), CASES)
def test_torch_is_scipy_along_any_axis(name, kind, n):
    torch = pytest.importorskip("torch")
    u = np.random.default_rng(n).standard_normal((2, n, 3))
    wanted = getattr(scipy.fft, name)(u, kind, axis=1)
    got = transformed(torch.from_numpy(u), name, kind, axis=1)
    np.testing.assert_allclose(got.numpy(), wanted, rtol=0, atol=1e-13 * n)
    np.testing.assert_array_equal(transformed(u, name, kind, axis=1), wanted)


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_inverse_undoes_and_float32_stays(name, kind):
    torch = pytest.importorskip("torch")
    u = np.random.default_rng(1).standard_normal((3, 9))
    np.testing.assert_allclose(inverse(transformed(u, name, kind), name, kind), u, rtol=0, atol=1e-14)
    v = torch.from_numpy(u.astype("float32"))
    back = inverse(transformed(v, name, kind), name, kind)
    assert back.dtype == torch.float32
    np.testing.assert_allclose(back.numpy(), u, rtol=0, atol=2e-6)


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_the_gradient_is_the_transpose(name, kind):
    torch = pytest.importorskip("torch")
    u = torch.zeros(7, dtype=torch.float64, requires_grad=True)
    y = torch.arange(7.0, dtype=torch.float64)
    (transformed(u, name, kind) * y).sum().backward()
    np.testing.assert_allclose(u.grad.numpy(), matrix(name, kind, 7).T @ y.numpy(), rtol=0, atol=1e-12)
