import math

import pytest
import torch

from pdekit.training.optim import make_optimizer, make_rates, set_rates
from pdekit.training.settings import Optimizer, Schedule


def test_one_cycle_is_torch_s():
    steps, high = 50, 3e-3
    rates = make_rates(Schedule(name="one-cycle", warm_up=0.2), high, steps)
    optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=high)
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, high, total_steps=steps, pct_start=0.2)
    for step in range(steps):
        group = optimizer.param_groups[0]
        assert rates(step) == pytest.approx((group["lr"], group["betas"][0]), rel=1e-12), step
        optimizer.step()
        if step < steps - 1:
            cycle.step()


def test_cosine_rises_in_a_line_and_ends_near_zero():
    rates = make_rates(Schedule(name="cosine", warm_up=0.1), 1.0, 100)
    found = [rates(step)[0] for step in range(100)]
    assert found[:3] == pytest.approx([1 / 11, 2 / 11, 3 / 11])
    assert found[10] == pytest.approx(1.0)
    assert found[55] == pytest.approx(0.5)  # half of the way down
    assert found[99] == pytest.approx((1 + math.cos(math.pi * 89 / 90)) / 2)
    assert {rates(step)[1] for step in range(100)} == {0.9}


def test_constant_stays_at_the_rate():
    rates = make_rates(Schedule(name="constant", warm_up=0.0), 0.01, 10)
    assert [rates(step) for step in (0, 5, 9)] == [(0.01, 0.9)] * 3


@pytest.mark.parametrize("name", ["one-cycle", "cosine", "constant"])
@pytest.mark.parametrize("steps", [1, 2, 5])
def test_short_trainings_have_finite_positive_rates(name, steps):
    rates = make_rates(Schedule(name=name, warm_up=0.2), 1e-3, steps)
    assert all(0 < rates(step)[0] <= 1e-3 for step in range(steps))


@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize("name", ["adam", "adamw"])
def test_the_optimiser_step_written_out(name, decay):
    """Kingma & Ba 2015, algorithm 1; decay inside the gradient (adam) or beside it (adamw). Three steps, float64,
    real and complex weights, the latter as two real ones."""
    torch.manual_seed(0)
    weight = torch.randn(3, dtype=torch.complex128)
    p = torch.nn.Parameter(weight.clone())
    optimizer = make_optimizer(Optimizer(name=name, learning_rate=0.5, weight_decay=decay), [p])
    w = torch.view_as_real(weight.clone())
    m, v = torch.zeros_like(w), torch.zeros_like(w)
    for t in range(1, 4):
        rate, moment = 0.01 * t, (0.95, 0.85, 0.9)[t - 1]
        p.grad = torch.randn(3, dtype=torch.complex128)
        g = torch.view_as_real(p.grad).clone()
        set_rates(optimizer, rate, moment)
        optimizer.step()
        if name == "adam":
            g = g + decay * w
        else:
            w = w * (1 - rate * decay)
        m, v = moment * m + (1 - moment) * g, 0.999 * v + 0.001 * g * g
        w = w - rate * (m / (1 - moment**t)) / ((v / (1 - 0.999**t)).sqrt() + 1e-8)
        torch.testing.assert_close(torch.view_as_real(p.detach()), w, rtol=1e-12, atol=1e-14)
