import json

import numpy as np
import pytest

from pdekit.errors import BadInput
from pdekit.models.channels import Channel, Channels, Scaling, spread
from pdekit.solver import Instances
from pdekit.space.grid import Grid

GRID = Grid.make([4, 6], [1.0, 2.0], boundary="dirichlet")


def statistics(array):
    a = np.asarray(array, dtype=np.float64)
    return {"mean": a.mean(), "std": a.std(), "min": a.min(), "max": a.max()}


def fitted(scaling, inputs, outputs, kinds=None):
    kinds = kinds or dict.fromkeys(inputs, "field")
    return Channels.fit(
        scaling, {k: statistics(v) for k, v in inputs.items()}, {k: statistics(v) for k, v in outputs.items()}, kinds
    )


def draw(seed, n=3, mean=5.0, std=2.0):
    return (mean + std * np.random.default_rng(seed).standard_normal((n, *GRID.points))).astype(np.float32)


def test_standard_scaling_gives_mean_zero_and_deviation_one():
    a = draw(0, n=50)
    x = fitted(Scaling(input="standard"), {"a": a}, {"u": a}).encode(Instances(GRID, {"a": a}))
    assert x.shape == (50, 1, 4, 6)
    assert x.dtype == np.float32
    assert abs(x.mean()) < 1e-6
    assert abs(x.std() - 1) < 1e-6


def test_scale_leaves_zero_where_it_was_and_gives_unit_root_mean_square():
    a = draw(0, n=50)
    a[0, 0, 0] = 0
    x = fitted(Scaling(input="scale"), {"a": a}, {"u": a}).encode(Instances(GRID, {"a": a}))
    assert x[0, 0, 0, 0] == 0
    assert abs(np.sqrt((x**2).mean()) - 1) < 1e-6


def test_none_changes_nothing():
    a = draw(0)
    channels = fitted(Scaling(input="none", output="none"), {"a": a}, {"u": a})
    np.testing.assert_array_equal(channels.encode(Instances(GRID, {"a": a}))[:, 0], a)
    np.testing.assert_array_equal(channels.encode_outputs({"u": a})[:, 0], a)
    assert channels.shifts == (0.0,)


@pytest.mark.parametrize("how", ["standard", "scale", "none"])
def test_decoding_undoes_the_scaling_of_outputs(how):
    u = draw(1)
    channels = fitted(Scaling(output=how), {"a": draw(0)}, {"u": u})
    scaled = channels.encode_outputs({"u": u}) - np.float32(channels.shifts[0])
    np.testing.assert_allclose(channels.decode(scaled)["u"], u, rtol=1e-6)


def test_inputs_stand_in_order_and_each_has_its_own_scale():
    a, b = draw(0, n=40), 1000 * draw(1, n=40)
    x = fitted(Scaling(), {"a": a, "b": b}, {"u": a}).encode(Instances(GRID, {"b": b, "a": a}))
    np.testing.assert_allclose(x[:, 0], (a - a.mean()) / a.std(), atol=1e-4)
    np.testing.assert_allclose(x[:, 1], (b - b.mean()) / b.std(), atol=1e-4)


def test_a_constant_input_is_left_out_and_noted():
    a, f = draw(0), np.full((3, 4, 6), 0.1, dtype=np.float32)
    channels = fitted(Scaling(), {"a": a, "f": f}, {"u": a})
    assert [c.name for c in channels.inputs] == ["a"]
    assert channels.constants["f"] == pytest.approx(0.1)
    assert channels.encode(Instances(GRID, {"a": a, "f": f})).shape[1] == 1


def test_a_constant_that_differs_is_refused():
    a, f = draw(0), np.ones((3, 4, 6), dtype=np.float32)
    channels = fitted(Scaling(), {"a": a, "f": f}, {"u": a})
    f = f.copy()
    f[1] = 2.0
    with pytest.raises(BadInput, match=r"input 'f' was 1 in every training sample[\s\S]*found: 2"):
        channels.encode(Instances(GRID, {"a": a, "f": f}))


def test_a_missing_input_is_named():
    a = draw(0)
    channels = fitted(Scaling(), {"a": a, "b": draw(1)}, {"u": a})
    with pytest.raises(BadInput, match=r"needs the input 'b'[\s\S]*found: a"):
        channels.encode(Instances(GRID, {"a": a}))


