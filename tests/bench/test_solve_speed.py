"""How fast a Darcy problem is solved: 12/3, on cells, to a true relative residual of 1e-8, set-up included, one thread.

Times are processor time of this process (the machine may be shared). Each sample is solved by all methods in turn; a
method's time is the median of REPEATS solves, a product's that of 15 runs; the table gives means over five samples. A
stencil product is pdekit's own fused one.
scipy's spsolve (SuperLU, COLAMD) is not the strongest direct solver: CHOLMOD or PARDISO with nested dissection are 2 to 3
times faster from 256 x 256 up, which would leave their place in this table unchanged.
"""

from time import process_time

import numpy as np
import pyamg
import pytest
import scipy.sparse as sp
from scipy.sparse.linalg import cg as scipy_cg
from scipy.sparse.linalg import spsolve

from pdekit.linear.cg import cg
from pdekit.linear.multigrid import MultigridCycle
from pdekit.linear.stop import Stop
from pdekit.linear.system import System
from pdekit.problems.darcy import Darcy
from pdekit.solver import Instances
from pdekit.space.grid import Grid
from pdekit.space.random_fields import draw

pytestmark = pytest.mark.bench
SAMPLES = 5
REPEATS = 3  # of every solve; the table has the median, alike for all methods
LAW = {
    "law": "two-phase",
    "low": 3.0,
    "high": 12.0,
    "gauss": {"variance_factor": 9.0, "tau": 3.0, "alpha": 2.0, "boundary": "neumann"},
}


def systems(points):
    grid = Grid.make(points, boundary="dirichlet")
    for seed in range(SAMPLES):
        a = draw(LAW, grid, np.random.default_rng(seed))
        case = Instances(grid, {"permeability": a[None], "source": np.ones((1, *points))})
        yield Darcy().assemble(case)


def median(run, repeats):
    """Median processor time of `repeats` calls, and what the last one returned."""
    times = []
    for _ in range(repeats):
        started = process_time()
        out = run()
        times.append(process_time() - started)
    return float(np.median(times)), out


def multigrid(operator, b):
    return cg(System(operator, b), stop=Stop(rtol=1e-8), precond=MultigridCycle().setup(operator)).values


def ruge_stuben(matrix, b):
    cycle = pyamg.ruge_stuben_solver(matrix).aspreconditioner(cycle="V")
    x, info = scipy_cg(matrix, b, rtol=1e-8, M=cycle)
    assert info == 0
    return x


def table(points, direct):
    """Mean seconds of each method: product, pcg-multigrid, pyamg, spsolve."""
    rows = []
    for operator, b in systems(points):
        matrix, flat, out = operator.to_csr(), b.ravel(), np.empty_like(b)
        csr = sp.csr_matrix(matrix)
        csr.indices, csr.indptr = csr.indices.astype(np.int32), csr.indptr.astype(np.int32)
        csc = sp.csc_matrix(csr)
        p = np.random.default_rng(0).normal(size=b.shape)

        def products(operator=operator, p=p, out=out):
            for _ in range(20):
                operator.product(p, out)

        multigrid(operator, b)
        products()
        row = {}
        row["product"] = median(products, 15)[0] / 20
        row["pcg-multigrid"], x = median(lambda o=operator, b=b: multigrid(o, b), REPEATS)
        row["pyamg"], y = median(lambda m=csr, f=flat: ruge_stuben(m, f), REPEATS)
        for solution in (x, y.reshape(b.shape)):
            assert np.linalg.norm(b - operator @ solution) <= 1.01e-8 * np.linalg.norm(b)
        if direct:
            row["spsolve"], z = median(lambda m=csc, f=flat: spsolve(m, f), REPEATS)
            assert np.linalg.norm(b - operator @ z.reshape(b.shape)) <= 1e-8 * np.linalg.norm(b)
        rows.append(row)
    mean = {name: float(np.mean([r[name] for r in rows])) for name in rows[0]}
    print(
        f"\n12/3 Darcy, {' x '.join(map(str, points))} cells, {SAMPLES} samples, median of {REPEATS} solves, one thread"
    )
    for name, seconds in mean.items():
        print(
            f"  {name:14s} {1e3 * seconds:10.2f} ms  {seconds / mean['product']:9.1f} products"
            f"  {seconds / mean['pcg-multigrid']:8.2f} x pcg-multigrid"
        )
    return mean


def test_256():
    t = table((256, 256), direct=True)
    assert t["spsolve"] >= 15 * t["pcg-multigrid"]
    assert t["pyamg"] >= 6 * t["pcg-multigrid"]


def test_512():
    t = table((512, 512), direct=False)
    assert t["pyamg"] >= 6 * t["pcg-multigrid"]
    assert t["pcg-multigrid"] <= 150 * t["product"]


def test_64_cubed():
    t = table((64, 64, 64), direct=False)
    assert t["pyamg"] >= 8 * t["pcg-multigrid"]
