import numpy as np
import pytest

from pdekit.errors import BadInput
from pdekit.linear.tuning import Categorical, Interval, Ordered, Product, Surface, Tuner, grid
from pdekit.linear.tuning.context import Place, chebyshev
from pdekit.linear.tuning.policy import Choice, Told

SPACE = grid("w", 1.0, 2.0, 5)


def test_the_surface_is_the_gaussian_process_it_claims_to_be():
    """Against the formula with the kernel matrix of all data at once."""
    policy, rng = Surface(terms=4, reach=0.5, amplitude=1.2, noise=0.3), np.random.default_rng(0)
    policy.start(SPACE, True)
    seen = [
        (int(rng.integers(5)), Place(0.0, float(rng.uniform(-1, 1))), float(rng.uniform(5, 500))) for _ in range(30)
    ]
    for arm, place, loss in seen:
        policy.learn(Choice(arm, 1.0), place, Told(loss))

    def kernel(one, other):
        far = np.sqrt(3) * abs(one[0] - other[0]) / 4 / 0.5
        f, g = chebyshev(one[1], 4), chebyshev(other[1], 4)
        return (1 + far) * np.exp(-far) * np.sum(f * g * (1.2 / (1 + np.arange(4))) ** 2)

    unit = seen[0][2] / 100
    y = np.log1p([loss / unit for *_, loss in seen]) - np.log(101)
    K = np.array([[kernel(a, b) for b in seen] for a in seen]) + 0.09 * np.eye(30)
    new = [(arm, Place(0.0, 0.37)) for arm in range(5)]
    cross = np.array([[kernel(a, b) for b in seen] for a in new])
    mu = cross @ np.linalg.solve(K, y)
    sd = np.sqrt([kernel(a, a) - k @ np.linalg.solve(K, k) for a, k in zip(new, cross, strict=True)])
    np.testing.assert_allclose(policy.estimates(new[0][1]), unit * np.expm1(mu + np.log(101)), rtol=1e-9)
    for kappa in (0.0, 3.0):
        policy.kappa = kappa
        assert policy.probabilities(new[0][1]).argmax() == np.argmin(mu - kappa * np.sqrt(1 + np.log(31) / 2) * sd)


def test_neighbours_learn_from_each_other_and_far_arms_do_not():
    policy = Surface(reach=0.2)
    policy.start(grid("w", 0.0, 1.0, 21), False)
    for _ in range(20):
        policy.learn(Choice(10, 1.0), None, Told(100.0))
        policy.learn(Choice(20, 1.0), None, Told(400.0))
    expected = policy.estimates(None)
    assert expected[10] == pytest.approx(100, rel=0.02)
    assert expected[19] > 300
    assert expected[0] == pytest.approx(100, rel=0.1)  # the prior: the first loss


def test_covariance_stays_symmetric_to_the_bit_and_positive():
    tuner = Tuner(SPACE, Surface(), context=Interval(0.0, 1.0))
    rng = np.random.default_rng(0)
    for _ in range(600):
        tuner.tell(tuner.ask(rng.random()).id, 10 + rng.random())
    P = tuner.policy.covariance
    assert (P.T == P).all()
    assert np.linalg.eigvalsh(P)[0] > -1e-12


def test_a_share_of_draws_is_uniform_if_asked():
    policy = Surface(uniform=0.2)
    policy.start(SPACE, False)
    p = policy.probabilities(None)
    assert sorted(p.round(12)) == [0.04, 0.04, 0.04, 0.04, 0.84]


def test_the_best_of_a_product_is_found():
    space = Product((Categorical("smoother", ("a", "b")), Ordered("w", tuple(np.linspace(0, 1, 11)))))
    tuner, rng, plays = Tuner(space, Surface(), seed=0), np.random.default_rng(0), []
    for _ in range(150):
        trial = tuner.ask()
        best = {"a": 0.3, "b": 0.8}[trial.params["smoother"]]
        cost = (20 if trial.params["smoother"] == "a" else 30) * (1 + 4 * (trial.params["w"] - best) ** 2)
        plays.append(trial.params)
        tuner.tell(trial.id, cost * rng.uniform(0.9, 1.1))
    assert all(p["smoother"] == "a" and abs(p["w"] - 0.3) < 0.15 for p in plays[-20:])


def test_fading_goes_back_to_the_prior():
    policy = Surface()
    policy.start(SPACE, False)
    prior = policy.covariance.copy()
    policy.learn(Choice(2, 1.0), None, Told(10.0))
    policy.learn(Choice(2, 1.0), None, Told(100.0))
    assert abs(policy.covariance - prior).max() > 0.5
    for _ in range(2000):
        policy.fade(0.97)
    np.testing.assert_allclose(policy.covariance, prior, atol=1e-12)
    np.testing.assert_allclose(policy.mean, 0, atol=1e-10)


def test_too_large_and_wrong_surfaces_are_refused():
    with pytest.raises(BadInput, match="too slow") as caught:
        Tuner(grid("w", 0.0, 1.0, 200), Surface(), context=Interval(0.0, 1.0))
    assert "200 arms x 8 terms" in str(caught.value)
    assert "ChebCB" in str(caught.value)
    with pytest.raises(BadInput, match="options of Surface"):
        Surface(noise=0.0)
