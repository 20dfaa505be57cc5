"""Coarse operators and transfers: rediscretisation of constants, literal rules, transposes, sums."""

import itertools

import numpy as np
import pytest

from pdekit.linear.hierarchy import COARSEST, coarse_operators, interpolation, restriction
from pdekit.space.diffusion import control_volumes, diffusion
from pdekit.space.grid import Grid

KINDS = [("dirichlet",) * 2, ("neumann",) * 2, ("periodic",) * 2, ("dirichlet", "neumann"), ("neumann", "dirichlet")]


def box(intervals, kinds, location):
    names = [f"{axis}_{side}" for axis in "xyz"[: len(kinds)] for side in ("low", "high")]
    points = [n + (location == "vertex" and k[0] != "periodic") for n, k in zip(intervals, kinds, strict=True)]
    boundary = dict(zip(names, itertools.chain(*kinds), strict=True))
    return Grid.make(points, (1.0, 0.7, 1.4)[: len(kinds)], location=location, boundary=boundary)


def halved(grid):
    return grid.with_intervals([n // 2 for n in grid.intervals])


@pytest.mark.parametrize("location", ["cell", "vertex"])
@pytest.mark.parametrize("kinds", [*itertools.product(KINDS, repeat=2), *((a, b, a) for a in KINDS for b in KINDS[:3])])
def test_constant_coefficients_give_the_rediscretised_operator(kinds, location):
    grid = box((32, 16) if len(kinds) == 2 else (8, 8, 12), kinds, location)
    operators = coarse_operators(diffusion(grid, 3.0)[0])
    assert len(operators) >= 2
    for fine, coarse in itertools.pairwise(operators):
        assert coarse.grid == halved(fine.grid)
        for got, want in zip(coarse.edges, diffusion(coarse.grid, 3.0)[0].edges, strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-13, atol=0)


def series_of_cells(e, periodic):
    """By the rule, edge by edge along axis 0."""
    n = len(e) - 1
    rows = []
    for face in range(0, n + 1, 2):
        ohm = 1 / e[face]
        for inner in (face - 1, face + 1):
            if periodic or 0 <= inner <= n:
                ohm = ohm + 0.5 / e[inner % n]
        rows.append(0.5 / ohm)
    return np.stack(rows)


def series_of_vertices(e, kinds):
    """By the rule: (fine edges below and above the coarse vertex' place) in series; half where only one exists."""
    n = len(e) - 1
    rows = []
    first = 1 if kinds[0] == "dirichlet" else 0
    for high in range(first, n + 2, 2):
        pair = [
            e[k % n if kinds[0] == "periodic" else k] for k in (high - 1, high) if kinds[0] == "periodic" or 0 <= k <= n
        ]
        rows.append(0.5 / sum(1 / p for p in pair))
    return np.stack(rows)


def abreast(e, location, kinds, size):
    if location == "cell":
        return 0.5 * (e[0::2] + e[1::2])
    first, out = (1 if kinds[0] == "dirichlet" else 0), []
    for c in range(size):
        total = 0.0
        for k, w in ((-1, 0.25), (0, 0.5), (1, 0.25)):
            f = 2 * c + first + k
            if kinds[0] == "periodic" or 0 <= f < len(e):
                total = total + w * e[f % len(e)]
        out.append(total)
    return np.stack(out)


@pytest.mark.parametrize("location", ["cell", "vertex"])
@pytest.mark.parametrize("kinds", [*itertools.product(KINDS, repeat=2), *((a, b, a) for a in KINDS for b in KINDS[:3])])
def test_coarse_edges_by_the_rule(kinds, location):
    grid = box((12, 16) if len(kinds) == 2 else (8, 4, 6), kinds, location)
    a = np.exp(np.random.default_rng(2).normal(size=grid.points))
    fine, coarse = coarse_operators(diffusion(grid, a)[0])[:2]
    for axis, e in enumerate(fine.edges):
        with np.errstate(divide="ignore"):
            want = np.moveaxis(e, axis, 0)
            series = series_of_cells if location == "cell" else series_of_vertices
            want = series(want, kinds[axis][0] == "periodic" if location == "cell" else kinds[axis])
        want = np.moveaxis(want, 0, axis)
        for other in range(grid.dim):
            if other != axis:
                lines = np.moveaxis(want, other, 0)
                want = np.moveaxis(abreast(lines, location, kinds[other], coarse.shape[other]), 0, other)
        np.testing.assert_allclose(coarse.edges[axis], want, rtol=1e-13, atol=0)


def test_shift_is_averaged_and_float32_is_kept():
    grid = box((32, 32), (KINDS[0], KINDS[1]), "cell")
    operator = diffusion(grid, 1.0, shift=np.full(grid.points, 7.0))[0]
    for coarse in coarse_operators(operator)[1:]:
        np.testing.assert_allclose(coarse.shift, 7.0, rtol=1e-14)
    for coarse in coarse_operators(operator, "float32")[1:]:
        assert coarse.dtype == coarse.shift.dtype == np.float32
    grid = box((32, 32), (KINDS[1], KINDS[1]), "vertex")
    for coarse in coarse_operators(diffusion(grid, 1.0, shift=np.full(grid.points, 7.0))[0]):
        np.testing.assert_allclose(coarse.shift, 7.0 * control_volumes(coarse.grid), rtol=1e-14)


def test_where_the_levels_end():
    sizes = [op.shape for op in coarse_operators(diffusion(box((48, 48), (KINDS[0],) * 2, "cell"), 1.0)[0])]
    assert sizes == [(48, 48), (24, 24), (12, 12), (6, 6)]
    assert 6 * 6 <= COARSEST < 12 * 12
    sizes = [op.shape for op in coarse_operators(diffusion(box((30, 30), (KINDS[0],) * 2, "vertex"), 1.0)[0])]
    assert sizes == [(29, 29), (14, 14)]


@pytest.mark.parametrize("location", ["cell", "vertex"])
@pytest.mark.parametrize("kinds", KINDS)
def test_transfers_keep_linear_functions_and_are_transposes(kinds, location):
    grid = box((16, 8), (kinds, KINDS[0]), location)
    c1, c2, w1, w2 = interpolation(grid, 0)
    n = len(c1)
    dense = np.zeros((n, halved(grid).points[0]))[:, range(halved(grid).points[0])[halved(grid).unknown[0]]]
    for i in range(n):
        dense[i, c1[i]] += w1[i]
        dense[i, c2[i]] += w2[i]
    np.testing.assert_array_equal(restriction(grid, 0).toarray(), dense.T / 2)
    x, y = grid.coordinates[0][grid.unknown[0]], halved(grid).coordinates[0][halved(grid).unknown[0]]
    inside = slice(2, -2)
    np.testing.assert_allclose((dense @ y)[inside], x[inside], atol=1e-14)
    if kinds[0] == "dirichlet" and kinds[1] == "dirichlet":
        np.testing.assert_allclose((dense @ y)[0], x[0], atol=1e-14)  # u = x vanishes at the wall
    if "dirichlet" not in kinds:
        np.testing.assert_allclose(dense @ np.ones(len(y)), 1.0, atol=1e-15)
