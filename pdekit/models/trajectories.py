"""Cases in, trajectories out: what a network of frames needs around it to answer Instances."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import torch

from pdekit.errors import BadInput
from pdekit.models.channels import Channels
from pdekit.models.clock import Clock
from pdekit.models.rollout import roll_out
from pdekit.solution import Status
from pdekit.solver import Instances

Answer = tuple[dict[str, np.ndarray], list[Status], np.ndarray]


@dataclass(frozen=True)
class Trajectories:
    """Rolls `network` out over the times that the instances ask for, `batch` cases at once."""

    network: torch.nn.Module
    channels: Channels
    clock: Clock
    device: torch.device
    batch: int

    def __call__(self, instances: Instances) -> Answer:
        """({output: (n, t, *x)} in physical units, statuses, seconds (n,)). The first `history` frames are the given ones.

        Raises BadInput where the times are not those that it knows, or a history is missing or too short.
        """
        times, k = self.clock.check_times(instances.times), self.clock.history
        starts = [self._start(instances, name) for name in self.clock.starts]
        n, frames = len(instances), len(times)
        names = [c.name for c in self.channels.outputs]
        values = {
            name: np.empty((n, frames, *instances.grid.points), dtype=np.result_type(start.dtype, np.float32))
            for name, start in zip(names, starts, strict=True)
        }
        status, seconds = [Status.EVALUATED] * n, np.zeros(n)
        self.network.eval()
        for first in range(0, n, self.batch):
            part = slice(first, min(first + self.batch, n))
            begin = time.perf_counter()
            a = self.channels.encode(instances[part])
            given = {name: start[part] for name, start in zip(names, starts, strict=True)}
            u = self.channels.encode_frames(given)
            answer = self._frames(u, a, frames - k)
            for i, channel in enumerate(self.channels.outputs):
                values[channel.name][part, :k] = given[channel.name]
                values[channel.name][part, k:] = answer[:, :, i] * np.float32(channel.scale)
            seconds[part] = (time.perf_counter() - begin) / len(u)
            for j in range(len(u)):
                if not (np.isfinite(u[j]).all() and np.isfinite(a[j]).all()):
                    status[first + j] = Status.NONFINITE_INPUT
                elif not np.isfinite(answer[j]).all():
                    status[first + j] = Status.NONFINITE
        return values, status, seconds

    def _frames(self, u: np.ndarray, a: np.ndarray, frames: int) -> np.ndarray:
        if frames == 0:
            return np.empty((len(u), 0, *u.shape[2:]), dtype=np.float32)
        with torch.inference_mode():
            given, stays = (torch.from_numpy(x).to(self.device) for x in (u, a))
            return roll_out(self.network, given, stays, frames).cpu().numpy()

    def _start(self, instances: Instances, name: str) -> np.ndarray:
        """(n, k, *x) of one start field."""
        if name not in instances.fields:
            raise BadInput.of(
                f"the learned solver needs the input {name!r}.", found=", ".join(instances.fields) or "no inputs"
            )
        field, k, dim = np.asarray(instances.fields[name]), self.clock.history, instances.grid.dim
        frames = field[:, None] if field.ndim == 1 + dim else field
        if frames.ndim != 2 + dim or frames.shape[1] < k:
            raise BadInput.of(
                f"the learned solver needs {k} frames to start from.",
                found=f"{name!r} of shape {field.shape}",
                allowed=f"(n, {k}, {', '.join(map(str, instances.grid.points))}): the states at the first {k} times",
                hint="solver.given(instances, outputs) takes them from stored trajectories",
            )
        return frames[:, :k]
