import numpy as np
import pytest

from pdekit.models.channels import Channel, Channels
from pdekit.models.mean import MeanField, MeanFieldConfig
from pdekit.models.pod import PODRidge, PODRidgeConfig
from pdekit.space.grid import Grid

rng = np.random.default_rng(3)


def channels(shift=0.0, n_in=1, n_out=1):
    return Channels(
        inputs=tuple(Channel(name=f"a{i}") for i in range(n_in)),
        outputs=tuple(Channel(name=f"u{i}", shift=shift) for i in range(n_out)),
    )


def blocks(x, y, size=7):
    return lambda: [(x[i : i + size], y[i : i + size]) for i in range(0, len(x), size)]


def linear_data(n, grid, c_in=1, c_out=1, rank=4, seed=0, noise=0.0):
    """Inputs in a space of `rank` dimensions, outputs a linear map of them plus a constant and noise."""
    r = np.random.default_rng(99)
    modes_in, modes_out = r.standard_normal((rank, c_in, *grid.points)), r.standard_normal((rank, c_out, *grid.points))
    mean = r.standard_normal((c_out, *grid.points))
    a = np.random.default_rng(seed).standard_normal((n, rank))
    y = mean + np.tensordot(a, modes_out, 1)
    y = y + noise * np.random.default_rng(seed + 50).standard_normal(y.shape)
    return (1 + np.tensordot(a, modes_in, 1)).astype(np.float32), y.astype(np.float32)


def relative(p, y):
    e = np.linalg.norm((p - y).reshape(len(y), -1), axis=1) / np.linalg.norm(y.reshape(len(y), -1), axis=1)
    return e.mean()


def fitted(grid, train, valid, **config):
    n_in, n_out = train[0].shape[1], train[1].shape[1]
    solver = PODRidge(PODRidgeConfig(**config), channels(n_in=n_in, n_out=n_out), grid)
    return solver, solver.fit(blocks(*train), blocks(*valid))


GRIDS = [
    Grid.make([8, 6], boundary="dirichlet"),
    Grid.make([9, 7], boundary="dirichlet", location="vertex"),
    Grid.make(20, boundary="periodic", location="vertex"),
]


@pytest.mark.parametrize("grid", GRIDS, ids=lambda g: f"{g.dim}d-{g.location}")
@pytest.mark.parametrize("c", [1, 2])
def test_pod_is_exact_on_a_linear_map_of_low_rank(grid, c):
    train, valid = linear_data(40, grid, c, c), linear_data(10, grid, c, c, seed=1)
    solver, chosen = fitted(grid, train, valid, ridge=(1e-12,))
    assert chosen["output_modes"] == 4
    assert relative(solver.predict(valid[0], grid), valid[1]) < 1e-4


def test_pod_equals_dense_ridge_regression():
    """With all modes kept, POD with ridge in whitened coordinates is ridge regression on the whitened input."""
    grid = Grid.make(12, boundary="periodic")
    train, valid = linear_data(60, grid, rank=12, noise=0.5), linear_data(20, grid, rank=12, seed=1, noise=0.5)
    solver, _ = fitted(grid, train, valid, input_modes=(12,), output_modes=12, ridge=(0.1,))
    x, y = (v[:, 0].astype(np.float64) for v in train)
    x_mean, y_mean = x.mean(0), y.mean(0)
    s, vectors = np.linalg.eigh((x - x_mean).T @ (x - x_mean) / len(x))
    a = (x - x_mean) @ vectors / np.sqrt(s)
    weights = np.linalg.solve(a.T @ a + len(x) * 0.1 * np.eye(12), a.T @ (y - y_mean))
    expected = y_mean + (valid[0][:, 0] - x_mean) @ vectors / np.sqrt(s) @ weights
    np.testing.assert_allclose(solver.predict(valid[0], grid)[:, 0], expected, atol=2e-4)


def test_the_choice_is_the_best_on_the_validation_data():
    grid = GRIDS[0]
    train, valid = linear_data(30, grid, rank=20, noise=1.0), linear_data(15, grid, rank=20, seed=1, noise=1.0)
    options = {"input_modes": (2, 5, 20), "ridge": (1e-6, 0.1, 10.0)}
    errors = {}
    for modes in options["input_modes"]:
        for ridge in options["ridge"]:
            solver, _ = fitted(grid, train, valid, input_modes=(modes,), ridge=(ridge,))
            errors[modes, ridge] = relative(solver.predict(valid[0], grid), valid[1])
    _, chosen = fitted(grid, train, valid, **options)
    assert (chosen["input_modes"], chosen["ridge"]) == min(errors, key=errors.__getitem__)


def test_the_basis_may_come_from_fewer_samples_than_the_regression():
    grid = GRIDS[0]
    train, valid = linear_data(40, grid), linear_data(10, grid, seed=1)
    few, _ = fitted(grid, train, valid, snapshots=10, ridge=(1e-12,))
    assert relative(few.predict(valid[0], grid), valid[1]) < 1e-4


def test_a_shift_of_the_output_counts_in_the_error_that_chooses():
    """Relative errors are those of physical values: a large mean makes all of them small but keeps their order."""
    grid = GRIDS[0]
    train, valid = linear_data(30, grid, rank=6, noise=0.3), linear_data(10, grid, rank=6, seed=1, noise=0.3)
    solver = PODRidge(PODRidgeConfig(), channels(shift=100.0), grid)
    assert solver.fit(blocks(*train), blocks(*valid))["input_modes"] >= 1
    assert solver.shift.shape == (1, 1, 1)
    assert solver.shift.item() == 100.0


def test_the_mean_is_the_mean_whatever_the_blocks_and_the_input():
    grid = GRIDS[0]
    y = rng.standard_normal((23, 2, *grid.points)).astype(np.float32)
    solver = MeanField(MeanFieldConfig(), channels(n_out=2), grid)
    solver.fit(blocks(y, y), blocks(y, y))
    np.testing.assert_allclose(solver.mean, y.mean(axis=0, dtype=np.float64), rtol=1e-6, atol=1e-7)
    answer = solver.predict(rng.standard_normal((3, 1, *grid.points)).astype(np.float32), grid)
    assert answer.shape == (3, 2, *grid.points)
    np.testing.assert_array_equal(answer[0], answer[2])
