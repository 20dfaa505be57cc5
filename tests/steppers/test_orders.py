"""Every scheme against its nominal order, from both sides, and ETDRK4 against its tables."""

from itertools import pairwise

import numpy as np
import pytest
from pseudospectral import burgers, cole_hopf, kdv, ks, run, soliton

from pdekit.steppers import STEPPERS
from pdekit.steppers.etdrk import ETDRK4
from pdekit.steppers.runge_kutta import Explicit

NAMES = sorted(n for n, s in STEPPERS.items() if not (n == "exact" or s.flow or issubclass(s, Explicit)))
# on KdV, where others begin at 50: their regions hold little of the imaginary axis, coarser steps grow
STEPS = {"sbdf3": 400, "sbdf4": 200, "etdab4": 100}


@pytest.fixture(scope="module")
def references():
    smooth, waves = burgers(64), kdv(128)
    return {
        "burgers": (smooth, 1.0, run(ETDRK4(), smooth, 1.0, 1280)),
        "kdv": (waves, 0.25, run(ETDRK4(), waves, 0.25, 4000)),
    }


def orders(name, case, T, exact, first):
    errors = [abs(run(STEPPERS[name](), case, T, first * 2**i) - exact).max() for i in range(4)]
    return np.log2(np.divide(errors[:-1], errors[1:]))


@pytest.mark.parametrize("name", NAMES)
def test_order_on_burgers(name, references):
    found = orders(name, *references["burgers"], 20)
    assert np.all(abs(found - STEPPERS[name].order) < 0.15), found


@pytest.mark.parametrize("name", NAMES)
def test_order_on_kdv(name, references):
    found = orders(name, *references["kdv"], STEPS.get(name, 50))
    assert np.all(abs(found - STEPPERS[name].order) < 0.15), found


def logistic(u, t, h):
    return 1 / (1 + (1 / u - 1) * np.exp(-h))


class Fisher:
    """u_t = u_xx + u (1 - u) on 32 points, L applied by its transform."""

    def __init__(self):
        self.L, self.n = -(np.arange(17.0) ** 2), 32
        x = 2 * np.pi * np.arange(32) / 32
        self.v0 = np.fft.rfft(0.3 + 0.2 * np.cos(x))[None, None]

    def N(self, v, t):
        u = np.fft.irfft(v)
        return np.fft.rfft(u * (1 - u))

    def flow(self, v, t, h):
        return np.fft.rfft(logistic(np.fft.irfft(v), t, h))


@pytest.mark.parametrize("name", ["lie", "strang"])
def test_order_of_splitting(name):
    case = Fisher()
    exact = run(ETDRK4(), case, 1.0, 400)
    case.N = case.flow
    found = orders(name, case, 1.0, exact, 10)
    assert np.all(abs(found - STEPPERS[name].order) < 0.15), found


class Swing:
    """Two modes driven by each other and by the clock: not stiff, wholly nonlinear."""

    L = np.array([-1.0, 0.5j])
    v0 = np.array([[[1.0 + 0.5j, -0.3 + 1j]]])

    def N(self, v, t):
        return v * v[..., ::-1] * np.cos(3 * t) + np.sin(v)


@pytest.mark.parametrize("name", ["rk4", "rk32", "rk54"])
def test_order_of_explicit_schemes(name):
    found = orders(name, Swing(), 1.0, run(STEPPERS["rk54"](), Swing(), 1.0, 2000), 25)
    assert np.all(abs(found - STEPPERS[name].order) < 0.15), found


@pytest.mark.parametrize("name", ["rk32", "rk54"])
def test_order_of_the_embedded_error(name):
    def error(h):
        stepper = STEPPERS[name]().prepare(Swing.L, h)
        return abs(stepper.step_with_error(Swing.v0, 0.2, Swing().N)[1]).max()

    found = np.log2([error(h) / error(h / 2) for h in (0.05, 0.025, 0.0125)])
    assert np.all(abs(found - STEPPERS[name].order) < 0.15), found


def relative(u, exact):
    return np.linalg.norm(u - exact) / np.linalg.norm(exact)


@pytest.mark.parametrize(("steps", "error"), [(10, 1.6e-5), (20, 1.1e-6), (40, 7.6e-8), (80, 4.9e-9), (160, 3.1e-10)])
def test_etdrk4_on_burgers_as_tabled(steps, error):
    case = burgers()
    found = relative(case.field(run(ETDRK4(), case, 1.0, steps))[0], cole_hopf(case.x, 1.0))
    assert error / 1.5 < found < 1.5 * error, found


@pytest.mark.parametrize(("steps", "error"), [(250, 7.5e-5), (500, 3.4e-6), (1000, 1.8e-7)])
def test_etdrk4_on_kdv_as_tabled(steps, error):
    case = kdv()
    found = relative(case.field(run(ETDRK4(), case, 2.0, steps))[0], soliton(case.x, 2.0))
    assert error / 1.5 < found < 1.5 * error, found


@pytest.mark.parametrize(("steps", "error"), [(20, 1.2e-4), (40, 3.5e-6), (80, 4.5e-7), (160, 6.6e-8), (320, 6.2e-9)])
def test_etdrk4_on_kuramoto_sivashinsky_as_tabled(steps, error):
    case = ks()
    fine, found = (case.field(run(ETDRK4(), case, 10.0, s)) for s in (1280, steps))
    assert error / 1.5 < relative(found, fine) < 1.5 * error, relative(found, fine)


def test_cn_rk4_is_of_fourth_order_where_there_is_no_linear_part():
    ends = []
    for n in (10, 20, 40, 80):
        stepper, v = STEPPERS["cn-rk4"]().prepare(np.zeros((1, 1, 2)), 1.0 / n), np.array([[[1.0, 0.5]]], complex)
        for k in range(n):
            v = stepper.step(v, k / n, lambda v, t: v * np.cos(t) - 0.3 * v**2)
        ends.append(v)
    gaps = [np.abs(a - b).max() for a, b in pairwise(ends)]
    assert [np.log2(a / b) for a, b in pairwise(gaps)] == pytest.approx([4.0, 4.0], abs=0.05)
