"""Boxes for every boundary type, and the observed order of a problem's discretisation on its manufactured solution."""

import itertools

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.sparse.linalg import bicgstab, spsolve

from pdekit.linear.solvers import Direct, PCGMultigrid
from pdekit.solver import Instances
from pdekit.space import transforms
from pdekit.space.diffusion import control_volumes
from pdekit.space.grid import Grid
from pdekit.steppers.spectral import PseudoSpectral

LENGTH = (1.0, 0.8, 1.3)
TURNS = ("dirichlet", "neumann", "robin")


@pytest.fixture(scope="session")
def box():
    """box(n intervals, dim, location, case): one of the four types on all faces; "mixed": another on each face;
    "ring": periodic in x, other types on the other faces."""

    def make(n, dim, location, case):
        names = [f"{axis}_{side}" for axis in "xyz"[:dim] for side in ("low", "high")]
        if case == "mixed":
            boundary = dict(zip(names, itertools.cycle(TURNS), strict=False))
            if dim == 3:
                boundary |= {"y_low": "dirichlet", "y_high": "neumann", "z_low": "robin", "z_high": "dirichlet"}
        elif case == "ring":
            boundary = dict(
                zip(names, ("periodic", "periodic", "neumann", "dirichlet", "robin", "neumann"), strict=False)
            )
        else:
            boundary = case
        kinds = dict.fromkeys(names, boundary) if isinstance(boundary, str) else boundary
        robin = {name: (1.5, 0.7) for name in names if kinds.get(name) == "robin"}
        grid = Grid.make((4,) * dim, LENGTH[:dim], location=location, boundary=boundary, robin=robin)
        return grid.with_intervals((n,) * dim)

    return make


@pytest.fixture(scope="session")
def answer():
    """answer(problem, instances): u (n, *points), solved far below the error of the discretisation."""

    def solve(problem, instances):
        if problem.name == "helmholtz":
            return transformed(problem, instances)
        if "spd" not in problem.traits:
            return factorised(problem, instances)
        direct = instances.grid.dim == 1 or "periodic" not in str(instances.grid.boundary)
        direct = direct and np.prod(instances.grid.points) < 5000
        solver = Direct(project_rhs=True) if direct else PCGMultigrid(rtol=1e-11, project_rhs=True)
        solution = solver.prepare(problem).solve(instances).require_converged()
        return solution.values[problem.outputs[0].name]

    return solve


def transformed(problem, instances):
    """u by sines, cosines or Fourier series, (eigenvalues - wavenumber^2)^-1: an LU of three axes takes minutes."""
    grid, out = instances.grid, []
    for case in instances.cases():
        b = problem.assemble(case)[1] / control_volumes(grid)
        spectrum = transforms.forward(b, grid) / (transforms.eigenvalues(grid) - problem.wavenumber**2)
        out.append(problem.embed(case, transforms.backward(spectrum, grid)))
    u = np.stack(out)
    assert problem.residual(instances, {"amplitude": u}).max() < 1e-10
    return u


def factorised(problem, instances):
    """u by scipy's LU, in 3D by its BiCGStab, case by case: for what is not symmetric positive definite."""
    out = []
    for case in instances.cases():
        operator, b = problem.assemble(case)
        matrix = operator if sp.issparse(operator) else operator.to_csr()
        if b.ndim == 3:
            x, info = bicgstab(matrix, b.ravel(), rtol=1e-11, M=sp.diags_array(1 / matrix.diagonal()))
            assert info == 0
        else:
            x = spsolve(sp.csc_matrix(matrix), b.ravel())
        out.append(problem.embed(case, np.asarray(x).reshape(b.shape)))
    return np.stack(out)


@pytest.fixture(scope="session")
def error(answer):
    """error(problem, grid): relative L2 error on the manufactured solution; up to a constant where u is known up to one."""

    def measure(problem, grid):
        instances, u = problem.manufactured(grid)
        difference = answer(problem, instances) - u
        weights = grid.weights
        if getattr(problem.assemble(instances)[0], "singular", False):
            difference = difference - (weights * difference).sum() / grid.volume
        return float(np.sqrt((weights * difference**2).sum() / (weights * u**2).sum()))

    return measure


@pytest.fixture(scope="session")
def orders(error):
    """orders(problem, grids): the observed order between each grid and the next, of twice the intervals."""

    def observed(problem, grids):
        errors = np.array([error(problem, grid) for grid in grids])
        return np.log2(errors[:-1] / errors[1:])

    return observed


@pytest.fixture(scope="session")
def periodic():
    """periodic(points, length): a periodic grid of points x_j = j L/N."""

    def make(points, length):
        points, length = np.atleast_1d(points), np.atleast_1d(length)
        return Grid.make(tuple(points.tolist()), tuple(length.tolist()), location="vertex", boundary="periodic")

    return make


@pytest.fixture(scope="session")
def trajectory():
    """trajectory(problem, grid, starts, times, dt=..): the Solution for one sample, or more where starts are (n, *points)."""

    def march(problem, grid, starts, times, parameters=None, **settings):
        settings = {"scheme": "etdrk4"} | settings
        given = {}
        for spec, u in zip(problem.inputs, starts, strict=True):
            u = np.asarray(u, float)
            given[spec.name] = np.broadcast_to(u, (1, *grid.points)) if u.ndim <= grid.dim else u
        instances = Instances(grid, given, parameters or {}, np.asarray(times, float))
        return PseudoSpectral(**settings).prepare(problem).solve(instances)

    return march


@pytest.fixture(scope="session")
def watched():
    """watched(problem, grid, solution): {quantity: (n, t)} of the stored frames."""

    def look(problem, grid, solution):
        space = problem.space(grid)
        u = np.stack([solution.values[spec.name] for spec in problem.outputs], axis=2)
        frames = [problem.quantities(space.forward(u[:, i]), 0.0, space) for i in range(u.shape[1])]
        return {name: np.stack([frame[name] for frame in frames], axis=1) for name in frames[0]}

    return look
