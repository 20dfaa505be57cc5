import math

import numpy as np
import pytest

from pdekit.errors import BadInput
from pdekit.linear.tuning import (
    Categorical,
    ChebCB,
    Fixed,
    Interval,
    Outcome,
    Random,
    Tuner,
    grid,
    race,
)
from pdekit.solution import Status

SPACE = grid("w", 0.0, 1.0, 3)


def solve(system, trial):
    return 10.0 + 10 * abs(trial.params["w"] - system)


def test_every_entrant_meets_every_system_and_everything_is_kept():
    entrants = {
        "low": Tuner(SPACE, Fixed({"w": 0.0})),
        "off": Tuner(SPACE, Fixed({"w": 0.3})),
        "random": Tuner(SPACE, Random(), seed=0),
        "chebcb": Tuner(SPACE, ChebCB(), context=Interval(0.0, 1.0), seed=0),
    }
    systems = np.random.default_rng(0).random(40).tolist()
    result = race(entrants, systems, solve, context=lambda s: s)
    assert (
        result.costs.shape == result.arms.shape == result.probabilities.shape == result.settings["w"].shape == (4, 40)
    )
    np.testing.assert_allclose(result.costs, 10 + 10 * abs(result.settings["w"] - np.array(systems)))
    assert (result.arms[1] == -1).all()
    assert (result.probabilities[2] == 1 / 3).all()
    assert entrants["chebcb"].open == ()
    assert entrants["chebcb"].policy.told == 40
    np.testing.assert_allclose(result.excess("low")[1], np.cumsum(result.cost("off") - result.cost("low")))
    rows = result.table("low")
    assert [row["name"] for row in rows] == list(entrants)
    assert rows[0]["relative"] == rows[0]["last relative"] == 1.0
    assert rows[1]["mean"] == pytest.approx(result.costs[1].mean())
    assert rows[1]["last fifth"] == pytest.approx(result.costs[1, -8:].mean())
    assert rows[1]["relative"] == pytest.approx(result.costs[1].mean() / result.costs[0].mean())


def test_failures_are_counted_and_categories_kept():
    def fails(system, trial):
        return Outcome(5.0, Status.DIVERGED if system == 1 else Status.CONVERGED)

    result = race({"a": Tuner(Categorical("kind", ("x",)), Random())}, range(3), fails)
    assert result.failed.tolist() == [[False, True, False]]
    assert result.table()[0]["failed"] == 1
    assert result.settings["kind"].tolist() == [["x", "x", "x"]]


def test_entrants_with_different_parameters():
    entrants = {"a": Tuner(grid("w", 0.0, 1.0, 1), Random()), "b": Tuner(grid("v", 2.0, 3.0, 1), Random())}
    result = race(entrants, range(2), lambda s, t: 3)
    assert result.settings["v"][1].tolist() == [2.0, 2.0]
    assert all(math.isnan(v) for v in result.settings["v"][0])


def test_wrong_races_are_refused():
    with pytest.raises(BadInput, match="'a' needs contexts"):
        race({"a": Tuner(SPACE, ChebCB(), context=Interval(0.0, 1.0))}, [0.1], solve)
    with pytest.raises(BadInput, match="one system at least"):
        race({"a": Tuner(SPACE, Random())}, [], solve)


def test_a_shuffled_race_changes_who_is_first_and_nothing_else():
    def entrants():
        return {f"{k}": Tuner(SPACE, Random(), seed=k) for k in range(4)}

    plain, shuffled = (race(entrants(), [0.1, 0.5, 0.9] * 20, solve, shuffle=seed) for seed in (None, 3))
    np.testing.assert_array_equal(plain.arms, shuffled.arms)
    np.testing.assert_array_equal(plain.costs, shuffled.costs)
    orders = []
    for shuffle in (None, 3, 3, 4):
        met: list[float] = []
        arms = {f"{w}": Tuner(SPACE, Fixed({"w": w})) for w in (0.0, 0.5, 1.0)}
        race(arms, range(30), lambda system, trial, met=met: met.append(trial.params["w"]) or 1.0, shuffle=shuffle)
        orders.append(met)
    assert orders[0] == [0.0, 0.5, 1.0] * 30
    assert orders[1] == orders[2]
    assert orders[1] != orders[3]
    firsts = [orders[1][3 * k] for k in range(30)]
    assert set(firsts) == {0.0, 0.5, 1.0}
    assert all(sorted(orders[1][3 * k : 3 * k + 3]) == [0.0, 0.5, 1.0] for k in range(30))
