"""A plain SOR for the 5-point stencil with a shift, written apart from pdekit's own: what the tuners are measured on."""

import math
from dataclasses import dataclass

import numba
import numpy as np
import pytest

from pdekit.linear.tuning import Outcome
from pdekit.solution import Status

LIMIT = 10_000


@numba.njit(cache=True)
def relax(shift, b, omega, target, limit, x):
    """Sweeps on x (m + 2, m + 2), rims 0, until |b - A x| < target; (sweeps, factor of the last one, reached).

    r' = (1/omega - 1) D delta - L^T delta, delta = x' - x: the residual costs no second product.
    """
    m = x.shape[0] - 2
    diagonal = 4.0 + shift
    delta = np.zeros((m + 2, m + 2))
    last, now = 0.0, 0.0
    for k in range(1, limit + 1):
        for i in range(1, m + 1):
            for j in range(1, m + 1):
                beside = x[i - 1, j] + x[i, j - 1] + x[i + 1, j] + x[i, j + 1]
                new = (1.0 - omega) * x[i, j] + omega / diagonal * (b[(i - 1) * m + j - 1] + beside)
                delta[i, j] = new - x[i, j]
                x[i, j] = new
        last, now = now, 0.0
        for i in range(1, m + 1):
            for j in range(1, m + 1):
                r = (1.0 / omega - 1.0) * diagonal * delta[i, j] + delta[i + 1, j] + delta[i, j + 1]
                now += r * r
        if now < target * target:
            return k, math.sqrt(now / last) if last > 0.0 else 0.0, True
    return limit, math.sqrt(now / last) if last > 0.0 else 0.0, False


@numba.njit(cache=True)
def counts(shifts, rhs, omegas, eps, limit):
    """(T, d) sweeps of every system with every omega."""
    m = int(math.sqrt(rhs.shape[1]))
    out = np.zeros((shifts.size, omegas.size))
    for t in range(shifts.size):
        target = eps * math.sqrt(np.sum(rhs[t] ** 2))
        for i in range(omegas.size):
            out[t, i] = relax(shifts[t], rhs[t], omegas[i], target, limit, np.zeros((m + 2, m + 2)))[0]
    return out


def sweeps(system, omega, eps=1e-8):
    """Sweeps from x = 0 until |r| < eps |r_0|."""
    m = math.isqrt(system.rhs.size)
    return relax(system.shift, system.rhs, omega, eps * np.linalg.norm(system.rhs), LIMIT, np.zeros((m + 2, m + 2)))


@dataclass(frozen=True)
class Reference:
    """What the tests get: `sweeps`, and a `solve` for races, which heeds budgets."""

    relax = staticmethod(relax)
    sweeps = staticmethod(sweeps)

    @staticmethod
    def counts(stream, omegas, eps=1e-8):
        return counts(stream.shifts, stream.rhs, np.asarray(omegas, float), eps, LIMIT)

    @staticmethod
    def solve(system, trial, eps=1e-8):
        m = math.isqrt(system.rhs.size)
        x, target = np.zeros((m + 2, m + 2)), eps * np.linalg.norm(system.rhs)
        limit = LIMIT if trial.budget is None else max(1, int(trial.budget))
        k, factor, reached = relax(system.shift, system.rhs, trial.params["omega"], target, limit, x)
        if not reached and trial.fallback is not None:
            more, factor, reached = relax(system.shift, system.rhs, trial.fallback["omega"], target, LIMIT - k, x)
            k += more
        return Outcome(float(k), Status.CONVERGED if reached else Status.MAX_STEPS, float(factor))


@pytest.fixture(scope="session")
def sor():
    return Reference()
