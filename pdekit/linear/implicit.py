"""Crank-Nicolson steps of linear evolution problems: one linear system a step, solved iteratively, its cost noted.

    (I + dt/2 A(tau)) u+ = (I - dt/2 A(tau)) u + dt f(tau),   tau = t + dt/2;  second order in dt

The solver's parameter (omega of SSOR and SOR, the drop tolerance of incomplete factors) is a number, or chosen anew for each
step by a tuner, which sees what the steps cost and nothing else but, for those who ask, the convergence factor; each sample
starts with a tuner of its own, so that samples do not depend on each other.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from pdekit.errors import BadInput, SolveError
from pdekit.linear.choosing import make_tuner
from pdekit.linear.implicit_methods import METHODS
from pdekit.linear.solve import stack
from pdekit.linear.stop import Stop
from pdekit.linear.trajectory import Steps, Trajectory
from pdekit.problems.evolution import LinearEvolution
from pdekit.solution import Solution
from pdekit.solver import Instances

STARTS = ("previous", "extrapolated", "zero")


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
        chosen, stop = METHODS[method], Stop(rtol=rtol, atol=atol, max_steps=max_steps)
        parameter = chosen.parameter
        for key, value in (("omega", omega), ("drop_tol", drop_tol)):
            if value is not None and (parameter is None or parameter.name != key):
                raise BadInput.of(
                    f"method {method!r} of a time step has no {key}.", found=repr(value), hint=f"leave {key} out"
                )
        given = omega if drop_tol is None else drop_tol
        value, cost = math.nan, "iterations"
        if parameter is not None:
            value = parameter.check(parameter.default if given is None else given)
        if tuner:
            if parameter is None:
                raise BadInput.of(f"method {method!r} of a time step has no parameter to tune.", hint="leave tuner out")
            if tuner.get("policy") == "adaptive-young" and method != "sor":
                hint = 'policy = "chebcb", or method = "sor"'
                raise BadInput.of("adaptive-young tunes SOR alone.", found=f"method {method!r}", hint=hint)
            make_tuner(tuner, parameter, (0.0, 1.0))
            cost = tuner.get("cost", parameter.cost)
        self.method = method
        self.steps = Steps(float(dt), chosen, value, dict(tuner or {}), cost, start, history, stop)
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
        return self.steps.check_times(times)

    def telemetry(self, times: np.ndarray) -> tuple[tuple[Any, ...], ...]:
        """What each step notes, see `Steps.telemetry`."""
        return self.steps.telemetry(times)

    def solve(self, instances: Instances) -> Solution:
        """Trajectories {output: (n, t, *x)} at `instances.times`. A failed step is a status, and NaN from there on. Raises
        SolveError before `prepare`, BadInput on times that cannot be reached."""
        if self.problem is None:
            raise SolveError(f"solver {self.name!r} was asked to solve before `prepare(problem)`")
        if instances.times is None or len(instances.times) < 2:
            raise BadInput.of(f"solver {self.name!r} needs two times or more.", found=str(instances.times))
        runs = [Trajectory(self.steps, self.problem, case).run() for case in instances.cases()]
        batch = stack(runs)
        info = {
            "method": f"crank-nicolson, {self.method}",
            "telemetry": {k: np.stack([r.info["telemetry"][k] for r in runs]) for k in runs[0].info["telemetry"]},
        }
        return Solution(**{**vars(batch), "values": {self.problem.outputs[0].name: batch.values}, "info": info})
