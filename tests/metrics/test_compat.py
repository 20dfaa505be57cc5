"""Other projects' figures: pinned to what their programs gave, and to the installed neuraloperator."""

import math

import numpy as np
import pytest
import torch

from pdekit.errors import BadInput
from pdekit.metrics import compat, pointwise
from pdekit.metrics.compat import neuralop, pdebench, the_well
from pdekit.space.grid import Grid

# `metric_func` of PDEBench at 9754b4c, batches of 2 of 5 samples averaged alike; lengths 1, 1.5, 2; float64 in.
PDEBENCH = {
    (33,): (0.2116715082122819, 0.3144298454899314, 0.005364036919372731, 0.2997015988232293, 0.20293325403776372,
            [0.005593376699835062, 0.024937912821769714, 0.030229903757572174]),
    (28, 26): (0.2128615691224015, 0.30117928169598013, 0.004013966928221676, 0.29999964092861153, 0.2160882810863487,
               [0.012236000038683414, 0.03895865008234978, 0.05005289986729622]),
    (8, 6, 10): (0.21322143215838918, 0.30180540821325935, 0.005999731512038156, 0.29999905943270894,
                 0.3041499406220491, [0.0758388340473175, math.nan, math.nan]),
}  # fmt: skip
# the_well/benchmark/metrics at 215f55d, mean over samples, times and channels.
THE_WELL = {
    (33,): {"mse": 0.04503434563841606, "mae": 0.1914562942610182, "nmae": 0.31682591959890133,
            "nmse": 0.09863839002500505, "nrmse": 0.31176111414218627, "vmse": 0.09876838532605878,
            "vrmse": 0.311293838789987, "linf": 0.2996216690307742, "pearson": 0.9237063662519741},
    (28, 26): {"mse": 0.045375529174961175, "mae": 0.1918731644860821, "nmae": 0.30144277516063234,
               "nmse": 0.09086667199934761, "nrmse": 0.301421465127601, "vmse": 0.0908799880842996,
               "vrmse": 0.301445568824777, "linf": 0.29999923949185353, "pearson": 0.9559584823914783},
    (8, 6, 10): {"mse": 0.0455710865074919, "mae": 0.19246867711233592, "nmae": 0.30252868263199406,
                 "nmse": 0.09133871532489976, "nrmse": 0.3021604416595124, "vmse": 0.0914512692373062,
                 "vrmse": 0.3023531027112707, "linf": 0.29999805289437165, "pearson": 0.9553471575615969},
}  # fmt: skip
BINS = {
    (33,): ([0.00014923075455577738, 0.0004095313588448351, 0.04447558352501544],
            [0.12566321966431032, 0.1182604946867791, 13.90355303943134]),
    (28, 26): ([0.0014058178171583047, 0.009274269169493945, 0.0346954421883089],
               [20.953524429863577, 1.8805438919541888, 0.08323060068540811]),
    (8, 6, 10): ([0.002413155505918268, 0.017194649075899123, 0.025963281925674504],
                 [7.930675403568318, 0.16581031234012888, 0.081847756282396]),
}  # fmt: skip


def fields(points):
    """The fields that the pinned figures belong to."""
    shape = (5, 2, *points, 2)
    i = np.arange(math.prod(shape), dtype=float)
    ref = np.sin(0.37 * i**1.3).reshape(shape)
    return ref + 0.3 * np.cos(0.53 * i**1.2).reshape(shape), ref


def grid_of(points):
    return Grid.make(points, [1.0, 1.5, 2.0][: len(points)])


@pytest.mark.parametrize("library", [np.asarray, torch.tensor])
@pytest.mark.parametrize("points", PDEBENCH)
def test_pdebench(points, library):
    pred, ref = map(library, fields(points))
    out = pdebench.pdebench(pred, ref, grid_of(points), batch=2)
    for name, value in zip(pdebench.NAMES, PDEBENCH[points], strict=True):  # its Fourier part sums in float32
        np.testing.assert_allclose(out[name], value, rtol=5e-7 if name == "fRMSE" else 1e-12, err_msg=name)


def test_pdebench_has_the_flaws_we_name():
    grid = Grid.make((32, 32), 1.0)
    x, y = grid.mesh
    out = []
    for sign in (1, -1):
        e = np.cos(2 * np.pi * (5 * x + sign * 2 * y))[None, None, ..., None]
        out.append(pdebench.pdebench(e + 1, 0 * e + 1, grid)["fRMSE"])
    assert out[0][1] == pytest.approx(0.5 / 8)  # one mode of amplitude 1/2, mean over shells 4..11
    assert out[1].max() < 1e-15
    pred, ref = fields((28, 26))
    grow = [pdebench.pdebench(pred, ref, grid_of((28, 26)), batch=b)["max"] for b in (1, 5)]
    assert grow[1] > grow[0]


