"""The laws that recipes name: values, ranges, streams, independence of the number of points, refusals."""

import math

import numpy as np
import pytest

from pdekit.errors import BadInput
from pdekit.space.gaussian import gaussian_field, mean_std
from pdekit.space.grid import Grid
from pdekit.space.law_checks import check_law
from pdekit.space.random_fields import LAWS, draw, draw_parameter, face_grid

GAUSS = {"variance_factor": 9.0, "tau": 3.0, "alpha": 2.0, "boundary": "neumann"}
TWO_PHASE = {"law": "two-phase", "high": 12.0, "low": 3.0, "gauss": GAUSS}
LOG_NORMAL = {"law": "log-normal", "contrast": 100.0, "gauss": GAUSS}
EXAMPLES = {
    "constant": {"law": "constant", "value": 2.5},
    "uniform": {"law": "uniform", "low": 1.0, "high": 3.0},
    "log-uniform": {"law": "log-uniform", "low": 0.1, "high": 10.0},
    "normal": {"law": "normal", "mean": 1.0, "std": 0.5},
    "gaussian": {"law": "gaussian", "gauss": GAUSS, "mean": 4.0},
    "two-phase": TWO_PHASE,
    "log-normal": LOG_NORMAL,
    "sine-series": {"law": "sine-series", "modes": 5},
    "l-shape": {"law": "l-shape"},
    "discs": {"law": "discs", "count": 3, "low": 0.1, "high": 0.3},
    "bump": {"law": "bump", "radius": 0.3, "height": 2.0, "spread": 0.1},
    "multi-frequency": {"law": "multi-frequency", "slow": 3, "fast": 9},
    "column": {"law": "column", "low": 1.0, "high": 2.0, "narrow": 0.2, "wide": 0.4, "outside": 0.5, "spread": 0.1},
    "fourier-series": {"law": "fourier-series", "modes": 2},
    "periodic-kernel": {"law": "periodic-kernel", "scale": 0.5},
    "noise": {"law": "noise", "modes": 2, "std": 0.1, "mean": 0.5},
    "fno-2020": {"law": "fno-2020"},
    "fno-2021": {"law": "fno-2021"},
    "mcwilliams": {"law": "mcwilliams"},
    "filtered-velocity": {"law": "filtered-velocity"},
    "blobs": {"law": "blobs", "count": 2, "low": 0.1, "high": 0.2},
    "geostrophic": {
        "law": "geostrophic",
        "of": {"law": "noise", "modes": 2, "std": 0.1},
        "component": "x",
        "gravity": 1.0,
        "coriolis": 2.0,
        "stream": 1,
    },
}
PLANE = ("fno-2020", "fno-2021", "mcwilliams", "filtered-velocity", "geostrophic")


def rng(seed=0):
    return np.random.default_rng(seed)


def cells(*points):
    return Grid.make(points, (1.0,) * len(points), boundary="dirichlet")


def test_there_is_an_example_of_every_law():
    assert set(EXAMPLES) == set(LAWS)


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("points", [(8,), (8, 6), (4, 6, 8)])
def test_every_law_draws_a_sound_field_from_its_stream_alone(name, points):
    check_law(EXAMPLES[name], "here")
    grid = cells(*points)
    if name == "periodic-kernel" and len(points) == 3:
        return
    if name in PLANE:
        if len(points) != 2:
            with pytest.raises(BadInput, match=f"law '{name}' is not defined on {len(points)} axes"):
                draw(EXAMPLES[name], grid, rng())
            return
        grid = Grid.make(points, (1.0, 1.0), location="vertex")
    one, same, other = (draw(EXAMPLES[name], grid, rng(s)) for s in (1, 1, 2))
    assert one.shape == points
    assert one.dtype == np.float64
    assert np.isfinite(one).all()
    np.testing.assert_array_equal(one, same)
    assert (name in ("constant", "l-shape")) is bool((one == other).all())


@pytest.mark.parametrize("name", EXAMPLES)
def test_one_number_where_the_law_has_one(name):
    if LAWS[name].scalar:
        assert draw_parameter(EXAMPLES[name], rng(3)) == draw(EXAMPLES[name], cells(4, 4), rng(3))[2, 1]
        assert draw(EXAMPLES[name], None, rng(3)).shape == ()
        return
    with pytest.raises(BadInput, match=rf"(?s)law '{name}' draws fields; one number was asked for.*constant, uniform"):
        draw_parameter(EXAMPLES[name], rng(3))


