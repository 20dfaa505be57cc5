"""Status and Solution: numbers that files store, sentences that people read, the exception on request."""

import re

import numpy as np
import pytest

from pdekit.errors import SolveError
from pdekit.solution import Solution, Status, scipy_info

STORED = {
    "CONVERGED": (0, 2, 0),
    "CONVERGED_ATOL": (1, 3, 0),
    "CONVERGED_ZERO_RHS": (2, 3, 0),
    "EVALUATED": (3, 4, 0),
    "MAX_STEPS": (4, -3, 7),
    "STAGNATED": (5, -2, 7),
    "DIVERGED": (6, -4, 7),
    "INDEFINITE_OPERATOR": (7, -10, -10),
    "INDEFINITE_PRECONDITIONER": (8, -8, -8),
    "BREAKDOWN": (9, -5, -5),
    "NONFINITE_INPUT": (10, -9, -9),
    "NONFINITE": (11, -9, -9),
    "INCOMPATIBLE_RHS": (12, -2, -2),
    "FALSE_CONVERGENCE": (13, -2, 7),
}


def test_the_table_is_complete():
    assert [s.name for s in Status] == list(STORED)


@pytest.mark.parametrize("name", STORED)
def test_numbers_and_sentence(name):
    number, petsc, scipy = STORED[name]
    status = Status[name]
    assert int(status) == number
    assert status.petsc == petsc
    assert scipy_info(Solution(0.0, status, steps=7)) == scipy
    assert status.converged == (number <= 2)
    assert status.failed == (number >= 4)
    assert (status.petsc < 0) == status.failed  # PETSc: positive converged, negative not
    assert re.fullmatch(r"(NaN|[a-z])[^\n.]{20,}[^. ]", status.sentence)


def test_sentences_differ():
    assert len({s.sentence for s in Status}) == len(Status)


def test_a_failure_without_a_step_is_still_a_failure_for_scipy():
    assert scipy_info(Solution(0.0, Status.MAX_STEPS, steps=0)) == 1
    batch = Solution(np.zeros(2), [Status.CONVERGED, Status.MAX_STEPS], steps=np.array([3, 9]))
    assert scipy_info(batch) == [0, 9]


def test_require_converged():
    good = Solution(np.zeros(2), [Status.CONVERGED, Status.EVALUATED], steps=np.array([1, 0]))
    assert good.require_converged() is good
    assert not good.converged
    assert list(good.failed) == [False, False]
    bad = Solution(
        np.zeros(3),
        [Status.CONVERGED, Status.MAX_STEPS, Status.NONFINITE],
        steps=np.array([4, 12, 2]),
        true_residual=np.array([1e-9, 2.5e-3, np.nan]),
        info={"method": "pcg-multigrid"},
    )
    with pytest.raises(SolveError) as caught:
        bad.require_converged()
    text = str(caught.value)
    assert "pcg-multigrid failed on 2 of 3 samples; the first is sample 1: MAX_STEPS" in text
    assert "after 12 steps, true relative residual 0.0025: the step limit was reached" in text
    assert "next: more steps, a looser rtol, or another solver" in text


def test_single_systems_have_one_status():
    s = Solution(np.zeros(2), Status.CONVERGED, steps=3)
    assert s.statuses == [Status.CONVERGED]
    assert s.converged
    with pytest.raises(SolveError, match="sample 0: DIVERGED"):
        Solution(np.zeros(2), Status.DIVERGED, steps=3, true_residual=1e6).require_converged()
