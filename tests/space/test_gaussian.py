"""Gaussian fields: the same draw at N and 2N, and the law that their docstring names, by sums over modes and by sampling."""

import itertools
import math

import numpy as np
import pytest

from pdekit.errors import BadInput
from pdekit.space.gaussian import check_gauss, gaussian_field, mean_std, mode_coefficients
from pdekit.space.grid import Grid
from pdekit.space.transforms import series

BOUNDARIES = ("periodic", "neumann", "dirichlet")
SHAPES = {1: (16,), 2: (8, 12), 3: (6, 4, 8)}
LENGTH = (1.0, 1.5, 0.8)


def law(boundary="neumann", factor=9.0, tau=3.0, alpha=2.0, **more):
    return {"variance_factor": factor, "tau": tau, "alpha": alpha, "boundary": boundary, **more}


DARCY = law()
BURGERS = law("periodic", 625.0, 5.0, 2.0)


def box(intervals, location, kind, length=LENGTH):
    grid = Grid.make((4,) * len(intervals), length[: len(intervals)], location=location, boundary=kind)
    return grid.with_intervals(intervals)


def modal(u, boundary, location, axis):
    """Coefficients of cos, sin or exp along one axis of the values of a field, ordered k = 0 or 1, 2, ..."""
    if boundary == "periodic":
        n = u.shape[axis]
        k = np.fft.fftfreq(n, 1 / n).reshape([-1 if i == axis else 1 for i in range(u.ndim)])
        return series(u, ("fft", 0), axis) * (np.exp(-1j * np.pi * k / n) if location == "cell" else 1.0)
    if boundary == "neumann":
        return series(u, ("dct", 2 if location == "cell" else 1), axis)
    inner = u if location == "cell" else np.take(u, np.arange(1, u.shape[axis] - 1), axis)
    return series(inner, ("dst", 2 if location == "cell" else 1), axis)


