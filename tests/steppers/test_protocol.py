"""What holds for every stepper, or for a named few: batches, namespaces, types, invariants, memory."""

import numpy as np
import pytest
import torch
from pseudospectral import burgers, kdv, run

from pdekit.errors import BadInput
from pdekit.steppers import STEPPERS
from pdekit.steppers.multistep import VariableCNAB2, VariableSBDF2

ALL = pytest.mark.parametrize("name", sorted(STEPPERS))


def cubic(v, t):
    return 0.1 * v * v + 0.01 * t * v


def pushed(v, t, h):
    return v + h * cubic(v, t)


@pytest.fixture
def case():
    rng = np.random.default_rng(0)
    return -np.linspace(0, 50, 9) + 1j * np.linspace(0, 3, 9), rng.normal(size=(4, 2, 9)) + 1j * rng.normal(
        size=(4, 2, 9)
    )


def march(name, L, v, steps=6, dt=0.05):
    stepper = STEPPERS[name]().prepare(L, dt)
    for i in range(steps):
        v = stepper.step(v, i * dt, pushed if stepper.flow else cubic)
    return v


@ALL
def test_a_batch_is_its_samples(name, case):
    L, v = case
    together = march(name, L, v)
    assert abs(together - np.concatenate([march(name, L, one[None]) for one in v])).max() < 1e-12


@ALL
def test_torch_as_numpy(name, case):
    L, v = case
    assert abs(march(name, torch.asarray(L), torch.asarray(v)).numpy() - march(name, L, v)).max() < 1e-12


@ALL
def test_single_precision_state_stays_single(name, case):
    L, v = case
    single = march(name, L, v.astype(np.complex64))
    assert single.dtype == np.complex64
    np.testing.assert_allclose(single, march(name, L, v), atol=1e-5)


@ALL
def test_coefficients_of_a_single_precision_state_are_those_of_double(name):
    L = -np.logspace(-6, 3, 30)  # in float32 the weights of ETDRK cancel here by percents
    narrow, wide = (STEPPERS[name]().prepare(L.astype(t), 0.01) for t in (np.float32, np.float64))
    for key, array in wide.at(np.ones(30)).items():
        np.testing.assert_allclose(narrow.at(np.ones(30, np.float32))[key], array, rtol=3e-6, atol=1e-30, err_msg=key)


@ALL
def test_the_given_state_is_left_alone(name, case):
    L, v = case
    kept = v.copy()
    march(name, L, v)
    np.testing.assert_array_equal(v, kept)


@pytest.mark.parametrize("equation", [burgers, kdv])
@pytest.mark.parametrize("name", sorted(n for n, s in STEPPERS.items() if not (n == "exact" or s.flow)))
def test_mass_is_kept_for_a_thousand_steps(name, equation):
    case = equation(32)
    mass = lambda v: v[0, 0, 0].real / case.n  # noqa: E731
    assert abs(mass(run(STEPPERS[name](), case, 1.0, 1000)) - mass(case.v0)) < 1e-13


def test_exact_propagator_needs_no_small_steps():
    k = np.arange(20.0)
    L, v = -0.1 * k**2 + 1j * k**3, np.ones((1, 1, 20), complex)
    once = STEPPERS["exact"]().prepare(L, 1.0).step(v, 0.0)
    assert abs(once - np.exp(L)).max() < 1e-13
    small = STEPPERS["exact"]().prepare(L, 1 / 64)
    for _ in range(64):
        v = small.step(v, 0.0)
    assert abs(v - once).max() < 1e-12


@pytest.mark.parametrize("scheme", [VariableCNAB2, VariableSBDF2])
def test_variable_steps_are_second_order(scheme):
    case = burgers(64)
    exact = run(STEPPERS["etdrk4"](), case, 1.0, 1000)

    def error(pairs):
        stepper, v, t = scheme().prepare(case.L, 1 / (3 * pairs)), case.v0, 0.0
        for i in range(2 * pairs):  # steps in the ratio 1 : 2, which fixed-step weights would make first order
            stepper.change((1 + i % 2) / (3 * pairs))
            v = stepper.step(v, t, case.N)
            t += stepper.dt
        return abs(v - exact).max()

    found = np.log2([error(20) / error(40), error(40) / error(80), error(80) / error(160)])
    assert np.all(abs(found - 2) < 0.15), found


@pytest.mark.parametrize("name", ["sbdf2", "sbdf4", "cnab2"])
def test_another_run_starts_afresh(name, case):
    L, v = case
    stepper = STEPPERS[name]().prepare(L, 0.05)
    first = stepper.step(v, 0.0, cubic)
    for _ in range(5):
        first = stepper.step(first, 0.0, cubic)
    np.testing.assert_array_equal(stepper.step(v, 0.0, cubic), STEPPERS[name]().prepare(L, 0.05).step(v, 0.0, cubic))


@pytest.mark.parametrize("dt", [0.0, -1.0, float("nan"), float("inf")])
def test_a_useless_dt_is_refused(dt):
    with pytest.raises(BadInput, match=r"time step cannot be used.\n  in stepper etdrk4"):
        STEPPERS["etdrk4"]().prepare(np.zeros(3), dt)


def test_a_symbol_of_nan_is_refused():
    with pytest.raises(BadInput, match="holds NaN"):
        STEPPERS["etdrk4"]().prepare(np.array([0.0, np.nan]), 0.1)


def test_a_real_state_under_a_complex_symbol_is_refused():
    with pytest.raises(BadInput, match="the linear symbol is complex and the state is real"):
        STEPPERS["exact"]().prepare(np.array([1j]), 0.1).step(np.ones((1, 1, 1)), 0.0)
