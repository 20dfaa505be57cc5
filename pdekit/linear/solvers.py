"""The classical solvers that cards name: each is a method, its preconditioner, and their settings."""

from __future__ import annotations

from typing import Any

import numpy as np

from pdekit.linear.block_jacobi import BlockJacobi
from pdekit.linear.cg import cg
from pdekit.linear.chebyshev import Chebyshev
from pdekit.linear.direct import FastPoisson as FastPoissonMethod
from pdekit.linear.direct import SparseLU, once
from pdekit.linear.elliptic import EllipticSolver
from pdekit.linear.incomplete_cholesky import IncompleteCholesky
from pdekit.linear.incomplete_lu import IncompleteLU
from pdekit.linear.multigrid import MultigridCycle
from pdekit.linear.preconditioners import AMG as AMGCycle
from pdekit.linear.preconditioners import FastPoissonInverse, Jacobi
from pdekit.linear.ssor import SSOR
from pdekit.linear.stationary import stationary
from pdekit.linear.system import System
from pdekit.solution import Solution


class CG(EllipticSolver):
    """Conjugate gradients without a preconditioner."""

    def set_up(self, operator: Any, singular: bool) -> Any:
        """The preconditioner; none here."""
        return None

    def run(self, system: System, ready: Any, x0: np.ndarray | None) -> Solution:
        """CG with what `set_up` returned."""
        return cg(system, stop=self.stop, precond=ready, x0=x0, project_rhs=self.project_rhs)


class PCGJacobi(CG):
    """CG preconditioned by the diagonal."""

    def set_up(self, operator: Any, singular: bool) -> Any:
        """The inverse diagonal."""
        return Jacobi().setup(operator)


class PCGFastPoisson(CG):
    """CG preconditioned by the inverse of -Laplace; `scaling` as in `FastPoissonInverse`."""

    def __init__(self, *, scaling: str = "auto", **settings: Any) -> None:
        super().__init__(**settings)
        self.scaling = FastPoissonInverse(scaling).scaling

    def set_up(self, operator: Any, singular: bool) -> Any:
        """Eigenvalues and scale."""
        return FastPoissonInverse(self.scaling).setup(operator)


class PCGMultigrid(CG):
    """CG preconditioned by one geometric V(1,1) cycle; by algebraic multigrid where the grid cannot be halved."""

    def __init__(self, *, precond_dtype: str = "float32", **settings: Any) -> None:
        super().__init__(**settings)
        self.precond_dtype = str(MultigridCycle(precond_dtype).dtype)

    def set_up(self, operator: Any, singular: bool) -> Any:
        """The hierarchy; the note of a fallback goes into `info`."""
        self.note = MultigridCycle.reason_against(operator)
        return AMGCycle().setup(operator) if self.note else MultigridCycle(self.precond_dtype).setup(operator)

    def run(self, system: System, ready: Any, x0: np.ndarray | None) -> Solution:
        """CG; info says when algebraic multigrid took the place of geometric."""
        solution = super().run(system, ready, x0)
        if self.note:
            solution.info["note"] = f"amg in place of geometric multigrid: {self.note}"
        return solution


class PCGAMG(CG):
    """CG preconditioned by pyamg; `method` is "ruge-stuben" or "smoothed-aggregation"."""

    def __init__(self, *, method: str = "ruge-stuben", **settings: Any) -> None:
        super().__init__(**settings)
        self.method = AMGCycle(method).method

    def set_up(self, operator: Any, singular: bool) -> Any:
        """pyamg's hierarchy."""
        return AMGCycle(self.method).setup(operator)


class PCGSSOR(CG):
    """CG preconditioned by one symmetric sweep; `omega` in (0, 2)."""

    def __init__(self, *, omega: float = 1.0, **settings: Any) -> None:
        super().__init__(**settings)
        self.omega = SSOR(omega).omega

    def set_up(self, operator: Any, singular: bool) -> Any:
        """The diagonal."""
        return SSOR(self.omega).setup(operator)


