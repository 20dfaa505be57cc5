import copy
import json
import math

import numpy as np
import pytest

from pdekit.errors import BadInput
from pdekit.linear.tuning import (
    AdaptiveYoung,
    Binned,
    Capped,
    Categorical,
    ChebCB,
    Discounted,
    Fixed,
    Formula,
    Interval,
    Ordered,
    Product,
    Random,
    Surface,
    Tsallis,
    Tuner,
    grid,
)
from pdekit.linear.tuning.context import chebyshev
from pdekit.solution import Status

OMEGA = grid("omega", 1.0, 1.95)
INTERVAL = Interval(-0.15, 0.45)
POLICIES = {
    "tsallis-iw": Tsallis("iw"),
    "tsallis-rv": Tsallis("rv"),
    "binned": Binned(Tsallis("rv"), bins=5),
    "chebcb": ChebCB(),
    "chebcb-literal": ChebCB.literal(),
    "chebcb-observed": ChebCB(spread="observed"),
    "surface": Surface(terms=4),
    "surface-uniform": Surface(terms=4, uniform=0.1),
    "young": AdaptiveYoung(),
    "discounted": Discounted(Tsallis(), 0.99),
    "capped": Capped(ChebCB()),
    "capped-discounted": Capped(Discounted(Binned(ChebCB(), bins=2), 0.99)),
    "random": Random(),
    "fixed": Fixed({"omega": 1.8}),
    "formula": Formula(lambda c: {"omega": 1.5 - c}),
}
every = pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)


def cost(omega, context, rng):
    """Something like SOR's: long left of the best omega, 1 / (2 - omega) right of it; an integer."""
    best = 1.85 - 0.8 * (context + 0.15)
    return int(20 / (2 - omega) + 300 * max(best - omega, 0.0) ** 1.5 + rng.integers(10)) + 1


def new(policy, seed=7, space=OMEGA, **options):
    return Tuner(space, policy, context=INTERVAL, seed=seed, **options)


def play(tuner, rounds, rng, delayed=()):
    """Rounds with up to three open trials, told out of order, some lost, some failed; what was asked."""
    trail, waiting = [], list(delayed)
    for _ in range(rounds):
        context = float(rng.uniform(-0.2, 0.5))
        trial = tuner.ask(context)
        trail.append((trial.id, trial.params, trial.prob, trial.budget))
        waiting.append((trial.id, trial.params["omega"], context))
        if len(waiting) == 3:
            i, omega, c = waiting.pop(int(rng.integers(3)))
            u = rng.random()
            if u < 0.9:
                tuner.tell(i, cost(omega, c, rng), Status.CONVERGED, factor=0.5 + 0.4 * rng.random())
            elif u < 0.95:
                tuner.tell(i, math.nan, Status.DIVERGED, factor=0.9)
    return trail, waiting


def through_json(state):
    return json.loads(json.dumps(state, allow_nan=False))


@every
@pytest.mark.parametrize("stop", [0, 1, 61, pytest.param(1234, marks=pytest.mark.slow)])
def test_a_resumed_run_is_the_uninterrupted_one(policy, stop):
    """A16, bit for bit, with trials open at the time."""
    through, rng = new(policy), np.random.default_rng(0)
    _, waiting = play(through, stop, rng)
    kept, noise = through_json(through.state_dict()), copy.deepcopy(rng)
    tail, _ = play(through, 100, rng, waiting)
    resumed = new(policy, seed=99)
    play(resumed, 5, np.random.default_rng(5))  # what it knew before is forgotten
    resumed.load_state_dict(kept)
    again, _ = play(resumed, 100, noise, waiting)
    assert again == tail
    assert resumed.open == through.open
    assert through_json(resumed.state_dict()) == through_json(through.state_dict())


def test_a_state_does_not_change_while_the_run_goes_on():
    tuner, rng = new(ChebCB()), np.random.default_rng(0)
    play(tuner, 50, rng)
    state = tuner.state_dict()
    before = json.dumps(state)
    play(tuner, 50, rng)
    assert json.dumps(state) == before
    other = new(ChebCB())
    other.load_state_dict(state)
    play(other, 50, rng)
    assert json.dumps(state) == before


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (lambda: new(ChebCB(terms=5)), "another policy"),
        (lambda: new(Tsallis()), "another policy"),
        (lambda: new(ChebCB(), space=grid("omega", 1.0, 1.9)), "another space"),
        (lambda: Tuner(OMEGA, ChebCB(), context=Interval(-0.15, 0.65)), "another context"),
        (lambda: new(ChebCB(), cap=5), "another cap"),
    ],
)
def test_a_state_of_another_tuner_is_refused(other, message):
    with pytest.raises(BadInput, match=message):
        other().load_state_dict(through_json(new(ChebCB()).state_dict()))


