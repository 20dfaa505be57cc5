"""The kernels that square fields of one dimension, against a sum over modes written out and against the library's transforms."""

import numpy as np
import pytest

from pdekit.space import half_length_kernels
from pdekit.space.dealiased import Dealiased


def modes(space, rows, seed=0):
    rng = np.random.default_rng(seed)
    v = rng.normal(size=(rows, 1, *space.shape)) + 1j * rng.normal(size=(rows, 1, *space.shape))
    v[..., 0] = v[..., 0].real
    return v


def literal_square(v, kept):
    """c_m = sum over n of v_n v_(m - n), |n|, |m - n| <= K, of a real field."""
    full = {n: (v[n] if n >= 0 else np.conj(v[-n])) for n in range(-kept, kept + 1)}
    return np.array([sum(full[n] * full[m - n] for n in full if m - n in full) for m in range(kept + 1)])


@pytest.mark.parametrize("n", [4, 8, 16, 32, 64, 128, 256, 512])
@pytest.mark.parametrize("degree", [2, 3])
def test_the_square_of_modes_is_their_convolution(n, degree):
    if n < degree + 2:
        pytest.skip("no modes are left")
    space = Dealiased((n,), (2.5,), degree)
    v = modes(space, 3)
    exact = np.stack([literal_square(row[0], space.kept[0])[None] for row in v])
    assert abs(space.square(v) - exact).max() <= 2e-15 * n**0.5 * abs(exact).max()


@pytest.mark.parametrize("n", [4, 64, 512])
def test_every_mode_below_nyquist_may_be_kept(n):
    space = Dealiased((n,), (2.5,), 1)
    v = modes(space, 3)
    aliased = space.forward(space.backward(v) ** 2)
    assert abs(space.square(v) - aliased).max() <= 1e-14 * abs(aliased).max()


def test_the_kernels_serve_these_sizes_and_no_others(monkeypatch):
    called = []
    original = half_length_kernels.square
    monkeypatch.setattr(half_length_kernels, "square", lambda *args: (called.append(1), original(*args)))
    for n, kernels in ((512, True), (96, False), (1024, False), (101, False)):
        called.clear()
        space = Dealiased((n,), (1.0,), 2)
        v = modes(space, 2)
        np.testing.assert_allclose(space.square(v), space.forward(space.backward(v) ** 2), rtol=0, atol=1e-12)
        assert bool(called) == kernels, n
    called.clear()
    plane = Dealiased((16, 16), (1.0, 1.0), 2)
    plane.square(modes(plane, 1))
    assert not called


def test_tables_of_one_row_and_of_every_row_multiply():
    space = Dealiased((64,), (1.0,), 2)
    v, slope = modes(space, 11), space.derivative(0)
    one = space.square(v, slope)
    np.testing.assert_allclose(one, slope * space.square(v), rtol=1e-14, atol=1e-12)
    strength = np.arange(1.0, 12.0).reshape(11, 1, 1)
    np.testing.assert_allclose(space.square(v, strength * slope), strength * one, rtol=1e-14, atol=1e-12)


@pytest.mark.parametrize("rows", [1, 7, 8, 9, 20])
def test_a_row_does_not_depend_on_its_neighbours_to_the_last_bit(rows):
    space = Dealiased((128,), (1.0,), 2)
    v = modes(space, 20)
    alone = np.concatenate([space.square(v[i : i + 1]) for i in range(20)])
    np.testing.assert_array_equal(space.square(v[:rows]), alone[:rows])
    v[3] = np.nan
    others = [i for i in range(20) if i != 3]
    np.testing.assert_array_equal(space.square(v)[others], alone[others])
    assert np.isnan(space.square(v)[3]).all()


def test_only_the_real_part_of_the_mean_is_read():
    space = Dealiased((32,), (1.0,), 2)
    v = modes(space, 2)
    clean = space.square(v)
    v[..., 0] += 1e-3j
    np.testing.assert_array_equal(space.square(v), clean)
    np.testing.assert_allclose(space.forward(space.backward(v) ** 2), clean, rtol=0, atol=1e-12)


def test_the_caller_keeps_what_it_gave():
    space = Dealiased((64,), (1.0,), 2)
    v = modes(space, 3)
    before = v.copy()
    space.square(v)
    np.testing.assert_array_equal(v, before)
