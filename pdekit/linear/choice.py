"""Which preconditioner: names, and what "auto" means. To add one: its file, one line here."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from pdekit.errors import BadInput, unknown_name
from pdekit.linear.block_jacobi import BlockJacobi
from pdekit.linear.chebyshev import Chebyshev
from pdekit.linear.definiteness import semidefinite
from pdekit.linear.incomplete_cholesky import IncompleteCholesky
from pdekit.linear.incomplete_lu import IncompleteLU
from pdekit.linear.multigrid import MultigridCycle
from pdekit.linear.preconditioners import AMG, FastPoissonInverse, Jacobi
from pdekit.linear.ssor import SSOR
from pdekit.space.stencils import StencilOperator

log = logging.getLogger(__name__)
PRECONDITIONERS: dict[str, Callable[[], Any]] = {
    "jacobi": Jacobi,
    "ssor": SSOR,
    "ic0": IncompleteCholesky,
    "ilu": IncompleteLU,
    "chebyshev": Chebyshev,
    "block-jacobi": BlockJacobi,
    "fast-poisson": FastPoissonInverse,
    "multigrid": MultigridCycle,
    "amg": AMG,
    "smoothed-aggregation": lambda: AMG("smoothed-aggregation"),
}
Chosen = tuple[
    Any, str | None
]  # a preconditioner that is set up, None for none; a note where another one than asked was taken


def for_definite(op: Any, precond: Any) -> Chosen:
    """For CG, A positive definite. "auto": multigrid where the grid allows it, else amg where entries are known, else none.

    Raises BadInput on names that do not exist and objects that are not symmetric and linear.
    """
    if not isinstance(precond, str):
        return _symmetric(precond, "CG"), None
    if precond not in ("auto", "multigrid"):
        return _named(op, precond), None
    reason = MultigridCycle.reason_against(op)
    if reason is None:
        return MultigridCycle().setup(op), None
    if isinstance(op, StencilOperator) or precond == "multigrid" or hasattr(op, "tocsr"):
        note = f"amg in place of geometric multigrid: {reason}"
        log.info(note)
        return AMG().setup(op), note
    return None, f"no preconditioner: {reason}, nor entries for amg"


def for_symmetric(op: Any, precond: Any) -> Chosen:
    """For MINRES, A symmetric: M must be positive definite though A need not be.

    A StencilOperator with a negative shift lends M its edges and the amount of its shift, -div(a grad) + |shift|, which CG's
    preconditioners serve. Of a matrix "jacobi" and "ilu" take absolute values of their diagonals. "auto": as for CG where A
    or that stand-in is known to be positive definite; else "jacobi" where entries are known, else none.
    """
    if not isinstance(precond, str):
        return _symmetric(precond, "MINRES"), None
    if isinstance(op, StencilOperator) and op.shift is not None and bool((op.shift < 0).any()):
        op = replace(op, shift=np.abs(op.shift))
    if precond == "auto" and semidefinite(op) and not (isinstance(op, StencilOperator) and op.floating is not None):
        return for_definite(op, "auto")
    entries = isinstance(op, StencilOperator) or hasattr(op, "tocsr")
    if precond == "jacobi" or (precond == "auto" and entries):
        return Jacobi(absolute=True).setup(op), None
    if precond == "auto":
        return None, "no preconditioner: a LinearOperator has no entries"
    return (IncompleteLU(absolute=True).setup(op) if precond == "ilu" else _named(op, precond)), None


def for_any(op: Any, precond: Any) -> Chosen:
    """For GMRES and BiCGStab, any A and M. "auto": ilu, the diagonal where that fails; none for a LinearOperator."""
    if not isinstance(precond, str):
        return precond, None
    if precond == "auto" and not (isinstance(op, StencilOperator) or hasattr(op, "tocsr")):
        return None, "no preconditioner: a LinearOperator has no entries"
    if precond not in ("auto", "ilu"):
        return _named(op, precond), None
    ilu = IncompleteLU(symmetric=False).setup(op)
    return ilu, "the diagonal in place of ilu, which met a zero pivot" if ilu.failed else None


def _named(op: Any, precond: str) -> Any:
    if precond == "none":
        return None
    if precond not in PRECONDITIONERS:
        raise unknown_name("preconditioner", precond, ["auto", "none", *PRECONDITIONERS])
    return PRECONDITIONERS[precond]().setup(op)


def _symmetric(precond: Any, method: str) -> Any:
    if precond is not None and not (getattr(precond, "symmetric", False) and getattr(precond, "linear", False)):
        raise BadInput.of(
            f"{method} needs a preconditioner that is linear and symmetric.",
            found=getattr(precond, "name", type(precond).__name__),
            hint="build multigrid or ilu with symmetric=True",
        )
    return precond
