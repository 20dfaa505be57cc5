"""The method as it is written down, for any conservation law, in whole arrays; the kernels must agree with it to rounding.

    d(mean)/dt = - sum over axes (F_(i+1/2) - F_(i-1/2))/h,    F = riemann(left, right) - nu u_x

left and right are values at the face reconstructed from either side. In two dimensions each axis is taken by itself, with
one value for a whole face: of fifth order (weno) where the flux is linear, of second order where it is not; in one dimension
the order is that of the reconstruction. nu u_x is central, of fourth order. Time: SSP-RK3, Shu & Osher 1988,
doi:10.1016/0021-9991(88)90177-5, eq. 2.18.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pdekit.problems.conservation_law import ConservationLaw
from pdekit.space.grid import Grid
from pdekit.volumes.ghosts import widened
from pdekit.volumes.reconstruction import RECONSTRUCTIONS

GONE, REFUSED = 1, 2  # a state that is not finite; one that no step however short keeps admissible
TRIES = 12  # halvings of one step
MOST = 1e12  # steps in what remains: shorter ones are lost in rounding
NEAR = 1e-5  # a ratio this near to a whole number is one: stored frames, rounded, go on in as many steps
RATE_OF_VISCOSITY = 8.0 / 3.0  # cfl 1 is then half of where SSP-RK3 on the fourth-order stencil would grow


@dataclass(frozen=True)
class Method:
    """One law on one grid by one method: all that a step needs beside the state.

    eps   (c,) epsilon of the weights of WENO
    cfl   of sum over axes (speed/h + 8/3 nu/h^2) dt, largest over the cells
    dt    no step is longer
    """

    law: ConservationLaw
    grid: Grid
    reconstruction: str
    flux: str
    eps: np.ndarray
    cfl: float
    dt: float = math.inf

    def tendency(self, u: np.ndarray) -> np.ndarray:
        """(c, *x) d(mean)/dt."""
        out = np.zeros_like(u)
        for axis, h in enumerate(self.grid.spacing):
            wide = widened(u, self.law, self.grid, axis)
            through = self.through(wide, axis)
            if self.law.viscosity:
                behind, left, right, beyond = (wide[..., k : k + through.shape[-1]] for k in (1, 2, 3, 4))
                slope = (15.0 * (right - left) - (beyond - behind)) / (12.0 * h)
                through = through - self.law.viscosity * slope
            out -= np.moveaxis(np.diff(through, axis=-1) / h, -1, 1 + axis)
        return out

    def through(self, wide: np.ndarray, axis: int) -> np.ndarray:
        """(c, *others, m + 1) convective flux through the faces."""
        m = wide.shape[-1] - 6
        cells = [wide[..., k : k + m + 2] for k in range(5)]
        eps = self.eps.reshape(-1, *(1,) * (wide.ndim - 1))
        face = RECONSTRUCTIONS[self.reconstruction]
        low, high = face(*cells[::-1], eps), face(*cells, eps)
        low, high = self.law.limit(wide[..., 1 : m + 5], low, high)
        return self.law.riemann(self.flux, high[..., :-1], low[..., 1:], axis)

    def rate(self, u: np.ndarray) -> float:
        """The largest cell's sum over axes of speed/h + 8/3 nu/h^2, 1/T."""
        total = np.zeros(u.shape[1:])
        for axis, h in enumerate(self.grid.spacing):
            total = total + self.law.speed(u, axis) / h + RATE_OF_VISCOSITY * self.law.viscosity / h**2
        return float(total.max())

    def step(self, u: np.ndarray, dt: float) -> tuple[np.ndarray, bool]:
        """The state a time dt later, and whether every stage was admissible."""
        law = self.law
        one = law.settle(u + dt * self.tendency(u))
        if not law.admissible(one):
            return one, False
        two = law.settle(0.75 * u + 0.25 * (one + dt * self.tendency(one)))
        if not law.admissible(two):
            return two, False
        new = law.settle(u / 3.0 + 2.0 / 3.0 * (two + dt * self.tendency(two)))
        return new, law.admissible(new)

    def advance(self, u: np.ndarray, span: float) -> tuple[np.ndarray, int, int, int, float]:
        """The state a time `span` later; why it ended (0: arrived), steps, steps taken again, and the time it got.

        Steps are equal shares of what remains, as many as cfl and dt ask: the last one is all that remains, so that the end
        is met exactly. A step that leaves what is admissible is taken again at half its length.
        """
        gone, steps, again = 0.0, 0, 0
        while True:
            rate = self.rate(u)
            if not math.isfinite(rate):
                return u, GONE, steps, again, gone
            longest = min(self.dt, self.cfl / rate if rate > 0 else math.inf)
            remains = span - gone
            if not remains < MOST * longest:
                return u, REFUSED, steps, again, gone
            shares = max(math.ceil(remains / longest * (1.0 - NEAR)), 1.0)
            dt, tries = remains / shares, 0
            new, good = self.step(u, dt)
            while not good and np.isfinite(new).all() and tries < TRIES:
                dt, shares, tries = 0.5 * dt, 2.0 * shares, tries + 1
                new, good = self.step(u, dt)
            again += tries
            if not np.isfinite(new).all():
                return new, GONE, steps, again, gone
            if not good:
                return u, REFUSED, steps, again, gone
            u, steps = new, steps + 1
            if shares == 1.0:
                return u, 0, steps, again, span
            gone += dt
