"""Whether a stored solution solves its equation, as far as the precision it is stored in can tell.

A field stored in float32 has a residual: u is off by at most eps |u| (eps = 2^-24), and A amplifies that by a/h^2.
Worst cases are bounded here, without assumptions on how rounding errors are spread: for any weights w,

    |<w, b - A u>|  <=  eps (<|A w|, |u|> + <e |dw|, |du|>) + eps <|w|, 2 |b|> + |w| r |b|

with e the edges (a itself is rounded too) and r the residual that the solver had reached. Three kinds of weights:

    point    w = 1 at one point: sharp on coarse grids, blunt on fine ones (the bound grows like 1/h^2)
    block    w = 1 on a block of 8^d or 32^d points and on the whole box: what flows out is what the source puts in;
             the inner edges cancel, so the bound shrinks with the block's surface over volume
    energy   w = u: <u, b> = <u, A u>; errors of u enter by <b, du> only, so this sees a relative change of 1e-6
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import scipy.sparse as sp

from pdekit.problems.problem import Elliptic
from pdekit.solver import Instances
from pdekit.space.stencils import StencilOperator

BLOCKS = (8, 32)
MACHINE = float(np.finfo(np.float64).eps)
TESTS = {
    "point": "the equation is violated at single points",
    "block": "flux and source do not balance over blocks of points",
    "box": "flux and source do not balance over the whole box (conservation)",
    "energy": "the energy <u, A u> does not match the work <u, b>",
    "boundary": "stored boundary points do not hold the boundary values",
}


def discrepancies(
    problem: Elliptic, case: Instances, values: np.ndarray, rounding: float, residual: float
) -> dict[str, float]:
    """{test: violation over its bound} of one case: above 1 the values cannot be a rounded solution.

    values     (1, *x) stored output
    rounding   unit round-off of what is stored: 2^-24 or 2^-53
    residual   relative residual that the solver reached in float64
    """
    wide = replace(case, fields={k: np.asarray(v, dtype=np.float64) for k, v in case.fields.items()})
    operator, b = problem.assemble(wide)
    stored = np.asarray(values[0], dtype=np.float64)
    u = stored[case.grid.unknown]
    size = _magnitude(problem, wide, b)
    eps = rounding * 1.01
    if sp.issparse(operator):
        norm = residual * float(np.linalg.norm(b.ravel()))
        out = _of_matrix(sp.csr_array(operator), u, b, size, eps, norm)
        return {**out, "boundary": _ends(problem, wide, u, stored, eps)}
    product = operator @ u
    r = b - product
    absolute = 2.0 * operator.diagonal() * np.abs(u) - operator @ np.abs(u)
    norm = residual * float(np.linalg.norm(b.ravel()))
    noise = 8 * MACHINE * absolute + np.finfo(np.float64).tiny
    out = {"point": float((np.abs(r) / (2 * eps * (absolute + size) + norm + noise)).max())}
    crossing = {m: _surface(operator, np.abs(u), m) for m in (*(m for m in BLOCKS if m < max(u.shape)), max(u.shape))}
    for m, surface in crossing.items():
        bound = 2 * eps * (surface + _sums(size, m)) + norm * _sums(np.ones(u.shape), m) ** 0.5 + _sums(noise, m)
        ratio = float((np.abs(_sums(r, m)) / bound).max())
        name = "box" if m == max(u.shape) else "block"
        out[name] = max(out.get(name, 0.0), ratio)
    work, energy = float((np.abs(u) * size).sum()), abs(float((u * product).sum()))
    bound = eps * (3 * work + energy) + 4 * eps**2 * float((np.abs(u) * absolute).sum())
    bound += norm * float(np.linalg.norm(u.ravel())) + float((np.abs(u) * noise).sum()) + np.finfo(np.float64).tiny
    out["energy"] = abs(float((u * r).sum())) / bound
    out["boundary"] = _ends(problem, wide, u, stored, eps)
    return out


def _ends(problem: Elliptic, case: Instances, u: np.ndarray, stored: np.ndarray, eps: float) -> float:
    """Distance of stored boundary points to the boundary values, over its bound."""
    ends = np.abs(problem.embed(case, u) - stored)
    return float((ends / (2 * eps * np.abs(stored) + 1e-30 + 4 * eps * np.abs(stored).max())).max())


def _of_matrix(
    matrix: sp.csr_array, u: np.ndarray, b: np.ndarray, size: np.ndarray, eps: float, norm: float
) -> dict[str, float]:
    """The same tests of a sparse matrix, symmetric or not: |<w, b - A u>| <= eps (<|A^T w|, |u|> + <|w|, 2 |b|>) + |w| r |b|."""
    flat, r = np.abs(u).ravel(), b.ravel() - matrix @ u.ravel()
    noise = 8 * MACHINE * (abs(matrix) @ flat) + np.finfo(np.float64).tiny

    def ratio(weights: sp.csr_array) -> float:
        """The largest violation over its bound, of rows of weights."""
        lengths = np.sqrt(np.asarray(weights.power(2).sum(axis=1)).ravel())
        bound = 2 * eps * (abs(weights @ matrix) @ flat + abs(weights) @ size.ravel())
        return float((np.abs(weights @ r) / (bound + norm * lengths + abs(weights) @ noise)).max())

    index = np.indices(u.shape)
    out = {"point": ratio(sp.csr_array(sp.eye_array(u.size)))}
    for m in (*(m for m in BLOCKS if m < max(u.shape)), max(u.shape)):
        counts = [-(-n // m) for n in u.shape]
        block = np.ravel_multi_index(tuple(index // m), counts).ravel()
        weights = sp.csr_array((np.ones(u.size), (block, np.arange(u.size))), shape=(int(np.prod(counts)), u.size))
        name = "box" if m == max(u.shape) else "block"
        out[name] = max(out.get(name, 0.0), ratio(weights))
    out["energy"] = ratio(sp.csr_array(u.ravel()[None]))
    return out


def _magnitude(problem: Elliptic, case: Instances, b: np.ndarray) -> np.ndarray:
    """|source| + |what boundary values contribute|: the size of the terms of b before they cancel."""
    grid = case.grid
    constant = any(v != 0 for pair in grid.boundary_value for v in pair)
    if not constant and not any(name.startswith("boundary_") for name in case.fields):
        return np.abs(b)
    values = tuple((abs(low), abs(high)) for low, high in grid.boundary_value)
    fields = {name: np.abs(array) for name, array in case.fields.items()}
    return np.abs(problem.assemble(replace(case, grid=replace(grid, boundary_value=values), fields=fields))[1])


def _sums(array: np.ndarray, m: int) -> np.ndarray:
    """Sums over blocks of m points per axis; the last block of an axis may be smaller."""
    for axis, n in enumerate(array.shape):
        array = np.add.reduceat(array, np.arange(0, n, m), axis=axis)
    return array


def _surface(operator: StencilOperator, size: np.ndarray, m: int) -> np.ndarray:
    """Per block: sum of e (|u_inside| + |u_outside|) over the edges that leave it, and of |shift| |u| inside."""
    shift = 0.0 if operator.shift is None else np.abs(operator.shift)
    total = _sums(shift * size, m)
    for axis, edges in enumerate(operator.edges):
        e = np.moveaxis(np.asarray(edges), axis, 0)
        u = np.moveaxis(size, axis, 0)
        n = len(u)
        starts = np.arange(0, n, m)
        wrap = operator.grid.periodic[axis]
        padded = np.concatenate([u[-1:] if wrap else 0 * u[:1], u, u[:1] if wrap else 0 * u[:1]])
        cuts = np.concatenate([starts, [n]])
        flow = e[cuts] * (padded[cuts] + padded[cuts + 1])
        for other in range(1, flow.ndim):
            flow = np.add.reduceat(flow, np.arange(0, flow.shape[other], m), axis=other)
        total = total + np.moveaxis(flow[:-1] + flow[1:], 0, axis)
    return total
