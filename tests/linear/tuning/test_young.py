import math

import numpy as np
import pytest

from pdekit.errors import BadInput
from pdekit.linear.tuning import AdaptiveYoung, Categorical, ShiftedSystems, Tuner, grid
from pdekit.linear.tuning.young import jacobi_radius, young_omega

OMEGA = grid("omega", 1.0, 1.95)


@pytest.mark.parametrize(("m", "omega"), [(10, 1.5604), (20, 1.7406), (31, 1.8215), (63, 1.9065)])
def test_youngs_omega_of_the_model_problem(m, omega):
    assert young_omega(math.cos(math.pi / (m + 1))) == pytest.approx(omega, abs=5e-5)
    assert young_omega(math.cos(math.pi / (m + 1))) == pytest.approx(2 / (1 + math.sin(math.pi / (m + 1))), rel=1e-13)


@pytest.mark.parametrize("beta", [0.3, 0.9, 0.9595, 0.999])
@pytest.mark.parametrize("share", [0.0, 0.5, 0.9])
def test_the_radius_is_got_back_from_the_factor(beta, share):
    omega = 1 + share * (young_omega(beta) - 1)
    factor = 0.25 * (omega * beta + math.sqrt(omega**2 * beta**2 - 4 * (omega - 1))) ** 2
    assert jacobi_radius(factor, omega) == pytest.approx(beta, rel=1e-12)


@pytest.mark.parametrize("factor", [0.8, 0.7, 0.8005, 1.0, 1.2])
def test_nothing_is_read_off_right_of_the_best_omega(factor):
    assert jacobi_radius(factor, 1.8) is None


def test_one_matrix_needs_few_probes(sor):
    stream = ShiftedSystems(60, "low", seed=0)
    tuner = Tuner(OMEGA, AdaptiveYoung())
    omegas = []
    for system in stream:
        system = system._replace(shift=0.0)
        trial = tuner.ask()
        omegas.append(trial.params["omega"])
        k, factor, _ = sor.sweeps(system, omegas[-1])
        tuner.tell(trial.id, k, factor=factor)
    assert tuner.policy.probes <= 2
    assert omegas[0] == 1.0
    assert omegas[-1] == pytest.approx(1.5604, abs=1e-3)


def test_the_contexts_share_what_they_show(sor):
    stream = ShiftedSystems(150, "high", seed=0)
    tuner = Tuner(OMEGA, AdaptiveYoung(), context=stream.interval)
    off = []
    for system in stream:
        trial = tuner.ask(system.shift)
        k, factor, _ = sor.sweeps(system, trial.params["omega"])
        tuner.tell(trial.id, k, factor=factor)
        off.append(abs(trial.params["omega"] - stream.young(system.shift)))
    assert 4 <= tuner.policy.probes < 20
    assert np.median(off[100:]) < 0.01


def test_a_factor_is_needed_and_the_trial_stays_open_without():
    tuner = Tuner(OMEGA, AdaptiveYoung())
    trial = tuner.ask()
    with pytest.raises(BadInput, match="observed convergence factor"):
        tuner.tell(trial.id, 100)
    tuner.tell(trial.id, 100, factor=0.9)
    assert tuner.policy.probes == 1
    counting = Tuner(OMEGA, AdaptiveYoung(rtol=1e-8))
    counting.tell(counting.ask().id, 190)
    lam = 1e-8 ** (1 / 190)
    assert counting.ask().params["omega"] == pytest.approx(young_omega(math.sqrt(lam)), rel=1e-4)


@pytest.mark.parametrize("space", [grid("omega", 0.5, 1.9), grid("drop", 1.0, 1.9), Categorical("omega", ("a", "b"))])
def test_other_parameters_are_refused(space):
    with pytest.raises(BadInput, match="SOR's omega alone"):
        Tuner(space, AdaptiveYoung())