def test_nothing_that_varies_is_refused():
    f = np.ones((3, 4, 6))
    with pytest.raises(BadInput, match=r"nothing to learn from[\s\S]*constant inputs: f"):
        fitted(Scaling(), {"f": f}, {"u": draw(0)})


def test_no_output_is_refused():
    with pytest.raises(BadInput, match="no output field"):
        fitted(Scaling(), {"a": draw(0)}, {})


def test_statistics_that_are_not_finite_are_refused():
    a = draw(0)
    a[0, 0, 0] = np.nan
    with pytest.raises(BadInput, match=r"'a' cannot be scaled[\s\S]*pdekit check"):
        fitted(Scaling(), {"a": a}, {"u": draw(1)})


def test_an_output_without_spread_is_refused_by_standard_scaling_only():
    u = np.full((3, 4, 6), 2.0)
    with pytest.raises(BadInput, match="output 'u' has no spread"):
        fitted(Scaling(output="standard"), {"a": draw(0)}, {"u": u})
    assert fitted(Scaling(output="scale"), {"a": draw(0)}, {"u": u}).outputs[0].scale == pytest.approx(2.0)


def test_a_parameter_fills_the_grid_and_a_boundary_field_its_normal():
    nu, g = np.array([1.0, 3.0]), np.arange(12.0).reshape(2, 6)
    channels = Channels(
        inputs=(Channel(name="nu", kind="parameter"), Channel(name="boundary_x_low", kind="boundary")),
        outputs=(Channel(name="u"),),
    )
    x = channels.encode(Instances(GRID, {"boundary_x_low": g}, {"nu": nu}))
    assert (x[1, 0] == 3.0).all()
    for i in range(4):
        np.testing.assert_array_equal(x[:, 1, i], g)
    along_x = spread(np.arange(8.0).reshape(2, 4), Channel(name="boundary_y_high", kind="boundary"), GRID)
    assert np.broadcast_to(along_x, (2, 4, 6))[1, 3, 5] == 7.0


def test_time_dependent_fields_are_refused():
    with pytest.raises(BadInput, match="not a steady scalar field"):
        spread(np.zeros((2, 5, 4, 6)), Channel(name="u"), GRID)


def test_channels_survive_json_to_the_last_bit():
    channels = fitted(Scaling(), {"a": draw(0)}, {"u": draw(1)})
    assert Channels.model_validate(json.loads(channels.model_dump_json())) == channels


def test_one_point_that_differs_makes_an_input_vary():
    """Its deviation is far below rounding, yet no case of the train split may be refused."""
    a, f = draw(0, n=1000), np.ones((1000, *GRID.points))
    f[7, 2, 3] += 1e-4
    assert f.std() < 1e-6
    channels = fitted(Scaling(), {"a": a, "f": f}, {"u": a})
    assert channels.constants == {}
    assert channels.encode(Instances(GRID, {"a": a, "f": f})).shape == (1000, 2, 4, 6)


@pytest.mark.parametrize("value", [1 + 2e-5, 1 - 2e-5, np.nan])
def test_one_point_of_a_constant_that_differs_is_refused_by_name(value):
    a, f = draw(0), np.ones((3, 4, 6))
    channels = fitted(Scaling(), {"a": a, "f": f}, {"u": a})
    f[2, 1, 1] = value
    with pytest.raises(BadInput, match=rf"input 'f' was 1 in every[\s\S]*found: {value:.6g}"):
        channels.encode(Instances(GRID, {"a": a, "f": f}))
    f[2, 1, 1] = 1 + 0.9e-5
    channels.encode(Instances(GRID, {"a": a, "f": f}))


def test_constants_that_were_looked_at_need_not_be_given():
    a, f = draw(0), np.ones((3, 4, 6))
    channels = fitted(Scaling(), {"a": a, "f": f}, {"u": a})
    whole = channels.encode(Instances(GRID, {"a": a, "f": f}))
    np.testing.assert_array_equal(channels.encode_varying(Instances(GRID, {"a": a})), whole)
    with pytest.raises(BadInput, match="needs the input 'f'"):
        channels.encode(Instances(GRID, {"a": a}))
