"""Pointwise metrics: pinned values, laws of scale and shift, invariances, failures."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdekit.errors import BadInput
from pdekit.metrics import pointwise
from pdekit.space.grid import Grid

GRIDS = [
    Grid.make(9, 2.0),
    Grid.make((6, 5), (1.0, 3.0), location="vertex", boundary="dirichlet"),
    Grid.make((4, 3, 5), (1.0, 2.0, 0.5), boundary={"z_low": "periodic", "z_high": "periodic"}),
]
TABLES = {
    name: getattr(pointwise, name)
    for name in ("mse", "rmse", "mae", "relative_l2", "relative_l2_trajectory", "vrmse", "max_error", "relative_max")
}
RELATIVE = ("relative_l2", "relative_l2_trajectory", "vrmse", "relative_max")


def fields(grid, n=4, t=2, c=3, seed=0):
    rng = np.random.default_rng(seed)
    ref = rng.normal(size=(n, t, *grid.points, c))
    return ref + 0.3 * rng.normal(size=ref.shape), ref


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("name", TABLES)
def test_nothing_is_wrong_with_the_reference(name, grid):
    _, ref = fields(grid)
    assert np.all(TABLES[name](ref, ref, grid) == 0)


@pytest.mark.parametrize("grid", GRIDS)
def test_literal_definitions(grid):
    """Loops over samples, times, channels and points, with the weights of the grid."""
    pred, ref = fields(grid)
    w = grid.weights.ravel() / grid.volume
    for n, t, c in np.ndindex(4, 2, 3):
        p, r = pred[n, t, ..., c].ravel(), ref[n, t, ..., c].ravel()
        e2 = sum(wi * (pi - ri) ** 2 for wi, pi, ri in zip(w, p, r, strict=True))
        r2 = sum(wi * ri**2 for wi, ri in zip(w, r, strict=True))
        centre = sum(wi * ri for wi, ri in zip(w, r, strict=True))
        variance = sum(wi * (ri - centre) ** 2 for wi, ri in zip(w, r, strict=True))
        expected = {
            "mse": e2,
            "rmse": math.sqrt(e2),
            "mae": sum(wi * abs(pi - ri) for wi, pi, ri in zip(w, p, r, strict=True)),
            "relative_l2": math.sqrt(e2 / r2),
            "vrmse": math.sqrt(e2 / variance),
            "max_error": max(abs(p - r)),
            "relative_max": max(abs(p - r)) / max(abs(r)),
        }
        for name, value in expected.items():
            assert TABLES[name](pred, ref, grid)[n, t, c] == pytest.approx(value, rel=1e-12), name
        a, b = p - w @ p, r - w @ r
        correlation = (w * a) @ b / math.sqrt((w * a) @ a * ((w * b) @ b))
        assert pointwise.correlation(pred, ref, grid)[n, t, c] == pytest.approx(correlation, rel=1e-11, abs=1e-13)


@pytest.mark.parametrize("grid", GRIDS)
def test_pinned_predictions(grid):
    _, ref = fields(grid)
    centre = np.tensordot(ref, grid.weights / grid.volume, axes=(range(2, grid.dim + 2), range(grid.dim)))
    mean_field = np.broadcast_to(centre.reshape(4, 2, *(1,) * grid.dim, 3), ref.shape)
    np.testing.assert_allclose(pointwise.vrmse(mean_field, ref, grid), 1.0, rtol=1e-12)
    np.testing.assert_allclose(pointwise.relative_l2(0 * ref, ref, grid), 1.0, rtol=1e-14)
    np.testing.assert_allclose(pointwise.correlation(ref, ref, grid), 1.0, rtol=1e-14)
    np.testing.assert_allclose(pointwise.correlation(-3 * ref + 2, ref, grid), -1.0, rtol=1e-12)


@given(factor=st.floats(1e-3, 1e3), shift=st.floats(-10, 10))
def test_laws_of_scale_and_shift(factor, shift):
    grid = GRIDS[1]
    pred, ref = fields(grid)
    for name, metric in TABLES.items():
        power = 0 if name in RELATIVE else 2 if name == "mse" else 1
        np.testing.assert_allclose(
            metric(factor * pred, factor * ref, grid), factor**power * metric(pred, ref, grid), rtol=1e-10
        )
        if name not in RELATIVE or name == "vrmse":
            np.testing.assert_allclose(
                metric(pred + shift, ref + shift, grid), metric(pred, ref, grid), rtol=1e-9, err_msg=name
            )


@pytest.mark.parametrize("name", TABLES)
def test_samples_and_channels_are_apart(name):
    grid = GRIDS[1]
    pred, ref = fields(grid)
    metric = TABLES[name]
    whole = metric(pred, ref, grid)
    parts = np.concatenate([metric(pred[i : i + 1], ref[i : i + 1], grid) for i in range(len(ref))])
    np.testing.assert_allclose(whole, parts, rtol=1e-14)
    order = [2, 0, 1]
    np.testing.assert_allclose(whole[..., order], metric(pred[..., order], ref[..., order], grid), rtol=1e-14)


def test_blocks_of_samples_do_not_show(monkeypatch):
    grid = GRIDS[0]
    pred, ref = fields(grid, n=7)
    whole = pointwise.vrmse(pred, ref, grid)
    monkeypatch.setattr("pdekit.metrics.fields._BLOCK", 2 * ref[0].size)
    np.testing.assert_allclose(whole, pointwise.vrmse(pred, ref, grid), rtol=1e-14)


def test_joint_channels_and_trajectories_pool_squares():
    grid = GRIDS[0]
    pred, ref = fields(grid)
    joint = np.sqrt(((pred - ref) ** 2).sum((2, 3)) / (ref**2).sum((2, 3)))
    np.testing.assert_allclose(pointwise.relative_l2(pred, ref, grid, channels="joint")[..., 0], joint, rtol=1e-13)
    whole = np.sqrt(((pred - ref) ** 2).sum((1, 2)) / (ref**2).sum((1, 2)))
    np.testing.assert_allclose(pointwise.relative_l2_trajectory(pred, ref, grid)[:, 0], whole, rtol=1e-13)
    with pytest.raises(BadInput, match="no treatment of channels named 'together'"):
        pointwise.relative_l2(pred, ref, grid, channels="together")


def test_resolution_does_not_show_on_smooth_periodic_fields():
    values = []
    for points in (16, 32):
        grid = Grid.make((points, points), (1.0, 2.0))
        x, y = grid.mesh
        ref = np.sin(2 * np.pi * x) + np.cos(2 * np.pi * y + 1)
        pred = ref + 0.1 * np.sin(6 * np.pi * x + np.pi * y)
        args = pred[None, None, ..., None], ref[None, None, ..., None], grid
        values.append([float(pointwise.relative_l2(*args).item()), float(pointwise.vrmse(*args).item())])
    np.testing.assert_allclose(values[0], values[1], rtol=1e-12)


@pytest.mark.parametrize("name", TABLES)
def test_float32_is_scored_in_float64(name):
    grid = GRIDS[1]
    pred, ref = (a.astype(np.float32) for a in fields(grid))
    exact = TABLES[name](pred.astype(np.float64), ref.astype(np.float64), grid)
    np.testing.assert_array_equal(TABLES[name](pred, ref, grid), exact)


@pytest.mark.parametrize("name", RELATIVE)
def test_small_fields_are_fields(name):
    grid = GRIDS[1]
    pred, ref = fields(grid)
    expected = TABLES[name](pred, ref, grid)
    pred[0] *= 1e-9
    ref[0] *= 1e-9
    np.testing.assert_allclose(TABLES[name](pred, ref, grid), expected, rtol=1e-10)


def test_fixed_scale():
    grid = GRIDS[0]
    pred, ref = fields(grid)
    scale = np.array([1.0, 2.0, 4.0])
    np.testing.assert_allclose(
        pointwise.normalised_rmse(pred, ref, grid, scale=scale), pointwise.rmse(pred, ref, grid) / scale
    )
    for wrong in ([1.0, 2.0], [1.0, 0.0, 1.0], [1.0, np.nan, 1.0]):
        with pytest.raises(BadInput, match="3 finite numbers > 0, one per channel"):
            pointwise.normalised_rmse(pred, ref, grid, scale=wrong)


@pytest.mark.parametrize("name", RELATIVE)
@pytest.mark.parametrize("constant", [0.0, 0.1])
def test_a_vanishing_denominator_is_not_a_number(name, constant):
    grid = GRIDS[1]
    pred, ref = fields(grid)
    ref[1] = constant
    out = TABLES[name](pred, ref, grid)
    assert np.isnan(out[1]).all() == (name == "vrmse" or constant == 0.0)
    assert np.isfinite(np.delete(out, 1, axis=0)).all()


def test_constant_fields_have_no_variance_even_if_all_are():
    grid = GRIDS[1]
    ref = np.full((3, 1, *grid.points, 1), 0.1)
    assert np.isnan(pointwise.vrmse(ref + 1, ref, grid)).all()
    assert np.isnan(pointwise.correlation(ref + 1, ref, grid)).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e200])
@pytest.mark.parametrize("name", [*TABLES, "correlation"])
def test_failed_predictions_stay_in_the_table(name, value):
    if value == 1e200 and name in ("mae", "max_error", "relative_max"):
        return  # these take no squares: the number is large and finite
    grid = GRIDS[0]
    pred, ref = fields(grid)
    ref[2, 0] = 0.0  # also degenerate: a failure all the same
    pred[2, 0, 4, 1] = value
    out = getattr(pointwise, name)(pred, ref, grid)
    bad = -np.inf if name == "correlation" else np.inf
    assert out[2, 0, 1] == bad or (name == "correlation" and value == 1e200)
    assert np.isfinite(np.delete(out, 2, axis=0)).all()


def test_a_reference_that_is_not_finite_is_refused():
    grid = GRIDS[0]
    pred, ref = fields(grid)
    ref[3, 1, 0, 0] = np.nan
    with pytest.raises(BadInput, match="NaN or infinity in sample 3"):
        pointwise.mse(pred, ref, grid)