@pytest.mark.parametrize("name", ["uniform", "log-uniform", "normal", "sine-series"])
def test_the_same_numbers_at_twice_the_points(name):
    coarse, fine = (
        draw(EXAMPLES[name], Grid.make(n, (1.0, 2.0), location="vertex", boundary="dirichlet"), rng(5))
        for n in ((5, 9), (9, 17))
    )
    np.testing.assert_allclose(fine[::2, ::2], coarse, rtol=1e-12, atol=1e-13)


def test_two_values_and_the_threshold_between_them():
    u = draw(TWO_PHASE, cells(64, 64), rng(1))
    g = gaussian_field(GAUSS, cells(64, 64), rng(1))
    assert set(np.unique(u)) == {3.0, 12.0}
    np.testing.assert_array_equal(u == 12.0, g >= 0)
    higher = draw({**TWO_PHASE, "threshold": 0.2}, cells(64, 64), rng(1))
    np.testing.assert_array_equal(higher == 12.0, g >= 0.2)
    assert 0 < (higher == 12.0).sum() < (u == 12.0).sum()


def test_both_phases_are_equally_likely():
    share = np.array([(draw(TWO_PHASE, cells(16, 16), rng(s)) == 12.0).mean() for s in range(400)])
    score = (share.mean() - 0.5) / (share.std() / math.sqrt(400))
    assert -3 < score < 3


def test_a_two_phase_medium_keeps_its_shape_on_finer_grids():
    """Cells of 64 and of 128 across see one field: where they differ is a thin strip along the interface."""
    coarse, fine = (draw(TWO_PHASE, cells(n, n), rng(2)) for n in (64, 128))
    grown = np.repeat(np.repeat(coarse, 2, 0), 2, 1)
    assert 0 < (grown != fine).mean() < 0.03


@pytest.mark.parametrize(("contrast", "median"), [(100.0, 1.0), (9.0, 0.5)])
def test_two_deviations_to_either_side_span_the_contrast(contrast, median):
    """log a has mean log(median) and a standard deviation of log(contrast)/4, over draws and box."""
    law = {**LOG_NORMAL, "contrast": contrast, "median": median}
    logs = np.stack([np.log(draw(law, cells(32, 32), rng(s))) for s in range(1000)])
    assert np.exp(logs).min() > 0
    assert np.abs(logs.mean(axis=(1, 2)) - math.log(median)).max() < 1e-13
    spread = np.square(logs - math.log(median)).mean(axis=(1, 2))
    score = (spread.mean() / (math.log(contrast) / 4) ** 2 - 1) / (spread.std() / spread.mean() / math.sqrt(1000))
    assert -3 < score < 3
    g = gaussian_field(GAUSS, cells(32, 32), rng(0))
    exact = median * contrast ** (g / (4 * mean_std(GAUSS, cells(32, 32))))
    np.testing.assert_allclose(draw(law, cells(32, 32), rng(0)), exact, rtol=1e-12)


def test_ranges_and_moments_of_single_numbers():
    n = 4000
    uniform = np.array([draw_parameter(EXAMPLES["uniform"], g) for g in [rng(1)] * n])
    assert 1 <= uniform.min() < 1.01 < 2.99 < uniform.max() <= 3
    score = (uniform.mean() - 2) / math.sqrt(4 / 12 / n)
    assert -3 < score < 3
    logs = np.log10([draw_parameter(EXAMPLES["log-uniform"], g) for g in [rng(2)] * n])
    assert -1 <= logs.min() < -0.99 < 0.99 < logs.max() <= 1
    score = logs.mean() / math.sqrt(4 / 12 / n)
    assert -3 < score < 3
    normal = np.array([draw_parameter(EXAMPLES["normal"], g) for g in [rng(3)] * n])
    scores = (normal.mean() - 1) / (0.5 / math.sqrt(n)), (normal.var() / 0.25 - 1) / math.sqrt(2 / n)
    assert all(-3 < s < 3 for s in scores)


def test_the_gaussian_law_adds_its_mean():
    u = draw(EXAMPLES["gaussian"], cells(16, 16), rng(4))
    np.testing.assert_array_equal(u, 4.0 + gaussian_field(GAUSS, cells(16, 16), rng(4)))


