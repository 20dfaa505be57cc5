"""Augmentation by the symmetries of the problem: maps that take solutions to solutions, drawn per batch or sample."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from pdekit.models.channels import Channel
from pdekit.problems.problem import Symmetry


class Augmentation:
    """Applies one symmetry to inputs and outputs alike.

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
        self.symmetries = tuple(symmetries)
        self.inputs, self.outputs, self.per = tuple(inputs), tuple(outputs), per

    @property
    def names(self) -> list[str]:
        """Names of the symmetries, for the history."""
        return [s.name for s in self.symmetries]

    def draw(self, rng: np.random.Generator, order: Sequence[np.ndarray]) -> list[np.ndarray]:
        """For each batch of row numbers: the number of a symmetry, one for all (1,) or one per sample (b,)."""
        sizes = [len(rows) if self.per == "sample" else 1 for rows in order]
        numbers = rng.integers(len(self.symmetries), size=sum(sizes))
        return np.split(numbers, np.cumsum(sizes)[:-1])

    def counts(self, drawn: Sequence[np.ndarray]) -> dict[str, int]:
        """How often each symmetry was drawn."""
        numbers = np.bincount(np.concatenate(list(drawn)), minlength=len(self.symmetries))
        return dict(zip(self.names, numbers.tolist(), strict=True))

    def __call__(self, x: Tensor, y: Tensor, drawn: np.ndarray) -> tuple[Tensor, Tensor]:
        """Both of shape (b, c, *x), mapped by what was drawn."""
        if len(drawn) == 1:
            symmetry = self.symmetries[int(drawn[0])]
            return self._apply(symmetry, x, self.inputs), self._apply(symmetry, y, self.outputs)
        x_new, y_new = torch.empty_like(x), torch.empty_like(y)
        for number in np.unique(drawn):
            symmetry = self.symmetries[int(number)]
            rows = torch.from_numpy(np.flatnonzero(drawn == number)).to(x.device)
            x_new.index_copy_(0, rows, self._apply(symmetry, x.index_select(0, rows), self.inputs))
            y_new.index_copy_(0, rows, self._apply(symmetry, y.index_select(0, rows), self.outputs))
        return x_new, y_new

    @staticmethod
    def _apply(symmetry: Symmetry, u: Tensor, channels: Sequence[Channel]) -> Tensor:
        if symmetry.name == "identity":
            return u
        if len(channels) == 1:
            return symmetry.apply(channels[0].name, u).contiguous()
        return torch.stack([symmetry.apply(c.name, u[:, i]) for i, c in enumerate(channels)], dim=1)


def symmetries_for(problem_symmetries: Sequence[Symmetry], kinds: Iterable[str]) -> tuple[Symmetry, ...]:
    """The symmetries that act on each field of a file by itself: none but identity where it holds values on a face, since
    a flip would move them to another face. That is so even where they never vary, and are no channel of the network.

    kinds   of all inputs in the file: "field", "boundary", "parameter"
    """
    if "boundary" in kinds:
        return tuple(problem_symmetries[:1])
    return tuple(problem_symmetries)
