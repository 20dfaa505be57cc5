"""sin(px) cos(qx) and its source: at single points by hand, by differences, as a law."""

import math

import numpy as np
import pytest

from pdekit.errors import BadInput
from pdekit.space.grid import Grid
from pdekit.space.law_checks import check_law
from pdekit.space.random_fields import draw
from pdekit.space.waves import wave_product

LAW = {"law": "multi-frequency", "slow": 6, "fast": 20, "least": 10, "terms": 3, "amplitude": 2.0}


def test_sin_6x_cos_100x():
    """On [0, pi], with -u'' = (6^2 + 100^2) u + 1200 cos 6x sin 100x: as printed in the docstring, and as two sines."""
    grid = Grid.make((513,), (math.pi,), location="vertex", boundary="dirichlet")
    u, f = wave_product(grid, (6,), (100,))
    x = grid.coordinates[0]
    np.testing.assert_allclose(u, (np.sin(106 * x) - np.sin(94 * x)) / 2, atol=1e-12)
    np.testing.assert_allclose(f, (106**2 * np.sin(106 * x) - 94**2 * np.sin(94 * x)) / 2, atol=1e-8)
    assert max(abs(u[0]), abs(u[-1])) < 1e-13


@pytest.mark.parametrize(("p", "q"), [((2,), (5,)), ((1, 3), (4, 0)), ((1, 2, 1), (2, 1, 3))])
def test_the_source_is_minus_laplace_by_differences(p, q):
    errors = []
    for n in (64, 128):
        grid = Grid.make((n + 1,) * len(p), (1.0, 0.8, 1.3)[: len(p)], location="vertex", boundary="dirichlet")
        u, f = wave_product(grid, p, q)
        inner = (slice(1, -1),) * len(p)
        total = np.zeros([n - 1] * len(p))
        for axis, h in enumerate(grid.spacing):
            total -= (np.diff(u, 2, axis=axis) / h**2)[
                tuple(slice(None) if k == axis else slice(1, -1) for k in range(len(p)))
            ]
        errors.append(np.abs(total - f[inner]).max() / np.abs(f).max())
    assert errors[1] < 0.02
    assert 3.8 < errors[0] / errors[1] < 4.2


def test_the_law_term_by_term():
    grid = Grid.make((33, 17), (1.0, 2.0), location="vertex", boundary="dirichlet")
    rng, wanted = np.random.default_rng(4), 0.0
    for _ in range(3):
        xi, p, q = rng.standard_normal(), rng.integers(1, 7, 2), rng.integers(10, 21, 2)
        assert ((p >= 1) & (p <= 6) & (q >= 10) & (q <= 20)).all()
        wanted = wanted + xi * wave_product(grid, p.tolist(), q.tolist())[1]
    check_law(LAW, "here")
    np.testing.assert_allclose(draw(LAW, grid, np.random.default_rng(4)), 2.0 / math.sqrt(3) * wanted, rtol=1e-12)


def test_the_law_is_the_same_field_on_every_grid():
    coarse, fine = (
        draw(LAW, Grid.make(n, (1.0, 2.0), location="vertex", boundary="dirichlet"), np.random.default_rng(1))
        for n in ((33, 17), (65, 33))
    )
    np.testing.assert_allclose(fine[::2, ::2], coarse, atol=1e-9 * np.abs(fine).max())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"slow": 0}, r"(?s)slow of law 'multi-frequency'.*found: 0.*an integer from 1 to 4096"),
        ({"terms": 2.5}, r"(?s)terms of law 'multi-frequency'.*found: 2.5"),
        ({"least": 30}, r"(?s)'multi-frequency' needs least <= fast.*least = 30, fast = 20"),
    ],
)
def test_refusals(change, message):
    with pytest.raises(BadInput, match=message):
        check_law({**LAW, **change}, "here")
