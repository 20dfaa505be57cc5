"""One door to all methods: `solve(op, b)` for one system or a batch of right-hand sides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from time import perf_counter
from typing import Any

import numpy as np
import scipy.sparse as sp

from pdekit.errors import BadInput, unknown_name
from pdekit.linear.batched import batched_cg
from pdekit.linear.cg import cg
from pdekit.linear.definiteness import symmetric
from pdekit.linear.method import Method
from pdekit.linear.methods import METHODS
from pdekit.linear.stop import Stop
from pdekit.linear.system import System, operator_size
from pdekit.solution import Solution
from pdekit.space.stencils import StencilOperator

SMALL = 2000  # unknowns up to which "auto" factorises a matrix that is not symmetric


def solve(  # noqa: PLR0913
    op: Any,
    b: Any,
    *,
    x0: Any = None,
    method: Any = "auto",
    precond: Any = "auto",
    stop: Stop | None = None,
    nullspace: Any = None,
    spd: bool | None = None,
    project_rhs: bool = False,
    callback: Callable[[int, float], None] | None = None,
) -> Solution:
    """Solve A x = b.

    op           StencilOperator, scipy sparse array or LinearOperator; float64, float32 or integer
    b            (*shape) one right-hand side, or (n, *shape) a batch, shape that of the unknowns, (N,) for matrices; NumPy in,
                 NumPy out. A batch of torch tensors goes through batched CG on its own device.
    x0           start, shape of b; not for "fast-poisson" and "direct"
    method       a name of `METHODS`, an object in the shape of `Method`, or "auto":
                 cg       where A is declared positive (semi)definite (`spd`), or seen to be: a StencilOperator without negative
                          edges and shifts, a symmetric matrix whose positive diagonal dominates its rows
                 minres   where A is symmetric and no more is known
                 gmres    where it is not; "direct" for matrices of up to 2000 unknowns
                 info["note"] says which reason applied, where it was not the first
    precond      for cg, minres, gmres and bicgstab: a name of `PRECONDITIONERS`, "none", an object that is set up, or "auto",
                 which `choice.py` defines for each
    stop         see `Stop`; not used by "fast-poisson" and "direct"
    nullspace    None (found for StencilOperators), "constant", or an orthonormal basis (N, k)
    spd          True declares A symmetric positive (semi)definite; nothing is checked but by the method
    project_rhs  singular A: solve for the part of b that A can produce
    callback     called with (step, norm) after each step; not for methods without steps, nor cycles

    Returns a Solution whose `values` has the shape of b; of a batch, status is a list, steps, residuals and costs per
    system. Nothing that the numbers do raises; `require_converged()` does. Raises BadInput on wrong use.
    """
    stop = Stop() if stop is None else stop
    if isinstance(method, str) and method != "auto" and method not in METHODS:
        raise unknown_name("method of solve", method, ["auto", *METHODS])
    if not isinstance(method, str) and not isinstance(method, Method):
        raise BadInput.of(
            "method of solve.", found=type(method).__name__, allowed="a name, or an object with name, setup and run"
        )
    if not isinstance(b, np.ndarray):
        if not hasattr(b, "__dlpack__"):
            raise BadInput.of(
                "the right-hand side is no array.", found=type(b).__name__, allowed="NumPy or torch arrays"
            )
        if method not in ("auto", "cg"):
            raise BadInput.of("tensors are solved by batched CG only.", found=f"method {method!r}", allowed='"cg"')
        _refuse("batched CG", nullspace=nullspace, spd=spd, project_rhs=project_rhs or None, callback=callback)
        return batched_cg(op, b, x0=x0, stop=stop, precond="jacobi" if precond == "auto" else precond)
    shape, size = _shape(op), operator_size(op)
    if size == 0 or b.size == 0:
        raise BadInput.of("a linear system without unknowns.", found=f"A of {size}, b of shape {b.shape}")
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
    started = perf_counter()
    system = System(op, np.zeros_like(b if one else b[0]), nullspace, spd=spd)
    chosen, note = automatic(system) if isinstance(method, str) and method == "auto" else (method, None)
    run = _set_up(system, chosen, precond, note, started, {"x0": x0, "callback": callback})
    if one:
        return run(b, x0, stop, project_rhs, callback)
    starts = [None] * len(b) if x0 is None else x0
    return stack([run(bi, xi, stop, project_rhs, callback) for bi, xi in zip(b, starts, strict=True)])


def automatic(system: System) -> tuple[str, str | None]:
    """The name of the method that "auto" means for this A, and the reason where it is not CG."""
    if not system.finite or system.positive:
        return "cg", None
    if symmetric(system.operator):
        return "minres", "minres: A is symmetric and not known to be positive definite (spd=True would declare it)"
    if sp.issparse(system.operator) and system.b.size <= SMALL:
        return "direct", f"direct: A is not symmetric, and has no more than {SMALL} unknowns"
    return "gmres", "gmres: A is not symmetric"


def _refuse(who: str, **arguments: Any) -> None:
    """Raise BadInput on the first argument that was given."""
    for name, value in arguments.items():
        if value is not None:
            found = repr(value) if isinstance(value, str | bool) else type(value).__name__
            raise BadInput.of(f"{who} cannot honour {name}.", found=found, hint=f"leave {name} out")


def _shape(op: Any) -> tuple[int, ...]:
    return op.shape if isinstance(op, StencilOperator) else (operator_size(op),)


def _set_up(
    system: System, method: Any, precond: Any, note: str | None, started: float, given: dict[str, Any]
) -> Callable[..., Solution]:
    """A function of (b, x0, stop, project_rhs, callback); set-up is done once, here, and timed apart."""
    build = METHODS[method] if isinstance(method, str) else None
    name = method if isinstance(method, str) else method.name
    takes = build is not None and getattr(build, "takes_precond", False)
    if not takes:
        _refuse(
            f"method {name!r}", precond=None if isinstance(precond, str) and precond in ("auto", "none") else precond
        )
    ready: Any = method if build is None else build(precond) if takes else build()
    _refuse(f"method {name!r}", **{key: given[key] for key in getattr(ready, "refuses", ())})
    demands = getattr(ready, "demands", "")
    if demands:
        system.check_symmetric()
    # nothing can be built from such an operator: CG says so by its status before its first step
    hopeless = not system.finite or (demands == "definite" and not system.definite)
    if not hopeless:
        ready = ready.setup(system.operator, system)
    notes = [n for n in (note, None if hopeless else getattr(ready, "note", None)) if n]
    seconds = perf_counter() - started

    def run(b: np.ndarray, x0: Any, stop: Stop, project_rhs: bool, callback: Any) -> Solution:
        one = system.of(b)
        if hopeless:
            solution = cg(one, stop=stop, x0=x0)
            solution.info.update(method=name, preconditioner="none")
        else:
            solution = ready.run(one, stop=stop, x0=x0, project_rhs=project_rhs, callback=callback)
        info = {**solution.info, **({"note": "; ".join(notes)} if notes else {})}
        return replace(solution, setup_seconds=seconds, info=info)

    return run


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
