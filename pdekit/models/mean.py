"""The mean of the training outputs: what a solver that ignores its input can reach. Every report holds it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pdekit.models.closed_form import Blocks, ClosedForm
from pdekit.settings import Settings
from pdekit.space.grid import Grid
from pdekit.space.transfer import interpolate


class MeanFieldConfig(Settings):
    """Nothing to choose."""


class MeanField(ClosedForm):
    """u(x) = mean over the training samples, whatever the input; interpolated linearly to another number of points."""

    Config = MeanFieldConfig

    def fit(self, train: Blocks, valid: Blocks) -> dict[str, Any]:
        """Accumulate the mean in float64. `valid` is not needed."""
        total, count = 0.0, 0
        for _, y in train():
            total = total + y.sum(axis=0, dtype=np.float64)
            count += len(y)
        self.mean = np.asarray(total / count, dtype=np.float32)
        return {}

    def arrays(self) -> dict[str, np.ndarray]:
        """The mean (c, *x), scaled."""
        return {"mean": self.mean}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take the mean back."""
        self.mean = arrays["mean"]

    def predict(self, x: np.ndarray, grid: Grid) -> np.ndarray:
        """(b, c, *x)."""
        mean = self.mean if grid.points == self.grid.points else interpolate(self.mean, self.grid, grid)
        return np.broadcast_to(mean.astype(np.float32, copy=False), (len(x), *mean.shape))
