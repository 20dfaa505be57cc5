"""What an epoch consists of: which samples or windows in which batches, and the error that the best weights are chosen by."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch

from pdekit.data.trajectory_windows import Windows, fixed_windows, random_windows
from pdekit.models.clock import Clock
from pdekit.training.loop import Step, shuffled, validate
from pdekit.training.losses import l2_norm
from pdekit.training.settings import Training
from pdekit.training.source import Source
from pdekit.training.unrolled import Unrolled, steps_of_epoch, validate_windows


@dataclass
class Fields:
    """Maps from fields to fields: each sample once an epoch."""

    settings: Training
    source: Source
    seed: int

    @property
    def per_epoch(self) -> int:
        """Steps of an epoch."""
        return -(-len(self.source.train) // self.settings.batch)

    def step(self, device: torch.device, **given: Any) -> Step:
        """The optimiser step."""
        return Step(shift=self.shift(device), **given)

    def shift(self, device: torch.device) -> torch.Tensor | None:
        """What to add to the network's output so that it compares with the targets; None = nothing."""
        shifts = self.source.channels.shifts
        if not any(shifts):
            return None
        return torch.tensor(shifts, dtype=torch.float32, device=device).reshape(-1, *(1,) * self.source.grid.dim)

    def order(self, epoch: int) -> list[Any]:
        """The batches of an epoch."""
        return shuffled(len(self.source.train), self.settings.batch, self.seed, epoch)

    def validate(self, network: torch.nn.Module, data: Any, device: torch.device) -> dict[str, Any]:
        """What the history notes of the selection split."""
        norm = l2_norm(self.source.valid_grid, device)
        error, left_out = validate(network, data, norm, self.settings.batch, self.shift(device))
        return {"valid_relative_l2": error, "valid_zero_references": left_out}


@dataclass
class Rolled(Fields):
    """Trajectories: windows from random starts in training, from fixed ones in validation."""

    clock: Clock = field(kw_only=True)
    valid_frames: int = field(kw_only=True)

    @property
    def per_trajectory(self) -> int:
        """Windows of each trajectory in an epoch: what the card says, or as many as fit end to end."""
        clock = self.clock
        return clock.settings.windows or (clock.frames - clock.history) // clock.horizon

    @property
    def per_epoch(self) -> int:
        """Steps of an epoch."""
        return -(-len(self.source.train) * self.per_trajectory // self.settings.batch)

    def step(self, device: torch.device, **given: Any) -> Step:
        """The optimiser step."""
        shape = (-1, *(1,) * self.source.grid.dim)
        deviations = torch.tensor(self.clock.deviations, dtype=torch.float32, device=device).reshape(shape)
        pushforward = self.clock.settings.pushforward
        return Unrolled(shift=None, history=self.clock.history, pushforward=pushforward, deviations=deviations, **given)

    def order(self, epoch: int) -> list[Windows]:
        """The windows of an epoch, as long as the curriculum has come."""
        clock = self.clock
        return random_windows(
            len(self.source.train),
            clock.frames,
            clock.history + steps_of_epoch(clock, epoch, self.settings.epochs),
            per_trajectory=self.per_trajectory,
            batch=self.settings.batch,
            seed=self.seed,
            epoch=epoch,
        )

    def validate(self, network: torch.nn.Module, data: Any, device: torch.device) -> dict[str, Any]:
        """What the history notes of the selection split: of windows of the whole horizon, whatever the curriculum."""
        clock = self.clock
        length = clock.history + clock.horizon
        stride = clock.settings.stride or clock.horizon
        order = fixed_windows(
            len(self.source.valid), self.valid_frames, length, stride=stride, batch=self.settings.batch
        )
        norm = l2_norm(self.source.valid_grid, device)
        error, left_out, by_step = validate_windows(network, data, norm, order, clock.history)
        found = {"valid_relative_l2": error, "valid_zero_references": left_out}
        return {**found, "valid_by_step": by_step} if len(by_step) > 1 else found


def course_for(settings: Training, source: Source, seed: int) -> Fields:
    """The course that a source asks for."""
    if source.clock is None:
        return Fields(settings, source, seed)
    return Rolled(settings, source, seed, clock=source.clock, valid_frames=source.valid_frames)
