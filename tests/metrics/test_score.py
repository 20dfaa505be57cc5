"""The registry, per-sample scores, reductions and summaries; NumPy against torch."""

import math
import subprocess
import sys

import numpy as np
import pytest
import torch

from pdekit.errors import BadInput
from pdekit.metrics import METRICS, at_reference_floor, pointwise, reduce, score, summarise
from pdekit.metrics.reduce import REDUCTIONS, per_sample
from pdekit.space.grid import Grid

PAIRS = [name for name, metric in METRICS.items() if not metric.needs_problem]
GRID = Grid.make((8, 6), (1.0, 2.0), location="vertex", boundary="dirichlet")


def fields(grid, shape=(5,), seed=1):
    rng = np.random.default_rng(seed)
    ref = rng.normal(size=(*shape, *grid.points)).astype(np.float32)
    return ref + 0.1 * rng.normal(size=ref.shape).astype(np.float32), ref


@pytest.mark.parametrize("name", PAIRS)
def test_every_metric_scores_static_fields_in_both_libraries(name):
    pred, ref = fields(GRID)
    pred[3, 0, 0] = np.nan
    here = score([name], pred, ref, GRID)[name]
    there = score([name], torch.tensor(pred), torch.tensor(ref), GRID)[name]
    assert here.shape == (5,)
    assert here.dtype == np.float64
    assert isinstance(there, np.ndarray)
    np.testing.assert_allclose(here, there, rtol=1e-10)
    better = METRICS[name].lower_is_better
    assert here[3] == (math.inf if better else -math.inf)
    assert np.isfinite(np.delete(here, 3)).all()


@pytest.mark.parametrize("name", PAIRS)
def test_a_perfect_answer_scores_best(name):
    _, ref = fields(GRID)
    value = score([name], ref, ref, GRID)[name]
    np.testing.assert_allclose(value, 0.0 if METRICS[name].lower_is_better else 1.0, rtol=1e-14)


def test_static_layout_is_the_full_one():
    pred, ref = fields(GRID)
    full = [a[:, None, ..., None] for a in (pred, ref)]
    for name in PAIRS:
        np.testing.assert_array_equal(score([name], pred, ref, GRID)[name], score([name], *full, GRID)[name])


def test_times_and_channels_are_reduced_by_name():
    rng = np.random.default_rng(0)
    ref = rng.normal(size=(3, 4, *GRID.points, 2))
    pred = ref + 0.1 * rng.normal(size=ref.shape)
    scores = score(["rmse", "max_error"], pred, ref, GRID)
    np.testing.assert_allclose(scores["rmse"], pointwise.rmse(pred, ref, GRID).mean((1, 2)), rtol=1e-14)
    largest = pointwise.max_error(pred, ref, GRID).max(1).mean(-1)
    np.testing.assert_allclose(scores["max_error"], largest, rtol=1e-14)


def test_every_metric_names_its_reduction():
    named = {name: m.reduction for name, m in METRICS.items() if m.reduction != "mean"}
    assert named == {"relative_max": "max_mean", "max_error": "max_mean", "conserved_error": "rms"}
    assert {m.reduction for m in METRICS.values()} <= set(REDUCTIONS)


def test_wrong_use_is_refused():
    pred, ref = fields(GRID)
    with pytest.raises(BadInput, match=r"no metric named 'relativ_l2'.*\n.*did you mean 'relative_l2'"):
        score(["relativ_l2"], pred, ref, GRID)
    with pytest.raises(BadInput, match="needs the problem"):
        score(["residual"], pred, ref, GRID)
    with pytest.raises(BadInput, match=r"differ in shape.\n  found: \(5, 1, 8, 6, 1\) and \(4, 1, 8, 6, 1\)"):
        score(["mse"], pred, ref[:4], GRID)
    with pytest.raises(BadInput, match=r"do not lie on the grid(.|\n)*allowed: \(n, t, 8, 5, c\)"):
        score(["mse"], pred, ref, Grid.make((8, 5), 1.0))
    with pytest.raises(BadInput, match="one library on one device"):
        score(["mse"], pred, torch.tensor(ref), GRID)
    with pytest.raises(BadInput, match="nothing to score"):
        score(["mse"], pred[:0], ref[:0], GRID)


def test_reductions_have_their_order():
    table = np.array([[[1.0], [3.0]], [[5.0], [math.nan]], [[2.0], [0.0]]])
    expected = {
        "mean": (2 + 5 + 1) / 3,
        "median": 2.0,
        "p95": np.quantile([2, 5, 1], 0.95),
        "worst": 5.0,
        "rms": math.sqrt((4 + 25 + 1) / 3),
        "max_mean": (3 + 5 + 2) / 3,
        "max": 5.0,
    }
    assert set(expected) == set(REDUCTIONS)
    for how, value in expected.items():
        assert reduce(table, how) == pytest.approx(value), how
    assert reduce(np.full((2, 1, 1), math.nan), "mean").tolist() != [0.0]
    with pytest.raises(BadInput, match="no reduction named 'average'"):
        reduce(table, "average")
    with pytest.raises(BadInput, match="a reduction needs a table"):
        reduce(table[0])
    with pytest.raises(BadInput, match="no reduction over time named"):
        per_sample(table, over_time="sum")


def test_a_failure_makes_the_mean_infinite():
    table = np.array([1.0, math.inf, 2.0]).reshape(3, 1, 1)
    assert reduce(table, "mean").item() == math.inf
    assert reduce(table, "median").item() == math.inf or reduce(table, "median").item() == 2.0
    assert reduce(table, "p95").item() == math.inf


def test_summary_counts_what_it_leaves_out():
    s = summarise(np.array([1.0, math.nan, 3.0, math.inf, 2.0]))
    assert (s.mean, s.median, s.worst, s.worst_sample) == (2.0, 2.0, 3.0, 2)
    assert (s.n, s.n_degenerate, s.n_failed, s.failure_rate) == (5, 1, 1, 0.2)
    assert s.p95 == pytest.approx(np.quantile([1, 2, 3], 0.95))
    high = summarise(np.array([0.9, -math.inf, 0.5, 0.8]), lower_is_better=False)
    assert (high.worst, high.worst_sample, high.n_failed) == (0.5, 2, 1)
    assert high.p95 == pytest.approx(np.quantile([0.9, 0.5, 0.8], 0.05))
    none = summarise(np.array([math.inf, math.nan]))
    assert math.isnan(none.mean)
    assert (none.worst_sample, none.n_failed, none.n_degenerate) == (-1, 1, 1)
    with pytest.raises(BadInput, match="one value per sample"):
        summarise(np.zeros(0))


def test_values_below_three_times_the_reference_error_are_marked():
    assert at_reference_floor(np.array([1e-3, 4e-3]), 1e-3).tolist() == [True, False]


def test_metrics_do_not_import_torch():
    code = (
        "import sys, pdekit.metrics, pdekit.metrics.compat.pdebench, pdekit.metrics.cost; print('torch' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "False"


def test_a_summary_reduces_as_the_metric_says():
    assert METRICS["conserved_error"].reduction == "rms"
    assert summarise(np.array([3.0, 4.0]), reduction="rms").mean == pytest.approx(np.sqrt(12.5))
    assert summarise(np.array([3.0, 4.0])).mean == 3.5
