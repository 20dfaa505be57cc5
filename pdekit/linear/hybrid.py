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
        """A hybrid of two solvers that are there already."""
        hybrid = cls.__new__(cls)
        hybrid.name, hybrid.first, hybrid.second = name, first, second
        return hybrid

    @property
    def network(self) -> Any:
        """The network of the first solver; None where it has none."""
        return getattr(self.first, "network", None)

    def prepare(self, problem: Any) -> Hybrid:
        """Return self, both solvers ready for a problem. Raises BadInput where one cannot serve it."""
        self.first.prepare(problem)
        self.second.prepare(problem)
        return self

    def solve(self, instances: Instances) -> Solution:
        """The second solver's answer from the first one's; seconds of both, a guess that is not finite is left out."""
        guess = self.first.solve(instances)
        (start,) = guess.values.values()
        start = np.asarray(start, dtype=np.float64)
        sound = np.isfinite(start).reshape(len(start), -1).all(axis=1)
        start[~sound] = 0.0
        solution = self.second.solve(instances, x0=start)  # pyright: ignore[reportCallIssue]
        return replace(
            solution,
            seconds=solution.seconds + guess.seconds,
            setup_seconds=solution.setup_seconds + guess.setup_seconds,
            info={**solution.info, "guess_seconds": guess.seconds, "guess_left_out": int((~sound).sum())},
        )
