"""Chebyshev regression from moments, compiled: G = sum f f^T and v = sum f y of an arm are all that a refit needs.

Plain loops and LAPACK on m x m only: the same state gives the same bits, however it came about.
"""

from __future__ import annotations

import numba
import numpy as np

RANK = 1e-9  # eigenvalues of G below this share of the largest are noise: directions in which nothing was observed


@numba.njit(cache=True)
def least_norm(G, v):
    """(m,) the shortest x that minimises x.G x / 2 - v.x, G symmetric and at least semidefinite."""
    values, vectors = np.linalg.eigh(G)
    x = np.zeros(v.size)
    for k in range(v.size):
        if values[k] > RANK * values[-1] and values[k] > 0.0:
            along = 0.0
            for j in range(v.size):
                along += vectors[j, k] * v[j]
            for j in range(v.size):
                x[j] += vectors[j, k] * along / values[k]
    return x


@numba.njit(cache=True)
def boxed_fit(G, v, box):
    """(m,) least_norm(G, v) where it keeps |x_j| <= box_j, else a minimiser within the box.

    Active set of Stark & Parker 1995, Computational Statistics 10, 129: go to the minimiser over the free coordinates, stop at
    the first wall, hold that coordinate; at a minimiser, free the wall that pulls most.
    """
    m = v.size
    x = least_norm(G, v)
    wall = np.zeros(m, np.int64)
    for j in range(m):
        if abs(x[j]) > box[j]:
            wall[j] = 1 if x[j] > 0 else -1
            x[j] = wall[j] * box[j]
    if not wall.any():
        return x
    slack = 1e-10 * np.abs(v).max()
    for _ in range(10 * m):
        free = np.flatnonzero(wall == 0)
        inner, rest = np.zeros((free.size, free.size)), np.zeros(free.size)
        for a in range(free.size):
            rest[a] = v[free[a]]
            for j in range(m):
                if wall[j] != 0:
                    rest[a] -= G[free[a], j] * x[j]
            for b in range(free.size):
                inner[a, b] = G[free[a], free[b]]
        goal = least_norm(inner, rest) if free.size else rest
        share, hit = 1.0, -1
        for a in range(free.size):
            j = free[a]
            if abs(goal[a]) > box[j]:
                side = 1.0 if goal[a] > 0 else -1.0
                step = (side * box[j] - x[j]) / (goal[a] - x[j])
                if step < share or hit < 0:
                    share, hit = min(max(step, 0.0), 1.0), j
        for a in range(free.size):
            j = free[a]
            x[j] += share * (goal[a] - x[j])
            if j == hit:
                wall[j] = 1 if goal[a] > 0 else -1
                x[j] = wall[j] * box[j]
        if hit >= 0:
            continue
        worst, pull = -1, slack
        for j in range(m):
            if wall[j] != 0 and box[j] > 0.0:
                gradient = -v[j]
                for i in range(m):
                    gradient += G[j, i] * x[i]
                if wall[j] * gradient > pull:
                    worst, pull = j, wall[j] * gradient
        if worst < 0:
            break
        wall[worst] = 0
    return x


@numba.njit(cache=True)
def take_in(G, v, squares, arm, f, y):
    """Add one observation to the moments of an arm."""
    for i in range(f.size):
        v[arm, i] += f[i] * y
        for j in range(f.size):
            G[arm, i, j] += f[i] * f[j]
    squares[arm] += y * y


@numba.njit(cache=True)
def refit(G, v, squares, theta, rests, arm, box):
    """Fit one arm, or with arm = -1 each; the sum of its squared residuals goes to `rests`."""
    m = box.size
    for i in range(v.shape[0]):
        if (arm != -1 and i != arm) or G[i, 0, 0] == 0.0:
            continue
        x = boxed_fit(G[i], v[i], box)
        rest = squares[i]
        for j in range(m):
            theta[i, j] = x[j]
            rest -= 2.0 * x[j] * v[i, j]
            for k in range(m):
                rest += x[j] * G[i, j, k] * x[k]
        rests[i] = max(rest, 0.0)


@numba.njit(cache=True)
def predict(theta, f):
    """(d,) theta_i . f"""
    out = np.zeros(theta.shape[0])
    for i in range(theta.shape[0]):
        for j in range(f.size):
            out[i] += theta[i, j] * f[j]
    return out


@numba.njit(cache=True)
def gap_weights(predicted, eta):
    """(d,) p_i = 1 / (d + eta (y_i - min y)), the best arm takes the rest, which is >= 1 / d for eta >= 0."""
    d = predicted.size
    best = predicted.argmin()
    p = np.empty(d)
    others = 0.0
    for i in range(d):
        p[i] = 1.0 / (d + eta * (predicted[i] - predicted[best]))
        if i != best:
            others += p[i]
    p[best] = 1.0 - others
    return p
