import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.optimize import lsq_linear

from pdekit.errors import BadInput
from pdekit.linear.tuning import ChebCB, Interval, Tuner, grid
from pdekit.linear.tuning.chebcb_kernels import boxed_fit, gap_weights, least_norm
from pdekit.linear.tuning.context import chebyshev
from pdekit.linear.tuning.policy import Told

INTERVAL = Interval(-0.15, 0.65)


@given(
    seed=st.integers(0, 2**31),
    rows=st.integers(1, 30),
    size=st.sampled_from([1e-3, 0.03, 0.3, 3.0]),
    unit=st.sampled_from([1.0, 1e4]),
)
@example(seed=3, rows=2, size=0.03, unit=1.0)
def test_the_boxed_fit_is_as_good_as_scipys(seed, rows, size, unit):
    rng = np.random.default_rng(seed)
    A = np.array([np.cos(np.arange(6) * t) for t in np.arccos(rng.uniform(-1, 1, rows))])
    y = unit * rng.normal(size=rows)
    box = unit * size / np.array([1, 1, 2, 3, 4, 5])
    x = boxed_fit(A.T @ A, A.T @ y, box)
    best = lsq_linear(A, y, (-box, box), method="bvls", tol=1e-14).x
    assert (abs(x) <= box).all()
    assert np.linalg.norm(A @ x - y) <= np.linalg.norm(A @ best - y) + 1e-6 * np.linalg.norm(y)


def test_a_fit_within_the_box_is_the_shortest_least_squares_solution():
    rng = np.random.default_rng(0)
    A, y = rng.normal(size=(3, 6)), rng.normal(size=3)
    shortest = np.linalg.lstsq(A, y)[0]
    np.testing.assert_allclose(least_norm(A.T @ A, A.T @ y), shortest, rtol=1e-8)
    np.testing.assert_allclose(boxed_fit(A.T @ A, A.T @ y, np.full(6, 10.0)), shortest, rtol=1e-8)


def test_gap_weights():
    p = gap_weights(np.array([3.0, 1.0, 2.0]), 5.0)
    np.testing.assert_allclose(p, [1 / 13, 1 - 1 / 13 - 1 / 8, 1 / 8])
    np.testing.assert_allclose(gap_weights(np.array([3.0, 1.0, 2.0]), 0.0), 1 / 3)


def spelled_out(history, c, d, m=6):
    """Probabilities of the next round as the source states them: all targets over S = K N, all fits anew, of all data.

    history  [(arm, context, loss, loss predicted when it was chosen)]
    """
    a, b, t = INTERVAL.low, INTERVAL.high, len(history)
    K = max(loss for _, _, loss, _ in history)
    lip = K / (b - a)
    N = 2 + 4 * (b - a) * lip / K * (1 + np.log(m))
    S = K * N
    box = np.concatenate([[1 / N], 2 * (b - a) * lip / (S * np.arange(1, m))])

    def features(x):
        return np.cos(np.arange(m) * np.arccos(np.clip(2 * (x - a) / (b - a) - 1, -1, 1)))

    predicted, rests = np.zeros(d), 0.0
    for arm in range(d):
        A = np.array([features(x) for i, x, _, _ in history if i == arm])
        y = np.array([loss / S for i, _, loss, _ in history if i == arm])
        theta = np.linalg.lstsq(A, y)[0]
        if (abs(theta) > box).any():
            theta = lsq_linear(A, y, (-box, box), method="bvls", tol=1e-15).x
        predicted[arm] = theta @ features(c)
        rests += np.sum((A @ theta - y) ** 2)
    alpha = (np.pi + 2 / np.pi * np.log(2 * m + 1)) / (2 * (m + 1)) * (b - a) * lip / S
    missed = sum((guess / S - loss / S) ** 2 for _, _, loss, guess in history)
    eta = 2 * t * np.sqrt(d * t / (missed - rests + 2 * alpha**2 * t))
    p = 1 / (d + eta * (predicted - predicted.min()))
    best = predicted.argmin()
    p[best] = 1 - (p.sum() - p[best])
    return p


