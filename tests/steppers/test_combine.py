"""The kernels of the steppers' sums against the array code beside them, for every shape of table that a problem may have."""

import numpy as np
import pytest
import torch

from pdekit.steppers import combine

CALLS = {
    "two": lambda f, t, s: f.two(t[0], s[0], t[1], s[1]),
    "pair": lambda f, t, s: f.pair(t[0], s[0], t[1], s[1], s[2], 2.0, -1.0),
    "shifted": lambda f, t, s: f.shifted(s[0], t[0], s[1], s[2]),
    "quadrature": lambda f, t, s: f.quadrature(t[0], s[0], t[1], s[1], t[2], s[2], s[3], t[3], s[4]),
    "history": lambda f, t, s: f.history(t[0], s[0], t[1], s[1], t[2], s[2], t[3], s[3], t[4], s[4]),
}
FORMULAS = {
    "two": lambda t, s: t[0] * s[0] + t[1] * s[1],
    "pair": lambda t, s: t[0] * s[0] + t[1] * (2 * s[1] - s[2]),
    "shifted": lambda t, s: s[0] + t[0] * (s[1] - s[2]),
    "quadrature": lambda t, s: t[0] * s[0] + t[1] * s[1] + 2 * t[2] * (s[2] + s[3]) + t[3] * s[4],
    "history": lambda t, s: sum(a * b for a, b in zip(t, s, strict=True)),
}
TABLES = [(5, 3), (1, 1, 5, 3), (1, 5, 3), (4, 1, 5, 3), (2, 5, 3), (4, 2, 5, 3), (1, 2, 5, 3), (2, 1, 1), (3,)]


def drawn(table, state=(4, 2, 5, 3)):
    rng = np.random.default_rng(0)
    return [rng.normal(size=table) for _ in range(5)], [
        rng.normal(size=state) + 1j * rng.normal(size=state) for _ in range(5)
    ]


@pytest.mark.parametrize(("table", "channels"), [(t, c) for t in TABLES for c in (1, 2) if c == 2 or 2 not in t[-3:-2]])
@pytest.mark.parametrize("name", CALLS)
def test_every_sum_is_its_formula(name, table, channels):
    tables, states = drawn(table, (4, channels, 5, 3))
    kept = [s.copy() for s in states]
    expected = FORMULAS[name](tables, states)
    np.testing.assert_allclose(CALLS[name](combine, tables, states), expected, rtol=0, atol=4e-15)
    others = [torch.asarray(a) for a in tables], [torch.asarray(s) for s in states]
    np.testing.assert_allclose(CALLS[name](combine, *others).numpy(), expected, rtol=0, atol=4e-15)
    views = [np.concatenate([s, s], axis=-1)[..., :3] for s in states]
    np.testing.assert_allclose(CALLS[name](combine, tables, views), expected, rtol=0, atol=4e-15)
    assert all((s == k).all() for s, k in zip(states, kept, strict=True))


@pytest.mark.parametrize("name", CALLS)
def test_single_precision_and_complex_tables_are_taken_as_they_are(name):
    tables, states = drawn((5, 3))
    narrow = [t.astype(np.float32) for t in tables], [s.astype(np.complex64) for s in states]
    assert CALLS[name](combine, *narrow).dtype == np.complex64
    turned = [t * 1j for t in tables]
    np.testing.assert_allclose(CALLS[name](combine, turned, states), FORMULAS[name](turned, states), atol=4e-15)


def test_kernels_serve_the_state_of_a_problem(monkeypatch):
    """Tables (*modes), (1, 1, *modes) and per sample (n, 1, *modes) of one field must not fall back to array code."""
    called = []
    monkeypatch.setattr(combine.kernels, "two", lambda *args: called.append(args))
    for table in ((5, 3), (1, 1, 5, 3), (4, 1, 5, 3)):
        tables, states = drawn(table, (4, 1, 5, 3))
        combine.two(tables[0], states[0], tables[1], states[1])
    assert len(called) == 3
