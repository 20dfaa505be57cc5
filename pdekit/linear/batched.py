"""CG on a batch of systems at once, for GPUs: array slices, scalars per sample, and the host asked only now and then.

Runs on any array namespace (torch in practice, NumPy in tests). A sample that is done or has failed is frozen by zero steps;
when fewer than half are left, the batch is compacted, once, so that one hard sample neither alters the others nor pays for
them. On a CPU the loop over compiled single solves is several times faster; `solve` takes this path for tensors only.
"""

from __future__ import annotations

from dataclasses import replace
from time import perf_counter
from typing import Any

import numpy as np
from array_api_compat import array_namespace

from pdekit.errors import BadInput
from pdekit.linear.batch_state import Batch, host
from pdekit.linear.magnitude import exponent
from pdekit.linear.stop import Stop
from pdekit.solution import Solution, Status
from pdekit.space.stencils import StencilOperator

RANGE = {"float32": 120, "float64": 1000}  # powers of two that are numbers of the type, both ways


def batched_cg(operator: Any, b: Any, *, x0: Any = None, stop: Stop | None = None, precond: str = "jacobi") -> Solution:
    """Solve n systems A_i x_i = b_i, b (n, *unknowns); edges per sample (n, ...) or shared. See `solve`.

    precond   "none" or "jacobi"
    Status per sample, as CG on one system gives it; where a sample failed, `values` holds its iterate of the least residual.
    Steps are counted per sample; `residuals` is (steps + 1, n), NaN after a sample froze. Raises BadInput on other norms than
    "residual", on singular operators, on shapes that do not fit.
    """
    stop = Stop() if stop is None else stop
    _check(operator, b, x0, stop, precond)
    single = b.ndim == operator.dim
    if single:
        b, x0 = b[None], None if x0 is None else x0[None]
    started = perf_counter()
    factor = _powers(b)
    ordinary = not (factor != 1.0).any()
    scale = 1.0 if ordinary else _column(factor, b, operator.dim)
    start = x0 if x0 is None or ordinary else x0 * scale
    with np.errstate(over="ignore"):
        atol = stop.atol if ordinary else _column(np.minimum(stop.atol * factor, 1e30), b, 0)
    run = Batch(operator, b if ordinary else b * scale, start, stop, atol, precond)
    while run.advance():
        pass
    run.finish()
    x, true_residual = _best(operator, run)
    x = x if ordinary else x / scale
    out = Solution(
        values=x[0] if single else x,
        status=[Status(int(code)) for code in run.code],
        steps=run.steps,
        residuals=run.residuals() / factor,
        true_residual=np.where(run.code == int(Status.NONFINITE_INPUT), np.nan, true_residual),
        seconds=np.full(b.shape[0], (perf_counter() - started) / b.shape[0]),
        setup_seconds=np.zeros(b.shape[0]),
        n_matvec=run.products,
        n_precond=run.applied,
        info={"method": "cg" if precond == "none" else "pcg-jacobi", "preconditioner": precond, "batch": b.shape[0]},
    )
    if not single:
        return out
    each = ("status", "steps", "true_residual", "seconds", "setup_seconds", "n_matvec", "n_precond")
    first = {name: getattr(out, name)[0] for name in each}
    return replace(out, **first, residuals=out.residuals[:, 0])


def _check(operator: Any, b: Any, x0: Any, stop: Stop, precond: Any) -> None:
    if not isinstance(operator, StencilOperator):
        raise BadInput.of("batched CG needs a StencilOperator.", found=type(operator).__name__)
    if precond not in ("none", "jacobi"):
        raise BadInput.of("preconditioner of batched CG.", found=repr(precond), allowed='"none", "jacobi"')
    if stop.norm != "residual":
        raise BadInput.of("batched CG tests the residual only.", found=f"norm = {stop.norm!r}")
    if operator.singular:
        raise BadInput.of("batched CG cannot take out a null space.", found="a singular operator")
    if tuple(b.shape) != operator.shape and tuple(b.shape[1:]) != operator.shape:
        raise BadInput.of(
            "the right-hand side does not fit the operator.",
            found=f"shape {tuple(b.shape)}",
            allowed=f"{operator.shape}, or (n, {', '.join(map(str, operator.shape))})",
        )
    if x0 is not None and tuple(x0.shape) != tuple(b.shape):
        raise BadInput.of("x0 does not fit the right-hand side.", found=f"shape {tuple(x0.shape)}")
    n = 1 if b.ndim == operator.dim else b.shape[0]
    for part in (*operator.edges, *(() if operator.shift is None else (operator.shift,))):
        if part.ndim > operator.dim and part.shape[0] != n:
            raise BadInput.of("edges and right-hand sides are batches of two sizes.", found=f"{part.shape[0]}, {n}")


def _powers(b: Any) -> np.ndarray:
    """(n,) powers of two that bring b to an ordinary size, as in `magnitude.py`; 1 where it has one."""
    xp = array_namespace(b)
    kind = "float32" if str(b.dtype).endswith("float32") else "float64"
    largest = host(xp.max(xp.reshape(xp.abs(b), (b.shape[0], -1)), axis=1))
    return np.array(
        [2.0 ** -float(np.clip(exponent(float(size), kind), -RANGE[kind], RANGE[kind])) for size in largest]
    )


def _column(values: np.ndarray, b: Any, axes: int) -> Any:
    """(n,) numbers as an array of the kind of b, with `axes` axes of length 1 behind."""
    column = values.reshape(-1, *(1,) * axes)
    return column.astype(b.dtype) if isinstance(b, np.ndarray) else b.new_tensor(column)


def _best(operator: StencilOperator, run: Batch) -> tuple[Any, np.ndarray]:
    """x and its true residuals (n,): of a sample that failed the better of the last iterate and the one of the least |r|."""
    last = _true(operator, run.b_whole, run.x)
    failed = np.array([Status(int(code)).failed for code in run.code])
    if not failed.any():
        return run.x, last
    least = _true(operator, run.b_whole, run.least_x)
    better = failed & ~(last <= least) & np.isfinite(least)
    mask = _column(better.astype(np.float64), run.x, operator.dim) != 0
    return array_namespace(run.x).where(mask, run.least_x, run.x), np.where(better, least, last)


def _true(operator: StencilOperator, b: Any, x: Any) -> np.ndarray:
    """(n,) |b - A x| / |b| in float64, whatever the type of the iteration."""
    xp = array_namespace(b)
    wide, b, x = operator.astype(xp.float64), xp.astype(b, xp.float64), xp.astype(x, xp.float64)
    norm = [host(xp.sqrt(xp.sum(xp.reshape(v * v, (v.shape[0], -1)), axis=1))) for v in (b - wide @ x, b)]
    return norm[0] / np.where(norm[1] > 0, norm[1], 1.0)
