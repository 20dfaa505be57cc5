"""Red-black SOR on a batch of systems at once, for GPUs: array slices, an omega for each sample, the host asked now and then.

Runs on any array namespace (torch in practice, NumPy in tests) and gives what the compiled red-black sweep gives, to
rounding. Both colours are computed everywhere and masked: on a GPU strided halves read the same memory. So the residual is
b - A x itself, without a further product. A sample that is done or has failed is frozen by omega = 0; when fewer than half
are left, the batch is compacted, once.
"""

from __future__ import annotations

import math
from dataclasses import replace
from time import perf_counter
from typing import Any

import numpy as np
from array_api_compat import array_namespace

from pdekit.errors import BadInput
from pdekit.linear.batch_state import CHECK_EVERY, RUNNING, host
from pdekit.linear.cg import BLOW_UP, DENIALS, FALSE, HELPED
from pdekit.linear.magnitude import exponent
from pdekit.linear.relaxation_run import FLOOR, PATIENCE, TRANSIENT
from pdekit.linear.relaxation_sweeper import reason_against
from pdekit.linear.stop import Stop
from pdekit.solution import Solution, Status
from pdekit.space.stencils import StencilOperator

PER_SAMPLE = (
    *("b", "x", "r", "omega", "norm", "scale", "target", "ceiling"),
    *("best", "best_step", "patience", "count", "code"),
    *("aim", "confirmed", "denied", "least_true"),
)
WHOLE = ("x", "code", "count")  # what is put together again after the batch was compacted


def batched_sor(operator: Any, b: Any, omega: Any, *, x0: Any = None, stop: Stop | None = None) -> Solution:
    """Solve n systems A_i x_i = b_i by red-black SOR; a step is one sweep.

    operator   StencilOperator, edges and shift per sample (n, ...) or shared; NumPy or torch, as b
    b, x0      (n, *unknowns)
    omega      one number in (0, 2), or (n,) of them
    Status, steps and true residual per sample; `values` are the last iterates, also where a sample failed; residuals
    (steps + 1, n), NaN after a sample's end. Raises BadInput on wrong use, a periodic axis of odd length and singular A.
    """
    stop = Stop() if stop is None else stop
    omegas = _check(operator, b, omega, x0, stop)
    started = perf_counter()
    xp = array_namespace(b)
    sizes = host(xp.max(xp.reshape(xp.abs(b), (b.shape[0], -1)), axis=1))
    power = np.array([2.0 ** -max(min(exponent(float(s), sizes.dtype), 1000), -1000) for s in sizes])
    scale = _like(b, power.reshape(-1, *(1,) * operator.dim))
    with np.errstate(over="ignore"):
        atol = _like(b, np.minimum(stop.atol * power, np.finfo(sizes.dtype).max))
    state = _State(operator, b * scale, None if x0 is None else x0 * scale, _like(b, omegas), stop, atol)
    while state.advance():
        pass
    state.finish()
    steps = host(state.count).astype(int)
    residuals = np.stack([host(h).astype(np.float64) for h in state.history])[: int(steps.max(initial=0)) + 1]
    n = b.shape[0]
    return Solution(
        values=state.x / scale,
        status=[Status(int(code)) for code in state.code],
        steps=steps,
        residuals=residuals / power,
        true_residual=state.true_residual,
        seconds=np.full(n, (perf_counter() - started) / n),
        setup_seconds=np.zeros(n),
        n_matvec=2 * steps + 1,
        n_precond=steps,
        info={"method": "sor", "preconditioner": "sor", "ordering": "red-black", "batch": n, "omega": omegas},
    )


