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
        options = {"floor": 1e-9, "weak": lambda error: "", "costs": COSTS, "draws": Draws.of(N, 400), **changes}
        return judge(learned, runs, "relative_l2", changes.pop("batch", 1), **options)

    return judge_one


LADDER = ((1e-1, 1.0), (2e-2, 4.0**0.35), (5e-3, 4.0**0.65), (1e-3, 4.0))  # (error, milliseconds), nearly on one line


def test_speed_up_is_read_off_the_front_at_the_learned_error(judged, outcome):
    verdict = judged(outcome("fno", "learned", 1e-2 * SPREAD, 0.5), LADDER)
    assert verdict.refused == ""
    assert verdict.classical_seconds == pytest.approx(2e-3, rel=0.02)  # half way in both logarithms
    assert verdict.speed_up == pytest.approx(verdict.classical_seconds / 0.5e-3)
    # paired: where the errors of both sides rise and fall together, drawing other samples moves the ratio by nothing
    assert verdict.speed_up_interval == pytest.approx((verdict.speed_up, verdict.speed_up), rel=1e-6)
    assert verdict.neighbours == ("mg (rtol 0.02)", "mg (rtol 5e-3)")


def test_slower_is_said_as_a_ratio_below_one_and_is_never_paid_back(judged, outcome):
    verdict = judged(outcome("fno", "learned", 1e-2 * SPREAD, 8.0), LADDER)
    assert verdict.speed_up == pytest.approx(0.25, rel=0.02)
    assert verdict.break_even == math.inf


def test_break_even_counts_data_training_and_other_runs(judged, outcome):
    verdict = judged(outcome("fno", "learned", 1e-2 * SPREAD, 0.5), LADDER)
    assert verdict.break_even == math.ceil(30.0 / (verdict.classical_seconds - 0.5e-3))


def test_break_even_is_not_stated_where_the_cost_of_data_is_not_known(judged, outcome):
    verdict = judged(outcome("fno", "learned", 1e-2 * SPREAD, 0.5), LADDER, costs=Costs(math.nan, 20.0, 5.0))
    assert math.isnan(verdict.break_even)
    assert verdict.speed_up == pytest.approx(4.0, rel=0.02)


def test_equal_time_compares_errors(judged, outcome):
    verdict = judged(outcome("fno", "learned", 1e-2 * SPREAD, 2.0), LADDER)
    assert verdict.equal_time == pytest.approx(1.0, rel=0.05)  # the front's error at 2 ms is 1e-2


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
    beaten = judged(outcome("fno", "learned", 0.5 * SPREAD, 3.0), LADDER)
    assert "and is faster too" in beaten.refused
    assert beaten.in_short == "a classical run is faster and more exact"
    assert "faster too" not in judged(outcome("fno", "learned", 0.5 * SPREAD, 0.3), LADDER).refused


def test_below_three_times_the_truths_own_error_no_ranking(judged, outcome):
    learned = outcome("fno", "learned", 1e-2 * SPREAD, 0.5)
    assert "supports no ranking" in judged(learned, LADDER, floor=3.5e-3).refused
    assert judged(learned, LADDER, floor=3.2e-3).refused == ""


def test_a_weak_classical_side_refuses_before_all_else(judged, outcome):
    verdict = judged(
        outcome("fno", "learned", 1e-2 * SPREAD, 0.5),
        LADDER,
        weak=lambda error: f"the strongest is missing at {error:.2g}: mg",
    )
    assert verdict.refused == "the strongest is missing at 0.01: mg"
    for figure in (verdict.speed_up, verdict.equal_time, verdict.classical_seconds, verdict.break_even):
        assert math.isnan(figure)  # the ratio is not told in another form either


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
    table[1:] *= 100  # and inexact: were it kept, its mean would be infinite
    broken = outcome("sor", "classical", table, 0.01, failed=np.isinf(table))
    options = {"floor": 1e-9, "weak": lambda error: "", "costs": COSTS, "draws": Draws.of(N, 100)}
    with_it = judge(learned, [*good, broken, learned], "relative_l2", 1, **options)
    assert with_it.speed_up == pytest.approx(4.0, rel=0.02)


def test_batch_is_compared_with_batch(judged, outcome):
    """The best batch of a network against the best batch of the classical side, never against its single solve."""
    runs = [outcome("mg", "classical", e * SPREAD, t, {"rtol": e}, best=(8, np.full(10, t / 2e3))) for e, t in LADDER]
    learned = outcome("fno", "learned", 1e-2 * SPREAD, 2.0, best=(32, np.full(10, 0.25e-3)))
    options = {"floor": 1e-9, "weak": lambda error: "", "costs": COSTS, "draws": Draws.of(N, 100)}
    one = judge(learned, [*runs, learned], "relative_l2", 1, **options)
    best = judge(learned, [*runs, learned], "relative_l2", "best", **options)
    assert one.speed_up == pytest.approx(1.0, rel=0.02)
    assert best.speed_up == pytest.approx(4.0, rel=0.02)


