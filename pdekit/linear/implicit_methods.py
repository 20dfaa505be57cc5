"""How the linear system of an implicit step is solved: the methods of `solve`, each made anew for each step's operator.

The names are those of the door: "pcg-" and a name of PRECONDITIONERS, so that a new preconditioner serves here too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from pdekit.errors import BadInput
from pdekit.linear.choice import PRECONDITIONERS
from pdekit.linear.method import Method
from pdekit.linear.methods import ConjugateGradients, Direct
from pdekit.linear.relaxation import SOR
from pdekit.linear.ssor import SSOR
from pdekit.linear.stop import Stop
from pdekit.linear.system import System
from pdekit.solution import Solution
from pdekit.space.stencils import StencilOperator


@dataclass(frozen=True)
class StepMethod:
    """One way to solve a step: `make(operator, omega)` gives the method of that step.

    tuned   it has a parameter omega in (0, 2)
    """

    make: Callable[[StencilOperator, float], Method]
    tuned: bool = False

    def check(self, omega: Any) -> None:
        """Raise BadInput where omega cannot be used."""
        if isinstance(omega, bool) or not isinstance(omega, int | float) or not 0 < omega < 2:
            raise BadInput.of("omega of a time step.", found=repr(omega), allowed="a number between 0 and 2")

    def solve(
        self, operator: StencilOperator, b: np.ndarray, omega: float, stop: Stop, x0: np.ndarray | None
    ) -> Solution:
        """Solve one system, set-up included; x0 is kept as it is, and left out where the method takes none."""
        system, method = System(operator, b), self.make(operator, omega)
        start = None if "x0" in getattr(method, "refuses", ()) else x0
        return method.setup(operator, system).run(system, stop=stop, x0=start)


def _pcg(precond: str) -> StepMethod:
    return StepMethod(lambda operator, omega: ConjugateGradients(precond))


METHODS: dict[str, StepMethod] = {
    "cg": _pcg("none"),
    **{f"pcg-{name}": _pcg(name) for name in PRECONDITIONERS},
    "pcg-ssor": StepMethod(lambda operator, omega: ConjugateGradients(SSOR(omega).setup(operator)), tuned=True),
    "sor": StepMethod(lambda operator, omega: SOR(omega), tuned=True),
    "direct": StepMethod(lambda operator, omega: Direct()),
}
