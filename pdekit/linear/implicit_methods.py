"""How the linear system of an implicit step is solved: the operator is another one in each step, so set-up counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from pdekit.errors import BadInput
from pdekit.linear.cg import cg
from pdekit.linear.direct import SparseLU, once
from pdekit.linear.multigrid import MultigridCycle
from pdekit.linear.preconditioners import AMG, FastPoissonInverse, Jacobi
from pdekit.linear.relaxation import SOR
from pdekit.linear.ssor import SSOR
from pdekit.linear.stop import Stop
from pdekit.linear.system import System
from pdekit.solution import Solution
from pdekit.space.stencils import StencilOperator


@dataclass(frozen=True)
class StepMethod:
    """One way to solve a step: `prepare(operator, omega)` makes a preconditioner, or nothing.

    tuned   it has a parameter omega in (0, 2)
    """

    name: str
    run: Callable[[System, StencilOperator, float, Stop, np.ndarray | None], Solution]
    tuned: bool = False

    def check(self, omega: Any) -> None:
        """Raise BadInput where omega cannot be used."""
        if isinstance(omega, bool) or not isinstance(omega, int | float) or not 0 < omega < 2:
            raise BadInput.of("omega of a time step.", found=repr(omega), allowed="a number between 0 and 2")

    def solve(
        self, operator: StencilOperator, b: np.ndarray, omega: float, stop: Stop, x0: np.ndarray | None
    ) -> Solution:
        """Solve one system; x0 is kept as it is."""
        return self.run(System(operator, b), operator, omega, stop, x0)


def _pcg(preconditioner: Callable[[float], Any]) -> Callable[..., Solution]:
    def run(system: System, operator: StencilOperator, omega: float, stop: Stop, x0: np.ndarray | None) -> Solution:
        made = preconditioner(omega)
        return cg(system, stop=stop, precond=None if made is None else made.setup(operator), x0=x0)

    return run


def _multigrid(system: System, operator: StencilOperator, omega: float, stop: Stop, x0: np.ndarray | None) -> Solution:
    """Geometric where the grid can be halved, else algebraic."""
    made = AMG() if MultigridCycle.reason_against(operator) else MultigridCycle()
    return cg(system, stop=stop, precond=made.setup(operator), x0=x0)


def _sor(system: System, operator: StencilOperator, omega: float, stop: Stop, x0: np.ndarray | None) -> Solution:
    return SOR(omega).setup(operator, system).run(system, stop=stop, x0=x0)


def _direct(system: System, operator: StencilOperator, omega: float, stop: Stop, x0: np.ndarray | None) -> Solution:
    return once(system, SparseLU().setup(operator, singular=False))


METHODS = {
    method.name: method
    for method in (
        StepMethod("cg", _pcg(lambda omega: None)),
        StepMethod("pcg-jacobi", _pcg(lambda omega: Jacobi())),
        StepMethod("pcg-ssor", _pcg(SSOR), tuned=True),
        StepMethod("pcg-multigrid", _multigrid),
        StepMethod("pcg-amg", _pcg(lambda omega: AMG())),
        StepMethod("pcg-fast-poisson", _pcg(lambda omega: FastPoissonInverse())),
        StepMethod("sor", _sor, tuned=True),
        StepMethod("direct", _direct),
    )
}
