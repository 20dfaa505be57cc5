"""The methods that `solve` knows by name. Each is a class with `setup` and `run`, see `Method`; to add one, add a line below."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pdekit.linear import choice
from pdekit.linear.cg import cg
from pdekit.linear.direct import FastPoisson, SparseLU, once
from pdekit.linear.krylov import GMRES, MINRES, BiCGStab
from pdekit.linear.multigrid import MultigridCycle
from pdekit.linear.preconditioners import AMG
from pdekit.linear.relaxation import SOR, SSOR, GaussSeidel, JacobiIteration
from pdekit.linear.stationary import stationary
from pdekit.linear.stop import Stop
from pdekit.linear.system import System
from pdekit.solution import Solution


class ConjugateGradients:
    """`cg` with the preconditioner of a name, or one that is set up."""

    name = "cg"
    takes_precond = True
    demands = "definite"

    def __init__(self, precond: Any = "auto") -> None:
        self.precond = precond

    def setup(self, operator: Any, system: System | None = None) -> ConjugateGradients:
        """Choose and set up the preconditioner."""
        self.ready, self.note = choice.for_definite(operator, self.precond)
        return self

    def run(
        self,
        system: System,
        *,
        stop: Stop,
        x0: np.ndarray | None = None,
        project_rhs: bool = False,
        callback: Callable[[int, float], None] | None = None,
    ) -> Solution:
        """Solve one system."""
        return cg(system, stop=stop, precond=self.ready, x0=x0, project_rhs=project_rhs, callback=callback)


class Cycles:
    """Cycles of multigrid without CG: x += M (b - A x)."""

    refuses = ("callback",)
    demands = "definite"

    def __init__(self, name: str, cycle: Any) -> None:
        self.name, self.cycle = name, cycle

    def setup(self, operator: Any, system: System | None = None) -> Cycles:
        """Build the hierarchy."""
        self.cycle.setup(operator)
        return self

    def run(
        self,
        system: System,
        *,
        stop: Stop,
        x0: np.ndarray | None = None,
        project_rhs: bool = False,
        callback: Callable[[int, float], None] | None = None,
    ) -> Solution:
        """Solve one system; no callback."""
        return stationary(system, self.cycle, stop=stop, x0=x0, project_rhs=project_rhs)


class Direct:
    """Sparse LU, for any A; no pivoting where A is positive definite."""

    name = "direct"
    refuses: tuple[str, ...] = ("x0", "callback")
    demands = ""

    def setup(self, operator: Any, system: System | None = None) -> Direct:
        """Factorise."""
        singular, basis, spd = (system.singular, system.basis, system.spd) if system else (False, None, None)
        self.ready: Any = SparseLU().setup(operator, singular, basis, spd=spd)
        return self

    def run(
        self,
        system: System,
        *,
        stop: Stop,
        x0: np.ndarray | None = None,
        project_rhs: bool = False,
        callback: Callable[[int, float], None] | None = None,
    ) -> Solution:
        """Solve one system; no start, no callback, no test but the size of the residual."""
        return once(system, self.ready, project_rhs=project_rhs)


class Transforms(Direct):
    """Fast Poisson by FFT, DCT or DST, for a constant coefficient."""

    name = "fast-poisson"
    demands = "definite"

    def setup(self, operator: Any, system: System | None = None) -> Transforms:
        """The eigenvalues."""
        self.ready = FastPoisson().setup(operator, system.singular if system else False)
        return self


METHODS: dict[str, Callable[..., Any]] = {
    "cg": ConjugateGradients,
    "minres": MINRES,
    "gmres": GMRES,
    "bicgstab": BiCGStab,
    "multigrid": lambda: Cycles("multigrid", MultigridCycle("float64", symmetric=False)),
    "amg": lambda: Cycles("amg", AMG()),
    "fast-poisson": Transforms,
    "direct": Direct,
    "jacobi": JacobiIteration,
    "gauss-seidel": GaussSeidel,
    "sor": lambda: SOR("young"),
    "ssor": SSOR,
}