class _State:
    """Arrays (n, *unknowns) and (n,) on the device, of the samples still in the batch."""

    def __init__(self, operator: StencilOperator, b: Any, x0: Any, omega: Any, stop: Stop, atol: Any) -> None:
        xp = self.xp = array_namespace(b)
        self.operator, self.b, self.omega, self.stop = operator, b, omega, stop
        self.everything, self.whole = (operator, b), None
        parity = np.indices(operator.shape).sum(axis=0) % 2
        self.red, self.black = (_like(b, np.where(parity == colour, 1.0, 0.0)) for colour in (0, 1))
        x = xp.zeros_like(b) if x0 is None else x0 + 0.0
        norm_b, zeros, nan = self._norm(b), xp.zeros_like(b), math.nan * xp.ones_like(b)
        parts = (*operator.edges, *(() if operator.shift is None else (operator.shift,)))
        bad = ~xp.isfinite(norm_b + self._norm(x) + sum(xp.sum(self._rows(part), axis=1) for part in parts))
        self._invert()
        self.code = xp.where(bad, int(Status.NONFINITE_INPUT), RUNNING)
        self._end(norm_b == 0, Status.CONVERGED_ZERO_RHS)
        self._end(~(self.smallest > 0), Status.INDEFINITE_OPERATOR)
        alive = self.code == RUNNING
        self.x = xp.where(self._wide(alive), x, xp.where(self._wide(bad), nan, zeros))
        self.r = xp.where(self._wide(alive), b - operator @ self.x, zeros)
        self.norm = xp.where(alive, self._norm(self.r), norm_b)
        self.k, self.limit, self.history = 0, stop.limit(math.prod(operator.shape)), [self.norm]
        self.scale = norm_b if stop.relative_to == "b" else self.norm
        self.target = self.aim = xp.maximum(stop.rtol * self.scale, atol)
        self.confirmed, self.denied = ~alive, xp.zeros_like(self.norm)
        self.least_true = math.inf * xp.ones_like(self.norm)
        self.ceiling = BLOW_UP * xp.maximum(self.norm, self.scale)
        self.best, self.best_step, self.count = self.norm, xp.zeros_like(self.norm), xp.zeros_like(self.norm)
        self.patience = xp.maximum(PATIENCE * xp.ones_like(omega), TRANSIENT / (2.0 - omega))
        self._test()

    def advance(self) -> bool:
        """One sweep; False where nothing is left to do. Asks the host every CHECK_EVERY sweeps."""
        xp = self.xp
        if self.k % CHECK_EVERY == 0 and not self._look():
            return False
        alive = self.code == RUNNING
        factor = self._wide(xp.where(alive, self.omega, xp.zeros_like(self.omega))) * self.inverse
        self.x = self.x + factor * self.red * self.r
        self.x = self.x + factor * self.black * (self.b - self.operator @ self.x)
        self.r = xp.where(self._wide(alive), self.b - self.operator @ self.x, self.r)
        self.norm = xp.where(alive, self._norm(self.r), self.norm)
        self.k += 1
        self.count = self.count + xp.astype(alive, self.count.dtype)
        self.history.append(self._spread(xp.where(alive, self.norm, math.nan * xp.ones_like(self.norm))))
        self._test()
        return True

    def _test(self) -> None:
        xp, now = self.xp, self.norm
        self._end(~xp.isfinite(now), Status.NONFINITE)
        self._end((now <= self.aim) & (now <= self.stop.rtol * self.scale), Status.CONVERGED)
        self._end(now <= self.aim, Status.CONVERGED_ATOL)
        self._end(now > self.ceiling, Status.DIVERGED)
        self.best_step = xp.where(now < self.best, self.k * xp.ones_like(now), self.best_step)
        self.best = xp.minimum(self.best, now)
        if self.k >= self.limit:
            self._end(self.code == self.code, Status.MAX_STEPS)

    def _look(self) -> bool:
        """Ends what stagnates, compacts the batch once; waits for the device. True while some sample is running.

        Stagnated is what has no new least norm and stands at what rounding leaves, as in `relaxation_run.py`.
        """
        self._confirm()
        eps = float(self.xp.finfo(self.norm.dtype).eps)
        floor = FLOOR * 2.0 * eps * self.largest * self._norm(self.x)
        self._end((self.k - self.best_step >= self.patience) & (self.norm <= floor), Status.STAGNATED)
        running = host(self.code) == RUNNING
        if 0 < 2 * running.sum() < len(running) and self.whole is None:
            self._compact(np.flatnonzero(running))
        return bool(running.any())

    def _confirm(self) -> None:
        """Where the test was just met: is |b - A x| in float64 below the target? Else sweep on, aiming lower, while it helps."""
        xp, new = self.xp, (self.code != RUNNING) & ~self.confirmed
        if not bool(xp.any(new)):
            return
        met = (self.code == int(Status.CONVERGED)) | (self.code == int(Status.CONVERGED_ATOL))
        now = xp.astype(self._true(self.operator, self.b, self.x), self.norm.dtype)
        denied = new & met & ~(now <= self.target)
        helped = now < HELPED * self.least_true
        self.denied = xp.where(denied, xp.where(helped, 0 * self.denied, self.denied + 1), self.denied)
        self.least_true = xp.where(denied, xp.minimum(now, self.least_true), self.least_true)
        far = denied & ~(now <= FALSE * self.target)
        late = denied & ~far & (self.count >= self.limit)
        vain = denied & ~far & ~late & (self.denied >= DENIALS)
        again = denied & ~far & ~late & ~vain
        lower = xp.minimum(self.norm * self.target / xp.where(denied, now, xp.ones_like(now)), 0.99 * self.aim)
        self.aim = xp.where(again, lower, self.aim)
        for which, code in (
            (far, int(Status.FALSE_CONVERGENCE)),
            (late, int(Status.MAX_STEPS)),
            (vain, int(Status.STAGNATED)),
            (again, RUNNING),
        ):
            self.code = xp.where(which, code + 0 * self.code, self.code)
        self.confirmed = self.confirmed | (new & ~again)

    def _true(self, operator: StencilOperator, b: Any, x: Any) -> Any:
        """(n,) |b - A x| in float64."""
        xp = self.xp
        return self._norm(xp.astype(b, xp.float64) - operator.astype(xp.float64) @ xp.astype(x, xp.float64))

    def _compact(self, index: np.ndarray) -> None:
        """Go on with the samples `index` only; x, code and count of the whole batch wait in `whole`."""
        take = self.xp.asarray(index) if isinstance(self.b, np.ndarray) else self.b.new_tensor(index).long()
        self.whole = (take, {name: getattr(self, name) for name in WHOLE})
        for name in PER_SAMPLE:
            setattr(self, name, getattr(self, name)[take])
        dim = self.operator.dim
        edges = tuple(e[take] if e.ndim > dim else e for e in self.operator.edges)
        shift = self.operator.shift
        shift = shift[take] if shift is not None and shift.ndim > dim else shift
        self.operator = replace(self.operator, edges=edges, shift=shift)
        self._invert()

    def finish(self) -> None:
        """Put the batch together again; true residuals in float64."""
        if self.whole is not None:
            take, whole = self.whole
            for name in WHOLE:
                whole[name][take] = getattr(self, name)
                setattr(self, name, whole[name])
        operator, b = self.everything
        r, size = host(self._true(operator, b, self.x)), host(self._norm(self.xp.astype(b, self.xp.float64)))
        self.code = host(self.code).copy()
        self.true_residual = np.where(self.code == Status.NONFINITE_INPUT, math.nan, r / np.where(size > 0, size, 1.0))

    def _invert(self) -> None:
        """1 / diagonal, 0 where the diagonal is 0; the smallest and the largest entry of each sample."""
        xp, diagonal = self.xp, self.operator.diagonal()
        self.inverse = 1.0 / xp.where(diagonal == 0, math.inf * xp.ones_like(diagonal), diagonal)
        rows = self._rows(diagonal)
        self.smallest, self.largest = xp.min(rows, axis=1), xp.max(rows, axis=1)

    def _end(self, which: Any, status: Status) -> None:
        """Those of `which` that are running end with this status."""
        self.code = self.xp.where(which & (self.code == RUNNING), int(status) + 0 * self.code, self.code)

    def _spread(self, norms: Any) -> Any:
        """Norms of the samples at work among the whole batch, NaN for the others."""
        if self.whole is None:
            return norms
        out = math.nan * self.history[0]
        out[self.whole[0]] = norms
        return out

    def _rows(self, part: Any) -> Any:
        """(n, N), or (1, N) of what all samples share."""
        return self.xp.reshape(part, (part.shape[0] if part.ndim > self.operator.dim else 1, -1))

    def _norm(self, u: Any) -> Any:
        rows = self._rows(u)
        return self.xp.sqrt(self.xp.sum(rows * rows, axis=1))

    def _wide(self, scalar: Any) -> Any:
        return self.xp.reshape(scalar, (scalar.shape[0], *(1,) * self.operator.dim))


