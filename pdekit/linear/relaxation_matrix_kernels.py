"""Compiled relaxation sweeps of sparse symmetric matrices (CSR), and a greedy colouring of their graph.

The residual after a sweep comes without a product, as in `relaxation_stencil_kernels.py` (1): entry (i, j) of the matrix,
j visited before i, takes a_ij delta_i from what is known of the residual at j. NaN and infinity go through.
"""

from __future__ import annotations

import math

import numba

from pdekit.linear.relaxation_stencil_kernels import JACOBI

FAST = {"reassoc", "contract", "nsz", "arcp"}


@numba.njit(cache=True, fastmath=FAST)
def matrix_sweep(x, b, diagonal, inverse, rows, columns, entries, omega, decay, forward, wanted, rho):
    """Visit all unknowns by their number, or against it. Returns |b - A x|^2 of the new x, 0 where it is not wanted."""
    n = x.size
    for place in range(n):
        i = place if forward else n - 1 - place
        defect = b[i]
        for k in range(rows[i], rows[i + 1]):
            defect -= entries[k] * x[columns[k]]
        delta = omega * inverse[i] * defect
        x[i] += delta
        if wanted:
            rho[i] = decay * diagonal[i] * delta
            for k in range(rows[i], rows[i + 1]):
                j = columns[k]
                if (j < i) if forward else (j > i):
                    rho[j] -= entries[k] * delta
    total = 0.0
    if wanted:
        for i in range(n):
            total += float(rho[i]) * float(rho[i])
    return total


@numba.njit(cache=True, fastmath=FAST)
def jacobi_sweep(x, b, inverse, rows, columns, entries, omega, r):
    """x += omega r / diagonal at all unknowns at once, then r = b - A x. Returns |r|^2."""
    for i in range(x.size):
        x[i] += omega * inverse[i] * r[i]
    total = 0.0
    for i in range(x.size):
        defect = b[i]
        for k in range(rows[i], rows[i + 1]):
            defect -= entries[k] * x[columns[k]]
        r[i] = defect
        total += float(defect) * float(defect)
    return total


@numba.njit(cache=True, fastmath=FAST)
def relax_matrix(x, b, matrix, omega, decay, order, symmetric, step, last, target, ceiling, every, norms, rho):
    """As `relax_stencil`, on matrix = (diagonal, inverse, indptr, indices, data)."""
    diagonal, inverse, rows, columns, entries = matrix
    while step < last:
        step += 1
        wanted = step % every == 0 or step == last
        if order == JACOBI:
            total = jacobi_sweep(x, b, inverse, rows, columns, entries, omega, rho)
        else:
            ready = wanted and not symmetric
            total = matrix_sweep(x, b, diagonal, inverse, rows, columns, entries, omega, decay, True, ready, rho)
            if symmetric:
                total = matrix_sweep(x, b, diagonal, inverse, rows, columns, entries, omega, decay, False, wanted, rho)
        norms[step] = math.sqrt(total) if wanted else math.nan
        if wanted and (norms[step] <= target or not norms[step] <= ceiling):
            break
    return step


@numba.njit(cache=True)
def greedy(rows, columns, colours, taken):
    """Give each unknown, by its number, the smallest colour that no neighbour has; colours are -1 before.

    taken   (largest degree + 2,), -1: the unknown that last saw a colour at a neighbour
    """
    for i in range(colours.size):
        for k in range(rows[i], rows[i + 1]):
            j = columns[k]
            if j != i and colours[j] >= 0:
                taken[colours[j]] = i
        colour = 0
        while taken[colour] == i:
            colour += 1
        colours[i] = colour