def test_the_sine_series_term_by_term():
    law = {"law": "sine-series", "modes": 3, "amplitude": 2.0, "decay": 1.5, "mean": 0.25}
    grid = Grid.make((9,), (2.0,), location="vertex", boundary="dirichlet")
    xi = rng(8).standard_normal(3)
    x = grid.coordinates[0]
    wanted = 0.25 + 2.0 * sum(xi[k - 1] * k**-1.5 * np.sin(np.pi * k * x / 2.0) for k in (1, 2, 3))
    got = draw(law, grid, rng(8))
    np.testing.assert_allclose(got, wanted, rtol=1e-13, atol=1e-14)
    assert got[0] == 0.25


def test_the_grid_of_a_face_has_the_other_axes():
    boundary = {"x_low": "periodic", "x_high": "periodic", "y_low": "neumann"}
    grid = Grid.make((4, 5, 6), (1.0, 2.0, 3.0), location="vertex", boundary=boundary, boundary_value={"z_low": 2.0})
    on = face_grid(grid, "y_high")
    assert (on.points, on.length, on.location) == ((4, 6), (1.0, 3.0), "vertex")
    assert on.boundary == (("periodic", "periodic"), ("dirichlet", "dirichlet"))
    assert on.boundary_value == ((0.0, 0.0), (2.0, 0.0))
    assert face_grid(grid, "z_low").points == (4, 5)
    assert face_grid(Grid.make(8, boundary="neumann"), "x_low") is None


PATCHES = {"law": "blobs", "count": 4, "low": 0.05, "high": 0.1}
HEIGHT = {"law": "noise", "modes": 3, "std": 0.1, "mean": 1.0}


def test_laws_of_one_stream_draw_from_the_same_numbers_whatever_was_drawn_before():
    one = draw({**PATCHES, "stream": 1}, cells(16, 16), rng(3))
    later = rng(3)
    later.standard_normal(5)
    np.testing.assert_array_equal(draw({**PATCHES, "height": -0.5, "stream": 1}, cells(16, 16), later), -0.5 * one)
    assert np.abs(draw({**PATCHES, "stream": 2}, cells(16, 16), rng(3)) - one).max() > 0.1
    assert np.abs(draw({**PATCHES, "stream": 1}, cells(16, 16), rng(4)) - one).max() > 0.1
    assert np.abs(draw(PATCHES, cells(16, 16), rng(3)) - one).max() > 0.1


def test_a_shared_stream_belongs_to_the_sample_and_leaves_the_others_alone():
    """Streams of samples are spawned from one seed; a law with a stream of its own moves no other law's numbers."""
    samples = [np.random.default_rng(np.random.SeedSequence(0, spawn_key=(0, i))) for i in range(2)]
    one, other = (draw({**PATCHES, "stream": 1}, cells(16, 16), sample) for sample in samples)
    assert np.abs(one - other).max() > 0.1
    fresh = np.random.default_rng(np.random.SeedSequence(0, spawn_key=(0, 0)))
    assert samples[0].random() == fresh.random()


@pytest.mark.parametrize("shape", [(32, 24), (21, 32)])
def test_the_balanced_flow_has_no_divergence_and_follows_the_height_drawn_beside_it(shape):
    """f v = g h_x, f u = -g h_y, term by term, from the height's own series on a box of sides 2 and 3."""
    grid = Grid.make(shape, (2.0, 3.0), location="vertex")
    flow = {"law": "geostrophic", "of": HEIGHT, "gravity": 9.0, "coriolis": -0.5, "stream": 7}
    height = draw({**HEIGHT, "stream": 7}, grid, rng(5))
    u, v = (draw({**flow, "component": c}, grid, rng(5)) for c in "xy")
    hat = np.fft.fft2(height)
    kx, ky = (2 * np.pi * np.fft.fftfreq(n, ell / n) for n, ell in zip(shape, (2.0, 3.0), strict=True))
    h_x = np.fft.ifft2(1j * kx[:, None] * hat).real
    h_y = np.fft.ifft2(1j * ky[None, :] * hat).real
    assert np.abs(h_x).max() > 0.1
    np.testing.assert_allclose(-0.5 * v, 9.0 * h_x, rtol=0, atol=1e-12)
    np.testing.assert_allclose(-0.5 * u, -9.0 * h_y, rtol=0, atol=1e-12)


