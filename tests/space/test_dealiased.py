"""The modes that products leave exact: against literal convolutions, against Fourier, and against aliases that must show."""

import itertools

import numpy as np
import pytest
import torch

from pdekit.errors import BadInput
from pdekit.space.dealiased import Dealiased
from pdekit.space.fourier import Fourier
from pdekit.space.grid import Grid

SIZES = [(16,), (15,), (12, 10), (9, 14), (8, 9, 10)]


def field(space, seed=0, lead=(2,)):
    """Coefficients of a real field that fills the kept modes."""
    u = np.random.default_rng(seed).standard_normal((*lead, *space.points))
    return space.forward(u)


def place(n, space):
    """Where the mode n of these signs stands: 0..K, -K..-1 on all axes but the last."""
    return (*(m % (2 * k + 1) for m, k in zip(n[:-1], space.kept[:-1], strict=True)), n[-1])


def literal(space, *factors):
    """Coefficients of the product of fields by the sum over modes that add up: no transform, no grid."""
    wide = []
    for v in factors:  # {n: coefficient}, both signs of the last axis
        table = {}
        for n in itertools.product(*(range(-k, k + 1) for k in space.kept)):
            if n[-1] >= 0:
                table[n] = v[place(n, space)]
        wide.append({**{tuple(-m for m in n): np.conj(c) for n, c in table.items()}, **table})
    total = wide[0]
    for other in wide[1:]:
        product = {}
        for (n, a), (m, b) in itertools.product(total.items(), other.items()):
            key = tuple(i + j for i, j in zip(n, m, strict=True))
            product[key] = product.get(key, 0) + a * b
        total = product
    out = np.zeros(space.shape, complex)
    for n in itertools.product(*(range(-k, k + 1) for k in space.kept[:-1]), range(space.kept[-1] + 1)):
        out[place(n, space)] = total.get(n, 0)
    return out


@pytest.mark.parametrize(
    ("points", "degree"), [((12,), 2), ((15,), 2), ((12,), 3), ((16,), 3), ((9, 12), 2), ((8, 9), 3)]
)
def test_products_on_the_points_are_exact(points, degree):
    space = Dealiased(points, (1.0,) * len(points), degree)
    factors = [field(space, seed, lead=()) for seed in range(degree)]
    exact = literal(space, *factors)
    found = space.forward(np.prod([space.backward(v) for v in factors], axis=0))
    assert np.abs(found - exact).max() < 1e-14 * max(1, np.abs(exact).max())


