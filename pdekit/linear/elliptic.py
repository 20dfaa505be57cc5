"""Turns a method for A x = b into a Solver of elliptic problems: assembles, sets up, solves, embeds, case by case."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from time import perf_counter
from typing import Any

import numpy as np

from pdekit.errors import BadInput, SolveError
from pdekit.linear.solve import stack
from pdekit.linear.stop import Stop
from pdekit.linear.system import System
from pdekit.problems.problem import Elliptic
from pdekit.solution import Solution, Status
from pdekit.solver import Instances
from pdekit.space.transfer import interpolate

ROUNDED = 4.0  # times eps of a stored field: the share of b that its rounding may leave unbalanced


class EllipticSolver(ABC):
    """A classical Solver: `prepare(problem)`, then `solve(instances) -> Solution`, one sample after the other.

    rtol, atol, max_steps   as in `Stop`; methods without iteration do not have them
    grid_factor             1, or 1/2, 1/4, ...: solve on that many times the intervals, interpolate back; the residual is
                            then that of the coarse system
    project_rhs             singular problems: solve for the part of the source that the equation can balance. What rounding
                            to float32 left of a balanced source is taken out without being asked, and noted in info
    """

    traits: frozenset[str] = frozenset({"elliptic", "linear", "spd"})
    takes_start = True

    def __init__(
        self,
        *,
        rtol: float = 1e-8,
        atol: float = 0.0,
        max_steps: int | None = None,
        grid_factor: float = 1.0,
        project_rhs: bool = False,
        name: str = "",
    ) -> None:
        self.stop = Stop(rtol=rtol, atol=atol, max_steps=max_steps)
        if not (isinstance(grid_factor, int | float) and 0 < grid_factor <= 1 and math.log2(grid_factor).is_integer()):
            raise BadInput.of("grid_factor of a solver.", found=repr(grid_factor), allowed="1, 0.5, 0.25, ...")
        if not isinstance(project_rhs, bool):
            raise BadInput.of("project_rhs of a solver.", found=repr(project_rhs), allowed="true, false")
        self.grid_factor, self.project_rhs = float(grid_factor), project_rhs
        self.name = name or type(self).__name__
        self.problem: Elliptic | None = None
        self._kept: tuple[Any, Any] | None = None

    @abstractmethod
    def set_up(self, operator: Any, singular: bool) -> Any:
        """What depends on the operator and serves many right-hand sides: hierarchy, factors, eigenvalues."""

    @abstractmethod
    def run(self, system: System, ready: Any, x0: np.ndarray | None) -> Solution:
        """Solve one system with what `set_up` returned."""

    def prepare(self, problem: Any) -> EllipticSolver:
        """Return self, ready for a problem. Raises BadInput where the problem lacks what the method needs."""
        missing = sorted(self.traits - getattr(problem, "traits", frozenset()))
        if not isinstance(problem, Elliptic) or missing:
            raise BadInput.of(
                f"solver {self.name!r} cannot serve problem {getattr(problem, 'name', problem)!r}.",
                found=f"the problem is not {', '.join(missing)}" if missing else "it is not elliptic",
                hint="`pdekit list solvers` shows what each solver asks of a problem",
            )
        self.problem, self._kept = problem, None
        return self

    def solve(self, instances: Instances, x0: np.ndarray | None = None) -> Solution:
        """Answer all cases; x0 (n, *points) is a start. Failures are statuses. Raises SolveError before
        `prepare`, BadInput on a start that cannot be used."""
        if self.problem is None:
            raise SolveError(f"solver {self.name!r} was asked to solve before `prepare(problem)`")
        if len(instances) == 0:
            raise BadInput.of(f"solver {self.name!r} was given no samples.", found="0", allowed="at least one")
        if x0 is not None and (self.grid_factor != 1.0 or not self.takes_start):
            why = f"grid_factor = {self.grid_factor}" if self.takes_start else "a method without iteration"
            raise BadInput.of(f"solver {self.name!r} cannot use a start.", found=why, hint="leave x0 out")
        started = perf_counter()
        coarse = instances if self.grid_factor == 1.0 else self.problem.regrid(instances, self.grid_factor)
        shared = (perf_counter() - started) / len(instances)
        solutions = []
        for i, case in enumerate(coarse.cases()):
            start = None if x0 is None else np.asarray(x0[i], np.float64)[coarse.grid.unknown]
            solutions.append(self._one(case, start, instances.grid, shared))
        batch = stack(solutions)
        return Solution(**{**vars(batch), "values": {self.problem.outputs[0].name: batch.values}})

    def _one(self, case: Instances, x0: np.ndarray | None, target: Any, shared: float) -> Solution:
        problem = self.problem
        assert problem is not None
        started = perf_counter()
        operator, b = problem.assemble(case)
        system = System(operator, b)
        if not system.finite:
            return self._refused(target, Status.NONFINITE_INPUT)
        if (
            not system.definite and "spd" in self.traits | problem.traits
        ):  # promised by the problem, or asked by the method
            return self._refused(target, Status.INDEFINITE_OPERATOR)
        constant = "constant-coefficient" in problem.traits and not case.parameters
        if constant and self._kept is not None and self._kept[0] == case.grid:
            ready = self._kept[1]
        else:
            ready = self.set_up(operator, system.singular)
            self._kept = (case.grid, ready) if constant else None
        ready_at = perf_counter()
        note = _balance(system, case)
        solution = self.run(system, ready, x0)
        solution.info.update(note)
        u = problem.embed(case, solution.values)
        if target.points != case.grid.points:
            varying = [name.removeprefix("boundary_") for name in case.fields if name.startswith("boundary_")]
            u = interpolate(u, case.grid, target, varying)
        seconds = perf_counter() - ready_at + shared
        return Solution(**{**vars(solution), "values": u, "seconds": seconds, "setup_seconds": ready_at - started})

    def _refused(self, target: Any, status: Status) -> Solution:
        return Solution(
            values=np.full(target.points, math.nan),
            status=status,
            residuals=np.array([math.nan]),
            info={"method": self.name},
        )


def _balance(system: System, case: Instances) -> dict[str, Any]:
    """Take out of b what the rounding of its stored fields put in where A is singular; a note where that was done.

    Sources that sum to zero do so to eps of the type they are stored in; b itself is in float64 always.
    """
    if not system.singular or system.compatible():
        return {}
    eps = max((float(np.finfo(a.dtype).eps) for a in case.fields.values() if a.dtype.kind == "f"), default=0.0)
    incompatible = system.incompatible()
    if not incompatible <= ROUNDED * eps:
        return {}
    system.project_rhs()
    return {"balanced": f"the inputs balance to {incompatible:.1e}, as stored; that part of the source was taken out"}
