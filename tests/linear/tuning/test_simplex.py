"""A9: the probabilities of Tsallis-INF, for every spread, number of arms and round that a run can meet."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pdekit.linear.tuning.simplex_kernels import tsallis_weights


def by_bisection(losses, eta):
    """The same by halving the bracket of x, min L - 2 sqrt(d) / eta <= x <= min L - 2 / eta; L shifted first."""
    shifted = losses - losses.min()
    low, high = -2 * np.sqrt(len(losses)) / eta * (1 + 1e-12), -2 / eta
    for _ in range(200):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if np.sum(4 / (eta * (shifted - middle)) ** 2) < 1 else (low, middle)
    p = 4 / (eta * (shifted - high)) ** 2
    return p / p.sum()


@given(
    d=st.integers(1, 200),
    spread=st.sampled_from([0.0, 1e-9, 1e-3, 1.0, 30.0, 1e3, 1e6, 1e9]),
    rounds=st.floats(0.0, 7.0),
    seed=st.integers(0, 2**31),
    base=st.sampled_from([0.0, -1e6, 1e9]),
)
@example(d=20, spread=200.0, rounds=np.log10(128), seed=0, base=0.0)  # where a fixed start first lands on a pole
@example(d=200, spread=1e9, rounds=7.0, seed=1, base=0.0)
def test_weights_are_those_of_a_bisection(d, spread, rounds, seed, base):
    losses = base + spread * np.random.default_rng(seed).random(d)
    eta = 2.0 / np.sqrt(10.0**rounds)
    p = tsallis_weights(losses, eta)
    assert abs(p.sum() - 1) <= 1e-10
    assert (p > 0).all()
    np.testing.assert_allclose(p, by_bisection(losses, eta), rtol=1e-9, atol=0)


@pytest.mark.parametrize("d", [1, 2, 20, 200])
@pytest.mark.parametrize("t", [1, 100, 10**7])
def test_equal_losses_give_equal_weights(d, t):
    np.testing.assert_allclose(tsallis_weights(np.full(d, 3e8), 2 / np.sqrt(t)), 1 / d, rtol=1e-12)


def test_weights_are_the_minimiser_over_the_simplex():
    losses, eta = np.array([0.3, 1.0, 4.0, 4.5]), 0.7
    p = tsallis_weights(losses, eta)

    def value(q):
        return q @ losses - 4 / eta * np.sqrt(q).sum()

    for seed in range(50):
        step = np.random.default_rng(seed).normal(size=4)
        step *= 0.01 * p.min() / np.abs(step - step.mean()).max()
        assert value(p) < value(p + step - step.mean())
