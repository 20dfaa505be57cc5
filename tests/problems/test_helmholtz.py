"""Helmholtz: eigenfunctions of box and scheme, resonances, pollution, the signature of the matrix, what it refuses."""

import math

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.sparse.linalg import spsolve

from pdekit.errors import BadInput
from pdekit.problems import Helmholtz
from pdekit.solver import Instances
from pdekit.space import transforms
from pdekit.space.grid import Grid


def answer(problem, instances):
    operator, b = problem.assemble(instances)
    x = spsolve(sp.csc_matrix(operator.to_csr()), b.ravel()).reshape(b.shape)
    return problem.embed(instances, x)[None]


@pytest.mark.parametrize("location", ["cell", "vertex"])
@pytest.mark.parametrize(("m", "points"), [((3,), (17,)), ((2, 5), (12, 16)), ((1, 2, 3), (6, 8, 10))])
def test_a_mode_of_the_box_is_a_mode_of_the_scheme(m, points, location):
    length = (1.0, 0.7, 2.0)[: len(m)]
    grid = Grid.make(points, length, location=location, boundary="dirichlet")
    problem = Helmholtz(wavenumber=9.0)
    instances, u = problem.mode(grid, m)
    exact = sum((math.pi * k / ell) ** 2 for k, ell in zip(m, length, strict=True))
    discrete = sum(
        (2 / h * math.sin(math.pi * k * h / ell / 2)) ** 2 for k, ell, h in zip(m, length, grid.spacing, strict=True)
    )
    got = answer(problem, instances)
    np.testing.assert_allclose(got, u * (exact - 81) / (discrete - 81), rtol=0, atol=1e-12)
    assert problem.residual(instances, {"amplitude": got})[0] < 1e-13
    with pytest.raises(BadInput, match=r"(?s)walls are held at 0"):
        problem.mode(Grid.make(points, length, boundary="periodic"), m)


@pytest.mark.parametrize("kind", ["dirichlet", "neumann", "periodic"])
@pytest.mark.parametrize("location", ["cell", "vertex"])
def test_as_many_negative_eigenvalues_as_modes_below(kind, location):
    grid = Grid.make((7, 8), (1.0, 0.9), location=location, boundary=kind)
    problem = Helmholtz(wavenumber=11.0)
    operator, _ = problem.assemble(Instances(grid, {"source": np.ones((1, *grid.points))}))
    values = np.linalg.eigvalsh(operator.to_csr().toarray())
    low = transforms.eigenvalues(Grid.make((7, 8), (1.0, 0.9), location=location, boundary=kind))
    if kind != "periodic":  # `forward` keeps half of the coefficients of a ring
        assert (values < 0).sum() == (low < 121).sum()
    assert 1 < (values < 0).sum() < len(values) // 2
    assert not operator.spd
    assert not operator.singular


@pytest.mark.parametrize("kind", ["dirichlet", "neumann", "periodic"])
@pytest.mark.parametrize("location", ["cell", "vertex"])
@pytest.mark.parametrize("dim", [1, 2, 3])
def test_the_distance_to_resonance_is_that_of_the_matrix(dim, kind, location):
    grid = Grid.make((5, 6, 4)[:dim], (1.0, 0.9, 0.8)[:dim], location=location, boundary=kind)
    problem = Helmholtz(wavenumber=6.0)
    operator, _ = problem.assemble(Instances(grid, {"source": np.ones((1, *grid.points))}))
    dense = operator.to_csr().toarray()
    if location == "vertex" and kind == "neumann":  # rows carry half volumes: eigenvalues of the pencil
        from pdekit.space.diffusion import control_volumes

        scale = 1 / np.sqrt(control_volumes(grid).ravel())
        dense = scale[:, None] * dense * scale
    distance, eigenvalue = problem.resonance(grid)
    assert distance == pytest.approx(np.abs(np.linalg.eigvalsh(dense)).min() / 36, rel=1e-9)
    assert abs(eigenvalue - 36) == pytest.approx(distance * 36, rel=1e-12)