@pytest.mark.parametrize("points", [(12,), (9, 12)])
def test_one_mode_more_is_aliased(points):
    """N divisible by 3: with |n| = N/3 kept the product is wrong, so that a cut of one mode too many is seen."""
    space = Dealiased(points, (1.0,) * len(points), 2)
    wider = Dealiased(points, (1.0,) * len(points), 1)
    v = field(wider, lead=())
    exact = literal(wider, v, v)
    aliased = wider.forward(wider.backward(v) ** 2)
    assert np.abs(aliased - exact).max() > 1e-2 * np.abs(exact).max(), "dealias = false must not pass this test"
    assert space.kept == tuple(-(-n // 3) - 1 for n in points)
    assert all(3 * k < n <= 3 * (k + 1) for k, n in zip(space.kept, points, strict=True))


@pytest.mark.parametrize("points", SIZES)
@pytest.mark.parametrize("degree", [1, 2, 3])
def test_round_trip_keeps_the_coefficients_and_leaves_its_argument_alone(points, degree):
    space = Dealiased(points, (2.0,) * len(points), degree)
    v = field(space)
    before = v.copy()
    u = space.backward(v)
    assert np.array_equal(v, before), "a state is transformed again and again"
    assert np.abs(space.forward(u) - v).max() < 1e-15
    kept = u.copy()
    space.forward(u)
    assert np.array_equal(u, kept)
    fourier = Fourier(points, (2.0,) * len(points))
    full = fourier.forward(u) / np.prod(points)
    assert np.abs(np.sort(np.abs(full), axis=None)[-v.size :] - np.sort(np.abs(v), axis=None)).max() < 1e-15
    assert not np.any(np.abs(full)[~fourier.mask(degree)[None].repeat(2, 0)] > 1e-15)


@pytest.mark.parametrize("points", SIZES)
def test_derivatives_are_those_of_the_series(points):
    length = (2.0, 3.0, 5.0)[: len(points)]
    space = Dealiased(points, length, 2)
    x = np.meshgrid(*(ell * np.arange(n) / n for n, ell in zip(points, length, strict=True)), indexing="ij")
    k = [2 * np.pi * min(2, K) / ell for K, ell in zip(space.kept, length, strict=True)]
    phase = sum(a * s for a, s in zip(k, x, strict=True))
    v = space.forward(np.sin(phase))
    for axis in range(space.dim):
        assert np.abs(space.backward(space.derivative(axis) * v) - k[axis] * np.cos(phase)).max() < 1e-12
        assert np.abs(space.backward(space.derivative(axis, 2) * v) + k[axis] ** 2 * np.sin(phase)).max() < 1e-11
    square = sum(a * a for a in k)
    assert np.abs(space.backward(space.laplacian() * v) + square * np.sin(phase)).max() < 1e-11
    assert np.abs(space.backward(space.inverse_laplacian() * v) + np.sin(phase) / square).max() < 1e-14
    assert space.derivative(0, like=torch.zeros(1, dtype=torch.complex128)).dtype == torch.complex128


@pytest.mark.parametrize("points", SIZES)
@pytest.mark.parametrize("degree", [1, 2])
def test_means_are_those_of_the_values(points, degree):
    """Parseval with the weight 2 of all modes but n = 0: there is no Nyquist mode here."""
    space = Dealiased(points, (1.0,) * len(points), degree)
    v, w = field(space, 0), field(space, 1)
    u, z = space.backward(v), space.backward(w)
    axes = tuple(range(1, u.ndim))
    assert np.allclose(space.mean(v), u.mean(axes), rtol=0, atol=1e-15)
    assert np.allclose(space.inner(v, w), (u * z).mean(axes), rtol=0, atol=1e-14)
    assert np.allclose(space.mean_square(v), (u * u).mean(axes), rtol=1e-14)


@pytest.mark.parametrize(("points", "finer"), [((12,), (20,)), ((9, 12), (16, 13)), ((8, 9, 10), (9, 12, 16))])
def test_refining_is_padding_with_no_factor(points, finer):
    length = (2.0,) * len(points)
    space, other = Dealiased(points, length, 2), Dealiased(finer, length, 2)
    v = field(space)
    moved = space.move(v, other)
    assert moved.shape == (2, *other.shape)
    assert np.abs(other.backward(moved) - space.values(v, finer)).max() < 1e-14
    assert np.abs(other.move(moved, space) - v).max() < 1e-15
    assert np.abs(other.values(moved, points) - space.backward(v)).max() < 1e-14


def test_fewer_points_show_the_modes_that_they_can_hold():
    space = Dealiased((24, 30), (1.0, 1.0), 2)
    v = field(space)
    u = space.values(v, (8, 10))
    few = Dealiased((8, 10), (1.0, 1.0), 1)
    assert np.abs(few.forward(u) - space.move(v, few)).max() < 1e-15
    assert np.abs(u - space.backward(v)[..., ::3, ::3]).max() > 0.1, "a subsample would hold aliases"


@pytest.mark.parametrize("points", SIZES)
@pytest.mark.parametrize("degree", [1, 2])
def test_torch_and_numpy_agree(points, degree):
    space = Dealiased(points, (1.0,) * len(points), degree)
    u = np.random.default_rng(0).standard_normal((3, *points))
    v = space.forward(u)
    same = space.forward(torch.asarray(u))
    assert np.abs(np.asarray(same) - v).max() < 1e-15
    assert np.abs(np.asarray(space.backward(same)) - space.backward(v)).max() < 1e-14
    finer = tuple(n + 5 for n in points)
    assert np.abs(np.asarray(space.values(same, finer)) - space.values(v, finer)).max() < 1e-14
    assert np.abs(np.asarray(space.inner(same, same)) - space.inner(v, v)).max() < 1e-14


def test_what_cannot_be_used_is_refused():
    with pytest.raises(BadInput, match=r"(?s)too coarse for these products.*allowed: at least 5 points per axis"):
        Dealiased((4,), (1.0,), 3)
    Dealiased((5,), (1.0,), 3)
    with pytest.raises(BadInput, match=r"(?s)no values on \(8,\) points.*found: shape \(2, 9\)"):
        Dealiased((8,), (1.0,)).forward(np.zeros((2, 9)))
    with pytest.raises(BadInput, match="half a spacing off"):
        Dealiased.of(Grid.make((8,), 1.0, location="cell", boundary="periodic"))
