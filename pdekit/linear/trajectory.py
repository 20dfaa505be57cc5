"""The way of one case: Crank-Nicolson steps one after the other, each a linear system whose cost is noted.

(I + dt/2 A(tau)) u+ = (I - dt/2 A(tau)) u + dt f(tau),   tau = t + dt/2;  second order in dt
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from time import perf_counter, process_time
from typing import Any

import numpy as np

from pdekit.errors import BadInput
from pdekit.linear.choosing import make_tuner
from pdekit.linear.implicit_methods import StepMethod
from pdekit.linear.stop import Stop
from pdekit.linear.tuning import Trial
from pdekit.linear.vector_kernels import norm
from pdekit.problems.evolution import LinearEvolution
from pdekit.solution import Solution, Status
from pdekit.solver import Instances
from pdekit.space.stencils import StencilOperator

WHOLE = 1e-6  # of a step: how far the stored times may lie from whole steps


@dataclass(frozen=True)
class Steps:
    """How steps are taken: the settings of `CrankNicolson`, checked.

    value   parameter of the method, NaN where it has none; tuner: settings of what chooses it instead, empty: nothing does
    cost    "iterations" or "seconds": what the tuner is told
    """

    dt: float
    method: StepMethod
    value: float
    tuner: Mapping[str, Any]
    cost: str
    start: str
    history: int
    stop: Stop

    def check_times(self, times: np.ndarray) -> np.ndarray:
        """(t - 1,) steps between the stored times. Raises BadInput where they are not whole."""
        steps = np.diff(times) / self.dt
        if (np.abs(steps - np.rint(steps)) > WHOLE).any() or (np.rint(steps) < 1).any():
            worst = float(np.diff(times)[np.argmax(np.abs(steps - np.rint(steps)))])
            raise BadInput.of(
                "stored times are not whole steps apart.",
                found=f"{worst:.9g} between two of them, dt = {self.dt:.9g}",
                allowed="times that differ by multiples of dt",
                hint="change solver_settings.dt, or frames of [time]",
            )
        return np.rint(steps).astype(int)

    def telemetry(self, times: np.ndarray) -> tuple[tuple[Any, ...], ...]:
        """What each step notes: (name, dims, shape, dtype, role, unit, text)."""
        n = int(self.check_times(times).sum())
        named = "" if self.method.parameter is None else f" ({self.method.parameter.name})"
        unit = "s" if self.cost == "seconds" else "1"
        entries: list[tuple[Any, ...]] = [
            ("step_parameter", ("step",), (n,), "f4", "record", "1", f"parameter of the linear solver{named}"),
            ("step_probability", ("step",), (n,), "f4", "record", "1", "probability with which it was chosen"),
            ("step_context", ("step",), (n,), "f4", "record", "1", "what the tuner was shown"),
            ("step_cost", ("step",), (n,), "f4", "record", unit, f"what the tuner was told: {self.cost}"),
            (
                "step_budget",
                ("step",),
                (n,),
                "f4",
                "record",
                "1",
                "iterations after which the fallback took over; NaN: none",
            ),
            ("step_fallback", ("step",), (n,), "f4", "record", "1", "the parameter that would; NaN: none"),
            ("step_iterations", ("step",), (n,), "i4", "record", "1", "iterations of the linear solver"),
            ("step_residual", ("step",), (n,), "f4", "record", "1", "true relative residual of the step"),
            ("step_seconds", ("step",), (n,), "f4", "record", "s", "time of the step"),
        ]
        if self.history:
            text = "residual norms relative to the right-hand side, the initial one first; NaN after the last"
            entries.append(("step_history", ("step", "iteration"), (n, self.history), "f4", "record", "1", text))
        return tuple(entries)


class Trajectory:
    """One case on its way: `run` takes all steps, `notes` is the telemetry of those taken."""

    def __init__(self, how: Steps, problem: LinearEvolution, case: Instances) -> None:
        assert case.times is not None
        self.how, self.problem, self.case, self.times = how, problem, case, case.times
        self.between = how.check_times(self.times)
        parameter, self.tuner = how.method.parameter, None
        if how.tuner and parameter is not None:
            self.tuner = make_tuner(how.tuner, parameter, problem.context_range(case))
        self.notes = {name: np.full(shape, np.nan if kind == "f4" else 0, kind)
                      for name, _, shape, kind, *_ in how.telemetry(self.times)}  # fmt: skip
        self.done = self.sweeps = self.products = self.applied = 0
        self.worst, self.status, self.setup_seconds = 0.0, Status.CONVERGED, 0.0

    def run(self) -> Solution:
        """Values (t, *points), NaN after a step that failed, and its status; iterations of all steps together."""
        started = perf_counter()
        values = np.full((len(self.times), *self.case.grid.points), np.nan)
        u = self.problem.initial(self.case)
        before: np.ndarray | None = None
        values[0] = self.problem.embed(self.case, u)
        for frame, count in enumerate(self.between, 1):
            for k in range(count):
                before, u = u, self._step(float(self.times[frame - 1]) + k * self.how.dt, u, before)
                if self.status.failed:
                    break
            if self.status.failed:
                break
            values[frame] = self.problem.embed(self.case, u)
        return Solution(
            values=values,
            status=self.status,
            steps=self.sweeps,
            true_residual=self.worst,
            seconds=perf_counter() - started - self.setup_seconds,
            setup_seconds=self.setup_seconds,
            n_matvec=self.products,
            n_precond=self.applied,
            info={"telemetry": self.notes},
        )

    def _step(self, t: float, u: np.ndarray, before: np.ndarray | None) -> np.ndarray:
        """u at t + dt."""
        started = perf_counter()
        how = self.how
        operator, b = step_system(self.problem, self.case, t, how.dt, u)
        assembled = perf_counter() - started
        context = self.problem.context(self.case, t)
        trial = self._ask(context)
        value = next(iter(trial.params.values()))
        values = (value,) if trial.fallback is None else (value, next(iter(trial.fallback.values())))
        guess = {"previous": u, "zero": None, "extrapolated": u if before is None else 2.0 * u - before}[how.start]
        busy = process_time()
        solution = how.method.solve(operator, b, values, how.stop, guess, trial.budget or math.inf)
        cost = int(solution.steps) if how.cost == "iterations" else process_time() - busy
        if self.tuner is not None:
            self.tuner.tell(trial.id, cost, solution.status, factor=_factor(solution))
        self.setup_seconds += assembled + float(solution.setup_seconds)
        self.sweeps += int(solution.steps)
        self.products += int(solution.n_matvec)
        self.applied += int(solution.n_precond)
        self.worst = max(self.worst, float(solution.true_residual))
        self._note(solution, b, trial, values, context, cost, perf_counter() - started)
        self.done += 1
        self.status = solution.status if solution.status.failed else self.status
        return solution.values

    def _ask(self, context: float) -> Trial:
        if self.tuner is None:
            return Trial(self.done, {"fixed": self.how.value}, 1.0)
        return self.tuner.ask(None if self.tuner.context is None else context)

    def _note(
        self,
        solution: Solution,
        b: np.ndarray,
        trial: Trial,
        values: tuple[float, ...],
        context: float,
        cost: float | int,
        seconds: float,
    ) -> None:
        now = {
            "step_parameter": values[0],
            "step_probability": trial.prob,
            "step_context": context,
            "step_cost": cost,
            "step_budget": math.nan if trial.budget is None else trial.budget,
            "step_fallback": values[1] if len(values) > 1 else math.nan,
            "step_iterations": solution.steps,
            "step_residual": solution.true_residual,
            "step_seconds": seconds,
        }
        for name, number in now.items():
            self.notes[name][self.done] = number
        kept = np.asarray(solution.residuals)[: self.how.history]
        if kept.size:
            self.notes["step_history"][self.done, : kept.size] = kept / (norm(b.ravel()) or 1.0)


def _factor(solution: Solution) -> float | None:
    """|r_k| / |r_{k-1}| at the end, where there are two residuals besides the first."""
    residuals = solution.residuals
    return float(residuals[-1] / residuals[-2]) if len(residuals) > 2 and residuals[-2] > 0 else None


def step_system(
    problem: LinearEvolution, case: Instances, t: float, dt: float, u: np.ndarray
) -> tuple[StencilOperator, np.ndarray]:
    """(I + dt/2 A(tau), (I - dt/2 A(tau)) u + dt f(tau)) of the Crank-Nicolson step from t to t + dt."""
    tau = t + 0.5 * dt
    half = problem.operator(case, tau)
    half = StencilOperator(
        tuple(0.5 * dt * e for e in half.edges), half.grid, None if half.shift is None else 0.5 * dt * half.shift
    )
    b = u - (half @ u) + dt * problem.forcing(case, tau)
    return replace(half, shift=np.ones(half.shape) if half.shift is None else 1.0 + half.shift), b
