"""The pruned layer against the sum it stands for, written out with dense Fourier matrices, and against the library."""

import itertools

import numpy as np
import pytest
import torch

from pdekit.models import fno
from pdekit.models.pointwise import Pointwise, use_pointwise
from pdekit.models.spectral import pruned_layer, spectral_product

fno._library()
from neuralop.layers.spectral_convolution import SpectralConv  # noqa: E402 - filters put back by _library

CASES = [  # (modes, points): plain, clipped by the grid, odd, one to three dimensions
    ((16, 16), (32, 32)),
    ((16, 16), (16, 16)),
    ((7, 7), (16, 20)),
    ((24, 24), (16, 12)),
    ((17,), (64,)),
    ((16,), (9,)),
    ((12, 12), (32, 33)),
    ((6, 5, 8), (8, 6, 10)),
    ((8, 8, 8), (6, 4, 5)),
]
TUCKER = {"factorization": "Tucker", "rank": 0.3, "implementation": "factorized"}


def relative(a, b):
    return float((a - b).abs().detach().norm() / b.abs().detach().norm())


def literal(u, weight):
    """The sum over frequencies in complex128, one at a time; the real part as the inverse real transform takes it."""
    u, weight = u.double().numpy(), weight.to(torch.complex128).numpy()
    points, sizes = u.shape[2:], weight.shape[2:]
    axes = tuple(range(2, u.ndim))
    x = np.meshgrid(*(np.arange(n) / n for n in points), indexing="ij")
    kept = [min(m, n) for m, n in zip(sizes, (*points[:-1], points[-1] // 2 + 1), strict=True)]
    ranges = [range(-(k // 2), k - k // 2) for k in kept[:-1]] + [range(kept[-1])]
    y = np.zeros((len(u), weight.shape[1], *points))
    for k in itertools.product(*ranges):
        phase = 2 * np.pi * sum(ki * xi for ki, xi in zip(k, x, strict=True))
        u_k = (u * np.exp(-1j * phase)).mean(axis=axes)
        cut = [(m - n) // 2 for m, n in zip(sizes[:-1], kept[:-1], strict=True)]
        index = [ki + n // 2 + c for ki, n, c in zip(k[:-1], kept[:-1], cut, strict=True)]
        r_k = weight[(slice(None), slice(None), *index, k[-1])]
        alone = k[-1] == 0 or 2 * k[-1] == points[-1]  # else its conjugate is a mode of its own
        y += (1 if alone else 2) * np.real((u_k @ r_k)[(..., *[None] * len(points))] * np.exp(1j * phase))
    return torch.from_numpy(y)


@pytest.mark.parametrize(("modes", "points"), [*CASES, ((8, 6), (9, 7)), ((5, 4, 4), (7, 5, 6))])
def test_it_is_the_sum_over_the_kept_modes_on_even_and_odd_grids(modes, points):
    torch.manual_seed(0)
    layer = pruned_layer()(3, 2, modes, bias=False)
    u = torch.randn(2, 3, *points)
    assert relative(layer(u), literal(u, layer.weight.to_tensor().detach())) < 2e-6


@pytest.mark.parametrize("kind", [{}, TUCKER], ids=["dense", "tucker"])
@pytest.mark.parametrize(("modes", "points"), CASES)
def test_values_and_gradients_are_those_of_the_library(modes, points, kind):
    torch.manual_seed(0)
    theirs, ours = SpectralConv(3, 4, modes, **kind), pruned_layer()(3, 4, modes, **kind)
    ours.load_state_dict(theirs.state_dict())
    assert [n for n, _ in ours.named_parameters()] == [n for n, _ in theirs.named_parameters()]
    u, weight = torch.randn(2, 3, *points, requires_grad=True), torch.randn(2, 4, *points)
    results = [[f(u), *torch.autograd.grad((f(u) * weight).sum(), [u, *f.parameters()])] for f in (ours, theirs)]
    for one, other in zip(*results, strict=True):
        assert relative(one, other) < 5e-6


def test_gradients_by_differences_in_double_precision():
    """Independent of the library: the backward pass of the product is the derivative of the forward pass."""
    torch.manual_seed(0)
    u = torch.randn(2, 2, 6, 5, requires_grad=True)
    weight = torch.randn(2, 3, 4, 3, dtype=torch.complex64, requires_grad=True)
    target = torch.randn(2, 3, 6, 5)
    (spectral_product(u, weight) * target).sum().backward()
    du, dw = torch.randn_like(u), torch.randn_like(weight)
    by_sum = (literal(du.detach(), weight.detach()) * target).sum() + (literal(u.detach(), dw.detach()) * target).sum()
    by_gradient = (u.grad * du).sum() + (weight.grad.conj() * dw).real.sum()
    assert float(by_gradient) == pytest.approx(float(by_sum), rel=1e-5)


def test_another_output_shape_is_refused():
    with pytest.raises(ValueError, match="answers on the points of its input"):
        pruned_layer()(1, 1, (4, 4))(torch.randn(1, 1, 8, 8), output_shape=(16, 16))


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("c_in", "c_out"), [(3, 64), (32, 32), (64, 1)])
def test_pointwise_is_the_convolution_of_width_one(c_in, c_out, bias):
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Conv1d(c_in, c_out, 1, bias=bias))
    u = torch.randn(4, c_in, 50, requires_grad=True)
    results = []
    for _ in range(2):
        y = network(u)
        results.append([y, *torch.autograd.grad(y.square().sum(), [u, *network.parameters()])])
        names = list(network.state_dict())
        use_pointwise(network)
    assert isinstance(network[0], Pointwise)
    assert list(network.state_dict()) == names
    for one, other in zip(*results, strict=True):
        assert relative(one, other) < 2e-6


def test_other_convolutions_are_left_alone():
    network = torch.nn.Sequential(
        torch.nn.Conv1d(2, 2, 3), torch.nn.Conv1d(4, 4, 1, groups=2), torch.nn.Conv2d(2, 2, 1)
    )
    use_pointwise(network)
    assert not any(isinstance(m, Pointwise) for m in network.modules())