def test_a_damaged_state_is_refused():
    state = new(ChebCB()).state_dict()
    with pytest.raises(BadInput, match="no state of a tuner"):
        new(ChebCB()).load_state_dict({**state, "schema": 0})
    with pytest.raises(BadInput, match="lacks parts"):
        new(ChebCB()).load_state_dict({**state, "policy": {}})
    with pytest.raises(BadInput, match="another shape"):
        new(ChebCB()).load_state_dict({**state, "policy": {**state["policy"], "squares": [0.0]}})


def test_a_state_that_lost_parts_says_so_and_changes_nothing():
    state, tuner = through_json(new(ChebCB()).state_dict()), new(ChebCB())
    play(tuner, 30, np.random.default_rng(0))
    before = through_json(tuner.state_dict())
    lost = [{k: v for k, v in state.items() if k != key} for key in state if key != "schema"]
    bent = [{**state, key: "torn"} for key in ("made", "policy", "rng", "next", "open", "worst", "waiting", "statuses")]
    for damaged in (*lost, *bent, {**state, "open": [{"id": 1}]}):
        with pytest.raises(BadInput, match=r"(?s)the state of a tuner is damaged|another|lacks parts") as caught:
            tuner.load_state_dict(damaged)
        assert "next:" in str(caught.value) or "allowed:" in str(caught.value)
        assert through_json(tuner.state_dict()) == before


@every
def test_two_tuners_of_one_seed_agree_and_do_not_share_what_they_learn(policy):
    one, two = new(policy), new(policy)
    assert play(one, 80, np.random.default_rng(1))[0] == play(two, 80, np.random.default_rng(1))[0]


@every
def test_probabilities_are_those_of_the_draw(policy):
    tuner, rng = new(policy), np.random.default_rng(3)
    play(tuner, 90, rng)
    place = INTERVAL.place(0.1)
    trial = tuner.ask(0.1)
    if trial.arm is None:
        assert trial.prob == 1.0
        return
    p = tuner.policy.probabilities(place)
    assert p.sum() == pytest.approx(1.0, abs=1e-12)
    assert trial.prob == p[trial.arm] > 0
    counts = np.zeros(20)
    for _ in range(2000):
        counts[tuner.ask(0.1).arm] += 1
    assert (abs(counts / 2000 - p) < 5 * np.sqrt(p * (1 - p) / 2000) + 1e-12).all()


def test_systems_drawn_with_the_same_seed_do_not_choose_the_arms():
    """default_rng(7) and a tuner of seed 7 once shared their numbers: the random policy then followed the context."""
    contexts, tuner = np.random.default_rng(7).uniform(-0.15, 0.45, 500), new(Random(), seed=7)
    arms = [tuner.ask(float(c)).arm for c in contexts]
    assert abs(np.corrcoef(contexts, arms)[0, 1]) < 0.15
    assert arms != [new(Random(), seed=8).ask(float(c)).arm for c in contexts]


@pytest.mark.parametrize("estimator", ["iw", "rv"])
def test_the_probability_of_the_draw_is_used_however_late_the_cost_comes(estimator):
    """T2: by the time a batch is told, the probabilities of `ask` are long gone."""
    tuner = new(Tsallis(estimator), cost_offset=0)
    play(tuner, 300, np.random.default_rng(0))
    late = tuner.ask(0.0)
    play(tuner, 300, np.random.default_rng(1))
    assert abs(tuner.policy.probabilities(None)[late.arm] / late.prob - 1) > 0.05
    before = tuner.policy.weighted[late.arm]
    tuner.tell(late.id, 10.0)
    assert tuner.policy.weighted[late.arm] - before == pytest.approx(10.0 / late.prob, rel=1e-9)


def test_chebcb_measures_the_prediction_that_was_made_at_the_draw():
    tuner = new(ChebCB.literal(), cost_offset=0)
    play(tuner, 60, np.random.default_rng(0))
    late = tuner.ask(0.2)
    guess = tuner.policy.theta[late.arm] @ chebyshev(INTERVAL.place(0.2), 6)
    play(tuner, 100, np.random.default_rng(1))
    before = tuner.policy.missed
    tuner.tell(late.id, 10.0)
    assert tuner.policy.missed - before == pytest.approx((guess - 10.0) ** 2, rel=1e-6)


