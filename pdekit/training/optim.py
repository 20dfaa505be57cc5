"""Optimiser and learning rate. The rate is a function of the step's number alone: resuming needs no more."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import torch

from pdekit.training.settings import Optimizer, Schedule

Rates = Callable[[int], tuple[float, float]]


def make_optimizer(settings: Optimizer, parameters: Iterable[torch.nn.Parameter]) -> torch.optim.Optimizer:
    """torch's Adam or AdamW: complex weights are two real ones each."""
    kind = torch.optim.AdamW if settings.name == "adamw" else torch.optim.Adam
    return kind(parameters, lr=settings.learning_rate, weight_decay=settings.weight_decay, foreach=True)


def make_rates(settings: Schedule, learning_rate: float, steps: int) -> Rates:
    """step 0 ... steps - 1 -> (learning rate, first moment's decay).

    one-cycle   from 1/25 of the rate up to it in `warm_up` of the steps, down to 4e-6 of it, both along half a cosine,
                the moment's decay 0.95 -> 0.85 -> 0.95 the other way round: Smith & Topin 2017, arXiv 1708.07120, in
                the form of torch's OneCycleLR
    cosine      up in a straight line, then down to zero along half a cosine: Loshchilov & Hutter 2017, arXiv 1608.03983
    constant    up in a straight line, then constant
    """
    if settings.name == "one-cycle":
        return lambda step: _one_cycle(step, learning_rate, settings.warm_up * steps - 1, steps - 1.0)
    rising = settings.warm_up * steps

    def rates(step: int) -> tuple[float, float]:
        if step < rising:
            return learning_rate * (step + 1) / (rising + 1), 0.9
        if settings.name == "constant":
            return learning_rate, 0.9
        return _half_cosine(learning_rate, 0.0, (step - rising) / (steps - rising)), 0.9

    return rates


def _one_cycle(step: int, high: float, peak: float, last: float) -> tuple[float, float]:
    low = high / 25
    if step <= peak and peak > 0:
        return _half_cosine(low, high, step / peak), _half_cosine(0.95, 0.85, step / peak)
    start = max(peak, 0.0)
    part = (step - start) / (last - start) if last > start else 1.0
    return _half_cosine(high, low / 1e4, part), _half_cosine(0.85, 0.95, part)


def _half_cosine(start: float, end: float, part: float) -> float:
    return end + (start - end) / 2 * (1 + math.cos(math.pi * part))


def set_rates(optimizer: torch.optim.Optimizer, rate: float, moment: float) -> None:
    """Give the next step its learning rate and its first moment's decay."""
    for group in optimizer.param_groups:
        group["lr"] = rate
        group["betas"] = (moment, group["betas"][1])
