"""One door to all methods: `solve(op, b)` for one system or a batch of right-hand sides."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from time import perf_counter
from typing import Any

import numpy as np

from pdekit.errors import BadInput, unknown_name
from pdekit.linear.batched import batched_cg
from pdekit.linear.cg import cg
from pdekit.linear.direct import FastPoisson, SparseLU, once
from pdekit.linear.multigrid import MultigridCycle
from pdekit.linear.preconditioners import AMG, FastPoissonInverse, Jacobi
from pdekit.linear.stationary import stationary
from pdekit.linear.stop import Stop
from pdekit.linear.system import System, operator_size
from pdekit.solution import Solution
from pdekit.space.stencils import StencilOperator

log = logging.getLogger(__name__)
PRECONDITIONERS: dict[str, Callable[[], Any]] = {
    "jacobi": Jacobi,
    "fast-poisson": FastPoissonInverse,
    "multigrid": MultigridCycle,
    "amg": AMG,
}
METHODS = ("auto", "cg", "multigrid", "amg", "fast-poisson", "direct")


def solve(  # noqa: PLR0913
    op: Any,
    b: Any,
    *,
    x0: Any = None,
    method: str = "auto",
    precond: Any = "auto",
    stop: Stop | None = None,
    nullspace: Any = None,
    project_rhs: bool = False,
    callback: Callable[[int, float], None] | None = None,
) -> Solution:
    """Solve A x = b for symmetric positive (semi)definite A.

    op           StencilOperator, scipy sparse array or LinearOperator; float64 or float32
    b            (*shape) one right-hand side, or (n, *shape) a batch, shape that of the unknowns, (N,) for matrices; NumPy in,
                 NumPy out. A batch of torch tensors goes through batched CG on its own device.
    x0           start, shape of b; not for "fast-poisson" and "direct"
    method       "auto" (cg), "cg", "multigrid", "amg", "fast-poisson", "direct"
    precond      for cg: "auto" (multigrid where the grid allows it, else amg for entries that are known, else none), "none",
                 "jacobi", "fast-poisson", "multigrid", "amg", or an object that is set up
    stop         see `Stop`; not used by "fast-poisson" and "direct"
    nullspace    None (found for StencilOperators), "constant", or an orthonormal basis (N, k)
    project_rhs  singular A: solve for the part of b that A can produce
    callback     for cg: called with (step, norm) after each step

    Returns a Solution whose `values` has the shape of b; of a batch, status is a list, steps, residuals and costs per
    system. Nothing that the numbers do raises; `require_converged()` does. Raises BadInput on wrong use.
    """
    stop = Stop() if stop is None else stop
    if method not in METHODS:
        raise unknown_name("method of solve", str(method), METHODS)
    if not isinstance(b, np.ndarray):
        if not hasattr(b, "__dlpack__"):
            raise BadInput.of(
                "the right-hand side is no array.", found=type(b).__name__, allowed="NumPy or torch arrays"
            )
        if method not in ("auto", "cg"):
            raise BadInput.of("tensors are solved by batched CG only.", found=f"method {method!r}", allowed='"cg"')
        _refuse("batched CG", nullspace=nullspace, project_rhs=project_rhs or None, callback=callback)
        return batched_cg(op, b, x0=x0, stop=stop, precond="jacobi" if precond == "auto" else precond)
    if method not in ("auto", "cg"):
        asked = None if isinstance(precond, str) and precond in ("auto", "none") else precond
        start = x0 if method in ("direct", "fast-poisson") else None
        _refuse(f"method {method!r}", precond=asked, callback=callback, x0=start)
    shape, size = _shape(op), operator_size(op)
    one = b.size == size and (b.shape == shape if isinstance(op, StencilOperator) else b.shape[0] != 1 or size == 1)
    if not one and (b.ndim < 2 or b[:1].size != size or (isinstance(op, StencilOperator) and b.shape[1:] != shape)):
        raise BadInput.of(
            "the right-hand side does not fit the operator.",
            found=f"shape {b.shape}",
            allowed=f"{shape}, or (n, {', '.join(map(str, shape))}) for n systems",
        )
    if x0 is not None and np.shape(x0) != b.shape:
        raise BadInput.of("x0 does not fit the right-hand side.", found=f"shape {np.shape(x0)}", allowed=f"{b.shape}")
    for name, array in (("right-hand side", b), ("x0", x0)):
        if array is not None and (np.iscomplexobj(array) or np.asarray(array).dtype.kind not in "fiub"):
            raise BadInput.of(f"the {name} is not real.", found=str(np.asarray(array).dtype), allowed="real numbers")
    if b.dtype not in (np.float32, np.float64):
        b = b.astype(np.float64)
    solver = _set_up(op, method, precond, nullspace, b if one else b[0])
    if one:
        return solver(b, x0, stop, project_rhs, callback)
    starts = [None] * len(b) if x0 is None else x0
    return stack([solver(bi, xi, stop, project_rhs, callback) for bi, xi in zip(b, starts, strict=True)])


def _refuse(who: str, **arguments: Any) -> None:
    """Raise BadInput on the first argument that was given."""
    for name, value in arguments.items():
        if value is not None:
            found = repr(value) if isinstance(value, str | bool) else type(value).__name__
            raise BadInput.of(f"{who} cannot honour {name}.", found=found, hint=f"leave {name} out")


def _shape(op: Any) -> tuple[int, ...]:
    return op.shape if isinstance(op, StencilOperator) else (operator_size(op),)


def _set_up(op: Any, method: str, precond: Any, nullspace: Any, example: np.ndarray) -> Callable[..., Solution]:
    """A function of (b, x0, stop, project_rhs, callback); set-up is done once, here, and timed apart."""
    started = perf_counter()
    first = System(op, np.zeros_like(example), nullspace)
    if method != "direct":
        first.check_symmetric()
    note, ready = None, None
    if not (first.finite and first.definite):  # nothing can be built from it; every way to solve says so by its status
        method = "cg"
    elif method == "direct":
        ready = SparseLU().setup(op, first.singular, first.basis)
    elif method == "fast-poisson":
        ready = FastPoisson().setup(op, first.singular)
    elif method == "multigrid":
        ready = MultigridCycle("float64", symmetric=False).setup(op)
    elif method == "amg":
        ready = AMG().setup(op)
    else:
        ready, note = choose(op, precond)
    seconds = perf_counter() - started

    def run(b: np.ndarray, x0: Any, stop: Stop, project_rhs: bool, callback: Any) -> Solution:
        system = System(op, b, nullspace)
        if method in ("fast-poisson", "direct"):
            solution = once(system, ready, project_rhs=project_rhs)
        elif method in ("multigrid", "amg"):
            solution = stationary(system, ready, stop=stop, x0=x0, project_rhs=project_rhs)
        else:
            solution = cg(system, stop=stop, precond=ready, x0=x0, project_rhs=project_rhs, callback=callback)
        info = {**solution.info, **({"note": note} if note else {})}
        return replace(solution, setup_seconds=seconds, info=info)

    return run


def choose(op: Any, precond: Any) -> tuple[Any, str | None]:
    """A preconditioner that is set up, and a note where another one than asked was taken. Raises BadInput."""
    if not isinstance(precond, str):
        if precond is not None and not (getattr(precond, "symmetric", False) and getattr(precond, "linear", False)):
            raise BadInput.of(
                "CG needs a preconditioner that is linear and symmetric.",
                found=getattr(precond, "name", type(precond).__name__),
                hint="build multigrid with symmetric=True",
            )
        return precond, None
    if precond == "none":
        return None, None
    if precond not in ("auto", *PRECONDITIONERS):
        raise unknown_name("preconditioner", precond, ["auto", "none", *PRECONDITIONERS])
    if precond in ("auto", "multigrid"):
        reason = MultigridCycle.reason_against(op)
        if reason is None:
            return MultigridCycle().setup(op), None
        if isinstance(op, StencilOperator) or precond == "multigrid" or hasattr(op, "tocsr"):
            note = f"amg in place of geometric multigrid: {reason}"
            log.info(note)
            return AMG().setup(op), note
        return None, f"no preconditioner: {reason}, nor entries for amg"
    return PRECONDITIONERS[precond]().setup(op), None


def stack(solutions: list[Solution]) -> Solution:
    """One Solution of several systems: values stacked, all else per system."""

    def each(name: str) -> np.ndarray:
        return np.array([getattr(s, name) for s in solutions])

    return Solution(
        values=np.stack([s.values for s in solutions]),
        status=[s.status for s in solutions],
        steps=each("steps"),
        residuals=[s.residuals for s in solutions],
        true_residual=each("true_residual"),
        seconds=each("seconds"),
        setup_seconds=each("setup_seconds"),
        n_matvec=each("n_matvec"),
        n_precond=each("n_precond"),
        norm_type=solutions[0].norm_type,
        info=solutions[0].info,
    )
