import math

import numpy as np
import pytest
import torch

from pdekit.data.windows import Resident
from pdekit.errors import SolveError
from pdekit.training.augment import Augmentation
from pdekit.training.loop import Step, clip, run_epoch, shuffled, validate


def test_clipping_scales_all_gradients_together():
    real, compl = torch.nn.Parameter(torch.zeros(2)), torch.nn.Parameter(torch.zeros(1, dtype=torch.complex64))
    idle = torch.nn.Parameter(torch.zeros(3))
    real.grad, compl.grad = torch.tensor([3.0, 0.0]), torch.tensor([0.0 + 4.0j])
    clip([real, compl, idle], 10.0)  # norm 5: left as it is
    assert real.grad.tolist() == [3.0, 0.0]
    clip([real, compl, idle], 1.0)
    torch.testing.assert_close(real.grad, torch.tensor([0.6, 0.0]))
    torch.testing.assert_close(compl.grad, torch.tensor([0.8j]))


def test_batches_hold_each_row_once_and_depend_on_seed_and_epoch_alone():
    order = shuffled(23, 5, seed=3, epoch=2)
    assert [len(rows) for rows in order] == [5, 5, 5, 5, 3]
    assert sorted(np.concatenate(order)) == list(range(23))
    assert not np.array_equal(np.concatenate(order), np.arange(23))
    again = shuffled(23, 5, seed=3, epoch=2)
    assert all(np.array_equal(a, b) for a, b in zip(order, again, strict=True))
    for other in (shuffled(23, 5, seed=4, epoch=2), shuffled(23, 5, seed=3, epoch=1)):
        assert not np.array_equal(np.concatenate(order), np.concatenate(other))


def make_step(clip=None, shift=None, rate=0.1):
    torch.manual_seed(0)
    network = torch.nn.Linear(3, 3, bias=False)
    optimizer = torch.optim.SGD(network.parameters(), lr=1.0)
    optimizer.param_groups[0]["betas"] = (0.9, 0.999)
    loss = lambda p, y: (p - y).square().mean()  # noqa: E731
    rates = lambda step: (rate * (step + 1), 0.9)  # noqa: E731
    step = Step(network, optimizer, loss, rates, rate, clip, shift, lambda v: v.backward(), list(network.parameters()))
    return network, step


@pytest.mark.parametrize("limit", [None, 0.05])
@pytest.mark.parametrize("shift", [None, 0.7])
def test_one_step_written_out(limit, shift):
    """Gradient descent with the rate of this step's number, on the loss of the shifted output, gradient clipped."""
    network, step = make_step(limit, None if shift is None else torch.tensor(shift))
    w, x, y = network.weight.detach().clone(), torch.randn(4, 3), torch.randn(4, 3)
    error = x @ w.T + (shift or 0.0) - y
    gradient = 2 * error.T @ x / 12
    norm = float(gradient.norm())
    scale = 1.0 if limit is None else min(1.0, limit / (norm + 1e-6))
    loss = step(x, y, 2)
    torch.testing.assert_close(loss, error.square().mean())
    torch.testing.assert_close(network.weight.detach(), w - 0.3 * scale * gradient)
    assert norm > 0.05
    assert not loss.requires_grad


def test_noise_of_the_asked_size_is_added_to_the_input_alone():
    network, step = make_step(rate=0.0)
    x, y = torch.randn(20_000, 3), torch.randn(20_000, 3)
    seen = []
    network.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    before = x.clone()
    for noise in (0.0, 0.25):
        step.noise = noise
        step(x, y, 0)
    assert torch.equal(seen[0], before)
    assert torch.equal(x, before)
    added = seen[1] - before
    assert float(added.std()) == pytest.approx(0.25, rel=0.02)
    assert abs(float(added.mean())) < 5 * 0.25 / math.sqrt(60_000)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("row", [2, 130])
