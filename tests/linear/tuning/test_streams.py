import numpy as np
import pytest
import scipy.sparse.linalg as spl

from pdekit.errors import BadInput
from pdekit.linear.tuning import ShiftedSystems


@pytest.mark.parametrize("law", ["high", "low"])
def test_shifts_and_right_hand_sides_follow_their_laws(law):
    stream = ShiftedSystems(4000, law, seed=1)
    variance = {"high": 0.36 * 0.75 / (4 * 3), "low": 0.36 * 12 / (64 * 9)}[law]  # a b / ((a + b)^2 (a + b + 1))
    assert stream.shifts.mean() == pytest.approx(0.0, abs=4 * np.sqrt(variance / 4000))
    assert stream.shifts.var() == pytest.approx(variance, rel=0.1)
    assert -0.15 <= stream.shifts.min() < stream.shifts.max() <= 0.45
    norms = (stream.rhs**2).sum(1)
    assert norms.max() <= 100
    assert norms.max() > 99.5
    assert norms.mean() == pytest.approx(89.2, abs=1.0)  # of chi^2 with 100 degrees, below 100
    assert abs(stream.rhs.mean()) < 0.01


def test_an_equal_seed_gives_the_same_systems_and_another_one_does_not():
    one, two, other = (ShiftedSystems(50, seed=s) for s in (3, 3, 4))
    assert (one.rhs == two.rhs).all()
    assert (one.shifts == two.shifts).all()
    assert not (one.rhs == other.rhs).any()
    assert [s.shift for s in one] == one.shifts.tolist()


def test_the_matrix_has_the_spectrum_that_is_told():
    stream = ShiftedSystems(1)
    A = stream.matrix(0.0)
    assert A.shape == (100, 100)
    assert np.linalg.eigvalsh(A.toarray())[0] == pytest.approx(0.162, abs=5e-4)
    assert np.linalg.eigvalsh(stream.matrix(-0.15).toarray())[0] == pytest.approx(0.012, abs=5e-4)
    jacobi = np.eye(100) - stream.matrix(0.3).toarray() / 4.3
    beta = np.abs(np.linalg.eigvalsh(jacobi)).max()
    assert stream.young(0.3) == pytest.approx(2 / (1 + np.sqrt(1 - beta**2)), rel=1e-12)


@pytest.mark.parametrize(("shift", "omega"), [(-0.15, 1.854), (0, 1.560), (0.15, 1.449), (0.3, 1.378), (0.45, 1.328)])
def test_youngs_omega_of_the_shifts(shift, omega):
    assert ShiftedSystems(1).young(shift) == pytest.approx(omega, abs=5e-4)


def test_the_tests_own_sor_solves_these_systems(sor):
    stream = ShiftedSystems(3, seed=2)
    for system in stream:
        x = np.zeros((12, 12))
        target = 1e-8 * np.linalg.norm(system.rhs)
        sor.relax(system.shift, system.rhs, 1.5, target, 10_000, x)
        A = stream.matrix(system.shift)
        residual = system.rhs - A @ x[1:-1, 1:-1].ravel()
        assert 0.3 * target < np.linalg.norm(residual) < target * (1 + 1e-6)
        np.testing.assert_allclose(x[1:-1, 1:-1].ravel(), spl.spsolve(A.tocsc(), system.rhs), atol=1e-4)


def test_an_unknown_law_is_refused():
    with pytest.raises(BadInput, match="law of shifts named 'medium'"):
        ShiftedSystems(3, "medium")
