"""Roll-outs of known maps; gradients of pushforward; what one step and one call over space and time make of their input."""

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from pdekit.errors import BadInput
from pdekit.models.clock import Clock, Time, frame_spacing
from pdekit.models.rollout import pushed_forward, roll_out
from pdekit.models.spacetime import SpaceTime, answered, grid_in_time
from pdekit.models.steps import Steps, truncated
from pdekit.space.grid import Grid


def clock(horizon=3, increments=(1.0,), **settings):
    time = Time(horizon=horizon, **settings)
    return Clock(settings=time, spacing=0.5, frames=12, horizon=horizon, starts=("initial",) * len(increments),
                 increments=increments, deviations=(1.0,) * len(increments))  # fmt: skip


def fibonacci(u, a):
    """The next frame is the sum of the last two, and of a."""
    return u[:, -1:] + u[:, -2:-1] + a[:, None]


def test_a_roll_out_of_the_exact_map_gives_the_exact_frames():
    u, a = torch.tensor([[1.0, 1.0]]).reshape(1, 2, 1, 1), torch.zeros(1, 1, 1)
    assert roll_out(fibonacci, u, a, 6).flatten().tolist() == [2.0, 3.0, 5.0, 8.0, 13.0, 21.0]
    assert roll_out(fibonacci, u, a + 1, 3).flatten().tolist() == [3.0, 5.0, 9.0]


@pytest.mark.parametrize("block", [1, 2, 3, 5])
def test_calls_that_answer_several_frames_are_chained_and_cut(block):
    def many(u, a):
        frames = u
        for _ in range(block):
            frames = torch.cat((frames, fibonacci(frames, a)), dim=1)
        return frames[:, -block:]

    u, a = torch.tensor([[1.0, 1.0]]).reshape(1, 2, 1, 1), torch.zeros(1, 1, 1)
    assert roll_out(many, u, a, 6).flatten().tolist() == [2.0, 3.0, 5.0, 8.0, 13.0, 21.0]


