"""Many systems over processes are the same systems one by one."""

import numpy as np
import pytest
import scipy.sparse as sp

from pdekit.errors import BadInput
from pdekit.linear import Stop, solve
from pdekit.linear.many import solve_many
from pdekit.solution import Status
from pdekit.space.diffusion import diffusion
from pdekit.space.grid import Grid

GRID = Grid.make((24, 16), boundary="dirichlet")
RNG = np.random.default_rng(0)
A = np.exp(RNG.normal(size=(16, 24, 16)))
B = RNG.normal(size=(16, 24, 16))
OPERATORS = [diffusion(GRID, a)[0] for a in A]


def test_sixteen_systems_over_processes_and_one_of_them_hopeless():
    """Same counts +-1, x to 1e-7, in the order given; the hopeless ones have their status and alter nothing."""
    operators, b = list(OPERATORS), B.copy()
    operators[3] = diffusion(GRID, -A[3])[0]
    b[5, 0, 0] = np.nan
    options = {"method": "cg", "precond": "jacobi", "stop": Stop(max_steps=400)}
    s = solve_many(operators, b, workers=2, **options)
    assert s.values.shape == B.shape
    assert s.status[3] is Status.INDEFINITE_OPERATOR
    assert s.status[5] is Status.NONFINITE_INPUT
    for i in set(range(16)) - {3, 5}:
        one = solve(OPERATORS[i], B[i], **options)
        assert s.status[i] is one.status is Status.CONVERGED
        assert one.steps - 1 <= s.steps[i] <= one.steps + 1
        assert np.linalg.norm(s.values[i] - one.values) <= 1e-7 * np.linalg.norm(one.values)
        assert s.true_residual[i] <= 1.01e-8
        assert len(s.residuals[i]) == s.steps[i] + 1


def test_one_operator_for_all_and_starts():
    s = solve_many(OPERATORS[0], B[:3], workers=1)
    batch = solve(OPERATORS[0], B[:3])
    np.testing.assert_array_equal(s.values, batch.values)
    again = solve_many(OPERATORS[0], B[:3], workers=1, x0=s.values)
    assert list(again.steps) == [0, 0, 0]
    matrices = solve_many([op.to_csr() for op in OPERATORS[:2]], B[:2].reshape(2, -1), workers=1, method="direct")
    assert matrices.converged


def test_wrong_use_names_the_system():
    with pytest.raises(BadInput, match=r"(?s)found: 2 and 16"):
        solve_many(OPERATORS[:2], B)
    with pytest.raises(BadInput, match="at least one"):
        solve_many(OPERATORS[0], [])
    with pytest.raises(BadInput, match=r"(?s)workers.*found: 0"):
        solve_many(OPERATORS[0], B, workers=0)
    with pytest.raises(BadInput, match="callback cannot follow"):
        solve_many(OPERATORS[0], B, callback=lambda step, norm: None)
    with pytest.raises(BadInput, match=r"(?s)x0 of many systems.*2 starts.*16"):
        solve_many(OPERATORS[0], B, x0=B[:2])
    wide = sp.csr_array((384, 2))
    with pytest.raises(BadInput, match=r"(?s)not square.*in system 1"):
        solve_many([OPERATORS[0].to_csr(), wide], B[:2].reshape(2, -1), workers=1)
