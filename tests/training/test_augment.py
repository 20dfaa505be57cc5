import numpy as np
import pytest
import torch

from pdekit.data.read import read_instances
from pdekit.models.channels import Channel
from pdekit.training.augment import Augmentation, symmetries_for


@pytest.fixture
def samples(darcy):
    problem, instances, outputs = read_instances(darcy, "train")
    return problem, instances, outputs


def pairs(instances, outputs):
    x = torch.from_numpy(np.asarray(instances.fields["permeability"], dtype=np.float64))[:, None]
    (name,) = outputs
    return name, x, torch.from_numpy(np.asarray(outputs[name], dtype=np.float64))[:, None]


def augmentation(problem, instances, name, per="batch"):
    inputs, outputs = [Channel(name="permeability")], [Channel(name=name)]
    return Augmentation(problem.symmetries(instances.grid), inputs, outputs, per)


def test_the_square_has_eight_symmetries_that_take_solutions_to_solutions(samples):
    problem, instances, outputs = samples
    name, x, y = pairs(instances, outputs)
    maps = augmentation(problem, instances, name)
    assert len(maps.names) == len(set(maps.names)) == 8
    assert maps.names[0] == "identity"
    stored = problem.residual(instances, {name: y[:, 0].numpy()})
    for number in range(8):
        x_new, y_new = maps(x, y, np.array([number]))
        moved = type(instances)(
            instances.grid, {**instances.fields, "permeability": x_new[:, 0].numpy()}, instances.parameters
        )
        residual = problem.residual(moved, {name: y_new[:, 0].numpy()})
        np.testing.assert_allclose(residual, stored, rtol=0.2)
        if number:
            assert not torch.equal(x_new, x)
            assert (problem.residual(moved, {name: y[:, 0].numpy()}) > 100 * stored).all()


def test_one_draw_a_sample_is_one_draw_a_batch_for_each(samples):
    problem, instances, outputs = samples
    name, x, y = pairs(instances, outputs)
    whole = augmentation(problem, instances, name, "sample")
    drawn = np.array([3, 0, 7, 3, 5])
    x_new, y_new = whole(x[:5], y[:5], drawn)
    for i, number in enumerate(drawn):
        x_one, y_one = whole(x[i : i + 1], y[i : i + 1], np.array([number]))
        assert torch.equal(x_new[i], x_one[0])
        assert torch.equal(y_new[i], y_one[0])


@pytest.mark.parametrize(("per", "shapes"), [("batch", [(1,), (1,), (1,)]), ("sample", [(5,), (5,), (2,)])])
def test_draws_are_one_a_batch_or_one_a_sample_and_counted(samples, per, shapes):
    problem, instances, outputs = samples
    name, *_ = pairs(instances, outputs)
    maps = augmentation(problem, instances, name, per)
    order = np.split(np.arange(12), [5, 10])
    drawn = maps.draw(np.random.default_rng(0), order)
    assert [d.shape for d in drawn] == shapes
    counts = maps.counts(drawn)
    assert list(counts) == maps.names
    assert sum(counts.values()) == sum(s[0] for s in shapes)
    many = maps.counts(maps.draw(np.random.default_rng(0), [np.arange(1)] * 8000))
    assert all(850 < n < 1150 for n in many.values()), many  # 1000 +- 5 sigma


def test_values_on_a_face_forbid_flips(samples):
    problem, instances, _ = samples
    symmetries = problem.symmetries(instances.grid)
    assert symmetries_for(symmetries, ["field", "parameter"]) == symmetries
    assert [s.name for s in symmetries_for(symmetries, ["field", "boundary"])] == ["identity"]
