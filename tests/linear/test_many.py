"""Many systems over processes are the same systems one by one."""

import os
import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from pdekit.errors import BadInput, SolveError
from pdekit.linear import Stop, solve
from pdekit.linear.many import _broken, solve_many
from pdekit.solution import Status
from pdekit.space.diffusion import diffusion
from pdekit.space.grid import Grid
from pdekit.space.stencils import StencilOperator

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


SCRIPT = """
import numpy as np
from pdekit.linear.many import solve_many
from pdekit.space.diffusion import diffusion
from pdekit.space.grid import Grid
{guard}
    operator = diffusion(Grid.make((8, 8), boundary="dirichlet"), 1.0)[0]
    s = solve_many(operator, np.ones((4, 8, 8)), workers=2, method="direct")
    print("converged", s.converged)
"""


def script(tmp_path, guard):
    path = tmp_path / "mine.py"
    path.write_text(SCRIPT.format(guard=guard))
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    return subprocess.run([sys.executable, str(path)], capture_output=True, text=True, env=environment, timeout=300)


def test_a_script_with_a_guard_runs_once(tmp_path):
    done = script(tmp_path, 'if __name__ == "__main__":')
    assert (done.returncode, done.stdout.strip()) == (0, "converged True"), done.stderr


def test_a_script_without_a_guard_is_told_what_to_write(tmp_path):
    """One message, of the process that was started by hand, and none of multiprocessing's."""
    done = script(tmp_path, "if True:")
    assert done.returncode == 1
    assert done.stdout == ""
    last = done.stderr[done.stderr.rindex("BadInput") :]
    assert 'put the call, and all that a process need not repeat, under `if __name__ == "__main__":`' in last
    assert "workers = 1" in last
    for noise in ("RuntimeError", "BrokenProcessPool", "freeze_support", "resource_tracker"):
        assert noise not in done.stderr
    assert done.stderr.count("Traceback") == 1


def test_a_process_that_was_killed_is_another_matter():
    assert isinstance(_broken(True), SolveError)
    assert "fewer workers" in str(_broken(True))


def test_tensors_are_shown_their_door():
    text = r"(?s)found: {} of torch.Tensor.*next: solve\(operator, b\).*`pdekit.linear.batched`"
    wide = StencilOperator(tuple(torch.tensor(e) for e in OPERATORS[0].edges), GRID)
    for operators, b, what in (
        (OPERATORS[0], torch.tensor(B), "b"),
        (OPERATORS[0], list(torch.tensor(B)), "b"),
        (wide, B, "A"),
        ([wide] * 16, B, "A"),
        (torch.eye(384), B, "A"),
    ):
        with pytest.raises(BadInput, match=text.format(what)):
            solve_many(operators, b, workers=2)
    tensors = StencilOperator(tuple(torch.tensor(np.stack([a, b])) for a, b in zip(*(op.edges for op in OPERATORS[:2]),
                              strict=True)), GRID)  # fmt: skip
    together = solve(tensors, torch.tensor(B[:2]))  # the next step that is named
    many = solve_many(OPERATORS[:2], B[:2], workers=1)
    np.testing.assert_allclose(together.values.numpy(), many.values, rtol=0, atol=1e-6 * np.abs(many.values).max())
