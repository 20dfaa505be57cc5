"""How the linear system of an implicit step is solved: the methods of `solve`, each made anew for each step's operator.

The names are those of the door: "pcg-" and a name of PRECONDITIONERS, so that a new preconditioner serves here too.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np

from pdekit.linear.choice import PRECONDITIONERS
from pdekit.linear.choosing import DROP_TOL, OMEGA, Parameter
from pdekit.linear.incomplete_lu import IncompleteLU
from pdekit.linear.method import Method
from pdekit.linear.methods import ConjugateGradients, Direct
from pdekit.linear.relaxation import SOR
from pdekit.linear.ssor import SSOR
from pdekit.linear.stop import Stop
from pdekit.linear.system import System
from pdekit.solution import Solution, Status
from pdekit.space.stencils import StencilOperator


@dataclass(frozen=True)
class StepMethod:
    """One way to solve a step: `make(operator, value)` gives the method of that step.

    parameter   the number that `make` is given; None: there is none, and NaN is given
    """

    make: Callable[[StencilOperator, float], Method]
    parameter: Parameter | None = None

    def solve(
        self,
        operator: StencilOperator,
        b: np.ndarray,
        values: tuple[float, ...],
        stop: Stop,
        x0: np.ndarray | None,
        budget: float = math.inf,
    ) -> Solution:
        """Solve one system, set-up included; x0 is kept as it is, and left out where the method takes none.

        values   the parameter; a second one takes over from the iterate at which `budget` iterations are spent
        """
        first = replace(stop, max_steps=max(1, math.floor(min(budget, stop.limit(b.size)))))
        solution = self._run(operator, b, values[0], first if len(values) > 1 else stop, x0)
        if len(values) > 1 and solution.status is Status.MAX_STEPS:
            left = replace(stop, max_steps=stop.limit(b.size) - int(solution.steps))
            solution = _joined(solution, self._run(operator, b, values[1], left, solution.values))
        return solution

    def _run(
        self, operator: StencilOperator, b: np.ndarray, value: float, stop: Stop, x0: np.ndarray | None
    ) -> Solution:
        started = perf_counter()
        system, method = System(operator, b), self.make(operator, value)
        ready = method.setup(operator, system)
        made = perf_counter() - started
        start = None if "x0" in getattr(method, "refuses", ()) else x0
        return replace(ready.run(system, stop=stop, x0=start), setup_seconds=made)


def _joined(first: Solution, second: Solution) -> Solution:
    """The answer of the second with the costs of both."""
    return replace(
        second,
        residuals=np.concatenate([first.residuals, second.residuals[1:]]),
        **{
            name: getattr(first, name) + getattr(second, name)
            for name in ("steps", "seconds", "setup_seconds", "n_matvec", "n_precond")
        },
    )


def _pcg(precond: str) -> StepMethod:
    return StepMethod(lambda operator, value: ConjugateGradients(precond))


METHODS: dict[str, StepMethod] = {
    "cg": _pcg("none"),
    **{f"pcg-{name}": _pcg(name) for name in PRECONDITIONERS},
    "pcg-ssor": StepMethod(lambda operator, omega: ConjugateGradients(SSOR(omega).setup(operator)), OMEGA),
    "pcg-ilu": StepMethod(lambda operator, drop: ConjugateGradients(IncompleteLU(drop).setup(operator)), DROP_TOL),
    "sor": StepMethod(lambda operator, omega: SOR(omega), OMEGA),
    "direct": StepMethod(lambda operator, value: Direct()),
}
