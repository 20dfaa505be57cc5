"""The relaxation solvers that cards name: a method of `relaxation.py` and its settings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from pdekit.linear import relaxation
from pdekit.linear.elliptic import EllipticSolver
from pdekit.linear.system import System
from pdekit.solution import Solution


class Relaxation(EllipticSolver):
    """Sweeps until the residual is small. relative_to: "b" or "r0", what rtol is a share of; with a start they differ.

    `method` and `options`, its keywords, are those of the class in `relaxation.py`, where they are described.
    """

    method: type[relaxation.JacobiIteration]
    options: dict[str, Any]

    def __init__(self, *, relative_to: str = "b", **settings: Any) -> None:
        super().__init__(**settings)
        self.stop = replace(self.stop, relative_to=relative_to)
        self.method(**self.options)  # what cannot be used is refused here, not at the first sample

    def set_up(self, operator: Any, singular: bool) -> Any:
        """The method, ready for the operator."""
        return self.method(**self.options).setup(operator)

    def run(self, system: System, ready: Any, x0: np.ndarray | None) -> Solution:
        """Sweeps with what `set_up` returned."""
        return ready.run(system, stop=self.stop, x0=x0, project_rhs=self.project_rhs)


class Jacobi(Relaxation):
    """Jacobi sweeps; omega is the damping."""

    method = relaxation.JacobiIteration

    def __init__(self, *, omega: Any = 1.0, **settings: Any) -> None:
        self.options = {"omega": omega}
        super().__init__(**settings)


class GaussSeidel(Relaxation):
    """Gauss-Seidel sweeps."""

    method = relaxation.GaussSeidel

    def __init__(self, *, ordering: str = "lexicographic", check_every: int = 1, **settings: Any) -> None:
        self.options = {"ordering": ordering, "check_every": check_every}
        super().__init__(**settings)


class SOR(Relaxation):
    """SOR sweeps."""

    method = relaxation.SOR

    def __init__(
        self, *, omega: Any = "young", ordering: str = "lexicographic", check_every: int = 1, **settings: Any
    ) -> None:
        self.options = {"omega": omega, "ordering": ordering, "check_every": check_every}
        super().__init__(**settings)


class SSOR(Relaxation):
    """Symmetric SOR sweeps."""

    method = relaxation.SSOR

    def __init__(
        self, *, omega: Any = 1.0, ordering: str = "lexicographic", check_every: int = 1, **settings: Any
    ) -> None:
        self.options = {"omega": omega, "ordering": ordering, "check_every": check_every}
        super().__init__(**settings)
