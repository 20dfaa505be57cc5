"""Augmentation by the symmetries of the problem: maps that take solutions to solutions, drawn per batch or sample."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from pdekit.models.channels import Channel
from pdekit.problems.problem import Symmetry
from pdekit.problems.symmetry import Family


class Augmentation:
    """Applies one symmetry to inputs and outputs alike, and behind it one member of each family.

    symmetries   identity first; with no other, nothing is done
    per          "batch" | "sample": what one draw is for
    """

    def __init__(
        self,
        symmetries: Sequence[Symmetry],
        inputs: Sequence[Channel],
        outputs: Sequence[Channel],
        per: Literal["batch", "sample"] = "batch",
    ) -> None:
        self.symmetries = tuple(s for s in symmetries if not isinstance(s, Family))
        self.families = tuple(s for s in symmetries if isinstance(s, Family))
        self.inputs, self.outputs, self.per = tuple(inputs), tuple(outputs), per

    @property
    def names(self) -> list[str]:
        """Names of the symmetries, for the history."""
        return [s.name for s in (*self.symmetries, *self.families)]

    def draw(self, rng: np.random.Generator, order: Sequence[Any]) -> list[np.ndarray]:
        """For each batch of rows: the number of a symmetry, one for all (1,) or one per sample (b,); where there are
        families, (1, m) or (b, m): the number, and the amounts of each family.
        """
        sizes = [len(rows) if self.per == "sample" else 1 for rows in order]
        drawn = rng.integers(len(self.symmetries), size=sum(sizes))
        if self.families:
            drawn = np.column_stack([drawn, *(family.draw(rng, sum(sizes)) for family in self.families)])
        return np.split(drawn, np.cumsum(sizes)[:-1])

    def counts(self, drawn: Sequence[np.ndarray]) -> dict[str, int]:
        """How often each symmetry was drawn; a family is drawn each time."""
        every = np.concatenate(list(drawn))
        numbers = np.bincount(every.reshape(len(every), -1)[:, 0], minlength=len(self.symmetries)).tolist()
        return dict(zip(self.names, [*numbers, *(len(every) for _ in self.families)], strict=True))

    def __call__(self, x: Tensor, y: Tensor, drawn: np.ndarray) -> tuple[Tensor, Tensor]:
        """Inputs (b, c, *x) and outputs (b, c, *x), or trajectories (b, t, c, *x), mapped by what was drawn."""
        table = drawn.reshape(len(drawn), -1)
        axis = y.ndim - x.ndim + 1  # of the outputs' channels
        x, y = self._moved(x, self.inputs, 1, table), self._moved(y, self.outputs, axis, table)
        numbers = table[:, 0]
        if len(numbers) == 1:
            symmetry = self.symmetries[int(numbers[0])]
            return _apply(symmetry, x, self.inputs, 1), _apply(symmetry, y, self.outputs, axis)
        if len(self.symmetries) == 1:
            return x, y
        x_new, y_new = torch.empty_like(x), torch.empty_like(y)
        for number in np.unique(numbers):
            symmetry = self.symmetries[int(number)]
            rows = _sent(np.flatnonzero(numbers == number), x.device)
            x_new.index_copy_(0, rows, _apply(symmetry, x.index_select(0, rows), self.inputs, 1))
            y_new.index_copy_(0, rows, _apply(symmetry, y.index_select(0, rows), self.outputs, axis))
        return x_new, y_new

    def _moved(self, u: Tensor, channels: Sequence[Channel], axis: int, table: np.ndarray) -> Tensor:
        """By the amounts of each family."""
        column = 1
        for family in self.families:
            amounts = table[:, column : column + family.numbers]
            column += family.numbers
            amounts = amounts[0] if len(amounts) == 1 else _sent(amounts, u.device)
            u = _each(u, channels, axis, lambda name, part, f=family, a=amounts: f.move(name, part, a))
        return u


def _sent(numbers: np.ndarray, device: torch.device) -> Tensor:
    """A few numbers on the device, without waiting for it."""
    tensor = torch.from_numpy(numbers)
    return tensor if device.type == "cpu" else tensor.pin_memory().to(device, non_blocking=True)


def _apply(symmetry: Symmetry, u: Tensor, channels: Sequence[Channel], axis: int) -> Tensor:
    return u if symmetry.name == "identity" else _each(u, channels, axis, symmetry.apply)


def _each(u: Tensor, channels: Sequence[Channel], axis: int, act: Any) -> Tensor:
    """`act(name, part)` on the part of each channel."""
    if not channels:
        return u
    if len(channels) == 1:
        return act(channels[0].name, u).contiguous()
    return torch.stack([act(c.name, u.select(axis, i)) for i, c in enumerate(channels)], dim=axis)


def symmetries_for(problem_symmetries: Sequence[Symmetry], kinds: Iterable[str]) -> tuple[Symmetry, ...]:
    """The symmetries that act on each field of a file by itself: none but identity where it holds values on a face, since
    a flip would move them to another face. That is so even where they never vary, and are no channel of the network.

    kinds   of all inputs in the file: "field", "boundary", "parameter"
    """
    if "boundary" in kinds:
        return tuple(problem_symmetries[:1])
    return tuple(problem_symmetries)
