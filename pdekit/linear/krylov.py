"""What CG refuses: MINRES for symmetric A, GMRES and BiCGStab for any A, the iterations by scipy.

scipy's tests are not ours (MINRES tests |r| against |A| |x|, GMRES a preconditioned norm, `info` is no count), so
`krylov_run.py` ends the iterations.
Source: Paige & Saunders 1975, doi:10.1137/0712047; Saad & Schultz 1986, doi:10.1137/0907058; van der Vorst 1992,
doi:10.1137/0913035.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.sparse.linalg import LinearOperator, bicgstab, gmres, minres

from pdekit.errors import BadInput
from pdekit.linear import choice
from pdekit.linear.definiteness import symmetric
from pdekit.linear.krylov_run import Run, solve_by_cycles
from pdekit.linear.stop import Stop
from pdekit.linear.system import System
from pdekit.solution import Solution, Status


class Krylov(ABC):
    """A method of `solve`: set-up chooses the preconditioner, `run` solves. precond: a name, an object that is set up."""

    name = "krylov"
    takes_precond = True
    demands = ""
    choose: Callable[..., choice.Chosen] = staticmethod(choice.for_any)

    def __init__(self, precond: Any = "auto") -> None:
        self.precond = precond

    def setup(self, operator: Any, system: System | None = None) -> Krylov:
        """The preconditioner. Raises BadInput where it cannot be built, or A is not what the method demands."""
        self.ready, self.note = self.choose(operator, self.precond)
        return self

    @abstractmethod
    def cycle(self, run: Run) -> bool:
        """One call of scipy; False where it broke down."""

    def run(
        self,
        system: System,
        *,
        stop: Stop,
        x0: np.ndarray | None = None,
        project_rhs: bool = False,
        callback: Callable[[int, float], None] | None = None,
    ) -> Solution:
        """Solve one system. Raises BadInput where another norm than that of the residual is asked for."""
        if stop.norm != "residual":
            raise BadInput.of(f"{self.name} tests the residual only.", found=f"norm = {stop.norm!r}")
        return solve_by_cycles(
            *(system, self.name, self.cycle, self.ready),
            stop=stop,
            x0=x0,
            project_rhs=project_rhs,
            callback=callback,
        )


class MINRES(Krylov):
    """Least residual over a Krylov space, for symmetric A, definite or not; M must be symmetric positive definite.

    With M it is the M-norm of the residual that never grows. Steps are about those of CG for A^2 at worst.
    """

    name = "minres"
    demands = "symmetric"
    choose = staticmethod(choice.for_symmetric)

    def setup(self, operator: Any, system: System | None = None) -> MINRES:
        """The preconditioner. Raises BadInput where A is not symmetric."""
        if not symmetric(operator, 1e-5 if operator.dtype == np.float32 else 1e-10):
            raise BadInput.of(
                "minres needs a symmetric A.", found="one that is not", hint='use method "gmres" or "bicgstab"'
            )
        super().setup(operator, system)
        return self

    def cycle(self, run: Run) -> bool:
        """Until scipy ends it."""
        try:
            d, _ = minres(run.a, run.b, M=run.m, rtol=0.0, maxiter=run.left + 1, callback=run.tell)
        except ValueError:  # r.Mr < 0: M, or its rounding
            run.blamed = Status.BREAKDOWN if run.precond is None else Status.INDEFINITE_PRECONDITIONER
            return False
        run.last(d)
        return True


class GMRES(Krylov):
    """Least residual over a Krylov space, for any A, started again every `restart` steps; M on the right.

    restart   steps of a cycle, >= 1; memory is restart + 1 vectors, work per step grows up to as many dot products
    """

    name = "gmres"

    def __init__(self, precond: Any = "auto", *, restart: int = 30) -> None:
        super().__init__(precond)
        if isinstance(restart, bool) or not isinstance(restart, int) or restart < 1:
            raise BadInput.of("restart of gmres.", found=repr(restart), allowed="an integer >= 1")
        self.restart = restart

    def cycle(self, run: Run) -> bool:
        """`restart` steps; y of A M y = r, then d = M y."""
        steps, start = min(self.restart, run.left), run.norm
        build: Any = LinearOperator  # its stubs describe __new__, which takes the subclass' arguments
        right = run.a
        if run.m is not None:
            right = build(run.a.shape, lambda v: run.a @ (run.m @ v), dtype=np.float64)
        norms: list[float] = []
        y, _ = gmres(
            right,
            run.b,
            rtol=0.0,
            atol=run.aim / start,
            restart=steps,
            maxiter=1,
            callback=norms.append,
            callback_type="pr_norm",
        )
        for value in norms[:-1]:
            run.record(start * value)
        run.tell(y if run.m is None else run.m @ y)
        return True


class BiCGStab(Krylov):
    """Bi-orthogonal residuals, smoothed: for any A, two products a step and no restart; |r| may jump about."""

    name = "bicgstab"

    def cycle(self, run: Run) -> bool:
        """Until scipy ends it."""
        d, info = bicgstab(run.a, run.b, M=run.m, rtol=0.0, atol=1e-30, maxiter=run.left + 1, callback=run.tell)
        run.last(d)
        return info >= 0
