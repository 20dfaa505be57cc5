"""Solvers that are fitted by a formula, in one pass or two over the data, instead of by steps."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import numpy as np

from pdekit.models.solver import LearnedSolver

Blocks = Callable[[], Iterable[tuple[np.ndarray, np.ndarray]]]


class ClosedForm(LearnedSolver):
    """NumPy alone. `train` and `valid` below give scaled blocks (x, y) of (b, c, *points) float32 each time they are
    called, so that data need not fit in memory.
    """

    closed_form: ClassVar[bool] = True

    @abstractmethod
    def fit(self, train: Blocks, valid: Blocks) -> dict[str, Any]:
        """Fit to `train`, choose by `valid`; returns what was chosen, for the record."""
