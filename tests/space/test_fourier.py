"""The Fourier layer against functions whose derivatives are known, and its NumPy against its torch."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pdekit.errors import BadInput
from pdekit.space.fourier import Fourier
from pdekit.space.grid import Grid

NAMESPACES = {"numpy": np.asarray, "torch": torch.from_numpy}
SIZES = [(32,), (33,), (32, 27), (27, 32), (32, 30), (27, 32, 30), (32, 30, 27)]
SMALL = [(8,), (9,), (2,), (8, 7), (7, 8), (6, 4), (5, 6, 4), (4, 5, 7)]


@pytest.fixture(params=NAMESPACES)
def array(request):
    """What turns a NumPy array into one of the namespace under test."""
    return NAMESPACES[request.param]


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def anything(test):
    """1 to 3 axes, odd and even, and a seed."""
    sizes = st.lists(st.integers(2, 9), min_size=1, max_size=3).map(tuple)
    return given(points=sizes, seed=st.integers(0, 2**32 - 1))(test)


def field(points, seed):
    """A layer and two fields of random values on it."""
    fourier = Fourier.make(points, tuple(0.5 + axis for axis in range(len(points))))
    return fourier, np.random.default_rng(seed).standard_normal((2, *points))


def lengths(points):
    return tuple(2 * np.pi * (1 + axis) for axis in range(len(points)))


def wave(fourier):
    """exp(sum of sin k_0 x) on the points, with cos and sin of k_0 x and k_0 = 2 pi/L of each axis."""
    grid = Grid.make(fourier.points, fourier.length, location="vertex")
    k0 = [2 * np.pi / ell for ell in fourier.length]
    phases = [k * x for k, x in zip(k0, grid.mesh, strict=True)]
    return np.exp(sum(np.sin(p) for p in phases)), [np.cos(p) for p in phases], [np.sin(p) for p in phases], k0


def filled(fourier, rng):
    """Complex noise on all coefficients: no real field has them."""
    return rng.standard_normal(fourier.half) + 1j * rng.standard_normal(fourier.half)


@pytest.mark.parametrize("points", SMALL + SIZES)
def test_round_trip(points, array, rng):
    fourier = Fourier.make(points)
    u = rng.standard_normal((2, 3, *points))
    back = fourier.backward(fourier.forward(array(u)))
    assert np.abs(np.asarray(back) - u).max() < 1e-14
    assert tuple(fourier.forward(array(u)).shape) == (2, 3, *fourier.half)


@pytest.mark.parametrize("points", SIZES)
def test_derivatives_of_exp_sin(points, array):
    fourier = Fourier.make(points, lengths(points))
    u, cos, sin, k0 = wave(fourier)
    v = fourier.forward(array(u))
    laplace = 0.0
    for axis in range(fourier.dim):
        first, second = k0[axis] * cos[axis] * u, k0[axis] ** 2 * (cos[axis] ** 2 - sin[axis]) * u
        scale = np.abs(u).max()
        got = [np.asarray(fourier.backward(v * fourier.derivative(axis, m, like=v))) for m in (0, 1, 2)]
        assert np.abs(got[0] - u).max() < 1e-13 * scale
        assert np.abs(got[1] - first).max() < 1e-12 * scale
        assert np.abs(got[2] - second).max() < 1e-11 * scale
        laplace = laplace + second
    got = np.asarray(fourier.backward(v * fourier.laplacian(like=v)))
    assert np.abs(got - laplace).max() < 1e-11 * np.abs(laplace).max()


@pytest.mark.parametrize("points", [p for p in SIZES if len(p) > 1])
def test_mixed_derivatives_are_products(points):
    fourier = Fourier.make(points, lengths(points))
    u, cos, _, k0 = wave(fourier)
    for a, b in itertools.combinations(range(fourier.dim), 2):
        multiplier = fourier.derivative(a) * fourier.derivative(b)
        exact = k0[a] * k0[b] * cos[a] * cos[b] * u
        assert np.abs(fourier.backward(fourier.forward(u) * multiplier) - exact).max() < 1e-12 * np.abs(u).max()


@pytest.mark.parametrize("order", range(7))
def test_derivatives_of_one_wave(order):
    """sin(2x) again and again: signs of i^m."""
    fourier = Fourier.make(16)
    x = np.arange(16) * 2 * np.pi / 16
    got = fourier.backward(fourier.forward(np.sin(2 * x)) * fourier.derivative(0, order))
    assert (
        np.abs(got - 2**order * np.sin(2 * x + order * np.pi / 2)).max() < 1e-15 * 8**order
    )  # rounding, as the highest mode has it


@pytest.mark.parametrize("points", [(8,), (8, 5), (5, 8), (8, 6), (4, 6, 8)])
def test_nyquist(points, array):
    """Along each even axis cos(N x/2) has no first or third derivative on its points, and -(N/2)^2 of itself as its second."""
    fourier = Fourier.make(points, lengths(points))
    for axis, n in enumerate(points):
        if n % 2:
            continue
        shape = [-1 if a == axis else 1 for a in range(len(points))]
        u = np.broadcast_to(((-1.0) ** np.arange(n)).reshape(shape), points).copy()
        v = fourier.forward(array(u))
        top = np.pi * n / fourier.length[axis]
        for odd in (1, 3):
            slope = np.asarray(v * fourier.derivative(axis, odd, like=v))  # as coefficients: `backward` would hide it
            assert np.abs(slope).max() < 1e-14 * u.size * top**odd
        second = np.asarray(fourier.backward(v * fourier.derivative(axis, 2, like=v)))
        assert np.abs(second + top**2 * u).max() < 1e-12 * top**2
        laplace = np.asarray(fourier.backward(v * fourier.laplacian(like=v)))
        assert np.abs(laplace + top**2 * u).max() < 1e-12 * top**2


def test_a_mixed_derivative_drops_the_plane_of_each_odd_axis(rng):
    fourier = Fourier.make((6, 8))
    mixed = np.broadcast_to(fourier.derivative(0) * fourier.derivative(1), fourier.half)
    assert np.all(mixed[3] == 0)
    assert np.all(mixed[:, 4] == 0)
    partly = np.broadcast_to(fourier.derivative(0) * fourier.derivative(1, 2), fourier.half)
    assert np.all(partly[3] == 0)
    assert np.all(partly[1, 1:] != 0)


@pytest.mark.parametrize("points", SMALL)
def test_derivatives_of_real_fields_stay_real(points, rng):
    fourier = Fourier.make(points, lengths(points))
    v = fourier.forward(rng.standard_normal(points))
    for axis in range(fourier.dim):
        for order in (1, 2, 3):
            w = v * fourier.derivative(axis, order)
            assert np.abs(fourier.real(w) - w).max() <= 1e-12 * max(1.0, np.abs(w).max())


@anything
def test_parseval(points, seed):
    fourier, u = field(points, seed)
    got = fourier.mean_square(fourier.forward(u))
    assert np.allclose(got, (u**2).mean(axis=fourier.axes), rtol=1e-13, atol=0)


@anything
def test_inner_product(points, seed):
    fourier, u = field(points, seed)
    v = fourier.forward(u)
    got = fourier.inner(v[0], v[1])
    assert abs(got - (u[0] * u[1]).mean()) < 1e-14


@anything
def test_transforms_are_linear_and_take_batches_one_by_one(points, seed):
    fourier, u = field(points, seed)
    v = fourier.forward(u)
    assert np.allclose(fourier.forward(2 * u[0] - 3 * u[1]), 2 * v[0] - 3 * v[1], rtol=0, atol=1e-11)
    assert np.allclose(fourier.backward(v)[1], fourier.backward(v[1]), rtol=0, atol=1e-14)


@pytest.mark.parametrize("points", SMALL)
def test_real_is_what_a_real_field_keeps(points, array, rng):
    """After a random fill the round trip returns `real` of it, twice is once, and both namespaces agree from then on."""
    fourier = Fourier.make(points)
    v = filled(fourier, rng)
    w = fourier.real(array(v))
    assert np.abs(np.asarray(fourier.real(w) - w)).max() < 1e-15
    assert np.abs(np.asarray(fourier.forward(fourier.backward(w)) - w)).max() < 1e-13
    assert np.abs(np.asarray(fourier.backward(w)) - fourier.backward(v)).max() < 1e-14
    held = [(-np.arange(n)) % n for n in points[:-1]]
    for plane in {0, points[-1] // 2} if points[-1] % 2 == 0 else {0}:
        values = np.asarray(w)[..., plane]
        assert np.allclose(values[np.ix_(*held)] if held else values, values.conj(), rtol=0, atol=1e-15)


@pytest.mark.parametrize("points", SMALL + SIZES)
def test_inverse_laplacian(points, array, rng):
    fourier = Fourier.make(points, lengths(points))
    u = rng.standard_normal(points)
    u -= u.mean()
    v = fourier.forward(array(u))
    f = v * fourier.laplacian(like=v)
    assert np.abs(np.asarray(fourier.backward(fourier.invert_laplacian(f, mean="remove"))) - u).max() < 1e-12


def test_the_mean_is_refused_or_removed(array):
    fourier = Fourier.make((8, 6))
    f = array(np.ones((2, 8, 6)) + np.cos(np.arange(6) * 2 * np.pi / 6))
    with pytest.raises(BadInput, match=r"f has a mean\.\n  found: \|mean of f\| up to 1\n  next: subtract the mean"):
        fourier.invert_laplacian(fourier.forward(f))
    u = fourier.backward(fourier.invert_laplacian(fourier.forward(f), mean="remove"))
    assert np.abs(np.asarray(u) + np.cos(np.arange(6) * 2 * np.pi / 6)).max() < 1e-14
    with pytest.raises(BadInput, match='"refuse", "remove"'):
        fourier.invert_laplacian(fourier.forward(f), mean="drop")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_rounding_of_a_mean_is_not_refused(dtype, rng):
    fourier = Fourier.make((64, 48))
    f = rng.standard_normal((64, 48)).astype(dtype)
    fourier.invert_laplacian(fourier.forward(f - f.mean()))
    with pytest.raises(BadInput, match="f has a mean"):
        fourier.invert_laplacian(fourier.forward(f - f.mean() + dtype(1e-3)))


@pytest.mark.parametrize("c", [0.7, 3.0, -0.5, -7.3])
def test_shifted_inverse(c, array, rng):
    fourier = Fourier.make((8, 9))
    u = rng.standard_normal((8, 9))
    v = fourier.forward(array(u))
    f = c * v - v * fourier.laplacian(like=v)
    assert np.abs(np.asarray(fourier.backward(fourier.invert_shifted(f, c))) - u).max() < 1e-12


@pytest.mark.parametrize("c", [0.0, -1.0, -5.0 * (1 + 1e-14)])
def test_resonance_is_refused(c):
    fourier = Fourier.make((8, 9))
    v = fourier.forward(np.ones((8, 9)))
    with pytest.raises(BadInput, match="singular: -c is"):
        fourier.invert_shifted(v, c)


def test_resonance_is_the_distance_to_the_next_mode():
    fourier = Fourier.make((8, 9))
    assert fourier.resonance(-5.25) == pytest.approx(0.25)
    assert fourier.resonance(2.0) == pytest.approx(2.0)


@pytest.mark.parametrize("points", SMALL)
def test_torch_agrees(points, rng):
    """Every table and every act, to 1e-12, in torch's own types."""
    fourier = Fourier.make(points, lengths(points))
    v = fourier.forward(rng.standard_normal((3, *points)))
    t = torch.from_numpy(v)
    acts = {
        "squared": lambda w: fourier.squared(like=w),
        "laplacian": lambda w: fourier.laplacian(like=w),
        "first": lambda w: fourier.derivative(0, 1, like=w),
        "second": lambda w: fourier.derivative(-1, 2, like=w),
        "weights": lambda w: fourier.weights(like=w),
        "mask": lambda w: fourier.mask(like=w),
        "backward": fourier.backward,
        "mean_square": fourier.mean_square,
        "real": fourier.real,
        "truncate": lambda w: fourier.product(w, w),
        "pad": lambda w: fourier.product(w, w, w, rule="pad"),
        "shifted": lambda w: fourier.invert_shifted(w, 1.5),
        "grown": lambda w: fourier.resample(w, [n + 3 for n in points]),
        "values": lambda w: fourier.values(w, [max(2, n - 1) for n in points]),
    }
    for name, act in acts.items():
        mine, theirs = act(v), act(t)
        assert isinstance(mine, np.ndarray), name
        assert isinstance(theirs, torch.Tensor), name
        assert np.abs(np.asarray(theirs) * 1.0 - mine * 1.0).max() <= 1e-12 * max(1.0, np.abs(mine).max()), name


