"""Crank-Nicolson steps of linear evolution problems: one linear system a step, solved iteratively, its cost noted.

    (I + dt/2 A(tau)) u+ = (I - dt/2 A(tau)) u + dt f(tau),   tau = t + dt/2;  second order in dt

The solver's parameter (omega of SSOR and SOR, the drop tolerance of incomplete factors) is a number, or chosen anew for each
step by a tuner, which sees what the steps cost and nothing else but, for those who ask, the convergence factor; each sample
starts with a tuner of its own, so that samples do not depend on each other.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from time import perf_counter, process_time
from typing import Any

import numpy as np

from pdekit.errors import BadInput, SolveError
from pdekit.linear.choosing import make_tuner
from pdekit.linear.implicit_methods import METHODS, StepMethod
from pdekit.linear.solve import stack
from pdekit.linear.stop import Stop
from pdekit.linear.tuning import Trial
from pdekit.linear.vector_kernels import norm
from pdekit.problems.evolution import LinearEvolution
from pdekit.solution import Solution, Status
from pdekit.solver import Instances
from pdekit.space.stencils import StencilOperator

STARTS = ("previous", "extrapolated", "zero")
WHOLE = 1e-6  # of a step: how far the stored times may lie from whole steps


class CrankNicolson:
    """Solver of linear evolution problems.

    dt       time step, in units of time; stored times must be whole steps apart
    method   a name in `implicit_methods.METHODS`: how the linear system of a step is solved
    omega    of the methods "pcg-ssor" and "sor", in (0, 2), 1 by default; refused by others
    drop_tol   of the method "pcg-ilu", in (0, 1), 1e-4 by default; refused by others
    tuner    settings of a tuner that chooses that number for each step, as `choosing.make_tuner` describes them, e.g.
             { policy = "chebcb", low = 1.0, high = 1.95, arms = 20 }; empty: it stays as it is
    start    first guess of each step: "previous" solution, "extrapolated" from two, or "zero"
    history  residuals kept per step in the telemetry; 0: none
    rtol, atol, max_steps   of each linear system, relative to its right-hand side
    """

    traits: frozenset[str] = frozenset({"evolution", "linear", "spd"})

    def __init__(  # noqa: PLR0913  (the settings of a card, all but one with defaults)
        self,
        *,
        dt: float,
        method: str = "pcg-ssor",
        omega: float | None = None,
        drop_tol: float | None = None,
        tuner: Mapping[str, Any] | None = None,
        start: str = "previous",
        history: int = 0,
        rtol: float = 1e-8,
        atol: float = 0.0,
        max_steps: int | None = None,
        name: str = "",
    ) -> None:
        if isinstance(dt, bool) or not isinstance(dt, int | float) or not (math.isfinite(dt) and dt > 0):
            raise BadInput.of("dt of a time step.", found=repr(dt), allowed="a number > 0")
        if method not in METHODS:
            raise BadInput.of("method of a time step.", found=repr(method), allowed=", ".join(METHODS))
        if start not in STARTS:
            raise BadInput.of("start of a time step.", found=repr(start), allowed=", ".join(STARTS))
        if isinstance(history, bool) or not isinstance(history, int) or history < 0:
            raise BadInput.of("history of a time step.", found=repr(history), allowed="an integer >= 0")
        self.how = method
        self.dt, self.start, self.history = float(dt), start, history
        self.stop = Stop(rtol=rtol, atol=atol, max_steps=max_steps)
        self.method: StepMethod = METHODS[method]
        parameter = self.method.parameter
        for key, value in (("omega", omega), ("drop_tol", drop_tol)):
            if value is not None and (parameter is None or parameter.name != key):
                raise BadInput.of(
                    f"method {method!r} of a time step has no {key}.", found=repr(value), hint=f"leave {key} out"
                )
        given = omega if drop_tol is None else drop_tol
        self.value = math.nan
        if parameter is not None:
            self.value = parameter.check(parameter.default if given is None else given)
        self.tuner, self.cost = dict(tuner or {}), "iterations"
        if self.tuner:
            if parameter is None:
                raise BadInput.of(f"method {method!r} of a time step has no parameter to tune.", hint="leave tuner out")
            if self.tuner.get("policy") == "adaptive-young" and method != "sor":
                hint = 'policy = "chebcb", or method = "sor"'
                raise BadInput.of("adaptive-young tunes SOR alone.", found=f"method {method!r}", hint=hint)
            make_tuner(self.tuner, parameter, (0.0, 1.0))
            self.cost = self.tuner.get("cost", parameter.cost)
        self.name = name or type(self).__name__
        self.problem: LinearEvolution | None = None

    def prepare(self, problem: Any) -> CrankNicolson:
        """Return self, ready for a problem. Raises BadInput where it is not a linear evolution."""
        if not isinstance(problem, LinearEvolution):
            raise BadInput.of(
                f"solver {self.name!r} cannot serve problem {getattr(problem, 'name', problem)!r}.",
                found="the problem is not a linear evolution",
                hint="`pdekit list solvers` shows what each solver asks of a problem",
            )
        self.problem = problem
        return self

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
        entries: list[tuple[Any, ...]] = [
            ("step_parameter", ("step",), (n,), "f4", "record", "1", f"parameter of the linear solver{named}"),
            ("step_probability", ("step",), (n,), "f4", "record", "1", "probability with which it was chosen"),
            ("step_context", ("step",), (n,), "f4", "record", "1", "what the tuner was shown"),
            ("step_cost", ("step",), (n,), "i4", "record", "1", "iterations of the linear solver"),
            ("step_residual", ("step",), (n,), "f4", "record", "1", "true relative residual of the step"),
            ("step_seconds", ("step",), (n,), "f4", "record", "s", "time of the step"),
        ]
        if self.history:
            text = "residual norms relative to the right-hand side, the initial one first; NaN after the last"
            entries.append(("step_history", ("step", "iteration"), (n, self.history), "f4", "record", "1", text))
        return tuple(entries)

    def solve(self, instances: Instances) -> Solution:
        """Trajectories {output: (n, t, *x)} at `instances.times`. A failed step is a status, and NaN from there on. Raises
        SolveError before `prepare`, BadInput on times that cannot be reached."""
        if self.problem is None:
            raise SolveError(f"solver {self.name!r} was asked to solve before `prepare(problem)`")
        if instances.times is None or len(instances.times) < 2:
            raise BadInput.of(f"solver {self.name!r} needs two times or more.", found=str(instances.times))
        runs = [Trajectory(self, self.problem, case).run() for case in instances.cases()]
        batch = stack(runs)
        info = {
            "method": f"crank-nicolson, {self.how}",
            "telemetry": {k: np.stack([r.info["telemetry"][k] for r in runs]) for k in runs[0].info["telemetry"]},
        }
        return Solution(**{**vars(batch), "values": {self.problem.outputs[0].name: batch.values}, "info": info})


class Trajectory:
    """One case on its way: `run` takes all steps, `notes` is the telemetry of those taken."""

    def __init__(self, solver: CrankNicolson, problem: LinearEvolution, case: Instances) -> None:
        assert case.times is not None
        self.solver, self.problem, self.case, self.times = solver, problem, case, case.times
        self.between = solver.check_times(self.times)
        parameter, self.tuner = solver.method.parameter, None
        if solver.tuner and parameter is not None:
            self.tuner = make_tuner(solver.tuner, parameter, problem.context_range(case))
        self.notes = {name: np.full(shape, np.nan if kind == "f4" else 0, kind)
                      for name, _, shape, kind, *_ in solver.telemetry(self.times)}  # fmt: skip
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
                before, u = u, self._step(float(self.times[frame - 1]) + k * self.solver.dt, u, before)
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
        solver = self.solver
        operator, b = step_system(self.problem, self.case, t, solver.dt, u)
        assembled = perf_counter() - started
        context = self.problem.context(self.case, t)
        trial = self._ask(context)
        value = next(iter(trial.params.values()))
        values = (value,) if trial.fallback is None else (value, next(iter(trial.fallback.values())))
        guess = {"previous": u, "zero": None, "extrapolated": u if before is None else 2.0 * u - before}[solver.start]
        busy = process_time()
        solution = solver.method.solve(operator, b, values, solver.stop, guess, trial.budget or math.inf)
        cost = int(solution.steps) if solver.cost == "iterations" else process_time() - busy
        if self.tuner is not None:
            self.tuner.tell(trial.id, cost, solution.status, factor=_factor(solution))
        self.setup_seconds += assembled + float(solution.setup_seconds)
        self.sweeps += int(solution.steps)
        self.products += int(solution.n_matvec)
        self.applied += int(solution.n_precond)
        self.worst = max(self.worst, float(solution.true_residual))
        self._note(solution, b, value, trial.prob, context, perf_counter() - started)
        self.done += 1
        self.status = solution.status if solution.status.failed else self.status
        return solution.values

    def _ask(self, context: float) -> Trial:
        if self.tuner is None:
            return Trial(self.done, {"": self.solver.value}, 1.0)
        return self.tuner.ask(None if self.tuner.context is None else context)

    def _note(
        self, solution: Solution, b: np.ndarray, value: float, prob: float, context: float, seconds: float
    ) -> None:
        now = {
            "step_parameter": value,
            "step_probability": prob,
            "step_context": context,
            "step_cost": solution.steps,
            "step_residual": solution.true_residual,
            "step_seconds": seconds,
        }
        for name, number in now.items():
            self.notes[name][self.done] = number
        kept = np.asarray(solution.residuals)[: self.solver.history]
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
