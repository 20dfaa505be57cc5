"""Statistics against the literal formula in float64, however the samples are cut."""

import math

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdekit.data.statistics import combine, moments


def literal(values: np.ndarray) -> dict[str, float]:
    wide = [float(v) for v in np.asarray(values, dtype=np.float64).ravel()]
    mean = math.fsum(wide) / len(wide)
    variance = math.fsum((v - mean) ** 2 for v in wide) / len(wide)
    return {"mean": mean, "std": math.sqrt(variance), "min": min(wide), "max": max(wide)}


@given(st.integers(1, 6), st.integers(1, 300), st.sampled_from(["f4", "f8", ">f4", "i4"]), st.integers(0, 2**32))
def test_moments_and_combine_are_the_literal_formula(n, m, dtype, seed):
    """An offset of 1000 spreads: the one-pass formula mean(u^2) - mean(u)^2 in float32 loses every digit here."""
    values = (1000.0 + np.random.default_rng(seed).standard_normal((n, m))).astype(dtype)
    found, expected = combine(moments(values), m), literal(values)
    assert found["min"] == expected["min"]
    assert found["max"] == expected["max"]
    assert found["mean"] == pytest.approx(expected["mean"], rel=1e-14)
    assert found["std"] == pytest.approx(expected["std"], rel=1e-10, abs=1e-12)


def test_the_order_of_samples_changes_no_bit():
    parts = moments(np.random.default_rng(1).standard_normal((50, 99)).astype(np.float32))
    assert combine(parts, 99) == combine(parts[::-1], 99)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_makes_all_of_them_nan(bad):
    values = np.ones((3, 64), dtype=np.float32)
    values[1, 17] = bad
    assert all(math.isnan(v) for v in combine(moments(values), 64).values())


def test_the_file_holds_the_statistics_of_its_training_split_only(clean):
    with h5py.File(clean) as file:
        for name in ("permeability", "pressure", "source"):
            expected = literal(file["train"][name][...])
            stored = {k: float(file["train"][name].attrs[k]) for k in expected}
            assert stored == pytest.approx(expected, rel=1e-12, abs=1e-15)
            assert "mean" not in file["test"][name].attrs