def test_single_precision_stays_single(array, rng):
    fourier = Fourier.make((8, 9))
    u = array(rng.standard_normal((2, 8, 9)).astype(np.float32))
    v = fourier.forward(u)
    for w in (v * fourier.derivative(0, like=v), v * fourier.laplacian(like=v), fourier.product(v, v, rule="pad"),
              fourier.resample(v, (12, 5)), fourier.invert_shifted(v, 1.0), fourier.real(v)):  # fmt: skip
        assert str(w.dtype).endswith("complex64")
    assert str(fourier.backward(v).dtype).endswith("float32")
    assert str(fourier.mean_square(v).dtype).endswith("float32")
    assert str(fourier.squared(like=u).dtype).endswith("float32")
    exact = fourier.product(*(np.asarray(v).astype(np.complex128),) * 2)
    assert np.abs(np.asarray(fourier.product(v, v)) - exact).max() < 1e-5 * np.abs(exact).max()


def test_tables_are_made_once_and_cannot_be_spoilt():
    fourier = Fourier.make((8, 9))
    assert fourier.squared() is Fourier.make((8, 9)).squared()
    with pytest.raises(ValueError, match="read-only"):
        fourier.squared()[0] = 1.0


def test_gradients_pass_and_tables_of_inference_can_be_trained_on(rng):
    fourier = Fourier.make((4, 6), (1.25, 2.5))  # sizes of this test alone: its tables are born in inference mode
    u = torch.from_numpy(rng.standard_normal((4, 6)))

    def energy(values):
        v = fourier.forward(values)
        slope = fourier.product(v, v * fourier.derivative(0, like=v), rule="pad")
        return fourier.mean_square(slope + fourier.at((7, 9)).resample(fourier.resample(v, (7, 9)), (4, 6)))

    with torch.inference_mode():
        energy(u)
    assert torch.autograd.gradcheck(energy, (u.clone().requires_grad_(),))


