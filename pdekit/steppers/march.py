"""The loop over time: output times reached exactly, lost samples named, frames handed on one by one.

Between two outputs the position is an integer, never a sum of steps: fixed steps are counted, changing ones are the interval
halved 0, 1, 2 .. times. "T // dt and a remainder" loses or gains steps by rounding.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from array_api_compat import array_namespace, to_device

from pdekit.errors import BadInput
from pdekit.solution import Status

BLOW_UP = 1e5  # times what a sample may have grown to since it was looked at: see `_Watch.look`
NEAR = 1e-9  # an interval counts as a multiple of dt when it is one to this relative accuracy
DEEPEST = 40  # halvings of an interval: finer steps than 1e-12 of it are lost in rounding


@dataclass(frozen=True)
class March:
    """What came of a run: the last state, and for each sample why it ended and the first bad output time (NaN if none).

    values (n, c, *modes), NaN for lost samples; status (n,) Status; lost_at (n,) in T; steps taken, rejected ones apart.
    """

    values: Any
    status: list[Status]
    lost_at: np.ndarray
    steps: int
    rejected: int = 0


def step_counts(times: Sequence[float], dt: float, *, fit: bool = False) -> tuple[list[int], float]:
    """How many steps of one size lead from each time to the next, and that size.

    The size is dt, or with `fit` the largest one up to dt that divides every interval. BadInput where there is none.
    """
    gaps = np.diff(np.asarray(times, dtype=float))
    if len(gaps) == 0 or not (np.isfinite(gaps).all() and (gaps > 0).all()):
        raise BadInput.of(
            "the output times cannot be used.", where="times", found=list(times), allowed="two or more, increasing"
        )
    if not (math.isfinite(dt) and dt > 0):
        raise BadInput.of("the time step cannot be used.", where="dt", found=dt, allowed="a finite dt > 0")
    base = math.ceil(gaps[0] / dt * (1 - NEAR))
    for count in range(base, base + 10_000) if fit else [max(round(gaps[0] / dt), 1)]:
        h = gaps[0] / count if fit else dt
        counts = np.maximum(np.rint(gaps / h), 1)
        if (abs(counts * h - gaps) <= NEAR * gaps).all():
            return [int(c) for c in counts], float(h)
    raise BadInput.of(
        "the time step does not divide the time between outputs.",
        where="dt",
        found=f"dt = {dt}, intervals from {gaps.min()} to {gaps.max()}",
        allowed="a dt of which every interval is a multiple",
        hint=f"take dt = {gaps[0] / max(base, 1)}, or fit=True for the largest that divides",
    )


def march(
    stepper: Any,
    L: Any,
    N: Any,
    v: Any,
    times: Sequence[float],
    dt: float,
    *,
    fit: bool = False,
    output: Callable[[int, float, Any], None] | None = None,
) -> March:
    """Fixed steps from v at times[0] to times[-1]; `output(i, t, state)` is called at each time, the first too.

    BadInput, before any step, where dt does not divide the intervals (`fit` takes the largest that does, at most dt).
    """
    counts, h = step_counts(times, dt, fit=fit)
    stepper.prepare(L, h)
    watch = _Watch(v, times[0], stepper, N)
    _emit(output, 0, times[0], watch.frame(v))
    for i, count in enumerate(counts):
        with np.errstate(over="ignore", invalid="ignore"):
            for j in range(count):
                v = stepper.step(v, times[i] + j * stepper.dt, N)
        watch.look(v, times[i + 1])
        _emit(output, i + 1, times[i + 1], watch.frame(v))
    return watch.result(v, sum(counts))


def march_adaptively(  # noqa: PLR0913 - one loop, two rules for its step
    stepper: Any,
    L: Any,
    N: Any,
    v: Any,
    times: Sequence[float],
    dt: float,
    *,
    rtol: float | None = None,
    limit: Callable[[Any, float], float] | None = None,
    output: Callable[[int, float, Any], None] | None = None,
) -> March:
    """Steps of an interval halved m times, at most dt: as the error asks (`rtol`, embedded schemes) or as `limit(v, t)` allows.

    rtol     largest relative difference of the embedded pair in one step, over the samples that still run
    limit    the largest dt at a state, in T: a CFL number over the speeds, say
    One dt serves the whole batch. A step below 2^-40 of an interval ends the run: what still ran is BREAKDOWN.
    """
    if (rtol is None) == (limit is None):
        raise BadInput.of("one rule for the step is needed.", where="march_adaptively", allowed="either rtol or limit")
    if rtol is not None and not hasattr(stepper, "step_with_error"):
        raise BadInput.of(
            "the scheme has no error estimate to steer by.",
            where=f"stepper {stepper.name}",
            allowed="rk32, rk54",
            hint="give limit",
        )
    step_counts(times[:2], dt, fit=True)
    if not (np.diff(np.asarray(times, dtype=float)) > 0).all():
        raise BadInput.of(
            "the output times cannot be used.", where="times", found=list(times), allowed="two or more, increasing"
        )
    stepper.prepare(L, dt)
    watch, steps, rejected = _Watch(v, times[0], stepper, N), 0, 0
    _emit(output, 0, times[0], watch.frame(v))
    h = dt
    for i, (begin, end) in enumerate(pairwise(times)):
        position, level = 0, 0  # in units of (end - begin) 2^-level
        while position < 2**level and watch.running.any():
            t = begin + (end - begin) * position / 2**level
            wanted = min(dt, h if limit is None else limit(watch.alive(v), t))
            while level <= DEEPEST and not (end - begin) / 2**level <= wanted * (1 + NEAR):
                position, level = 2 * position, level + 1
            while level and position % 2 == 0 and (end - begin) / 2 ** (level - 1) <= wanted * (1 + NEAR):
                position, level = position // 2, level - 1
            if level > DEEPEST:
                watch.give_up(t)
                break
            stepper.change((end - begin) / 2**level)
            with np.errstate(over="ignore", invalid="ignore"):
                if rtol is None:
                    new, ratio = stepper.step(v, t, N), 0.0
                else:
                    new, gap = stepper.step_with_error(v, t, N)
                    ratio = watch.ratio(gap, v) / rtol
            if rtol is not None:
                h = stepper.dt * min(4.0, max(0.2, 0.9 * max(ratio, 1e-10) ** (-1 / stepper.order)))
            if ratio > 1:
                rejected += 1
                continue
            v, position, steps = new, position + 1, steps + 1
            watch.look(v, begin + (end - begin) * position / 2**level, between=True)
        watch.look(v, end)
        _emit(output, i + 1, end, watch.frame(v))
    return watch.result(v, steps, rejected)


def _emit(output: Callable[[int, float, Any], None] | None, i: int, t: float, frame: Any) -> None:
    if output is not None:
        output(i, float(t), frame)


class _Watch:
    """Which samples still run. A lost one goes on being computed, unread: the state of the others is never touched."""

    def __init__(self, v: Any, t: float, stepper: Any, N: Any) -> None:
        self.status = [Status.EVALUATED] * v.shape[0]
        self.lost_at = np.full(v.shape[0], np.nan)
        self.largest, self.t = _sizes(v), t
        self.growth = max(float(np.real(stepper.L).max()), 0.0)
        with np.errstate(over="ignore", invalid="ignore"):
            self.push = np.zeros(v.shape[0]) if stepper.flow else np.nan_to_num(_sizes(N(v, t)))
        self._lose(~np.isfinite(self.largest), t, Status.NONFINITE_INPUT)

    @property
    def running(self) -> np.ndarray:
        return np.isnan(self.lost_at)

    def look(self, v: Any, t: float, *, between: bool = False) -> None:
        """Lose what is not finite, and what is BLOW_UP times larger than the equation itself could have made it: the largest
        size at an output so far, times the fastest growth of L, and what N of the start would have brought in that time."""
        size, passed = _sizes(v), t - self.t
        self._lose(~np.isfinite(size), t, Status.NONFINITE)
        ceiling = BLOW_UP * (self.largest + passed * self.push) * np.exp(min(self.growth * passed, 600.0))
        self._lose((size > ceiling) & (ceiling > 0), t, Status.DIVERGED)
        if not between:
            self.largest, self.t = np.fmax(self.largest, size), t

    def give_up(self, t: float) -> None:
        self._lose(self.running, t, Status.BREAKDOWN)

    def ratio(self, gap: Any, v: Any) -> float:
        with np.errstate(divide="ignore", invalid="ignore"):
            found = (_sizes(gap) / _sizes(v))[self.running]
        return float(np.where(np.isnan(found), np.inf, found).max(initial=0.0))

    def alive(self, v: Any) -> Any:
        xp = array_namespace(v)
        return v if self.running.all() else v[xp.asarray(np.flatnonzero(self.running))]

    def frame(self, v: Any) -> Any:
        if self.running.all():
            return v
        xp = array_namespace(v)
        rows = [v[i] if alive else xp.full_like(v[i], float("nan")) for i, alive in enumerate(self.running)]
        return xp.stack(rows)

    def result(self, v: Any, steps: int, rejected: int = 0) -> March:
        return March(self.frame(v), self.status, self.lost_at, steps, rejected)

    def _lose(self, which: np.ndarray, t: float, status: Status) -> None:
        for i in np.flatnonzero(which & self.running):
            self.status[i], self.lost_at[i] = status, t


def _sizes(v: Any) -> np.ndarray:
    """The 2-norm of each sample (n,), on the host; infinite or NaN where the sample is."""
    xp = array_namespace(v)
    with np.errstate(over="ignore", invalid="ignore"):
        rows = xp.sum(xp.abs(xp.reshape(v, (v.shape[0], -1))) ** 2, axis=1) ** 0.5
    return np.asarray(to_device(rows, "cpu"), dtype=float)