def test_a_loss_that_is_not_finite_stops_with_epoch_step_and_what_to_do(bad, row):
    """In an early batch, and in one beyond the first look of 100 steps."""
    _, step = make_step()
    x, y = torch.zeros(150, 3), torch.zeros(150, 3)
    y[row] = bad
    order = [np.array([i]) for i in range(150)]
    seen = []
    with pytest.raises(SolveError) as error:
        run_epoch(step, Resident(x, y), order, first=1000, epoch=7, on_step=seen.append)
    assert f"not finite in epoch 7, step {1000 + row + 1}, at learning rate" in str(error.value)
    assert "--set training.optimizer.learning_rate=0.03" in str(error.value)
    assert "pdekit check FILE" in str(error.value)
    assert max(seen) <= row + 100


def test_validation_is_the_mean_over_samples_whatever_the_batch():
    torch.manual_seed(0)
    network = torch.nn.Conv1d(1, 1, 1)
    x, y = torch.randn(10, 1, 8), torch.randn(10, 1, 8) + 2
    norm = lambda u: torch.linalg.vector_norm(u, dim=-1)  # noqa: E731
    shift = torch.tensor(0.5)
    with torch.no_grad():
        expected = (norm(network(x) + 0.5 - y) / norm(y)).mean()
    for batch in (3, 10, 64):
        error, left_out = validate(network, Resident(x, y), norm, batch, shift)
        assert error == pytest.approx(float(expected), rel=1e-6)
        assert left_out == 0
    assert network.training


def test_references_that_are_zero_are_left_out_of_validation_and_counted():
    torch.manual_seed(0)
    network = torch.nn.Conv1d(1, 1, 1)
    x, y = torch.randn(10, 1, 8), torch.randn(10, 1, 8)
    y[3] = y[8] = 0
    norm = lambda u: torch.linalg.vector_norm(u, dim=-1)  # noqa: E731
    rest = [i for i in range(10) if i not in (3, 8)]
    expected = validate(network, Resident(x[rest], y[rest]), norm, 4, None)[0]
    assert validate(network, Resident(x, y), norm, 4, None) == (pytest.approx(expected, rel=1e-6), 2)
    with pytest.raises(SolveError, match=r"weights are chosen by is not finite[\s\S]*every reference is zero"):
        validate(network, Resident(x, torch.zeros_like(y)), norm, 4, None)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_validation_error_that_is_not_finite_is_no_number(bad):
    network, x, y = torch.nn.Conv1d(1, 1, 1), torch.randn(10, 1, 8), torch.randn(10, 1, 8)
    y[3, 0, 2] = bad
    norm = lambda u: torch.linalg.vector_norm(u, dim=-1)  # noqa: E731
    with pytest.raises(SolveError, match=r"1 of 10 errors are NaN or infinite[\s\S]*pdekit check FILE"):
        validate(network, Resident(x, y), norm, 4, None)


def test_validation_does_not_touch_gradients_or_generators():
    network = torch.nn.Sequential(torch.nn.Conv1d(1, 1, 1), torch.nn.Dropout(0.5))
    before = torch.get_rng_state()
    data = Resident(torch.randn(4, 1, 8), torch.randn(4, 1, 8))
    state = torch.get_rng_state()
    validate(network, data, lambda u: u.flatten(1).norm(dim=1), 2, None)
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.equal(before, state)
    assert all(p.grad is None for p in network.parameters())


class Spy(Augmentation):
    """Adds what was drawn to the input, and notes it."""

    def __init__(self):
        super().__init__((), (), ())
        self.seen = []

    def __call__(self, x, y, drawn):
        self.seen.append(drawn.tolist())
        return x + float(drawn[0]), y


def test_augmentation_is_applied_batch_by_batch():
    network, step = make_step(rate=0.0)
    x, y = torch.randn(3, 3), torch.zeros(3, 3)
    spy = Spy()
    order, drawn = [np.array([0, 1]), np.array([2])], [np.array([5]), np.array([1])]
    losses = run_epoch(step, Resident(x, y), order, augmentation=spy, drawn=drawn)
    assert spy.seen == [[5], [1]]
    with torch.no_grad():
        expected = [network(x[:2] + 5).square().mean(), network(x[2:] + 1).square().mean()]
    torch.testing.assert_close(losses, torch.stack(expected))