def test_of_a_grid():
    grid = Grid.make((8, 6), (1.0, 2.0), location="vertex")
    assert Fourier.of(grid) == Fourier((8, 6), (1.0, 2.0))
    with pytest.raises(BadInput, match=r'half a spacing off\.\n  found: location = \'cell\'\n  allowed: "vertex"'):
        Fourier.of(Grid.make((8, 6)))
    walls = Grid.make((8, 6), location="vertex", boundary={"x_low": "periodic", "x_high": "periodic"})
    with pytest.raises(BadInput, match=r"needs periodic axes, and y is not\.\n  found: boundary 'dirichlet'"):
        Fourier.of(walls)


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda f: f.forward(np.ones((8, 8))), r"no values on \(8, 6\) points\.\n  found: shape \(8, 8\)"),
        (lambda f: f.forward(np.ones((8, 6)) * 1j), r"no values .*\n.*complex128\n  allowed: \(\.\.\., 8, 6\), real"),
        (lambda f: f.backward(np.ones((8, 6)) * 1j), r"no coefficients .*\n.*\n  allowed: \(\.\.\., 8, 4\), complex"),
        (lambda f: f.backward(np.ones((8, 4))), r"no coefficients .*\n  found: shape \(8, 4\), float64"),
        (lambda f: f.forward(np.ones(6)), "no values"),
        (lambda f: f.derivative(2), r"no such axis\.\n  found: 2\n  allowed: 0 to 1"),
        (lambda f: f.derivative(0, -1), "order of a derivative"),
        (lambda f: f.at((8, 6, 4)), "1 to 3 dimensions|do not describe"),
        (lambda f: f.at(1), "an integer >= 2"),
        (lambda f: Fourier.make((8, 6), 0.0), "a number > 0"),
        (lambda f: Fourier((8, 6), (1.0,)), "the same number in both"),
    ],
)
def test_wrong_use(act, message):
    with pytest.raises(BadInput, match=message):
        act(Fourier.make((8, 6)))
