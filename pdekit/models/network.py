"""Torch networks as learned solvers: device, inference, and arrays in and out of the network's state."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from pdekit.errors import BadInput
from pdekit.models.channels import Channels
from pdekit.models.clock import Clock
from pdekit.models.solver import LearnedSolver
from pdekit.models.spacetime import SpaceTime, grid_in_time
from pdekit.models.steps import Steps
from pdekit.models.trajectories import Trajectories
from pdekit.problems.problem import Problem
from pdekit.solution import Solution
from pdekit.solver import Instances
from pdekit.space.grid import Grid


class NetworkSolver(LearnedSolver):
    """A learned solver whose map is a torch module of (b, c_in, *x) -> (b, c_out, *x), float32, on any `points`.

    With a clock that module is the inner one of `Steps` or `SpaceTime`, and `solve` answers trajectories.
    """

    def __init__(
        self, config: Any, channels: Channels, grid: Grid, problem: Problem | None = None, clock: Clock | None = None
    ) -> None:
        super().__init__(config, channels, grid, problem, clock)
        given, answered = len(channels.inputs), len(channels.outputs)
        if clock is None:
            self.network = self.build(config, given, answered, grid)
        elif clock.settings.way == "step":
            inner = self.build(config, clock.history * answered + given, answered, grid)
            self.network = Steps(inner, clock, grid.periodic)
        else:
            inner = self.build(config, clock.history * answered + given + 1, answered, grid_in_time(grid, clock))
            self.network = SpaceTime(inner, clock, grid.periodic)
        self.device = torch.device("cpu")

    @staticmethod
    @abstractmethod
    def build(config: Any, channels_in: int, channels_out: int, grid: Grid) -> torch.nn.Module:
        """The network of a card, with weights drawn from torch's generator. Raises BadInput."""

    def to(self, device: str | torch.device) -> NetworkSolver:
        """Move the network; `solve` copies there and back, inside its time."""
        self.device = torch.device(device)
        self.network.to(self.device)
        return self

    def arrays(self) -> dict[str, np.ndarray]:
        """The network's state."""
        return {k: v.detach().cpu().numpy() for k, v in self.network.state_dict().items()}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Load a state, every name present and none besides."""
        self.network.load_state_dict({k: torch.from_numpy(v) for k, v in arrays.items()}, strict=True)
        self.network.eval()

    def predict(self, x: np.ndarray, grid: Grid) -> np.ndarray:
        """One evaluation without gradients."""
        self.network.eval()
        with torch.inference_mode():
            return self.network(torch.from_numpy(x).to(self.device)).cpu().numpy()

    def solve(self, instances: Instances) -> Solution:
        """Answer all instances: fields, or trajectories {output: (n, t, *x)} at `instances.times`; see `LearnedSolver.solve`."""
        if self.clock is None:
            return super().solve(instances)
        self._check_grid(instances.grid)
        return self._solution(
            *Trajectories(self.network, self.channels, self.clock, self.device, self.batch)(instances)
        )

    def count(self) -> dict[str, int]:
        """Trained numbers: `parameters` counts a complex one once, `degrees_of_freedom` twice."""
        parameters = list(self.network.parameters())
        return {
            "parameters": sum(p.numel() for p in parameters),
            "degrees_of_freedom": sum(p.numel() * (2 if p.is_complex() else 1) for p in parameters),
        }


@contextmanager
def torch_threads(threads: int) -> Iterator[None]:
    """Torch held to `threads` threads on the CPU inside; put back behind."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def gpu_name() -> str:
    """Name of the GPU that torch finds. Raises BadInput where there is none."""
    if not torch.cuda.is_available():
        raise BadInput.of("torch finds no GPU on this machine.", found='device = "cuda"', hint='use device = "cpu"')
    return torch.cuda.get_device_name()