def test_a_batch_may_be_told_in_any_order():
    """Of Tsallis-INF, whose sums do not care."""
    costs = {i: 10.0 + i for i in range(6)}
    states = []
    for order in ([0, 1, 2, 3, 4, 5], [5, 2, 0, 1, 4, 3]):
        tuner = new(Tsallis("iw"))
        trials = {t.id: t for t in (tuner.ask(0.0) for _ in range(6))}
        assert tuner.open == tuple(range(6))
        for i in order:
            tuner.tell(trials[i].id, costs[i])
        states.append(tuner.policy.weighted)
        assert tuner.open == ()
    np.testing.assert_allclose(states[0], states[1], rtol=1e-14)


@every
def test_lost_trials_teach_nothing(policy):
    tuner = new(policy)
    play(tuner, 20, np.random.default_rng(0))
    before = tuner.policy.state()
    lost = [tuner.ask(0.0).id for _ in range(10)]
    for i in lost[:5]:
        tuner.drop(i)
    assert tuner.policy.state() == before
    assert set(lost[5:]) <= set(tuner.open)


def test_ids_are_checked():
    tuner = new(Tsallis())
    trial = tuner.ask(0.0)
    with pytest.raises(BadInput, match="never asked for"):
        tuner.tell(1, 10)
    tuner.tell(trial.id, 10)
    with pytest.raises(BadInput, match="told or dropped before"):
        tuner.tell(trial.id, 10)
    with pytest.raises(BadInput, match="not open"):
        tuner.drop(trial.id)


@pytest.mark.parametrize("value", [math.nan, math.inf, -1, None, "fast"])
def test_a_cost_without_a_failure_is_a_number(value):
    tuner = new(Tsallis())
    trial = tuner.ask(0.0)
    with pytest.raises(BadInput, match="a cost cannot be used") as caught:
        tuner.tell(trial.id, value, Status.CONVERGED)
    assert "with its status" in str(caught.value)
    tuner.tell(trial.id, 10)  # still open


@every
@pytest.mark.parametrize("value", [math.nan, math.inf, None, 10_000])
def test_a_failure_is_dear_and_finite(policy, value):
    tuner = new(policy, cap=10_000, penalty=2.0)
    for _ in range(30):
        trial = tuner.ask(0.0)
        tuner.tell(
            trial.id, value, Status.MAX_STEPS, factor=None if value is None else 1.0
        ) if trial.id % 3 else tuner.tell(trial.id, 50, factor=0.9)
    json.dumps(tuner.state_dict(), allow_nan=False)
    assert np.isfinite(tuner.ask(0.0).prob)
    assert tuner.statuses == {"MAX_STEPS": 20}


def test_what_a_failure_is_charged():
    tuner = Tuner(grid("w", 0.0, 1.0, 1), Tsallis("iw"), penalty=3.0)
    for given, status, loss in [
        (50, None, 49),
        (None, Status.DIVERGED, 149),  # 3 x the largest so far, less the offset
        (math.inf, Status.NONFINITE, 149),  # failures do not raise the price of failures
        (200, Status.MAX_STEPS, 599),
        (0, Status.CONVERGED_ZERO_RHS, 0),  # T4: no loss below 0
        (1, Status.EVALUATED, 0),
    ]:
        before = tuner.policy.total
        tuner.tell(tuner.ask().id, given, status)
        assert tuner.policy.total - before == pytest.approx(loss)
    capped = Tuner(grid("w", 0.0, 1.0, 1), Tsallis("iw"), cap=1000, penalty=1.0)
    capped.tell(capped.ask().id, 200, Status.STAGNATED)
    assert capped.policy.total == 999
    seconds = Tuner(grid("w", 0.0, 1.0, 1), Tsallis("iw"), cost_offset=0)
    seconds.tell(seconds.ask().id, 0.003)
    assert seconds.policy.total == 0.003


