"""Training on windows of trajectories: the network's answers are its next inputs, and the loss looks at all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from pdekit.data.trajectory_windows import Windows
from pdekit.models.clock import Clock
from pdekit.models.rollout import pushed_forward, roll_out
from pdekit.training.loop import Step, mean_error

Norm = Callable[[Tensor], Tensor]


@dataclass(kw_only=True)
class Unrolled(Step):
    """One optimiser step on a batch of windows (a, u): fields that stay (b, c_a, *x), frames (b, k + h, c, *x).

    The loss is the mean over the h frames after the history, of samples and channels as well; with `pushforward` it is that
    of the last frame. `network` maps (frames, a) to further frames.

    deviations   of the outputs, (c, 1, ...): the noise on the given frames is `noise` of them
    """

    history: int
    pushforward: bool
    deviations: Tensor

    def objective(self, x: Tensor, y: Tensor) -> Tensor:
        """The loss of a batch, with its gradient through all calls of the network, or through the last."""
        given, wanted = y[:, : self.history], y[:, self.history :]
        if self.noise:
            given = given + self.noise * self.deviations * torch.randn_like(given)
        frames = wanted.shape[1]
        if self.pushforward:
            answer, wanted = pushed_forward(self.network, given, x, frames), wanted[:, -1:]
        else:
            answer = roll_out(self.network, given, x, frames)
        return self.loss(answer.flatten(0, 1), wanted.flatten(0, 1))


def steps_of_epoch(clock: Clock, epoch: int, epochs: int) -> int:
    """Frames of the roll-out in an epoch, counted from 1: the horizon, or a curriculum from 1 up to it in equal parts.

    A curriculum of 1 takes all epochs for it, of 1/2 the first half.
    """
    part = clock.settings.curriculum * epochs
    if part == 0 or epoch > part:
        return clock.horizon
    return min(clock.horizon, 1 + int(clock.horizon * (epoch - 1) / part))


def validate_windows(
    network: Any, data: Any, norm: Norm, order: Sequence[Windows], history: int
) -> tuple[float, int, list[float]]:
    """(mean, left out, by step): `mean_error` of the relative L2 error over windows, frames and channels, in physical units,
    and the same frame by frame of the roll-out. The given frames are not looked at.
    """
    network.eval()
    errors: list[Tensor] = []
    references: list[Tensor] = []
    with torch.no_grad():
        for a, u in data.batches(list(order)):
            wanted = u[:, history:]
            answer = roll_out(network, u[:, :history], a, wanted.shape[1])
            size = norm(wanted)
            errors.append(norm(answer - wanted) / size)
            references.append(size)
    network.train()
    error, reference = torch.cat(errors), torch.cat(references)
    mean, left_out = mean_error(error.flatten(), reference.flatten())
    known = reference != 0
    by_step = torch.where(known, error, 0.0).double().sum(dim=(0, 2)) / known.sum(dim=(0, 2))
    return mean, left_out, by_step.tolist()
