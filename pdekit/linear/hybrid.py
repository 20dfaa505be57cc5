"""A solver's answer as the start of an iteration: the speed of a network with the guarantee of a classical method.

The answer is corrected until the residual meets the tolerance, so a bad guess costs iterations and never accuracy. What a
guess saves is bounded: an iteration that gains a digit in k steps saves k steps for every correct digit of the residual, and
the residual of a network's answer is often far larger than its error (it is rough where the operator amplifies).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from pdekit.errors import BadInput
from pdekit.registry import build_solver, load_solver, read_card, solver_class
from pdekit.solution import Solution
from pdekit.solver import Instances, Solver


class Hybrid:
    """A Solver made of two: `guess` answers first, `solver` goes on from there.

    guess    run folder of a trained network (or a card of a classical solver)
    solver   card of an iterative solver that takes a start
    rtol, max_steps   of that solver
    """

    traits: frozenset[str] = frozenset({"elliptic", "linear", "spd"})

    def __init__(
        self,
        *,
        guess: str = "",
        solver: str = "pcg-multigrid",
        rtol: float = 1e-8,
        max_steps: int | None = None,
        name: str = "",
    ) -> None:
        if not guess:
            raise BadInput.of(
                f"solver {name!r} needs an answer to start from.",
                allowed="the run folder of a trained network",
                hint="--set settings.guess=runs/fno; in a plan: guess = the name of a learned solver of the plan",
            )
        if not getattr(solver_class(read_card(solver)), "takes_start", False):
            raise BadInput.of(f"solver {solver!r} takes no start.", allowed="an iterative solver, e.g. 'pcg-multigrid'")
        changes = {"settings.rtol": rtol, "settings.max_steps": max_steps}
        card = read_card(solver, {key: value for key, value in changes.items() if value is not None})
        self.name, self.first, self.second = name or f"{guess}+{solver}", load_solver(guess), build_solver(card, solver)

    @classmethod
    def of(cls, first: Solver, second: Solver, name: str) -> Hybrid:
        """A hybrid of two solvers that are there already. Raises BadInput where `second` cannot go on from a start."""
        check_corrector(second, name)
        hybrid = cls.__new__(cls)
        hybrid.name, hybrid.first, hybrid.second = name, first, second
        return hybrid

    @property
    def network(self) -> Any:
        """The network of the first solver; None where it has none."""
        return getattr(self.first, "network", None)

    def prepare(self, problem: Any) -> Hybrid:
        """Return self, both solvers ready for a problem. Raises BadInput where it evolves in time, or one cannot serve it."""
        check_steady(problem, self.name)
        self.first.prepare(problem)
        self.second.prepare(problem)
        return self

    def solve(self, instances: Instances) -> Solution:
        """The second solver's answer from the first one's; seconds of both.

        A sample whose guess is not finite starts from zero; info counts them. Raises BadInput on cases in time and on a guess
        of another field or shape, as of a network that learned from other data.
        """
        if instances.times is not None:
            raise _evolves(self.name, f"{len(instances.times)} instants")
        guess = self.first.solve(instances)
        start = self._start(guess, instances)
        sound = np.isfinite(start).reshape(len(start), -1).all(axis=1)
        start[~sound] = 0.0
        solution = self.second.solve(instances, x0=start)  # pyright: ignore[reportCallIssue]
        return replace(
            solution,
            seconds=solution.seconds + guess.seconds,
            setup_seconds=solution.setup_seconds + guess.setup_seconds,
            info={
                **solution.info,
                "guess_seconds": guess.seconds,
                "guess_steps": guess.steps,
                "guess_left_out": int((~sound).sum()),
            },
        )

    def _start(self, guess: Solution, instances: Instances) -> np.ndarray:
        """(n, *points) in float64, a copy: what the guess says of the field that is asked for."""
        problem: Any = getattr(self.second, "problem", None)
        asked = problem.outputs[0].name if problem is not None else next(iter(guess.values))
        if asked not in guess.values:
            raise BadInput.of(
                f"solver {self.name!r} starts from a guess of another field.",
                found=", ".join(guess.values),
                allowed=asked,
                hint="train the network on data of this problem",
            )
        start = np.array(guess.values[asked], dtype=np.float64)
        wanted = (len(instances), *instances.grid.points)
        if start.shape != wanted:
            raise BadInput.of(
                f"solver {self.name!r} starts from a guess of another shape.",
                found=f"{asked} of shape {start.shape}",
                allowed=f"{wanted}: samples, then the points of the grid",
                hint="train the network on data of this grid",
            )
        return start


def check_steady(problem: Any, name: str) -> None:
    """Raise BadInput where a hybrid is asked for an evolution: no network here answers trajectories."""
    if "evolution" in getattr(problem, "traits", ()):
        raise _evolves(name, f"problem {problem.name!r}")


def check_corrector(solver: Any, name: str) -> None:
    """Raise BadInput where a solver would not go on from a start, or would ask more of a better one."""
    factor, stop = getattr(solver, "grid_factor", 1.0), getattr(solver, "stop", None)
    if not getattr(solver, "takes_start", False):
        found = "a solver that takes no start"
    elif factor != 1.0:
        found = f"grid_factor = {factor}: its iteration runs on another grid than the start"
    elif getattr(stop, "relative_to", "b") != "b":
        found = "relative_to = 'r0': the better the start, the more would be asked of the answer"
    else:
        return
    raise BadInput.of(
        f"solver {name!r} cannot be corrected by {getattr(solver, 'name', solver)!r}.",
        found=found,
        allowed="an iterative solver on the grid of the data, e.g. 'pcg-multigrid'",
    )


def _evolves(name: str, found: str) -> BadInput:
    return BadInput.of(
        f"solver {name!r} answers steady problems only, and this one evolves in time.",
        found=found,
        hint="'crank-nicolson' has starts of its own: settings.start = previous, extrapolated or zero",
    )