def test_a_resonance_is_refused_and_its_neighbour_is_not():
    grid = Grid.make((12, 12), (1.0, 1.0), boundary="dirichlet")
    source = {"source": np.ones((1, 12, 12))}
    k = math.sqrt(2) * 2 * 12 * math.sin(math.pi / 24)  # the lowest discrete mode
    message = r"(?s)wavenumber is a resonance of the box.*found: wavenumber 4\.4.*allowed: .*1e-06.*move the wavenumber"
    with pytest.raises(BadInput, match=message):
        Helmholtz(wavenumber=k).check(Instances(grid, source))
    with pytest.raises(BadInput, match=message):
        Helmholtz(wavenumber=k * (1 + 4e-7)).check(Instances(grid, source))
    Helmholtz(wavenumber=k * (1 + 1e-6)).check(Instances(grid, source))
    Helmholtz(wavenumber=math.sqrt(2) * math.pi).check(
        Instances(grid, source)
    )  # resonance of the box, not of this grid
    batch = Instances(grid, {"source": np.ones((3, 12, 12))}, {"wavenumber": np.array([5.0, 6.0, k])})
    with pytest.raises(BadInput, match=r"(?s)resonance.*in sample 2"):
        Helmholtz().check(batch)


def test_pollution_grows_with_the_cube_of_the_wavenumber():
    """1D, the phase of a wave of the scheme is off by k^3 h^2/24 per length: at equal k h the error grows like k."""
    shift = []
    for k, n in ((20.0, 160), (40.0, 320), (80.0, 640)):
        h = 1 / n
        assert Helmholtz(wavenumber=k).points_per_wavelength(Grid.make(n, boundary="dirichlet")) == pytest.approx(
            2 * math.pi * 8
        )
        scheme = 2 / h * math.asin(k * h / 2)
        shift.append(scheme - k)
        assert shift[-1] == pytest.approx(k**3 * h**2 / 24, rel=0.01)
    assert shift[1] / shift[0] == pytest.approx(2.0, rel=1e-9)


def test_the_wavenumber_may_differ_by_sample():
    grid = Grid.make((9, 8), (1.0, 1.0), boundary="neumann")
    source = np.random.default_rng(2).standard_normal((1, 9, 8))
    batch = Instances(grid, {"source": source.repeat(2, 0)}, {"wavenumber": np.array([2.0, 8.0])})
    both = np.concatenate([answer(Helmholtz(), batch.case(i)) for i in range(2)])
    for i, k in enumerate((2.0, 8.0)):
        np.testing.assert_allclose(
            both[i], answer(Helmholtz(wavenumber=k), Instances(grid, {"source": source}))[0], rtol=1e-12
        )
    assert Helmholtz().residual(batch, {"amplitude": both}).max() < 1e-12


def test_the_residual_sees_stored_ends_by_the_strength_of_the_edges():
    """The diagonal 2/h^2 - k^2 may vanish; a wrong stored end must count by its edge all the same."""
    grid = Grid.make(5, 1.0, location="vertex", boundary="dirichlet")
    problem = Helmholtz(wavenumber=math.sqrt(32.0))
    instances = Instances(grid, {"source": np.ones((1, 5))})
    assert np.abs(problem.assemble(instances)[0].diagonal()).max() < 1e-12
    u = answer(problem, instances)
    assert problem.residual(instances, {"amplitude": u})[0] < 1e-14
    u[0, 0] = 1e-3
    assert problem.residual(instances, {"amplitude": u})[0] == pytest.approx(16e-3 / math.sqrt(3), rel=1e-9)


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan])
def test_wavenumbers_that_cannot_be(value):
    with pytest.raises(BadInput, match=r"(?s)wavenumber of Helmholtz.*allowed: a number > 0, in rad/length"):
        Helmholtz(wavenumber=value)


def test_robin_faces_are_refused():
    with pytest.raises(BadInput, match=r"(?s)it has no robin faces.*found: boundary.*\"periodic\""):
        Helmholtz().check_grid(Grid.make((4, 4), 1.0, boundary={"x_low": "robin"}))