def test_an_interval_says_how_often_the_error_lay_outside_the_front(judged, outcome):
    at_the_end = judged(outcome("fno", "learned", 0.0999 * SPREAD[::-1], 0.5), LADDER)
    assert 0.2 < at_the_end.outside < 0.8
    assert math.isnan(at_the_end.speed_up_interval[0])  # half of the replicates say nothing: no interval is stated
    inside = judged(outcome("fno", "learned", 1e-2 * SPREAD, 0.5), LADDER)
    assert inside.outside == 0.0


def test_a_gap_in_the_front_is_not_bridged(judged, outcome):
    """Two runs whose errors differ by a factor of 100 say nothing about what lies between."""
    verdict = judged(outcome("fno", "learned", 1e-2 * SPREAD, 0.5), ((1e-1, 1.0), (1e-3, 4.0)))
    assert "no classical run is near 0.01: the neighbours on the front reach 0.1 and 0.001" in verdict.refused
    assert "faster too" not in verdict.refused
    assert math.isnan(verdict.speed_up)


@pytest.mark.parametrize(("milliseconds", "beaten"), [(3.9, False), (4.1, True)])
def test_across_a_gap_a_faster_and_more_exact_run_is_named(judged, outcome, milliseconds, beaten):
    """No ratio across a gap, but the run below it, 1e-3 in 4 ms, may win in both."""
    verdict = judged(outcome("fno", "learned", 1e-2 * SPREAD, milliseconds), (LADDER[0], LADDER[-1]))
    assert math.isnan(verdict.speed_up)
    assert ("reach 0.1 and 0.001, mg (rtol 1e-3) in 4 ms, and is faster too; put more" in verdict.refused) is beaten
    assert (verdict.in_short == "a classical run is faster and more exact") is beaten


def test_the_hull_stands_for_the_classical_side(judged, outcome):
    """A run above the line between its neighbours does not slow the classical side down."""
    bulge = ((1e-1, 1.0), (1.2e-2, 3.9), (1e-2, 4.0))
    verdict = judged(outcome("fno", "learned", 3e-2 * SPREAD, 1.0), bulge)
    assert verdict.speed_up == pytest.approx(4.0 ** (np.log(10 / 3) / np.log(10)), rel=1e-9)


def test_a_fast_run_that_failed_once_is_named_and_refuses(judged, outcome):
    learned = outcome("fno", "learned", 1e-2 * SPREAD, 0.5)
    good = [outcome("lu", "classical", e * SPREAD, t, {"rtol": e}) for e, t in LADDER]
    table = 4e-3 * SPREAD
    table[0] = np.inf
    flaky = outcome("mg", "classical", table, 0.2, failed=np.isinf(table))
    options = {"floor": 1e-9, "weak": lambda error: "", "costs": COSTS, "draws": Draws.of(N, 100)}
    verdict = judge(learned, [*good, flaky, learned], "relative_l2", 1, **options)
    assert verdict.refused.startswith(f"the fastest run at this error, mg, failed on 1 of {N} samples")
    slow = outcome("mg", "classical", table, 50.0, failed=np.isinf(table))
    assert judge(learned, [*good, slow, learned], "relative_l2", 1, **options).refused == ""


def test_a_sample_without_a_defined_error_is_left_out_on_both_sides(outcome):
    """One zero reference makes a ratio undefined; it must not void the classical means."""
    hole = SPREAD.copy()
    hole[7] = np.nan
    runs = [outcome("mg", "classical", e * hole, t, {"rtol": e}) for e, t in LADDER]
    learned = outcome("fno", "learned", 1e-2 * hole, 0.5)
    options = {"floor": 1e-9, "weak": lambda error: "", "costs": COSTS, "draws": Draws.of(N, 400)}
    verdict = judge(learned, [*runs, learned], "relative_l2", 1, **options)
    assert verdict.refused == ""
    assert verdict.error == pytest.approx(1e-2 * np.nanmean(hole))
    assert np.isfinite(verdict.speed_up_interval).all()


def test_few_samples_give_no_interval(outcome):
    runs = [outcome("mg", "classical", np.full(3, e), t, {"rtol": e}) for e, t in LADDER]
    learned = outcome("fno", "learned", np.full(3, 1e-2), 0.5)
    options = {"floor": 1e-9, "weak": lambda error: "", "costs": COSTS, "draws": Draws.of(3, 100)}
    verdict = judge(learned, [*runs, learned], "relative_l2", 1, **options)
    assert verdict.speed_up > 0
    assert np.isnan(verdict.speed_up_interval).all()
