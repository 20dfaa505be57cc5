"""Dealiased products against the product on four times the points; the plain product, and a cut that keeps N/3, must fail."""

from functools import reduce
from operator import mul

import numpy as np
import pytest
import torch

from pdekit.errors import BadInput
from pdekit.space import dealiasing
from pdekit.space.fourier import Fourier

SIZES = [(24,), (27,), (32,), (24, 15), (15, 24), (9, 12), (8, 9, 6), (9, 6, 8)]
DEGREES = [2, 3, 4]


@pytest.fixture
def rng():
    return np.random.default_rng(11)


def modes(fourier):
    """Whole mode numbers |n| per axis, from their definition."""
    full = [np.minimum(np.arange(n), n - np.arange(n)) for n in fourier.points]
    full[-1] = full[-1][: fourier.half[-1]]
    return np.meshgrid(*full, indexing="ij")


def below(fourier, share):
    """Modes with |n| < share N on every axis."""
    return np.all([n < share * count for n, count in zip(modes(fourier), fourier.points, strict=True)], axis=0)


def factors(fourier, degree, rng, keep):
    return [fourier.forward(rng.standard_normal((2, *fourier.points))) * keep for _ in range(degree)]


def exact(fourier, fields):
    """Coefficients of the product of the polynomials, on points enough for all of its modes."""
    fine = fourier.at([2 * (len(fields) + 1) * n for n in fourier.points])
    values = reduce(mul, (fine.backward(fourier.resample(v, fine.points)) for v in fields))
    return fine.resample(fine.forward(values), fourier.points)


def plain(fourier, fields):
    """The product on the points themselves."""
    return fourier.forward(reduce(mul, (fourier.backward(v) for v in fields)))


def gap(fourier, a, b, keep):
    """Largest difference on the modes in `keep`, as series coefficients over the largest one."""
    return np.abs((np.asarray(a) - b) * keep).max() / np.abs(b).max()


@pytest.mark.parametrize("degree", DEGREES)
@pytest.mark.parametrize("points", SIZES)
def test_truncated_product_is_exact_and_the_plain_one_is_not(points, degree, rng):
    fourier = Fourier.make(points)
    keep = below(fourier, 1 / (degree + 1))
    assert np.array_equal(fourier.mask(degree), keep)
    fields = factors(fourier, degree, rng, 1.0)  # the rule itself has to cut the factors
    want = exact(fourier, [v * keep for v in fields])
    got = fourier.product(*fields)
    assert gap(fourier, got, want, keep) < 1e-14
    assert np.all(got[..., ~keep] == 0)
    assert gap(fourier, plain(fourier, fields), want, keep) > 1e-3


@pytest.mark.parametrize("degree", DEGREES)
@pytest.mark.parametrize("points", SIZES)
def test_padded_product_is_exact_on_all_modes_below_nyquist(points, degree, rng):
    fourier = Fourier.make(points)
    keep = below(fourier, 1 / 2)
    fields = factors(fourier, degree, rng, 1.0)  # the Nyquist modes of the factors too
    want = exact(fourier, fields)
    got = fourier.product(*fields, rule="pad")
    assert gap(fourier, got, want, keep) < 1e-14
    assert np.all(got[..., ~keep] == 0)
    assert gap(fourier, plain(fourier, fields), want, keep) > 1e-3


@pytest.mark.parametrize("points", SIZES)
def test_both_rules_agree_on_what_the_cut_keeps(points, rng):
    fourier = Fourier.make(points)
    keep = below(fourier, 1 / 3)
    fields = factors(fourier, 2, rng, keep)
    assert gap(fourier, fourier.product(*fields, rule="pad"), fourier.product(*fields), keep) < 1e-14


@pytest.mark.parametrize("library", [np.asarray, torch.from_numpy])
def test_the_product_of_two_waves(library):
    """cos(3x) cos(2x) = (cos 5x + cos x)/2 on 16 points; no transform in the expectation. The cut at 16/3 keeps both."""
    x = 2 * np.pi * np.arange(16) / 16
    fourier = Fourier.make(16)
    u, v = (fourier.forward(library(np.cos(n * x))) for n in (3, 2))
    for rule in ("truncate", "pad"):
        got = np.asarray(fourier.backward(fourier.product(u, v, rule=rule)))
        assert np.abs(got - (np.cos(5 * x) + np.cos(x)) / 2).max() < 1e-14
    square = np.asarray(fourier.backward(fourier.product(*(fourier.forward(library(np.cos(5 * x))),) * 2)))
    assert np.abs(square - 0.5).max() < 1e-14  # 10 is not kept, and does not come back as 6


@pytest.mark.parametrize("n", [12, 24, 27])
def test_keeping_a_third_of_n_leaves_an_alias(n):
    """(cos Kx)^2 with K = N/3 folds 2K onto -K; with K one less nothing folds onto a kept mode."""
    fourier, third = Fourier.make(n), n // 3
    x = 2 * np.pi * np.arange(n) / n
    closed, strict = (np.arange(n // 2 + 1) <= third), (np.arange(n // 2 + 1) < third)
    u = fourier.forward(np.cos(third * x))
    aliased = fourier.forward(fourier.backward(u * closed) ** 2) * closed
    assert abs(aliased[third] / n) == pytest.approx(0.25)  # (1 + cos 2Kx)/2 has no such mode
    assert not fourier.mask()[third]
    assert fourier.mask()[third - 1]
    below_it = fourier.forward(np.cos((third - 1) * x))
    assert np.abs((fourier.forward(fourier.backward(below_it) ** 2) * strict)[1:]).max() < 1e-13


def test_each_axis_has_its_own_cut():
    mask = Fourier.make((12, 30), (1.0, 100.0)).mask()
    assert [int(mask[:, 0].sum()), int(mask[0].sum())] == [7, 10]
    cubic = Fourier.make((12, 30)).mask(3)
    assert [int(cubic[:, 0].sum()), int(cubic[0].sum())] == [5, 8]


@pytest.mark.parametrize("length", [1.0, 2 * np.pi])
def test_radial_cut(length):
    """A circle through the box cut of the axis that resolves least; a mode on it stays outside, (3, 4) for N = 15."""
    fourier = Fourier.make((15, 30), length)
    mask = fourier.mask(2, "radial")
    n, m = modes(fourier)
    assert np.array_equal(mask, n**2 + m**2 < 25)
    assert not mask[3, 4]
    assert np.all(fourier.mask()[mask])
    stretched = Fourier.make((15, 15), (1.0, 2.0)).mask(2, "radial")
    n, m = modes(Fourier.make((15, 15)))
    assert np.array_equal(stretched, 4 * n**2 + m**2 < 25)


@pytest.mark.parametrize("degree", [1, 2, 3])
def test_padded_points(degree):
    """Enough of them, and not many more."""
    points = (8, 9, 17, 32, 33, 100)
    for n, m in zip(points, dealiasing.padded(points, degree), strict=True):
        assert (degree + 1) * n <= 2 * m < 1.3 * (degree + 1) * n


def test_wrong_use():
    fourier = Fourier.make(12)
    v = fourier.forward(np.ones(12))
    with pytest.raises(BadInput, match=r"no rule of dealiasing named 'pads'\.\n  allowed: did you mean 'pad'"):
        fourier.product(v, v, rule="pads")
    with pytest.raises(BadInput, match="no cut named 'ball'"):
        fourier.mask(2, "ball")
    for act in (fourier.product, lambda: fourier.mask(0)):
        with pytest.raises(BadInput, match=r"degree of a product cannot be used\.\n  found: 0"):
            act()
