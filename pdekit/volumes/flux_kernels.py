"""What crosses the faces of one line of cells, compiled, law by law; twins of `riemann` and `limit` of the problems.

A line holds its fields as (field, place): of shallow water height, momentum along the line, momentum across it.
"""

from __future__ import annotations

import math

import numba

OPTIONS = {"cache": True, "fastmath": {"contract", "nsz"}, "error_model": "numpy"}
INNER, ROUNDING, STEEP = 1.0 / 12.0, 1e-13, 0.2  # of `shallow_water_law`; here, so that numba sees when they change
BURGERS, SHALLOW_WATER = 0, 1
HLLC, HLL = 0, 1
GODUNOV = 0


@numba.njit(**OPTIONS)
def burgers_faces(flux, low, high, through):
    """Through face i between cells i - 1 and i: the state before it is high[i], the one behind it low[i + 1]."""
    for i in range(through.shape[1]):
        left, right = high[0, i], low[0, i + 1]
        if flux == GODUNOV:
            a, b = max(left, 0.0), min(right, 0.0)
            through[0, i] = max(0.5 * a * a, 0.5 * b * b)
        else:
            s = max(abs(left), abs(right))
            through[0, i] = 0.25 * (left * left + right * right) - 0.5 * s * (right - left)


@numba.njit(**OPTIONS)
def viscous_faces(line, nu, h, through):
    """Takes nu u_x off what crosses, central and of fourth order."""
    for c in range(line.shape[0]):
        for i in range(through.shape[1]):
            slope = 15.0 * (line[c, i + 3] - line[c, i + 2]) - (line[c, i + 4] - line[c, i + 1])
            through[c, i] -= nu * slope / (12.0 * h)


@numba.njit(**OPTIONS)
def keep_wet(line, dry, low, high):
    """No height below 0 in any cell; at the foot of fronts cells move at their mean velocity."""
    for i in range(low.shape[1]):
        h = line[0, i + 2]
        inner = (h - INNER * (low[0, i] + high[0, i])) / (1.0 - 2.0 * INNER)
        least = min(min(low[0, i], high[0, i]), inner)
        before, after = line[0, i + 1], line[0, i + 3]
        if min(min(before, after), min(least, h)) <= max(dry, STEEP * max(max(before, after), h)):
            theta = h / (h - least) if least < 0 else 1.0
            low[0, i] = max(h + theta * (low[0, i] - h), 0.0)
            high[0, i] = max(h + theta * (high[0, i] - h), 0.0)
            for c in range(1, line.shape[0]):
                v = line[c, i + 2] / h if h > dry else 0.0
                low[c, i], high[c, i] = low[0, i] * v, high[0, i] * v


@numba.njit(**OPTIONS)
def shallow_faces(flux, g, dry, low, high, through):
    """HLLC, HLL or local Lax-Friedrichs."""
    fields = through.shape[0]
    for i in range(through.shape[1]):
        hl, hr, ql, qr = high[0, i], low[0, i + 1], high[1, i], low[1, i + 1]
        vl, vr = (ql / hl if hl > dry else 0.0), (qr / hr if hr > dry else 0.0)
        cl, cr = math.sqrt(g * max(hl, 0.0)), math.sqrt(g * max(hr, 0.0))
        ml, mr = hl * vl, hr * vr
        pl, pr = ql * vl + 0.5 * g * hl * hl, qr * vr + 0.5 * g * hr * hr
        if flux > HLL:
            s = max(abs(vl) + cl, abs(vr) + cr)
            through[0, i] = 0.5 * (ml + mr) - 0.5 * s * (hr - hl)
            through[1, i] = 0.5 * (pl + pr) - 0.5 * s * (qr - ql)
            for c in range(2, fields):
                tl, tr = high[c, i], low[c, i + 1]
                through[c, i] = 0.5 * (tl * vl + tr * vr) - 0.5 * s * (tr - tl)
            continue
        slow, fast = signals(hl, hr, vl, vr, cl, cr, dry)
        if not fast - slow > 0:
            for c in range(fields):
                through[c, i] = 0.0 if fast - slow <= 0 else math.nan
            continue
        through[0, i] = between(slow, fast, ml, mr, hl, hr)
        through[1, i] = between(slow, fast, pl, pr, ql, qr)
        for c in range(2, fields):
            tl, tr = high[c, i], low[c, i + 1]
            if flux == HLLC:
                up, depth = (tl, hl) if through[0, i] >= 0 else (tr, hr)
                through[c, i] = through[0, i] * (up / depth if depth > dry else 0.0)
            else:
                through[c, i] = between(slow, fast, tl * vl, tr * vr, tl, tr)


@numba.njit(**OPTIONS, inline="always")
def signals(hl, hr, vl, vr, cl, cr, dry):
    """The slowest and the fastest signal between two states."""
    if hl <= dry and hr <= dry:
        return 0.0, 0.0
    if hl <= dry:
        return vr - 2.0 * cr, vr + cr
    if hr <= dry:
        return vl - cl, vl + 2.0 * cl
    v, c = 0.5 * (vl + vr) + cl - cr, 0.5 * (cl + cr) + 0.25 * (vl - vr)
    return min(vl - cl, v - c), max(vr + cr, v + c)


@numba.njit(**OPTIONS, inline="always")
def between(slow, fast, fl, fr, left, right):
    """The HLL flux."""
    if slow >= 0:
        return fl
    if fast <= 0:
        return fr
    return (fast * fl - slow * fr + slow * fast * (right - left)) / (fast - slow)


@numba.njit(**OPTIONS)
def settle(law, dry, u):
    """Puts right what rounding did to a state (c, n0, n1), in place; False where a height is below 0."""
    if law != SHALLOW_WATER:
        return True
    top = 0.0
    for h in u[0].flat:
        top = max(top, abs(h))
    good = True
    for i in range(u.shape[1]):
        for j in range(u.shape[2]):
            if u[0, i, j] < 0:
                if u[0, i, j] >= -ROUNDING * top:
                    u[0, i, j] = 0.0
                else:
                    good = False
            if u[0, i, j] <= dry:
                for c in range(1, u.shape[0]):
                    u[c, i, j] = 0.0
    return good


@numba.njit(**OPTIONS)
def rate(law, u, g, dry, spread, nu):
    """The largest sum over axes of speed/h + 8/3 nu/h^2; spread (2,) 1/h, 0 for an axis that is not there."""
    worst = 0.0
    added = 8.0 / 3.0 * nu * (spread[0] ** 2 + spread[1] ** 2)
    for i in range(u.shape[1]):
        for j in range(u.shape[2]):
            if law == BURGERS:
                total = abs(u[0, i, j]) * (spread[0] + spread[1])
            else:
                h = u[0, i, j]
                c = math.sqrt(g * max(h, 0.0))
                total, field = 0.0, 1
                for axis in range(2):
                    if spread[axis] > 0:
                        v = u[field, i, j] / h if h > dry else 0.0
                        total += (abs(v) + c) * spread[axis]
                        field += 1
            if not total + added <= worst:
                worst = total + added
            if not math.isfinite(worst):
                return worst
    return worst
