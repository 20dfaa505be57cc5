"""The training loop: one step, one epoch, one validation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pdekit.errors import SolveError
from pdekit.training.augment import Augmentation
from pdekit.training.losses import Loss
from pdekit.training.optim import Rates, set_rates

WATCH = 100  # steps between looks at the loss: each look waits for the GPU


@dataclass
class Step:
    """One optimiser step on one batch.

    rates      step's number -> learning rate and moment; `rate` is the largest
    shift      what to add to the network's output so that it compares with the targets, (c, 1, ...); None = nothing
    backward   loss -> None: back-propagation, through Fabric where it scales or synchronises
    noise      deviation of the Gaussian noise added to the scaled input, from torch's generator, which checkpoints keep
    """

    network: Callable[..., Tensor]
    optimizer: Any
    loss: Loss
    rates: Rates
    rate: float
    clip: float | None
    shift: Tensor | None
    backward: Callable[[Tensor], None]
    parameters: list[torch.nn.Parameter]
    noise: float = 0.0

    def __call__(self, x: Tensor, y: Tensor, number: int) -> Tensor:
        """The loss of the batch before the step, still on the device."""
        loss = self.objective(x, y)
        self.optimizer.zero_grad()
        self.backward(loss)
        if self.clip is not None:
            clip(self.parameters, self.clip)
        set_rates(self.optimizer, *self.rates(number))
        self.optimizer.step()
        return loss.detach()

    def objective(self, x: Tensor, y: Tensor) -> Tensor:
        """The loss of a batch, with its gradient."""
        if self.noise:
            x = x + self.noise * torch.randn_like(x)
        prediction = self.network(x)
        if self.shift is not None:
            prediction = prediction + self.shift
        return self.loss(prediction, y)


def clip(parameters: list[torch.nn.Parameter], limit: float) -> None:
    """Scale all gradients together so that their 2-norm is at most `limit`.

    The norm is taken of real and imaginary parts: torch's norm of complex tensors costs a tenth of a whole step.
    """
    gradients = [p.grad for p in parameters if p.grad is not None]
    real = [torch.view_as_real(g) if g.is_complex() else g for g in gradients]
    torch.nn.utils.clip_grads_with_norm_(parameters, limit, torch.nn.utils.get_total_norm(real))


def shuffled(n: int, batch: int, seed: int, epoch: int) -> list[np.ndarray]:
    """Row numbers of each batch: a function of (seed, epoch) alone, so that a resumed run sees the same order."""
    rows = np.random.default_rng([seed, epoch, 0]).permutation(n)
    return np.split(rows, range(batch, n, batch))


def run_epoch(
    step: Step,
    data: Any,
    order: Sequence[Any],
    *,
    first: int = 0,
    epoch: int = 1,
    augmentation: Augmentation | None = None,
    drawn: Sequence[np.ndarray] = (),
    on_step: Callable[[int], None] | None = None,
) -> Tensor:
    """(steps,) losses of one pass over the batches of `order`, `first` being the number of the first step.

    Raises SolveError where a loss is not finite: the weights are lost from there on, the saved ones are not.
    """
    losses: list[Tensor] = []
    for i, (x, y) in enumerate(data.batches(list(order))):
        if augmentation is not None:
            x, y = augmentation(x, y, drawn[i])
        losses.append(step(x, y, first + i))
        if on_step is not None:
            on_step(i + 1)
        if (i + 1) % WATCH == 0:
            _require_finite(torch.stack(losses[-WATCH:]), step, first + i + 1 - WATCH, epoch)
    whole = torch.stack(losses)
    _require_finite(whole, step, first, epoch)
    return whole


def validate(
    network: torch.nn.Module, data: Any, norm: Callable[[Tensor], Tensor], batch: int, shift: Any
) -> tuple[float, int]:
    """`mean_error` over samples and channels of the relative L2 error, in physical units."""
    network.eval()
    errors: list[Tensor] = []
    references: list[Tensor] = []
    order = np.split(np.arange(len(data)), range(batch, len(data), batch))
    with torch.no_grad():
        for x, y in data.batches(order):
            prediction = network(x) if shift is None else network(x) + shift
            size = norm(y)
            errors.append((norm(prediction - y) / size).flatten())
            references.append(size.flatten())
    network.train()
    return mean_error(torch.cat(errors), torch.cat(references))


def mean_error(errors: Tensor, references: Tensor) -> tuple[float, int]:
    """(mean, left out): of relative errors, without those of references of norm zero, which are undefined and counted.

    Raises SolveError where the mean is not finite, since no weights could be chosen by it.
    """
    kept = errors[references != 0]
    mean = float(kept.double().mean())
    if not np.isfinite(mean):
        bad = int((~torch.isfinite(kept)).sum())
        found = f"{bad} of {len(kept)} errors are NaN or infinite" if len(kept) else "every reference is zero"
        raise SolveError(
            "training stopped: the error on the samples that the weights are chosen by is not finite.\n"
            f"  found: {found}\n"
            "  the weights of the last whole epoch before it, if there was one, are kept\n"
            "  next: `pdekit check FILE` names samples that hold NaN; else a smaller rate (--set "
            "training.optimizer.learning_rate) or clipping (--set training.clip=1.0)"
        )
    return mean, len(errors) - len(kept)


def _require_finite(losses: Tensor, step: Step, first: int, epoch: int) -> None:
    bad = torch.nonzero(~torch.isfinite(losses))  # waits for the GPU here
    if len(bad) == 0:
        return
    number = first + int(bad[0])
    rate = step.rates(number)[0]
    raise SolveError(
        f"training stopped: the loss is not finite in epoch {epoch}, step {number + 1}, at learning rate {rate:.3g}.\n"
        "  the best weights of earlier epochs, if there were any, are kept\n"
        f"  next: a smaller rate (--set training.optimizer.learning_rate={step.rate / 3:.1g}), clipping (--set "
        "training.clip=1.0), or `pdekit check FILE`: NaN in the data or an output that is zero everywhere does the same"
    )
