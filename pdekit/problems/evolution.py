"""What problems that evolve in time offer to the solvers that take implicit steps."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np

from pdekit.problems.problem import Problem
from pdekit.solver import Instances
from pdekit.space.stencils import StencilOperator


class Evolution(Problem):
    """A problem whose answer is a trajectory: outputs (n, t, *x) at `Instances.times`."""

    def residual(self, instances: Instances, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """(n,) NaN: stored frames are far apart in time, so the equation cannot be checked on them. Solvers whose implicit
        steps have residuals report the largest of those; the spectral ones have none, and report NaN too."""
        return np.full(len(instances), np.nan)


class LinearEvolution(Evolution):
    """u_t = -A(t) u + f(t), A(t) symmetric positive semidefinite: each implicit step is one linear system.

    Cases are batches of one; arrays have the shape of the unknowns.
    """

    @abstractmethod
    def operator(self, case: Instances, t: float) -> StencilOperator:
        """A(t), in 1/time."""

    @abstractmethod
    def forcing(self, case: Instances, t: float) -> np.ndarray:
        """f(t), boundary values included, in units of u per time."""

    @abstractmethod
    def initial(self, case: Instances) -> np.ndarray:
        """u at the first of `case.times`."""

    @abstractmethod
    def embed(self, case: Instances, x: np.ndarray) -> np.ndarray:
        """u on all stored points."""

    @abstractmethod
    def context(self, case: Instances, t: float) -> float:
        """One number that says how hard the step from t on is; what a tuner of solver parameters is shown."""

    @abstractmethod
    def context_range(self, case: Instances) -> tuple[float, float]:
        """The least and the largest context that can come."""

    def sample(
        self, grid: Any, rng: np.random.Generator, laws: Mapping[str, Mapping[str, Any]]
    ) -> dict[str, np.ndarray]:
        """Draw one case: {field: (*points)}, in the order of the laws."""
        from pdekit.space.random_fields import draw

        return {name: draw(law, grid, rng) for name, law in laws.items()}