def low_modes(u, boundary, location, n):
    """The coefficients of the modes that a grid of n intervals has in common with finer ones."""
    for axis, m in enumerate(n):
        u = modal(u, boundary, location, axis)
        if boundary == "periodic":
            keep = [k for k in range(-((m - 1) // 2), (m - 1) // 2 + 1)]
        else:
            keep = list(range(m - 1 if boundary == "dirichlet" else m))
        u = np.take(u, keep, axis)
    return u


@pytest.mark.parametrize("location", ["cell", "vertex"])
@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("dim", [1, 2, 3])
def test_twice_the_points_keep_the_common_modes(dim, boundary, location):
    n, kind = SHAPES[dim], "periodic" if boundary == "periodic" else "dirichlet"
    fields = [
        gaussian_field(law(boundary), box(tuple(f * m for m in n), location, kind), np.random.default_rng(7))
        for f in (1, 2, 4)
    ]
    coarse, fine, finest = (low_modes(u, boundary, location, n) for u in fields)
    scale = np.abs(coarse).max()
    assert scale > 1e-3
    assert np.abs(fine - coarse).max() < 1e-12 * scale
    assert np.abs(finest - coarse).max() < 1e-12 * scale


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_odd_numbers_of_points_keep_them_too(boundary):
    n = (9, 7)
    fields = [
        gaussian_field(law(boundary), box(tuple(f * m for m in n), "vertex", "periodic"), np.random.default_rng(7))
        if boundary == "periodic"
        else gaussian_field(law(boundary), box(tuple(f * m for m in n), "cell", "neumann"), np.random.default_rng(7))
        for f in (1, 2)
    ]
    where = "vertex" if boundary == "periodic" else "cell"
    coarse, fine = (low_modes(u, boundary, where, n) for u in fields)
    assert np.abs(fine - coarse).max() < 1e-12 * np.abs(coarse).max()


@pytest.mark.parametrize("kind", ["periodic", "dirichlet"])
@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_cells_and_vertices_sample_one_function(boundary, kind):
    """The vertex values at every second vertex of twice the grid are the cell centres: same modes, same draw."""
    n = (6, 8)
    cells = gaussian_field(law(boundary), box(n, "cell", kind), np.random.default_rng(3))
    fine = np.zeros(tuple(2 * m + 1 for m in n))
    coefficients = mode_coefficients(law(boundary), box(n, "vertex", kind), np.random.default_rng(3))
    fine = evaluate(coefficients, boundary, n, [np.arange(2 * m + 1) / (2 * m) for m in n])
    np.testing.assert_allclose(cells, fine[1::2, 1::2], rtol=0, atol=1e-13)
    vertices = gaussian_field(law(boundary), box(n, "vertex", "neumann"), np.random.default_rng(3))
    np.testing.assert_allclose(vertices, fine[::2, ::2], rtol=0, atol=1e-13)


def evaluate(coefficients, boundary, n, places):
    """sum_k c_k phi_k at x/L = places, term by term: the definition."""
    if boundary != "periodic":
        out = coefficients
        for axis, t in enumerate(places):
            first = 1 if boundary == "dirichlet" else 0
            k = np.arange(first, n[axis])
            phi = np.sin(np.pi * np.outer(t, k)) if first else np.cos(np.pi * np.outer(t, k))
            out = np.moveaxis(np.tensordot(phi, out, (1, axis)), 0, axis)
        return out
    full = hermitian(coefficients, n)
    for axis, t in enumerate(places):
        phi = np.exp(2j * np.pi * np.outer(t, np.fft.fftfreq(n[axis], 1 / n[axis])))
        full = np.moveaxis(np.tensordot(phi, full, (1, axis)), 0, axis)
    assert np.abs(full.imag).max() < 1e-14 * max(np.abs(full.real).max(), 1.0)
    return full.real


def hermitian(half, n):
    """The full spectrum; c(-n) = conj c(n) for what the half spectrum leaves out."""
    full = np.zeros(n, dtype=complex)
    for k in np.ndindex(n):
        minus = tuple(-j % m for j, m in zip(k, n, strict=True))
        full[k] = half[k] if k[-1] <= n[-1] // 2 else half[minus].conj()
    return full


@pytest.mark.parametrize("n", [(8,), (9,), (8, 6), (7, 9), (6, 8, 4), (5, 6, 7)])
def test_the_inverse_leaves_no_imaginary_part(n):
    coefficients = mode_coefficients(BURGERS, box(n, "vertex", "periodic"), np.random.default_rng(1))
    full = hermitian(coefficients, n)
    values = np.fft.ifftn(full) * math.prod(n)
    assert np.abs(values.imag).max() < 1e-14
    for k in np.ndindex(n):
        assert full[k] == full[tuple(-j % m for j, m in zip(k, n, strict=True))].conjugate()
        if any(2 * j == m for j, m in zip(k, n, strict=True)):
            assert full[k] == 0  # Nyquist: self-conjugate at N, not at 2N


def modes_of(gauss, intervals, length):
    """Per axis: lambda by mode of the truncation to N, and phi_k as functions of x: the law written out."""
    boundary = gauss["boundary"]
    axes = []
    for n, ell in zip(intervals, length, strict=True):
        if boundary == "periodic":
            k = np.arange(-((n - 1) // 2), (n - 1) // 2 + 1)
            axes.append((2 * np.pi * k / ell, k * 0.0 + 1.0 / ell, None))
        else:
            k = np.arange(1 if boundary == "dirichlet" else 0, n)
            axes.append((np.pi * k / ell, np.where(k == 0, 1.0, 2.0) / ell, np.pi * k / ell))
    kappa = np.meshgrid(*(a[0] for a in axes), indexing="ij")
    square = sum(k**2 for k in kappa)
    lam = gauss["variance_factor"] * (square + gauss["tau"] ** 2) ** -gauss["alpha"]
    if gauss.get("zero_mean", True):
        lam[square == 0] = 0.0
    return axes, lam


def variance_at(gauss, intervals, length, x):
    """sum_k lambda_k phi_k(x)^2 with phi_k orthonormal in L2 of the box."""
    axes, lam = modes_of(gauss, intervals, length)
    for position, (_, norm, k) in zip(x, axes, strict=True):
        trig = (
            1.0
            if k is None
            else (np.sin(k * position) if gauss["boundary"] == "dirichlet" else np.cos(k * position)) ** 2
        )
        lam = np.tensordot(norm * trig, lam, (0, 0))
    return float(lam)


@pytest.mark.parametrize("n", [32, 64, 128])
@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_variance_at_a_point_and_over_the_box(boundary, n):
    """1000 draws: the sampled variance at three points, and its mean over the box, within 3 of their own deviations."""
    gauss, samples, length = law(boundary), 1000, (1.0, 1.5)
    kind = "periodic" if boundary == "periodic" else "neumann"
    grid = box((n, n), "cell", kind, length)
    rng = np.random.default_rng(n)
    places = [(n // 2, n // 2), (1, 2), (n // 4, n - 1)]
    at, overall = np.zeros((samples, len(places))), np.zeros(samples)
    for i in range(samples):
        u = gaussian_field(gauss, grid, rng)
        at[i] = [u[p] for p in places]
        overall[i] = (u**2).mean()
    for j, place in enumerate(places):
        x = [c[p] for c, p in zip(grid.coordinates, place, strict=True)]
        wanted = variance_at(gauss, (n, n), length, x)
        score = ((at[:, j] ** 2).mean() / wanted - 1) / math.sqrt(2 / samples)
        assert -3 < score < 3, (place, score)
    _, lam = modes_of(gauss, (n, n), length)
    volume = math.prod(length)
    score = (overall.mean() - lam.sum() / volume) / (math.sqrt(2 * (lam**2).sum() / samples) / volume)
    assert -3 < score < 3, score


def test_draws_at_different_modes_are_independent_unit_normals():
    """xi of every mode, over the amplitude that the law gives: mean 0, variance 1, no two of them correlated."""
    for boundary, samples in (("neumann", 4000), ("dirichlet", 4000), ("periodic", 4000)):
        n, length = (4, 6), (1.0, 1.5)
        grid, rng = (
            box(n, "cell", "periodic" if boundary == "periodic" else "neumann", length),
            np.random.default_rng(2),
        )
        draws = np.stack([mode_coefficients(law(boundary, zero_mean=False), grid, rng) for _ in range(samples)])
        axes, lam = modes_of(law(boundary, zero_mean=False), n, length)
        if boundary == "periodic":
            full = np.stack([hermitian(d, n) for d in draws[:, :]])
            keep = [np.ix_([k % n[0] for k in (-1, 0, 1)], [k % n[1] for k in (-2, -1, 0, 1, 2)])]
            xi = full[(slice(None), *keep[0])] / np.sqrt(lam / math.prod(length))
            numbers = np.concatenate([xi.real.reshape(samples, -1), xi.imag.reshape(samples, -1)], axis=1)
            second = (np.abs(xi) ** 2).mean(axis=0)
            zero = np.zeros(second.shape, bool)
            zero[1, 2] = True
            assert np.abs(second[~zero] - 1).max() < 4.5 / math.sqrt(samples)
            assert abs(second[zero][0] - 1) < 4.5 * math.sqrt(2 / samples)
            assert np.abs(xi[:, 1, 2].imag).max() == 0
            upper = xi.reshape(samples, -1)[:, : xi[0].size // 2]
            cross = (upper.T @ upper.conj()) / samples
            assert np.abs(cross - np.eye(cross.shape[0])).max() < 5 / math.sqrt(samples)
            pseudo = (upper.T @ upper) / samples
            assert np.abs(pseudo).max() < 5 / math.sqrt(samples)
            assert np.abs(numbers.mean(axis=0)).max() < 5 / math.sqrt(samples)
        else:
            norms = np.multiply.outer(*(np.sqrt(a[1]) for a in axes))
            xi = (draws / (norms * np.sqrt(lam))).reshape(samples, -1)
            cross = (xi.T @ xi) / samples
            assert np.abs(np.diag(cross) - 1).max() < 5 * math.sqrt(2 / samples)
            assert np.abs(cross - np.diag(np.diag(cross))).max() < 5 / math.sqrt(samples)
            assert np.abs(xi.mean(axis=0)).max() < 5 / math.sqrt(samples)


STDS = {
    "darcy": (DARCY, 2, 0.292),
    "burgers": (BURGERS, 1, 0.594),
    "burgers, released script": (law("periodic", 49.0**2, 7.0, 2.5), 1, 0.274),
    "fno-2020": (law("periodic", 2 * 7.0**3, 7.0, 2.5), 2, 0.262),
    "fno-2021": (law("periodic", 7.0**3, 7.0, 2.5), 2, 0.185),
}


@pytest.mark.parametrize("name", STDS)
def test_the_standard_deviations_of_published_laws(name):
    gauss, dim, wanted = STDS[name]
    grid = Grid.make((8,) * dim, (1.0,) * dim)
    assert mean_std(gauss, grid) == pytest.approx(wanted, abs=5.01e-4)
    _, lam = modes_of(gauss, (512,) * dim, (1.0,) * dim)
    assert mean_std(gauss, grid) == pytest.approx(math.sqrt(lam.sum()), rel=1e-4)


@pytest.mark.parametrize("n", [32, 64, 128])
@pytest.mark.parametrize("name", STDS)
def test_the_published_laws_drawn_at_three_numbers_of_points(name, n):
    """Over the box, on vertices: within 3 deviations of the sum over the modes that N points have."""
    gauss, dim, wanted = STDS[name]
    samples, rng = 400 if dim == 1 else 100, np.random.default_rng(n)
    grid = box((n,) * dim, "vertex", "periodic" if gauss["boundary"] == "periodic" else "neumann", (1.0,) * dim)
    squares = [(grid.weights * gaussian_field(gauss, grid, rng) ** 2).sum() for _ in range(samples)]
    _, lam = modes_of(gauss, (n,) * dim, (1.0,) * dim)
    score = (np.mean(squares) / lam.sum() - 1) / (math.sqrt(2 * (lam**2).sum() / samples) / lam.sum())
    assert -3 < score < 3, score
    assert math.sqrt(lam.sum()) == pytest.approx(wanted, rel=5e-3)


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_a_law_of_the_unit_box_is_one_field_on_boxes_of_any_length(boundary):
    """u(x/L): the Burgers law of xi = x/(2 pi) on a box of length 2 pi; by its own Laplacian it would be another."""
    short, long = (box((12, 16), "cell", "periodic", (a, a)) for a in (1.0, 2 * math.pi))
    gauss = law(boundary, 625.0, 5.0, 2.0)
    here = gaussian_field(gauss, short, np.random.default_rng(1))
    unit = {**gauss, "unit_box": True}
    np.testing.assert_allclose(gaussian_field(unit, long, np.random.default_rng(1)), here, rtol=1e-12, atol=1e-14)
    assert mean_std(unit, long) == mean_std(gauss, short)
    assert np.abs(gaussian_field(gauss, long, np.random.default_rng(1)) - here).max() > 0.1


CENTRE, CORNER, CORNER_CELL = (0.5, 0.5), (0.0, 0.0), (1 / 128, 1 / 128)


@pytest.mark.parametrize(("x", "n", "wanted"), [(CENTRE, 512, 0.160), (CORNER, 512, 0.4675), (CORNER_CELL, 64, 0.466)])
def test_the_darcy_law_at_the_centre_and_in_a_corner(x, n, wanted):
    """0.4675 at the corner itself; the published 0.466 is the centre of the corner cell on 64 x 64."""
    assert math.sqrt(variance_at(DARCY, (n, n), (1.0, 1.0), x)) == pytest.approx(wanted, abs=5.01e-4)


@pytest.mark.parametrize("place", [(16, 16), (0, 0), (32, 0)])
def test_the_darcy_law_drawn_at_the_centre_and_in_two_corners(place):
    grid, rng = box((32, 32), "vertex", "neumann", (1.0, 1.0)), np.random.default_rng(9)
    wanted = variance_at(DARCY, (32, 32), (1.0, 1.0), [p / 32 for p in place])
    draws = np.array([gaussian_field(DARCY, grid, rng)[place] for _ in range(4000)])
    score = ((draws**2).mean() / wanted - 1) / math.sqrt(2 / 4000)
    assert -3 < score < 3, score


def test_mean_std_does_not_depend_on_the_points():
    values = {mean_std(DARCY, Grid.make((n, n), (1.0, 1.0), location=w)) for n in (4, 64) for w in ("cell", "vertex")}
    assert len(values) == 1


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("alpha", [1.5, 2.0, 3.0])
def test_the_radial_spectrum_falls_like_minus_two_alpha(boundary, alpha):
    """Far above tau: log of the mean |c|^2 on rings against log of |k|, over 20 draws."""
    n, gauss = 128, law(boundary, alpha=alpha, tau=3.0)
    grid = box((n, n), "vertex", "periodic" if boundary == "periodic" else "neumann", (1.0, 1.0))
    power, rng = 0.0, np.random.default_rng(4)
    for _ in range(20):
        u = gaussian_field(gauss, grid, rng)
        power = power + np.abs(low_modes(u, boundary, "vertex", (n, n))) ** 2 / 20
    if boundary == "periodic":
        k = np.abs(np.arange(-(n // 2 - 1), n // 2))
        low, high = 16, 62
    else:
        k = np.arange(1 if boundary == "dirichlet" else 0, n)
        power = power[k >= 1][:, k >= 1]
        k = k[k >= 1]
        low, high = 32, 126
    radius = np.sqrt(k[:, None] ** 2 + k[None, :] ** 2)
    rings = np.geomspace(low, high, 12)
    means = [power[(radius >= a) & (radius < b)].mean() for a, b in itertools.pairwise(rings)]
    slope = np.polyfit(np.log(np.sqrt(rings[1:] * rings[:-1])), np.log(means), 1)[0]
    assert -2 * alpha - 0.06 < slope < -2 * alpha + 0.06, slope


@pytest.mark.parametrize("location", ["cell", "vertex"])
@pytest.mark.parametrize("boundary", ["periodic", "neumann"])
def test_the_mean_is_zero_where_declared_and_random_where_not(boundary, location):
    grid = box((12, 10), location, "periodic" if boundary == "periodic" else "neumann")
    rng, volume = np.random.default_rng(5), grid.volume
    means = [(grid.weights * gaussian_field(law(boundary), grid, rng)).sum() / volume for _ in range(20)]
    assert np.abs(means).max() < 1e-15
    free = [
        (grid.weights * gaussian_field(law(boundary, zero_mean=False), grid, rng)).sum() / volume for _ in range(3000)
    ]
    wanted = 9.0 * 9.0**-2.0 / volume
    score = (np.mean(np.square(free)) / wanted - 1) / math.sqrt(2 / 3000)
    assert -3 < score < 3, score


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_walls(boundary):
    """Dirichlet fields vanish at the walls, Neumann fields meet them level (to second order), periodic ones close."""
    grid = box((64, 48), "vertex", "neumann")
    u = gaussian_field(law(boundary, alpha=4.0), grid, np.random.default_rng(6))
    assert u.shape == (65, 49)
    if boundary == "dirichlet":
        assert np.abs(u[[0, -1]]).max() == 0
        assert np.abs(u[:, [0, -1]]).max() == 0
        assert np.abs(u).max() > 1e-3
    elif boundary == "neumann":
        slope = np.abs(u[1] - u[0]).max() / grid.spacing[0]
        inside = np.abs(np.diff(u, axis=0)).max() / grid.spacing[0]
        assert slope < 0.1 * inside
    else:
        np.testing.assert_array_equal(u[0], u[-1])
        np.testing.assert_array_equal(u[:, 0], u[:, -1])


def test_a_seed_is_a_field_and_another_seed_another():
    grid = box((8, 8), "cell", "neumann")
    one, same, other = (gaussian_field(DARCY, grid, np.random.default_rng(s)) for s in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert np.abs(one - other).max() > 0.01


def test_length_is_a_length():
    """The same box in other units: kappa and tau scale as 1/length, the field's variance as length^(2 alpha - d)."""
    meters = gaussian_field(law(tau=3.0), box((8, 8), "cell", "neumann", (1.0, 1.0)), np.random.default_rng(1))
    centimeters = gaussian_field(
        law(tau=0.03), box((8, 8), "cell", "neumann", (100.0, 100.0)), np.random.default_rng(1)
    )
    np.testing.assert_allclose(centimeters, meters * 100.0 ** (2.0 - 1.0), rtol=1e-10)


@pytest.mark.parametrize(
    ("gauss", "message"),
    [
        (3.0, r"(?s)a Gaussian field is a table.*in fields.a.gauss.*found: 3.0"),
        ({**DARCY, "taau": 3.0}, r"(?s)no key of a Gaussian field named 'taau'.*did you mean 'tau'"),
        ({k: v for k, v in DARCY.items() if k != "tau"}, r"(?s)tau of a Gaussian field.*found: None.*a number > 0"),
        ({**DARCY, "alpha": 0.0}, r"(?s)alpha of a Gaussian field.*found: 0.0"),
        ({**DARCY, "tau": -1.0}, r"(?s)tau of a Gaussian field.*found: -1.0"),
        ({**DARCY, "variance_factor": math.nan}, r"(?s)variance_factor of a Gaussian field.*found: nan"),
        ({**DARCY, "variance_factor": True}, r"(?s)variance_factor of a Gaussian field.*found: True"),
        ({**DARCY, "boundary": "robin"}, r"(?s)no boundary of a Gaussian field named 'robin'.*dirichlet, neumann"),
        ({**DARCY, "unit_box": 1.0}, r"(?s)unit_box of a Gaussian field.*found: 1.0.*true, false"),
        ({**DARCY, "zero_mean": 1}, r"(?s)zero_mean of a Gaussian field.*found: 1.*true, false"),
    ],
)
def test_refusals(gauss, message):
    with pytest.raises(BadInput, match=message):
        check_gauss(gauss, "fields.a.gauss")


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_infinite_variance_is_refused(dim):
    """sum |k|^(-2 alpha) over a d-dimensional lattice is finite for alpha > d/2 only."""
    check_gauss(law(alpha=dim / 2 + 0.01), "fields.a.gauss", dim)
    grid = Grid.make((4,) * dim, (1.0,) * dim)
    with pytest.raises(BadInput, match=r"(?s)variance at a point is infinite.*fields.a.gauss.*half the dimension"):
        check_gauss(law(alpha=dim / 2), "fields.a.gauss", dim)
    with pytest.raises(BadInput, match=rf"alpha of a Gaussian field in {dim}D"):
        gaussian_field(law(alpha=dim / 2), grid, np.random.default_rng(0))
