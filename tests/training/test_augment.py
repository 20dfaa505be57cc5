import numpy as np
import pytest
import torch

from pdekit.data.read import read_instances
from pdekit.models.channels import Channel
from pdekit.problems.problem import Symmetry
from pdekit.problems.symmetry import shifts
from pdekit.space.grid import Grid
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


GRID = Grid.make([6, 4])
FLIP = Symmetry("flip x", lambda name, array: array.flip(-2) if name == "u" else -array.flip(-2))
IDENTITY = Symmetry("identity", lambda name, array: array)
INPUTS, OUTPUTS = (Channel(name="f"), Channel(name="u")), (Channel(name="u"), Channel(name="w"))


def shifted(per, *more):
    return Augmentation((IDENTITY, *more, shifts(GRID)), INPUTS, OUTPUTS, per)


def test_a_family_is_drawn_every_time_beside_a_symmetry_and_both_are_logged():
    order = np.split(np.arange(12), [5, 10])
    maps = shifted("sample", FLIP)
    drawn = maps.draw(np.random.default_rng(0), order)
    assert [d.shape for d in drawn] == [(5, 3), (5, 3), (2, 3)]
    assert [d.shape for d in shifted("batch", FLIP).draw(np.random.default_rng(0), order)] == [(1, 3)] * 3
    assert maps.names == ["identity", "flip x", "shift"]
    counts = maps.counts(drawn)
    assert counts["shift"] == 12
    assert counts["identity"] + counts["flip x"] == 12
    assert min(counts.values()) > 0
    again = maps.draw(np.random.default_rng(0), order)
    assert all(np.array_equal(a, b) for a, b in zip(drawn, again, strict=True))


@pytest.mark.parametrize("frames", [None, 3])
@pytest.mark.parametrize("numbers", [[0, 0, 0], [1, 0, 1]])
def test_inputs_outputs_and_all_frames_move_alike_each_sample_by_its_own_amount(frames, numbers):
    """Written out with rolls and flips, sample by sample; trajectories have their channels behind the time."""
    rng = torch.Generator().manual_seed(0)
    x = torch.randn(3, 2, 6, 4, generator=rng)
    y = torch.randn(3, *(() if frames is None else (frames,)), 2, 6, 4, generator=rng)
    amounts = np.array([[1, 3], [0, 0], [5, 2]])
    x_new, y_new = shifted("sample", FLIP)(x, y, np.column_stack([numbers, amounts]))
    for i, (number, amount) in enumerate(zip(numbers, amounts, strict=True)):
        for u, new, names, axis in ((x, x_new, "fu", 0), (y, y_new, "uw", 0 if frames is None else 1)):
            for c, name in enumerate(names):
                wanted = u[i].select(axis, c).roll(tuple(amount.tolist()), (-2, -1))
                if number:
                    wanted = FLIP.apply(name, wanted)
                assert torch.equal(new[i].select(axis, c), wanted)


def test_one_amount_for_a_batch_is_that_amount_for_each():
    x, y = torch.randn(3, 2, 6, 4), torch.randn(3, 5, 2, 6, 4)
    one = shifted("batch", FLIP)(x, y, np.array([[1, 2, 3]]))
    each = shifted("sample", FLIP)(x, y, np.array([[1, 2, 3]] * 3))
    assert all(torch.equal(a, b) for a, b in zip(one, each, strict=True))


def test_two_families_take_their_own_amounts():
    maps = Augmentation((IDENTITY, shifts(GRID, ("y",)), shifts(GRID, ("x",))), INPUTS, OUTPUTS, "sample")
    assert maps.names == ["identity", "shift y", "shift x"]
    x, y = torch.randn(2, 2, 6, 4), torch.randn(2, 2, 6, 4)
    _, moved = maps(x, y, np.array([[0, 1, 5], [0, 3, 0]]))
    assert torch.equal(moved[0], y[0].roll((5, 1), (-2, -1)))
    assert torch.equal(moved[1], y[1].roll(3, -1))


def test_trajectories_without_other_inputs_move_too():
    maps = Augmentation((IDENTITY, shifts(GRID)), (), (Channel(name="u"),), "sample")
    x, y = torch.zeros(2, 0, 6, 4), torch.randn(2, 3, 1, 6, 4)
    x_new, moved = maps(x, y, np.array([[0, 1, 2], [0, 4, 3]]))
    assert x_new.shape == (2, 0, 6, 4)
    assert torch.equal(moved[1], y[1].roll((4, 3), (-2, -1)))