def _like(b: Any, values: np.ndarray) -> Any:
    """Numbers of the host as an array of the kind of b, on its device."""
    return values.astype(b.dtype) if isinstance(b, np.ndarray) else b.new_tensor(values)


def _check(operator: Any, b: Any, omega: Any, x0: Any, stop: Stop) -> np.ndarray:
    """(n,) omegas."""
    if not isinstance(operator, StencilOperator):
        raise BadInput.of("batched SOR needs a StencilOperator.", found=type(operator).__name__)
    reason = reason_against(operator)
    if reason is not None:
        raise BadInput.of(
            "red-black sweeps cannot serve this operator.", found=reason, hint="solve one by one, multicolour"
        )
    if stop.norm != "residual":
        raise BadInput.of("relaxation tests the residual only.", found=f"norm = {stop.norm!r}")
    if operator.singular:
        raise BadInput.of("batched SOR cannot take out a null space.", found="a singular operator")
    if tuple(b.shape[1:]) != operator.shape:
        raise BadInput.of(
            "the right-hand sides do not fit the operator.",
            found=f"shape {tuple(b.shape)}",
            allowed=f"(n, {', '.join(map(str, operator.shape))})",
        )
    if x0 is not None and tuple(x0.shape) != tuple(b.shape):
        raise BadInput.of("x0 does not fit the right-hand sides.", found=f"shape {tuple(x0.shape)}")
    for part in (*operator.edges, *(() if operator.shift is None else (operator.shift,))):
        if part.ndim > operator.dim and part.shape[0] != b.shape[0]:
            raise BadInput.of(
                "edges and right-hand sides are batches of two sizes.", found=f"{part.shape[0]}, {b.shape[0]}"
            )
    omegas = np.asarray(host(omega), np.float64)
    if omegas.shape not in ((), (b.shape[0],)) or not ((omegas > 0) & (omegas < 2)).all():
        raise BadInput.of(
            "omega of batched SOR cannot be used.",
            found=f"shape {omegas.shape}, {omegas.min():.4g} to {omegas.max():.4g}" if omegas.size else "nothing",
            allowed=f"one number or {b.shape[0]}, between 0 and 2, both left out",
        )
    return np.broadcast_to(omegas, (b.shape[0],)).copy()