def test_a_balanced_flow_needs_a_periodic_box():
    flow = {"law": "geostrophic", "of": HEIGHT, "component": "x", "gravity": 1.0, "coriolis": 1.0, "stream": 1}
    with pytest.raises(BadInput, match="a balanced flow is defined on a periodic box of two axes"):
        draw(flow, cells(8, 8), rng())


REFUSALS = [
    ({"law": "gausian"}, r"(?s)no law named 'gausian'.*in fields.f.*did you mean 'gaussian'"),
    ({}, r"no law named 'None'"),
    ({"law": "constant", "vale": 1.0}, r"(?s)no key of law 'constant' named 'vale'.*did you mean 'value'"),
    ({"law": "uniform", "low": 1.0}, r"(?s)law 'uniform' lacks 'high'.*in fields.f"),
    (
        {"law": "constant", "value": math.nan},
        r"(?s)value of law 'constant' is out of range.*found: nan.*a finite number",
    ),
    ({"law": "constant", "value": True}, r"(?s)value of law 'constant' is out of range.*found: True"),
    ({"law": "constant", "value": "warm"}, r"(?s)value of law 'constant' is out of range.*found: 'warm'"),
    ({"law": "uniform", "low": 3.0, "high": 1.0}, r"(?s)law 'uniform' needs low < high.*low = 3.0, high = 1.0"),
    ({"law": "log-uniform", "low": 0.0, "high": 1.0}, r"(?s)low of law 'log-uniform'.*found: 0.0.*a number > 0"),
    ({"law": "normal", "std": 0.0}, r"(?s)std of law 'normal'.*found: 0.0.*a number > 0"),
    ({**LOG_NORMAL, "contrast": 1.0}, r"(?s)contrast of law 'log-normal'.*found: 1.0.*a number > 1"),
    ({**LOG_NORMAL, "median": -1.0}, r"(?s)median of law 'log-normal'.*found: -1.0.*a number > 0"),
    (
        {"law": "gaussian", "gauss": {**GAUSS, "tau": 0.0}},
        r"(?s)tau of a Gaussian field.*in fields.f.gauss.*found: 0.0",
    ),
    ({"law": "sine-series", "modes": 0}, r"(?s)modes of law 'sine-series'.*found: 0.*an integer from 1 to 4096"),
    ({"law": "discs", "count": 2, "low": 0.3, "high": 0.1}, r"(?s)law 'discs' needs low < high"),
    ({"law": "discs", "count": -1, "low": 0.1, "high": 0.2}, r"(?s)count of law 'discs'.*an integer from 0 to 4096"),
    ({"law": "sine-series", "modes": 2.5}, r"(?s)modes of law 'sine-series'.*found: 2.5"),
    ({"law": "constant", "value": 1.0, "stream": 1.5}, r"(?s)stream of law 'constant'.*found: 1.5.*an integer from 0"),
    ({"law": "mcwilliams", "spectrum": "powr"}, r"(?s)no spectrum of law 'mcwilliams' named 'powr'.*mean 'power'"),
    ({"law": "mcwilliams", "peak": 0.0}, r"(?s)peak of law 'mcwilliams'.*found: 0.0.*a number > 0"),
    ({**EXAMPLES["geostrophic"], "of": 3.0}, r"(?s)of in law 'geostrophic' is a law.*found: 3.0"),
    ({**EXAMPLES["geostrophic"], "of": {"law": "nois"}}, r"(?s)no law named 'nois'.*in fields.f.of"),
    ({k: v for k, v in EXAMPLES["geostrophic"].items() if k != "stream"}, r"law 'geostrophic' lacks 'stream'"),
    ({"law": "fourier-series", "modes": 33}, r"(?s)modes of law 'fourier-series'.*an integer from 1 to 32"),
]


@pytest.mark.parametrize(("law", "message"), REFUSALS)
def test_refusals(law, message):
    with pytest.raises(BadInput, match=message):
        check_law(law, "fields.f")


def test_two_phase_may_have_the_high_value_below_the_low_one():
    check_law({**TWO_PHASE, "high": 3.0, "low": 12.0}, "fields.a")