def test_failures_before_the_first_success_wait_for_it():
    """Charged at once they would cost four iterations, and the arm that fails would look the best of all."""
    tuner = Tuner(grid("w", 0.0, 1.0, 1), Tsallis("iw"), penalty=2.0)
    for cost in (None, 3):
        tuner.tell(tuner.ask().id, cost, Status.DIVERGED)
    assert tuner.policy.total == 0.0
    other = Tuner(grid("w", 0.0, 1.0, 1), Tsallis("iw"), penalty=2.0)
    other.load_state_dict(through_json(tuner.state_dict()))
    for one in (tuner, other):
        one.tell(one.ask().id, 301)
        assert one.policy.total == 300 + 2 * 601
        assert one.statuses == {"DIVERGED": 2}
    arms = [0, 0]
    for seed in range(10):
        tuner = Tuner(grid("w", 0.0, 1.0, 2), Tsallis(), seed=seed)
        for _ in range(60):
            trial = tuner.ask()
            arms[trial.arm or 0] += 1
            tuner.tell(trial.id, None if trial.arm == 0 else 300, Status.DIVERGED if trial.arm == 0 else None)
    assert arms[0] < 0.4 * arms[1], arms


@pytest.mark.parametrize("policy", [Tsallis(), ChebCB(), Surface()], ids=["tsallis", "chebcb", "surface"])
@pytest.mark.parametrize("cost", [None, 20_000])
def test_no_policy_waits_for_ever_where_most_arms_fail(policy, cost):
    """Surface asks for the first arm until it learns something: were failures kept waiting, it would ask for ever."""
    tuner, good = Tuner(OMEGA, policy, seed=0), 0
    for _ in range(300):
        trial = tuner.ask()
        fine = 1.3 <= trial.params["omega"] <= 1.6
        good += fine
        tuner.tell(trial.id, 40 if fine else cost, Status.CONVERGED if fine else Status.MAX_STEPS)
    assert good > 200
    assert len(tuner.state_dict()["waiting"]) == 0


def test_failing_arms_are_left():
    tuner = Tuner(grid("w", 0.0, 1.0, 5), Tsallis(), seed=0)
    arms = []
    for _ in range(500):
        trial = tuner.ask()
        arms.append(trial.arm)
        tuner.tell(trial.id, 40, Status.DIVERGED if trial.arm in (1, 2) else Status.CONVERGED)
    assert sum(arm in (1, 2) for arm in arms[-100:]) < 15


def test_contexts_are_checked_and_clipped():
    tuner = new(ChebCB())
    with pytest.raises(BadInput, match="needs a context"):
        tuner.ask()
    with pytest.raises(BadInput, match="no finite number"):
        tuner.ask(math.nan)
    with pytest.raises(BadInput, match="without contexts"):
        Tuner(OMEGA, ChebCB()).ask(0.1)
    assert tuner.ask(1e6).context == 1e6
    for _ in range(50):
        tuner.tell(tuner.ask(1e6).id, 30)
    assert (abs(tuner.policy.estimates(INTERVAL.place(1e9))) < 1e3).sum() > 10  # T8: no 10^30
    assert np.array_equal(
        tuner.policy.estimates(INTERVAL.place(0.45)), tuner.policy.estimates(INTERVAL.place(1e9)), equal_nan=True
    )


@pytest.mark.parametrize(
    ("space", "good"),
    [
        (grid("drop", 1e-6, 1e-1, 6, scale="log"), {"drop": 1e-3}),
        (Categorical("smoother", ("jacobi", "sor", "chebyshev")), {"smoother": "sor"}),
        (
            Product((Categorical("cycle", ("V", "W")), Ordered("weight", (0.5, 0.67, 0.8, 1.0)))),
            {"cycle": "W", "weight": 0.67},
        ),
    ],
    ids=["drop tolerance", "category", "product"],
)
@pytest.mark.parametrize("policy", [Tsallis(), ChebCB(), Surface()], ids=["tsallis", "chebcb", "surface"])
def test_any_parameter_can_be_tuned(space, good, policy):
    tuner, rng, played = Tuner(space, policy, seed=0, cost_offset=0.0), np.random.default_rng(0), []
    for _ in range(400):
        trial = tuner.ask()
        wrong = sum(
            abs(math.log(trial.params[k] / v)) if isinstance(v, float) else trial.params[k] != v
            for k, v in good.items()
        )
        tuner.tell(trial.id, 1e-3 * (1 + wrong) * rng.uniform(0.9, 1.1))
        played.append(all(trial.params[k] == pytest.approx(v) for k, v in good.items()))
    assert np.mean(played[-100:]) > 0.6


@pytest.mark.parametrize("options", [{"cap": math.inf}, {"penalty": 0.5}, {"cost_offset": -1.0}])
def test_wrong_options_are_refused(options):
    with pytest.raises(BadInput, match="of a tuner"):
        new(Tsallis(), **options)
