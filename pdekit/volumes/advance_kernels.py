"""`literal.Method.advance`, compiled: SSP-RK3 steps of one sample from one stored time to the next.

A state is (c, n0, n1); one axis alone is the last, n0 = 1 and spread[0] = 0. `numbers` are (g, dry, nu).
"""

from __future__ import annotations

import math

import numba
import numpy as np

from pdekit.volumes.flux_kernels import (
    BURGERS,
    burgers_faces,
    keep_wet,
    rate,
    settle,
    shallow_faces,
    viscous_faces,
)
from pdekit.volumes.reconstruction_kernels import reconstruct

CALLED = "32a6583acd524f13"  # hash of the two kernel files above: numba's cache is renewed with this line
OPTIONS = {"cache": True, "fastmath": {"contract", "nsz"}, "error_model": "numpy"}
GONE, REFUSED, TRIES, MOST, NEAR = 1, 2, 12, 1e12, 1e-5
WRAP, COPY, HOLD = 0, 1, 2


@numba.njit(**OPTIONS)
def widen(line, m, kinds, values):
    """Fills three ghosts at either end of each field of a line; at mirrors field 1 changes its sign."""
    for c in range(line.shape[0]):
        row = line[c]
        for side in range(2):
            kind = kinds[side]
            for k in range(3):
                at = 2 - k if side == 0 else m + 3 + k
                if kind == WRAP:
                    row[at] = row[at + m] if side == 0 else row[at - m]
                elif kind == COPY:
                    row[at] = row[3] if side == 0 else row[m + 2]
                elif kind == HOLD:
                    row[at] = values[side]
                else:
                    inside = row[3 + k] if side == 0 else row[m + 2 - k]
                    row[at] = -inside if c == 1 else inside


@numba.njit(**OPTIONS)
def tendency(law, method, u, out, kinds, values, spread, eps, numbers):
    """d(mean)/dt, summed over axes; method: (reconstruction, flux)."""
    fields, g, dry, nu = u.shape[0], numbers[0], numbers[1], numbers[2]
    out[:] = 0.0
    along = 1  # field that is the momentum along the axis
    for axis in range(2):
        if spread[axis] == 0:
            continue
        m, lines = u.shape[1 + axis], u.shape[2 - axis]
        line, through = np.empty((fields, m + 6)), np.empty((fields, m + 1))
        low, high = np.empty((fields, m + 2)), np.empty((fields, m + 2))
        for j in range(lines):
            for c in range(fields):
                f = along if c == 1 else (fields - along if c == 2 else c)
                for i in range(m):
                    line[c, i + 3] = u[f, i, j] if axis == 0 else u[f, j, i]
            widen(line, m, kinds[axis], values[axis])
            for c in range(fields):
                f = along if c == 1 else (fields - along if c == 2 else c)
                reconstruct(method[0], line[c], eps[f], low[c], high[c])
            if law == BURGERS:
                burgers_faces(method[1], low, high, through)
            else:
                keep_wet(line, dry, low, high)
                shallow_faces(method[1], g, dry, low, high, through)
            if nu > 0:
                viscous_faces(line, nu, 1.0 / spread[axis], through)
            for c in range(fields):
                f = along if c == 1 else (fields - along if c == 2 else c)
                for i in range(m):
                    change = (through[c, i + 1] - through[c, i]) * spread[axis]
                    if axis == 0:
                        out[f, i, j] -= change
                    else:
                        out[f, j, i] -= change
        along += 1


@numba.njit(**OPTIONS)
def finite(u):
    """Whether all of a state is."""
    for x in u.flat:  # noqa: SIM110
        if not math.isfinite(x):
            return False
    return True


@numba.njit(**OPTIONS)
def stage(old, now, slope, dt, weight, new):
    """new = weight old + (1 - weight) (now + dt slope), on flat arrays."""
    for i in range(old.size):
        new[i] = weight * old[i] + (1.0 - weight) * (now[i] + dt * slope[i])


@numba.njit(**OPTIONS)
def step(law, method, u, new, slope, dt, kinds, values, spread, eps, numbers):
    """new = u a time dt later; False where a stage is not admissible, which `new` then holds."""
    old, now, k = u.reshape(-1), new.reshape(-1), slope.reshape(-1)
    tendency(law, method, u, slope, kinds, values, spread, eps, numbers)
    stage(old, old, k, dt, 0.0, now)
    if not settle(law, numbers[1], new):
        return False
    tendency(law, method, new, slope, kinds, values, spread, eps, numbers)
    stage(old, now, k, dt, 0.75, now)
    if not settle(law, numbers[1], new):
        return False
    tendency(law, method, new, slope, kinds, values, spread, eps, numbers)
    stage(old, now, k, dt, 1.0 / 3.0, now)
    return settle(law, numbers[1], new)


@numba.njit(**OPTIONS)
def advance(law, method, u, span, cfl, longest, kinds, values, spread, eps, numbers):
    """Takes u a time `span` further, in place; (why it ended, steps, steps taken again, time got), as `literal` has it."""
    gone, steps, again = 0.0, 0, 0
    new, slope = np.empty_like(u), np.empty_like(u)
    while True:
        fastest = rate(law, u, numbers[0], numbers[1], spread, numbers[2])
        if not math.isfinite(fastest):
            return GONE, steps, again, gone
        dt = min(longest, cfl / fastest) if fastest > 0 else longest
        remains = span - gone
        if not remains < MOST * dt:
            return REFUSED, steps, again, gone
        shares = max(math.ceil(remains / dt * (1.0 - NEAR)), 1.0)
        dt, tries = remains / shares, 0
        good = step(law, method, u, new, slope, dt, kinds, values, spread, eps, numbers)
        while not good and finite(new) and tries < TRIES:
            dt, shares, tries = 0.5 * dt, 2.0 * shares, tries + 1
            good = step(law, method, u, new, slope, dt, kinds, values, spread, eps, numbers)
        again += tries
        if not finite(new):
            return GONE, steps, again, gone
        if not good:
            return REFUSED, steps, again, gone
        u[:] = new
        steps += 1
        if shares == 1.0:
            return 0, steps, again, span
        gone += dt