class Doubling(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.w = torch.nn.Parameter(torch.tensor(2.0))

    def forward(self, u, a):
        return self.w * u[:, -1:]


def test_the_gradient_of_a_roll_out_goes_through_all_steps_and_of_pushforward_through_the_last():
    """u_3 = w^3 u_0: d/dw is 3 w^2 = 12; with the first two steps held fixed, u_3 = w 4 and d/dw is 4."""
    u, a = torch.ones(1, 1, 1, 1), torch.zeros(1, 0, 1)
    for how, value, slope in ((roll_out, 8.0, 12.0), (pushed_forward, 8.0, 4.0)):
        net = Doubling()
        last = how(net, u, a, 3)[:, -1].sum()
        last.backward()
        assert last.item() == value
        assert float(net.w.grad) == slope
    net = Doubling()
    pushed_forward(net, u, a, 1).sum().backward()
    assert float(net.w.grad) == 1.0


def test_pushforward_answers_the_last_frame_alone():
    u, a = torch.tensor([[1.0, 1.0]]).reshape(1, 2, 1, 1), torch.zeros(1, 1, 1)
    assert pushed_forward(fibonacci, u, a, 5).flatten().tolist() == [13.0]


class Spy(torch.nn.Module):
    """Answers ones, and keeps what it was given."""

    def __init__(self, channels=1):
        super().__init__()
        self.channels = channels

    def forward(self, x):
        self.seen = x
        return torch.ones(len(x), self.channels, *x.shape[2:])


@pytest.mark.parametrize(("predict", "wanted"), [("delta", [3.0 + 0.25, 4.0 + 0.5]), ("value", [1.0, 1.0])])
def test_a_step_sees_all_frames_then_what_stays_and_answers_the_next(predict, wanted):
    """Channels: all of frame 0, all of frame 1, ..., then the static ones."""
    net = Spy(2)
    step = Steps(net, clock(history=2, predict=predict, increments=(0.25, 0.5)), (True,))
    u = torch.arange(1.0, 5.0).reshape(1, 2, 2, 1).expand(1, 2, 2, 6)
    answer = step(u, torch.full((1, 1, 6), 9.0))
    assert net.seen[0, :, 0].tolist() == [1.0, 2.0, 3.0, 4.0, 9.0]
    assert answer.shape == (1, 1, 2, 6)
    assert answer[0, 0, :, 3].tolist() == wanted


def test_a_spacetime_call_sees_the_frames_at_all_times_and_the_time():
    net = Spy()
    time = clock(horizon=4, way="spacetime", history=2, predict="value", padding=0.3)
    assert answered(time) == 6
    call = SpaceTime(net, time, (True,))
    answer = call(torch.arange(1.0, 3.0).reshape(1, 2, 1, 1).expand(1, 2, 1, 5), torch.full((1, 1, 5), 9.0))
    assert answer.shape == (1, 4, 1, 5)
    assert net.seen.shape == (1, 4, 5, 6)
    for i, value in enumerate((1.0, 2.0, 9.0)):
        assert (net.seen[0, i] == value).all()
    assert net.seen[0, 3, 2].tolist() == [0.25, 0.5, 0.75, 1.0, 1.25, 1.5]


def test_a_spacetime_increment_is_over_the_last_frame_given():
    call = SpaceTime(Spy(), clock(horizon=2, way="spacetime", history=2, increments=(0.25,)), (True,))
    answer = call(torch.arange(1.0, 3.0).reshape(1, 2, 1, 1).expand(1, 2, 1, 5), torch.zeros(1, 0, 5))
    assert answer[0, :, 0, 0].tolist() == [2.25, 2.25]


def test_frames_of_a_spacetime_call_come_out_in_their_order():
    class Time(torch.nn.Module):
        def forward(self, x):
            return torch.cat((x[:, -1:], -x[:, -1:]), dim=1)

    time = clock(horizon=4, way="spacetime", predict="value", increments=(1.0, 1.0), padding=0.5)
    call = SpaceTime(Time(), time, (True, True))
    answer = call(torch.zeros(3, 1, 2, 5, 7), torch.zeros(3, 0, 5, 7))
    assert answer.shape == (3, 4, 2, 5, 7)
    assert answer[1, :, 0, 2, 3].tolist() == [0.25, 0.5, 0.75, 1.0]
    assert answer[1, :, 1, 2, 3].tolist() == [-0.25, -0.5, -0.75, -1.0]


def test_the_grid_of_a_spacetime_network_ends_in_time():
    grid = Grid.make([8, 6], location="vertex")
    there = grid_in_time(grid, clock(horizon=5, way="spacetime"))
    assert there.points == (8, 6, 5)
    assert there.periodic == (True, True, False)
    assert there.location == "vertex"
    with pytest.raises(
        BadInput, match=r"Fourier layers over four axes[\s\S]*data of 3 axes and time[\s\S]*\"step\" serves 3"
    ):
        grid_in_time(Grid.make([4, 4, 4]), clock(way="spacetime"))


@pytest.mark.parametrize("points", [16, 15])
def test_modes_above_the_cutoff_go_and_others_stay(points):
    x = 2 * np.pi * np.arange(points) / points
    low, high = torch.tensor(1 + np.cos(3 * x)), torch.tensor(np.sin(4 * x))
    torch.testing.assert_close(truncated(low + high, 3, (True,)), low)
    assert truncated(low + high, None, (True,)).equal(low + high)
    torch.testing.assert_close(truncated(low + high, 8, (True,)), low + high)
    plane = low[:, None] * (low + high)[None]
    torch.testing.assert_close(truncated(plane, 3, (False, True)), low[:, None] * low[None])
    torch.testing.assert_close(truncated((low + high)[:, None] * low, 3, (True, False)), low[:, None] * low)


def test_a_step_is_shown_no_mode_above_the_cutoff_and_still_adds_to_the_whole_frame():
    x = 2 * np.pi * torch.arange(16) / 16
    u = (torch.cos(x) + torch.cos(5 * x)).reshape(1, 1, 1, 16)
    net = Spy()
    answer = Steps(net, clock(cutoff=2), (True,))(u, torch.zeros(1, 0, 16))
    torch.testing.assert_close(net.seen[0, 0], torch.cos(x))
    torch.testing.assert_close(answer, u + 1)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"way": "spacetime", "pushforward": True}, "one call: no pushforward, no curriculum"),
        ({"way": "spacetime", "curriculum": 0.5}, "one call: no pushforward, no curriculum"),
        ({"padding": 0.5}, "padding in time belongs to way = 'spacetime'"),
        ({"history": 0}, "greater than or equal to 1"),
        ({"horizon": "some"}, "'all'"),
        ({"curriculum": 1.5}, "less than or equal to 1"),
        ({"steps": 2}, "Extra inputs"),
    ],
)
def test_tables_that_make_no_sense_are_refused(settings, message):
    with pytest.raises(ValidationError, match=message):
        Time(**settings)


def test_another_spacing_is_refused():
    time = clock(history=3)
    times = 7 + 0.5 * np.arange(9)
    assert time.check_times(times) is times
    assert time.check_times(times + 1e-8 * np.arange(9)) is not None
    with pytest.raises(BadInput, match=r"one spacing of frames only[\s\S]*found: 0.25 between[\s\S]*allowed: 0.5\n"):
        time.check_times(0.25 * np.arange(9))
    late = times.copy()
    late[5:] += 0.5
    with pytest.raises(BadInput, match=r"found: 1 between"):
        time.check_times(late)
    with pytest.raises(BadInput, match=r"given 3 frames was asked for fewer[\s\S]*2 times"):
        time.check_times(times[:2])
    with pytest.raises(BadInput, match="was asked for no times"):
        time.check_times(None)


def test_frames_that_are_not_evenly_spaced_are_refused():
    assert frame_spacing(np.array([1.0, 1.5, 2.0]), "here") == 0.5
    with pytest.raises(BadInput, match=r"evenly spaced.\n  in here\n  found: spacings from 1 to 3"):
        frame_spacing(np.array([0.0, 1.0, 4.0]), "here")
    with pytest.raises(BadInput, match="one stored time is no trajectory"):
        frame_spacing(np.array([0.0]), "here")
