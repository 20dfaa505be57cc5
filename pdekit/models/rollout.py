"""Frame after frame: what a network answers is what it is given next."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Step = Callable[[Tensor, Tensor], Tensor]


def roll_out(step: Step, u: Tensor, a: Tensor, frames: int) -> Tensor:
    """(b, frames, c, *x): the frames after those of u (b, k, c, *x), by calls of `step`, which answers one or more at once.

    Gradients go back through all calls. a (b, c_a, *x) goes into each call as it is.
    """
    k, answers, count = u.shape[1], [], 0
    while count < frames:
        new = step(u, a)
        answers.append(new)
        count += new.shape[1]
        u = new[:, -k:] if new.shape[1] >= k else torch.cat((u, new), dim=1)[:, -k:]
    return torch.cat(answers, dim=1)[:, :frames]


def pushed_forward(step: Step, u: Tensor, a: Tensor, frames: int) -> Tensor:
    """(b, 1, c, *x): the last of `frames` frames, the steps before it without gradient.

    The network learns to answer what it itself brings about, at the cost in memory of one step.
    Source: Brandstetter, Worrall & Welling, ICLR 2022, arXiv 2202.03376, sec. 3.1.
    """
    k = u.shape[1]
    if frames > 1:
        with torch.no_grad():
            u = torch.cat((u, roll_out(step, u, a, frames - 1)), dim=1)[:, -k:]
    return step(u, a)
