import numpy as np
import pytest

from pdekit.errors import BadInput
from pdekit.linear.tuning import (
    AdaptiveYoung,
    Capped,
    ChebCB,
    Discounted,
    Fixed,
    Interval,
    Random,
    ShiftedSystems,
    Surface,
    Tsallis,
    Tuner,
    grid,
)

SPACE = grid("w", 0.0, 1.0, 10)
HORIZON = 2000


def flipping(policy, seed, horizon=HORIZON):
    """Costs (horizon,) on a stream whose best setting jumps from 0.2 to 0.8 half-way; costs of the best fixed one."""
    tuner, rng = Tuner(SPACE, policy, seed=seed), np.random.default_rng(seed)
    values = np.array([arm["w"] for arm in SPACE.arms])
    best = np.where(np.arange(horizon) < horizon // 2, 0.2, 0.8)
    table = 20 + 150 * abs(values[None] - best[:, None]) + rng.uniform(0, 10, (horizon, 1))
    costs = np.zeros(horizon)
    for t in range(horizon):
        trial = tuner.ask()
        costs[t] = table[t, trial.arm]
        tuner.tell(trial.id, float(costs[t]))
    return costs, table


def recovery(costs, table):
    """Share of the horizon until a mean of 100 costs after the flip is within 1.5 of the best arm's; 0.5 for never."""
    half = len(costs) // 2
    near = np.convolve(costs[half:] / table[half:].min(1), np.ones(100) / 100, "valid") < 1.5
    return (np.argmax(near) if near.any() else half) / len(costs)


@pytest.mark.parametrize("seeds", [1, pytest.param(5, marks=pytest.mark.slow)])
@pytest.mark.parametrize("inner", [Tsallis(), ChebCB(), Surface()], ids=["tsallis", "chebcb", "surface"])
def test_who_forgets_turns_round_soon_after_a_flip(inner, seeds):
    """A17. Measured, 2 seeds: Tsallis 0.33 of the horizon, ChebCB never, Surface 0.15; forgetting 0.04, 0.06 and 0.00."""
    found = {"plain": [], "discounted": []}
    for seed in range(seeds):
        for name, policy in {"plain": inner, "discounted": Discounted(inner, 0.995)}.items():
            costs, table = flipping(policy, seed)
            found[name].append((costs.sum() / table.sum(0).min(), recovery(costs, table)))
    plain, discounted = np.array(found["plain"]), np.array(found["discounted"])
    print(f"\n{inner}: total / best fixed, recovery {plain.mean(0).round(3)}, discounted {discounted.mean(0).round(3)}")
    assert (plain[:, 0] <= 2).all()
    assert discounted[:, 1].mean() <= 0.1
    assert (discounted[:, 1] <= 0.2).all()
    assert discounted[:, 1].mean() < plain[:, 1].mean()
    assert discounted[:, 0].mean() < plain[:, 0].mean()


def test_forgetting_keeps_the_rate_from_falling():
    tuner = Tuner(SPACE, Discounted(Tsallis("iw"), 0.9), seed=0)
    for _ in range(300):
        tuner.tell(tuner.ask().id, 10)
    assert tuner.policy.part.rate == pytest.approx(2 / np.sqrt(1 + 10), rel=1e-6)
    assert tuner.policy.part.mean_loss == pytest.approx(9.0)


def test_who_cannot_forget_says_so():
    with pytest.raises(BadInput, match="policy Random cannot forget"):
        Tuner(SPACE, Discounted(Random()))
    with pytest.raises(BadInput, match="between 0 and 1"):
        Discounted(Tsallis(), 1.0)


def test_a_budget_is_a_multiple_of_what_the_best_known_arm_costs():
    tuner = Tuner(SPACE, Capped(Tsallis("iw"), factor=3), seed=0)
    first = tuner.ask()
    assert first.budget is None
    assert first.fallback is None
    tuner.tell(first.id, 41)
    for _ in range(20):
        trial = tuner.ask()
        if trial.arm == first.arm:
            assert trial.budget is None
        else:
            assert trial.budget == 121  # 3 x 40, and the one that is unavoidable
            assert trial.fallback == first.params
        tuner.drop(trial.id)


def test_who_expects_no_costs_cannot_be_capped():
    for policy in (Random(), Fixed({"w": 0.0})):
        with pytest.raises(BadInput, match="no budget can be set"):
            Tuner(SPACE, Capped(policy))
    with pytest.raises(BadInput, match="factor of Capped"):
        Capped(Tsallis(), factor=0.5)
    with pytest.raises(BadInput, match="no budget can be set"):
        Tuner(grid("omega", 1.0, 1.9), Capped(AdaptiveYoung()))


def test_caps_make_the_first_trials_cheap(sor):
    stream = ShiftedSystems(80, "high", seed=0)
    total = {}
    for name, policy in {"plain": ChebCB(), "capped": Capped(ChebCB())}.items():
        tuner = Tuner(grid("omega", 1.0, 1.95), policy, context=Interval(-0.15, 0.45), seed=0)
        total[name] = 0.0
        for system in stream:
            trial = tuner.ask(system.shift)
            outcome = sor.solve(system, trial)
            assert outcome.status.converged  # also where the fallback ended it
            tuner.tell(trial.id, outcome.cost, outcome.status)
            total[name] += outcome.cost
    assert total["capped"] < 0.8 * total["plain"]  # measured: 0.66 over the first 100
