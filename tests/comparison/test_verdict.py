"""What is stated about a learned solver, and each reason for which nothing is."""

import math

import numpy as np
import pytest

from pdekit.comparison.bootstrap import Draws
from pdekit.comparison.verdict import Costs, judge

N = 40
COSTS = Costs(data=5.0, training=20.0, tuning=5.0)
SPREAD = np.exp(np.random.default_rng(0).normal(0, 0.2, N))
SPREAD /= SPREAD.mean()


@pytest.fixture
def judged(outcome):
    def judge_one(learned, classical, **changes):
        runs = [outcome("mg", "classical", e * SPREAD, t, {"rtol": e}) for e, t in classical]
        runs.append(learned)
        options = {"floor": 1e-9, "weak": "", "costs": COSTS, "draws": Draws.of(N, 400), **changes}
        return judge(learned, runs, "relative_l2", changes.pop("batch", 1), **options)

    return judge_one


LADDER = ((1e-1, 1.0), (1e-3, 4.0))  # (error, milliseconds)


def test_speed_up_is_read_off_the_front_at_the_learned_error(judged, outcome):
    verdict = judged(outcome("fno", "learned", 1e-2 * SPREAD, 0.5), LADDER)
    assert verdict.refused == ""
    assert verdict.classical_seconds == pytest.approx(2e-3, rel=1e-9)  # half way in both logarithms
    assert verdict.speed_up == pytest.approx(4.0, rel=1e-9)
    # paired: where the errors of both sides rise and fall together, drawing other samples moves the ratio by nothing
    assert verdict.speed_up_interval == pytest.approx((4.0, 4.0), rel=1e-9)
    assert verdict.neighbours == ("mg (rtol 0.1)", "mg (rtol 1e-3)")


def test_slower_is_said_as_a_ratio_below_one_and_is_never_paid_back(judged, outcome):
    verdict = judged(outcome("fno", "learned", 1e-2 * SPREAD, 8.0), LADDER)
    assert verdict.speed_up == pytest.approx(0.25, rel=1e-9)
    assert verdict.break_even == math.inf


def test_break_even_counts_data_training_and_other_runs(judged, outcome):
    verdict = judged(outcome("fno", "learned", 1e-2 * SPREAD, 0.5), LADDER)
    assert verdict.break_even == math.ceil(30.0 / 1.5e-3)


def test_break_even_is_not_stated_where_the_cost_of_data_is_not_known(judged, outcome):
    verdict = judged(outcome("fno", "learned", 1e-2 * SPREAD, 0.5), LADDER, costs=Costs(math.nan, 20.0, 5.0))
    assert math.isnan(verdict.break_even)
    assert verdict.speed_up == pytest.approx(4.0)


def test_equal_time_compares_errors(judged, outcome):
    verdict = judged(outcome("fno", "learned", 1e-2 * SPREAD, 2.0), LADDER)
    assert verdict.equal_time == pytest.approx(1.0, rel=1e-9)  # the front's error at 2 ms is 1e-2


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            0.5,
            "every classical run on the front is more exact than 0.5: the fastest, mg (rtol 0.1), reaches 0.1 in 1 ms",
        ),
        (1e-4, "no classical run is as exact as 0.0001: the best, mg (rtol 1e-3), reaches 0.001"),
    ],
)
def test_outside_the_front_nothing_is_extrapolated(judged, outcome, error, words):
    verdict = judged(outcome("fno", "learned", error * SPREAD, 0.5), LADDER)
    assert words in verdict.refused
    assert math.isnan(verdict.speed_up)
    assert math.isnan(verdict.break_even)


def test_a_slower_and_less_exact_network_is_told_that_it_is_beaten_twice(judged, outcome):
    assert "and is faster too" in judged(outcome("fno", "learned", 0.5 * SPREAD, 3.0), LADDER).refused
    assert "faster too" not in judged(outcome("fno", "learned", 0.5 * SPREAD, 0.3), LADDER).refused


def test_below_three_times_the_truths_own_error_no_ranking(judged, outcome):
    learned = outcome("fno", "learned", 1e-2 * SPREAD, 0.5)
    assert "supports no ranking" in judged(learned, LADDER, floor=3.5e-3).refused
    assert judged(learned, LADDER, floor=3.2e-3).refused == ""


def test_a_weak_classical_side_refuses_before_all_else(judged, outcome):
    verdict = judged(outcome("fno", "learned", 1e-2 * SPREAD, 0.5), LADDER, weak="the strongest is missing: mg")
    assert verdict.refused == "the strongest is missing: mg"
    assert math.isnan(verdict.speed_up)


def test_failed_answers_refuse_and_are_counted(judged, outcome):
    table = 1e-2 * SPREAD
    table[3] = np.inf
    learned = outcome("fno", "learned", table, 0.5, failed=np.isinf(table))
    verdict = judged(learned, LADDER)
    assert verdict.refused == f"1 of {N} answers failed"
    assert math.isfinite(verdict.error)


def test_a_classical_run_with_a_failed_sample_stands_for_nobody(judged, outcome):
    """A run that fails on one sample, yet is fast, must not enter the front."""
    learned = outcome("fno", "learned", 1e-2 * SPREAD, 0.5)
    good = [outcome("mg", "classical", e * SPREAD, t, {"rtol": e}) for e, t in LADDER]
    table = 1e-2 * SPREAD
    table[0] = np.inf
    broken = outcome("sor", "classical", table, 0.01, failed=np.isinf(table))
    options = {"floor": 1e-9, "weak": "", "costs": COSTS, "draws": Draws.of(N, 100)}
    with_it = judge(learned, [*good, broken, learned], "relative_l2", 1, **options)
    assert with_it.speed_up == pytest.approx(4.0)


def test_batch_is_compared_with_batch(judged, outcome):
    """The best batch of a network against the best batch of the classical side, never against its single solve."""
    runs = [outcome("mg", "classical", e * SPREAD, t, {"rtol": e}, best=(8, np.full(10, t / 2e3))) for e, t in LADDER]
    learned = outcome("fno", "learned", 1e-2 * SPREAD, 2.0, best=(32, np.full(10, 0.25e-3)))
    options = {"floor": 1e-9, "weak": "", "costs": COSTS, "draws": Draws.of(N, 100)}
    one = judge(learned, [*runs, learned], "relative_l2", 1, **options)
    best = judge(learned, [*runs, learned], "relative_l2", "best", **options)
    assert one.speed_up == pytest.approx(1.0)
    assert best.speed_up == pytest.approx(4.0)


def test_an_interval_says_how_often_the_error_lay_outside_the_front(judged, outcome):
    at_the_end = judged(outcome("fno", "learned", 0.1 * SPREAD[::-1], 0.5), LADDER)
    assert 0.2 < at_the_end.outside < 0.8
    inside = judged(outcome("fno", "learned", 1e-2 * SPREAD, 0.5), LADDER)
    assert inside.outside == 0.0
