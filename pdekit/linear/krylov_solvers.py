"""The solvers of cards for problems that are not positive definite, or not symmetric: MINRES, GMRES, BiCGStab."""

from __future__ import annotations

from typing import Any

import numpy as np

from pdekit.errors import BadInput, unknown_name
from pdekit.linear import krylov
from pdekit.linear.choice import PRECONDITIONERS
from pdekit.linear.elliptic import EllipticSolver
from pdekit.linear.system import System
from pdekit.solution import Solution


class GMRES(EllipticSolver):
    """GMRES; `precond` is "auto", "none" or a name of `PRECONDITIONERS`, `restart` the steps of a cycle."""

    traits = frozenset({"elliptic", "linear"})

    def __init__(self, *, precond: str = "auto", restart: int = 30, **settings: Any) -> None:
        super().__init__(**settings)
        self.precond, self.restart = _known(precond), krylov.GMRES(restart=restart).restart

    def method(self) -> krylov.Krylov:
        """The method, not set up."""
        return krylov.GMRES(self.precond, restart=self.restart)

    def set_up(self, operator: Any, singular: bool) -> Any:
        """The method with its preconditioner; the note of a fallback goes into `info`."""
        return self.method().setup(operator)

    def run(self, system: System, ready: Any, x0: np.ndarray | None) -> Solution:
        """Steps until the residual is small."""
        solution = ready.run(system, stop=self.stop, x0=x0, project_rhs=self.project_rhs)
        if ready.note:
            solution.info["note"] = ready.note
        return solution


class BiCGStab(GMRES):
    """BiCGStab; `precond` as in GMRES."""

    def __init__(self, *, precond: str = "auto", **settings: Any) -> None:
        EllipticSolver.__init__(self, **settings)
        self.precond = _known(precond)

    def method(self) -> krylov.Krylov:
        """The method, not set up."""
        return krylov.BiCGStab(self.precond)


class MINRES(BiCGStab):
    """MINRES, for symmetric operators; `precond` is positive definite, see `choice.for_symmetric`."""

    traits = frozenset({"elliptic", "linear", "symmetric"})

    def method(self) -> krylov.Krylov:
        """The method, not set up."""
        return krylov.MINRES(self.precond)


def _known(precond: Any) -> str:
    names = ("auto", "none", *PRECONDITIONERS)
    if not isinstance(precond, str):
        raise BadInput.of("precond of a solver.", found=repr(precond), allowed=", ".join(names))
    if precond not in names:
        raise unknown_name("preconditioner", precond, names)
    return precond
