"""Burgers, KdV and KS on 1D real transforms: what the steppers are tried on. A state is (n, 1, N/2 + 1) complex."""

import numpy as np
import scipy.fft


class Case:
    def __init__(self, L, symbol, flux, u0, n):
        self.n, self.x = n, L * np.arange(n) / n
        self.k = 2 * np.pi / L * np.arange(n // 2 + 1)
        self.L = symbol(self.k)
        keep = np.arange(n // 2 + 1) < n / 3
        self.factor = -1j * self.k * keep * flux
        self.v0 = scipy.fft.rfft(u0(self.x))[None, None] * keep

    def N(self, v, t):
        return self.factor * scipy.fft.rfft(scipy.fft.irfft(v, self.n) ** 2)

    def field(self, v):
        return scipy.fft.irfft(v, self.n)[:, 0]


def burgers(n=256, nu=0.1):
    return Case(2 * np.pi, lambda k: -nu * k**2, 0.5, np.sin, n)


def soliton(x, t, c=4.0, L=40.0):
    s = (x - 10 - c * t + L / 2) % L - L / 2
    return c / 2 / np.cosh(np.sqrt(c) / 2 * s) ** 2


def kdv(n=256):
    return Case(40.0, lambda k: 1j * k**3, 3.0, lambda x: soliton(x, 0.0), n)


def ks(n=128):
    return Case(32 * np.pi, lambda k: k**2 - k**4, 0.5, lambda x: np.cos(x / 16) * (1 + np.sin(x / 16)), n)


def cole_hopf(x, t, nu=0.1):
    """Burgers from sin x, by 200-point Gauss-Hermite quadrature."""
    q, w = np.polynomial.hermite.hermgauss(200)
    y = x[:, None] - np.sqrt(4 * nu * t) * q
    weight = w * np.exp(-(1 - np.cos(y)) / (2 * nu))
    return (weight * np.sin(y)).sum(1) / weight.sum(1)


def run(stepper, case, T, steps):
    stepper.prepare(case.L, T / steps)
    v = case.v0
    for i in range(steps):
        v = stepper.step(v, i * stepper.dt, case.N)
    return v