class PCGIC0(CG):
    """CG preconditioned by incomplete Cholesky without fill."""

    def set_up(self, operator: Any, singular: bool) -> Any:
        """The factor."""
        return IncompleteCholesky().setup(operator)


class PCGILU(CG):
    """CG preconditioned by SuperLU's incomplete factors, made symmetric; settings as in `IncompleteLU`."""

    def __init__(self, *, drop_tol: float = 1e-4, fill_factor: float = 10.0, **settings: Any) -> None:
        super().__init__(**settings)
        checked = IncompleteLU(drop_tol, fill_factor)
        self.drop_tol, self.fill_factor = checked.drop_tol, checked.fill_factor

    def set_up(self, operator: Any, singular: bool) -> Any:
        """The factors."""
        return IncompleteLU(self.drop_tol, self.fill_factor).setup(operator)


class PCGChebyshev(CG):
    """CG preconditioned by a Chebyshev polynomial; settings as in `Chebyshev`."""

    def __init__(self, *, degree: int = 4, ratio: float = 30.0, **settings: Any) -> None:
        super().__init__(**settings)
        checked = Chebyshev(degree, ratio)
        self.degree, self.ratio = checked.degree, checked.ratio

    def set_up(self, operator: Any, singular: bool) -> Any:
        """Diagonal and bounds."""
        return Chebyshev(self.degree, self.ratio).setup(operator)


class PCGBlockJacobi(CG):
    """CG preconditioned by the inverse of diagonal blocks of `size` unknowns."""

    def __init__(self, *, size: int = 32, **settings: Any) -> None:
        super().__init__(**settings)
        self.size = BlockJacobi(size).size

    def set_up(self, operator: Any, singular: bool) -> Any:
        """The factors of the blocks."""
        return BlockJacobi(self.size).setup(operator)


class Multigrid(EllipticSolver):
    """V(1,1) cycles of geometric multigrid in float64, same order of colours before and after."""

    def set_up(self, operator: Any, singular: bool) -> Any:
        """The hierarchy. Raises BadInput where the grid cannot be halved."""
        return MultigridCycle("float64", symmetric=False).setup(operator)

    def run(self, system: System, ready: Any, x0: np.ndarray | None) -> Solution:
        """Cycles until the residual is small."""
        return stationary(system, ready, stop=self.stop, x0=x0, project_rhs=self.project_rhs)


class AMG(Multigrid):
    """V-cycles of pyamg's algebraic multigrid."""

    def __init__(self, *, method: str = "ruge-stuben", **settings: Any) -> None:
        super().__init__(**settings)
        self.method = AMGCycle(method).method

    def set_up(self, operator: Any, singular: bool) -> Any:
        """pyamg's hierarchy."""
        return AMGCycle(self.method).setup(operator)


class Direct(EllipticSolver):
    """Sparse LU with a symmetric ordering; with pivoting where A is not known to be positive definite."""

    traits = frozenset({"elliptic", "linear"})
    takes_start = False

    def __init__(self, *, grid_factor: float = 1.0, project_rhs: bool = False, name: str = "") -> None:
        super().__init__(grid_factor=grid_factor, project_rhs=project_rhs, name=name)

    def set_up(self, operator: Any, singular: bool) -> Any:
        """The factors."""
        return SparseLU().setup(operator, singular)

    def run(self, system: System, ready: Any, x0: np.ndarray | None) -> Solution:
        """Two triangular solves."""
        return once(system, ready, project_rhs=self.project_rhs)


class FastPoisson(Direct):
    """Fast Poisson solve by FFT, DCT or DST, for constant coefficients."""

    traits = Direct.traits | {"spd", "constant-coefficient"}

    def set_up(self, operator: Any, singular: bool) -> Any:
        """The eigenvalues."""
        return FastPoissonMethod().setup(operator, singular)
