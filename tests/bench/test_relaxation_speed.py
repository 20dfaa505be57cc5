"""How fast relaxation sweeps, beside pyamg's: 256 x 256 unknowns, a 5-point operator, one thread.

Ours bring the norm of the residual with each sweep, pyamg's do not. Times are processor time of this process (the machine
may be shared), the methods in turn, the median of REPEATS runs of SWEEPS sweeps. Ratios are sweeps per second over those of
pyamg's gauss_seidel on CSR, its fastest; its `sor` is that and a combination of vectors.
"""

from time import process_time

import numpy as np
import pyamg
import pytest
from pyamg.relaxation import relaxation as theirs

from pdekit.linear.relaxation import sweeps
from pdekit.linear.relaxation_sweeper import sweeper
from pdekit.space.diffusion import diffusion
from pdekit.space.grid import Grid
from pdekit.space.stencils import StencilOperator

pytestmark = pytest.mark.bench
SWEEPS, REPEATS = 20, 15


def ours(operator, ordering, symmetric=False):
    """A function that sweeps SWEEPS times."""
    ready, norms = sweeper(operator, np.float64, ordering), np.empty(SWEEPS + 1)
    x, b = (np.ascontiguousarray(ready.inward(v)) for v in (np.zeros(operator.shape), np.ones(operator.shape)))

    def run():
        assert ready.advance(x, b, 1.5, 0, SWEEPS, norms, target=0.0, symmetric=symmetric) == SWEEPS

    return run


def test_sweeps_per_second():
    operator = diffusion(Grid.make((256, 256), boundary="dirichlet"), 1.0)[0]
    matrix = pyamg.gallery.poisson((256, 256), format="csr")
    x, b = np.zeros(matrix.shape[0]), np.ones(matrix.shape[0])
    methods = {
        "pyamg gauss_seidel": lambda: theirs.gauss_seidel(matrix, x, b, iterations=SWEEPS),
        "pyamg sor": lambda: theirs.sor(matrix, x, b, 1.5, iterations=SWEEPS),
        "lexicographic": ours(operator, "lexicographic"),
        "red-black": ours(operator, "red-black"),
        "multicolour": ours(operator, "multicolour"),
        "ssor": ours(operator, "lexicographic", symmetric=True),
    }
    times = {name: [] for name in methods}
    for repeat in range(REPEATS + 1):
        for name, run in methods.items():
            started = process_time()
            run()
            if repeat:
                times[name].append((process_time() - started) / SWEEPS)
    median = {name: float(np.median(t)) for name, t in times.items()}
    print("\nsweeps over 256 x 256 unknowns, one thread")
    for name, seconds in median.items():
        print(f"  {name:20s} {1e3 * seconds:8.3f} ms  {median['pyamg gauss_seidel'] / seconds:6.2f} x pyamg")
    for reference in ("pyamg gauss_seidel", "pyamg sor"):
        assert median[reference] >= 2.5 * median["red-black"]
        assert median[reference] >= 2.0 * median["lexicographic"]


def test_small_systems_cost_no_more_than_their_sweeps():
    """10 x 10 unknowns, a new operator each time: under 0.1 ms beside the sweeps."""
    first = diffusion(Grid.make((12, 12), (11.0, 11.0), location="vertex", boundary="dirichlet"), 1.0)[0]
    b = np.random.default_rng(0).normal(size=first.shape)
    shift = np.full(first.shape, 0.1)
    sweeps(StencilOperator(first.edges, first.grid, shift), b, 1.5, rtol=1e-8, limit=10_000)
    times = {}
    for limit in (1, 101):
        rounds = []
        for _ in range(9):
            started = process_time()
            for _ in range(200):
                operator = StencilOperator(first.edges, first.grid, shift)
                assert sweeps(operator, b, 1.5, rtol=1e-300, limit=limit)[1] == limit
            rounds.append((process_time() - started) / 200)
        times[limit] = float(np.median(rounds))
    each = (times[101] - times[1]) / 100
    print(
        f"\n10 x 10 unknowns: {1e6 * times[1]:.0f} us for a new operator and one sweep, {1e6 * each:.2f} us each further sweep"
    )
    assert times[1] < 1e-4
