"""A space-time operator: k frames to the whole horizon in one call, by Fourier layers over space and time.

The frames are channels, repeated along t, beside the coordinate t itself: without it Fourier layers would answer the same
frame at all times. More frames than the horizon are answered and dropped (`padding`), since a horizon does not close upon
itself as a period does.

Source   FNO-3d: Li et al., ICLR 2021, arXiv 2010.08895, sec. 5.3
"""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from pdekit.errors import BadInput
from pdekit.models.clock import Clock
from pdekit.models.steps import truncated
from pdekit.space.grid import Grid


class SpaceTime(torch.nn.Module):
    """`network` maps (b, k c + c_a + 1, *x, t) to (b, c, *x, t)."""

    increments: Tensor
    t: Tensor

    def __init__(self, network: torch.nn.Module, clock: Clock, periodic: tuple[bool, ...]) -> None:
        super().__init__()
        self.network, self.clock, self.periodic = network, clock, periodic
        self.frames = answered(clock)
        shape = (-1, *(1,) * len(periodic))
        self.register_buffer("increments", torch.tensor(clock.increments).reshape(shape), persistent=False)
        t = (torch.arange(self.frames, dtype=torch.float32) + 1) / clock.horizon  # 1 at the last frame asked for
        self.register_buffer("t", t, persistent=False)

    def forward(self, u: Float[Tensor, "b k c *x"], a: Float[Tensor, "b c_a *x"]) -> Float[Tensor, "b m c *x"]:
        """The m frames after those of u."""
        given = torch.cat((truncated(u, self.clock.settings.cutoff, self.periodic).flatten(1, 2), a), dim=1)
        x = given[..., None].expand(*given.shape, self.frames)
        y = self.network(torch.cat((x, self.t.expand(len(u), 1, *x.shape[2:])), dim=1))
        y = y[..., : self.clock.horizon].movedim(-1, 1)
        if self.clock.settings.predict == "delta":
            y = torch.addcmul(u[:, -1:], self.increments, y)
        return y


def answered(clock: Clock) -> int:
    """Frames of one call, those that are dropped included."""
    return clock.horizon + math.ceil(clock.settings.padding * clock.horizon)


def grid_in_time(grid: Grid, clock: Clock) -> Grid:
    """The grid of the network: space, then the frames of one call. Raises BadInput where there would be four axes."""
    if grid.dim > 2:
        raise BadInput.of(
            "a spacetime solver would need Fourier layers over four axes.",
            found=f"data of {grid.dim} axes and time",
            allowed='1 or 2 axes; way = "step" serves 3',
        )
    frames = answered(clock)
    return replace(
        grid,
        points=(*grid.points, frames),
        length=(*grid.length, frames * clock.spacing),
        boundary=(*grid.boundary, ("neumann", "neumann")),
        boundary_value=(*grid.boundary_value, (0.0, 0.0)),
        robin=(*grid.robin, ((1.0, 1.0), (1.0, 1.0))),
    )
