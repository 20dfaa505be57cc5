"""From the last k frames to the next one: a Markov step with k = 1, the recurrent FNO-2d of the paper with k = 10.

    u(t + dt) = u(t) + d net(u(t), ...; a)       predict = "delta", d the root mean square of the increments of the train split
    u(t + dt) = net(u(t), ...; a)                predict = "value"

A map from u(0) to u(T) is such a step too, on a file of two frames. Frames are in units of their scale, without shift, so
that what comes out goes in again as it is.

Source   recurrent: Li et al., ICLR 2021, arXiv 2010.08895, sec. 5.3; increments: Tran et al., ICLR 2023, arXiv 2111.13802
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from pdekit.models.clock import Clock


class Steps(torch.nn.Module):
    """One step of `network`, which maps (b, k c + c_a, *x) to (b, c, *x).

    periodic   axes along which `cutoff` can truncate
    """

    increments: Tensor

    def __init__(self, network: torch.nn.Module, clock: Clock, periodic: tuple[bool, ...]) -> None:
        super().__init__()
        self.network, self.clock, self.periodic = network, clock, periodic
        shape = (-1, *(1,) * len(periodic))
        self.register_buffer("increments", torch.tensor(clock.increments).reshape(shape), persistent=False)

    def forward(self, u: Float[Tensor, "b k c *x"], a: Float[Tensor, "b c_a *x"]) -> Float[Tensor, "b 1 c *x"]:
        """The frame after those of u, the last of them latest; a are the fields and numbers that stay."""
        frames = truncated(u, self.clock.settings.cutoff, self.periodic).flatten(1, 2)
        y = self.network(torch.cat((frames, a), dim=1))
        if self.clock.settings.predict == "delta":
            y = torch.addcmul(u[:, -1], self.increments, y)
        return y[:, None]


def truncated(u: Tensor, cutoff: int | None, periodic: tuple[bool, ...]) -> Tensor:
    """u (*, *x) without its modes |m| > cutoff along periodic axes; u itself where there is no cutoff."""
    if cutoff is None:
        return u
    for axis, wraps in zip(range(-len(periodic), 0), periodic, strict=True):
        if wraps and u.shape[axis] // 2 > cutoff:
            n, after = u.shape[axis], (slice(None),) * (-1 - axis)
            u_hat = torch.fft.rfft(u, dim=axis)
            zeros = torch.zeros_like(u_hat[(..., slice(cutoff + 1, None), *after)])
            u = torch.fft.irfft(torch.cat((u_hat[(..., slice(cutoff + 1), *after)], zeros), dim=axis), n, dim=axis)
    return u