@pytest.mark.parametrize("library", [np.asarray, torch.tensor])
@pytest.mark.parametrize("points", THE_WELL)
def test_the_well(points, library):
    pred, ref = map(library, fields(points))
    grid = grid_of(points)
    for name, value in THE_WELL[points].items():
        assert float(getattr(the_well, name)(pred, ref, grid).mean()) == pytest.approx(value, rel=1e-10), name
    errors, relative = the_well.binned_spectral_mse(pred, ref, grid)
    np.testing.assert_allclose([float(e.mean()) for e in errors], BINS[points][0], rtol=1e-9)
    np.testing.assert_allclose([float(e.mean()) for e in relative], BINS[points][1], rtol=1e-9)
    np.testing.assert_allclose(sum(errors), the_well.mse(pred, ref, grid), rtol=1e-12)


def test_the_well_correlates_a_field_with_itself_below_one():
    grid = Grid.make(16)
    u = np.random.default_rng(0).normal(size=(1, 1, 16, 1))
    assert the_well.pearson(u, u, grid).item() == pytest.approx(0.9375, rel=1e-6)
    assert pointwise.correlation(u, u, grid).item() == pytest.approx(1.0)


def test_the_well_scores_small_fields_by_its_epsilon():
    grid = Grid.make(16)
    u = 1e-5 * np.random.default_rng(0).normal(size=(1, 1, 16, 1))
    assert the_well.vrmse(0 * u + u.mean(), u, grid).item() < 0.05
    assert pointwise.vrmse(0 * u + u.mean(), u, grid).item() == pytest.approx(1.0)


@pytest.mark.parametrize("reduction", ["sum", "mean"])
@pytest.mark.parametrize("points", [(12,), (9, 8), (5, 6, 7)])
def test_neuraloperator(points, reduction):
    from neuralop.losses import H1Loss, LpLoss

    grid = grid_of(points)
    rng = np.random.default_rng(0)
    pred, ref = rng.normal(size=(2, 4, 1, *points, 3))
    a, b = (torch.tensor(np.moveaxis(u[:, 0], -1, 1)) for u in (pred, ref))
    d = len(points)
    for p in (1, 2, 3):
        theirs = LpLoss(d=d, p=p, reduction=reduction)(a, b).item()
        assert neuralop.lp_loss(pred, ref, grid, p=p, reduction=reduction) == pytest.approx(theirs, rel=1e-12)
    theirs = H1Loss(d=d, reduction=reduction)(a, b).item()
    assert neuralop.h1_loss(pred, ref, grid, reduction=reduction) == pytest.approx(theirs, rel=1e-12)
    theirs = H1Loss(
        d=d,
        measure=list(grid.length),
        reduction=reduction,
        periodic_in_x=False,
        periodic_in_y=False,
        periodic_in_z=True,
    )(a, b).item()
    ours = neuralop.h1_loss(
        pred, ref, grid, measure=grid.length, periodic=(False, False, True)[:d], reduction=reduction
    )
    assert ours == pytest.approx(theirs, rel=1e-12)


@pytest.mark.parametrize("points", THE_WELL)
def test_a_project_s_figures_by_its_name(points):
    pred, ref = fields(points)
    grid = grid_of(points)
    assert compat.score("the_well", pred, ref, grid) == pytest.approx(THE_WELL[points], rel=1e-10)
    there, here = compat.score("pdebench", pred, ref, grid), pdebench.pdebench(pred, ref, grid)
    for name in pdebench.NAMES:
        np.testing.assert_array_equal(there[name], here[name])
    wanted = {"LpLoss": neuralop.lp_loss(pred, ref, grid), "H1Loss": neuralop.h1_loss(pred, ref, grid)}
    assert compat.score("neuraloperator", pred, ref, grid) == wanted
    static = [u[:, 0, ..., 0] for u in (pred, ref)]
    full = [u[:, :1, ..., :1] for u in (pred, ref)]
    assert compat.score("the_well", *static, grid) == compat.score("the_well", *full, grid)
    with pytest.raises(BadInput, match=r"(?s)no project to score like named 'pdebenhc'.*did you mean 'pdebench'"):
        compat.score("pdebenhc", pred, ref, grid)


def test_wrong_use_is_refused():
    grid = Grid.make(3)
    u = np.ones((1, 1, 3, 1))
    with pytest.raises(BadInput, match="4 points along every axis"):
        neuralop.h1_loss(u, u, grid, periodic=[False])
    with pytest.raises(BadInput, match="one entry per axis"):
        neuralop.h1_loss(u, u, grid, periodic=[False, True])
    with pytest.raises(BadInput, match="no reduction named 'max'"):
        neuralop.lp_loss(u, u, grid, reduction="max")
