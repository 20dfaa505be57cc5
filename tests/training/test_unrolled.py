"""One step on a window, written out; curricula; validation frame by frame."""

import math

import numpy as np
import pytest
import torch

from pdekit.data.trajectory_windows import ResidentTrajectories, Windows, fixed_windows
from pdekit.models.clock import Clock, Time
from pdekit.training.unrolled import Unrolled, steps_of_epoch, validate_windows

NORM = lambda u: torch.linalg.vector_norm(u, dim=-1)  # noqa: E731


class Times(torch.nn.Module):
    """u -> w u: a roll-out of h steps from u_0 gives w^h u_0."""

    def __init__(self, w):
        super().__init__()
        self.w = torch.nn.Parameter(torch.tensor(w))

    def forward(self, u, a):
        return self.w * u[:, -1:]


def make(w=0.5, *, history=1, pushforward=False, noise=0.0, deviation=1.0):
    network = Times(w)
    optimizer = torch.optim.SGD(network.parameters(), lr=1.0)
    optimizer.param_groups[0]["betas"] = (0.9, 0.999)
    loss = lambda p, y: (NORM(p - y) / NORM(y)).mean()  # noqa: E731
    return Unrolled(
        network=network, optimizer=optimizer, loss=loss, rates=lambda step: (0.0, 0.9), rate=0.0, clip=None, shift=None,
        backward=lambda v: v.backward(), parameters=[network.w], noise=noise, history=history,
        pushforward=pushforward, deviations=torch.tensor([[deviation]]),
    )  # fmt: skip


def halves(n=3, frames=4):
    """(n, frames, 1, 6), each frame half of the one before."""
    u = torch.randn(n, 1, 1, 6, generator=torch.Generator().manual_seed(0))
    return u * 0.5 ** torch.arange(frames).reshape(1, -1, 1, 1)


def test_the_loss_of_the_exact_map_is_zero():
    a, u = torch.zeros(3, 0, 6), halves()
    for pushforward in (False, True):
        assert make(pushforward=pushforward)(a, u, 0).item() == 0


def test_the_loss_is_the_mean_over_the_frames_of_the_roll_out_and_its_gradient_sees_them_all():
    """With w = 0.6: relative errors |w^h - 2^-h| / 2^-h = (1.2)^h - 1, their slope 2 h (1.2)^(h - 1)."""
    step, a, u = make(0.6), torch.zeros(3, 0, 6), halves()
    loss = step(a, u, 0)
    assert loss.item() == pytest.approx(sum(1.2**h - 1 for h in (1, 2, 3)) / 3, rel=1e-5)
    assert step.network.w.grad.item() == pytest.approx(sum(2 * h * 1.2 ** (h - 1) for h in (1, 2, 3)) / 3, rel=1e-5)


def test_pushforward_scores_the_last_frame_and_its_gradient_is_that_of_one_step():
    """(1.2)^3 - 1, and the slope of w (0.36 u_0) / (u_0 / 8) alone."""
    step, a, u = make(0.6, pushforward=True), torch.zeros(3, 0, 6), halves()
    assert step(a, u, 0).item() == pytest.approx(1.2**3 - 1, rel=1e-5)
    assert step.network.w.grad.item() == pytest.approx(0.36 * 8, rel=1e-5)


def test_the_history_is_given_and_not_scored():
    step, a, u = make(history=2), torch.zeros(3, 0, 6), halves()
    u = torch.cat((7 * u[:, :1], u[:, 1:]), dim=1)
    assert step(a, u, 0).item() == 0


def test_noise_is_a_part_of_the_deviation_on_the_given_frames_alone():
    step, a = make(1.0, noise=0.1, deviation=3.0), torch.zeros(4000, 0, 6)
    seen = []
    step.network.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    u = torch.ones(4000, 2, 1, 6)
    step(a, u, 0)
    added = seen[0] - u[:, :1]
    assert added.std().item() == pytest.approx(0.3, rel=0.03)
    assert abs(added.mean().item()) < 5 * 0.3 / math.sqrt(24_000)
    assert (u == 1).all()


def clock(horizon, curriculum):
    return Clock(settings=Time(horizon=horizon, curriculum=curriculum), spacing=1.0, frames=20, horizon=horizon,
                 starts=("initial",), increments=(1.0,), deviations=(1.0,))  # fmt: skip


@pytest.mark.parametrize(
    ("horizon", "curriculum", "epochs", "wanted"),
    [
        (4, 1.0, 8, [1, 1, 2, 2, 3, 3, 4, 4]),
        (4, 0.5, 8, [1, 2, 3, 4, 4, 4, 4, 4]),
        (3, 0.0, 4, [3, 3, 3, 3]),
        (1, 1.0, 3, [1, 1, 1]),
        (5, 1.0, 3, [1, 2, 4]),
        (4, 0.1, 8, [4, 4, 4, 4, 4, 4, 4, 4]),
    ],
)
def test_the_roll_out_grows_in_equal_parts(horizon, curriculum, epochs, wanted):
    assert [steps_of_epoch(clock(horizon, curriculum), e, epochs) for e in range(1, epochs + 1)] == wanted


def test_validation_is_frame_by_frame_and_their_mean():
    u = halves(5, 7)
    data = ResidentTrajectories(torch.zeros(5, 0, 6), u)
    network = Times(0.6)
    for batch in (2, 64):
        mean, left_out, by_step = validate_windows(
            network, data, NORM, fixed_windows(5, 7, 4, stride=3, batch=batch), 1
        )
        assert by_step == pytest.approx([1.2**h - 1 for h in (1, 2, 3)], rel=1e-5)
        assert mean == pytest.approx(sum(by_step) / 3, rel=1e-6)
        assert left_out == 0
    assert network.training
    assert network.w.grad is None


def test_frames_that_are_zero_are_left_out_and_counted():
    u = halves(5, 4)
    u[2, 2] = 0
    order = [Windows(np.arange(5), np.arange(5) * 0, 4)]
    mean, left_out, by_step = validate_windows(
        Times(0.6), ResidentTrajectories(torch.zeros(5, 0, 6), u), NORM, order, 1
    )
    assert left_out == 1
    assert by_step == pytest.approx([1.2**h - 1 for h in (1, 2, 3)], rel=1e-5)
    assert mean == pytest.approx((5 * by_step[0] + 4 * by_step[1] + 5 * by_step[2]) / 14, rel=1e-6)