def test_the_literal_form_is_the_one_of_the_source_also_when_the_scale_grows():
    """T9: K grows at rounds 40 and 60; predictions and fits in other units would show at once."""
    d, rng, history = 3, np.random.default_rng(5), []
    tuner = Tuner(grid("w", 0.0, 1.0, d), ChebCB.literal(), context=INTERVAL, seed=1)
    policy, compared = tuner.policy, 0
    for t in range(90):
        c = float(rng.uniform(-0.15, 0.45))
        place = INTERVAL.place(c)
        if t > 8 * d and {0, 1, 2} == {arm for arm, *_ in history}:
            np.testing.assert_allclose(policy.probabilities(place), spelled_out(history, c, d), rtol=1e-5, atol=1e-9)
            compared += 1
        choice = policy.choose(place, rng)
        if t < 8 * d:
            choice.arm, choice.memory["predicted"] = t % d, float(policy.theta[t % d] @ chebyshev(place, 6))
        loss = 30 + 20 * choice.arm + 60 * c + 5 * rng.random() + {40: 900.0, 60: 4000.0}.get(t, 0.0)
        history.append((choice.arm, c, loss, choice.memory["predicted"]))
        policy.learn(choice, place, Told(loss))
    assert compared > 60


@pytest.mark.parametrize("target", ["log", "cost"])
def test_the_unit_of_losses_does_not_matter(target):
    def choices(unit):
        tuner = Tuner(grid("w", 0.0, 1.0, 5), ChebCB(target=target), context=INTERVAL, seed=4, cost_offset=0.0)
        rng, arms = np.random.default_rng(2), []
        for _ in range(200):
            trial = tuner.ask(rng.uniform(-0.15, 0.45))
            arms.append(trial.arm)
            tuner.tell(trial.id, unit * (abs(trial.params["w"] - trial.context) + rng.random()))
        return arms

    assert choices(1.0) == choices(1024.0)


@pytest.mark.parametrize("options", [{}, {"target": "cost"}, {"spread": "observed"}])
def test_the_best_arm_of_each_context_is_found(options):
    tuner = Tuner(grid("w", 0.0, 1.0, 5), ChebCB(**options), context=Interval(0.0, 1.0), seed=0)
    rng = np.random.default_rng(0)
    gaps = []
    for _ in range(800):
        trial = tuner.ask(rng.random())
        gap = 100 * (trial.params["w"] - trial.context) ** 2
        gaps.append(gap - 100 * ((round(4 * trial.context) / 4 - trial.context) ** 2))
        tuner.tell(trial.id, 11 + gap + rng.random())
    assert np.mean(gaps[:50]) > 8
    assert np.mean(gaps[-200:]) < 2.0


def test_exploration_dies_faster_with_growth():
    rates = {}
    for growth in (0.0, 1.0):
        tuner = Tuner(grid("w", 0.0, 1.0, 3), ChebCB(growth=growth), context=INTERVAL)
        for k in range(100):
            tuner.tell(tuner.ask(0.0).id, 10 + k % 7)
        rates[growth] = tuner.policy.rate
    assert rates[1.0] > 50 * rates[0.0]


def test_without_contexts_a_series_is_its_constant():
    tuner = Tuner(grid("w", 0.0, 1.0, 3), ChebCB(), seed=0)
    for _ in range(200):
        trial = tuner.ask()
        tuner.tell(trial.id, 10 + 30 * trial.params["w"])
    assert np.argmax(tuner.policy.probabilities(None)) == 0
    np.testing.assert_allclose(tuner.policy.estimates(None), [9, 24, 39], rtol=1e-6)


def test_unknown_options_are_refused():
    with pytest.raises(BadInput, match='target "log" or "cost"'):
        ChebCB(target="square")
