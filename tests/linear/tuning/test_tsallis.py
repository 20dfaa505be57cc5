import numpy as np
import pytest

from pdekit.errors import BadInput
from pdekit.linear.tuning import Tsallis, Tuner, grid
from pdekit.linear.tuning.policy import Choice, Told

SPACE = grid("w", 0.0, 1.0, 5)
SEEDS = 2
MEANS = np.array([0.7, 0.5, 0.3, 0.5, 0.9])


def trained(estimator, rounds, seed=0):
    tuner = Tuner(SPACE, Tsallis(estimator), seed=seed, cost_offset=0.0)
    rng = np.random.default_rng(seed)
    for _ in range(rounds):
        trial = tuner.ask()
        tuner.tell(trial.id, float(rng.random() < MEANS[trial.arm]))
    return tuner.policy


def estimate(policy):
    return policy.weighted / policy.mean_loss + policy.baseline


@pytest.mark.parametrize("rounds", [0, 3, 400])
@pytest.mark.parametrize("estimator", ["iw", "rv"])
def test_the_estimator_is_unbiased(estimator, rounds):
    """A10 without chance: the increments of Lhat, averaged over the arms with the probabilities of the draw, are the losses."""
    losses, scale = np.array([3.0, 1.0, 4.0, 1.0, 5.0]), trained(estimator, rounds).mean_loss
    expected = np.zeros(5)
    p = trained(estimator, rounds).probabilities(None)
    for arm in range(5):
        policy = trained(estimator, rounds)
        memory = {"baseline": np.flatnonzero(p >= policy.rate**2).tolist()} if estimator == "rv" else {}
        before = policy.weighted / scale + policy.baseline
        policy.learn(Choice(arm, float(p[arm]), memory), None, Told(float(losses[arm])))
        expected += p[arm] * (policy.weighted / scale + policy.baseline - before)
    np.testing.assert_allclose(expected, losses / scale, rtol=1e-12)


def test_the_baseline_is_at_work():
    """Else the reduced-variance form would pass as importance weighting."""
    policy = trained("rv", 400)
    p = policy.probabilities(None)
    assert 0 < (p >= 16 / 401).sum() < 5
    choice = policy.choose(None, np.random.default_rng(0))
    assert choice.memory["baseline"] == np.flatnonzero(p >= 16 / 401).tolist()
    others = [i for i in choice.memory["baseline"] if i != choice.arm]
    before = policy.baseline.copy()
    policy.learn(choice, None, Told(1.0))
    assert others
    np.testing.assert_allclose(policy.baseline[others] - before[others], 0.5)
    assert abs(policy.baseline).max() > 0.5


def test_monte_carlo_increments_are_the_losses():
    losses, policy, rng = np.array([3.0, 1.0, 4.0, 1.0, 5.0]), trained("rv", 400), np.random.default_rng(1)
    p, state, scale, total, draws = policy.probabilities(None), policy.state(), policy.mean_loss, np.zeros(5), 4000
    squares = np.zeros(5)
    for _ in range(draws):
        policy.restore(state)
        choice = policy.choose(None, rng)
        before = policy.weighted / scale + policy.baseline
        policy.learn(choice, None, Told(float(losses[choice.arm])))
        gain = policy.weighted / scale + policy.baseline - before
        total += gain
        squares += gain**2
    mean = total / draws
    error = np.sqrt((squares / draws - mean**2) / draws)
    assert p.min() < 0.1
    assert (abs(mean - losses / scale) < 4 * error).all()


@pytest.mark.parametrize(("estimator", "factor"), [("iw", 2.0), ("rv", 4.0)])
def test_three_rounds_by_hand(estimator, factor):
    policy = Tsallis(estimator)
    policy.start(grid("w", 0.0, 1.0, 2), False)
    assert policy.rate == factor
    policy.learn(Choice(0, 0.5), None, Told(6.0))  # Lhat = 12 / 6 = 2 and 0
    assert policy.rate == pytest.approx(factor / np.sqrt(2))
    np.testing.assert_allclose(estimate(policy), [2.0, 0.0])
    policy.learn(Choice(1, 0.25), None, Told(2.0))  # s = 4: 12 / 4 and 8 / 4
    np.testing.assert_allclose(estimate(policy), [3.0, 2.0])
    policy.learn(Choice(1, 0.25, {"baseline": [0, 1]}), None, Told(4.0))  # s = 4; H = 1/2 and 1/2 - 2
    np.testing.assert_allclose(estimate(policy), [3.5, 6.0 - 1.5])
    np.testing.assert_allclose(policy.estimates(None), [6.0, 3.0])


@pytest.mark.parametrize("estimator", ["iw", "rv"])
def test_the_unit_of_losses_does_not_matter(estimator):
    """A15, bit for bit with a power of two."""

    def choices(unit):
        tuner = Tuner(SPACE, Tsallis(estimator), seed=4, cost_offset=0.0)
        rng, arms = np.random.default_rng(2), []
        for _ in range(600):
            trial = tuner.ask()
            arms.append((trial.arm, trial.prob))
            tuner.tell(trial.id, unit * (MEANS[trial.arm] + rng.random()))
        return arms

    assert choices(1.0) == choices(1024.0)
    assert len({arm for arm, _ in choices(1.0)}) == 5


def test_all_losses_zero_is_no_division_by_zero():
    tuner = Tuner(SPACE, Tsallis())
    for _ in range(50):
        tuner.tell(tuner.ask().id, 1)
    np.testing.assert_allclose(np.sum(tuner.policy.probabilities(None)), 1.0)
    assert tuner.policy.mean_loss == 1.0


def regret(estimator, rounds, seed):
    """Expected loss beyond that of the best arm, for the arms that were drawn."""
    tuner, rng = Tuner(SPACE, Tsallis(estimator), seed=seed, cost_offset=0.0), np.random.default_rng(100 + seed)
    total = 0.0
    for _ in range(rounds):
        trial = tuner.ask()
        total += MEANS[trial.arm] - MEANS.min()
        tuner.tell(trial.id, float(rng.random() < MEANS[trial.arm]))
    return total


@pytest.mark.parametrize("estimator", ["iw", "rv"])
@pytest.mark.parametrize(
    "rounds",
    [pytest.param((100, 400, 1600), id="short"), pytest.param((500, 5000, 50000), id="long", marks=pytest.mark.slow)],
)
def test_regret_grows_slower_than_the_rounds(estimator, rounds):
    """A11 on arms that cost 0 or 1. A uniform player has slope 1."""
    mean = np.array([np.mean([regret(estimator, t, seed) for seed in range(SEEDS)]) for t in rounds])
    slope = np.polyfit(np.log(rounds), np.log(mean), 1)[0]
    print(f"\n{estimator}: regret {mean.round(1)} at {rounds}, slope {slope:.2f}")
    assert (np.diff(mean / rounds) < 0).all()
    assert slope < 0.8


def test_an_unknown_estimator_is_refused():
    with pytest.raises(BadInput, match='"iw", "rv"'):
        Tsallis("exp3")
